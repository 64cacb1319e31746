"""Treemap of one mint's holders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import check_count, top_holders
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    equal_sentence,
    find_mark,
    holder_hover,
    holders_text,
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
    amount_text,
    capital,
    count_text,
    count_words,
    html,
    percent_text,
    short_html,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Holders, MintIndex, Source

_TILES = 100  # at most, beside the rest
_PARTS = 33  # of the whole: a tile of one part has room for a label
_LARGEST = 2**64 - 1


class TreemapNumbers(NamedTuple):
    """One tile per holder, largest first, and the rest in one.

    The marked owner has a tile of its own wherever it is a holder; others have one where it can be labelled.
    """

    context: ChartContext
    mark: Mark | None
    ranks: list[int]
    owners: list[str]
    balances: list[int]
    share: np.ndarray
    slots: list[int]
    others: int
    others_balance: int
    others_share: float
    largest_share: float
    sentence: str

    def to_frame(self) -> pd.DataFrame:
        """Return the tiles as a table, balances in base units; a rest is the last row."""
        rest = [(f"{self.others:,} others", self.others_balance, self.others_share)] if self.others else []
        tiles = [*zip(self.owners, self.balances, self.share.tolist(), strict=True), *rest]
        return pd.DataFrame(tiles, columns=["owner", "balance", "share"]).astype({"balance": object})


def treemap_numbers(
    source: Source,
    mint: str | None = None,
    *,
    n: int = _TILES,
    decimals: Decimals = None,
    mark: str | None = None,
) -> TreemapNumbers:
    """Compute what `plot_treemap` draws."""
    check_count(n, "n")
    index, holders, context = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    least = max(-(-context.total // _PARTS), 1)
    small = np.searchsorted(holders.balances, np.uint64(least)) if least <= _LARGEST else holders.size
    labelled = holders.size - int(small)
    table = with_marked(index, holders, min(n, _TILES, labelled), marked)
    balances = table["balance"].tolist()
    rest = context.total - sum(balances)
    return TreemapNumbers(
        context=context,
        mark=marked,
        ranks=table.index.tolist(),
        owners=table["owner"].tolist(),
        balances=balances,
        share=table["share"].to_numpy(),
        slots=table["slot"].tolist(),
        others=holders.size - len(table),
        others_balance=rest,
        others_share=rest / max(context.total, 1),
        largest_share=int(holders.balances[-1]) / context.total if holders.size else 0.0,
        sentence=_sentence(context, holders),
    )


@chart
def plot_treemap(
    source: Source,
    mint: str | None = None,
    *,
    n: int = _TILES,
    decimals: Decimals = None,
    mark: str | None = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw one mint as tiles, one per holder, as large as what it holds.

    Only holders whose tile has room for a label have one, from 3% of the whole on; all others share one grey
    tile that counts them.

    Parameters
    ----------
    <source>
    <mint>
    n
        The most holders with a tile of their own.
    <decimals>
    <mark>
    <look>

    Returns
    -------
    A figure of one tile per holder; whole address, exact balance, share and slot are in hover.

    Raises
    ------
    <errors>

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_treemap
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_treemap(df, df["mint"].mode()[0])
    >>> len(figure.data[0].ids) <= 34
    True
    """
    numbers = treemap_numbers(source, mint, n=n, decimals=decimals, mark=mark)
    figure = start_figure(look, numbers.context, numbers.mark, "Treemap", numbers.sentence, bottom=8)
    if numbers.context.holders:
        _draw(figure, numbers, theme_of(look))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def holders_of_tile(index: MintIndex, numbers: TreemapNumbers, point: Point) -> PointHolders | None:
    """List the holder of the tile, or all the others."""
    mint = numbers.context.mint
    if point.number < len(numbers.owners):
        return holder_alone(index, mint, numbers.owners[point.number])
    everyone = top_holders(index, mint, numbers.context.holders)
    others = everyone[~everyone["owner"].isin(numbers.owners)]
    return PointHolders(mint, others, "without a tile of their own")


def _sentence(context: ChartContext, holders: Holders) -> str:
    """Say how many of the largest own more than half."""
    if not context.holders:
        return ""
    if context.holders == 1:
        return largest_sentence(context, 1.0)
    if holders.balances[0] == holders.balances[-1]:
        return equal_sentence(context)
    largest = int(holders.balances[-1])
    if 2 * largest > context.total:
        return largest_sentence(context, largest / context.total)
    low, high = 0, context.holders - 1  # so many of the smallest may still have half or more
    while low < high:
        middle = (low + high) // 2
        if 2 * holders.exact_sums(np.array([middle]))[0] < context.total:
            low = middle + 1
        else:
            high = middle
    largest_few = context.holders - low + 1
    few = capital(count_words(largest_few))
    return f"{few} of {context.crowd()} own more than half of {context.held}"


def _draw(figure: go.Figure, numbers: TreemapNumbers, theme: Theme) -> None:
    colours = palette(theme)
    marked = None if numbers.mark is None else numbers.mark.rank
    rest = [numbers.others_share] if numbers.others else []
    texts = [about_percent(share, is_all=numbers.context.holders == 1) for share in numbers.share.tolist()]
    if rest and texts:
        names = ["1 other" if numbers.others == 1 else f"{count_text(numbers.others)} others"]
        texts.append(about_percent(numbers.others_share))
    elif rest:
        names = [holders_text(numbers.others)]
        texts.append(f"none with more than {about_percent(numbers.largest_share)}")
    else:
        names = []
    figure.add_treemap(
        name="holders",
        ids=[str(rank) for rank in numbers.ranks] + ["other"] * len(rest),
        labels=[
            _label(owner, is_marked=rank == marked)
            for owner, rank in zip(numbers.owners, numbers.ranks, strict=True)
        ]
        + names,
        parents=[""] * (len(numbers.ranks) + len(rest)),
        values=[*numbers.share.tolist(), *rest],
        marker={
            "colors": [colours.mark if rank == marked else colours.data for rank in numbers.ranks]
            + [colours.other] * len(rest),
            "line": {"color": colours.surface, "width": 1},
            "pad": {"t": 0, "l": 0, "r": 0, "b": 0},  # the root has no header
        },
        text=texts,
        textinfo="label+text",
        textfont={
            "size": 13,
            "color": [colours.on_mark if rank == marked else colours.on_data for rank in numbers.ranks]
            + [colours.on_other] * len(rest),
        },
        hovertext=_tile_texts(numbers),
        hovertemplate="%{hovertext}<extra></extra>",
        tiling={"pad": 0, "squarifyratio": 2.5},  # wide tiles, as labels are
        pathbar={"visible": False},
        root={"color": "rgba(0,0,0,0)"},
    )
    figure.update_layout(margin={"l": 12, "r": 12})


def _label(owner: str, *, is_marked: bool) -> str:
    return mark_label(owner) if is_marked else short_html(owner)


def _tile_texts(numbers: TreemapNumbers) -> list[str]:
    texts = [
        holder_hover(owner, balance, share, slot, numbers.context)
        for owner, balance, share, slot in zip(
            numbers.owners, numbers.balances, numbers.share.tolist(), numbers.slots, strict=True
        )
    ]
    if not numbers.others:
        return texts
    return [*texts, _rest_text(numbers)]


def _rest_text(numbers: TreemapNumbers) -> str:
    context = numbers.context
    return (
        f"{holders_text(numbers.others)} together<br>"
        f"{amount_text(numbers.others_balance, context.decimals)} {html(context.unit)}<br>"
        f"{percent_text(numbers.others_share)} of {html(context.held)}"
    )
