"""Rows to the frame: the one schema, built once at the end.

It may import `_intern`, `pubkey` and `_walk`; third party: pandas, numpy, pyarrow. One row per
(owner, mint), owners in the order given, then mints in ascending byte order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from helius_frames._intern import MintCodes
from helius_frames._protocol import pubkey
from helius_frames._walk import Rows, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from helius_frames._wire import Page

COLUMNS: Final = ("owner", "mint", "balance", "slot")
DtypeBackend = Literal["numpy_nullable", "pyarrow"]

_TEXT: Final = pd.StringDtype(storage="pyarrow", na_value=np.nan)
# Keys turned into text at once: the mask of a block stays below three megabytes.
_BLOCK: Final = 1 << 16


def failures_frame(failures: str) -> pd.DataFrame:
    """Frame of the failures that a pull's metadata lists as JSON: one row per owner that failed."""
    listed = pd.DataFrame(json.loads(failures), columns=["owner", "page", "kind", "message"])
    return listed.astype({"owner": _TEXT, "page": "Int64", "kind": _TEXT, "message": _TEXT})


@dataclass(slots=True)
class FrameBuilder:
    """Columns of what has arrived, twelve bytes a row, until `frame` turns them into the frame."""

    owners: Sequence[str]
    drop_zero: bool = False
    dtype_backend: DtypeBackend | None = None
    rows: int = 0
    _mints: MintCodes = field(default_factory=MintCodes)
    _parts: list[_Part] = field(default_factory=list)

    def add(self, index: int, rows: Rows) -> None:
        """Take over rows of one owner; what is added of one owner comes in its order."""
        if self.drop_zero:
            rows = without_zeros(rows)
        codes = self._mints.add(rows.mints)
        self._parts.append(_Part(index, codes, rows.balances, rows.slots, rows.runs))
        self.rows += len(rows)

    def add_page(self, index: int, page: Page) -> None:
        """Take one page of one owner."""
        self.add(index, join([page]))

    def frame(self) -> pd.DataFrame:
        """Build the frame and empty the builder."""
        parts = sorted(self._parts, key=lambda part: part.index)
        self._parts = []
        keys, ranks = self._mints.ranks()
        columns = _columns_of(parts, ranks.astype(_code_dtype(len(keys)), copy=False), len(self.owners))
        owners = _categorical(columns.owners, pd.Index(list(self.owners), dtype=_TEXT))
        mints = _categorical(columns.mints, _text_index(keys))
        series = {"owner": owners, "mint": mints, "balance": columns.balances, "slot": columns.slots}
        return _with_backend(pd.DataFrame(series, copy=False), self.dtype_backend)


@dataclass(slots=True)
class _Part:
    index: int
    codes: NDArray[np.int32]
    balances: NDArray[np.uint64]
    slots: NDArray[np.int64]
    runs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)


class _Columns(NamedTuple):
    owners: NDArray[np.signedinteger]
    mints: NDArray[np.signedinteger]
    balances: NDArray[np.uint64]
    slots: NDArray[np.int64]


def _columns_of(parts: list[_Part], ranks: NDArray[np.signedinteger], n_owners: int) -> _Columns:
    """Columns of the parts, each let go of when it is copied, so that two copies never stand whole."""
    end = sum(map(len, parts))
    dtypes = (_code_dtype(n_owners), ranks.dtype, np.uint64, np.int64)
    columns = _Columns(*(np.empty(end, dtype=dtype) for dtype in dtypes))
    while parts:  # from the last one back, so that the allocator can return what is freed
        part = parts.pop()
        rows = slice(end - len(part), end)
        columns.owners[rows] = part.index
        columns.mints[rows] = ranks[part.codes]
        columns.balances[rows] = part.balances
        columns.slots[rows] = np.repeat(part.slots, part.runs)
        end = rows.start
    return columns


def without_zeros(rows: Rows) -> Rows:
    """Rows without those of balance 0, which Photon keeps for mints that were spent out."""
    keep = rows.balances > 0
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    ends = np.cumsum(rows.runs)
    runs = np.diff(kept_before[np.concatenate([[0], ends])])
    return Rows(rows.mints[keep], rows.balances[keep], rows.slots, runs)


def _code_dtype(categories: int) -> np.dtype[np.signedinteger]:
    """Smallest dtype for the codes, as pandas itself chooses it."""
    return next(np.dtype(kind) for kind in (np.int8, np.int16, np.int32) if categories <= np.iinfo(kind).max)


def _text_index(keys: pubkey.Keys) -> pd.Index:
    """Text of the keys, moved together within their own buffer: a text is never longer than its key."""
    if not keys.flags.owndata:
        keys = keys.copy()
    data = keys.view(np.uint8)
    offsets = np.zeros(len(keys) + 1, dtype=np.int64)
    for start in range(0, len(keys), _BLOCK):
        text, ends = pubkey.texts(keys[start : start + _BLOCK])
        begin = offsets[start]
        data[begin : begin + len(text)] = text
        offsets[start + 1 : start + len(ends)] = begin + ends[1:]
    buffers = pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]])
    text = pa.chunked_array([pa.LargeStringArray.from_buffers(len(keys), *buffers)])
    array: Any = pd.arrays.ArrowStringArray  # pandas-stubs knows no dtype argument
    index: pd.Index = pd.Index(array(text, dtype=_TEXT))
    return index


def _categorical(codes: NDArray[np.generic], categories: pd.Index) -> pd.Categorical:
    """Categorical of codes known to be good, without pandas proving again that categories are unique."""
    from_codes: Any = pd.Categorical.from_codes  # pandas-stubs ties the codes to the categories' type
    column: pd.Categorical = from_codes(codes, dtype=_category_dtype(categories), validate=False)
    return column


def _category_dtype(categories: pd.Index) -> pd.CategoricalDtype:
    fast = getattr(pd.CategoricalDtype, "_from_fastpath", pd.CategoricalDtype)
    dtype: pd.CategoricalDtype = fast(categories, ordered=False)
    return dtype


def _with_backend(frame: pd.DataFrame, backend: DtypeBackend | None) -> pd.DataFrame:
    if backend is None:
        return frame
    if backend == "numpy_nullable":
        return frame.astype({"balance": "UInt64", "slot": "Int64"})
    text = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    columns = {name: _dictionary(frame[name]) for name in ("owner", "mint")}
    numbers = {"balance": pd.ArrowDtype(pa.uint64()), "slot": pd.ArrowDtype(pa.int64())}
    whole = {name: frame[name].astype(dtype) for name, dtype in numbers.items()}
    return pd.DataFrame({name: pd.Series(column, dtype=text) for name, column in columns.items()} | whole)


def _dictionary(column: pd.Series) -> pd.api.extensions.ExtensionArray:
    codes = pa.array(column.cat.codes.to_numpy().astype(np.int32))
    values = pa.array(column.cat.categories, type=pa.string())
    return pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.DictionaryArray.from_arrays(codes, values)]))
