"""The one figure of the explorer: a FigureWidget that never forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.serializers import custom_serializers

from helius_frames.explorer._points import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plotly.basedatatypes import BasePlotlyType, BaseTraceType
    from plotly.callbacks import InputDeviceState, Points

STATE = ("_widget_data", "_widget_layout")
# Without `responsive` plotly draws 700 pixels wide, whatever the cell has; a button of plotly's would
# upload the chart to its makers.
CONFIG = {"responsive": True, "displaylogo": False, "showSendToCloud": False}
# What is a trace's own, and what the page sets when it finds the width of the cell.
# Whose points a box can select; a curve has none, and tiles and cells do not take part.
SELECTABLE = ("bar",)
BOX_TOOLS = ("select2d", "lasso2d")
KEPT = frozenset({"type", "uid", "autosize"})


class CurrentFigure(go.FigureWidget):  # type: ignore[misc]
    """FigureWidget whose state is always the chart it shows.

    plotly's own widget tells a client that comes later (a reloaded page, Voila, a saved notebook) only
    what its constructor got. Here every request for the state is answered with the chart of now.
    """

    def __init__(self, figure: go.Figure, on_points: Callable[[list[Point]], None]) -> None:
        super().__init__(figure)
        self._on_points = on_points
        self._in_box: list[Point] = []
        self._config = CONFIG
        self._listen()

    def get_state(
        self,
        key: str | Iterable[str] | None = None,
        drop_defaults: bool = False,  # noqa: FBT001, FBT002 - as ipywidgets calls it
    ) -> dict[str, Any]:
        """Return the state for the front end, with the traces and the layout of now."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if not hasattr(self, "_layout"):  # asked while it is being built
            return state
        now = zip(STATE, (self._data, self._layout), strict=True)
        to_json = custom_serializers["to_json"]
        return state | {name: to_json(value, self) for name, value in now if name in state}

    def replace(self, figure: go.Figure) -> None:
        """Show another chart: in one message where its traces are of the same types, else by exchange."""
        if _types(self) == _types(figure):
            self._amend(figure)
        else:
            self._exchange(figure)
        if not self._view_count:
            # Nobody looks: what a headless run stores of this widget are the states it was sent.
            self.send_state(STATE)

    def _amend(self, figure: go.Figure) -> None:
        self._drop_layout_beside(figure)
        with self.batch_update():
            for mine, new in zip((*self.data, self.layout), (*figure.data, figure.layout), strict=True):
                _assign(mine, new)

    def _exchange(self, figure: go.Figure) -> None:
        self.data = ()
        self._drop_layout_beside(figure)
        with self.batch_update():
            _assign(self.layout, figure.layout)
        self.add_traces(figure.data)
        self._listen()

    def _drop_layout_beside(self, figure: go.Figure) -> None:
        """Take away what the other chart does not have: an axis left over, even empty, would be drawn."""
        gone = self.layout.to_plotly_json().keys() - figure.layout.to_plotly_json().keys() - KEPT
        if gone:
            self.plotly_relayout(dict.fromkeys(gone))

    def _listen(self) -> None:
        trace: BaseTraceType
        for trace in self.data:
            trace.on_click(self._clicked)
            if trace.type in SELECTABLE:
                trace.on_selection(self._selected)

    def _clicked(self, trace: BaseTraceType, points: Points, _state: InputDeviceState) -> None:
        # plotly tells every trace of each click; those that were not hit get no points.
        if points.point_inds:
            self._on_points([Point(trace.name, points.point_inds[0])])

    def _selected(self, trace: BaseTraceType, points: Points, _selector: object) -> None:
        # plotly calls for one trace after the other: all of the box is known at the last of them.
        traces: tuple[BaseTraceType, ...] = self.data
        selectable = [known for known in traces if known.type in SELECTABLE]
        if trace is selectable[0]:
            self._in_box = []
        self._in_box += [Point(trace.name, place) for place in points.point_inds]
        if trace is selectable[-1] and self._in_box:
            self._drop_box()
            self._on_points(self._in_box)

    def _drop_box(self) -> None:
        """Take away the box, which the page drew by itself: what was selected has an outline."""
        # Only what is known here can be taken away there.
        self.plotly_relayout({"selections": [{"type": "rect", "x0": 0, "x1": 0, "y0": 0, "y1": 0}]})
        self.plotly_relayout({"selections": None})


def _types(figure: go.Figure | go.FigureWidget) -> list[str]:
    return [str(trace.type) for trace in figure.data]


def _assign(mine: BasePlotlyType, new: BasePlotlyType) -> None:
    """Make one plotly object equal another; plotly itself sends only what differs."""
    had, wanted = mine.to_plotly_json(), new.to_plotly_json()
    for name in (had.keys() | wanted.keys()) - KEPT:
        # plotly builds a template anew, two milliseconds long, before it sees that nothing differs.
        if name != "template" or had.get(name) != wanted.get(name):
            mine[name] = wanted.get(name)
