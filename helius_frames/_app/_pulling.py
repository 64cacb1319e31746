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

    from helius_frames._endpoint import Secret
    from helius_frames._progress import Tally


class Order(NamedTuple):
    """What is asked, as the form says."""

    owners: list[str]
    mints: list[str] | None
    cluster: str | None
    endpoint: Secret | None
    api_key: Secret | None
    plan: str | None
    drop_zero: bool


class Outcome(NamedTuple):
    """What came of a pull: the frame of the finished owners, and what ended it early."""

    frame: pd.DataFrame | None
    fault: str = ""
    is_cancelled: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every owner was asked to the end."""
        return not self.fault and not self.is_cancelled


class Pulling:
    """A pull that is under way."""

    def __init__(
        self, order: Order, on_tally: Callable[[Tally], None], on_end: Callable[[Outcome], None]
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

    def _look_up(self, tally: Tally) -> None:
        self._on_tally(tally)
        if self._is_cancelled.is_set():
            # Once: the reader looks up for a last time while it gives back what had arrived.
            self._is_cancelled.clear()
            raise KeyboardInterrupt


def _read(order: Order, look_up: Callable[[Tally], None]) -> Outcome:
    try:
        frame = read_helius_balances(
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
    except KeyboardInterrupt as ended:
        return Outcome(ended.partial if isinstance(ended, PullInterrupted) else None, is_cancelled=True)
    except KeyMissingError:
        return Outcome(None, f"{order.cluster or 'This endpoint'} needs a key: type it into the field 'key'")
    except HeliusError as fault:
        return Outcome(fault.partial, str(fault))
    except Exception as fault:  # noqa: BLE001 - whatever it is, the person who clicked reads it
        return Outcome(None, f"unexpected {type(fault).__name__}: {fault}")
    return Outcome(frame)
