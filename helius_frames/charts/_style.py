"""The look all charts share: colours, fonts, the frame around the data."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import plotly.graph_objects as go

from helius_frames.charts._text import brief_label, power_text, short_html, unit_text
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from helius_frames.analysis import Scale

Theme: TypeAlias = Literal["light", "dark"]

HEIGHT = 480
_ROOM = 0.01  # beside the data, as a part of the axis
_THOUSAND = 1000
_PREFIXED, _PLAIN = ".10~s", ".10~g"  # ten digits, trailing zeros left out
_APART = 1e-8  # of an amount: what ten digits tell apart
_FEW = 5
_FEW_DECADES = (1.5, 10)  # where plotly would label the digits between two powers as well
_CLEAR = "rgba(0,0,0,0)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


class Palette(NamedTuple):
    """Colours of one theme; data and mark are from Okabe and Ito's set, apart for colour-blind eyes too."""

    data: str
    shade: str  # the data colour, thin
    mark: str
    other: str  # zeros, the rest, what is only there for orientation
    ink: str
    quiet: str
    grid: str
    surface: str  # what the page is expected to be
    on_data: str  # text on the data and the mark colour
    on_other: str  # text on grey
    ramp: tuple[str, str, str]  # from little to much


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        data="#0072B2",
        shade="rgba(0,114,178,0.16)",
        mark="#D55E00",
        other="#9aa1a9",
        ink="#1f2328",
        quiet="#59636e",
        grid="rgba(31,35,40,0.10)",
        surface="#ffffff",
        on_data="#ffffff",
        on_other="#1f2328",
        ramp=("#cbe6f8", "#4c9fd1", "#003d66"),
    ),
    "dark": Palette(
        data="#56B4E9",
        shade="rgba(86,180,233,0.20)",
        mark="#E69F00",
        other="#7d8590",
        ink="#e6edf3",
        quiet="#9da7b1",
        grid="rgba(230,237,243,0.14)",
        surface="#111418",
        on_data="#111418",
        on_other="#111418",
        ramp=("#12384f", "#2f86bd", "#c9e9fb"),
    ),
}


def palette(theme: Theme) -> Palette:
    """Look up the colours of a theme."""
    if theme not in PALETTES:
        raise InputError(f"theme must be {' or '.join(map(repr, get_args(Theme)))}, got {theme!r}")
    return PALETTES[theme]


def new_figure(theme: Theme, title: str, subtitle: str) -> go.Figure:
    """Start a figure: paper, axes, title; the texts are HTML already."""
    colours = palette(theme)
    layout = {
        "template": _template(theme),
        "height": HEIGHT,
        "meta": {"theme": theme},
        "title": {"text": title, "subtitle": {"text": subtitle}},
        "hoverlabel": {"font": {"color": colours.ink}},
    }
    return go.Figure(layout=layout)


def add_message(figure: go.Figure, theme: Theme, sentence: str) -> None:
    """Put one calm sentence where the data would be."""
    figure.add_annotation(
        text=sentence,
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        font={"size": 15, "color": palette(theme).quiet},
    )
    figure.update_xaxes(range=[0, 1], showticklabels=False, type="linear")
    figure.update_yaxes(range=[0, 1], showticklabels=False)


def amount_axis(scale: Scale, lowest: float, highest: float) -> dict[str, object]:
    """Return the axis of amounts: 1k, 1M, 1G; powers of ten where there are amounts below one."""
    if scale == "log":
        return {"type": "log", **_span(*np.log10([lowest, highest])), **_log_labels(lowest, highest)}
    return {"type": "linear", **_span(lowest, highest), "tickformat": amount_format(highest)}


def amount_format(highest: float) -> str:
    """Return the format of a linear axis: a prefix from a thousand on, never ``500m`` for a half."""
    return _PREFIXED if highest >= _THOUSAND else _PLAIN


def is_distinguishable(lowest: float, highest: float) -> bool:
    """Return whether the labels of an axis tell two amounts apart."""
    return highest > lowest * (1 + _APART)


def axis_fraction(place: float, axis: tuple[float, float], scale: Scale) -> float:
    """Return how far along an axis a place is, from 0 to 1."""
    low, at, high = np.log10([axis[0], place, axis[1]]) if scale == "log" else (axis[0], place, axis[1])
    return float((at - low) / (high - low))


def log_ticks(
    axis: tuple[float, float], ends: tuple[float, float], most: int
) -> tuple[list[float], list[str]]:
    """Return places and labels of the powers of ten on an axis; of its ends where there are not two."""
    first, last = np.ceil(np.log10(axis[0])), np.floor(np.log10(axis[1]))
    powers = range(int(first), int(last) + 1)
    if len(powers) > 1:
        shown = powers[:: len(powers) // most + 1]
        return [10.0**power for power in shown], [power_text(power) for power in shown]
    values = sorted(set(ends))
    return values, [brief_label(value) for value in values]


def count_axis(highest: int) -> dict[str, object]:
    """Return an axis of counts: whole numbers from zero on."""
    steps = {"dtick": 1} if highest <= _FEW else {}
    return {"tickformat": "~s" if highest >= _THOUSAND else "d", "rangemode": "tozero", **steps}


def shown_labels(count: int, most: int, always: int | None) -> list[int]:
    """Return the places whose labels have room, evenly; ``always`` is among them, not its neighbours."""
    step = -(-count // most)
    shown = range(0, count, step)
    if always is None or always in shown:
        return list(shown)
    return sorted([always, *(place for place in shown if abs(place - always) >= step)])


def balance_title(decimals: int | None) -> str:
    """Name the axis of balances."""
    return f"balance ({unit_text(decimals)})"


def mark_label(owner: str) -> str:
    """Return the label of the marked owner."""
    return f"<b>{short_html(owner)}</b>"


def _span(lowest: float, highest: float) -> dict[str, object]:
    room = _ROOM * (highest - lowest)
    return {"range": [lowest - room, highest + room]}


def _log_labels(lowest: float, highest: float) -> dict[str, object]:
    few_decades = _FEW_DECADES[0] < np.log10(highest / lowest) < _FEW_DECADES[1]
    if lowest >= 1:
        return {"tickformat": _PREFIXED, **({"dtick": 1} if few_decades else {})}
    places, labels = log_ticks((lowest, highest), (lowest, highest), most=10)
    return {"tickvals": places, "ticktext": labels}


@cache
def _template(theme: Theme) -> go.layout.Template:
    colours = palette(theme)
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "ticks": "",
        "ticklabelstandoff": 6,  # clear of the data, and of each other in the corner
        "automargin": True,
        "title": {"font": {"size": 13, "color": colours.quiet}, "standoff": 12},
        "tickfont": {"size": 12, "color": colours.quiet},
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": _CLEAR,
            "plot_bgcolor": _CLEAR,
            "font": {"family": _FONT, "size": 13, "color": colours.ink},
            "title": {
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 18},
                "font": {"size": 18},
                "subtitle": {"font": {"size": 13, "color": colours.quiet}},
            },
            "margin": {"l": 70, "r": 24, "t": 92, "b": 60},
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": colours.surface, "bordercolor": colours.other, "align": "left"},
            "showlegend": False,
            "bargap": 0,
            "xaxis": axis,
            "yaxis": axis,
            "modebar": {"bgcolor": _CLEAR, "color": colours.other, "activecolor": colours.ink},
        }
    )
