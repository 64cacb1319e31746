"""A coroutine run on the caller's own running loop, through nest-asyncio: the caller's tasks keep running."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from helius_frames._sync import running_loop, with_ticks
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

T = TypeVar("T")


def check() -> None:
    """Raise `InputError` where nesting cannot work, before anything is begun."""
    if sys.version_info >= (3, 14):
        raise InputError(
            "event_loop='nested' needs nest-asyncio, which does not work on Python 3.14; use 'thread'"
        )
    loop = running_loop()
    if loop is not None and not isinstance(loop, asyncio.BaseEventLoop):
        raise InputError(f"event_loop='nested' cannot nest a {type(loop).__module__} loop; use 'thread'")


def run(coroutine: Coroutine[Any, Any, T], on_tick: Callable[[], None]) -> T:
    """Run a coroutine to its end on the loop that runs in this thread."""
    import nest_asyncio  # noqa: PLC0415 - patches the running loop, so only where it is asked for

    loop = asyncio.get_running_loop()
    nest_asyncio.apply(loop)
    task = loop.create_task(with_ticks(coroutine, on_tick))
    with _cancelled_by_interrupt(task):
        return loop.run_until_complete(task)


@contextmanager
def _cancelled_by_interrupt(task: asyncio.Task[Any]) -> Iterator[None]:
    """Let the first Ctrl-C cancel a task, and raise it when the task has unwound.

    Raised at once, amid the loop's own code, it would leave tasks and connections half done.
    """
    handler = signal.getsignal(signal.SIGINT)
    # Threads get no interrupts, and where they are ignored there is nothing to do.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    interrupts: list[int] = []

    def cancel(number: int, frame: FrameType | None) -> None:
        if interrupts:
            signal.default_int_handler(number, frame)
        interrupts.append(number)
        task.get_loop().call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGINT, cancel)
    try:
        yield
    except asyncio.CancelledError:
        if not interrupts:
            raise
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        raise KeyboardInterrupt
