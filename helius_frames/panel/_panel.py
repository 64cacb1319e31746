"""The panel itself: the form, progress and outcome of its pull, the explorer below.

Widgets are changed in the thread of a click and in that of the pull,
so what begins and ends a pull holds one lock.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ipywidgets as widgets

from helius_frames import analysis, demo
from helius_frames._progress import PullProgress
from helius_frames.errors import InputError
from helius_frames.explorer import Download, Explorer, FileFormat, SaveItem, SaveMenu, explore
from helius_frames.panel import _html
from helius_frames.panel._addresses import (
    Entry,
    Table,
    address_column,
    column,
    pasted,
    problems_in,
    read_table,
)
from helius_frames.panel._controls import OTHER, build_controls
from helius_frames.panel._pulling import BackgroundPull, PullForm, PullOutcome, unexpected

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from traitlets import Bunch


class Panel(widgets.VBox):  # type: ignore[misc]
    """A form that fetches balances, and the explorer of the result.

    Attributes
    ----------
    frame
        The balances of the last pull that brought any; ``None`` before.
    explorer
        The explorer of that frame; ``None`` before.

    A key that is typed is kept in the kernel's memory until the panel is closed, another server is chosen, or
    its button *Forget the key* is pressed. It is in no widget's state.
    """

    def __init__(self, decimals: Mapping[str, int] | None = None) -> None:
        self._decimals = dict(decimals or {})  # and what is typed into an explorer
        self.frame: pd.DataFrame | None = None
        self.explorer: Explorer | None = None
        self._table: Table | None = None
        self._pulling: BackgroundPull | None = None
        self._is_key_of_other = False
        self._is_key_used = False
        self._change = threading.Lock()  # of whether a pull is running
        self._controls = build_controls(self._use_file)
        self._progress, self._status, self._failures = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._save = SaveMenu(self._everything, has_python=False, is_menu=False)
        self._form = (*self._controls.lines(), self._progress, self._status, self._save, self._failures)
        super().__init__(self._form)
        self.add_class("helius-app")
        self._link()

    def close(self) -> None:
        """Cancel a running pull, and close every widget of the panel."""
        pulling = self._pulling
        if pulling is not None:
            pulling.cancel()
            pulling.wait()
        self._controls.key.take()
        for widget in (*self._controls, *self._form, *filter(None, (self.explorer,))):
            widget.close()
        super().close()

    def __repr__(self) -> str:
        rows = "None" if self.frame is None else f"{len(self.frame):,} rows"
        return f"Panel(frame={rows})"

    def _link(self) -> None:
        controls = self._controls
        controls.owners.observe(self._count, "value")
        controls.column.observe(self._count, "value")
        controls.where.observe(self._where_changed, "value")
        controls.key.observe(lambda _change: controls.show_needed(), "is_set")
        controls.forget.on_click(lambda _button: controls.key.take())
        controls.url.on_text = self._endpoint_changed
        controls.remove.on_click(self._remove_file)
        controls.example.on_click(self._use_demo)
        controls.pull.on_click(self._pull)
        controls.cancel.on_click(self._cancel)
        self._count()

    # The form

    def _where_changed(self, change: Bunch) -> None:
        # A key for Helius never goes to another server, nor the other way round.
        if change["new"] != "demo":
            is_other = change["new"] == OTHER
            if is_other is not self._is_key_of_other:
                self._controls.key.take()
            self._is_key_of_other = is_other
        self._controls.show_needed()

    def _endpoint_changed(self) -> None:
        """Forget a key that has been used: another URL may be another server."""
        if self._is_key_used:
            self._controls.key.take()
        self._is_key_used = False

    def _use_demo(self, _button: widgets.Button) -> None:
        self._show_file(None)
        self._controls.owners.value = "\n".join(demo.OWNERS)
        self._controls.where.value = "demo"

    def _use_file(self, name: str, content: bytes) -> None:
        try:
            self._show_file(read_table(name, content))
        except InputError as error:
            self._show_status(error.reason, is_error=True)

    def _remove_file(self, _button: widgets.Button) -> None:
        self._show_file(None)

    def _show_file(self, table: Table | None) -> None:
        self._table = None  # while the list of columns changes, nothing is counted
        columns = [] if table is None else _html.columns(table.headings)
        self._controls.show_file(columns, 0 if table is None else address_column(table))
        self._table = table
        self._count()

    def _count(self, _change: Bunch | None = None) -> None:
        self._controls.count.value = _html.count_note(self._pasted(), self._of_file(), self._table)

    def _pasted(self) -> list[Entry]:
        return pasted(self._controls.owners.value)

    def _of_file(self) -> list[Entry]:
        return [] if self._table is None else column(self._table, self._controls.column.value)

    def _read_form(self) -> PullForm:
        controls = self._controls
        key, where = controls.key.peek(), controls.where.value
        self._is_key_used = key is not None
        url = controls.url.peek() if where == OTHER else None
        if where == OTHER and url is None:
            raise InputError("Type the URL of the endpoint, or choose a cluster.")
        owners = _addresses("owner", [*self._pasted(), *self._of_file()])
        if not owners:
            raise InputError("Paste at least one address, or add a file.")
        return PullForm(
            owners=owners,
            mints=_addresses("mint", pasted(controls.mints.value)) or None,
            cluster=None if where == OTHER else where,
            endpoint=url,
            api_key=None if where == "demo" else key,
            plan=None if where == "demo" else controls.plan.value or None,
            drop_zero=controls.drop_zero.value,
        )

    # The pull

    def _pull(self, _button: widgets.Button) -> None:
        with self._change:
            if self._pulling is not None:
                return
            try:
                form = self._read_form()
            except InputError as error:
                self._status.value = _html.problems(error.reason, error.problems)
            else:
                self._begin(form)

    def _begin(self, form: PullForm) -> None:
        self._controls.lock(is_pulling=True)
        self._failures.value = ""
        self._save.offer([])
        self._draw(PullProgress(owners=len(form.owners)))
        self._show_status("Reading …")
        self._pulling = BackgroundPull(form, self._draw, self._end)

    def _cancel(self, _button: widgets.Button | None = None) -> None:
        with self._change:
            if self._pulling is not None:
                self._pulling.cancel()
                self._show_status("Cancelling …")

    def _draw(self, progress: PullProgress) -> None:
        self._progress.value = _html.progress(progress)

    def _show_status(self, text: str, *, is_error: bool = False) -> None:
        self._status.value = _html.status(text, is_error=is_error)

    # In the thread of the pull, so that the page is answered meanwhile

    def _end(self, outcome: PullOutcome) -> None:
        try:
            self._show_frame(outcome.frame)
        except Exception as error:  # noqa: BLE001 - whatever it is, the form must come back to life
            outcome = outcome._replace(error=unexpected(error))
        with self._change:
            self._show_status(self._sentence(outcome), is_error=bool(outcome.error))
            self._offer()
            self._controls.lock(is_pulling=False)
            self._pulling = None

    def _show_frame(self, frame: pd.DataFrame | None) -> None:
        if frame is None:
            return
        self._failures.value = _html.failures(analysis.failures(frame))
        self._drop_explorer()
        self.frame = frame
        self._show_status("Building the charts …")
        is_demo = analysis.pull_attrs(frame).get("cluster") == "demo"
        self.explorer = explore(frame, decimals=(demo.DECIMALS if is_demo else {}) | self._decimals)
        self.children = (*self._form, self.explorer)

    def _offer(self) -> None:
        """Offer everything that the explorer below has, in one click."""
        if self.explorer is None or self.frame is None:
            return
        label = f"Save everything: {_html.count(len(self.frame), 'row')} (CSV)"
        self._save.offer([SaveItem("all", "csv", label)])

    def _everything(self, file_format: FileFormat, _what: str) -> Download:
        if self.explorer is None:
            raise ValueError("there is nothing to save yet")
        return self.explorer.download(file_format, "all")

    def _drop_explorer(self) -> None:
        before, self.explorer, self.children = self.explorer, None, self._form
        if before is not None:
            self._decimals |= before.decimals
            before.close()

    def _sentence(self, outcome: PullOutcome) -> str:
        sentence = _html.outcome(outcome)
        is_old = outcome.frame is None and self.explorer is not None
        return f"{sentence}\nBelow is the previous pull." if is_old else sentence


def _addresses(kind: str, entries: list[Entry]) -> list[str]:
    """Return the texts of the entries; all bad ones are refused together, each with its place."""
    problems = problems_in(entries)
    if problems:
        raise InputError(
            f"{len(problems):,} of {len(entries):,} {kind}s cannot be used, nothing was sent", problems
        )
    return [entry.text for entry in entries]
