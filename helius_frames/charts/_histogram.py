"""Histogram of one mint's balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from helius_frames.analysis import MintIndex, Scale, Source, distribution
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    context_of,
    find_mark,
    holders_text,
    in_unit,
    look_up,
    mark_hover,
    quantile,
    start_figure,
    title_text,
)
from helius_frames.charts._style import (
    Theme,
    amount_axis,
    axis_fraction,
    balance_title,
    count_axis,
    is_distinguishable,
    log_ticks,
    mark_label,
    palette,
)
from helius_frames.charts._text import amount_text, brief, count_text, range_text, unit_text

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_ZERO_BAR = 0.02  # width of the bar of zeros, as a part of the axis
_ALONE = 1.25  # width of a bar that stands alone, as a factor
_NAME = 0.1  # width of a name, as a part of the axis
_POWERS = 10  # most labels of a log axis
_ROOM = 10.0  # on both sides of it


class HistogramNumbers(NamedTuple):
    """Bars as high as ``holders``, from ``left`` on, ``width`` wide, in the unit of the axis.

    A bar that stands alone is drawn wider than its bin, to be seen; ``axis`` are the limits of the axis.

    Bar i holds the balances from ``low[i]`` to ``high[i]``, both included, base units; ``totals`` are their
    sums. ``zeros`` is the height of the bar of zero balances, 0 where it is not drawn. ``mark_place`` is
    the marked owner's balance in the unit of the axis and the height of its bar.
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


def histogram_numbers(
    source: Source,
    mint: str,
    *,
    scale: Scale = "log",
    bins: int = 60,
    decimals: Decimals = None,
    hide_zeros: bool = False,
    mark: str | None = None,
) -> HistogramNumbers:
    """Compute what `plot_histogram` draws."""
    index, holders, places = look_up(source, mint, decimals)
    table = _drawable(index, mint, bins, scale)
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    edges = in_unit(_edges(table), places)
    left, right = edges[:-1], _visible(edges[:-1], edges[1:])
    zeros = 0 if hide_zeros else holders.zero_balances
    axis = _axis(left, right, scale)
    zero_left, zero_width = _zero_bar(*axis, scale)
    marked = find_mark(index, holders, mark)
    return HistogramNumbers(
        context=context_of(holders, places),
        mark=marked,
        scale=scale,
        low=low.tolist(),
        high=high.tolist(),
        left=left,
        width=right - left,
        axis=axis,
        holders=table["holders"].to_numpy(),
        totals=[int(total) for total in table["total"]],
        median=quantile(holders, 1, 2),
        zeros=zeros,
        zero_left=zero_left,
        zero_width=zero_width,
        mark_place=_bar_place(table, marked, places) or _zero_place(zeros, zero_left, zero_width, marked),
    )


def plot_histogram(
    source: Source,
    mint: str,
    *,
    scale: Scale = "log",
    bins: int = 60,
    decimals: Decimals = None,
    hide_zeros: bool = False,
    mark: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw how many holders of one mint have how much.

    A gap means that nobody has a balance there. Zero balances have a grey bar of their own, left of the axis
    of amounts. The trace named ``holders`` has the bars of `histogram_numbers`, in the same order.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`, which draws any mint in milliseconds.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
    scale
        Bins of equal width on a ``"log"`` or a ``"linear"`` scale.
    bins
        The most bars there may be; on whole base units there may be fewer, and a single one where an axis
        does not tell the balances apart.
    decimals
        Show amounts divided by ``10**decimals``: the places of this mint, or a mapping from mint to places.
        By default, and where the mapping does not name the mint, amounts are in base units.
    hide_zeros
        Leave the bar of zeros out; the subtitle still counts them.
    mark
        An owner to point out; where it is no holder of the mint, the subtitle says so.
    theme
        ``"light"`` or ``"dark"``; the paper is transparent in both.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of one bar per bin; every digit of its limits and its total is in hover.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        An option is out of its range, the mint is not in the frame, or its balances are not exact or are
        there twice.

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
    figure = start_figure(numbers.context, numbers.mark, theme, title_text(title, _sentence(numbers)))
    if numbers.context.holders:
        _draw(figure, numbers, theme)
    figure.update_xaxes(title_text=balance_title(numbers.context.decimals))
    figure.update_yaxes(title_text="holders")
    return figure


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


def _drawable(index: MintIndex, mint: str, bins: int, scale: Scale) -> pd.DataFrame:
    """Return the bins; a single one where an axis, which counts in floats, shows no difference."""
    table = distribution(index, mint, bins, scale)
    edges = _edges(table)
    is_apart = not len(edges) or is_distinguishable(edges[0], edges[-1])
    return table if is_apart else distribution(index, mint, 1, scale)


def _edges(table: pd.DataFrame) -> np.ndarray:
    """Return where each bin begins, and where the last one ends."""
    low, high = table["low"].to_numpy(np.float64), table["high"].to_numpy(np.float64)
    return np.append(low, high[-1:] + 1)


def _visible(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Widen a bar that stands alone: one base unit of a million is no width to see."""
    return np.maximum(right, left * _ALONE) if len(left) == 1 else right


def _bar_place(table: pd.DataFrame, mark: Mark | None, decimals: int | None) -> tuple[float, float] | None:
    if mark is None or not mark.balance:
        return None
    bar = int(np.searchsorted(table["low"].to_numpy(), np.uint64(mark.balance), side="right")) - 1
    return mark.balance / 10 ** (decimals or 0), float(table["holders"].iloc[bar])


def _zero_place(zeros: int, left: float, width: float, mark: Mark | None) -> tuple[float, float] | None:
    if mark is None or mark.balance != 0 or not zeros:
        return None
    return left + width / 2, float(zeros)


def _sentence(numbers: HistogramNumbers) -> str:
    context = numbers.context
    median = brief(numbers.median, context.decimals)
    if context.holders == 1:
        return f"One holder has all {median}"
    if numbers.low[:1] == numbers.high[-1:]:
        return f"Each of {holders_text(context.holders)} has {median}"
    return f"Half of {holders_text(context.holders)} have {median} or less"


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
    figure.update_xaxes(**amount_axis(numbers.scale, *numbers.axis))
    figure.update_yaxes(**count_axis(max(int(numbers.holders.max()), numbers.zeros)))
    if numbers.zeros:
        _make_room_for_zeros(figure, numbers)


def _make_room_for_zeros(figure: go.Figure, numbers: HistogramNumbers) -> None:
    """Begin the axis at the bar of zeros, and leave no label of the scale under that bar."""
    high = numbers.axis[1]
    if numbers.scale == "linear":
        figure.update_xaxes(range=[numbers.zero_left - numbers.zero_width, high])
        return
    unit = 10 ** (numbers.context.decimals or 0)
    places, labels = log_ticks(numbers.axis, (numbers.low[0] / unit, numbers.high[-1] / unit), _POWERS)
    figure.update_xaxes(
        range=np.log10([numbers.zero_left**2 / (numbers.zero_left + numbers.zero_width), high]),
        tickvals=places,
        ticktext=labels,
    )


def _bar_texts(numbers: HistogramNumbers) -> list[str]:
    decimals = numbers.context.decimals
    return [
        f"{holders_text(count)} with {range_text(low, high, decimals)} {unit_text(decimals)}"
        f"<br>together {amount_text(total, decimals)}"
        for low, high, count, total in zip(
            numbers.low, numbers.high, numbers.holders.tolist(), numbers.totals, strict=True
        )
    ]


def _draw_zeros(figure: go.Figure, numbers: HistogramNumbers, theme: Theme) -> None:
    colours, right = palette(theme), numbers.zero_left + numbers.zero_width
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
    figure.add_annotation(
        x=np.log10(right) if numbers.scale == "log" else right,
        xanchor="right",  # no bar is there
        y=numbers.zeros,
        yanchor="bottom",
        yshift=6,  # clear of a mark at zero
        text="zero",
        showarrow=False,
        font={"size": 12, "color": colours.quiet},
    )


def _draw_mark(
    figure: go.Figure, numbers: HistogramNumbers, mark: Mark, place: tuple[float, float], theme: Theme
) -> None:
    """Mark the owner's bar, with the name above the highest one."""
    x, height = place
    top = max(int(numbers.holders.max()), numbers.zeros)
    text = mark_hover(mark, numbers.context.decimals)
    figure.add_scatter(
        name="marked",
        x=[x, x, x],
        y=[0, height, top],
        mode="lines+markers+text",
        line={"color": palette(theme).mark, "width": 1.5},
        marker={"color": palette(theme).mark, "size": [0, 10, 0]},
        text=["", "", f"\u2003{mark_label(mark.owner)}\u2003"],
        textposition=_mark_side(numbers, x),
        textfont={"color": palette(theme).mark},
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
