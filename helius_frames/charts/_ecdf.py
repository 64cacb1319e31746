"""Empirical distribution of one mint's balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import check_scale
from helius_frames.charts._context import (
    FEW,
    ChartContext,
    Decimals,
    Mark,
    few_sentence,
    find_mark,
    half_sentence,
    holders_text,
    in_unit,
    look_up,
    point_out,
    quantile,
    start_figure,
)
from helius_frames.charts._look import PHONE, Look, Theme, chart
from helius_frames.charts._points import Point, PointHolders, holder_marked, holders_in
from helius_frames.charts._style import (
    amount_axis,
    axis_fraction,
    balance_title,
    is_distinguishable,
    palette,
    theme_of,
)
from helius_frames.charts._text import amount_text, brief, html

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Holders, MintIndex, Scale, Source

_HALF = 0.5
_ROOM = 10.0
_LEFT, _RIGHT = "top left", "bottom right"
_NAME = 0.12  # width of a name, as a part of the axis
_TEXT = 165  # pixels of a text
_BESIDE = 100  # pixels left and right of the axis
_SHARES = (0.5, 0.9)
_NEAR = 0.08  # a share so close to another has its text on the other side
_POINTS = 300  # of each of the two ways the curve is thinned: more than a screen shows
_BELOW_2_64 = np.nextafter(2.0**64, 0)


class EcdfNumbers(NamedTuple):
    """Points on the curve: ``share`` of the holders, ``counts`` of them, have at most ``balances``.

    ``x`` is the balance in the unit of the axis; ``median`` and ``p90`` are the smallest balances that
    half and nine in ten of the holders do not exceed; ``mark_place`` is the marked owner's point.
    """

    context: ChartContext
    mark: Mark | None
    scale: Scale
    balances: list[int]
    x: np.ndarray
    counts: np.ndarray
    share: np.ndarray
    median: int
    p90: int
    mark_place: tuple[float, float] | None
    sentence: str

    def to_frame(self) -> pd.DataFrame:
        """Return the points as a table: balance in base units, holders at or below it, their share."""
        return pd.DataFrame({"balance": self.balances, "holders": self.counts, "share": self.share})


def ecdf_numbers(
    source: Source,
    mint: str | None = None,
    *,
    scale: Scale = "log",
    decimals: Decimals = None,
    mark: str | None = None,
) -> EcdfNumbers:
    """Compute what `plot_ecdf` draws: every step where there are few, else points on the curve."""
    check_scale(scale)
    index, holders, context = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    balances = _ecdf_balances(holders.balances, scale)
    counts = np.searchsorted(holders.balances, balances, side="right")
    return EcdfNumbers(
        context=context,
        mark=marked,
        scale=scale,
        balances=balances.tolist(),
        x=in_unit(balances, context.decimals),
        counts=counts,
        share=counts / max(holders.size, 1),
        median=quantile(holders, 1, 2),
        p90=quantile(holders, 9, 10),
        mark_place=_ecdf_place(holders, marked, context.decimals),
        sentence=_sentence(context, holders),
    )


@chart
def plot_ecdf(
    source: Source,
    mint: str | None = None,
    *,
    scale: Scale = "log",
    decimals: Decimals = None,
    mark: str | None = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw the share of one mint's holders at or below each balance.

    Zero balances are not on the curve; the subtitle counts them. Of many holders only as many points are
    drawn as a screen shows, each of them exactly on the curve.

    Parameters
    ----------
    <source>
    <mint>
    scale
        Axis of the balances: ``"log"`` or ``"linear"``.
    <decimals>
    <mark>
    <look>

    Returns
    -------
    A figure of the curve, with the median and the ninetieth percentile marked.

    Raises
    ------
    <errors>

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_ecdf
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_ecdf(df, df["mint"].mode()[0])
    >>> figure.data[0].name
    'share'
    """
    numbers = ecdf_numbers(source, mint, scale=scale, decimals=decimals, mark=mark)
    context = numbers.context
    figure = start_figure(look, context, numbers.mark, "Cumulative distribution", numbers.sentence)
    if context.holders:
        _draw(figure, numbers, theme_of(look), look.get("width") or PHONE)
    figure.update_xaxes(title_text=balance_title(context.decimals, context.symbol, scale))
    figure.update_yaxes(title_text="share of holders at or below")
    return figure


def holders_of_ecdf_point(index: MintIndex, numbers: EcdfNumbers, point: Point) -> PointHolders | None:
    """Return the holders with at most the balance of the point."""
    if point.trace == "marked":
        return holder_marked(index, numbers.context.mint, numbers.mark)
    if point.trace == "quantiles":
        balance = (numbers.median, numbers.p90)[point.number]
    else:  # the curve begins with a point at no holder
        balance = [0, *numbers.balances][point.number]
    words = f"with at most {amount_text(balance, numbers.context.decimals)}"
    return holders_in(index, numbers.context, 1, balance, words) if balance else None


def _ecdf_balances(balances: np.ndarray, scale: Scale) -> np.ndarray:
    """Pick the balances where the curve is drawn: spread over its height and over its width."""
    if len(balances) <= 2 * _POINTS:
        return np.unique(balances)
    low, high = float(balances[0]), float(balances[-1])
    across = np.geomspace(low, high, _POINTS) if scale == "log" else np.linspace(low, high, _POINTS)
    across = np.minimum(across, _BELOW_2_64).astype(np.uint64)
    places = np.concatenate(
        [
            np.linspace(0, len(balances) - 1, _POINTS).astype(np.int64),
            np.searchsorted(balances, across[1:-1]),
        ]
    )
    # A float may be rounded up beyond the largest balance.
    return np.unique(balances[np.minimum(places, len(balances) - 1)])


def _ecdf_place(holders: Holders, mark: Mark | None, decimals: int | None) -> tuple[float, float] | None:
    if mark is None or not mark.balance:
        return None
    count = np.searchsorted(holders.balances, np.uint64(mark.balance), side="right")
    return mark.balance / 10 ** (decimals or 0), float(count / holders.size)


def _axis(x: np.ndarray, scale: Scale) -> tuple[float, float]:
    """Return the limits of the axis; a single step gets room on both sides."""
    low, high = float(x[0]), float(x[-1])
    if is_distinguishable(low, high):
        return low, high
    return (low / _ROOM, low * _ROOM) if scale == "log" else (0.0, 2 * low)


def _sentence(context: ChartContext, holders: Holders) -> str:
    if not context.holders:
        return ""
    balances = holders.balances
    largest, second, smallest = (int(balances[place]) for place in (-1, -min(2, holders.size), 0))
    median, p90 = quantile(holders, 1, 2), quantile(holders, 9, 10)
    if few := few_sentence(context, largest, second, smallest):
        return few
    if context.holders < FEW:
        return half_sentence(context, median)
    both = f"Nine in ten of the {context.crowd()} have {context.amount(p90)} or less"
    half = brief(median, context.decimals)
    return both if median == p90 else f"{both}, half have {half} or less"


def _draw(figure: go.Figure, numbers: EcdfNumbers, theme: Theme, width: int) -> None:
    figure.add_scatter(
        name="share",
        x=np.append(numbers.x[:1], numbers.x),  # the curve rises from 0 at the smallest balance
        y=np.append(0.0, numbers.share),
        mode="lines",
        line={"color": palette(theme).data, "width": 2.5, "shape": "hv"},
        hovertext=["", *_point_texts(numbers)],
        hovertemplate="%{y:.2%}: %{hovertext}<extra></extra>",
    )
    sides = _sides(numbers, width)
    _draw_quantiles(figure, numbers, sides, theme)
    if numbers.mark is not None and numbers.mark_place is not None:
        side = _mark_side(numbers, numbers.mark_place, sides)
        point_out(figure, numbers.mark, numbers.mark_place, numbers.context, theme, side)
    figure.update_xaxes(**amount_axis(numbers.scale, *_axis(numbers.x, numbers.scale)))
    figure.update_yaxes(tickformat=".0%", range=[0, 1.06])


def _point_texts(numbers: EcdfNumbers) -> list[str]:
    decimals = numbers.context.decimals
    return [
        f"{holders_text(count)} ≤ {amount_text(balance, decimals)}"
        for count, balance in zip(numbers.counts.tolist(), numbers.balances, strict=True)
    ]


def _draw_quantiles(figure: go.Figure, numbers: EcdfNumbers, sides: tuple[str, str], theme: Theme) -> None:
    colours, decimals = palette(theme), numbers.context.decimals
    quantiles = {"half have": numbers.median, "9 in 10 have": numbers.p90}
    figure.add_scatter(
        name="quantiles",
        x=[balance / 10 ** (decimals or 0) for balance in quantiles.values()],
        y=_SHARES,
        mode="markers+text",
        marker={"color": colours.surface, "size": 9, "line": {"color": colours.data, "width": 2}},
        text=[f"{words} {brief(balance, decimals)} or less" for words, balance in quantiles.items()],
        textposition=list(sides),
        cliponaxis=False,
        textfont={"color": colours.quiet},
        hovertext=[
            f"{words} {amount_text(balance, decimals)} {html(numbers.context.unit)} or less"
            for words, balance in quantiles.items()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sides(numbers: EcdfNumbers, width: int) -> tuple[str, str]:
    """Return where the texts of median and p90 have room: at corners that no rising curve touches."""
    unit, axis = 10 ** (numbers.context.decimals or 0), _axis(numbers.x, numbers.scale)
    half, p90 = (
        axis_fraction(balance / unit, axis, numbers.scale) for balance in (numbers.median, numbers.p90)
    )
    text = _TEXT / (width - _BESIDE)
    return _LEFT if half > 1 - text else _RIGHT, _RIGHT if p90 < text else _LEFT


def _mark_side(numbers: EcdfNumbers, place: tuple[float, float], sides: tuple[str, str]) -> str:
    """Return where the name of the mark has room: inwards, unless a text is there."""
    at = axis_fraction(place[0], _axis(numbers.x, numbers.scale), numbers.scale)
    inwards, outwards = (_LEFT, _RIGHT) if at > _HALF else (_RIGHT, _LEFT)
    taken = [side for side, share in zip(sides, _SHARES, strict=True) if abs(place[1] - share) < _NEAR]
    return outwards if inwards in taken and _NAME < at < 1 - _NAME else inwards
