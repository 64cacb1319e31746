"""The explorer's controls: ipywidgets with a label each, that draw nothing and know no frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import ipywidgets as widgets

if TYPE_CHECKING:
    from collections.abc import Mapping

Widget = Any  # ipywidgets carries no types

BINS = (5, 200)
TOP = (3, 100)
DECIMALS = (0, 18)  # what an exact amount can have

OWNER_WIDTH = "450px"  # a whole address in it can be read

OF_SOME_CHARTS = ("scale", "bins", "top", "units", "decimals", "hide_zeros")

_FIT = {"description_width": "auto"}


class Controls(NamedTuple):
    """Every control, by the name of the trait it drives.

    ``find`` narrows ``mint``, and ``decimals`` is about the chosen mint alone.
    """

    find: Widget
    mint: Widget
    chart: Widget
    scale: Widget
    bins: Widget
    top: Widget
    units: Widget
    decimals: Widget
    hide_zeros: Widget
    owner: Widget

    def lines(self, count: Widget, save: Widget) -> tuple[Widget, ...]:
        """Put the controls into lines, which wrap where the cell is narrow.

        Those of some charts only have a line of their own, so that nothing else moves when they go.
        """
        return (
            _line(self.find, self.mint, count, self.owner),
            _line(self.chart, save),
            _line(*(getattr(self, name) for name in OF_SOME_CHARTS)),
        )

    def hide_useless(self, useful: frozenset[str]) -> None:
        """Hide what does nothing for the chosen chart; search, mint, chart and owner always do."""
        for name in OF_SOME_CHARTS:
            getattr(self, name).layout.display = None if name in useful else "none"


def build_controls(charts: Mapping[str, str]) -> Controls:
    """Build the controls, not yet linked to a state; ``charts`` maps a label to its kind."""
    return Controls(
        find=_text("find mint", "symbol or address", "230px", continuous_update=True),
        mint=widgets.Dropdown(description="mint", style=_FIT, layout={"width": "320px"}),
        chart=_choice("chart", list(charts.items())),
        scale=_choice("scale", ["log", "linear"]),
        bins=_slider("bins", BINS),
        top=_slider("top", TOP),
        units=_choice("units", [("tokens", "decimals"), ("base", "base")]),
        decimals=_text("decimals", f"{DECIMALS[0]} to {DECIMALS[1]}", "150px", continuous_update=False),
        hide_zeros=widgets.Checkbox(description="hide zeros", indent=False, layout={"width": "auto"}),
        owner=_text("mark owner", "address, or part of it", OWNER_WIDTH, continuous_update=False),
    )


def _line(*controls: Widget) -> Widget:
    line = widgets.Box(controls)
    line.add_class("helius-controls")
    return line


def _choice(label: str, options: list[Any]) -> Widget:
    return widgets.ToggleButtons(description=label, options=options, style={"button_width": "auto", **_FIT})


def _text(label: str, hint: str, width: str, *, continuous_update: bool) -> Widget:
    return widgets.Text(
        description=label,
        placeholder=hint,
        continuous_update=continuous_update,
        style=_FIT,
        layout={"width": width},
    )


def _slider(label: str, bounds: tuple[int, int]) -> Widget:
    # On release only: a drag would ask for a chart at every pixel.
    return widgets.IntSlider(
        description=label,
        min=bounds[0],
        max=bounds[1],
        continuous_update=False,
        style=_FIT,
        layout={"width": "230px"},
    )
