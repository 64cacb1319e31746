"""Size classes, and batches of equal balances, of one mint's holders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Unpack

import pandas as pd

from helius_frames.analysis import check_count, classes, equal_balances
from helius_frames.charts._context import ChartContext, Decimals, look_up, start_figure
from helius_frames.charts._look import Look, chart
from helius_frames.charts._sentences import amount_text, count_text, nothing, share_text
from helius_frames.charts._style import add_legend, palette, theme_of
from helius_frames.charts._text import brief, html

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Edges, Exclude, Source

_OF_TOTAL, _OF_HOLDERS = "share of what they hold", "share of the holders"
_ROW, _LEAST = 46, 150  # pixels of a class, and of the whole


class ClassesNumbers(NamedTuple):
    """Two bars for each class, the smallest first: its share of the holders and of what they hold."""

    context: ChartContext
    labels: list[str]
    is_named: bool
    low: list[int]
    high: list[int]
    holders: list[int]
    totals: list[int]
    share_of_holders: list[float]
    share: list[float]
    excluded_holders: int

    def to_frame(self) -> pd.DataFrame:
        """Return the classes as a table, amounts in base units."""
        names = ("low", "high", "holders", "share_of_holders", "totals", "share")
        return pd.DataFrame({name: getattr(self, name) for name in names}, index=self.labels)


class EqualBalancesNumbers(NamedTuple):
    """One bar for each amount, most holders first; of ``amounts`` different ones these are the first."""

    context: ChartContext
    all_holders: int
    amounts: int
    balances: list[int]
    holders: list[int]
    totals: list[int]
    excluded_holders: int

    def to_frame(self) -> pd.DataFrame:
        """Return the amounts as a table, base units."""
        names = ("balances", "holders", "totals")
        return pd.DataFrame({name: getattr(self, name) for name in names})


def classes_numbers(
    source: Source,
    mint: str | None = None,
    edges: Edges | None = None,
    *,
    decimals: Decimals = None,
    exclude: Exclude = None,
) -> ClassesNumbers:
    """Compute what `plot_classes` draws."""
    _, _, context = look_up(source, mint, decimals)
    table = classes(source, context.mint, edges, exclude=exclude)
    named = isinstance(edges, Mapping)
    return ClassesNumbers(
        context=context._replace(holders=int(table["holders"].sum())),
        labels=table.index.tolist() if named else _range_labels(table, context.decimals),
        is_named=named,
        low=table["low"].tolist(),
        high=table["high"].tolist(),
        holders=table["holders"].tolist(),
        totals=table["total"].tolist(),
        share_of_holders=table["share_of_holders"].tolist(),
        share=table["share"].tolist(),
        excluded_holders=table.attrs.get("excluded_holders", 0),
    )


@chart
def plot_classes(
    source: Source,
    mint: str | None = None,
    edges: Edges | None = None,
    *,
    decimals: Decimals = None,
    exclude: Exclude = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw the size classes of one mint's holders, from dust to whale: how many they are, how much they have.

    Both bars of a class are shares, of the holders and of what they hold, so they can be compared.

    Parameters
    ----------
    <source>
    <mint>
    edges
        Where classes begin, base units, or a mapping from name to edge; by default powers of ten.
    <decimals>
    <exclude>
    <look>

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
    '273 of 357 holders of 5ZmG…wEnk have 10 or more and own 96.4% of what is held here'
    """
    numbers = classes_numbers(source, mint, edges, decimals=decimals, exclude=exclude)
    context, theme = numbers.context, theme_of(look)
    decimals, unit = context.decimals, html(context.unit)
    figure = start_figure(
        look,
        context,
        None,
        "Bars of size classes",
        _classes_sentence(numbers),
        _counts(context, numbers.excluded_holders),
        height=max(_ROW * len(numbers.labels), _LEAST),
        bottom=92,
        beside=12,
    )
    if not context.holders:
        return figure
    colours, places = palette(theme), list(range(len(numbers.labels)))
    for name, shares, colour in (
        (_OF_TOTAL, numbers.share, colours.data),
        (_OF_HOLDERS, numbers.share_of_holders, colours.other),
    ):
        figure.add_bar(
            name=name,
            orientation="h",
            y=places,
            x=shares,
            marker={"color": colour},
            text=_share_texts(numbers, is_holders=name == _OF_HOLDERS),
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
        margin={"r": 30, "l": 40},
    )
    add_legend(figure, theme, traceorder="reversed")
    figure.update_xaxes(tickformat=".3~%", range=[0, 1.2 * most], nticks=6)
    figure.update_yaxes(
        tickvals=places,
        ticktext=[html(label) for label in numbers.labels],
        showgrid=False,
        title_text=None if numbers.is_named else f"balance ({unit})",
        ticksuffix=" ",
    )
    return figure


def equal_balances_numbers(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 12,
    at_least: int = 2,
    decimals: Decimals = None,
    exclude: Exclude = None,
) -> EqualBalancesNumbers:
    """Compute what `plot_equal_balances` draws."""
    check_count(n, "n")
    _, _, context = look_up(source, mint, decimals)
    table = equal_balances(source, context.mint, at_least=at_least, exclude=exclude)
    top = table.head(n)
    every = int(classes(source, context.mint, [1], exclude=exclude)["holders"].sum())
    return EqualBalancesNumbers(
        context=context._replace(holders=every),
        all_holders=every,
        amounts=len(table),
        balances=top["balance"].tolist(),
        holders=top["holders"].tolist(),
        totals=top["total"].tolist(),
        excluded_holders=table.attrs.get("excluded_holders", 0),
    )


@chart
def plot_equal_balances(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 12,
    at_least: int = 2,
    decimals: Decimals = None,
    exclude: Exclude = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw the amounts that most holders of one mint hold exactly.

    Equal balances come from airdrops, rewards and round purchases as well as from many wallets of one person;
    the chart does not say which.

    Parameters
    ----------
    <source>
    <mint>
    n
        The most amounts that are drawn.
    at_least
        How many holders an amount needs.
    <decimals>
    <exclude>
    <look>

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
    'All 480 holders of 5VnY…eVQF<br>hold exactly 1,000 tokens'
    """
    numbers = equal_balances_numbers(source, mint, n=n, at_least=at_least, decimals=decimals, exclude=exclude)
    context, theme = numbers.context, theme_of(look)
    decimals, unit = context.decimals, html(context.unit)
    more = _counts(context, numbers.excluded_holders)
    if numbers.amounts > len(numbers.balances):
        more.append(f"{len(numbers.balances)} of {count_text(numbers.amounts, 'amount')} held by several")
    figure = start_figure(
        look,
        context,
        None,
        "Bars of equal balances",
        _equal_sentence(numbers),
        more,
        height=max(30 * len(numbers.balances), _LEAST),
        bottom=62,
        beside=30,
    )
    if not context.holders:
        return figure
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
            f"{count_text(count, 'holder')} of exactly {amount_text(balance, decimals)} {unit}"
            f"<br>{share_text(count, numbers.all_holders)} of the holders"
            f"<br>together {amount_text(total, decimals)}"
            for count, balance, total in zip(numbers.holders, numbers.balances, numbers.totals, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.update_layout(bargap=0.25, margin={"r": 48, "l": 40})
    figure.update_xaxes(title_text="holders", range=[0, 1.14 * numbers.holders[0]], tickformat=",d", nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(numbers.balances))),
        ticktext=[_short_amount(balance, decimals) + " " for balance in numbers.balances],
        autorange="reversed",
        showgrid=False,
        title_text=f"balance ({unit})",
    )
    return figure


def _counts(context: ChartContext, excluded: int) -> list[str]:
    counts = [count_text(context.holders, "holder")]
    return [*counts, f"{count_text(excluded, 'holder')} left out"] if excluded else counts


def _range_labels(table: pd.DataFrame, decimals: int | None) -> list[str]:
    """Name classes by their lower limits, in the unit of the chart."""
    lows = [_short_amount(low, decimals) for low in table["low"].tolist()]
    return [
        f"{low} and more" if not following else f"{low} to {following}"
        for low, following in zip(lows, [*lows[1:], ""], strict=False)
    ]


def _short_amount(amount: int, decimals: int | None) -> str:
    """Write an amount exactly where that is short, else in three digits."""
    exact, value = amount_text(amount, decimals), amount / 10 ** (decimals or 0)
    if len(exact) <= 9:  # noqa: PLR2004
        return exact
    is_rounded = float(f"{value:.3g}") != value
    return f"{'≈ ' if is_rounded else ''}{brief(amount, decimals)}"


def _classes_sentence(numbers: ClassesNumbers) -> str:
    context = numbers.context
    unit = f" {context.unit}" if context.symbol else ""
    of = "" if context.symbol else f" of {context.name}"
    with_holders = [place for place, count in enumerate(numbers.holders) if count]
    if not with_holders:
        return "Nothing to draw"
    # The classes from the top that together have at least half.
    whole, amount, top, total = sum(numbers.holders), sum(numbers.totals), with_holders[-1], 0
    for top in reversed(with_holders):
        total += numbers.totals[top]
        if 2 * total >= amount:
            break
    holders, low = sum(numbers.holders[top:]), _short_amount(numbers.low[top], context.decimals)
    if holders == whole:
        who = f"The one holder{of} has" if whole == 1 else f"All {whole:,} holders{of} have"
        return f"{who} {low}{unit} or more"
    have = "has" if holders == 1 else "have"
    own = "owns" if holders == 1 else "own"
    share = share_text(total, amount)
    return (
        f"{holders:,} of {whole:,} holders{of} {have} {low}{unit} or more and {own} {share} of {context.held}"
    )


def _equal_sentence(numbers: EqualBalancesNumbers) -> str:
    if not numbers.balances:
        return "Nothing to draw" if not numbers.all_holders else "No batches of equal balances"
    context, count = numbers.context, numbers.holders[0]
    amount = f"{_short_amount(numbers.balances[0], context.decimals)} {context.unit}"
    of = "" if context.symbol else f" of {context.name}"
    if count == numbers.all_holders:
        return (
            f"All {count:,} holders{of} hold exactly {amount}"
            if count > 1
            else f"The one holder{of} has {amount}"
        )
    return f"{count:,} of {numbers.all_holders:,} holders{of} hold exactly {amount}"


def _share_texts(numbers: ClassesNumbers, *, is_holders: bool) -> list[str]:
    parts = numbers.holders if is_holders else numbers.totals
    return [share_text(part, sum(parts)) for part in parts]


def _class_texts(numbers: ClassesNumbers) -> list[str]:
    decimals, unit = numbers.context.decimals, html(numbers.context.unit)
    return [
        f"{html(label)}: {amount_text(low, decimals)} to {amount_text(high, decimals)} {unit}"
        f"<br>{count_text(count, 'holder')} · {share_text(count, sum(numbers.holders))} of the holders"
        f"<br>together {amount_text(total, decimals)}"
        f" · {share_text(total, sum(numbers.totals))} of {html(numbers.context.held)}"
        for label, low, high, count, total in zip(
            numbers.labels, numbers.low, numbers.high, numbers.holders, numbers.totals, strict=True
        )
    ]
