"""One mint over several pulls: comings and goings, and how many of each pull stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import cohorts, timeline
from helius_frames.charts._context import (
    Decimals,
    decimals_in,
    decimals_of,
    pull_of,
    source_parts,
    symbols_in,
)
from helius_frames.charts._look import Look, Theme, chart
from helius_frames.charts._sentences import amount_text, count_text, labels_of, nothing, share_text
from helius_frames.charts._style import add_legend, new_figure, number_format, palette, theme_of
from helius_frames.charts._text import html, short, slots_text, unit_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from helius_frames.analysis import Mints, Pulls

_HEIGHT = 340
_ROW, _LEAST = 44, 180
_TEXTS = 12  # pulls whose cells still have room for a share
_LABELLED = 12  # pulls that have room for a number each


class TimelineNumbers(NamedTuple):
    """Holders of each pull, and who came and went since the one before; 0 where that cannot be known."""

    mint: str
    decimals: int | None
    symbol: str | None
    is_made_up: bool
    labels: list[str]
    slots: tuple[int, int] | None
    holders: list[int]
    totals: list[int]
    new: list[int]
    returned: list[int]
    first_read: list[int]
    left: list[int]
    not_read: list[int]

    def to_frame(self) -> pd.DataFrame:
        """Return the pulls as a table, one row each."""
        names = ("holders", "totals", "new", "returned", "first_read", "left", "not_read")
        return pd.DataFrame({name: getattr(self, name) for name in names}, index=self.labels)


class CohortsNumbers(NamedTuple):
    """Cells of the grid: ``share[i, j]`` of the holders of pull i that pull j read hold in pull j."""

    mint: str
    labels: list[str]
    holders: list[int]
    held: np.ndarray
    left: np.ndarray
    not_read: np.ndarray
    share: np.ndarray
    symbol: str | None
    slots: tuple[int, int] | None
    is_made_up: bool

    def to_frame(self) -> pd.DataFrame:
        """Return the shares that still hold as a table, pulls by pulls."""
        return pd.DataFrame(self.share, index=self.labels, columns=self.labels)


def timeline_numbers(
    pulls: Pulls,
    mint: str,
    *,
    decimals: Decimals = None,
    mints: Mints = None,
    complete: Mints = None,
) -> TimelineNumbers:
    """Compute what `plot_timeline` draws."""
    frames = _frames(pulls)
    places = _decimals_in(frames, mint) if decimals is None else decimals_of(decimals, mint)
    table = timeline(pulls, mint, mints=mints, complete=complete)
    first, last = table["slot_first"].min(), table["slot_last"].max()
    counts = {
        name: table[name].fillna(0).astype("int64").tolist()
        for name in ("new", "returned", "first_read", "left", "not_read")
    }
    counts["first_read"][0] = 0  # everybody, and so nothing to draw
    return TimelineNumbers(
        mint=mint,
        decimals=places,
        symbol=_symbol_in(frames, mint),
        is_made_up=all(pull_of(frame).is_made_up for frame in frames),
        labels=labels_of(table.index.tolist()),
        slots=None if pd.isna(first) else (int(first), int(last)),
        holders=table["holders"].tolist(),
        totals=table["total"].tolist(),
        **counts,
    )


@chart
def plot_timeline(
    pulls: Pulls,
    mint: str,
    *,
    decimals: Decimals = None,
    mints: Mints = None,
    complete: Mints = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw the holders of one mint pull by pull, and below who came and who left between them.

    Hatched are holders of whom nothing can be said: never read before, or not read this time.

    Parameters
    ----------
    pulls, mint, mints, complete
        As of `timeline`; keys of a mapping are the labels of the axis.
    <decimals>
    <look>

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
    'From 480 holders of 5VnY…eVQF to 384: 96 left, nobody came'
    """
    numbers = timeline_numbers(pulls, mint, decimals=decimals, mints=mints, complete=complete)
    figure = _start(look, numbers, _timeline_sentence(numbers), "Line and bars over time", _HEIGHT, 96)
    theme = theme_of(look)
    if not any(numbers.holders):
        return nothing(figure, theme, "No holder has a balance above zero in any of these pulls")
    _draw_timeline(figure, numbers, theme)
    return figure


def cohorts_numbers(
    pulls: Pulls, mint: str, *, mints: Mints = None, complete: Mints = None
) -> CohortsNumbers:
    """Compute what `plot_cohorts` draws."""
    frames = _frames(pulls)
    table = cohorts(pulls, mint, mints=mints, complete=complete)
    slots = pd.concat([frame.loc[frame["mint"] == mint, "slot"].astype("int64") for frame in frames])
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
        symbol=_symbol_in(frames, mint),
        slots=(int(slots.min()), int(slots.max())) if len(slots) else None,
        is_made_up=all(pull_of(frame).is_made_up for frame in frames),
        **cells,
    )


@chart
def plot_cohorts(
    pulls: Pulls,
    mint: str,
    *,
    mints: Mints = None,
    complete: Mints = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw how many of the holders of each pull hold in each later one.

    A row is the holders of one pull, followed from left to right. Shares are of those that the later pull
    read; where it read nobody, the cell is empty.

    Parameters
    ----------
    pulls, mint, mints, complete
        As of `timeline`; keys of a mapping are the labels of the axes.
    <look>

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
    '80% of the 480 holders of 5VnY…eVQF in the first pull still hold in the last'
    """
    numbers = cohorts_numbers(pulls, mint, mints=mints, complete=complete)
    height = max(_ROW * len(numbers.labels), _LEAST)
    figure = _start(look, numbers, _cohorts_sentence(numbers), "Grid of pulls", height, 62)
    theme = theme_of(look)
    if not any(numbers.holders):
        return nothing(figure, theme, "No holder has a balance above zero in any of these pulls")
    _draw_cohorts(figure, numbers, theme)
    return figure


def _start(  # noqa: PLR0917
    look: Look,
    numbers: TimelineNumbers | CohortsNumbers,
    sentence: str,
    kind: str,
    height: int,
    bottom: int,
) -> go.Figure:
    slots = slots_text(*(numbers.slots or (None, None)))
    pulls = count_text(len(numbers.labels), "pull")
    more = "share of those that still hold" if isinstance(numbers, CohortsNumbers) else ""
    made_up = pull_of(pd.DataFrame())._replace(is_made_up=numbers.is_made_up)
    source = source_parts(made_up, numbers.mint, numbers.symbol)
    parts = [pulls, short(numbers.mint), slots, more]
    return new_figure(look, sentence, parts, kind=kind, source=source, height=height, bottom=bottom)


def _frames(pulls: Pulls) -> list[pd.DataFrame]:
    return list(pulls.values()) if isinstance(pulls, Mapping) else list(pulls)


def _symbol_in(frames: Sequence[pd.DataFrame], mint: str) -> str | None:
    return next(filter(None, (symbols_in(frame, [mint])[0] for frame in frames)), None)


def _decimals_in(frames: Sequence[pd.DataFrame], mint: str) -> int | None:
    return next((places for frame in frames if (places := decimals_in(frame, mint)) is not None), None)


def _of(numbers: TimelineNumbers | CohortsNumbers) -> str:
    return f" of {numbers.symbol or short(numbers.mint)}"


def _timeline_sentence(numbers: TimelineNumbers) -> str:
    if not any(numbers.holders):
        return "Nothing to draw"
    if len(numbers.labels) == 1:
        return f"{count_text(numbers.holders[0], 'holder')}{_of(numbers)} in one pull"
    first, last = numbers.holders[0], numbers.holders[-1]
    came, left = sum(numbers.new) + sum(numbers.returned), sum(numbers.left)
    moved = f"{left:,} left, {came:,} came" if left and came else f"{left:,} left, nobody came"
    if not left:
        moved = f"{came:,} came, nobody left" if came else "nobody came, nobody left"
    unknown = sum(numbers.first_read) or sum(numbers.not_read)
    return f"From {count_text(first, 'holder')}{_of(numbers)} to {last:,}: {moved}" + (
        ", as far as was read" if unknown else ""
    )


def _draw_timeline(figure: go.Figure, numbers: TimelineNumbers, theme: Theme) -> None:
    colours, places = palette(theme), list(range(len(numbers.labels)))
    labelled = len(places) <= _LABELLED
    unit = html(unit_text(numbers.decimals, numbers.symbol))
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
            f"{html(label)}<br>{count_text(count, 'holder')}"
            f"<br>together {amount_text(total, numbers.decimals)} {unit}"
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
                    f"{html(label)}<br>{name}: {count_text(count, 'owner')}"
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
        margin={"l": 50},
        xaxis={
            "tickvals": shown,
            "ticktext": [html(numbers.labels[place]) for place in shown],
            "range": [-0.6, len(places) - 0.4],
            "showgrid": False,
            "anchor": "y",
        },
        yaxis={
            "domain": [0, 0.46],
            "title": {"text": "came, left"},
            "range": [-1.1 * max(*downs, most / 5), 1.1 * max(*ups, most / 5)],
            **number_format(most),
            "nticks": 5,
            "zeroline": True,
            "zerolinecolor": colours.other,
        },
        yaxis2={
            "domain": [0.54, 1],
            "title": {"text": "holders"},
            "range": [0, 1.2 * max(*numbers.holders, 1)],
            **number_format(max(numbers.holders)),
            "nticks": 4,
            "anchor": "x",
        },
    )
    add_legend(figure, theme)


def _cohorts_sentence(numbers: CohortsNumbers) -> str:
    if not any(numbers.holders):
        return "Nothing to draw"
    held, left = numbers.held[0, -1], numbers.left[0, -1]
    if len(numbers.labels) == 1:
        return f"{count_text(numbers.holders[0], 'holder')}{_of(numbers)} in one pull"
    if not held + left:
        return "The last pull read none of the holders of the first"
    share, first = share_text(int(held), int(held + left)), count_text(int(held + left), "holder")
    read = "" if held + left == numbers.holders[0] else " that were read again"
    verb = "holds" if held + left == 1 else "hold"
    return f"{share} of the {first}{_of(numbers)} in the first pull{read} still {verb} in the last"


def _draw_cohorts(figure: go.Figure, numbers: CohortsNumbers, theme: Theme) -> None:
    colours, size = palette(theme), len(numbers.labels)
    little, much = colours.text_ramp
    places = list(range(size))
    figure.add_heatmap(
        name="cohorts",
        x=places,
        y=places,
        z=numbers.share,
        zmin=0,
        zmax=1,
        colorscale=[[0, little], [1, much]],
        xgap=2,
        ygap=2,
        text=_cohort_texts(numbers),
        texttemplate="%{text}" if size <= _TEXTS else None,
        textfont={"color": colours.ink},
        hovertext=_cohort_hover(numbers),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        showscale=size > _TEXTS,
        colorbar={
            "tickformat": ".0%",
            "outlinewidth": 0,
            "thickness": 12,
            "tickfont": {"color": colours.quiet},
        },
    )
    ticks = {"tickvals": places, "showgrid": False}
    figure.update_xaxes(**ticks, ticktext=[html(label) for label in numbers.labels], title_text="hold in")
    rows = [
        f"{html(label)} ({count:,}) " for label, count in zip(numbers.labels, numbers.holders, strict=True)
    ]
    figure.update_yaxes(**ticks, ticktext=rows, autorange="reversed", title_text="holders of")
    figure.update_layout(margin={"l": 50})


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
            else f"holders of {html(numbers.labels[row])}: {numbers.holders[row]:,}"
            f"<br>in {html(numbers.labels[column])}: {int(numbers.held[row, column]):,} hold,"
            f" {int(numbers.left[row, column]):,} left, {int(numbers.not_read[row, column]):,} not read"
            for column in range(len(numbers.labels))
        ]
        for row in range(len(numbers.labels))
    ]
