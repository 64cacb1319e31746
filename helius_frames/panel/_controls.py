"""The panel's controls: ipywidgets with a label each, that know no pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ipywidgets as widgets

from helius_frames._transport.rate_limit import PLANS
from helius_frames.panel._field import SecretField
from helius_frames.panel._file import FileButton

if TYPE_CHECKING:
    from collections.abc import Callable

Widget = Any  # ipywidgets carries no types

OTHER: Final = "endpoint"
NO_PLAN: Final = ""  # a list's None means that nothing is chosen
_FIT: Final = {"description_width": "auto"}
_WHERE: Final = [
    ("demo: made-up owners, no key", "demo"),
    ("mainnet", "mainnet"),
    ("devnet", "devnet"),
    ("another endpoint", OTHER),
]
_NEEDED: Final = {
    "demo": (),
    "mainnet": ("key", "plan"),
    "devnet": ("key", "plan"),
    OTHER: ("url", "key", "plan"),
}
_OF_SOME: Final = ("url", "key", "plan")
_FILES: Final = ".txt,.csv,.tsv,text/plain,text/csv"


class Controls(NamedTuple):
    """Every control, in the order in which Tab reaches them."""

    owners: Widget
    upload: FileButton
    column: Widget
    remove: Widget
    example: Widget
    count: Widget
    where: Widget
    url: SecretField
    key: SecretField
    forget: Widget
    mints: Widget
    plan: Widget
    drop_zero: Widget
    pull: Widget
    cancel: Widget

    def lines(self) -> tuple[Widget, ...]:
        """Put the controls into lines, which wrap where the cell is narrow."""
        return (
            self.owners,
            _line(self.upload, self.column, self.remove, self.example, self.count),
            _line(self.where, self.url, self.key, self.forget),
            _line(self.mints, self.plan, self.drop_zero),
            _line(self.pull, self.cancel),
        )

    def show_needed(self) -> None:
        """Hide what the chosen cluster does not ask for."""
        for name in _OF_SOME:
            _show(getattr(self, name), is_shown=name in _NEEDED[self.where.value])
        is_kept = self.key.is_set and "key" in _NEEDED[self.where.value]
        _show(self.forget, is_shown=is_kept)

    def show_file(self, columns: list[tuple[str, int]], chosen: int) -> None:
        """Offer the columns of a file; none hides what belongs to a file."""
        self.column.options = columns
        if columns:
            self.column.value = chosen
        _show(self.column, is_shown=len(columns) > 1)
        _show(self.remove, is_shown=bool(columns))

    def lock(self, *, is_pulling: bool) -> None:
        """Allow one pull at a time."""
        self.pull.disabled = is_pulling
        self.cancel.disabled = not is_pulling


def build_controls(on_file: Callable[[str, bytes], None]) -> Controls:
    """Build the controls as they are before the first pull."""
    controls = Controls(
        owners=widgets.Textarea(
            description="owners: one address per line, or separated by commas",
            placeholder="paste addresses here",
            rows=6,
            continuous_update=False,
            style=_FIT,
        ),
        upload=FileButton(on_file, "Add a file (text or CSV)", _FILES),
        column=widgets.Dropdown(description="column", style=_FIT, layout={"width": "230px"}),
        remove=widgets.Button(description="Remove the file"),
        example=widgets.Button(description="Use the demo owners"),
        count=widgets.HTML(),
        where=widgets.Dropdown(
            description="read from", options=_WHERE, style=_FIT, layout={"width": "310px"}
        ),
        url=SecretField(description="endpoint", placeholder="https://…", is_masked=False),
        key=SecretField(description="key", placeholder="empty: this server's own, if any"),
        forget=widgets.Button(description="Forget the key"),
        plan=widgets.Dropdown(description="plan", options=_plans(), style=_FIT, layout={"width": "280px"}),
        mints=widgets.Text(
            description="only these mints",
            placeholder="empty: all mints",
            continuous_update=False,
            style=_FIT,
            layout={"width": "400px"},
        ),
        drop_zero=widgets.Checkbox(description="drop zero balances", indent=False),
        pull=widgets.Button(description="Pull", button_style="primary"),
        cancel=widgets.Button(description="Cancel"),
    )
    controls.show_needed()
    controls.show_file([], 0)
    controls.lock(is_pulling=False)
    return controls


def _plans() -> list[tuple[str, str]]:
    named = [(f"{plan}: {rate:g} requests a second", plan) for plan, rate in PLANS.items()]
    return [("as fast as the server lets it", NO_PLAN), *named]


def _line(*controls: Widget) -> Widget:
    line = widgets.Box(controls)
    line.add_class("helius-line")
    return line


def _show(control: Widget, *, is_shown: bool) -> None:
    control.layout.display = None if is_shown else "none"
