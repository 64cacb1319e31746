"""Which holders are behind a point of a chart, read from the numbers that the chart was drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from helius_frames.analysis import holders_between
from helius_frames.charts._text import short

if TYPE_CHECKING:
    from helius_frames.analysis import MintIndex
    from helius_frames.charts._context import ChartContext, Mark

Place: TypeAlias = int | list[int]


class Point(NamedTuple):
    """A point of a figure: the name of its trace and its place in it, row and column in a heatmap."""

    trace: str
    place: Place

    @property
    def number(self) -> int:
        """The place as one number."""
        return self.place[0] if isinstance(self.place, list) else self.place


class PointHolders(NamedTuple):
    """Holders behind a point, columns as of `top_holders`, and what they are, in words after their number."""

    mint: str
    holders: pd.DataFrame
    what: str


def holders_in(index: MintIndex, context: ChartContext, low: int, high: int, words: str) -> PointHolders:
    """Return the holders with a balance from ``low`` to ``high``."""
    unit = "base unit" if context.decimals is None and high == 1 else context.unit
    return PointHolders(context.mint, holders_between(index, context.mint, low, high), f"{words} {unit}")


def holder_alone(index: MintIndex, mint: str, owner: str) -> PointHolders | None:
    """Return one owner, with what it has of the mint; ``None`` where it has no row."""
    balance = index.balance_of(owner, mint)
    if balance is None:
        return None
    alike = holders_between(index, mint, balance, balance) if balance else at_zero(index, mint)
    return PointHolders(mint, alike[alike["owner"] == owner], f"with the address {short(owner)}")


def holder_marked(index: MintIndex, mint: str, mark: Mark | None) -> PointHolders | None:
    """Return the marked owner."""
    return None if mark is None else holder_alone(index, mint, mark.owner)


def at_zero(index: MintIndex, mint: str) -> pd.DataFrame:
    """Return the owners with a row of the mint and a balance of zero."""
    columns = index.columns
    is_mint = columns.mints.codes == columns.mints.names.get_loc(mint)
    rows = np.flatnonzero(is_mint & (columns.balances == 0))
    return pd.DataFrame(
        {
            "owner": index.owners_at(rows),
            "balance": columns.balances[rows],
            "share": 0.0,
            "slot": columns.slots[rows],
        }
    )
