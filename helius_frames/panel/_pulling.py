"""One pull in a thread of its own: what the form asks for, how it is cancelled, and its result.

A thread, not a task: the requests, and then the building of frame and index, would hold up the loop that
answers the page.
"""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

from helius_frames._options import ReadOptions, resolve
from helius_frames.errors import HeliusError, PullInterrupted
from helius_frames.panel._words import in_form_words
from helius_frames.reader import read

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from helius_frames._progress import PullProgress
    from helius_frames._transport.endpoint import Cluster, Secret
    from helius_frames._transport.rate_limit import Plan


class PullForm(NamedTuple):
    """What is read, as the form says."""

    owners: list[str]
    mints: list[str] | None
    cluster: Cluster | None
    endpoint: Secret | None
    api_key: Secret | None
    plan: Plan | None
    drop_zero: bool


class PullOutcome(NamedTuple):
    """The result of a pull: the frame of the owners that were read, and what ended it early.

    Attributes
    ----------
    frame
        Rows of the owners that were read; ``None`` where none was.
    read, asked
        How many owners were read, and how many there were.
    error
        What ended the pull; empty where nothing did.
    is_cancelled
        Whether a person ended it.
    """

    frame: pd.DataFrame | None
    read: int
    asked: int
    error: str = ""
    is_cancelled: bool = False


class BackgroundPull:
    """A pull that is running."""

    def __init__(
        self,
        form: PullForm,
        on_progress: Callable[[PullProgress], None],
        on_end: Callable[[PullOutcome], None],
    ) -> None:
        self._form = form
        self._on_progress = on_progress
        self._on_end = on_end
        self._cancelled = threading.Event()
        # With the context of the click, so that what is sent to the page is sent as its answer.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="helius_frames pull", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Stop every request; the pull ends within a moment."""
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        self._on_end(_pull(self._form, self._on_progress, self._cancelled))


def unexpected(error: Exception) -> str:
    """Return a sentence on an exception that nobody foresaw."""
    return f"unexpected {type(error).__name__}: {error}"


def _pull(
    form: PullForm, on_progress: Callable[[PullProgress], None], cancelled: threading.Event
) -> PullOutcome:
    asked = len(dict.fromkeys(form.owners))
    try:
        frame = _read(form, on_progress, cancelled)
    except HeliusError as error:
        return _with_partial(error, PullOutcome(None, 0, asked, in_form_words(error)))
    except KeyboardInterrupt as ended:
        return _with_partial(ended, PullOutcome(None, 0, asked, is_cancelled=True))
    except Exception as error:  # noqa: BLE001 - whatever it is, the person who clicked reads it
        return PullOutcome(None, 0, asked, unexpected(error))
    return PullOutcome(frame, asked - frame.attrs["helius"]["failed"], asked)


def _read(
    form: PullForm, on_progress: Callable[[PullProgress], None], cancelled: threading.Event
) -> pd.DataFrame:
    """Read what the form asks for; once the event is set, stop every request and raise `PullInterrupted`."""
    options: ReadOptions = {
        "api_key": form.api_key,
        "cluster": form.cluster,
        "endpoint": form.endpoint,
        "plan": form.plan,
        "drop_zero": form.drop_zero,
        "errors": "collect",
        "progress": on_progress,
    }
    return read(resolve(form.owners, form.mints, options), cancelled)


def _with_partial(ended: HeliusError | KeyboardInterrupt, outcome: PullOutcome) -> PullOutcome:
    """Add the rows that had arrived, where an owner was read to its end."""
    if not isinstance(ended, HeliusError | PullInterrupted) or ended.partial is None:
        return outcome
    read = outcome.asked - len(ended.open_owners)
    return outcome._replace(frame=ended.partial, read=read) if read else outcome
