"""Pulls that are interrupted: each scenario runs in a process of its own, and an exit of 0 says it held.

There a stray SIGINT meets nothing else, and nest-asyncio may patch asyncio for good. `test_endurance` runs
the `SCENARIOS`, ``python -m tests.black_box.endurance`` the interrupts at random moments.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
import time
from typing import NamedTuple

from helius_frames import PullInterrupted, demo, read_helius_balances
from helius_frames.demo import Holdings
from tests.support.frames import rows_held, rows_of
from tests.support.library_loop import left_over

SEED = 7
SMALL = Holdings.uniform(100, 12, 60, seed=SEED)


def accept_interrupts():
    """Let SIGINT interrupt this process: it is ignored in what a shell begins in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Interrupts(NamedTuple):
    """What became of interrupted pulls."""

    kept: int
    bare: int
    finished: int


def interrupts(url, holdings, times, *, event_loop="thread", longest_s=0.12, seed=SEED):
    """Interrupt pulls at random moments; each keeps exact rows, and the next pull is exact."""
    draw, kept, bare, finished = random.Random(seed), 0, 0, 0
    table, wanted = set(rows_held(holdings)), rows_held(holdings)
    for _ in range(times):
        ended = interrupted(
            lambda: read_helius_balances(holdings.owners, endpoint=url, page_size=5, event_loop=event_loop),
            draw.uniform(0, longest_s),
        )
        if isinstance(ended, PullInterrupted):
            kept += 1
            rows = rows_of(ended.partial)
            closed = {row for row in table if row[0] not in ended.open_owners}
            assert len(rows) == len(set(rows))
            assert set(rows) == closed, "what had arrived is not the rows of the finished owners"
        elif isinstance(ended, KeyboardInterrupt):
            bare += 1
        else:
            finished += 1
            assert rows_of(ended) == wanted
    assert rows_of(read_helius_balances(holdings.owners, endpoint=url)) == wanted
    return Interrupts(kept, bare, finished)


def interrupted(run, after_s):
    """Call and send this process a SIGINT after so many seconds; gives the interrupt, or the result.

    Python itself loses an interrupt that strikes while an object is finalized.
    """
    timer = threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT))
    result = None
    try:
        timer.start()
        result = run()
        timer.join()
        time.sleep(0.01)
    except KeyboardInterrupt as interrupt:
        timer.join()
        return interrupt if result is None else result
    return result


def in_a_running_loop(run):
    """Call in a running loop that leaves SIGINT alone, as a kernel's does."""

    async def cell():
        return run()

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(cell())
    finally:
        loop.close()


def nested(url, owners, rows, times=5):
    """Interrupt pulls that are nested in a running loop; each next one is exact, and nothing is left."""

    def read(**options):
        return read_helius_balances(owners, endpoint=url, page_size=3, event_loop="nested", **options)

    async def cell():
        draw = random.Random(SEED)
        for _ in range(times):
            ended = interrupted(read, draw.uniform(0, 0.15))
            assert not isinstance(ended, PullInterrupted) or ended.open_owners
            assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
            interrupted(lambda: list(read(chunksize=10_000)), draw.uniform(0, 0.15))
            assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
            assert sum(map(len, read(chunksize=100))) == rows

    loop = asyncio.new_event_loop()
    loop.run_until_complete(cell())
    loop.close()
    assert not any(left_over(url)), left_over(url)


def at_random_moments(url):
    """Rows kept are exact, and nothing keeps running."""
    assert interrupts(url, SMALL, 10).kept >= 5


def in_a_notebook_cell(url):
    """The pull ends before it has begun, at its first requests, and in the middle."""
    for after_s in (0.0, 0.05, 0.15):
        ended = interrupted(
            lambda: in_a_running_loop(lambda: read_helius_balances(SMALL.owners, endpoint=url, page_size=3)),
            after_s,
        )
        assert isinstance(ended, KeyboardInterrupt), ended
        assert not any(left_over(url)), left_over(url)
    assert rows_of(read_helius_balances(SMALL.owners, endpoint=url)) == rows_held(SMALL)


def under_asyncio_run(url):
    """`asyncio.run` makes the first Ctrl-C a cancellation; the pull ends at once all the same."""

    async def main():
        return read_helius_balances(SMALL.owners, endpoint=url, page_size=1)

    begin = time.monotonic()
    ended = interrupted(lambda: asyncio.run(main()), 0.1)
    assert isinstance(ended, PullInterrupted), ended
    assert ended.open_owners
    assert time.monotonic() - begin < 1.5


def nested_in_a_running_loop(url):
    """Every next pull is exact."""
    nested(url, SMALL.owners, len(SMALL), 3)


def between_chunks(url):
    """What no chunk had is kept."""
    chunks = read_helius_balances(SMALL.owners, endpoint=url, page_size=3, chunksize=10_000)
    ended = interrupted(lambda: list(chunks), 0.1)
    assert isinstance(ended, PullInterrupted), ended
    assert rows_of(ended.partial) == rows_held(SMALL, [o for o in SMALL.owners if o not in ended.open_owners])
    assert list(chunks) == []


def on_the_demo_cluster(_url):
    """The embedded indexer answers in the same process."""
    ended = interrupted(lambda: [read_helius_balances(demo.OWNERS, cluster="demo") for _ in range(20)], 0.1)
    assert isinstance(ended, KeyboardInterrupt), ended


def with_a_handler_of_the_callers_own(url):
    """The handler is there again after every pull."""

    def handler(number, frame):
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handler)
    read_helius_balances(SMALL.owners, endpoint=url)
    assert signal.getsignal(signal.SIGINT) is handler
    interrupted(lambda: read_helius_balances(SMALL.owners, endpoint=url, page_size=1), 0.05)
    assert signal.getsignal(signal.SIGINT) is handler


SCENARIOS = (
    at_random_moments,
    in_a_notebook_cell,
    under_asyncio_run,
    nested_in_a_running_loop,
    between_chunks,
    on_the_demo_cluster,
    with_a_handler_of_the_callers_own,
)


def main(name, url):
    """Run one scenario; nothing may be left of it."""
    accept_interrupts()
    # What is imported late is imported now: an interrupt amid an import is Python's, which warns of its file.
    read_helius_balances(SMALL.owners[:1], endpoint=url)
    import nest_asyncio  # noqa: F401

    {scenario.__name__: scenario for scenario in SCENARIOS}[name](url)
    assert not any(left_over(url)), left_over(url)


if __name__ == "__main__":
    main(*sys.argv[1:])
