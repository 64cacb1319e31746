"""A plotly figure as one SVG, for pages that run no scripts: GitHub, mail, a notebook that is not trusted.

It has what the charts of this package are made of: bars, curves, points with texts, tiles and cells, two axes
and a title. Hover, fonts' exact widths and the finer points of the layout stay with plotly.
"""

from __future__ import annotations

import math
import re
from html import escape, unescape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import plotly.graph_objects as go

WIDTH, HEIGHT = 800, 480
LEFT, RIGHT, TOP, BOTTOM = 110, 24, 92, 60
TITLE_CHARACTERS = 78
CELLS = 30
LABEL = 70
_MARKUP = re.compile(r"<[^>]*>")
_PREFIXES = ("", "k", "M", "B", "T", "P", "E")
_FEW, _MANY = 3, 10


class Axis(NamedTuple):
    """An axis: where a value stands in pixels, and its ticks."""

    place: Callable[[float], float]
    ticks: list[tuple[float, str]]
    title: str


def svg_of(figure: go.Figure) -> str:
    """Write a figure as an SVG element; every text is escaped."""
    layout = figure.layout
    look = layout.template.layout
    ink = look.font.color or "#1f2328"
    quiet = look.title.subtitle.font.color or ink
    meta = layout.meta if isinstance(layout.meta, dict) else {}
    paper = "#111418" if meta.get("theme") == "dark" else "#ffffff"
    title, subtitle = _lines(layout.title.text), _lines(layout.title.subtitle.text)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{paper}"/>']
    parts += [_text(16, 30 + 22 * n, line, ink, size=17) for n, line in enumerate(title[:2])]
    parts += [
        _text(16, 30 + 22 * len(title[:2]) + 18 * n, line, quiet) for n, line in enumerate(subtitle[:2])
    ]
    if figure.data:
        parts += _drawn(figure, ink, quiet)
    parts += [
        _text(WIDTH / 2, HEIGHT / 2, _plain(note.text), quiet, anchor="middle")
        for note in layout.annotations
        if note.xref == "paper" and not figure.data
    ]
    words = escape(" ".join(title))
    look_of_svg = f"max-width:{WIDTH}px;width:100%;font-family:system-ui,sans-serif"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{words}" style="{look_of_svg}">{"".join(parts)}</svg>'
    )


def _drawn(figure: go.Figure, ink: str, quiet: str) -> Iterator[str]:
    kinds = {trace.type for trace in figure.data}
    if "treemap" in kinds:
        yield from _tiles(figure.data[0])
        return
    if "heatmap" in kinds:
        yield from _cells(figure, quiet)
        return
    traces = [trace for trace in figure.data if trace.xaxis in (None, "x")]
    x = _axis(figure.layout.xaxis, _extent(traces, "x"), LEFT, WIDTH - RIGHT)
    y = _axis(figure.layout.yaxis, _extent(traces, "y"), HEIGHT - BOTTOM, TOP)
    yield from _axes(x, y, quiet)
    for trace in traces:
        if trace.type == "bar":
            yield from _bars(trace, x, y, quiet)
        elif trace.type == "scatter":
            yield from _curve(trace, x, y, ink)


def _axes(x: Axis, y: Axis, quiet: str) -> Iterator[str]:
    grid = f'stroke="{quiet}" stroke-opacity="0.2"'
    for place, label in x.ticks:
        at = x.place(place)
        yield f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" {grid}/>'
        yield _text(at, HEIGHT - BOTTOM + 18, label, quiet, anchor="middle", size=12)
    for place, label in y.ticks:
        at = y.place(place)
        yield f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" {grid}/>'
        yield _text(LEFT - 8, at + 4, label, quiet, anchor="end", size=12)
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x.title, quiet, anchor="middle")
    if y.title:
        middle = (TOP + HEIGHT - BOTTOM) / 2
        yield _text(
            20, middle, y.title, quiet, anchor="middle", extra=f' transform="rotate(-90 20 {middle})"'
        )


def _bars(trace: Any, x: Axis, y: Axis, quiet: str) -> Iterator[str]:  # noqa: ANN401 - a trace of plotly's
    colours = _each(trace.marker.color, len(trace.x))
    if trace.orientation == "h":
        texts = _each(trace.text, len(trace.x))
        for length, at, colour, text in zip(trace.x, trace.y, colours, texts, strict=True):
            top, bottom = sorted((y.place(at - 0.38), y.place(at + 0.38)))
            end, middle = x.place(length), (top + bottom) / 2 + 4
            yield _rect(x.place(0), top, end - x.place(0), bottom - top, colour)
            is_inside = end > WIDTH - RIGHT - LABEL
            place, side, ink = (end - 5, "end", "#ffffff") if is_inside else (end + 5, "start", quiet)
            yield _text(place, middle, _plain(text), ink, anchor=side, size=11)
        return
    base = y.place(0)
    widths = _each(trace.width, len(trace.x))
    for left, height, width, colour in zip(trace.x, trace.y, widths, colours, strict=True):
        start, end = x.place(left), x.place(left + (width or 0.8))
        yield _rect(start, y.place(height), max(end - start, 0.5), base - y.place(height), colour)


def _curve(trace: Any, x: Axis, y: Axis, ink: str) -> Iterator[str]:  # noqa: ANN401 - a trace of plotly's
    points = [(x.place(a), y.place(b)) for a, b in zip(trace.x, trace.y, strict=True)]
    mode = trace.mode or "lines"
    if "lines" in mode:
        is_step = trace.line.shape == "hv"
        steps = "".join((f"H{a:.1f}V{b:.1f}" if is_step else f"L{a:.1f} {b:.1f}") for a, b in points[1:])
        dash = ' stroke-dasharray="6 4"' if trace.line.dash else ""
        colour = escape(str(trace.line.color or ink))
        yield (
            f'<path d="M{points[0][0]:.1f} {points[0][1]:.1f}{steps}" fill="none" stroke="{colour}" '
            f'stroke-width="{trace.line.width or 2}"{dash}/>'
        )
    if "markers" in mode:
        sizes = _each(trace.marker.size, len(points))
        line = trace.marker.line
        for (a, b), size in zip(points, sizes, strict=True):
            stroke = f' stroke="{escape(str(line.color))}" stroke-width="{line.width}"' if line.width else ""
            fill = escape(str(trace.marker.color or ink))
            yield f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{(size or 0) / 2}" fill="{fill}"{stroke}/>'
    if "text" in mode:
        colour = trace.textfont.color or ink
        sides = _each(trace.textposition, len(points))
        for (a, b), text, side in zip(points, trace.text, sides, strict=True):
            anchor = "end" if "left" in str(side) else "start" if "right" in str(side) else "middle"
            yield _text(a, b - 10, _plain(text).strip(), colour, anchor=anchor, size=12)


def _tiles(trace: Any) -> Iterator[str]:  # noqa: ANN401 - a trace of plotly's
    """Draw tiles, with texts where there is room for them."""
    values = np.asarray(trace.values, dtype=float)
    colours, inks = _each(trace.marker.colors, len(values)), _each(trace.textfont.color, len(values))
    texts = trace.text or [""] * len(values)
    for place, (left, top, width, height) in _squares(values):
        yield _rect(left + 0.5, top + 0.5, width - 1, height - 1, colours[place])
        label = _plain(trace.labels[place])
        if width > 8 * len(label) and height > 38:  # noqa: PLR2004
            yield _text(left + 6, top + 18, label, inks[place] or "#fff", size=12)
            yield _text(left + 6, top + 33, _plain(texts[place]), inks[place] or "#fff", size=12)


def _squares(values: np.ndarray) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """Lay areas out as nearly square as may be: in rows along the shorter side."""
    left, top, width, height = 4.0, float(TOP), WIDTH - 8.0, float(HEIGHT - TOP - 4)
    order = [int(place) for place in np.argsort(-values, kind="stable") if values[place] > 0]
    scale = width * height / (float(values.sum()) or 1.0)
    while order:
        side = min(width, height)
        row, worst = 1, math.inf
        for count in range(1, len(order) + 1):
            areas = [values[place] * scale for place in order[:count]]
            depth = sum(areas) / side
            ratio = max(max(depth / (area / depth), (area / depth) / depth) for area in areas)
            if ratio > worst:
                break
            row, worst = count, ratio
        depth, along = sum(values[place] * scale for place in order[:row]) / side, 0.0
        for place in order[:row]:
            length = values[place] * scale / depth
            is_wide = width >= height
            yield place, (left, top + along, depth, length) if is_wide else (left + along, top, length, depth)
            along += length
        if width >= height:
            left, width = left + depth, width - depth
        else:
            top, height = top + depth, height - depth
        order = order[row:]


def _cells(figure: go.Figure, quiet: str) -> Iterator[str]:
    first = figure.data[0]
    rows, columns = min(len(first.y), CELLS), min(len(first.x), CELLS)
    left, bottom = 120, 90
    across, down = (WIDTH - left - RIGHT) / columns, (HEIGHT - TOP - bottom) / rows
    for trace in (trace for trace in figure.data if trace.type == "heatmap"):
        values = np.asarray(trace.z, dtype=float)
        scale = [colour for _, colour in trace.colorscale] if trace.colorscale is not None else ["#888"]
        low = trace.zmin if trace.zmin is not None else 0
        span = ((trace.zmax if trace.zmax is not None else 1) - low) or 1
        for row in range(rows):
            for column in range(columns):
                value = values[row][column]
                if not math.isnan(value):
                    colour = _blend(scale, (value - low) / span)
                    yield _rect(left + across * column, TOP + down * row, across - 1, down - 1, colour)
    names = dict(zip(figure.layout.yaxis.tickvals or (), figure.layout.yaxis.ticktext or (), strict=True))
    for row in range(rows):
        label = _plain(names.get(first.y[row], ""))
        yield _text(left - 6, TOP + down * (row + 0.5) + 4, label, quiet, anchor="end", size=10)
    names = dict(zip(figure.layout.xaxis.tickvals or (), figure.layout.xaxis.ticktext or (), strict=True))
    for column in range(columns):
        at = left + across * (column + 0.5)
        turn = f' transform="rotate(-60 {at:.1f} {HEIGHT - bottom + 12})"'
        label = _plain(names.get(first.x[column], ""))
        yield _text(at, HEIGHT - bottom + 12, label, quiet, anchor="end", size=10, extra=turn)


def _blend(scale: list[str], part: float) -> str:
    """Mix two neighbours of a scale of colours."""
    if len(scale) == 1 or not all(re.fullmatch("#[0-9a-fA-F]{6}", colour) for colour in scale):
        return scale[0]
    place = min(max(part, 0.0), 1.0) * (len(scale) - 1)
    below = min(int(place), len(scale) - 2)
    mixed = [
        round(a + (b - a) * (place - below))
        for a, b in zip(_rgb(scale[below]), _rgb(scale[below + 1]), strict=True)
    ]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def _rgb(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _extent(traces: list[Any], name: str) -> tuple[float, float]:
    values = np.concatenate([np.asarray(getattr(trace, name), dtype=float) for trace in traces])
    return min(float(values.min()), 0.0), float(values.max())


def _axis(axis: Any, extent: tuple[float, float], first: float, last: float) -> Axis:  # noqa: ANN401 - plotly's
    """Map an axis of plotly's to pixels, from ``first`` to ``last``."""
    low, high = map(float, axis.range) if axis.range is not None else (extent[0], extent[1] * 1.04)
    is_log = axis.type == "log"

    def place(value: float) -> float:
        at = math.log10(max(float(value), 1e-300)) if is_log else float(value)
        part = (at - low) / ((high - low) or 1)
        return first + min(max(part, 0.0), 1.0) * (last - first)

    return Axis(place, _ticks(axis, low, high, is_log=is_log), _plain(axis.title.text))


def _ticks(axis: Any, low: float, high: float, *, is_log: bool) -> list[tuple[float, str]]:  # noqa: ANN401 - plotly's
    if axis.tickvals is not None:
        shown = [_plain(text) for text in axis.ticktext or axis.tickvals]
        return list(zip(map(float, axis.tickvals), shown, strict=True))
    if axis.showticklabels is False:
        return []
    if is_log:
        powers = range(math.ceil(low), math.floor(high) + 1)
        if len(powers) < 2:  # noqa: PLR2004
            return [(10**at, _amount(10**at)) for at in np.linspace(low, high, _FEW)]
        step = -(-len(powers) // _MANY)
        return [(10.0**power, _amount(10.0**power)) for power in powers[::step]]
    low, high = sorted((low, high))
    raw = (high - low) / 5 or 1.0
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw)
    values = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    is_share = "%" in (axis.tickformat or "")
    return [(value, f"{value:.0%}" if is_share else _amount(value)) for value in values.tolist()]


def _amount(value: float) -> str:
    """Write an amount for an axis."""
    power = min(max(int(math.log10(abs(value)) / 3 + 1e-9), 0), len(_PREFIXES) - 1) if value else 0
    return f"{value / 1000**power:.3g}{_PREFIXES[power]}"


def _each(value: Any, count: int) -> list[Any]:  # noqa: ANN401 - one value, or one for each point
    return list(value) if isinstance(value, tuple | list | np.ndarray) else [value] * count


def _rect(left: float, top: float, width: float, height: float, colour: object) -> str:
    size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="{escape(str(colour or "#888"))}"/>'


def _text(
    x: float, y: float, text: str, colour: object, *, size: int = 13, anchor: str = "start", extra: str = ""
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{escape(str(colour))}"{extra}>{escape(text)}</text>'


def _plain(markup: object) -> str:
    return unescape(_MARKUP.sub("", str(markup or "").replace("<br>", " ")))


def _lines(markup: object) -> list[str]:
    """Break a title where plotly breaks it, and where it would be cut off."""
    lines: list[str] = []
    for part in str(markup or "").split("<br>"):
        line = ""
        for word in _plain(part).split():
            if line and len(line) + len(word) >= TITLE_CHARACTERS:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
        lines.append(line)
    return [line for line in lines if line]
