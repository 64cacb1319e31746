"""Variants of one case, run in turn, and what each run took."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from tests.bench import bare
from tests.bench.checking import wrong_balances
from tests.bench.world import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from helius_frames._protocol.balances import Page
    from helius_frames.demo import Holdings
    from tests.bench.world import Counts, World

    Found = pd.DataFrame | list[bytes] | list[Page]


class Variant(NamedTuple):
    """One way to read the same rows."""

    name: str
    read: Callable[[str, Sequence[str]], Found]  # of a URL, these owners
    setting: Callable[[], AbstractContextManager[object]] = nullcontext


class Reading(NamedTuple):
    """What one run took; ``wrong`` counts the balances that are not exact."""

    rows: int
    wall_s: float
    cpu_s: float
    requests: int
    refused: int
    server_cpu_s: float
    wrong: int

    @property
    def cpu_per_row_us(self) -> float:
        return 1e6 * self.cpu_s / max(self.rows, 1)

    @property
    def cpu_per_request_us(self) -> float:
        return 1e6 * self.cpu_s / max(self.requests, 1)

    @property
    def refused_share(self) -> float:
        return self.refused / max(self.requests, 1)

    @property
    def server_busy(self) -> float:
        return self.server_cpu_s / self.wall_s


class Readings(NamedTuple):
    """All runs of one variant."""

    name: str
    runs: list[Reading]

    def median(self, field: str) -> float:
        return statistics.median(getattr(run, field) for run in self.runs)


def read_in_turn(
    world: World,
    variants: Sequence[Variant],
    rounds: int,
    *,
    mints: Sequence[str] | None = None,
    pause_s: float = 0.0,
) -> list[Readings]:
    """Run every variant in every round, in an order that turns, and check what each read."""
    of_each = [Readings(variant.name, []) for variant in variants]
    holdings = world.table.holdings()
    with Server(world) as server:
        for turn in range(rounds):
            for place in _turned(len(variants), turn):
                tell(f"  round {turn + 1} of {rounds}: {variants[place].name}")
                time.sleep(pause_s)
                of_each[place].runs.append(_run(variants[place], server, holdings, mints))
    return of_each


def _run(variant: Variant, server: Server, holdings: Holdings, mints: Sequence[str] | None) -> Reading:
    gc.collect()
    with variant.setting():
        before, wall, cpu = server.counts(), time.perf_counter(), time.process_time()
        found = variant.read(server.url, holdings.owners)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    done = server.counts().since(before)
    frame = _as_frame(found, holdings)
    return _reading(len(frame), wall, cpu, done, wrong_balances(frame, holdings, mints))


def _reading(rows: int, wall_s: float, cpu_s: float, done: Counts, wrong: int) -> Reading:
    return Reading(rows, wall_s, cpu_s, done.requests, done.refused, done.cpu_s, wrong)


def _as_frame(found: Found, holdings: Holdings) -> pd.DataFrame:
    if isinstance(found, pd.DataFrame):
        return found
    make = bare.frame_of_bodies if isinstance(found[0], bytes) else bare.frame_of_pages
    return make(found, holdings.owners)


def _turned(length: int, by: int) -> list[int]:
    return [(place + by) % length for place in range(length)]


def tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
