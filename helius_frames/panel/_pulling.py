"""One pull in a thread of its own: what is asked, how it is stopped, and what came of it.

It imports `errors`, `_endpoint`, `_progress` and `reader`. A thread, not a task: the requests, and then the
building of frame and index, would hold up the loop that answers the page.
"""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

from helius_frames.errors import HeliusError, KeyMissingError, PullInterrupted
from helius_frames.reader import read_helius_balances

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from helius_frames._progress import PullProgress
    from helius_frames._transport.endpoint import Cluster, Secret
    from helius_frames._transport.rate_limit import Plan


class Order(NamedTuple):
    """What is asked, as the form says."""

    owners: list[str]
    mints: list[str] | None
    cluster: Cluster | None
    endpoint: Secret | None
    api_key: Secret | None
    plan: Plan | None
    drop_zero: bool


class Outcome(NamedTuple):
    """What came of a pull: the frame of the owners that were read, and what ended it early.

    Attributes
    ----------
    frame
        Rows of the owners that were read; ``None`` where none was.
    read, asked
        How many owners were read, and how many there were.
    fault
        What ended the pull; empty where nothing did.
    is_cancelled
        Whether a person ended it.
    """

    frame: pd.DataFrame | None
    read: int
    asked: int
    fault: str = ""
    is_cancelled: bool = False


class Pulling:
    """A pull that is under way."""

    def __init__(
        self, order: Order, on_tally: Callable[[PullProgress], None], on_end: Callable[[Outcome], None]
    ) -> None:
        self._order = order
        self._on_tally = on_tally
        self._on_end = on_end
        self._is_cancelled = threading.Event()
        # With the context of the click, so that what is sent to the page is sent as its answer.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="helius_frames pull", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Stop every request; the pull ends within a moment."""
        self._is_cancelled.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it has ended."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        self._on_end(_read(self._order, self._look_up))

    def _look_up(self, tally: PullProgress) -> None:
        self._on_tally(tally)
        if self._is_cancelled.is_set():
            # Once: the reader looks up for a last time while it gives back what had arrived.
            self._is_cancelled.clear()
            raise KeyboardInterrupt


def unexpected(fault: Exception) -> str:
    """Sentence on an exception that nobody foresaw."""
    return f"unexpected {type(fault).__name__}: {fault}"


def _read(order: Order, look_up: Callable[[PullProgress], None]) -> Outcome:
    asked = len(dict.fromkeys(order.owners))
    try:
        frame = _ask(order, look_up)
    except KeyMissingError:
        return Outcome(
            None, 0, asked, f"{order.cluster or 'this endpoint'} needs a key: type it into the field 'key'"
        )
    except HeliusError as fault:
        return _with_partial(fault, Outcome(None, 0, asked, str(fault)))
    except KeyboardInterrupt as ended:
        return _with_partial(ended, Outcome(None, 0, asked, is_cancelled=True))
    except Exception as fault:  # noqa: BLE001 - whatever it is, the person who clicked reads it
        return Outcome(None, 0, asked, unexpected(fault))
    return Outcome(frame, asked - frame.attrs["helius"]["failed"], asked)


def _ask(order: Order, look_up: Callable[[PullProgress], None]) -> pd.DataFrame:
    return read_helius_balances(
        order.owners,
        order.mints,
        api_key=order.api_key,
        cluster=order.cluster,
        endpoint=order.endpoint,
        plan=order.plan,
        drop_zero=order.drop_zero,
        errors="collect",
        progress=look_up,
    )


def _with_partial(ended: HeliusError | KeyboardInterrupt, outcome: Outcome) -> Outcome:
    """Outcome with the rows that had arrived, where an owner was read to its end."""
    if not isinstance(ended, HeliusError | PullInterrupted) or ended.partial is None:
        return outcome
    read = outcome.asked - len(ended.open_owners)
    return outcome._replace(frame=ended.partial, read=read) if read else outcome
