"""Rows that were read, held against what the server holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from helius_frames.demo import Holdings


class WrongRowsError(Exception):
    """Rows are missing, too many, out of order, or another owner's or mint's."""


def wrong_balances(frame: pd.DataFrame, holdings: Holdings, mints: Sequence[str] | None = None) -> int:
    """How many balances are not exact, once all (owner, mint) pairs are those that the server holds."""
    expected = np.repeat(np.arange(len(holdings.owners)), np.diff(holdings.starts))
    wanted = slice(None) if mints is None else np.isin(holdings.codes, _codes(holdings, mints))
    if len(frame) != len(expected[wanted]):
        raise WrongRowsError(f"{len(frame)} rows were read, the server holds {len(expected[wanted])}")
    _check_same("owner", _places(frame["owner"], holdings.owners), expected[wanted])
    _check_same("mint", _places(frame["mint"], _texts(holdings)), holdings.codes[wanted])
    return _differing(frame["balance"], holdings.balances[wanted])


def _codes(holdings: Holdings, mints: Sequence[str]) -> list[int | None]:
    return [holdings.code(mint) for mint in mints]


def _texts(holdings: Holdings) -> pd.Index:
    return pd.Index(holdings.mint_texts, dtype="str")


def _places(column: pd.Series, texts: Sequence[str] | pd.Index) -> NDArray[np.intp]:
    column = column.astype("category")
    categories = column.cat.categories
    used = np.flatnonzero(np.bincount(column.cat.codes, minlength=len(categories)))
    places = np.full(len(categories), -1)
    places[used] = pd.Index(texts, dtype="str").get_indexer(categories[used])
    return places[column.cat.codes]


def _check_same(name: str, places: NDArray[np.intp], expected: NDArray[np.integer]) -> None:
    if not np.array_equal(places, expected):
        row = int((places != expected).argmax())
        raise WrongRowsError(f"the {name} of row {row} is not the one that the server holds there")


def _differing(balances: pd.Series, expected: NDArray[np.uint64]) -> int:
    """Compare exactly: as integers, or where user code ended in floats or objects, one by one."""
    if balances.dtype.kind in "iu":
        return int((balances.to_numpy().astype(np.uint64) != expected).sum())
    pairs = zip(balances.tolist(), expected.tolist(), strict=True)
    return sum(int(balance) != exact for balance, exact in pairs)
