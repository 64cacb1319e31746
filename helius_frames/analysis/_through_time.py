"""One mint over several pulls: who came, who left, and how many of the first holders are still there.

What a pull did not read is kept apart throughout. For each owner the last thing known counts: an owner that
held, was not read in the next pull and holds none in the one after has left in that one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from helius_frames.analysis._coverage import Mints, as_text, coverage, places_among
from helius_frames.analysis._mints import by_mint
from helius_frames.analysis._schema import read_columns
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from helius_frames.analysis._coverage import Coverage
    from helius_frames.analysis._exact import I64, Flags

Pulls: TypeAlias = Sequence[pd.DataFrame] | Mapping[Hashable, pd.DataFrame]

_UNKNOWN, _NONE, _HOLDS = -1, 0, 1


class _Pull(NamedTuple):
    """What one pull says of one mint: a flag for each owner of any pull that holds some."""

    label: Hashable
    holds: Flags
    is_read: Flags


class _Rows(NamedTuple):
    """The rows of one mint in one pull; ``owners`` are places in ``names``."""

    label: Hashable
    table: pd.DataFrame
    names: pd.Index
    owners: I64
    is_holder: Flags
    read: Coverage
    is_known: bool


def timeline(pulls: Pulls, mint: str, *, mints: Mints = None, complete: Mints = None) -> pd.DataFrame:
    """Return how the holders of one mint changed from pull to pull.

    A holder is an owner with a balance above zero. An owner has left only where a pull read it and found
    nothing; one that a pull did not read never counts as left, nor as new when it is read again. The owners
    that a pull read are the categories of its ``owner`` column, or everybody where the pull has every holder
    of the mint.

    Parameters
    ----------
    pulls
        Frames in the order of time: a list, or a mapping whose keys become the index, such as dates.
    mint
        The mint to follow.
    mints, complete
        For frames without attrs: the mints they were asked for, and those of which they have every holder.

    Returns
    -------
    One row per pull; index ``pull``, the keys of the mapping or 0, 1, …:

    - ``slot_first``, ``slot_last``: Int64, missing where the mint has no row
    - ``holders``: int64
    - ``total``: object, Python integers, exact: what they hold together, base units
    - ``gini``: float64, ``nakamoto``: int64, as of `by_mint`; NaN and 0 without holders
    - ``new``: Int64, holders of this pull that were known to hold none, and never seen holding any before
    - ``returned``: Int64, holders that were known to hold none, and had held some earlier
    - ``left``: Int64, owners that were known to hold some, and hold none
    - ``first_read``: int64, holders that no earlier pull had read: new or old, it cannot be said
    - ``not_read``: int64, owners known to hold some that this pull did not read

    ``new``, ``returned`` and ``left`` are missing in the first pull, which has nothing to be compared with.
    Holders and ``not_read`` together are those of the pull before, and ``new``, ``returned`` and
    ``first_read`` more, and ``left`` fewer.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing in one of the frames.
    InputError
        There is no pull, the mint is in none of them, one of them did not ask for the mint, or the balances
        are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import timeline
    >>> first = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> with demo.at("later"):
    ...     later = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> table = timeline({"1 August": first, "15 August": later}, demo.TOKENS[0].mint)
    >>> table["holders"].tolist(), table["left"].tolist()
    ([480, 384], [<NA>, 96])
    """
    rows = _rows_of(pulls, mint, mints=mints, complete=complete)
    lines: list[dict[str, object]] = []
    known: np.ndarray | None = None
    for pull, (holds, is_read) in zip(rows, _flags(rows, mint), strict=True):
        if known is None:
            known, ever = np.full(len(holds), _UNKNOWN, dtype=np.int8), np.zeros(len(holds), dtype=bool)
        had, had_none, is_first = known == _HOLDS, known == _NONE, not lines
        lines.append(
            {
                **_measures(pull, mint),
                "new": pd.NA if is_first else int((holds & had_none & ~ever).sum()),
                "returned": pd.NA if is_first else int((holds & had_none & ever).sum()),
                "left": pd.NA if is_first else int((had & is_read & ~holds).sum()),
                "first_read": int((holds & (known == _UNKNOWN)).sum()),
                "not_read": int((had & ~is_read).sum()),
            }
        )
        known[is_read] = holds[is_read]
        ever |= holds
    table = pd.DataFrame(lines, index=pd.Index([pull.label for pull in rows], name="pull"))
    whole = dict.fromkeys(("slot_first", "slot_last", "new", "returned", "left"), "Int64")
    return table.astype({**whole, "total": object, "gini": "float64", "nakamoto": "int64"})


def cohorts(pulls: Pulls, mint: str, *, mints: Mints = None, complete: Mints = None) -> pd.DataFrame:
    """Return how many of the holders of each pull hold in each later one.

    The arguments are those of `timeline`.

    Returns
    -------
    One row per pull and pull from it on, in their order:

    - ``pull``, ``later``: the labels of the two
    - ``holders``: int64, the holders of ``pull``
    - ``held``: int64, of these, those that hold in ``later``, without a break or again
    - ``left``: int64, of these, those that ``later`` read and that hold none
    - ``not_read``: int64, of these, those that ``later`` did not read
    - ``share``: float64, ``held`` by those that were read; NaN where nobody was

    ``held``, ``left`` and ``not_read`` add up to ``holders``.

    Raises
    ------
    AttributeError, InputError
        As of `timeline`.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import cohorts
    >>> first = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> with demo.at("later"):
    ...     later = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> cohorts([first, later], demo.TOKENS[0].mint)["share"].tolist()
    [1.0, 0.8, 1.0]
    """
    rows = _rows_of(pulls, mint, mints=mints, complete=complete)
    flags = _flags(rows, mint)
    lines = []
    for place, pull in enumerate(rows):
        members = flags[place][0]
        for later, (holds, is_read) in zip(rows[place:], flags[place:], strict=True):
            held, left = int((members & holds).sum()), int((members & is_read & ~holds).sum())
            lines.append(
                {
                    "pull": pull.label,
                    "later": later.label,
                    "holders": int(members.sum()),
                    "held": held,
                    "left": left,
                    "not_read": int((members & ~is_read).sum()),
                    "share": held / (held + left) if held + left else float("nan"),
                }
            )
    return pd.DataFrame(lines)


def _rows_of(pulls: Pulls, mint: str, *, mints: Mints, complete: Mints) -> list[_Rows]:
    """Return the rows of one mint of each pull, and what each pull read."""
    if isinstance(pulls, pd.DataFrame) or not isinstance(pulls, Sequence | Mapping):
        raise InputError(f"pulls must be a list or a mapping of frames, got {type(pulls).__name__}")
    labelled = list(pulls.items() if isinstance(pulls, Mapping) else enumerate(pulls))
    if not labelled:
        raise InputError("pulls must have at least one frame")
    rows = []
    for label, frame in labelled:
        if not isinstance(frame, pd.DataFrame):
            raise InputError(f"pulls must be frames, pull {label!r} is {type(frame).__name__}")
        columns = read_columns(frame)
        read = coverage(frame, columns.owners, mints=mints, complete=complete)
        if not read.is_asked(mint):
            raise InputError(f"pulls must all have asked for the mint, pull {label!r} did not")
        code = int(columns.mints.names.get_indexer(pd.Index([mint]))[0])
        ours = np.flatnonzero(columns.mints.codes == code) if code >= 0 else np.zeros(0, dtype=np.int64)
        rows.append(
            _Rows(
                label=label,
                table=frame.iloc[ours],
                names=columns.owners.names,
                owners=columns.owners.codes[ours].astype(np.int64),
                is_holder=columns.balances[ours] > 0,
                read=read,
                is_known=code >= 0 or read.mints is not None or read.is_complete(mint),
            )
        )
    if not any(pull.is_known for pull in rows):
        raise InputError(f"mint must be in one of the pulls, {mint!r} is in none")
    return rows


def _flags(rows: list[_Rows], mint: str) -> list[tuple[Flags, Flags]]:
    """Flag for each pull who holds and who was read, over all owners that hold in any of them."""
    texts = [as_text(pull.names.take(pull.owners[pull.is_holder])) for pull in rows]
    everybody = pc.unique(pa.chunked_array(texts, type=pa.large_string()))
    flags = []
    for pull in rows:
        places = places_among(everybody, pull.names)
        holds, there = (np.zeros(len(pull.names) + 1, dtype=bool) for _ in range(2))
        holds[pull.owners[pull.is_holder]] = True  # the last place is that of whom the pull does not know
        there[pull.owners] = True
        flags.append((holds[places], there[places] | pull.read.read_at(places, mint)))
    return flags


def _measures(pull: _Rows, mint: str) -> dict[str, object]:
    if not len(pull.table):
        nothing = {"slot_first": pd.NA, "slot_last": pd.NA, "holders": 0, "total": 0}
        return {**nothing, "gini": float("nan"), "nakamoto": 0}
    of_mint, slots = by_mint(pull.table).loc[mint].to_dict(), pull.table["slot"]
    return {
        "slot_first": int(slots.min()),
        "slot_last": int(slots.max()),
        "holders": int(of_mint["holders"]),
        "total": int(of_mint["total"]),
        "gini": float(of_mint["gini"]),
        "nakamoto": int(of_mint["nakamoto"]),
    }
