"""What the charts of one mint have in common: the mint, its holders, the marked owner, and their texts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from helius_frames.analysis import Holders, MintIndex, Source, check_decimals
from helius_frames.charts._style import Theme, add_message, mark_label, new_figure, palette
from helius_frames.charts._text import (
    about_percent,
    amount_text,
    count_text,
    percent_text,
    short_html,
    slots_text,
    unit_text,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go


Decimals: TypeAlias = int | Mapping[str, int] | None
"""Places of amounts: of the one mint drawn, or by mint; of a mint without, amounts are in base units."""


class ChartContext(NamedTuple):
    """What a chart is about: one mint and its holders, the owners with a balance above zero.

    ``decimals`` are the places of its amounts, ``None`` for base units.
    """

    mint: str
    holders: int
    zero_balances: int
    total: int
    gini: float
    slot_first: int | None
    slot_last: int | None
    decimals: int | None


class Mark(NamedTuple):
    """The marked owner. ``rank`` counts from the largest holder, and is ``None`` for one who is no holder.

    ``balance`` and ``slot`` are ``None`` where the owner has no row of the mint.
    """

    owner: str
    balance: int | None
    slot: int | None
    rank: int | None
    share: float


def look_up(source: Source, mint: str, decimals: Decimals) -> tuple[MintIndex, Holders, int | None]:
    """Find the holders of a mint, and its places: nothing else of a frame is read."""
    places = decimals_of(decimals, mint)
    index = MintIndex.for_mint(source, mint)
    return index, index.holders(mint), places


def decimals_of(decimals: Decimals, mint: str) -> int | None:
    """Return the places of a mint's amounts; ``None`` where they are unknown, for base units."""
    places = decimals.get(mint) if isinstance(decimals, Mapping) else decimals
    if places is not None:
        check_decimals(places)
    return places


def context_of(holders: Holders, decimals: int | None) -> ChartContext:
    """Return what a chart of these holders is about."""
    return ChartContext(
        mint=holders.mint,
        holders=holders.size,
        zero_balances=holders.zero_balances,
        total=holders.total,
        gini=holders.gini,
        slot_first=holders.slot_first,
        slot_last=holders.slot_last,
        decimals=decimals,
    )


def find_mark(index: MintIndex, holders: Holders, owner: str | None) -> Mark | None:
    """Find the marked owner among the holders."""
    if owner is None:
        return None
    row = index.row_of(owner, holders.mint)
    if row is None:
        return Mark(owner, None, None, None, 0.0)
    balance, slot = int(index.columns.balances[row]), int(index.columns.slots[row])
    if not balance:
        return Mark(owner, 0, slot, None, 0.0)
    return Mark(owner, balance, slot, _rank(holders, balance, row), balance / holders.total)


def with_marked(
    index: MintIndex, holders: Holders, n: int, mark: Mark | None, *, most: int | None = None
) -> pd.DataFrame:
    """List the n largest holders, and of the marked one after them."""
    if mark is None or mark.rank is None or mark.rank <= n:
        return index.holder_table(holders, holders.size - n, holders.size)
    n = min(n, most - 1) if most else n
    top = index.holder_table(holders, holders.size - n, holders.size)
    place = holders.size - mark.rank
    return pd.concat([top, index.holder_table(holders, place, place + 1)])


def in_unit(balances: np.ndarray, decimals: int | None) -> np.ndarray:
    """Convert base units to the unit of the axis."""
    return balances.astype(np.float64) / 10.0 ** (decimals or 0)


def quantile(holders: Holders, part: int, of: int) -> int:
    """Find the smallest balance that a given part of the holders do not exceed; 0 without holders."""
    place = -(-holders.size * part // of) - 1
    return int(holders.balances[place]) if holders.size else 0


def start_figure(context: ChartContext, mark: Mark | None, theme: Theme, title: str) -> go.Figure:
    """Start the figure of one mint; where nobody holds it, the figure says so and is complete."""
    if context.holders:
        return new_figure(theme, title, _subtitle(context, mark))
    figure = new_figure(theme, "Nothing to draw", _subtitle(context, mark))
    add_message(figure, theme, f"No holder of {short_html(context.mint)} has a balance above zero")
    return figure


def title_text(title: str | None, sentence: str) -> str:
    """Return the caller's title as plain text, or the chart's own sentence."""
    return sentence if title is None else escape(title)


def holders_text(count: int) -> str:
    """Count holders in words."""
    return "1 holder" if count == 1 else f"{count_text(count)} holders"


def holder_hover(owner: str, balance: int, share: float, slot: int, decimals: int | None) -> str:
    """Return all of one holder: whole address, exact balance, share, slot."""
    return (
        f"{escape(str(owner))}<br>{amount_text(balance, decimals)} {unit_text(decimals)}"
        f"<br>{percent_text(share)} of what is held here · slot {count_text(slot)}"
    )


def mark_hover(mark: Mark, decimals: int | None) -> str:
    """Return all of the marked owner."""
    return holder_hover(mark.owner, mark.balance or 0, mark.share, mark.slot or 0, decimals)


def point_out(
    figure: go.Figure,
    mark: Mark,
    place: tuple[float, float],
    *,
    decimals: int | None,
    theme: Theme,
    textposition: str,
) -> None:
    """Draw the marked owner as a point on a curve."""
    figure.add_scatter(
        name="marked",
        x=[place[0]],
        y=[place[1]],
        mode="markers+text",
        marker={"color": palette(theme).mark, "size": 11},
        text=[mark_label(mark.owner)],
        textposition=textposition,
        textfont={"color": palette(theme).mark},
        cliponaxis=False,
        hovertext=[mark_hover(mark, decimals)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _subtitle(context: ChartContext, mark: Mark | None) -> str:
    parts = [
        short_html(context.mint),
        unit_text(context.decimals),
        slots_text(context.slot_first, context.slot_last),
    ]
    if context.zero_balances:
        parts.insert(1, f"{count_text(context.zero_balances)} more at zero")
    line = " · ".join(filter(None, parts))
    return line if mark is None else f"{line}<br>{_mark_text(mark, context.holders)}"


def _mark_text(mark: Mark, holders: int) -> str:
    name = f"<b>{short_html(mark.owner)}</b>"
    if mark.balance is None:
        return f"{name} has no row of this mint"
    if mark.rank is None:
        return f"{name} has a balance of zero"
    share = about_percent(mark.share, is_all=holders == 1)
    return f"{name} is holder {count_text(mark.rank)} with {share} of what is held here"


def _rank(holders: Holders, balance: int, row: int) -> int:
    """Place from the top; equal balances rank in the order of the frame, as in `top_holders`."""
    first = int(np.searchsorted(holders.balances, np.uint64(balance), side="left"))
    end = int(np.searchsorted(holders.balances, np.uint64(balance), side="right"))
    place = first + int(np.flatnonzero(holders.rows[first:end] == row)[0])
    return holders.size - place
