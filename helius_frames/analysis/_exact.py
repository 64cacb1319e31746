"""Exact integers wider than 64 bits, in columns: the arithmetic below the analysis.

A balance fits 64 bits, a sum of balances does not. A `Wide` column keeps each number in two words, as
128-bit two's complement: no step wraps silently, goes through a float or makes a Python object per row.
It is also how Arrow stores ``decimal128``, so a column is turned into decimals without a conversion.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from helius_frames.errors import InputError

U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]
F64: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

DIGITS = 38  # the most a decimal128 holds
_ARROW = {"int64": pa.int64(), "uint64": pa.uint64(), "float64": pa.float64()}
_WORD = 64
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFF_FFFF)


class Wide(NamedTuple):
    """Column of 128-bit signed integers: ``high * 2**64 + low``."""

    low: U64
    high: I64

    def at(self, places: I64 | slice) -> Wide:
        """Return the numbers at these places."""
        return Wide(self.low[places], self.high[places])


def widen(balances: U64) -> Wide:
    """Spread 64-bit numbers over two words."""
    return Wide(balances, np.zeros(len(balances), dtype=np.int64))


def running(balances: U64) -> Wide:
    """Add up the first 0, 1, … n numbers."""
    low = np.zeros(len(balances) + 1, dtype=np.uint64)
    np.cumsum(balances, out=low[1:])
    high = np.zeros(len(low), dtype=np.int64)
    np.cumsum(low[1:] < low[:-1], out=high[1:])  # the low word became smaller: it wrapped, once
    return Wide(low, high)


def plus(a: Wide, b: Wide) -> Wide:
    """Return the sum, number by number."""
    low = a.low + b.low
    return Wide(low, a.high + b.high + (low < a.low))


def minus(a: Wide, b: Wide) -> Wide:
    """Return the difference ``a - b``, number by number."""
    return Wide(a.low - b.low, a.high - b.high - (a.low < b.low))


def times(a: U64, b: U64) -> Wide:
    """Return the product of unsigned 64-bit numbers, below 2**127."""
    a_high, a_low = a >> _HALF, a & _LOW_HALF
    b_high, b_low = b >> _HALF, b & _LOW_HALF
    middle = a_high * b_low + (a_low * b_low >> _HALF)
    carried = a_low * b_high + (middle & _LOW_HALF)
    high = a_high * b_high + (middle >> _HALF) + (carried >> _HALF)
    return Wide(a * b, high.astype(np.int64))


def below(a: Wide, b: Wide) -> Flags:
    """Return where ``a < b``."""
    less: Flags = (a.high < b.high) | ((a.high == b.high) & (a.low < b.low))
    return less


def as_floats(wide: Wide) -> F64:
    """Return the nearest floats, to within one unit in the last place."""
    return wide.high.astype(np.float64) * 2.0**_WORD + wide.low.astype(np.float64)


def as_ints(wide: Wide) -> list[int]:
    """Return the numbers as Python integers."""
    return [(high << _WORD) + low for low, high in zip(wide.low.tolist(), wide.high.tolist(), strict=True)]


def integer_objects(wide: Wide, *, missing: Flags | None = None) -> NDArray[np.object_]:
    """Return the numbers as Python integers, which never wrap; ``pd.NA`` where ``missing``."""
    numbers = np.array(as_ints(wide), dtype=np.object_)
    if missing is not None:
        numbers[missing] = pd.NA
    return numbers


def check_backend(dtype_backend: str | None) -> None:
    """Raise unless the backend is Arrow's, or none."""
    if dtype_backend not in (None, "pyarrow"):
        raise InputError(f"dtype_backend must be 'pyarrow' or None, got {dtype_backend!r}")


def as_arrow(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with Arrow dtypes; integers as objects, which may exceed 64 bits, become decimals."""
    kinds = {
        name: pa.decimal128(DIGITS, 0) if dtype == "object" else _ARROW[str(dtype).lower()]
        for name, dtype in table.dtypes.items()
    }
    return table.astype({name: pd.ArrowDtype(kind) for name, kind in kinds.items()})


def as_decimals(
    wide: Wide, *, scale: int = 0, missing: Flags | None = None
) -> pd.api.extensions.ExtensionArray:
    """Return decimal128(38, scale) of the numbers divided by ``10**scale``; null where ``missing``."""
    words = np.column_stack([wide.low, wide.high.view(np.uint64)])
    present = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    kind = pa.decimal128(DIGITS, scale)
    array = pa.Array.from_buffers(kind, len(words), [present, pa.py_buffer(np.ascontiguousarray(words))])
    return pd.arrays.ArrowExtensionArray(array)  # type: ignore[no-any-return, attr-defined, unused-ignore]
