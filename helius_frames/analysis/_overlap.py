"""Which mints are held by the same people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from helius_frames.analysis._concentration import check_count
from helius_frames.analysis._index import MintIndex, Source
from helius_frames.analysis._labels import Exclude, without_owners
from helius_frames.analysis._schema import Coded, Codes, group_order, read_columns
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from helius_frames.analysis._exact import I64

Overlap: TypeAlias = Literal["common", "jaccard"]

MOST: Final = 500
_CELLS: Final = 1 << 24  # of the table of owners and mints that is worked on at once, a byte each
_WORD: Final = 64
_PAIR: Final = 8  # what counting one pair costs, in words compared


def overlap(
    source: Source,
    mints: Iterable[str] | None = None,
    *,
    measure: Overlap = "common",
    n: int = MOST,
    exclude: Exclude = None,
) -> pd.DataFrame:
    """Return, for each two mints, how many owners hold both.

    Holders are the owners with a balance above zero. The Jaccard index is the share of the owners holding
    either mint that hold both: 1 where the same people hold both, 0 where nobody does.

    Parameters
    ----------
    mints
        Which mints, in this order; by default the ``n`` that most owners hold.
    measure
        ``"common"``: holders in common; ``"jaccard"``: the Jaccard index.
    n
        The most mints, where ``mints`` does not say which.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; see `without_owners`.

    Returns
    -------
    A square and symmetric frame, index and columns ``mint`` (str), most holders first unless ``mints`` says
    otherwise: int64, with the holders of each mint on the diagonal; or float64 in [0, 1], NaN where nobody
    holds either mint.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        One of ``mints`` is not in the frame or is there twice, ``n`` is below 1, ``measure`` is neither
        of the two, or the balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import overlap
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> overlap(df, demo.MINTS[:2]).to_numpy().tolist()
    [[480, 291], [291, 357]]
    """
    check_count(n, "n")
    if measure not in get_args(Overlap):
        raise InputError(f"measure must be 'common' or 'jaccard', got {measure!r}")
    if exclude is not None:
        source = without_owners(source.frame if isinstance(source, MintIndex) else source, exclude)
    columns = source.columns if isinstance(source, MintIndex) else read_columns(source)
    names = columns.mints.names
    held = columns.balances > 0
    owner_codes, mint_codes = columns.owners.codes[held], columns.mints.codes[held]

    counts = np.bincount(mint_codes, minlength=len(names))
    chosen = _chosen(columns.mints, mints)
    if chosen is None:
        most = np.argsort(-counts, kind="stable")[:n]
        chosen = most[counts[most] > 0]
    numbers = np.full(len(names), -1)
    numbers[chosen] = np.arange(len(chosen))
    mint_numbers = numbers[mint_codes] if len(names) else mint_codes
    common = _in_common(owner_codes[mint_numbers >= 0], mint_numbers[mint_numbers >= 0], len(chosen))
    np.fill_diagonal(common, counts[chosen])

    index = pd.Index(names[chosen], dtype="str", name="mint")
    if measure == "common":
        return pd.DataFrame(common, index=index, columns=index)
    either = counts[chosen][:, None] + counts[chosen] - common
    shares = np.full(common.shape, np.nan)
    np.divide(common, either, out=shares, where=either > 0)
    return pd.DataFrame(shares, index=index, columns=index)


def _chosen(column: Coded, mints: Iterable[str] | None) -> I64 | None:
    if mints is None:
        return None
    wanted = [mints] if isinstance(mints, str) else list(mints)
    if len(set(wanted)) < len(wanted):
        raise InputError("mints must be different from each other")
    codes = column.names.get_indexer(pd.Index(wanted, dtype="str")).astype(np.int64)
    if (codes < 0).any():
        unknown = wanted[int((codes < 0).argmax())]
        raise InputError(
            f"mints must be mints of this frame, which has {len(column.names):,}; got {unknown!r}"
        )
    return codes


def _in_common(owners: Codes, mints: I64, size: int) -> I64:
    """Count the owners that hold both of each two mints.

    Only owners of two mints and more count. Where they hold few mints each, their pairs are counted one by
    one; where they hold many, each mint's holders become a row of bits, and two rows are compared 64 owners
    at a time. Both are exact; what takes less work is taken.
    """
    several = np.bincount(owners)[owners] > 1 if len(owners) else np.zeros(0, dtype=bool)
    owners, mints = owners[several], mints[several]
    order = group_order(owners, int(owners.max(initial=0)) + 1)
    mints = mints[order]
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(mints)))
    pairs = int((lengths * (lengths - 1) // 2).sum())
    words = size * size // 2 * len(starts) // _WORD
    if pairs * _PAIR < words:
        common = _by_pairs(mints, np.repeat(np.arange(len(starts)), lengths), size)
    else:
        common = _by_bits(mints, starts, lengths, size)
    return common + common.T


def _by_pairs(mints: I64, owners: I64, size: int) -> I64:
    """Count pairs of rows of one owner: neighbours, then next but one, and so on."""
    common = np.zeros(size * size, dtype=np.int64)
    rows, step = np.arange(len(mints)), 1
    while len(rows):
        rows = rows[rows + step < len(mints)]
        rows = rows[owners[rows] == owners[rows + step]]
        common += np.bincount(mints[rows] * size + mints[rows + step], minlength=size * size)
        step += 1
    return common.reshape(size, size)


def _by_bits(mints: I64, starts: I64, lengths: I64, size: int) -> I64:
    """Compare rows of bits, as many owners at a time as fit the cache."""
    common = np.zeros((size, size), dtype=np.int64)
    block = max(_CELLS // max(size, 1) // _WORD * _WORD, _WORD)
    for first in range(0, len(starts), block):
        some = slice(first, first + block)
        columns = np.repeat(np.arange(len(starts[some])), lengths[some])
        rows = mints[starts[first] : starts[first] + len(columns)]
        flags = np.zeros((size, block), dtype=bool)
        flags[rows, columns] = True
        words: NDArray[np.uint64] = np.packbits(flags, axis=1).view(np.uint64)
        for row in range(size - 1):
            both = np.bitwise_count(words[row] & words[row + 1 :])
            common[row, row + 1 :] += both.sum(axis=1, dtype=np.int64)
    return common
