"""The same balances in other units and in another shape."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from helius_frames.analysis._exact import F64, I64, U64, Flags, as_decimals, times
from helius_frames.analysis._schema import (
    Columns,
    balance_values,
    check_schema,
    code_names,
    group_edges,
    group_order,
    read_columns,
    with_rows,
)
from helius_frames.errors import InputError

_EXACT_DECIMALS = 18  # 20 digits of a u64 and these are all that a decimal128 holds
_MAX_DECIMALS = 255  # decimals are one byte in a mint account
_DENSE_SHARE = 0.25
_UNKNOWN = -1


def with_decimals(
    frame: pd.DataFrame, decimals: int | Mapping[str, int], *, exact: bool = False
) -> pd.DataFrame:
    """Add the column ``ui_balance``: the balance divided by ``10**decimals``.

    ``decimals`` is one number for all mints, or a mapping from mint to number; where the mapping does
    not name a mint, its ``ui_balance`` is missing.

    Returns
    -------
    A new frame with all columns and attrs of this one, and ``ui_balance``: float64 (NaN where missing),
    good for plotting; with ``exact`` decimal128(38, s)[pyarrow], where s is the largest number of
    decimals given, to the last digit.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A number of decimals is not a whole number from 0 to 255 (``exact``: to 18), or a balance is
        missing, negative or no integer.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import with_decimals
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> with_decimals(df, 6, exact=True)["ui_balance"].dtype
    decimal128(38, 6)[pyarrow]
    """
    check_schema(frame)
    balances = balance_values(frame["balance"])
    scale = _largest(decimals)
    places = _places(frame["mint"], decimals)
    column = _exact_amounts(balances, places, scale) if exact else _float_amounts(balances, places)
    return frame.assign(ui_balance=pd.Series(column, index=frame.index))


def pivot(frame: pd.DataFrame, *, sparse: bool | None = None) -> pd.DataFrame:
    """Spread the balances out: one row per owner, one column per mint.

    A pair without a row is 0 here, as a balance of zero is. Owners and mints without rows are left out.

    Parameters
    ----------
    sparse
        Whether only balances above zero are stored; by default where fewer than a quarter of the cells
        have a row.

    Returns
    -------
    Base units; index ``owner``, columns ``mint``, both in the order of the frame, each column uint64 or
    ``Sparse[uint64, 0]``.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A balance is missing, negative or not an integer, or an (owner, mint) pair is there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import pivot
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> pivot(df, sparse=False).shape == (df["owner"].nunique(), df["mint"].nunique())
    True
    """
    columns = read_columns(frame)
    owners, mints = with_rows(columns.owners), with_rows(columns.mints)
    cells = len(owners.names) * len(mints.names)
    if sparse is None:
        sparse = len(columns.balances) < _DENSE_SHARE * cells
    spread = _sparse if sparse else _dense
    table = spread(Columns(owners, mints, columns.balances, columns.slots))
    return table.set_axis(mints.names.rename("mint"), axis="columns")


def check_decimals(decimals: int, most: int = _MAX_DECIMALS) -> None:
    """Raise unless a number is a number of decimals."""
    whole = isinstance(decimals, int | np.integer) and not isinstance(decimals, bool)
    if not whole or not 0 <= decimals <= most:
        raise InputError(f"decimals must be an integer from 0 to {most}, got {decimals!r}")


def _largest(decimals: int | Mapping[str, int]) -> int:
    numbers = decimals.values() if isinstance(decimals, Mapping) else [decimals]
    for number in numbers:
        check_decimals(number)
    return max(numbers, default=0)


def _places(mints: pd.Series, decimals: int | Mapping[str, int]) -> I64:
    """Find the number of decimals of each row; -1 where unknown."""
    if not isinstance(decimals, Mapping):
        return np.full(len(mints), decimals, dtype=np.int64)
    coded = code_names(mints)
    known = np.array([decimals.get(name, _UNKNOWN) for name in coded.names], dtype=np.int64)
    return known[coded.codes] if len(known) else np.empty(0, dtype=np.int64)


def _float_amounts(balances: U64, places: I64) -> F64:
    amounts = balances / 10.0 ** places.astype(np.float64)
    return np.where(places == _UNKNOWN, np.nan, amounts)


def _exact_amounts(balances: U64, places: I64, scale: int) -> pd.api.extensions.ExtensionArray:
    unknown: Flags = places == _UNKNOWN
    check_decimals(scale, _EXACT_DECIMALS)
    factors = np.uint64(10) ** np.where(unknown, 0, scale - places).astype(np.uint64)
    return as_decimals(times(balances, factors), scale=scale, missing=unknown)


def _owner_index(columns: Columns) -> pd.Index:
    return columns.owners.names.rename("owner")


def _dense(columns: Columns) -> pd.DataFrame:
    cells = np.zeros((len(columns.owners.names), len(columns.mints.names)), dtype=np.uint64)
    cells[columns.owners.codes, columns.mints.codes] = columns.balances
    return pd.DataFrame(cells, index=_owner_index(columns))


def _sparse(columns: Columns) -> pd.DataFrame:
    order = group_order(columns.mints.codes, len(columns.mints.names))
    edges = group_edges(columns.mints.codes, len(columns.mints.names))
    by_mint = [_sparse_column(columns, order[first:end]) for first, end in pairwise(edges.tolist())]
    return pd.DataFrame(dict(enumerate(by_mint)), index=_owner_index(columns))


def _sparse_column(columns: Columns, rows: I64) -> pd.arrays.SparseArray:
    column = np.zeros(len(columns.owners.names), dtype=np.uint64)
    column[columns.owners.codes[rows]] = columns.balances[rows]
    return pd.arrays.SparseArray(column, fill_value=0)
