"""Histogram of one mint's balances."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import MintIndex, Scale, Source, bin_lows, check_count, check_scale
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    few_sentence,
    find_mark,
    half_sentence,
    holders_text,
    in_unit,
    look_up,
    mark_hover,
    quantile,
    start_figure,
)
from helius_frames.charts._look import Look, Theme, chart
from helius_frames.charts._points import Point, PointHolders, at_zero, holder_marked, holders_in
from helius_frames.charts._style import (
    amount_axis,
    axis_fraction,
    balance_title,
    count_axis,
    is_distinguishable,
    mark_label,
    palette,
    theme_of,
)
from helius_frames.charts._text import amount_text, brief, count_text, html, range_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Holders

Bins: TypeAlias = int | Literal["auto"]

_ZERO_BAR = 0.02  # width of the bar of zeros, as a part of the axis
_ALONE = 1.25  # width of a bar that stands alone, as a factor
_NAME = 0.15  # width of a name, as a part of the axis
_TEXT_LEFT = 0.6  # from here on a text stands left of its line
_ROOM = 10.0  # on both sides of a bar that stands alone
_TOP = 1.24  # height of the axis, as a factor of the highest bar: room for two lines of text
_FEWEST, _MOST = 5, 60  # bars, where the chart chooses their number
_MULTIPLES = 40  # of one amount, up to which each has a bar of its own


class HistogramNumbers(NamedTuple):
    """Bars as high as ``holders``, from ``left`` on, ``width`` wide, in the unit of the axis.

    A bar that stands alone is drawn wider than its bin, to be seen; ``axis`` are the limits of the axis.

    Bar i holds the balances from ``low[i]`` to ``high[i]``, both included, base units; ``totals`` are their
    sums. ``zeros`` is the height of the bar of zero balances, 0 where it is not drawn. ``mark_place`` is
    the marked owner's balance in the unit of the axis and the height of its bar. ``scale`` is that of the
    axis; it is linear where each amount has a bar of its own.
    """

    context: ChartContext
    mark: Mark | None
    scale: Scale
    low: list[int]
    high: list[int]
    left: np.ndarray
    width: np.ndarray
    axis: tuple[float, float]
    holders: np.ndarray
    totals: list[int]
    median: int
    zeros: int
    zero_left: float
    zero_width: float
    mark_place: tuple[float, float] | None
    sentence: str

    def to_frame(self) -> pd.DataFrame:
        """Return the bars as a table: from, to, holders and their total, base units."""
        return pd.DataFrame(
            {"low": self.low, "high": self.high, "holders": self.holders, "total": self.totals}
        )


def histogram_numbers(
    source: Source,
    mint: str | None = None,
    *,
    scale: Scale = "log",
    bins: Bins = "auto",
    decimals: Decimals = None,
    hide_zeros: bool = False,
    mark: str | None = None,
) -> HistogramNumbers:
    """Compute what `plot_histogram` draws."""
    check_scale(scale)
    if bins != "auto":
        check_count(bins, "bins")
    index, holders, context = look_up(source, mint, decimals)
    places, balances = context.decimals, holders.balances
    step = _common_step(balances) if bins == "auto" else 0
    if step:
        scale, lows = "linear", np.unique(balances)
        edges = (in_unit(lows, 0) - step / 2, in_unit(lows, 0) + step / 2)
        left, right = (edge / 10.0 ** (places or 0) for edge in edges)
    else:
        lows = bin_lows(balances, _bar_count(balances, scale) if bins == "auto" else bins, scale)
        if len(lows) and not is_distinguishable(float(balances[0]), float(balances[-1]) + 1):
            lows = lows[:1]  # an axis, which counts in floats, shows no difference
        limits = in_unit(np.append(lows.astype(np.float64), balances[-1:].astype(np.float64) + 1), places)
        left, right = limits[:-1], _visible(limits[:-1], limits[1:])
    starts = np.append(np.searchsorted(balances, lows), holders.size)
    sums = holders.exact_sums(starts)
    counts = np.diff(starts)
    zeros = 0 if hide_zeros else holders.zero_balances
    axis = _axis(left, right, scale)
    zero_left, zero_width = _zero_bar(*axis, scale)
    marked = find_mark(index, holders, mark)
    high = lows if step else np.append(lows[1:] - np.uint64(1), balances[-1:])
    return HistogramNumbers(
        context=context,
        mark=marked,
        scale=scale,
        low=lows.tolist(),
        high=high.tolist(),
        left=left,
        width=right - left,
        axis=axis,
        holders=counts,
        totals=[after - before for before, after in pairwise(sums)],
        median=quantile(holders, 1, 2),
        zeros=zeros,
        zero_left=zero_left,
        zero_width=zero_width,
        mark_place=_bar_place(lows, counts, marked, places)
        or _zero_place(zeros, zero_left, zero_width, marked),
        sentence=_sentence(context, holders),
    )


@chart
def plot_histogram(
    source: Source,
    mint: str | None = None,
    *,
    scale: Scale = "log",
    bins: Bins = "auto",
    decimals: Decimals = None,
    hide_zeros: bool = False,
    mark: str | None = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw how many holders of one mint have how much.

    Bars touch; a gap means that nobody has so much. A line is drawn at the median. Zero balances are a
    grey bar, left of the axis of amounts. The trace named ``holders`` has the bars of `histogram_numbers`, in
    the same order.

    Parameters
    ----------
    <source>
    <mint>
    scale
        Bins of equal width on a ``"log"`` or a ``"linear"`` scale.
    bins
        The most bars there may be; on whole base units there may be fewer, and a single one where an axis
        does not tell the balances apart. ``"auto"`` chooses 5 to 60 by the Freedman-Diaconis rule on the
        scale of the axis, few for few holders; where all balances are small multiples of one amount, each
        multiple has a bar of its own, on a linear axis.
    <decimals>
    hide_zeros
        Leave the bar of zeros out; the subtitle still counts them.
    <mark>
    <look>

    Returns
    -------
    A figure of one bar per bin; every digit of its limits and its total is in hover.

    Raises
    ------
    <errors>

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_histogram
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_histogram(df, df["mint"].mode()[0])
    >>> figure.data[0].name
    'holders'
    """
    numbers = histogram_numbers(
        source, mint, scale=scale, bins=bins, decimals=decimals, hide_zeros=hide_zeros, mark=mark
    )
    context, theme = numbers.context, theme_of(look)
    titles = {
        "xaxis": {"title": {"text": balance_title(context.decimals, context.symbol, numbers.scale)}},
        "yaxis": {"title": {"text": "holders"}},
    }
    layout = _layout(numbers, theme, titles) if context.holders else None
    figure = start_figure(look, context, numbers.mark, "Histogram of balances", numbers.sentence, more=layout)
    if context.holders:
        _draw(figure, numbers, theme)
    else:
        figure.update_layout(titles)
    return figure


def holders_of_bar(index: MintIndex, numbers: HistogramNumbers, point: Point) -> PointHolders | None:
    """Return the holders whose balance is in the bar; owners at zero behind the bar of zeros."""
    context = numbers.context
    if point.trace == "zeros":
        return PointHolders(context.mint, at_zero(index, context.mint), "at zero")
    if point.trace != "holders":
        return holder_marked(index, context.mint, numbers.mark)
    low, high = numbers.low[point.number], numbers.high[point.number]
    return holders_in(index, context, low, high, f"with {range_text(low, high, context.decimals)}")


def _common_step(balances: np.ndarray) -> int:
    """Return the amount of which all balances are small multiples; 0 where there is none."""
    if not len(balances) or balances[0] == balances[-1]:
        return 0
    step = int(np.gcd.reduce(balances))
    return step if int(balances[-1]) // step <= _MULTIPLES else 0


def _bar_count(balances: np.ndarray, scale: Scale) -> int:
    """Return how many bars show the shape and not the noise: the rule of Freedman and Diaconis."""
    size = len(balances)
    if not size:
        return _FEWEST
    places = [0, size // 4, 3 * size // 4, size - 1]
    low, quarter, three_quarters, high = balances[places].astype(np.float64)
    if scale == "log":
        low, quarter, three_quarters, high = np.log([low, quarter, three_quarters, high])
    width = 2 * (three_quarters - quarter) / size ** (1 / 3)
    root = np.ceil(np.sqrt(size))
    # Where half of them are as good as equal the rule has no width; of few holders it makes a barcode.
    bars = min(np.ceil((high - low) / width), 2 * root) if width > 0 else root
    return int(np.clip(bars, _FEWEST, _MOST))


def _axis(left: np.ndarray, right: np.ndarray, scale: Scale) -> tuple[float, float]:
    """Return the limits of the axis; a bar that stands alone gets room on both sides."""
    if not len(left):
        return 1.0, 1.0
    low, high = float(left[0]), float(right[-1])
    if len(left) > 1:
        return low, high
    return (low / _ROOM, high * _ROOM) if scale == "log" else (0.0, low + high)


def _zero_bar(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """Place the bar of zeros a little to the left of the axis of amounts."""
    if scale == "linear":
        step = _ZERO_BAR * (high - low)
        return low - 2 * step, step
    step = (high / low) ** _ZERO_BAR
    return low / step**2, low / step - low / step**2


def _visible(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Widen a bar that stands alone: one base unit of a million is no width to see."""
    return np.maximum(right, left * _ALONE) if len(left) == 1 else right


def _bar_place(
    lows: np.ndarray, counts: np.ndarray, mark: Mark | None, decimals: int | None
) -> tuple[float, float] | None:
    if mark is None or not mark.balance:
        return None
    bar = int(np.searchsorted(lows, np.uint64(mark.balance), side="right")) - 1
    return mark.balance / 10 ** (decimals or 0), float(counts[bar])


def _zero_place(zeros: int, left: float, width: float, mark: Mark | None) -> tuple[float, float] | None:
    if mark is None or mark.balance != 0 or not zeros:
        return None
    return left + width / 2, float(zeros)


def _sentence(context: ChartContext, holders: Holders) -> str:
    if not context.holders:
        return ""
    balances = holders.balances
    largest, second, smallest = (int(balances[place]) for place in (-1, -min(2, holders.size), 0))
    few = few_sentence(context, largest, second, smallest)
    return few or half_sentence(context, quantile(holders, 1, 2))


def _draw(figure: go.Figure, numbers: HistogramNumbers, theme: Theme) -> None:
    colours = palette(theme)
    figure.add_bar(
        name="holders",
        x=numbers.left,
        y=numbers.holders,
        width=numbers.width,
        offset=0,
        marker={"color": colours.data, "line": {"width": 0}},
        customdata=[[str(low), str(high)] for low, high in zip(numbers.low, numbers.high, strict=True)],
        hovertext=_bar_texts(numbers),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    if numbers.zeros:
        _draw_zeros(figure, numbers, theme)
    if numbers.mark is not None and numbers.mark_place is not None:
        _draw_mark(figure, numbers, numbers.mark, numbers.mark_place, theme)


def _layout(numbers: HistogramNumbers, theme: Theme, titles: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return axes, the line at the median, and the names of line and zeros."""
    axis = amount_axis(numbers.scale, *numbers.axis)
    if numbers.zeros:  # the axis begins at the bar of zeros, under which no label of the scale stands
        left, width, high = numbers.zero_left, numbers.zero_width, numbers.axis[1]
        is_log = numbers.scale == "log"
        axis["range"] = np.log10([left**2 / (left + width), high]) if is_log else [left - width, high]
    top = max(int(numbers.holders.max()), numbers.zeros)
    names = [_zeros_name(numbers, theme)] if numbers.zeros else []
    layout: dict[str, Any] = {
        "xaxis": titles["xaxis"] | axis,
        "yaxis": titles["yaxis"] | count_axis(top) | {"range": [0, _TOP * top]},
        "annotations": names,
    }
    if len(numbers.low) > 1:
        context, ink = numbers.context, palette(theme).ink
        at = numbers.median / 10 ** (context.decimals or 0)
        is_left = axis_fraction(at, numbers.axis, numbers.scale) > _TEXT_LEFT
        line = {
            "name": "median",
            "type": "line",
            "x0": at,
            "x1": at,
            "y0": 0,
            "y1": 1,
            "yref": "y domain",
            "line": {"color": ink, "width": 1.5, "dash": "dot"},
        }
        name = {
            "name": "median",
            "x": np.log10(at) if numbers.scale == "log" else at,
            "xanchor": "right" if is_left else "left",
            "xshift": -4 if is_left else 4,
            "y": 1,
            "yref": "y domain",
            "yanchor": "top",
            "text": f"median {brief(numbers.median, context.decimals)}",
            "showarrow": False,
            "font": {"size": 13, "color": ink},
        }
        layout |= {"shapes": [line], "annotations": [*names, name]}
    return layout


def _bar_texts(numbers: HistogramNumbers) -> list[str]:
    decimals, unit = numbers.context.decimals, html(numbers.context.unit)
    return [
        f"{holders_text(count)} with {range_text(low, high, decimals)} {unit}"
        f"<br>together {amount_text(total, decimals)}"
        for low, high, count, total in zip(
            numbers.low, numbers.high, numbers.holders.tolist(), numbers.totals, strict=True
        )
    ]


def _draw_zeros(figure: go.Figure, numbers: HistogramNumbers, theme: Theme) -> None:
    colours = palette(theme)
    figure.add_bar(
        name="zeros",
        x=[numbers.zero_left],
        y=[numbers.zeros],
        width=[numbers.zero_width],
        offset=0,
        marker={"color": colours.other, "line": {"width": 0}},
        hovertext=[f"{count_text(numbers.zeros)} at zero"],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _zeros_name(numbers: HistogramNumbers, theme: Theme) -> dict[str, Any]:
    right = numbers.zero_left + numbers.zero_width
    return {
        "name": "zeros",
        "x": np.log10(right) if numbers.scale == "log" else right,
        "xanchor": "right",  # no bar is there
        "y": numbers.zeros,
        "yanchor": "bottom",
        "yshift": 6,  # clear of a mark at zero
        "text": "zero",
        "showarrow": False,
        "font": {"size": 12, "color": palette(theme).quiet},
    }


def _draw_mark(
    figure: go.Figure, numbers: HistogramNumbers, mark: Mark, place: tuple[float, float], theme: Theme
) -> None:
    """Mark the owner's bar, with the name above the highest one."""
    x, height = place
    top = max(int(numbers.holders.max()), numbers.zeros)
    text = mark_hover(mark, numbers.context)
    figure.add_scatter(
        name="marked",
        x=[x, x, x],
        y=[0, height, top],
        mode="lines+markers+text",
        line={"color": palette(theme).mark, "width": 1.5},
        marker={"color": palette(theme).mark, "size": [0, 10, 0]},
        text=["", "", f"\u2003{mark_label(mark.owner)}\u2003"],
        textposition=_mark_side(numbers, x),
        textfont={"color": palette(theme).mark_text},
        cliponaxis=False,
        hovertext=[text] * 3,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _mark_side(numbers: HistogramNumbers, x: float) -> str:
    """Return where the name has room: beside the line at the ends of the axis."""
    place = axis_fraction(x, numbers.axis, numbers.scale)
    if place < _NAME:
        return "top right"
    return "top left" if place > 1 - _NAME else "top center"
