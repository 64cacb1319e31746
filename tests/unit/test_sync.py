"""A coroutine run to its end from anywhere, and what ends it early."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
from contextlib import nullcontext

import pytest
import uvloop

from helius_frames import _nested, _sync
from helius_frames._sync import run, running_loop, with_ticks
from helius_frames.errors import InputError
from tests.support.library_loop import library_tasks, run_in_library_loop
from tests.support.subprocess_helpers import assert_runs_silently


async def echo(value):
    await asyncio.sleep(0)
    return value


async def fail(error):
    await asyncio.sleep(0)
    raise error


class Waiting:
    """A coroutine that waits for ever, and notes that it began and how it ended."""

    def __init__(self):
        self.began = threading.Event()
        self.ended = None

    async def __call__(self):
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # as one that closes its connections
            self.ended = "cancelled"
            raise


class Stop(Exception):
    """Raised by a test's own tick."""


def raises_when(event):
    def on_tick():
        if event.is_set():
            raise Stop

    return on_tick


@pytest.fixture(autouse=True)
def short_ticks(monkeypatch):
    monkeypatch.setattr(_sync, "TICK_S", 0.005)


# From a plain thread


def test_the_result_is_returned_and_an_error_raised():
    assert run(echo(5)) == 5
    with pytest.raises(ValueError, match="no"):
        run(fail(ValueError("no")))


def test_it_runs_in_one_thread_of_the_package_again_and_again():
    async def name():
        return threading.current_thread().name, running_loop()

    first, second = run(name()), run(name())
    assert first == second
    assert first[0] == "helius_frames"
    assert first[1] is not None


def test_context_variables_of_the_caller_are_seen_and_not_changed():
    variable = contextvars.ContextVar("variable", default="none")

    async def read():
        before = variable.get()
        variable.set("changed")
        return before

    variable.set("of the caller")
    assert run(read()) == "of the caller"
    assert variable.get() == "of the caller"


def test_a_tick_comes_now_and_then_in_the_callers_thread():
    ticks = []
    run(asyncio.sleep(0.05), on_tick=lambda: ticks.append(threading.current_thread()))
    assert len(ticks) >= 3
    assert set(ticks) == {threading.current_thread()}


@pytest.mark.parametrize("error", [None, ValueError("its own")])
def test_no_tick_comes_after_the_end_so_that_an_error_of_the_coroutine_goes_first(error):
    release, ticks = threading.Event(), []

    async def coroutine():
        while not release.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.001)
        if error is not None:
            raise error
        return "result"

    def on_tick():
        ticks.append(1)
        if release.is_set():
            raise Stop
        release.set()
        while library_tasks():
            pass
        run_in_library_loop(echo(1))  # by now the end has been told

    with nullcontext() if error is None else pytest.raises(ValueError, match="its own"):
        assert run(coroutine(), on_tick=on_tick) == "result"
    assert ticks == [1]


def test_an_error_in_a_tick_cancels_the_coroutine_and_waits_until_it_has_unwound():
    waiting = Waiting()
    with pytest.raises(Stop):
        run(waiting(), on_tick=raises_when(waiting.began))
    assert waiting.ended == "cancelled"
    assert library_tasks() == set()


def test_an_interrupt_does_so_too():
    waiting = Waiting()

    def on_tick():
        if waiting.began.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(waiting(), on_tick=on_tick)
    assert waiting.ended == "cancelled"


def test_a_coroutine_that_does_not_unwind_lets_its_caller_go(monkeypatch):
    monkeypatch.setattr(_sync, "_UNWIND_S", 0.02)
    began, release = threading.Event(), asyncio.Event()

    async def stubborn():
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await release.wait()

    with pytest.raises(Stop):
        run(stubborn(), on_tick=raises_when(began))

    async def set_free():
        release.set()

    run_in_library_loop(set_free())


def test_an_interrupt_before_it_began_leaves_nothing():
    loop = _sync._loop_thread.loop()
    gate = threading.Event()
    loop.call_soon_threadsafe(gate.wait, 2)  # the loop is busy, so that the coroutine cannot begin
    begun = []

    async def coroutine():
        begun.append(1)

    def on_tick():
        gate.set()
        raise Stop

    with pytest.raises(Stop):
        run(coroutine(), on_tick=on_tick)
    run(echo(1))
    assert library_tasks() == set()


def test_many_threads_run_at_once():
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(run(echo(n)))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(results) == list(range(20))


def test_a_loop_that_cannot_be_made_is_the_callers_error(monkeypatch):
    def broken():
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio, "new_event_loop", broken)
    with pytest.raises(OSError, match="too many"):
        _sync._loop_in_a_thread()


# From a running loop


def test_it_works_while_a_loop_runs_in_the_callers_thread():
    async def main():
        return run(echo(5))

    assert asyncio.run(main()) == 5
    assert uvloop.run(main()) == 5


def test_a_cancellation_of_the_calling_task_is_an_interrupt():
    """`asyncio.run` turns the first Ctrl-C into one."""
    waiting = Waiting()

    async def main():
        task = asyncio.current_task()

        def on_tick():
            if waiting.began.is_set():
                task.cancel()

        with pytest.raises(KeyboardInterrupt):
            run(waiting(), on_tick=on_tick)
        task.uncancel()

    with pytest.raises(asyncio.CancelledError):  # the cancellation itself is still to be seen
        asyncio.run(main_and_pause(main))
    assert waiting.ended == "cancelled"


async def main_and_pause(main):
    await main()
    await asyncio.sleep(0)


def test_a_cancellation_from_before_the_call_is_not_an_interrupt():
    results = []

    async def main():
        asyncio.current_task().cancel()
        results.append(run(echo(5)))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert results == [5]


# Ticks on the running loop


def test_ticks_on_a_running_loop():
    ticks = []

    async def main():
        result = await with_ticks(asyncio.sleep(0.05, "result"), lambda: ticks.append(1))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    assert asyncio.run(main()) == "result"
    assert len(ticks) >= 3


def test_an_error_in_a_tick_on_a_running_loop_cancels_and_waits():
    waiting = Waiting()

    async def main():
        with pytest.raises(Stop):
            await with_ticks(waiting(), raises_when(waiting.began))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert waiting.ended == "cancelled"


def test_a_cancelled_wait_cancels_the_coroutine():
    waiting = Waiting()

    async def main():
        task = asyncio.create_task(with_ticks(waiting(), lambda: None))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert waiting.ended == "cancelled"


def test_an_error_of_a_coroutine_whose_wait_was_cancelled_is_not_logged(caplog):
    async def fails_late():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("late") from None

    async def main():
        task = asyncio.create_task(with_ticks(fails_late(), lambda: None))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gc.collect()
    assert not caplog.records


def test_no_loop_runs_in_a_plain_thread():
    assert running_loop() is None


# Nested


def test_nested_without_a_running_loop_is_the_thread():
    assert run(echo(5), event_loop="nested") == 5


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="nest-asyncio does not work there")
def test_nesting_is_possible_in_asyncios_own_loops_alone():
    async def main():
        _nested.check()

    asyncio.run(main())
    _nested.check()
    with pytest.raises(InputError, match="cannot nest a uvloop loop; use 'thread'"):
        uvloop.run(main())


def test_nesting_is_refused_where_nest_asyncio_does_not_work(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    with pytest.raises(InputError, match=r"does not work on Python 3\.14; use 'thread'"):
        _nested.check()


# The end of the process


@pytest.mark.slow
def test_a_process_that_ends_while_a_coroutine_runs_ends_without_a_word():
    assert_runs_silently(
        "-c",
        "import asyncio, threading, time\n"
        "from helius_frames._sync import run\n"
        "threading.Thread(target=run, args=(asyncio.sleep(60),), daemon=True).start()\n"
        "time.sleep(0.1)\n",
    )


@pytest.mark.slow
def test_a_child_that_is_forked_has_a_loop_of_its_own():
    assert_runs_silently(
        "-c",
        "import asyncio, os\n"
        "from helius_frames._sync import run\n"
        "run(asyncio.sleep(0))\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    run(asyncio.sleep(0))\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n",
    )
