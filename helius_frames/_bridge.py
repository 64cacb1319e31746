"""Sync over async: a coroutine run to its end from a plain script, a notebook cell or a running loop.

It may import `errors`. ``thread`` runs the coroutine on a private daemon loop thread, so it works under
any loop (uvloop, a kernel's, none), in threads, after a fork and in Voila; the caller's thread waits
in short steps, in which it draws progress and sees Ctrl-C. ``nested`` runs it on the caller's own
running loop through nest-asyncio, so that the caller's own tasks go on meanwhile.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
import threading
import weakref
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

EventLoop = Literal["thread", "nested"]
T = TypeVar("T")

# How often the waiting thread looks up: often enough for a smooth bar and a prompt Ctrl-C.
_TICK_S: Final = 0.1
# How long an interrupted pull may take to close its connections before the caller is let go.
_UNWIND_S: Final = 5.0


def run(
    coroutine: Coroutine[Any, Any, T],
    *,
    event_loop: EventLoop = "thread",
    on_tick: Callable[[], None] = lambda: None,
) -> T:
    """Run a coroutine to its end; on an interrupt, cancel it and wait until it has unwound."""
    if event_loop == "nested":
        return _run_nested(coroutine, on_tick)
    return _run_in_thread(coroutine, on_tick)


def check_event_loop(event_loop: str) -> None:
    """Refuse a mode that does not exist or cannot work here, before anything is begun."""
    if event_loop not in ("thread", "nested"):
        raise InputError(f"event_loop={event_loop!r} is neither 'thread' nor 'nested'")
    if event_loop == "thread":
        return
    if sys.version_info >= (3, 14):
        raise InputError(
            "event_loop='nested' needs nest-asyncio, which does not work on Python 3.14; use 'thread'"
        )
    loop = _running_loop()
    if loop is not None and not isinstance(loop, asyncio.BaseEventLoop):
        raise InputError(f"event_loop='nested' cannot nest a {type(loop).__module__} loop; use 'thread'")


def _run_in_thread(coroutine: Coroutine[Any, Any, T], on_tick: Callable[[], None]) -> T:
    loop = _private.loop()
    context = copy_context()  # so that prints reach the cell that asked
    task: list[asyncio.Task[T]] = []
    ended = threading.Event()

    def start() -> None:
        task.append(loop.create_task(coroutine, context=context))
        _private.tasks.add(task[0])
        # When the interpreter ends, whoever still waits is a daemon thread: it waits on, and says nothing.
        task[0].add_done_callback(lambda _: None if loop is _private.ended else ended.set())

    def cancel() -> None:
        if task:
            task[0].cancel()
        else:  # interrupted before it began
            coroutine.close()
            ended.set()

    heed_cancellation = _cancellation()
    try:
        loop.call_soon_threadsafe(start)
        while not ended.wait(_TICK_S):
            heed_cancellation()
            on_tick()
        on_tick()
    except BaseException:
        loop.call_soon_threadsafe(cancel)
        ended.wait(_UNWIND_S)
        raise
    return task[0].result()


def _run_nested(coroutine: Coroutine[Any, Any, T], on_tick: Callable[[], None]) -> T:
    loop = _running_loop()
    if loop is None:  # nothing to nest in, and chunks need one loop from first to last
        return _run_in_thread(coroutine, on_tick)
    import nest_asyncio  # noqa: PLC0415 - patches the running loop, so only where it is asked for

    nest_asyncio.apply(loop)
    task = loop.create_task(with_ticks(coroutine, on_tick))
    with _cancelled_by_interrupt(task):
        return loop.run_until_complete(task)


@contextmanager
def _cancelled_by_interrupt(task: asyncio.Task[Any]) -> Iterator[None]:
    """Let the first Ctrl-C cancel a task, and raise it when the task has unwound.

    Raised where it strikes, amid the loop's own code, it would leave tasks and connections half done.
    """
    handler = _interrupt_handler()
    if handler is None:
        yield
        return
    struck: list[int] = []

    def cancel(number: int, frame: FrameType | None) -> None:
        if struck:
            signal.default_int_handler(number, frame)
        struck.append(number)
        task.get_loop().call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGINT, cancel)
    try:
        yield
    except asyncio.CancelledError:
        if not struck:
            raise
    finally:
        signal.signal(signal.SIGINT, handler)
    if struck:
        raise KeyboardInterrupt


def _interrupt_handler() -> Callable[[int, FrameType | None], Any] | None:
    """Find the handler of interrupts; ``None`` where they are ignored, and in threads, which get none."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handler = signal.getsignal(signal.SIGINT)
    return handler if callable(handler) else None


async def with_ticks(coroutine: Coroutine[Any, Any, T], on_tick: Callable[[], None]) -> T:
    """Await a coroutine and look up now and then meanwhile."""
    task = asyncio.ensure_future(coroutine)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_TICK_S)
            on_tick()
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen, also where the caller was cancelled meanwhile
    return task.result()


def _cancellation() -> Callable[[], None]:
    """Turn a cancellation of the calling task into an interrupt: while it waits, only Ctrl-C can do that.

    `asyncio.run` makes the first Ctrl-C a cancellation, which would wait until the pull has ended.
    """
    task = None if _running_loop() is None else asyncio.current_task()
    before = 0 if task is None else task.cancelling()

    def heed() -> None:
        if task is not None and task.cancelling() > before:
            raise KeyboardInterrupt

    return heed


def _running_loop() -> asyncio.AbstractEventLoop | None:
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
                self._loop = _running_in_a_thread()
            return self._loop

    def _forget(self) -> None:
        self._lock, self._loop = threading.Lock(), None

    def _end(self) -> None:
        """Stop every request and hold the thread for good, at the end of the interpreter.

        Ended by it amid C++ or Rust code, a thread aborts the process.
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
                await asyncio.sleep(_TICK_S)  # pyreqwest's threads let go a moment later
            is_still.set()
            threading.Event().wait()

        asyncio.run_coroutine_threadsafe(hold(), loop)
        is_still.wait(_UNWIND_S + 1)


def _running_in_a_thread() -> asyncio.AbstractEventLoop:
    """Run a new event loop in a thread of its own.

    It is made there too: on Windows a loop that is made in the main thread takes over its signals.
    """
    made: Future[asyncio.AbstractEventLoop] = Future()

    def run() -> None:
        try:
            loop = _new_loop()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller waits for it
            made.set_exception(error)
        else:
            made.set_result(loop)
            loop.run_forever()

    threading.Thread(target=run, name="helius_frames", daemon=True).start()
    return made.result()


def _new_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop: uvloop's, where the extra ``fast`` has brought it and pyreqwest with it."""
    if importlib.util.find_spec("pyreqwest") is None:
        return asyncio.new_event_loop()
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


_private: Final = _LoopThread()
