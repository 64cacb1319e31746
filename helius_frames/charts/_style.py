"""The look all charts share: colours, fonts, the frame around the data, the breaks of its texts."""

from __future__ import annotations

import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

import numpy as np

from helius_frames.charts._look import PHONE, Look, Theme, check_look
from helius_frames.charts._text import brief, html, power_text, short_html, unit_text
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import plotly.graph_objects as go

    from helius_frames.analysis import Scale

HEIGHT: Final = 480
LEFT: Final = 70  # pixels that the labels of an axis of numbers take, its title included
_AREA = 290  # pixels that the data have at least
_TITLE_LINE, _SUBTITLE_LINE, _SOURCE_LINE = 24, 18, 15
_ABOVE, _BELOW = 42, 8  # the lines of the head, and those of the source
_EDGE = 12  # pixels left and right of the texts
# A letter is about so many pixels wide: of the title, the subtitle, the source.
_LETTERS: Final = (10.2, 7.3, 6.6)
_LONGEST = 90  # characters of a line that is still easy to read
_ROOM = 0.01  # beside the data, as a part of the axis
_THOUSAND = 1000
_APART = 1e-8  # of an amount: what an axis tells apart
_FEW = 5
_NICE = (1, 2, 5)
_MOST_POWERS = 10  # labels of a log axis
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
    data_text: str  # of what belongs to the data, on the paper or on the shade
    mark_text: str
    grid: str
    surface: str  # the paper
    on_data: str  # text on the data colour
    on_mark: str
    on_other: str  # text on grey
    ramp: tuple[str, str, str]  # from little to much
    text_ramp: tuple[str, str]  # the same, with the ink readable on all of it


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        data="#0072B2",
        shade="rgba(0,114,178,0.16)",
        mark="#D55E00",
        other="#9aa1a9",
        ink="#1f2328",
        quiet="#59636e",
        data_text="#005a8c",
        mark_text="#a04600",
        grid="rgba(31,35,40,0.10)",
        surface="#ffffff",
        on_data="#ffffff",
        on_mark="#000000",
        on_other="#1f2328",
        ramp=("#cbe6f8", "#4c9fd1", "#003d66"),
        text_ramp=("#eaf4fb", "#6db3dd"),
    ),
    "dark": Palette(
        data="#56B4E9",
        shade="rgba(86,180,233,0.20)",
        mark="#E69F00",
        other="#7d8590",
        ink="#e6edf3",
        quiet="#9da7b1",
        data_text="#7cc5f0",
        mark_text="#E69F00",
        grid="rgba(230,237,243,0.14)",
        surface="#111418",
        on_data="#111418",
        on_mark="#111418",
        on_other="#111418",
        ramp=("#12384f", "#2f86bd", "#c9e9fb"),
        text_ramp=("#14242f", "#1f5f8a"),
    ),
}


def palette(theme: Theme) -> Palette:
    """Look up the colours of a theme."""
    if theme not in PALETTES:
        raise InputError(f"theme must be {' or '.join(map(repr, get_args(Theme)))}, got {theme!r}")
    return PALETTES[theme]


def new_figure(
    look: Look,
    sentence: str,
    parts: Sequence[str],
    *,
    kind: str,
    source: Sequence[str],
    height: int | None = None,
    bottom: int = 56,
    beside: int = 0,
    more: Mapping[str, Any] | None = None,
) -> go.Figure:
    """Start a figure: paper, axes, head, source. All texts are plain, their lines are broken here.

    ``layout.meta`` has the same texts whole, as HTML, for pages and screen readers.

    ``parts`` make the subtitle; a part with an end of line before it begins a new line. ``height`` is that of
    the data, in pixels; without it the figure has the usual height. ``bottom`` are the pixels of the axis
    below, ``beside`` those of what stands right of the data. ``more`` is the chart's own layout: plotly
    takes it many times faster at once than piece by piece.
    """
    import plotly.graph_objects as go  # noqa: PLC0415 - half a second, and only a figure needs it

    look = check_look(look)
    theme, width = look["theme"], look["width"] or PHONE
    colours = palette(theme)
    title = sentence if look["title"] is None else look["title"]
    heads = wrapped(title, _characters(width, 0))
    subtitles = joined(parts, _characters(width, 1))
    sources = joined(source, _characters(width - beside, 2))
    top = _TITLE_LINE * len(heads) + _SUBTITLE_LINE * len(subtitles) + _ABOVE
    foot = bottom + (_SOURCE_LINE * len(sources) + _BELOW if sources else 0)
    more = more or {}
    layout = {
        **more,
        "template": _template(theme),
        "height": max(HEIGHT, top + _AREA + foot) if height is None else top + height + foot,
        "margin": {"t": top, "b": foot},
        "meta": {
            "theme": theme,
            "title": html(title),
            "subtitle": html(" · ".join(part.strip() for part in parts if part)),
            "source": html(" · ".join(filter(None, source))),
            "description": html(f"{kind}: {title}"),
        },
        "title": {
            "text": "<br>".join(map(html, heads)),
            "subtitle": {"text": "<br>".join(map(html, subtitles))},
            # plotly sets the first of several lines higher than one alone
            "pad": {"t": 18 if len(heads) == 1 else 23, "l": _EDGE},
        },
        "hoverlabel": {"font": {"color": colours.ink}},
    }
    if look["transparent"]:
        layout["paper_bgcolor"] = _CLEAR
    if sources:
        line = {
            "name": "source",
            "text": "<br>".join(map(html, sources)),
            "showarrow": False,
            "xref": "paper",
            "x": 1,
            "xanchor": "right",
            "align": "right",
            "yref": "paper",
            "y": 0,
            "yanchor": "bottom",
            "yshift": -foot + _BELOW,
            "font": {"size": 11, "color": colours.quiet},
        }
        layout["annotations"] = [line, *more.get("annotations", ())]
    return go.Figure(layout=layout)


def add_message(figure: go.Figure, theme: Theme, sentence: str) -> None:
    """Put one calm sentence, plain text, where the data would be."""
    figure.add_annotation(
        name="message",
        text="<br>".join(map(html, wrapped(sentence, _characters(PHONE - 2 * LEFT, 1)))),
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        font={"size": 15, "color": palette(theme).quiet},
    )
    figure.update_xaxes(range=[0, 1], showticklabels=False, showgrid=False, type="linear")
    figure.update_yaxes(range=[0, 1], showticklabels=False, showgrid=False)


def theme_of(look: Look) -> Theme:
    """Return the theme of a look that may not name it."""
    return look.get("theme", "light")


def wrapped(sentence: str, characters: int) -> list[str]:
    """Wrap a sentence into as few lines as fit, of about one length, so that no word stands alone."""
    lines = textwrap.wrap(sentence, characters) or [""]
    for narrower in range(characters - 1, 0, -1):
        tried = textwrap.wrap(sentence, narrower)
        if len(tried) > len(lines):
            break
        lines = tried or lines
    return lines


def joined(parts: Sequence[str], characters: int) -> list[str]:
    """Join parts by dots, in lines that fit; a part with an end of line before it begins a line."""
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and not part.startswith("\n") and len(lines[-1]) + len(part) + 3 <= characters:
            lines[-1] = f"{lines[-1]} · {part}"
        else:
            lines += textwrap.wrap(part.strip(), characters)
    return lines


def add_legend(figure: go.Figure, theme: Theme, **layout: object) -> None:
    """Name the colours between the axis and the source, in as many lines as they need."""
    sources = [each.text for each in figure.layout.annotations if each.name == "source"]
    below = sum(_SOURCE_LINE * (text.count("<br>") + 1) + _BELOW for text in sources)
    figure.update_layout(
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "y": below / figure.layout.height,
            "yref": "container",
            "yanchor": "bottom",
            "traceorder": "normal",
            "font": {"size": 13, "color": palette(theme).ink},
            "itemclick": False,
            "itemdoubleclick": False,
            **layout,
        },
    )


def amount_axis(scale: Scale, lowest: float, highest: float) -> dict[str, object]:
    """Return the axis of amounts: 1k, 1M, 1B; on a log scale with labels at powers of ten."""
    if scale == "linear":
        return {"type": "linear", **_span(lowest, highest), **number_format(highest)}
    places, labels = log_ticks((lowest, highest), (lowest, highest), _MOST_POWERS)
    span = _span(*np.log10([lowest, highest]))
    return {"type": "log", **span, "tickvals": places, "ticktext": labels}


def number_format(highest: float) -> dict[str, object]:
    """Return how a linear axis writes numbers: k, M, B, T from a thousand on, never ``500m`` for a half."""
    if highest >= _THOUSAND:
        return {"exponentformat": "B", "separatethousands": True, "nticks": 8}
    return {"tickformat": ".10~g", "nticks": 8}


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
    """Return places and labels of the powers of ten on an axis.

    Where there are not two of them, 2 and 5 times a power are labelled too; else the ends.
    """
    first, last = np.ceil(np.log10(axis[0])), np.floor(np.log10(axis[1]))
    powers = range(int(first), int(last) + 1)
    if len(powers) > 1:
        shown = powers[:: len(powers) // (most + 1) + 1]
        return [10.0**power for power in shown], [power_text(power) for power in shown]
    nice = [digit * 10.0**power for power in range(int(first) - 1, int(last) + 2) for digit in _NICE]
    values = [value for value in nice if axis[0] <= value <= axis[1]]
    if len(values) < 2:  # noqa: PLR2004
        values = sorted(set(ends))
    return values, [brief(value) for value in values]


def count_axis(highest: int) -> dict[str, object]:
    """Return an axis of counts: whole numbers from zero on."""
    steps = {"dtick": 1} if highest <= _FEW else {}
    return {**number_format(max(highest, 1)), "rangemode": "tozero", **steps}


def shown_labels(count: int, most: int, always: int | None) -> list[int]:
    """Return the places whose labels have room, evenly; ``always`` is among them, not its neighbours."""
    step = -(-count // most)
    shown = range(0, count, step)
    if always is None or always in shown:
        return list(shown)
    return sorted([always, *(place for place in shown if abs(place - always) >= step)])


def balance_title(decimals: int | None, symbol: str | None, scale: Scale = "linear") -> str:
    """Name the axis of balances, and its scale where that is no common one."""
    unit = html(unit_text(decimals, symbol))
    return f"balance ({unit}, log scale)" if scale == "log" else f"balance ({unit})"


def mark_label(owner: str) -> str:
    """Return the label of the marked owner."""
    return f"<b>{short_html(owner)}</b>"


def _characters(width: int, kind: int) -> int:
    return min(int((width - 2 * _EDGE) / _LETTERS[kind]), _LONGEST if kind == 0 else 10 * _LONGEST)


def _span(lowest: float, highest: float) -> dict[str, object]:
    room = _ROOM * (highest - lowest)
    return {"range": [lowest - room, highest + room]}


@cache
def _template(theme: Theme) -> go.layout.Template:
    import plotly.graph_objects as go  # noqa: PLC0415 - as above

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
            "paper_bgcolor": colours.surface,
            "plot_bgcolor": _CLEAR,
            "font": {"family": _FONT, "size": 13, "color": colours.ink},
            "title": {
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 18, "l": _EDGE},
                "font": {"size": 18},
                "subtitle": {"font": {"size": 13, "color": colours.quiet}},
            },
            "margin": {"l": LEFT, "r": 24, "t": 92, "b": 60},
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": colours.surface, "bordercolor": colours.other, "align": "left"},
            "showlegend": False,
            "bargap": 0,
            "xaxis": axis,
            "yaxis": axis,
            "modebar": {"bgcolor": _CLEAR, "color": colours.other, "activecolor": colours.ink},
        }
    )
