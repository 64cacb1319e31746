"""The largest holders of one mint as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from helius_frames.analysis import check_count
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    context_of,
    find_mark,
    holder_hover,
    holders_text,
    in_unit,
    look_up,
    start_figure,
    title_text,
    with_marked,
)
from helius_frames.charts._style import Theme, amount_format, balance_title, mark_label, palette, shown_labels
from helius_frames.charts._text import about_percent, count_text, percent_text, short_html

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Source

_LONG = 0.12  # part of the longest bar that has room for its text
_HALF = 0.5
_LABELLED = 25  # bars that still have room for a label each


class TopHoldersNumbers(NamedTuple):
    """One bar per holder, largest first, ``x`` in the unit of the axis.

    The marked owner follows as a last bar where it is a holder and not among the first ``n``.
    """

    context: ChartContext
    mark: Mark | None
    n: int
    ranks: list[int]
    owners: list[str]
    balances: list[int]
    x: np.ndarray
    share: np.ndarray
    cumulative_share: np.ndarray
    slots: list[int]


def top_holders_numbers(
    source: Source, mint: str, *, n: int = 20, decimals: Decimals = None, mark: str | None = None
) -> TopHoldersNumbers:
    """Compute what `plot_top_holders` draws."""
    check_count(n, "n")
    index, holders, places = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    table = with_marked(index, holders, min(n, holders.size), marked)
    return TopHoldersNumbers(
        context=context_of(holders, places),
        mark=marked,
        n=min(n, holders.size),
        ranks=table.index.tolist(),
        owners=table["owner"].tolist(),
        balances=table["balance"].tolist(),
        x=in_unit(table["balance"].to_numpy(), places),
        share=table["share"].to_numpy(),
        cumulative_share=table["cumulative_share"].to_numpy(),
        slots=table["slot"].tolist(),
    )


def plot_top_holders(
    source: Source,
    mint: str,
    *,
    n: int = 20,
    decimals: Decimals = None,
    mark: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw the n largest holders of one mint, and as a thin line the share they have together.

    The bars of the trace named ``holders`` are those of `top_holders_numbers`, in the same order. A marked
    holder below the first n follows as a last bar.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`, which draws any mint in milliseconds.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
    n
        Number of holders.
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
    A figure of one bar per holder; whole address, exact balance, share and slot are in hover.

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
    >>> from helius_frames.charts import plot_top_holders
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_top_holders(df, df["mint"].mode()[0], n=5)
    >>> len(figure.data[0].x)
    5
    """
    numbers = top_holders_numbers(source, mint, n=n, decimals=decimals, mark=mark)
    figure = start_figure(numbers.context, numbers.mark, theme, title_text(title, _sentence(numbers)))
    if numbers.context.holders:
        _draw(figure, numbers, theme)
    figure.update_xaxes(title_text=balance_title(numbers.context.decimals), selector={"overlaying": None})
    return figure


def _sentence(numbers: TopHoldersNumbers) -> str:
    holders = numbers.context.holders
    if holders == 1:
        return "One holder owns all of what is held here"
    together = float(numbers.cumulative_share[numbers.n - 1]) if holders else 0.0
    share = about_percent(together, is_all=numbers.n == holders)
    owners = f"{count_text(numbers.n)} of {holders_text(holders)}"
    return f"{owners} {'owns' if numbers.n == 1 else 'own'} {share} of what is held here"


def _draw(figure: go.Figure, numbers: TopHoldersNumbers, theme: Theme) -> None:
    places = np.arange(len(numbers.ranks))
    _draw_bars(figure, numbers, places, theme)
    _draw_cumulative(figure, numbers, places[: numbers.n], theme)
    shown = shown_labels(len(places), _LABELLED + 1, _marked_place(numbers))
    figure.update_yaxes(
        tickvals=shown,
        ticktext=[_label(numbers, place) for place in shown],
        range=[len(places) - 0.4, -0.6],
        showgrid=False,
    )
    figure.update_layout(
        bargap=0.25,
        xaxis={"tickformat": amount_format(float(numbers.x[0])), "rangemode": "tozero"},
        xaxis2={
            "overlaying": "x",
            "side": "top",
            "range": [0, 1.02],
            "tickformat": ".0%",
            "dtick": 0.2,
            "tickmode": "linear",
            "showgrid": False,
            "title": {"text": "cumulative share, largest first"},
        },
        margin={"t": 130},
    )


def _draw_bars(figure: go.Figure, numbers: TopHoldersNumbers, places: np.ndarray, theme: Theme) -> None:
    colours = palette(theme)
    marked = None if numbers.mark is None else numbers.mark.rank
    decimals = numbers.context.decimals
    figure.add_bar(
        name="holders",
        orientation="h",
        x=numbers.x,
        y=places,
        marker={"color": [colours.mark if rank == marked else colours.data for rank in numbers.ranks]},
        text=[percent_text(share) for share in numbers.share.tolist()]
        if len(places) <= _LABELLED + 1
        else None,
        textposition=np.where(numbers.x > _LONG * numbers.x[0], "inside", "outside"),
        insidetextanchor="start" if numbers.cumulative_share[-1] > _HALF else "end",  # where the line is not
        constraintext="none",
        insidetextfont={"color": colours.on_data},
        hovertext=[
            f"holder {count_text(rank)}: {holder_hover(owner, balance, share, slot, decimals)}"
            for rank, owner, balance, share, slot in zip(
                numbers.ranks,
                numbers.owners,
                numbers.balances,
                numbers.share.tolist(),
                numbers.slots,
                strict=True,
            )
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _draw_cumulative(figure: go.Figure, numbers: TopHoldersNumbers, places: np.ndarray, theme: Theme) -> None:
    shares = numbers.cumulative_share[: numbers.n]
    figure.add_scatter(
        name="share",
        x=shares,
        y=places,
        xaxis="x2",
        mode="lines+markers" if len(places) <= _LABELLED else "lines",
        line={"color": palette(theme).ink, "width": 1.2},
        marker={"size": 4},
        hovertext=[
            f"the first {place + 1}: {percent_text(share)}" for place, share in enumerate(shares.tolist())
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _marked_place(numbers: TopHoldersNumbers) -> int | None:
    if numbers.mark is None or numbers.mark.rank is None:
        return None
    return numbers.ranks.index(numbers.mark.rank)


def _label(numbers: TopHoldersNumbers, place: int) -> str:
    owner, rank = numbers.owners[place], numbers.ranks[place]
    if numbers.mark is None or rank != numbers.mark.rank:
        return short_html(owner)
    return mark_label(owner) if place < numbers.n else f"{count_text(rank)}. {mark_label(owner)}"
