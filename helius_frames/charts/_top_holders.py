"""The largest holders of one mint as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import pandas as pd

from helius_frames.analysis import check_count, top_holders
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    equal_sentence,
    find_mark,
    holder_hover,
    largest_sentence,
    look_up,
    start_figure,
    with_marked,
)
from helius_frames.charts._look import Look, Theme, chart
from helius_frames.charts._points import Point, PointHolders, holder_alone
from helius_frames.charts._style import mark_label, palette, theme_of
from helius_frames.charts._text import (
    about_percent,
    count_text,
    count_words,
    html,
    percent_text,
    short_html,
)

if TYPE_CHECKING:
    import numpy as np
    import plotly.graph_objects as go

    from helius_frames.analysis import MintIndex, Source

_BAR = 22  # pixels of a bar and the gap below it
_BARS_END, _TEXTS_BEGIN = 0.84, 0.85  # of the width
_BESIDE = 1.22  # length of the axis, as a factor of the longest bar: room for its text
_ABOVE = 26  # pixels for the head of the column of texts


class TopHoldersNumbers(NamedTuple):
    """One bar per holder, largest first, as long as its ``share`` of the total.

    The marked owner follows as a last bar where it is a holder and not among the first ``n``.
    """

    context: ChartContext
    mark: Mark | None
    n: int
    ranks: list[int]
    owners: list[str]
    balances: list[int]
    share: np.ndarray
    cumulative_share: np.ndarray
    slots: list[int]
    sentence: str

    def to_frame(self) -> pd.DataFrame:
        """Return the bars as a table, balances in base units."""
        return pd.DataFrame(
            {
                "owner": self.owners,
                "balance": self.balances,
                "share": self.share,
                "cumulative_share": self.cumulative_share,
                "slot": self.slots,
            },
            index=pd.Index(self.ranks, name="rank"),
        )


def top_holders_numbers(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 20,
    decimals: Decimals = None,
    mark: str | None = None,
) -> TopHoldersNumbers:
    """Compute what `plot_top_holders` draws."""
    check_count(n, "n")
    index, holders, context = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    n = min(n, holders.size)
    table = with_marked(index, holders, n, marked)
    share, together = table["share"].to_numpy(), table["cumulative_share"].to_numpy()
    if holders.size > 1 and holders.balances[0] == holders.balances[-1]:
        sentence = equal_sentence(context)
    elif n <= 1 or n == holders.size:
        sentence = largest_sentence(context, float(share[0])) if holders.size else ""
    else:
        sentence = (
            f"The {count_words(n)} largest of {context.crowd()} own "
            f"{about_percent(float(together[n - 1]))} of {context.held}"
        )
    return TopHoldersNumbers(
        context=context,
        mark=marked,
        n=n,
        ranks=table.index.tolist(),
        owners=table["owner"].tolist(),
        balances=table["balance"].tolist(),
        share=share,
        cumulative_share=together,
        slots=table["slot"].tolist(),
        sentence=sentence,
    )


@chart
def plot_top_holders(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 20,
    decimals: Decimals = None,
    mark: str | None = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw the n largest holders of one mint by their share, and in a column what they have together.

    The bars of the trace named ``holders`` are those of `top_holders_numbers`, in the same order. A marked
    holder below the first n follows as a last bar. The figure is as high as its bars.

    Parameters
    ----------
    <source>
    <mint>
    n
        Number of holders.
    <decimals>
    <mark>
    <look>

    Returns
    -------
    A figure of one bar per holder; whole address, exact balance, share and slot are in hover.

    Raises
    ------
    <errors>

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
    context, height = numbers.context, _BAR * len(numbers.ranks) + _ABOVE
    figure = start_figure(
        look, context, numbers.mark, "Bars of the largest holders", numbers.sentence, height=height
    )
    if context.holders:
        _draw(figure, numbers, theme_of(look))
    figure.update_xaxes(title_text=f"share of {html(context.held)}", selector={"overlaying": None})
    return figure


def holders_of_top(index: MintIndex, numbers: TopHoldersNumbers, point: Point) -> PointHolders | None:
    """List the holder of the bar, or of a text of the column the first holders up to there."""
    mint = numbers.context.mint
    if point.trace == "share":
        return PointHolders(mint, top_holders(index, mint, point.number + 1), "from the largest down")
    return holder_alone(index, mint, numbers.owners[point.number])


def _draw(figure: go.Figure, numbers: TopHoldersNumbers, theme: Theme) -> None:
    colours, places = palette(theme), list(range(len(numbers.ranks)))
    shares = numbers.share.tolist()
    marked = None if numbers.mark is None else numbers.mark.rank
    is_all = numbers.context.holders == 1
    figure.add_bar(
        name="holders",
        orientation="h",
        x=numbers.share,
        y=places,
        marker={"color": [colours.mark if rank == marked else colours.data for rank in numbers.ranks]},
        text=["100%" if is_all else about_percent(share) for share in shares],
        textposition="outside",
        textfont={"color": colours.ink, "size": 12},
        cliponaxis=False,
        constraintext="none",
        hovertext=[
            f"holder {count_text(rank)}: {holder_hover(owner, balance, share, slot, numbers.context)}"
            for rank, owner, balance, share, slot in zip(
                numbers.ranks, numbers.owners, numbers.balances, shares, numbers.slots, strict=True
            )
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    together = numbers.cumulative_share[: numbers.n].tolist()
    figure.add_scatter(
        name="share",
        x=[1] * numbers.n,
        y=places[: numbers.n],
        xaxis="x2",
        mode="text",
        text=[
            "100%"
            if place + 1 == numbers.context.holders
            else about_percent(share).replace("more than ", "> ")
            for place, share in enumerate(together)
        ],
        textposition="middle left",
        textfont={"color": colours.quiet, "size": 12},
        cliponaxis=False,
        hovertext=[
            f"the first {place + 1} together: {percent_text(share)}" for place, share in enumerate(together)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.add_annotation(
        name="together",
        text="together",
        showarrow=False,
        xref="paper",
        x=1,
        xanchor="right",
        y=-0.6,
        yanchor="bottom",
        font={"size": 12, "color": colours.quiet},
    )
    figure.update_yaxes(
        tickvals=places,
        ticktext=[_label(numbers, place) for place in places],
        range=[len(places) - 0.4, -0.6 - _ABOVE / _BAR],
        showgrid=False,
    )
    figure.update_layout(
        bargap=0.25,
        xaxis={
            "domain": [0, _BARS_END],
            "tickformat": ".3~%",
            "nticks": 6,
            "range": [0, _BESIDE * shares[0]],
        },
        xaxis2={"domain": [_TEXTS_BEGIN, 1], "range": [0, 1], "visible": False, "fixedrange": True},
    )


def _label(numbers: TopHoldersNumbers, place: int) -> str:
    owner, rank = numbers.owners[place], numbers.ranks[place]
    if numbers.mark is None or rank != numbers.mark.rank:
        return short_html(owner)
    return mark_label(owner) if place < numbers.n else f"{count_text(rank)}. {mark_label(owner)}"
