"""A field for what must not be kept: its text never becomes widget state.

ipywidgets' own ``Password`` keeps what was typed in its model until it is cleared: a notebook that is saved
in between, or another page on the same kernel, has it. Here the page sends the text as a message, which
no front end stores, and the model says only whether there is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from helius_frames._transport.endpoint import Secret, as_secret

if TYPE_CHECKING:
    from collections.abc import Callable


class SecretField(anywidget.AnyWidget):
    """A text field whose text is known to the kernel, and to nothing that is saved.

    Attributes
    ----------
    description, placeholder
        The label, and the placeholder of the empty field.
    is_masked
        Whether the page shows dots in place of letters.
    is_set
        Whether a text has been typed. A masked field is emptied as soon as the text is on its way, so
        that the page keeps it nowhere; the other one when this goes back to ``False``.
    on_text
        Called without arguments when another text was typed.
    """

    _esm = Path(__file__).with_name("field.js")
    _css = Path(__file__).with_name("app.css")

    description = traitlets.Unicode().tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    is_masked = traitlets.Bool(default_value=True).tag(sync=True)
    is_set = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, on_text: Callable[[], None] | None = None, **state: Any) -> None:
        super().__init__(**state)
        self._secret: Secret | None = None
        self.on_text = on_text
        self.on_msg(self._receive)

    def peek(self) -> Secret | None:
        """Return the text that was typed, which stays in the field."""
        return self._secret

    def take(self) -> Secret | None:
        """Return the text that was typed; the field is empty afterwards."""
        taken, self._secret = self._secret, None
        self.is_set = False
        return taken

    def _receive(self, _widget: SecretField, message: dict[str, str], _buffers: list[memoryview]) -> None:
        self._secret = as_secret(message.pop("text").strip() or None)
        self.is_set = self._secret is not None
        if self.on_text is not None:
            self.on_text()
