"""A long pull through faults, a hundred pulls in a row, and a hundred interrupts at random moments.

``python -m tests.endurance`` prints the figures; `test_endurance` does the same in small.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
import psutil

from helius_frames import PullInterrupted, _bridge, read_helius_balances
from helius_frames.demo import Faults, Holdings, Indexer, order, serve
from tests.pulling import rows_held, rows_of

# What may pass, in every layer: statuses, JSON-RPC errors, connections. No 429, whose pauses are their point.
PASSING = (
    "503-html",
    "500-json",
    "504-empty",
    "408-html",
    "rpc-32603",
    "reset",
    "reset-headers",
    "reset-body",
    "cut-short",
)
SHARE = 0.02
SEED = 7
MB = 2**20


def indexer(holdings, share=SHARE, **options):
    """Indexer with faults that strike a share of all reads and pass."""
    orders = [order(name, p=share / len(PASSING), times=3) for name in PASSING]
    return Indexer(holdings, faults=Faults(*orders, seed=SEED), **options)


class Left(NamedTuple):
    """What a pull may leave behind: nothing."""

    tasks: int
    sockets: int
    threads: int


def left_over(url, patience_s=2.0):
    """Count tasks of the private loop, connections to the server, and threads of ours but the one loop."""
    port = int(url.rpartition(":")[2])
    deadline = time.monotonic() + patience_s
    while any(found := _left_over(port)) and time.monotonic() < deadline:
        time.sleep(0.01)  # a connection closes a moment after its pull
    return found


def _left_over(port):
    gc.collect()
    tasks = asyncio.all_tasks(_bridge._thread_loop())
    sockets = [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port]
    threads = [thread for thread in threading.enumerate() if thread.name == "helius_frames"]
    return Left(len(tasks), len(sockets), len(threads) - 1)


class Check:
    """Compares chunks with the holdings, row for row in order, without a Python object per row."""

    def __init__(self, holdings):
        self.rows = 0
        self._balances = holdings.balances
        self._codes = holdings.codes
        self._owners = np.repeat(np.arange(len(holdings.owners)), np.diff(holdings.starts))
        self._mint_places = pd.Index(holdings.mint_texts)
        self._owner_places = pd.Index(holdings.owners)

    def __call__(self, frame):
        span = slice(self.rows, self.rows + len(frame))
        assert np.array_equal(frame["balance"].to_numpy(), self._balances[span]), "a wrong balance"
        assert np.array_equal(self._mint_places.get_indexer(frame["mint"].astype(str)), self._codes[span]), (
            "a wrong mint"
        )
        assert np.array_equal(
            self._owner_places.get_indexer(frame["owner"].astype(str)), self._owners[span]
        ), "a wrong owner"
        self.rows += len(frame)


class Figures(NamedTuple):
    """What a long pull came to."""

    owners: int
    rows: int
    requests: int
    retries: int
    seconds: float
    memory_mb: list[float]


def long_pull(url, holdings, chunksize=10_000, **options):
    """Read everything in chunks, check each, and note the memory after each."""
    check, memory, begin = Check(holdings), [], time.monotonic()
    options = {"max_concurrency": 32, "progress": False, "retries": 6, **options}
    for chunk in read_helius_balances(holdings.owners, endpoint=url, chunksize=chunksize, **options):
        check(chunk)
        memory.append(psutil.Process().memory_info().rss / MB)
    assert check.rows == len(holdings), f"{check.rows} rows of {len(holdings)}"
    asked = chunk.attrs["helius"]
    return Figures(
        len(holdings.owners),
        check.rows,
        asked["requests"],
        asked["retries"],
        time.monotonic() - begin,
        memory,
    )


def pulls_in_a_row(url, holdings, times):
    """Read the same again and again; every frame is exact."""
    wanted = rows_held(holdings)
    for _ in range(times):
        assert rows_of(read_helius_balances(holdings.owners, endpoint=url, page_size=5)) == wanted


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


def _serve_apart(connection, holdings, share):
    app = indexer(holdings, share)
    with serve(app) as url:
        connection.send(url)
        connection.recv()
        connection.send(sum(app.faults.struck.values()))


@contextmanager
def served_apart(holdings, share=SHARE):
    """Serve from another process, so that this one's memory is the client's alone; gives URL and a stop."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_apart, args=(theirs, holdings, share), daemon=True)
    process.start()

    def stop():
        ours.send("stop")
        return ours.recv()

    try:
        yield ours.recv(), stop
    finally:
        process.terminate()
        process.join()


def main():
    """Run all three, and print what they came to."""
    holdings = Holdings.uniform(100_000, 4, 2_000, seed=SEED)
    with served_apart(holdings) as (url, stop):
        figures = long_pull(url, holdings)
        left, struck = left_over(url), stop()
    memory, early = figures.memory_mb, max(1, len(figures.memory_mb) // 10)
    print(f"owners               {figures.owners:,}")
    print(f"rows, all exact      {figures.rows:,}")
    print(f"requests             {figures.requests:,} in {figures.seconds:,.0f} s")
    print(f"faults, retries      {struck:,}, {figures.retries:,}")
    at_start, at_end = max(memory[:early]), memory[-1]
    print(f"memory in MB         {at_start:,.0f} at first, {at_end:,.0f} at last, {max(memory):,.0f} at most")
    print(f"left over            {left.tasks} tasks, {left.sockets} sockets, {left.threads} threads")
    small = Holdings.uniform(100, 12, 60, seed=SEED)
    with serve(indexer(small, 0.0, latency_s=0.002)) as url:
        pulls_in_a_row(url, small, 100)
        print(f"100 pulls in a row   exact; left over: {tuple(left_over(url))}")
        _print_interrupts("of a plain call", interrupts(url, small, 100, longest_s=0.6), url)
        nested = in_a_running_loop(lambda: interrupts(url, small, 100, longest_s=0.6, event_loop="nested"))
        _print_interrupts("of a nested call", nested, url)
    return not any(left)


def _print_interrupts(which, count, url):
    print(f"100 interrupts       {which}: {count.kept} with the rows kept, {count.bare} outside the pull,")
    print(f"                     {count.finished} too late; left over: {tuple(left_over(url))}")


if __name__ == "__main__":
    sys.exit(not main())
