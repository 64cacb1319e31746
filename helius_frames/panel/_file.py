"""A button that hands a file of this browser to the kernel, and keeps nothing of it in widget state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anywidget
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable

# A Jupyter server refuses messages of ten megabytes; this is about 180,000 addresses.
MAX_BYTES = 8_000_000


class FileButton(anywidget.AnyWidget):
    """A button that opens the browser's choice of files.

    ipywidgets' own ``FileUpload`` would keep the whole file, other columns and all, in the saved notebook.
    """

    _esm = Path(__file__).with_name("file.js")

    description = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode().tag(sync=True)
    max_bytes = traitlets.Int(MAX_BYTES).tag(sync=True)

    def __init__(self, on_file: Callable[[str, bytes], None], description: str, accept: str) -> None:
        super().__init__(description=description, accept=accept)
        self._on_file = on_file
        self.on_msg(self._receive)

    def _receive(self, _widget: FileButton, message: dict[str, str], buffers: list[memoryview]) -> None:
        self._on_file(message["name"], bytes(buffers[0]))
