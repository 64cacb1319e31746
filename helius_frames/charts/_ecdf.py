"""Empirical distribution of one mint's balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from helius_frames.analysis import check_scale
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    context_of,
    find_mark,
    holders_text,
    in_unit,
    look_up,
    point_out,
    quantile,
    start_figure,
    title_text,
)
from helius_frames.charts._style import (
    Theme,
    amount_axis,
    axis_fraction,
    balance_title,
    is_distinguishable,
    palette,
)
from helius_frames.charts._text import amount_text, brief, unit_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Holders, Scale, Source

_HALF = 0.5
_ROOM = 10.0
_LEFT, _RIGHT = "top left", "bottom right"
_NAME = 0.12  # width of a name, as a part of the axis
_TEXT = 0.35  # width of a text, as a part of the axis
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


def ecdf_numbers(
    source: Source,
    mint: str,
    *,
    scale: Scale = "log",
    decimals: Decimals = None,
    mark: str | None = None,
) -> EcdfNumbers:
    """Compute what `plot_ecdf` draws: every step where there are few, else points on the curve."""
    check_scale(scale)
    index, holders, places = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    balances = _ecdf_balances(holders.balances, scale)
    counts = np.searchsorted(holders.balances, balances, side="right")
    return EcdfNumbers(
        context=context_of(holders, places),
        mark=marked,
        scale=scale,
        balances=balances.tolist(),
        x=in_unit(balances, places),
        counts=counts,
        share=counts / max(holders.size, 1),
        median=quantile(holders, 1, 2),
        p90=quantile(holders, 9, 10),
        mark_place=_ecdf_place(holders, marked, places),
    )


def plot_ecdf(
    source: Source,
    mint: str,
    *,
    scale: Scale = "log",
    decimals: Decimals = None,
    mark: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw the share of one mint's holders at or below each balance.

    Zero balances are not on the curve; the subtitle counts them. Of many holders only as many points are
    drawn as a screen shows, each of them exactly on the curve.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`, which draws any mint in milliseconds.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
    scale
        Axis of the balances: ``"log"`` or ``"linear"``.
    decimals
        Show amounts divided by ``10**decimals``: the places of this mint, or a mapping from mint to places.
        By default, and where the mapping does not name the mint, amounts are in base units.
    mark
        An owner to point out; where it is no holder of the mint, the subtitle says so.
    theme
        ``"light"`` or ``"dark"``; the paper is transparent in both.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of the curve, with the median and the ninetieth percentile marked.

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
    >>> from helius_frames.charts import plot_ecdf
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_ecdf(df, df["mint"].mode()[0])
    >>> figure.data[0].name
    'share'
    """
    numbers = ecdf_numbers(source, mint, scale=scale, decimals=decimals, mark=mark)
    figure = start_figure(numbers.context, numbers.mark, theme, title_text(title, _sentence(numbers)))
    if numbers.context.holders:
        _draw(figure, numbers, theme)
    figure.update_xaxes(title_text=balance_title(numbers.context.decimals))
    figure.update_yaxes(title_text="share of holders at or below")
    return figure


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


def _sentence(numbers: EcdfNumbers) -> str:
    context = numbers.context
    p90 = brief(numbers.p90, context.decimals)
    return (
        f"One holder has all {p90}"
        if context.holders == 1
        else f"9 in 10 of {holders_text(context.holders)} have {p90} or less"
    )


def _draw(figure: go.Figure, numbers: EcdfNumbers, theme: Theme) -> None:
    figure.add_scatter(
        name="share",
        x=np.append(numbers.x[:1], numbers.x),  # the curve rises from 0 at the smallest balance
        y=np.append(0.0, numbers.share),
        mode="lines",
        line={"color": palette(theme).data, "width": 2.5, "shape": "hv"},
        hovertext=["", *_point_texts(numbers)],
        hovertemplate="%{y:.2%}: %{hovertext}<extra></extra>",
    )
    _draw_quantiles(figure, numbers, theme)
    if numbers.mark is not None and numbers.mark_place is not None:
        _draw_mark(figure, numbers, numbers.mark, numbers.mark_place, theme)
    figure.update_xaxes(**amount_axis(numbers.scale, *_axis(numbers.x, numbers.scale)))
    figure.update_yaxes(tickformat=".0%", range=[0, 1.04])


def _point_texts(numbers: EcdfNumbers) -> list[str]:
    decimals = numbers.context.decimals
    return [
        f"{holders_text(count)} ≤ {amount_text(balance, decimals)}"
        for count, balance in zip(numbers.counts.tolist(), numbers.balances, strict=True)
    ]


def _draw_quantiles(figure: go.Figure, numbers: EcdfNumbers, theme: Theme) -> None:
    colours, decimals = palette(theme), numbers.context.decimals
    quantiles = {"half have": numbers.median, "9 in 10 have": numbers.p90}
    figure.add_scatter(
        name="quantiles",
        x=[balance / 10 ** (decimals or 0) for balance in quantiles.values()],
        y=_SHARES,
        mode="markers+text",
        marker={"color": colours.surface, "size": 9, "line": {"color": colours.data, "width": 2}},
        text=[f"{words} {brief(balance, decimals)} or less" for words, balance in quantiles.items()],
        textposition=list(_sides(numbers)),
        textfont={"color": colours.quiet},
        hovertext=[
            f"{words} {amount_text(balance, decimals)} {unit_text(decimals)} or less"
            for words, balance in quantiles.items()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sides(numbers: EcdfNumbers) -> tuple[str, str]:
    """Return where the texts of median and p90 have room: at corners that no rising curve touches."""
    unit, axis = 10 ** (numbers.context.decimals or 0), _axis(numbers.x, numbers.scale)
    half, p90 = (
        axis_fraction(balance / unit, axis, numbers.scale) for balance in (numbers.median, numbers.p90)
    )
    return _LEFT if half > 1 - _TEXT else _RIGHT, _RIGHT if p90 < _TEXT else _LEFT


def _draw_mark(
    figure: go.Figure, numbers: EcdfNumbers, mark: Mark, place: tuple[float, float], theme: Theme
) -> None:
    side = _mark_side(numbers, place)
    point_out(figure, mark, place, decimals=numbers.context.decimals, theme=theme, textposition=side)


def _mark_side(numbers: EcdfNumbers, place: tuple[float, float]) -> str:
    """Return where the name of the mark has room: inwards, unless a text is there."""
    at = axis_fraction(place[0], _axis(numbers.x, numbers.scale), numbers.scale)
    inwards, outwards = (_LEFT, _RIGHT) if at > _HALF else (_RIGHT, _LEFT)
    taken = [
        side for side, share in zip(_sides(numbers), _SHARES, strict=True) if abs(place[1] - share) < _NEAR
    ]
    return outwards if inwards in taken and _NAME < at < 1 - _NAME else inwards
