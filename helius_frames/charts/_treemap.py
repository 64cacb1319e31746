"""Treemap of one mint's holders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from helius_frames.analysis import check_count
from helius_frames.charts._context import (
    ChartContext,
    Decimals,
    Mark,
    context_of,
    find_mark,
    holder_hover,
    holders_text,
    look_up,
    start_figure,
    title_text,
    with_marked,
)
from helius_frames.charts._style import Theme, mark_label, palette
from helius_frames.charts._text import (
    about_percent,
    amount_text,
    count_text,
    percent_text,
    short_html,
    unit_text,
)

if TYPE_CHECKING:
    import numpy as np
    import plotly.graph_objects as go

    from helius_frames.analysis import Source

_TILES = 100  # beside the rest: more are too small to see


class TreemapNumbers(NamedTuple):
    """One tile per holder, largest first, and the rest in one.

    The marked owner has a tile of its own wherever it is a holder.
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


def treemap_numbers(
    source: Source, mint: str, *, n: int = _TILES, decimals: Decimals = None, mark: str | None = None
) -> TreemapNumbers:
    """Compute what `plot_treemap` draws; at most 100 tiles beside the rest."""
    check_count(n, "n")
    index, holders, places = look_up(source, mint, decimals)
    marked = find_mark(index, holders, mark)
    table = with_marked(index, holders, min(n, _TILES, holders.size), marked, most=_TILES)
    balances = table["balance"].tolist()
    rest = holders.total - sum(balances)
    return TreemapNumbers(
        context=context_of(holders, places),
        mark=marked,
        ranks=table.index.tolist(),
        owners=table["owner"].tolist(),
        balances=balances,
        share=table["share"].to_numpy(),
        slots=table["slot"].tolist(),
        others=holders.size - len(table),
        others_balance=rest,
        others_share=rest / max(holders.total, 1),
    )


def plot_treemap(
    source: Source,
    mint: str,
    *,
    n: int = _TILES,
    decimals: Decimals = None,
    mark: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw one mint as tiles, one per holder, as large as what it holds.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`, which draws any mint in milliseconds.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
    n
        Number of holders with a tile of their own, at most 100; all others share one grey tile.
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
    A figure of one tile per holder; whole address, exact balance, share and slot are in hover.

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
    >>> from helius_frames.charts import plot_treemap
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_treemap(df, df["mint"].mode()[0])
    >>> len(figure.data[0].ids) <= 101
    True
    """
    numbers = treemap_numbers(source, mint, n=n, decimals=decimals, mark=mark)
    figure = start_figure(numbers.context, numbers.mark, theme, title_text(title, _sentence(numbers)))
    if numbers.context.holders:
        _draw(figure, numbers, theme)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def _sentence(numbers: TreemapNumbers) -> str:
    holders = numbers.context.holders
    if holders <= 1:
        return "One holder owns all of what is held here"
    share = about_percent(float(numbers.share[0]))
    return f"The largest of {holders_text(holders)} owns {share} of what is held here"


def _draw(figure: go.Figure, numbers: TreemapNumbers, theme: Theme) -> None:
    colours = palette(theme)
    marked = None if numbers.mark is None else numbers.mark.rank
    rest = [numbers.others_share] if numbers.others else []
    figure.add_treemap(
        name="holders",
        ids=[str(rank) for rank in numbers.ranks] + ["other"] * len(rest),
        labels=[
            _label(owner, is_marked=rank == marked)
            for owner, rank in zip(numbers.owners, numbers.ranks, strict=True)
        ]
        + [f"{count_text(numbers.others)} others"] * len(rest),
        parents=[""] * (len(numbers.ranks) + len(rest)),
        values=[*numbers.share.tolist(), *rest],
        marker={
            "colors": [colours.mark if rank == marked else colours.data for rank in numbers.ranks]
            + [colours.other] * len(rest),
            "line": {"color": colours.surface, "width": 1},
            "pad": {"t": 0, "l": 0, "r": 0, "b": 0},  # the root has no header
        },
        text=[percent_text(share) for share in [*numbers.share.tolist(), *rest]],
        textinfo="label+text",
        textfont={"color": [colours.on_data] * len(numbers.ranks) + [colours.on_other] * len(rest)},
        hovertext=_tile_texts(numbers),
        hovertemplate="%{hovertext}<extra></extra>",
        tiling={"pad": 0},
        pathbar={"visible": False},
        root={"color": "rgba(0,0,0,0)"},
    )
    figure.update_layout(margin={"l": 4, "r": 4, "b": 4}, uniformtext={"minsize": 10, "mode": "hide"})


def _label(owner: str, *, is_marked: bool) -> str:
    return mark_label(owner) if is_marked else short_html(owner)


def _tile_texts(numbers: TreemapNumbers) -> list[str]:
    decimals = numbers.context.decimals
    texts = [
        holder_hover(owner, balance, share, slot, decimals)
        for owner, balance, share, slot in zip(
            numbers.owners, numbers.balances, numbers.share.tolist(), numbers.slots, strict=True
        )
    ]
    if not numbers.others:
        return texts
    return [*texts, _rest_text(numbers)]


def _rest_text(numbers: TreemapNumbers) -> str:
    decimals = numbers.context.decimals
    return (
        f"{holders_text(numbers.others)} together<br>"
        f"{amount_text(numbers.others_balance, decimals)} {unit_text(decimals)}<br>"
        f"{percent_text(numbers.others_share)} of what is held here"
    )
