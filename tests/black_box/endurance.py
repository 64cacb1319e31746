"""A long pull through faults, a hundred pulls in a row, and a hundred interrupts at random moments.

``python -m tests.black_box.endurance`` prints the figures; `test_endurance` does the same in small.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
import psutil

from helius_frames import read_helius_balances
from helius_frames.demo import Holdings
from tests.black_box.interrupt_scenarios import SMALL, accept_interrupts, in_a_running_loop, interrupts
from tests.fault_server import FaultRule, FaultyIndexer, serve
from tests.support.frames import rows_held, rows_of
from tests.support.library_loop import left_over

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
_KEPT_MIN = 50  # of a hundred interrupts; where fewer meet a pull, nothing was shown
SEED = 7
MB = 2**20


def indexer(holdings, share=SHARE, **options):
    """Return an indexer with faults in a share of all reads, which pass."""
    faults = [FaultRule(name, p=share / len(PASSING), times=3) for name in PASSING]
    return FaultyIndexer(holdings, faults=faults, seed=SEED, **options)


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


def _serve_apart(connection, holdings, share):
    app = indexer(holdings, share)
    with serve(app) as url:
        connection.send(url)
        connection.recv()
        connection.send(sum(app.injected.values()))


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
    """Run all three, print what they came to, and tell whether nothing is left and interrupts met pulls."""
    accept_interrupts()
    holdings = Holdings.uniform(100_000, 4, 2_000, seed=SEED)
    with served_apart(holdings) as (url, stop):
        figures = long_pull(url, holdings)
        left, injected = left_over(url), stop()
    memory, early = figures.memory_mb, max(1, len(figures.memory_mb) // 10)
    print(f"owners               {figures.owners:,}")
    print(f"rows, all exact      {figures.rows:,}")
    print(f"requests             {figures.requests:,} in {figures.seconds:,.0f} s")
    print(f"faults, retries      {injected:,}, {figures.retries:,}")
    at_start, at_end = max(memory[:early]), memory[-1]
    print(f"memory in MB         {at_start:,.0f} at first, {at_end:,.0f} at last, {max(memory):,.0f} at most")
    print(f"left over            {left.tasks} tasks, {left.sockets} sockets, {left.threads} threads")
    with serve(indexer(SMALL, 0.0, latency_s=0.01)) as url:
        pulls_in_a_row(url, SMALL, 100)
        print(f"100 pulls in a row   exact; left over: {tuple(left_over(url))}")
        plain = interrupts(url, SMALL, 100, longest_s=0.3)
        _print_interrupts("of a plain call", plain, url)
        nested = in_a_running_loop(lambda: interrupts(url, SMALL, 100, longest_s=0.3, event_loop="nested"))
        _print_interrupts("of a nested call", nested, url)
    return not any(left) and min(plain.kept, nested.kept) > _KEPT_MIN


def _print_interrupts(which, count, url):
    print(f"100 interrupts       {which}: {count.kept} with the rows kept, {count.bare} outside the pull,")
    print(f"                     {count.finished} too late; left over: {tuple(left_over(url))}")


if __name__ == "__main__":
    sys.exit(not main())
