"""A snapshot that others can check: one line of 64 digits for all balances of a frame."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helius_frames.analysis._coverage import as_text
from helius_frames.analysis._schema import Coded, pair_keys, read_columns, with_rows
from helius_frames.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from helius_frames.analysis._exact import I64

_BLOCK: Final = 1 << 16  # lines written at once
_NOT_BASE58: Final = "[^1-9A-HJ-NP-Za-km-z]"


def fingerprint(frame: pd.DataFrame) -> str:
    r"""Return the SHA-256 of a frame's balances, the same on every machine and in any order of rows.

    What is hashed is a text that anybody can write with other tools. It has one line for each row, zeros
    included, in UTF-8: owner, mint and balance in base units, with commas between and a line feed behind,

        ``9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin,EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v,1000000``

    and the lines are sorted by their bytes. So a CSV file of these three columns without its header, sent
    through ``LC_ALL=C sort | sha256sum``, gives the same. Slots, other columns, dtypes, attrs and owners
    without rows change nothing; a single unit more or less does.

    Returns
    -------
    64 hexadecimal digits.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        An owner or a mint is not base58, or the balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import fingerprint
    >>> df = helius_frames.read_helius_balances(demo.OWNERS[:9], cluster="demo")
    >>> fingerprint(df) == fingerprint(df.sample(frac=1))
    True
    >>> import hashlib
    >>> text = df[["owner", "mint", "balance"]].to_csv(index=False, header=False, lineterminator="\n")
    >>> lines = "".join(sorted(text.splitlines(keepends=True)))
    >>> hashlib.sha256(lines.encode()).hexdigest() == fingerprint(df)
    True
    """
    columns = read_columns(frame)
    owners, mints = with_rows(columns.owners), with_rows(columns.mints)
    owner_names, owner_ranks = _ranked("owner", owners)
    mint_names, mint_ranks = _ranked("mint", mints)
    # A comma sorts before every digit of base58, so the lines sort as their owners and mints do.
    keys = pair_keys(owner_ranks[owners.codes], mint_ranks[mints.codes], max(len(mint_names), 1))
    order = np.argsort(keys)
    digest = hashlib.sha256()
    for start in range(0, len(order), _BLOCK):
        rows = order[start : start + _BLOCK]
        lines = pc.binary_join_element_wise(
            owner_names.take(pa.array(owners.codes[rows])),
            mint_names.take(pa.array(mints.codes[rows])),
            pa.array(columns.balances[rows]).cast(pa.large_string()),
            pa.scalar(",", pa.large_string()),
        )
        text = pc.binary_join_element_wise(lines, pa.scalar("", lines.type), pa.scalar("\n", lines.type))
        _, offsets, data = text.buffers()
        end = int(np.frombuffer(offsets, dtype=np.int64)[len(text)])
        digest.update(memoryview(data)[:end])
    return digest.hexdigest()


def _ranked(kind: str, column: Coded) -> tuple[pa.LargeStringArray, I64]:
    """Return names as Arrow text, and the rank of each by its bytes."""
    names = as_text(column.names)
    if pc.any(pc.match_substring_regex(names, _NOT_BASE58)).as_py():
        raise InputError(f"every {kind} must be an address in base58 for a fingerprint")
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[pc.sort_indices(names).to_numpy()] = np.arange(len(names))
    return names, ranks
