"""Nothing is lost, and nothing keeps running: long pulls, interrupts, and iterators left in the middle."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time

import pandas as pd
import pytest

from helius_frames import (
    RPCError,
    aread_helius_balances,
    read_helius_balances,
)
from helius_frames.demo import Holdings
from tests.black_box import endurance, interrupt_scenarios
from tests.black_box.endurance import indexer
from tests.black_box.interrupt_scenarios import SMALL
from tests.fault_server import FaultRule, FaultyIndexer, serve
from tests.support.frames import rows_held, rows_of
from tests.support.library_loop import NOTHING, left_over, run_in_library_loop
from tests.support.subprocess_helpers import assert_runs_silently
from tests.support.transport import use_transport

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url():
    """A server that takes long enough to be interrupted."""
    with serve(indexer(SMALL, 0.0, latency_s=0.01)) as url:
        yield url


def test_thousands_of_owners_with_faults_are_exact_and_memory_stays():
    holdings = Holdings.uniform(1_000, 4, 300, seed=7)
    app = indexer(holdings, 0.02)
    with serve(app) as url, use_transport("httpx"):
        figures = endurance.long_pull(url, holdings, chunksize=160)
        assert left_over(url) == NOTHING
    assert figures.rows == len(holdings)
    assert figures.retries == app.injected.total() > 10
    early, late = figures.memory_mb[5], figures.memory_mb[-1]
    assert late < early + 10, figures.memory_mb


def test_pulls_in_a_row_leave_nothing(url):
    endurance.pulls_in_a_row(url, SMALL, 3)
    assert left_over(url) == NOTHING


@pytest.mark.parametrize("scenario", interrupt_scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_interrupted_pulls_leave_exact_rows_and_nothing_running(url, scenario):
    assert_runs_silently("-m", "tests.black_box.interrupt_scenarios", scenario.__name__, url)


def test_a_cancelled_task_leaves_nothing(url):
    async def main():
        task = asyncio.create_task(aread_helius_balances(SMALL.owners, endpoint=url, page_size=3))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await aread_helius_balances(SMALL.owners, endpoint=url, page_size=1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert rows_of(await aread_helius_balances(SMALL.owners, endpoint=url)) == rows_held(SMALL)

    asyncio.run(main())
    assert left_over(url) == NOTHING


def test_an_async_iterator_that_is_dropped_stops_its_requests(url):
    async def main():
        chunks = aread_helius_balances(SMALL.owners, endpoint=url, page_size=3, chunksize=5)
        await anext(chunks)
        del chunks
        gc.collect()
        for _ in range(100):
            if asyncio.all_tasks() == {asyncio.current_task()}:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(asyncio.all_tasks())

    asyncio.run(main())
    assert left_over(url) == NOTHING


def test_an_iterator_collected_in_the_thread_of_the_loop_does_not_block_it(url):
    chunks = read_helius_balances(SMALL.owners, endpoint=url, page_size=3, chunksize=5)
    next(chunks)
    chunks.itself = chunks  # so that only the garbage collector finds it
    del chunks

    async def collect():
        gc.collect()

    run_in_library_loop(collect())
    assert left_over(url) == NOTHING


def test_an_error_in_the_callers_own_progress_ends_the_pull(url):
    def progress(_tally):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_helius_balances(SMALL.owners, endpoint=url, page_size=1, progress=progress)
    chunks = read_helius_balances(
        SMALL.owners, endpoint=url, page_size=1, chunksize=10_000, progress=progress
    )
    with pytest.raises(ZeroDivisionError):
        next(chunks)
    assert left_over(url) == NOTHING


def test_an_error_in_the_callers_own_progress_ends_an_async_pull(url):
    def progress(_tally):
        raise ZeroDivisionError

    async def main():
        with pytest.raises(ZeroDivisionError):
            await aread_helius_balances(SMALL.owners, endpoint=url, page_size=1, progress=progress)
        chunks = aread_helius_balances(
            SMALL.owners, endpoint=url, page_size=1, chunksize=9_999, progress=progress
        )
        with pytest.raises(ZeroDivisionError):
            await anext(chunks)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert left_over(url) == NOTHING


def test_an_error_that_nobody_asks_for_any_more_is_not_logged(caplog):
    app = FaultyIndexer(SMALL, faults=[FaultRule("rpc-32000", owner=SMALL.owners[5])])
    with serve(app) as url:
        chunks = read_helius_balances(SMALL.owners, endpoint=url, chunksize=24)
        assert len(next(chunks)) == 24
        time.sleep(0.05)
        del chunks
        chunks = read_helius_balances(SMALL.owners, endpoint=url, chunksize=24)
        assert len(next(chunks)) == 24
        time.sleep(0.05)
        chunks.close()
        del chunks
        assert left_over(url) == NOTHING
    assert not caplog.records


def test_chunks_read_nested_where_no_loop_runs_are_those_of_the_thread(url):
    def chunks(event_loop):
        return [
            rows_of(c)
            for c in read_helius_balances(SMALL.owners, endpoint=url, chunksize=100, event_loop=event_loop)
        ]

    assert chunks("nested") == chunks("thread")


def test_chunks_begun_in_one_loop_are_not_gone_on_with_in_another(url):
    async def begin():
        chunks = aread_helius_balances(SMALL.owners, endpoint=url, chunksize=100)
        await anext(chunks)
        return chunks

    async def go_on(chunks):
        with pytest.raises(RuntimeError, match="another event loop"):
            await anext(chunks)
        await chunks.aclose()

    asyncio.run(go_on(asyncio.run(begin())))
    assert left_over(url) == NOTHING


def run_script(text, *given):
    """Run a script of its own, as a person would, with these values as ``given``; it must end well."""
    assert_runs_silently("-c", f"given = {given!r}\n{text}")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_reads_anew_and_leaves_its_parents_chunks_alone(url):
    run_script(
        """
import os, warnings
from helius_frames import read_helius_balances
url, owners, rows = given
chunks = read_helius_balances(owners, endpoint=url, page_size=3, chunksize=20)
first = len(next(chunks))
warnings.simplefilter("ignore", DeprecationWarning)  # a fork of a process with threads is what is tested
child = os.fork()
if child == 0:
    try:
        next(chunks)
    except RuntimeError:
        chunks.close()
        raise SystemExit(len(read_helius_balances(owners, endpoint=url)) != rows)
    raise SystemExit(2)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert first + sum(map(len, chunks)) == rows
""",
        url,
        list(SMALL.owners),
        len(SMALL),
    )


@pytest.mark.parametrize(
    "ending",
    [
        "chunks = read(owners, endpoint=url, page_size=3, chunksize=20)\nnext(chunks)",
        "for chunk in read(owners, endpoint=url, page_size=3, chunksize=20): break",
        """
import threading, time
threading.Thread(target=lambda: read(owners, endpoint=url, page_size=1), daemon=True).start()
time.sleep(0.1)
""",
    ],
    ids=["chunks at hand", "a loop left early", "a daemon thread"],
)
def test_a_script_that_ends_in_the_middle_ends_without_a_word(url, ending):
    run_script(
        f"from helius_frames import read_helius_balances as read\nurl, owners = given\n{ending}",
        url,
        list(SMALL.owners),
    )


def test_threads_read_at_the_same_time(url):
    frames = {}

    def read(number):
        frames[number] = read_helius_balances(SMALL.owners[number::4], endpoint=url)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for number in range(4):
        assert rows_of(frames[number]) == rows_held(SMALL, SMALL.owners[number::4])
    assert left_over(url) == NOTHING


def test_a_second_call_goes_on_where_the_first_ended():
    app = FaultyIndexer(SMALL, faults=[FaultRule("rpc-32000", owner=SMALL.owners[60], times=1)])
    with serve(app) as url:
        with pytest.raises(RPCError) as info:
            read_helius_balances(SMALL.owners, endpoint=url, max_concurrency=4)
        error = info.value
        assert len(error.partial)
        rest = read_helius_balances(error.open_owners, endpoint=url)
    assert sorted(rows_of(pd.concat([error.partial, rest]))) == sorted(rows_held(SMALL))
    assert set(error.open_owners).isdisjoint(error.partial["owner"])


def test_what_is_kept_of_a_chunked_pull_stands_in_the_order_of_the_owners():
    owners = SMALL.owners
    faults = [FaultRule("stall", owner=owners[0]), FaultRule("rpc-32000", owner=owners[60])]
    app = FaultyIndexer(SMALL, faults=faults)
    with serve(app) as url:
        chunks = read_helius_balances(owners, endpoint=url, chunksize=1_000)
        with pytest.raises(RPCError, match="page 1") as info:
            list(chunks)
    kept = info.value.partial["owner"].astype(str).drop_duplicates().tolist()
    assert len(kept) > 20
    assert kept == [owner for owner in owners if owner in kept]
