"""Lorenz curve of one mint's holders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    context_of,
    find_mark,
    holders_text,
    look_up,
    point_out,
    start_figure,
    title_text,
)
from helius_frames.charts._style import Theme, palette
from helius_frames.charts._text import about_percent, amount_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Holders, Source

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


def lorenz_numbers(
    source: Source, mint: str, *, decimals: Decimals = None, mark: str | None = None
) -> LorenzNumbers:
    """Compute what `plot_lorenz` draws: every holder where there are few, else points on the curve."""
    index, holders, places = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    counts = _lorenz_counts(holders.size)
    half = np.array([holders.size // 2])
    return LorenzNumbers(
        context=context_of(holders, places),
        mark=marked,
        counts=counts,
        holder_share=counts / max(holders.size, 1),
        balance_share=holders.shares(holders.sums(counts)),
        sums=holders.exact_sums(counts),
        poorer_half=float(holders.shares(holders.sums(half))[0]),
        mark_place=_lorenz_place(holders, marked),
    )


def plot_lorenz(
    source: Source,
    mint: str,
    *,
    decimals: Decimals = None,
    mark: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw which share of one mint the poorest share of its holders has.

    The dashed diagonal is what equal balances would give; the Gini coefficient is twice the shaded area.
    Zero balances are not on the curve; the subtitle counts them. Of many holders only as many points are
    drawn as a screen shows, each of them exactly on the curve.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`, which draws any mint in milliseconds.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
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
    A figure of the curve, the diagonal and the area between them.

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
    >>> from helius_frames.charts import plot_lorenz
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_lorenz(df, df["mint"].mode()[0])
    >>> figure.data[1].name
    'share'
    """
    numbers = lorenz_numbers(source, mint, decimals=decimals, mark=mark)
    figure = start_figure(numbers.context, numbers.mark, theme, title_text(title, _sentence(numbers)))
    if numbers.context.holders:
        _draw(figure, numbers, theme)
    figure.update_xaxes(title_text="share of the holders, poorest first")
    figure.update_yaxes(title_text="share of what is held here")
    return figure


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


def _sentence(numbers: LorenzNumbers) -> str:
    holders = numbers.context.holders
    if holders == 1:
        return "One holder owns all of what is held here"
    share = about_percent(numbers.poorer_half)
    return f"The poorer half of {holders_text(holders)} owns {share} of what is held here"


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
        _draw_mark(figure, numbers.mark, numbers.mark_place, numbers.context.decimals, theme)
    figure.update_xaxes(tickformat=".0%", range=[0, 1.005])
    figure.update_yaxes(tickformat=".0%", range=[0, 1.005])


def _write_gini(figure: go.Figure, numbers: LorenzNumbers, theme: Theme) -> None:
    """Write the coefficient into the middle of the area, or below one that has no room for it."""
    has_room = numbers.poorer_half < _WIDE
    x, y = (_HALF, (_HALF + numbers.poorer_half) / 2) if has_room else (0.75, 0.25)
    figure.add_annotation(
        x=x,
        y=y,
        text=f"<b>Gini {numbers.context.gini:.2f}</b>",
        showarrow=False,
        font={"size": 18, "color": palette(theme).data},
    )


def _draw_mark(
    figure: go.Figure, mark: Mark, place: tuple[float, float], decimals: int | None, theme: Theme
) -> None:
    side = "top left" if place[0] > _HALF else "top right"
    point_out(figure, mark, place, decimals=decimals, theme=theme, textposition=side)
