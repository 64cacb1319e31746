"""Size classes, and batches of equal balances, of one mint's holders. Imports `analysis`; knows plotly."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from helius_frames.analysis import check_count, check_decimals, classes, equal_balances
from helius_frames.charts._sentences import (
    amount_text,
    count_text,
    frame_of,
    legend,
    nothing,
    share_text,
    start,
    subtitle_of,
)
from helius_frames.charts._style import Theme, palette
from helius_frames.charts._text import brief, unit_text

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from helius_frames.analysis import Edges, Exclude, Source

_ROW, _LEAST = 46, 150  # pixels of a class, and of the whole


class ClassesNumbers(NamedTuple):
    """Two bars for each class, the smallest first: its share of the holders and of what they hold."""

    mint: str
    decimals: int | None
    labels: list[str]
    is_named: bool
    low: list[int]
    high: list[int]
    holders: list[int]
    totals: list[int]
    share_of_holders: list[float]
    share: list[float]
    excluded_holders: int


class EqualBalancesNumbers(NamedTuple):
    """One bar for each amount, most holders first; of ``amounts`` different ones these are the first."""

    mint: str
    decimals: int | None
    all_holders: int
    amounts: int
    balances: list[int]
    holders: list[int]
    totals: list[int]
    excluded_holders: int


def classes_numbers(
    source: Source,
    mint: str,
    edges: Edges | None = None,
    *,
    decimals: int | None = None,
    exclude: Exclude = None,
) -> ClassesNumbers:
    """Compute what `plot_classes` draws."""
    if decimals is not None:
        check_decimals(decimals)
    table = classes(source, mint, edges, exclude=exclude)
    named = isinstance(edges, Mapping)
    return ClassesNumbers(
        mint=mint,
        decimals=decimals,
        labels=[escape(name) for name in table.index] if named else _range_labels(table, decimals),
        is_named=named,
        low=table["low"].tolist(),
        high=table["high"].tolist(),
        holders=table["holders"].tolist(),
        totals=table["total"].tolist(),
        share_of_holders=table["share_of_holders"].tolist(),
        share=table["share"].tolist(),
        excluded_holders=table.attrs.get("excluded_holders", 0),
    )


def plot_classes(
    source: Source,
    mint: str,
    edges: Edges | None = None,
    *,
    decimals: int | None = None,
    exclude: Exclude = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw the size classes of one mint's holders, from dust to whale: how many they are, how much they have.

    Both bars of a class are shares, of the holders and of what they hold, so they can be compared.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
    edges
        Where classes begin, base units, or a mapping from name to edge; by default powers of ten.
    decimals
        Show amounts divided by ``10**decimals``; by default base units.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; the subtitle counts them.
    theme
        ``"light"`` or ``"dark"``.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of two bars per class; exact counts and amounts are in hover.

    Raises
    ------
    AttributeError, InputError
        As of `classes`, or an option is out of its range.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.charts import plot_classes
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> figure = plot_classes(df, demo.TOKENS[1].mint, {"dust": 1, "regular": 10, "whale": 100})
    >>> figure.layout.title.text.replace("<br>", " ")
    '273 of 357 holders have 10 or more and own 96.4% of what is held here'
    """
    numbers = classes_numbers(source, mint, edges, decimals=decimals, exclude=exclude)
    parts = _subtitle(source, numbers.mint, decimals, sum(numbers.holders), numbers.excluded_holders)
    height = max(_ROW * len(numbers.labels), _LEAST)
    figure = start(theme, title, _classes_sentence(numbers), parts, height=height + 110)
    if not sum(numbers.holders):
        return nothing(figure, theme, "No holder has a balance above zero")
    colours, places = palette(theme), list(range(len(numbers.labels)))
    for name, shares, colour in (
        ("share of what is held here", numbers.share, colours.data),
        ("share of the holders", numbers.share_of_holders, colours.other),
    ):
        figure.add_bar(
            name=name,
            orientation="h",
            y=places,
            x=shares,
            marker={"color": colour},
            text=_share_texts(numbers, is_holders=name == "share of the holders"),
            textposition="outside",
            cliponaxis=False,
            constraintext="none",
            textfont={"color": colours.quiet, "size": 12},
            hovertext=_class_texts(numbers),
            hovertemplate="%{hovertext}<extra></extra>",
        )
    most = max(*numbers.share, *numbers.share_of_holders)
    figure.update_layout(
        barmode="group",
        bargap=0.3,
        bargroupgap=0.06,
        showlegend=True,
        legend={**legend(theme), "traceorder": "reversed"},
        margin={"b": 84, "r": 30},
    )
    figure.update_xaxes(tickformat=".0%", range=[0, 1.16 * most], nticks=6)
    figure.update_yaxes(
        tickvals=places,
        ticktext=numbers.labels,
        showgrid=False,
        title_text=None if numbers.is_named else f"balance ({unit_text(decimals)})",
        ticksuffix=" ",
    )
    return figure


def equal_balances_numbers(
    source: Source,
    mint: str,
    *,
    n: int = 12,
    at_least: int = 2,
    decimals: int | None = None,
    exclude: Exclude = None,
) -> EqualBalancesNumbers:
    """Compute what `plot_equal_balances` draws."""
    check_count(n, "n")
    if decimals is not None:
        check_decimals(decimals)
    table = equal_balances(source, mint, at_least=at_least, exclude=exclude)
    top = table.head(n)
    every = classes(source, mint, [1], exclude=exclude)["holders"]
    return EqualBalancesNumbers(
        mint=mint,
        decimals=decimals,
        all_holders=int(every.sum()),
        amounts=len(table),
        balances=top["balance"].tolist(),
        holders=top["holders"].tolist(),
        totals=top["total"].tolist(),
        excluded_holders=table.attrs.get("excluded_holders", 0),
    )


def plot_equal_balances(
    source: Source,
    mint: str,
    *,
    n: int = 12,
    at_least: int = 2,
    decimals: int | None = None,
    exclude: Exclude = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw the amounts that most holders of one mint hold exactly.

    Equal balances come from airdrops, rewards and round purchases as well as from many wallets of one person;
    the chart does not say which.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`.
    mint
        The mint to draw. A frame without any row gives a figure that says so.
    n
        The most amounts that are drawn.
    at_least
        How many holders an amount needs.
    decimals
        Show amounts divided by ``10**decimals``; by default base units.
    exclude
        Owners to leave out: ``"programs"``, labels, addresses; the subtitle counts them.
    theme
        ``"light"`` or ``"dark"``.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of one bar per amount.

    Raises
    ------
    AttributeError, InputError
        As of `equal_balances`, or an option is out of its range.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.charts import plot_equal_balances
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> plot_equal_balances(df, demo.TOKENS[0].mint, decimals=6).layout.title.text
    'All 480 holders hold exactly 1,000'
    """
    numbers = equal_balances_numbers(source, mint, n=n, at_least=at_least, decimals=decimals, exclude=exclude)
    parts = _subtitle(source, mint, decimals, numbers.all_holders, numbers.excluded_holders)
    if numbers.amounts > len(numbers.balances):
        parts.append(f"{len(numbers.balances)} of {count_text(numbers.amounts, 'amount')} held by several")
    height = max(30 * len(numbers.balances), _LEAST)
    figure = start(theme, title, _equal_sentence(numbers), parts, height=height + 60)
    if not numbers.balances:
        return nothing(figure, theme, f"No amount is held by {count_text(at_least, 'holder')} or more")
    colours = palette(theme)
    figure.add_bar(
        name="holders",
        orientation="h",
        y=list(range(len(numbers.balances))),
        x=numbers.holders,
        marker={"color": colours.data},
        text=[f"{count:,}" for count in numbers.holders],
        textposition="outside",
        cliponaxis=False,
        constraintext="none",
        textfont={"color": colours.quiet, "size": 12},
        hovertext=[
            f"{count_text(count, 'holder')} of exactly {amount_text(balance, decimals)} {unit_text(decimals)}"
            f"<br>{share_text(count, numbers.all_holders)} of the holders"
            f"<br>together {amount_text(total, decimals)}"
            for count, balance, total in zip(numbers.holders, numbers.balances, numbers.totals, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.update_layout(bargap=0.25, margin={"r": 40, "b": 60})
    figure.update_xaxes(title_text="holders", range=[0, 1.12 * numbers.holders[0]], tickformat=",d", nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(numbers.balances))),
        ticktext=[_short_amount(balance, decimals) + " " for balance in numbers.balances],
        autorange="reversed",
        showgrid=False,
        title_text=f"balance ({unit_text(decimals)})",
    )
    return figure


def _subtitle(source: Source, mint: str, decimals: int | None, holders: int, excluded: int) -> list[str]:
    parts = [count_text(holders, "holder"), *subtitle_of(frame_of(source), mint, decimals)]
    if excluded:
        parts.insert(1, f"{count_text(excluded, 'holder')} left out")
    return parts


def _range_labels(table: pd.DataFrame, decimals: int | None) -> list[str]:
    """Name classes by their lower limits, in the unit of the chart."""
    lows = [_short_amount(low, decimals) for low in table["low"].tolist()]
    return [
        f"{low} and more" if not following else f"{low} to {following}"
        for low, following in zip(lows, [*lows[1:], ""], strict=False)
    ]


def _short_amount(amount: int, decimals: int | None) -> str:
    """Write an amount exactly where that is short, else in three digits."""
    exact = amount_text(amount, decimals)
    return exact if len(exact) <= 9 else f"≈ {brief(amount, decimals)}"  # noqa: PLR2004


def _classes_sentence(numbers: ClassesNumbers) -> str:
    with_holders = [place for place, count in enumerate(numbers.holders) if count]
    if not with_holders:
        return "Nothing to draw"
    # The classes from the top that together have at least half.
    whole, amount, top, total = sum(numbers.holders), sum(numbers.totals), with_holders[-1], 0
    for top in reversed(with_holders):
        total += numbers.totals[top]
        if 2 * total >= amount:
            break
    holders, low = sum(numbers.holders[top:]), _short_amount(numbers.low[top], numbers.decimals)
    if holders == whole:
        who = "The one holder has" if whole == 1 else f"All {whole:,} holders have"
        return f"{who} {low} or more"
    have = "has" if holders == 1 else "have"
    own = "owns" if holders == 1 else "own"
    share = share_text(total, amount)
    return f"{holders:,} of {whole:,} holders {have} {low} or more and {own} {share} of what is held here"


def _equal_sentence(numbers: EqualBalancesNumbers) -> str:
    if not numbers.balances:
        return "Nothing to draw" if not numbers.all_holders else "No batches of equal balances"
    count, amount = numbers.holders[0], _short_amount(numbers.balances[0], numbers.decimals)
    if count == numbers.all_holders:
        return f"All {count:,} holders hold exactly {amount}" if count > 1 else f"The one holder has {amount}"
    return f"{count:,} of {numbers.all_holders:,} holders hold exactly {amount}"


def _share_texts(numbers: ClassesNumbers, *, is_holders: bool) -> list[str]:
    parts = numbers.holders if is_holders else numbers.totals
    return [share_text(part, sum(parts)) for part in parts]


def _class_texts(numbers: ClassesNumbers) -> list[str]:
    unit = unit_text(numbers.decimals)
    return [
        f"{label}: {amount_text(low, numbers.decimals)} to {amount_text(high, numbers.decimals)} {unit}"
        f"<br>{count_text(count, 'holder')} · {share_text(count, sum(numbers.holders))} of the holders"
        f"<br>together {amount_text(total, numbers.decimals)}"
        f" · {share_text(total, sum(numbers.totals))} of what is held here"
        for label, low, high, count, total in zip(
            numbers.labels, numbers.low, numbers.high, numbers.holders, numbers.totals, strict=True
        )
    ]
