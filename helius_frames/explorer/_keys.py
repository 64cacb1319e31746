"""The keyboard's way into the chart: an element over the figure that has the focus and says where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anywidget
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable


class ChartKeys(anywidget.AnyWidget):
    """Hands keys to the kernel; ``page_theme`` follows the page.

    ``view`` is what the element says: title of the chart, text, number and count of its points, and whether
    something is selected. ``page_theme`` is ``"light"`` or ``"dark"`` where the page says so, else empty.
    """

    _esm = Path(__file__).with_name("keys.js")
    _css = Path(__file__).with_name("explorer.css")

    view = traitlets.Dict().tag(sync=True)
    page_theme = traitlets.Unicode("").tag(sync=True)

    def __init__(self, on_key: Callable[[str], None]) -> None:
        super().__init__(view={"title": "", "text": "", "number": 0, "count": 0, "has_selection": False})
        self._on_key = on_key
        self.on_msg(self._receive)

    def _receive(self, _widget: ChartKeys, message: dict[str, str], _buffers: list[memoryview]) -> None:
        self._on_key(str(message.get("key", "")))
