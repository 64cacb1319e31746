"""Sync over async: a coroutine run to its end from a plain script, a notebook cell or a running loop.

``thread`` runs the coroutine on a private daemon loop thread, so it works under any loop (uvloop, a kernel's,
none), in threads, after a fork and in Voila; the caller's thread waits in short steps, in which it draws
progress and sees Ctrl-C. ``nested`` runs it on the caller's own running loop, see `_nested`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

EventLoop: TypeAlias = Literal["thread", "nested"]
T = TypeVar("T")

# How often the waiting thread looks up: often enough for a smooth bar and a prompt Ctrl-C.
TICK_S: Final = 0.1
# How long an interrupted pull may take to close its connections before the caller is let go.
_UNWIND_S: Final = 5.0


def run(
    coroutine: Coroutine[Any, Any, T],
    *,
    event_loop: EventLoop = "thread",
    on_tick: Callable[[], None] = lambda: None,
) -> T:
    """Run a coroutine to its end; where an interrupt or ``on_tick`` raises, cancel it and let it unwind."""
    if event_loop == "nested" and running_loop() is not None:
        from helius_frames import _nested  # noqa: PLC0415 - loads nest-asyncio, which is not everywhere

        return _nested.run(coroutine, on_tick)
    loop = _loop_thread.loop()
    context = copy_context()  # so that prints reach the cell that asked
    task: list[asyncio.Task[T]] = []
    ended = threading.Event()

    def start() -> None:
        task.append(loop.create_task(coroutine, context=context))
        _loop_thread.tasks.add(task[0])
        # When the interpreter ends, whoever still waits is a daemon thread: it waits on, and says nothing.
        task[0].add_done_callback(lambda _: None if loop is _loop_thread.ended else ended.set())

    def cancel() -> None:
        if task:
            task[0].cancel()
        else:  # interrupted before it began
            coroutine.close()
            ended.set()

    # While the caller waits, only Ctrl-C can cancel its task: `asyncio.run` makes the first one a
    # cancellation, which would otherwise be seen when the pull has ended.
    caller = None if running_loop() is None else asyncio.current_task()
    cancelled_before = 0 if caller is None else caller.cancelling()
    try:
        loop.call_soon_threadsafe(start)
        while not ended.wait(TICK_S):
            if caller is not None and caller.cancelling() > cancelled_before:
                raise KeyboardInterrupt  # noqa: TRY301 - it goes the way of any other
            on_tick()
        on_tick()
    except BaseException:
        loop.call_soon_threadsafe(cancel)
        ended.wait(_UNWIND_S)
        raise
    return task[0].result()


async def with_ticks(coroutine: Coroutine[Any, Any, T], on_tick: Callable[[], None]) -> T:
    """Await a coroutine and call ``on_tick`` now and then meanwhile."""
    task = asyncio.ensure_future(coroutine)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=TICK_S)
            on_tick()
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen, also where the caller was cancelled meanwhile
    return task.result()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _LoopThread:
    """The private loop and its daemon thread, made at first use and anew after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self.ended: asyncio.AbstractEventLoop | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)
        # Called after the finalizers that were made later, those of chunks among them.
        weakref.finalize(self, _LoopThread._end, self)

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = _loop_in_a_thread()
            return self._loop

    def _forget(self) -> None:
        self._lock, self._loop = threading.Lock(), None

    def _end(self) -> None:
        """Stop every request and hold the thread for good, at the end of the interpreter.

        A thread that the interpreter ends amid C++ code, numpy's or Arrow's, aborts the process.
        """
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self.ended = loop
        is_still = threading.Event()

        async def hold() -> None:
            for task in self.tasks:
                task.cancel()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=_UNWIND_S)
            is_still.set()
            threading.Event().wait()

        asyncio.run_coroutine_threadsafe(hold(), loop)
        is_still.wait(_UNWIND_S + 1)


def _loop_in_a_thread() -> asyncio.AbstractEventLoop:
    """Run a new event loop in a thread of its own.

    It is made there too: on Windows a loop that is made in the main thread takes over its signals.
    """
    made: Future[asyncio.AbstractEventLoop] = Future()

    def run_loop() -> None:
        try:
            loop = asyncio.new_event_loop()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller waits for it
            made.set_exception(error)
        else:
            made.set_result(loop)
            loop.run_forever()

    threading.Thread(target=run_loop, name="helius_frames", daemon=True).start()
    return made.result()


_loop_thread: Final = _LoopThread()
