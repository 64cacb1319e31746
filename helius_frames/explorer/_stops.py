"""The points of a drawn chart, one after the other: where the arrow keys stop, and how they are outlined.

Everything is read from the figure, so that any chart of bars, curves, tiles or cells can be walked through.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from helius_frames.explorer._points import Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

CURVE_STOPS = 40
PAGE = 10
RADIUS_PX = 8
WIDTH_PX = 2.5

_MARKUP = re.compile(r"<[^>]*>")
_FIELD = re.compile(r"%\{(\w+)(?::([^}]*))?\}")
_STEPS = {"ArrowLeft": (0, -1), "ArrowRight": (0, 1), "ArrowUp": (-1, 0), "ArrowDown": (1, 0)}
_PAGES = {"PageUp": -PAGE, "PageDown": PAGE}


class Stops(NamedTuple):
    """The points at which the keys stop: one row, or the rows of a grid."""

    rows: list[list[Point]]

    @property
    def size(self) -> int:
        """Number of points."""
        return sum(map(len, self.rows))

    def number(self, point: Point | None) -> int:
        """Return the number of a point, from 1 up; 0 for one at which no key stops."""
        every = [known for row in self.rows for known in row]
        return every.index(point) + 1 if point in every else 0

    def after(self, key: str, point: Point | None) -> Point | None:
        """Return where a key leads to; the first point where there was none."""
        if not self.size:
            return None
        number = self.number(point)
        if not number or key == "Home":
            return self.rows[0][0]
        if key == "End":
            return self.rows[-1][-1]
        width = len(self.rows[0])
        row, column = divmod(number - 1, width)
        if len(self.rows) > 1 and key in _STEPS:
            down, right = _STEPS[key]
            row, column = row + down, column + right
            return self.rows[min(max(row, 0), len(self.rows) - 1)][min(max(column, 0), width - 1)]
        step = _PAGES.get(key, sum(_STEPS.get(key, (0, 0))))
        place = min(max(number - 1 + step, 0), self.size - 1)
        return self.rows[place // width][place % width]


def stops_of(figure: go.Figure) -> Stops:
    """Return the points of a figure that stand for holders, from left to right or from the top down."""
    for trace in figure.data:
        if trace.type == "heatmap":
            shape = np.shape(trace.hovertext)
            return Stops(
                [[Point(trace.name, [row, column]) for column in range(shape[1])] for row in range(shape[0])]
            )
    # Zeros stand left of the axis, the mark is found last.
    traces = sorted(figure.data, key=lambda trace: {"zeros": 0, "marked": 2}.get(trace.name, 1))
    points = [Point(trace.name, place) for trace in traces for place in _places(trace)]
    return Stops([points] if points else [])


def _places(trace: Any) -> list[int]:  # noqa: ANN401 - a trace of plotly's
    if trace.hoverinfo == "skip":
        return []
    if trace.type == "bar":
        lengths = trace.x if trace.orientation == "h" else trace.y
        return [int(place) for place in np.flatnonzero(np.asarray(lengths, dtype=float) > 0)]
    if trace.type == "treemap":
        return list(range(len(trace.ids)))
    if trace.type != "scatter":
        return []
    if trace.name == "marked":
        return [len(trace.x) // 2]  # of a line the point at the owner's height
    is_line = "markers" not in (trace.mode or "")
    first = 1 if is_line and len(trace.x) > 1 else 0  # a curve begins where nobody is
    return sorted(set(np.linspace(first, len(trace.x) - 1, CURVE_STOPS).astype(int).tolist()))


def text_of(figure: go.Figure, point: Point) -> str:
    """Return what hover says of a point, as plain text."""
    trace = _trace(figure, point)
    if trace is None:
        return ""
    if isinstance(point.place, list):
        row, column = point.place
        hover, x, y = _at(_at(trace.hovertext, row), column), _at(trace.x, column), _at(trace.y, row)
    elif trace.type == "treemap":
        hover, x, y = _at(trace.hovertext, point.place), "", ""
    else:
        hover, x, y = (_at(values, point.place) for values in (trace.hovertext, trace.x, trace.y))
    known = {"hovertext": hover, "x": x, "y": y}

    def field(found: re.Match[str]) -> str:
        value = known.get(found[1], "")
        return format(value, found[2]) if found[2] and not isinstance(value, str) else str(value)

    text = _FIELD.sub(field, trace.hovertemplate or "%{hovertext}").replace("<extra></extra>", "")
    return plain_text(text)


def plain_text(markup: str) -> str:
    """Return the text of a label or a note, without its markup."""
    return unescape(_MARKUP.sub("", markup.replace("<br>", ", ")))


def _at(values: Any, place: int) -> Any:  # noqa: ANN401 - a list, a tuple or an array of plotly's
    return "" if values is None or isinstance(values, str) or place >= len(values) else values[place]


def outline(figure: go.Figure, points: Sequence[Point], colour: str) -> None:
    """Draw an outline around points of the figure; those that it does not have are left out."""
    for point in points:
        trace = _trace(figure, point)
        if trace is None:
            continue
        if trace.type == "treemap":
            _outline_tile(trace, point.place, colour)
        elif _has(trace, point.place):
            shape = _SHAPES[trace.type](trace, point.place)
            # Above the data: a line of the bar's own would lie under its neighbour.
            figure.add_shape(
                **shape,
                xref=trace.xaxis or "x",
                yref=trace.yaxis or "y",
                line={"color": colour, "width": WIDTH_PX},
            )


def _has(trace: Any, place: Any) -> bool:  # noqa: ANN401 - a trace of plotly's
    row, column = place if isinstance(place, list) else (place, place)
    return bool(row < len(trace.y) and column < len(trace.x))


def _bar_shape(trace: Any, place: int) -> dict[str, Any]:  # noqa: ANN401 - a trace of plotly's
    if trace.orientation == "h":
        middle = float(trace.y[place])
        return {"type": "rect", "x0": 0, "x1": float(trace.x[place]), "y0": middle - 0.4, "y1": middle + 0.4}
    left = float(trace.x[place])
    width = float(_at(trace.width, place) or 0.8)
    left -= 0 if trace.offset == 0 else width / 2
    return {"type": "rect", "x0": left, "x1": left + width, "y0": 0, "y1": float(trace.y[place])}


def _cell_shape(_trace: Any, place: list[int]) -> dict[str, Any]:  # noqa: ANN401 - a trace of plotly's
    row, column = place
    return {"type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}


def _ring(trace: Any, place: int) -> dict[str, Any]:  # noqa: ANN401 - a trace of plotly's
    # As many pixels wide as high, whatever the axes are.
    sides = {"x0": -RADIUS_PX, "x1": RADIUS_PX, "y0": -RADIUS_PX, "y1": RADIUS_PX}
    anchor = {"xanchor": float(trace.x[place]), "yanchor": float(trace.y[place])}
    return {"type": "circle", "xsizemode": "pixel", "ysizemode": "pixel", **sides, **anchor}


_SHAPES: dict[str, Any] = {"bar": _bar_shape, "heatmap": _cell_shape, "scatter": _ring}


def _outline_tile(trace: Any, place: Any, colour: str) -> None:  # noqa: ANN401 - a trace of plotly's
    count, line = len(trace.ids), trace.marker.line
    widths = [line.width or 0] * count if np.ndim(line.width) == 0 else list(line.width)
    colours = [line.color or colour] * count if not isinstance(line.color, tuple | list) else list(line.color)
    if place < count:
        # The neighbours cover the outer half of the line.
        widths[place], colours[place] = 2 * WIDTH_PX, colour
    trace.marker.line.width, trace.marker.line.color = widths, colours


def _trace(figure: go.Figure, point: Point) -> Any:  # noqa: ANN401 - a trace of plotly's
    return next((trace for trace in figure.data if trace.name == point.trace), None)
