"""One mint over several pulls: comings and goings, and how many of each pull stay. Imports `analysis`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from helius_frames.analysis import check_decimals, cohorts, timeline
from helius_frames.charts._sentences import (
    amount_text,
    count_text,
    labels_of,
    legend,
    nothing,
    share_text,
    start,
)
from helius_frames.charts._style import Theme, palette
from helius_frames.charts._text import short_html, slots_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from helius_frames.analysis import Mints, Pulls

_HEIGHT = 420
_ROW, _LEAST = 44, 180
_TEXTS = 12  # pulls whose cells still have room for a share
_LABELLED = 12  # pulls that have room for a number each


class TimelineNumbers(NamedTuple):
    """Holders of each pull, and who came and went since the one before; 0 where that cannot be known."""

    mint: str
    decimals: int | None
    labels: list[str]
    slots: tuple[int, int] | None
    holders: list[int]
    totals: list[int]
    new: list[int]
    returned: list[int]
    first_read: list[int]
    left: list[int]
    not_read: list[int]


class CohortsNumbers(NamedTuple):
    """Cells of the grid: ``share[i, j]`` of the holders of pull i that pull j read hold in pull j."""

    mint: str
    labels: list[str]
    holders: list[int]
    held: np.ndarray
    left: np.ndarray
    not_read: np.ndarray
    share: np.ndarray


def timeline_numbers(
    pulls: Pulls,
    mint: str,
    *,
    decimals: int | None = None,
    mints: Mints = None,
    complete: Mints = None,
) -> TimelineNumbers:
    """Compute what `plot_timeline` draws."""
    if decimals is not None:
        check_decimals(decimals)
    table = timeline(pulls, mint, mints=mints, complete=complete)
    first, last = table["slot_first"].min(), table["slot_last"].max()
    counts = {
        name: table[name].fillna(0).astype("int64").tolist()
        for name in ("new", "returned", "first_read", "left", "not_read")
    }
    counts["first_read"][0] = 0  # everybody, and so nothing to draw
    return TimelineNumbers(
        mint=mint,
        decimals=decimals,
        labels=labels_of(table.index.tolist()),
        slots=None if pd.isna(first) else (int(first), int(last)),
        holders=table["holders"].tolist(),
        totals=table["total"].tolist(),
        **counts,
    )


def plot_timeline(
    pulls: Pulls,
    mint: str,
    *,
    decimals: int | None = None,
    mints: Mints = None,
    complete: Mints = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw the holders of one mint pull by pull, and below who came and who left between them.

    Hatched are holders of whom nothing can be said: never read before, or not read this time.

    Parameters
    ----------
    pulls, mint, mints, complete
        As of `timeline`; keys of a mapping are the labels of the axis.
    decimals
        Show amounts in hover divided by ``10**decimals``; by default base units.
    theme
        ``"light"`` or ``"dark"``.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of a line and, below it, bars up for those that came and down for those that left.

    Raises
    ------
    AttributeError, InputError
        As of `timeline`, or an option is out of its range.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.charts import plot_timeline
    >>> first = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> with demo.at("later"):
    ...     later = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> figure = plot_timeline({"August": first, "September": later}, demo.TOKENS[0].mint)
    >>> figure.layout.title.text.replace("<br>", " ")
    'From 480 holders to 384: 96 left, nobody came'
    """
    numbers = timeline_numbers(pulls, mint, decimals=decimals, mints=mints, complete=complete)
    first, last = numbers.slots or (None, None)
    parts = [count_text(len(numbers.labels), "pull"), short_html(mint), slots_text(first, last)]
    figure = start(theme, title, _timeline_sentence(numbers), parts, height=_HEIGHT)
    if not any(numbers.holders):
        return nothing(figure, theme, "No holder has a balance above zero in any of these pulls")
    _draw_timeline(figure, numbers, theme)
    return figure


def cohorts_numbers(
    pulls: Pulls, mint: str, *, mints: Mints = None, complete: Mints = None
) -> CohortsNumbers:
    """Compute what `plot_cohorts` draws."""
    table = cohorts(pulls, mint, mints=mints, complete=complete)
    size = int((table["pull"] == table["pull"].iloc[0]).sum())
    upper = np.triu_indices(size)  # the table has its rows in this order
    cells = {}
    for name in ("held", "left", "not_read", "share"):
        cells[name] = np.full((size, size), np.nan)
        cells[name][upper] = table[name]
    return CohortsNumbers(
        mint=mint,
        labels=labels_of(table["later"].iloc[:size].tolist()),
        holders=table["holders"].to_numpy()[np.flatnonzero(upper[0] == upper[1])].tolist(),
        **cells,
    )


def plot_cohorts(
    pulls: Pulls,
    mint: str,
    *,
    mints: Mints = None,
    complete: Mints = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw how many of the holders of each pull hold in each later one.

    A row is the holders of one pull, followed from left to right. Shares are of those that the later pull
    read; where it read nobody, the cell is empty.

    Parameters
    ----------
    pulls, mint, mints, complete
        As of `timeline`; keys of a mapping are the labels of the axes.
    theme
        ``"light"`` or ``"dark"``.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of one cell for each pull and later pull; counts are in hover.

    Raises
    ------
    AttributeError, InputError
        As of `timeline`, or the theme is neither of the two.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.charts import plot_cohorts
    >>> first = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> with demo.at("later"):
    ...     later = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> figure = plot_cohorts({"August": first, "September": later}, demo.TOKENS[0].mint)
    >>> figure.layout.title.text.replace("<br>", " ")
    '80% of the 480 holders of the first pull hold in the last'
    """
    numbers = cohorts_numbers(pulls, mint, mints=mints, complete=complete)
    parts = [
        count_text(len(numbers.labels), "pull"),
        short_html(mint),
        "share of those that still hold",
    ]
    height = max(_ROW * len(numbers.labels), _LEAST)
    figure = start(theme, title, _cohorts_sentence(numbers), parts, height=height + 110)
    if not any(numbers.holders):
        return nothing(figure, theme, "No holder has a balance above zero in any of these pulls")
    _draw_cohorts(figure, numbers, theme)
    return figure


def _timeline_sentence(numbers: TimelineNumbers) -> str:
    if not any(numbers.holders):
        return "Nothing to draw"
    if len(numbers.labels) == 1:
        return f"{count_text(numbers.holders[0], 'holder')} in one pull"
    first, last = numbers.holders[0], numbers.holders[-1]
    came, left = sum(numbers.new) + sum(numbers.returned), sum(numbers.left)
    moved = f"{left:,} left, {came:,} came" if left and came else f"{left:,} left, nobody came"
    if not left:
        moved = f"{came:,} came, nobody left" if came else "nobody came, nobody left"
    unknown = sum(numbers.first_read) or sum(numbers.not_read)
    return f"From {count_text(first, 'holder')} to {last:,}: {moved}" + (
        ", as far as was read" if unknown else ""
    )


def _draw_timeline(figure: go.Figure, numbers: TimelineNumbers, theme: Theme) -> None:
    colours, places = palette(theme), list(range(len(numbers.labels)))
    labelled = len(places) <= _LABELLED
    figure.add_scatter(
        name="holders",
        showlegend=False,
        x=places,
        y=numbers.holders,
        yaxis="y2",
        mode="lines+markers+text" if labelled else "lines+markers",
        line={"color": colours.data, "width": 2.5},
        marker={"size": 8},
        text=[f"{count:,}" for count in numbers.holders],
        textposition="top center",
        textfont={"color": colours.ink},
        cliponaxis=False,
        hovertext=[
            f"{label}<br>{count_text(count, 'holder')} with {amount_text(total, numbers.decimals)} together"
            for label, count, total in zip(numbers.labels, numbers.holders, numbers.totals, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    hatch = {"shape": "/", "fgcolor": colours.other}
    for name, counts, marker, sign in (
        ("new", numbers.new, {"color": colours.data}, 1),
        ("returned", numbers.returned, {"color": colours.ramp[1] if theme == "dark" else colours.ramp[0]}, 1),
        ("read for the first time", numbers.first_read, {"color": colours.surface, "pattern": hatch}, 1),
        ("left", numbers.left, {"color": colours.other}, -1),
        ("held before, not read", numbers.not_read, {"color": colours.surface, "pattern": hatch}, -1),
    ):
        hatched = "pattern" in marker
        if any(counts):
            figure.add_bar(
                name=name,
                x=places,
                y=[sign * count for count in counts],
                marker={**marker, "line": {"color": colours.other, "width": 1}},
                text=[f"{count:,}" if count else "" for count in counts]
                if labelled and not hatched
                else None,
                textposition="inside",
                textangle=0,
                insidetextfont={"color": colours.on_data if name == "new" else colours.on_other, "size": 12},
                hovertext=[
                    f"{label}<br>{name}: {count_text(count, 'owner')}"
                    for label, count in zip(numbers.labels, counts, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
            )
    ups = [sum(counts) for counts in zip(numbers.new, numbers.returned, numbers.first_read, strict=True)]
    downs = [sum(counts) for counts in zip(numbers.left, numbers.not_read, strict=True)]
    most = max(*ups, *downs, 1)
    shown = places[:: len(places) // _LABELLED + 1]
    figure.update_layout(
        barmode="relative",
        uniformtext={"mode": "hide", "minsize": 10},  # where there is no room
        bargap=0.5,
        showlegend=True,
        legend=legend(theme),
        margin={"b": 84},
        xaxis={
            "tickvals": shown,
            "ticktext": [numbers.labels[place] for place in shown],
            "range": [-0.6, len(places) - 0.4],
            "showgrid": False,
            "anchor": "y",
        },
        yaxis={
            "domain": [0, 0.46],
            "title": {"text": "came, left"},
            "range": [-1.1 * max(*downs, most / 5), 1.1 * max(*ups, most / 5)],
            "nticks": 5,
            "tickformat": "~s",
            "zeroline": True,
            "zerolinecolor": colours.other,
        },
        yaxis2={
            "domain": [0.54, 1],
            "title": {"text": "holders"},
            "range": [0, 1.2 * max(*numbers.holders, 1)],
            "tickformat": "~s",
            "nticks": 4,
            "anchor": "x",
        },
    )


def _cohorts_sentence(numbers: CohortsNumbers) -> str:
    if not any(numbers.holders):
        return "Nothing to draw"
    held, left = numbers.held[0, -1], numbers.left[0, -1]
    if len(numbers.labels) == 1:
        return f"{count_text(numbers.holders[0], 'holder')} in one pull"
    if not held + left:
        return "The last pull read none of the holders of the first"
    share, first = share_text(int(held), int(held + left)), count_text(int(held + left), "holder")
    read = "" if held + left == numbers.holders[0] else " that were read again"
    return f"{share} of the {first} of the first pull{read} hold in the last"


def _draw_cohorts(figure: go.Figure, numbers: CohortsNumbers, theme: Theme) -> None:
    colours, size = palette(theme), len(numbers.labels)
    little, middle, much = colours.ramp
    places = list(range(size))
    figure.add_heatmap(
        name="cohorts",
        x=places,
        y=places,
        z=numbers.share,
        zmin=0,
        zmax=1,
        colorscale=[[0, little], [0.5, middle], [1, much]],
        xgap=2,
        ygap=2,
        text=_cohort_texts(numbers),
        texttemplate="%{text}" if size <= _TEXTS else None,
        hovertext=_cohort_hover(numbers),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        showscale=size > _TEXTS,
        colorbar={"tickformat": ".0%", "outlinewidth": 0, "thickness": 14},
    )
    ticks = {"tickvals": places, "showgrid": False}
    figure.update_xaxes(**ticks, ticktext=numbers.labels, title_text="hold in")
    rows = [f"{label} ({count:,}) " for label, count in zip(numbers.labels, numbers.holders, strict=True)]
    figure.update_yaxes(**ticks, ticktext=rows, autorange="reversed", title_text="holders of")
    figure.update_layout(margin={"b": 60})


def _cohort_texts(numbers: CohortsNumbers) -> list[list[str]]:
    return [
        [
            "" if np.isnan(held) or not held + left else share_text(int(held), int(held + left))
            for held, left in zip(*cells, strict=True)
        ]
        for cells in zip(numbers.held.tolist(), numbers.left.tolist(), strict=True)
    ]


def _cohort_hover(numbers: CohortsNumbers) -> list[list[str]]:
    return [
        [
            ""
            if column < row
            else f"holders of {numbers.labels[row]}: {numbers.holders[row]:,}"
            f"<br>in {numbers.labels[column]}: {int(numbers.held[row, column]):,} hold,"
            f" {int(numbers.left[row, column]):,} left, {int(numbers.not_read[row, column]):,} not read"
            for column in range(len(numbers.labels))
        ]
        for row in range(len(numbers.labels))
    ]
