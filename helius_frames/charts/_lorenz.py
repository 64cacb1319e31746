"""Lorenz curve of one mint's holders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import top_holders
from helius_frames.charts._context import (
    FEW,
    ChartContext,
    Decimals,
    Mark,
    equal_sentence,
    find_mark,
    largest_sentence,
    look_up,
    point_out,
    start_figure,
)
from helius_frames.charts._look import Look, Theme, chart
from helius_frames.charts._points import Point, PointHolders, holder_marked
from helius_frames.charts._style import palette, theme_of
from helius_frames.charts._text import about_percent, amount_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Holders, MintIndex, Source

_SIDE = 380  # pixels of the square, where its place is that wide
_HALF = 0.5
_WIDE = 0.3  # what the poorer half has where the area is wide enough for a text
_POINTS = 300  # of each of the two ways the curve is thinned: more than a screen shows


class LorenzNumbers(NamedTuple):
    """Points on the curve: the poorest ``counts`` holders, ``holder_share`` of all, have ``balance_share``.

    ``sums`` are what they have, exact; ``poorer_half`` is the share of the poorer half of the holders.
    """

    context: ChartContext
    mark: Mark | None
    counts: np.ndarray
    holder_share: np.ndarray
    balance_share: np.ndarray
    sums: list[int]
    poorer_half: float
    mark_place: tuple[float, float] | None
    sentence: str

    def to_frame(self) -> pd.DataFrame:
        """Return the points as a table: so many of the poorest, their share of all, what they have."""
        return pd.DataFrame(
            {
                "holders": self.counts,
                "holder_share": self.holder_share,
                "total": self.sums,
                "balance_share": self.balance_share,
            }
        )


def lorenz_numbers(
    source: Source, mint: str | None = None, *, decimals: Decimals = None, mark: str | None = None
) -> LorenzNumbers:
    """Compute what `plot_lorenz` draws: every holder where there are few, else points on the curve."""
    index, holders, context = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    counts = _lorenz_counts(holders.size)
    half = float(holders.shares(holders.sums(np.array([holders.size // 2])))[0])
    return LorenzNumbers(
        context=context,
        mark=marked,
        counts=counts,
        holder_share=counts / max(holders.size, 1),
        balance_share=holders.shares(holders.sums(counts)),
        sums=holders.exact_sums(counts),
        poorer_half=half,
        mark_place=_lorenz_place(holders, marked),
        sentence=_sentence(context, holders, half),
    )


@chart
def plot_lorenz(
    source: Source,
    mint: str | None = None,
    *,
    decimals: Decimals = None,
    mark: str | None = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw which share of one mint the poorest share of its holders has.

    The dashed diagonal is what equal balances would give; the Gini coefficient is twice the shaded area.
    Zero balances are not on the curve; the subtitle counts them. Of many holders only as many points are
    drawn as a screen shows, each of them exactly on the curve.

    Parameters
    ----------
    <source>
    <mint>
    <decimals>
    <mark>
    <look>

    Returns
    -------
    A square figure of the curve, the diagonal and the area between them.

    Raises
    ------
    <errors>

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_lorenz
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_lorenz(df, df["mint"].mode()[0])
    >>> figure.data[1].name
    'share'
    """
    numbers = lorenz_numbers(source, mint, decimals=decimals, mark=mark)
    context = numbers.context
    figure = start_figure(look, context, numbers.mark, "Lorenz curve", numbers.sentence, height=_SIDE)
    if context.holders:
        _draw(figure, numbers, theme_of(look))
    figure.update_xaxes(title_text="share of holders, poorest first")
    figure.update_yaxes(title_text="share of what they hold")
    return figure


def holders_of_lorenz_point(index: MintIndex, numbers: LorenzNumbers, point: Point) -> PointHolders | None:
    """List the poorest holders, up to the point."""
    mint = numbers.context.mint
    if point.trace == "marked":
        return holder_marked(index, mint, numbers.mark)
    if point.trace != "share" or not numbers.counts[point.number]:
        return None
    everyone = top_holders(index, mint, numbers.context.holders)
    return PointHolders(mint, everyone.tail(int(numbers.counts[point.number])), "from the poorest up")


def _lorenz_counts(holders: int) -> np.ndarray:
    """Pick the points where the curve is drawn: evenly, and closer and closer towards the richest."""
    if holders <= 2 * _POINTS:
        return np.arange(holders + 1)
    evenly = np.linspace(0, holders, _POINTS).astype(np.int64)
    richest = holders - np.geomspace(1, holders, _POINTS).astype(np.int64)
    return np.unique(np.concatenate([evenly, richest]))


def _lorenz_place(holders: Holders, mark: Mark | None) -> tuple[float, float] | None:
    if mark is None or mark.rank is None:
        return None
    count = np.array([holders.size - mark.rank + 1])
    return float(count[0] / holders.size), float(holders.shares(holders.sums(count))[0])


def _sentence(context: ChartContext, holders: Holders, half: float) -> str:
    if context.holders > 1 and holders.balances[0] == holders.balances[-1]:
        return equal_sentence(context)
    if context.holders < FEW:
        return largest_sentence(context, int(holders.balances[-1]) / context.total) if holders.size else ""
    return f"The poorer half of the {context.crowd()} owns {about_percent(half)} of {context.held}"


def _draw(figure: go.Figure, numbers: LorenzNumbers, theme: Theme) -> None:
    colours = palette(theme)
    figure.add_scatter(
        name="equal",
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": colours.other, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        name="share",
        x=numbers.holder_share,
        y=numbers.balance_share,
        mode="lines",
        line={"color": colours.data, "width": 2.5},
        fill="tonexty",
        fillcolor=colours.shade,
        hovertext=[amount_text(total, numbers.context.decimals) for total in numbers.sums],
        hovertemplate="poorest %{x:.2%} of the holders<br>%{y:.2%}: %{hovertext}<extra></extra>",
    )
    _write_gini(figure, numbers, theme)
    if numbers.mark is not None and numbers.mark_place is not None:
        side = "top left" if numbers.mark_place[0] > _HALF else "top right"
        point_out(figure, numbers.mark, numbers.mark_place, numbers.context, theme, side)
    axis = {"tickformat": ".0%", "range": [0, 1.005], "dtick": 0.25, "constrain": "domain"}
    figure.update_xaxes(**axis, constraintoward="left")
    figure.update_yaxes(**axis, scaleanchor="x", constraintoward="top")


def _write_gini(figure: go.Figure, numbers: LorenzNumbers, theme: Theme) -> None:
    """Write the coefficient into the middle of the area, or below one that has no room for it."""
    colours, has_room = palette(theme), numbers.poorer_half < _WIDE
    x, y = (_HALF, (_HALF + numbers.poorer_half) / 2) if has_room else (0.75, 0.25)
    figure.add_annotation(
        name="gini",
        x=x,
        y=y,
        text=f"<b>Gini {numbers.context.gini:.2f}</b>",
        showarrow=False,
        font={"size": 18, "color": colours.data_text},
    )
    figure.add_annotation(
        name="diagonal",
        x=0.3,
        y=0.3,
        text="if all held the same",
        textangle=-45,
        xshift=-8,
        yshift=8,
        showarrow=False,
        font={"size": 12, "color": colours.quiet},
    )
