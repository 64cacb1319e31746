"""What a pull takes that knows nothing about the limiter, against one that knows it: a part of the table.

`python -m tests.bench.rates` prints the whole of it.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from helius_frames._transport.rate_limit import Permit, RateLimiter
from helius_frames.demo.limits import FixedWindow, SlidingWindow, TokenBucket
from tests.support.rate_cases import Case, cases, measure, play
from tests.support.rate_simulator import START, Client, Clock, World, simulate

LAW = (RateLimiter, Permit)


def by_name(case):
    return case.name


BUCKETS = [Case(f"bucket {burst}", rate, "absent") for burst in (1, 5, 20, 200) for rate in (50, 200)]
WINDOWS = [Case(f"{kind} {s}", 50, "absent") for kind in ("fixed", "sliding") for s in (1,)]
ROUNDED = [
    Case(limiter, 50, to)
    for limiter in ("bucket 1", "bucket 20", "fixed 1", "sliding 1")
    for to in ("down", "up")
]
LONG = [Case(f"{kind} 60", 10, to) for kind in ("fixed", "sliding") for to in ("down", "up")]


@pytest.mark.parametrize("case", BUCKETS + WINDOWS + ROUNDED + LONG, ids=by_name)
def test_any_limiter_is_found(case):
    result = measure(case, LAW, seeds=1)
    assert result.ratio <= 1.25
    assert result.refused <= (0.10 if case.window_s == 60 else 0.05)


@pytest.mark.parametrize("limit", [2, 8])
def test_a_limit_on_requests_in_flight_is_found(limit):
    result = measure(Case(f"in-flight {limit}", limit / 0.02), LAW, seeds=1)
    assert result.ratio <= 1.25
    assert result.refused <= 0.05


@pytest.mark.parametrize("seconds", [1, 5, 30])
@pytest.mark.parametrize("limiter", ["bucket 5", "sliding 1"])
def test_any_storm_is_survived(limiter, seconds):
    result = measure(Case(limiter, 50, "absent", f"storm {seconds} s"), LAW, seeds=1)
    assert result.ratio <= 1.25
    assert result.refused <= 0.05
    assert result.recovery_s <= 5


def test_a_storm_at_the_start_is_survived():
    result = measure(Case("bucket 5", 50, "absent", "first-storm 2 s"), LAW, seeds=1)
    assert result.ratio <= 1.25
    assert result.recovery_s <= 5


@pytest.mark.parametrize("limiter", ["bucket 5", "bucket 20", "sliding 1"])
def test_a_doubled_limit_is_used_within_five_seconds(limiter):
    result = measure(Case(limiter, 50, "absent", "doubled"), LAW, seeds=1)
    assert result.ratio <= 1.25
    assert result.recovery_s <= 5


def test_a_halved_limit_is_followed():
    result = measure(Case("bucket 20", 50, "absent", "halved"), LAW, seeds=1)
    assert result.ratio <= 1.25


@pytest.mark.parametrize("limiter", ["bucket 5", "fixed 1"])
def test_two_processes_share_a_key(limiter):
    case = Case(limiter, 200, "absent", "two processes", clients=2)
    assert measure(case, LAW, seeds=1).ratio <= 1.25
    assert all(len(run.done) >= case.requests // 2 for run in play(case, LAW, 1))


@pytest.mark.parametrize(
    "server",
    [TokenBucket(50, 5), TokenBucket(50, 50), FixedWindow(50), SlidingWindow(50)],
    ids=lambda s: type(s).__name__,
)
def test_a_second_pull_starts_at_the_rate_found_without_a_burst(server):
    clock = Clock()
    limiter = RateLimiter(clock)
    simulate(clock, World(server), [Client(limiter, Permit, 1000)])
    clock.now += 7.0
    began = clock.now - START
    (run,) = simulate(clock, World(server), [Client(limiter, Permit, 200)])
    first = [at for at in run.sends if at < 1.0]
    assert began > 19
    assert 38 <= len(first) <= 60
    assert min(after - before for before, after in pairwise(first)) > 0.005


def test_the_same_seed_is_the_same_pull():
    case = Case("bucket 5", 50, "up")
    assert play(case, LAW, 3)[0] == play(case, LAW, 3)[0]


@pytest.mark.slow
def test_the_whole_table_has_few_misses():
    results = [measure(case, LAW, seeds=1) for case in cases() if case.rate >= 50]
    assert sum(bool(result.misses) for result in results) <= 0.12 * len(results)
