"""From a click on a chart to the holders behind the point, and to the rows of the frame.

What a point stands for is read from the numbers that the chart was drawn from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from helius_frames.analysis import holders_between, top_holders
from helius_frames.charts import amount_text, range_text, shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from helius_frames.analysis import MintIndex
    from helius_frames.charts import (
        EcdfNumbers,
        HeatmapNumbers,
        HistogramNumbers,
        LorenzNumbers,
        Mark,
        TopHoldersNumbers,
        TreemapNumbers,
    )

Place: TypeAlias = int | list[int]


class Point(NamedTuple):
    """A clicked point: the name of its trace and its place in it, row and column in a heatmap."""

    trace: str
    place: Place


class PointHolders(NamedTuple):
    """Holders behind a point, columns as of `top_holders`, and what they are, in words after their number."""

    mint: str
    holders: pd.DataFrame
    what: str


def holders_of_bar(index: MintIndex, numbers: HistogramNumbers, point: Point) -> PointHolders | None:
    """Return the holders whose balance is in the bar; owners at zero behind the bar of zeros."""
    mint, decimals = numbers.context.mint, numbers.context.decimals
    if point.trace == "zeros":
        return PointHolders(mint, _at_zero(index, mint), "at zero")
    if point.trace != "holders":
        return _holders_of_mark(index, mint, numbers.mark)
    low, high = numbers.low[_only(point)], numbers.high[_only(point)]
    words = f"with {range_text(low, high, decimals)} {_unit(high, decimals)}"
    return PointHolders(mint, holders_between(index, mint, low, high), words)


def holders_of_ecdf_point(index: MintIndex, numbers: EcdfNumbers, point: Point) -> PointHolders | None:
    """Return the holders with at most the balance of the point."""
    mint = numbers.context.mint
    if point.trace == "marked":
        return _holders_of_mark(index, mint, numbers.mark)
    if point.trace == "quantiles":
        balance = (numbers.median, numbers.p90)[_only(point)]
    else:  # the curve begins with a point at no holder
        balance = [0, *numbers.balances][_only(point)]
    decimals = numbers.context.decimals
    words = f"with at most {amount_text(balance, decimals)} {_unit(balance, decimals)}"
    return PointHolders(mint, holders_between(index, mint, 1, balance), words) if balance else None


def holders_of_lorenz_point(index: MintIndex, numbers: LorenzNumbers, point: Point) -> PointHolders | None:
    """List the poorest holders, up to the point."""
    mint = numbers.context.mint
    if point.trace == "marked":
        return _holders_of_mark(index, mint, numbers.mark)
    if point.trace != "share" or not numbers.counts[_only(point)]:
        return None
    everyone = top_holders(index, mint, numbers.context.holders)
    return PointHolders(mint, everyone.tail(int(numbers.counts[_only(point)])), "from the poorest up")


def holders_of_top(index: MintIndex, numbers: TopHoldersNumbers, point: Point) -> PointHolders | None:
    """List the holder of the bar, or the first holders up to the point of the line."""
    mint = numbers.context.mint
    if point.trace == "share":
        return PointHolders(mint, top_holders(index, mint, _only(point) + 1), "from the largest down")
    return _holder_alone(index, mint, numbers.owners[_only(point)])


def holders_of_tile(index: MintIndex, numbers: TreemapNumbers, point: Point) -> PointHolders | None:
    """List the holder of the tile, or all the others."""
    mint, place = numbers.context.mint, _only(point)
    if place < len(numbers.owners):
        return _holder_alone(index, mint, numbers.owners[place])
    everyone = top_holders(index, mint, numbers.context.holders)
    return PointHolders(
        mint, everyone[~everyone["owner"].isin(numbers.owners)], "without a tile of their own"
    )


def holders_of_cell(index: MintIndex, numbers: HeatmapNumbers, point: Point) -> PointHolders | None:
    """List the owner of the row, with what it has of the column's mint."""
    if not isinstance(point.place, list):
        return None
    row, column = point.place
    return _holder_alone(index, numbers.mints[column], numbers.owners[row])


def together(parts: list[PointHolders]) -> PointHolders | None:
    """Return the holders behind several points of one mint, largest first, each once."""
    if len(parts) < 2:  # noqa: PLR2004
        return parts[0] if parts else None
    every = pd.concat([part.holders for part in parts]).drop_duplicates("owner")
    largest_first = every.sort_values("balance", ascending=False, kind="stable")
    return PointHolders(parts[0].mint, largest_first, f"behind {len(parts):,} points")


def rows_of(
    index: MintIndex, mint: str | None, owners: pd.Series | None = None, *, hide_zeros: bool = False
) -> NDArray[np.bool_]:
    """Return which rows of the frame are of this mint and these owners; ``None`` stands for all."""
    columns = index.columns
    wanted = np.ones(index.rows, dtype=bool)
    if mint is not None:
        wanted &= columns.mints.codes == columns.mints.names.get_loc(mint)
    if owners is not None:
        wanted &= np.isin(columns.owners.codes, columns.owners.names.get_indexer(pd.Index(owners)))
    if hide_zeros:
        wanted &= columns.balances > 0
    return wanted


def _unit(amount: int, decimals: int | None) -> str:
    if decimals is not None:
        return "token" if amount == 10**decimals else "tokens"
    return "base unit" if amount == 1 else "base units"


def _only(point: Point) -> int:
    return point.place[0] if isinstance(point.place, list) else point.place


def _holders_of_mark(index: MintIndex, mint: str, mark: Mark | None) -> PointHolders | None:
    return None if mark is None else _holder_alone(index, mint, mark.owner)


def _holder_alone(index: MintIndex, mint: str, owner: str) -> PointHolders | None:
    balance = index.balance_of(owner, mint)
    if balance is None:
        return None
    alike = holders_between(index, mint, balance, balance) if balance else _at_zero(index, mint)
    return PointHolders(mint, alike[alike["owner"] == owner], f"with the address {shorten(owner)}")


def _at_zero(index: MintIndex, mint: str) -> pd.DataFrame:
    rows = np.flatnonzero(rows_of(index, mint) & (index.columns.balances == 0))
    return pd.DataFrame(
        {
            "owner": index.owners_at(rows),
            "balance": index.columns.balances[rows],
            "share": 0.0,
            "slot": index.columns.slots[rows],
        }
    )
