"""The four columns of a balance frame as plain arrays, whatever dtypes carry them.

Categories, text, nullable and Arrow columns all become integer codes with their distinct names, and
exact 64-bit integers. What cannot be exact (floats, missing values, negative balances) is refused
here, so no later step has to look again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from helius_frames.errors import InputError

if TYPE_CHECKING:
    from helius_frames.analysis._exact import I64, U64, Flags

COLUMNS = ("owner", "mint", "balance", "slot")
Codes: TypeAlias = NDArray[np.signedinteger[Any]]

_RADIX_BITS = 16  # numpy's stable sort is a radix sort up to this width, five times faster than above it
_RADIX = 1 << _RADIX_BITS
_COLUMNS_SHOWN = 20
_SLOT_MAX = np.iinfo(np.int64).max


class Coded(NamedTuple):
    """Column of names as codes: row ``i`` holds ``names[codes[i]]``."""

    names: pd.Index
    codes: Codes


_NOTHING = Coded(pd.Index([], dtype="str"), np.empty(0, dtype=np.int64))


class Columns(NamedTuple):
    """The columns of a balance frame."""

    owners: Coded
    mints: Coded
    balances: U64
    slots: I64


def check_schema(frame: pd.DataFrame) -> None:
    """Check that a frame has the columns ``owner``, ``mint``, ``balance`` and ``slot``, each once.

    Further columns are fine and ride along.

    Raises
    ------
    AttributeError
        A column is missing or is there twice; the message names it and lists what is there.
    """
    found = [name for name in frame.columns if isinstance(name, str)]
    missing = [name for name in COLUMNS if name not in found]
    doubled = [name for name in COLUMNS if found.count(name) > 1]
    if not missing and not doubled:
        return
    there = ", ".join(map(repr, frame.columns[:_COLUMNS_SHOWN])) or "no columns"
    more = ", …" if len(frame.columns) > _COLUMNS_SHOWN else ""
    if missing:
        raise AttributeError(
            f"not a balance frame: column {', '.join(map(repr, missing))} is missing, there is "
            f"{there}{more}; name the columns {', '.join(COLUMNS)}"
        )
    raise AttributeError(
        f"not a balance frame: there is more than one column {', '.join(map(repr, doubled))} among "
        f"{there}{more}; keep one of each"
    )


def read_columns(frame: pd.DataFrame) -> Columns:
    """Return the columns of a frame whose (owner, mint) pairs are all different."""
    check_schema(frame)
    frame = native(frame)
    columns = Columns(
        code_names(frame["owner"]),
        code_names(frame["mint"]),
        balance_values(frame["balance"]),
        slot_values(frame["slot"]),
    )
    _check_pairs(columns)
    return columns


def balance_values(column: pd.Series) -> U64:
    """Return the balances as uint64."""
    values = _integers(column)
    if np.issubdtype(values.dtype, np.signedinteger) and len(values) and values.min() < 0:
        raise InputError(f"column 'balance' holds {values.min()}: a balance is never negative")
    return values.astype(np.uint64, copy=False)


def slot_values(column: pd.Series) -> I64:
    """Return the slots as int64."""
    values = _integers(column)
    if np.issubdtype(values.dtype, np.unsignedinteger) and len(values) and values.max() > _SLOT_MAX:
        raise InputError(f"column 'slot' holds {values.max()}: a slot is below 2^63")
    return values.astype(np.int64, copy=False)


def code_names(column: pd.Series) -> Coded:
    """Return a column of names as codes; the names of a categorical column include those without rows."""
    if not is_text(column):
        raise InputError(
            f"column {column.name!r} is {column.dtype}: it must hold addresses, as text or as categories"
        )
    coded = _codes(column)
    if len(coded.codes) and coded.codes.min() < 0:
        raise InputError(
            f"column {column.name!r} has no value in row {int(coded.codes.argmin())}: drop such rows"
        )
    return coded


def group_order(codes: Codes, groups: int) -> I64:
    """Return the places of the rows sorted by group; within a group they keep their order."""
    if _ascending(codes):
        return np.arange(len(codes))
    if groups <= _RADIX:
        return np.argsort(codes.astype(np.uint16), kind="stable")
    order = np.argsort(codes.astype(np.uint32).astype(np.uint16), kind="stable")
    upper = (codes[order].astype(np.int64) >> _RADIX_BITS).astype(np.uint16)
    return order[np.argsort(upper, kind="stable")]


def group_edges(codes: Codes, groups: int) -> I64:
    """Find where the rows of each group begin once they are sorted by group, and at last their number."""
    edges = np.zeros(groups + 1, dtype=np.int64)
    np.cumsum(np.bincount(codes, minlength=groups), out=edges[1:])
    return edges


def pair_keys(owners: Codes, mints: Codes, mint_count: int) -> I64:
    """Return one number per (owner, mint) pair, ascending by owner, then by mint."""
    keys = owners.astype(np.int64)
    keys *= mint_count
    keys += mints
    return keys


def _check_pairs(columns: Columns) -> None:
    mints = columns.mints
    keys = pair_keys(columns.owners.codes, mints.codes, len(mints.names))
    if _strictly_ascending(keys):  # as the reader delivers them
        return
    keys.sort()
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    if not len(twice):
        return
    owner, mint = divmod(int(keys[twice[0]]), len(mints.names))
    raise InputError(
        f"{len(twice)} (owner, mint) pairs are in the frame more than once, such as owner "
        f"{columns.owners.names[owner]!r} with mint {mints.names[mint]!r}: they would count twice. "
        "After a concat of pulls, keep the newest: "
        "frame.sort_values('slot').drop_duplicates(['owner', 'mint'], keep='last')"
    )


def _strictly_ascending(keys: I64) -> bool:
    return bool((keys[1:] > keys[:-1]).all())


def _ascending(codes: Codes) -> bool:
    return bool((codes[1:] >= codes[:-1]).all())


def native(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with numbers in this machine's byte order: pandas selects no rows of others."""
    swapped = {
        name: dtype.newbyteorder("=")
        for name, dtype in frame.dtypes.items()
        if isinstance(dtype, np.dtype) and not dtype.isnative
    }
    return frame.astype(swapped) if swapped else frame


def is_text(values: pd.Series | pd.Index) -> bool:
    """Return whether a column holds text, as it is or as categories."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return is_text(dtype.categories)
    if isinstance(dtype, pd.StringDtype) or not len(values):
        return True
    if isinstance(dtype, pd.ArrowDtype):
        kind = dtype.pyarrow_dtype
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    kind = pd.api.types.infer_dtype(values, skipna=True) if dtype.kind == "O" else ""
    return kind in ("string", "empty")


def _codes(column: pd.Series) -> Coded:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Coded(column.cat.categories, column.array.codes)
    if isinstance(column.dtype, pd.ArrowDtype) and pa.types.is_dictionary(column.dtype.pyarrow_dtype):
        return _dictionary_codes(column)
    if not len(column):  # of whatever dtype
        return _NOTHING
    codes, names = pd.factorize(column)
    return Coded(pd.Index(names), codes.astype(np.int64))


def _dictionary_codes(column: pd.Series) -> Coded:
    chunks = pa.chunked_array(column).unify_dictionaries()
    if not chunks.num_chunks:
        return _NOTHING
    codes = [chunk.indices.fill_null(-1).to_numpy() for chunk in chunks.chunks]
    entries, names = pd.factorize(pd.Series(chunks.chunk(0).dictionary.to_pandas()))
    return Coded(pd.Index(names), np.append(entries, -1)[np.concatenate(codes)])


def _integers(column: pd.Series) -> NDArray[np.integer]:
    if not len(column):
        return np.empty(0, dtype=np.int64)
    if not pd.api.types.is_integer_dtype(column.dtype):
        raise InputError(
            f"column {column.name!r} is {column.dtype}, not an integer dtype, so it is not exact: read it as "
            "uint64 (balances) or int64 (slots), and concatenate no frames with missing values"
        )
    if column.hasnans:
        row = int(column.isna().to_numpy().argmax())
        raise InputError(f"column {column.name!r} has no value in row {row}: drop such rows")
    return column.to_numpy(dtype=_numpy_dtype(column))


def _numpy_dtype(column: pd.Series) -> np.dtype[np.integer]:
    unsigned = pd.api.types.is_unsigned_integer_dtype(column.dtype)
    return np.dtype(np.uint64 if unsigned else np.int64)


def present(codes: Codes, names: int) -> Flags:
    """Return which names have a row."""
    there = np.zeros(names, dtype=bool)
    there[codes] = True
    return there


def with_rows(column: Coded) -> Coded:
    """Leave out the names without rows."""
    there = present(column.codes, len(column.names))
    return Coded(column.names[there], (np.cumsum(there) - 1)[column.codes])
