"""The cases of the rate table: each limiter, rate and Retry-After, and what happens in the middle."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from helius_frames.demo.limits import FixedWindow, InFlight, Limiter, SlidingWindow, TokenBucket
from tests.support.rate_simulator import Client, Clock, RetryAfter, Run, World, ideal, simulate

RATES = (1, 10, 50, 200, 500)
CHANGE_AT_S = 8.0


@dataclass(frozen=True)
class Case:
    """One cell of the table."""

    limiter: str
    rate: float
    retry_after: RetryAfter = "absent"
    event: str = ""
    latency_s: float = 0.02
    clients: int = 1

    @property
    def name(self) -> str:
        extra = "".join(
            f" {text}"
            for text in (self.event, f"{self.latency_s * 1000:g} ms" if self.latency_s != 0.02 else "")
            if text
        )
        return f"{self.limiter} {self.rate:g}/s, Retry-After {self.retry_after}{extra}"

    @property
    def window_s(self) -> float:
        return float(self.limiter.split()[1]) if self.limiter.split()[0] in {"fixed", "sliding"} else 0.0

    @property
    def seconds(self) -> float:
        """How long the pull is, for who knows the limiter: 20 s or three windows, and what an event needs."""
        return max(20.0, 3 * self.window_s)

    @property
    def workers(self) -> int:
        """16, and 64 where a request's latency needs more in flight."""
        doubled = 2 if "doubled" in self.event else 1
        return 16 if self.rate * doubled * self.latency_s <= 12 else 64

    def make_limiter(self, dice: random.Random) -> Limiter:
        kind, *rest = self.limiter.split()
        if kind == "bucket":
            return TokenBucket(self.rate, float(rest[0]))
        if kind == "fixed":
            window = float(rest[0])
            return FixedWindow(round(self.rate * window), window, offset=dice.uniform(0, window))
        if kind == "sliding":
            return SlidingWindow(round(self.rate * float(rest[0])), float(rest[0]))
        return InFlight(int(rest[0]))

    def world(self, seed: int) -> World:
        world = World(self.make_limiter(random.Random(seed)), self.latency_s, retry_after=self.retry_after)
        what, *rest = self.event.split()[:2] or [""]
        if what == "storm":
            world.storms.append((CHANGE_AT_S, CHANGE_AT_S + float(rest[0])))
        if what == "first-storm":
            world.storms.append((0.0, float(rest[0])))
        if what in {"doubled", "halved"}:
            world.changes.append((CHANGE_AT_S, _scale(2.0 if what == "doubled" else 0.5)))
        return world

    @property
    def requests(self) -> int:
        kind, *rest = self.limiter.split()
        if kind == "in-flight":
            return round(20 * self.rate)
        scale = {"doubled": 1.6, "halved": 0.7}.get(self.event.split()[0] if self.event else "", 1.0)
        ahead = float(rest[0]) if kind == "bucket" else self.rate * self.window_s / 2
        return math.ceil(self.rate * self.seconds * scale + ahead)


def _scale(factor: float) -> Callable[[Limiter], None]:
    def change(limiter: Any) -> None:
        if isinstance(limiter, TokenBucket):
            limiter.rate *= factor
        else:
            limiter.limit = max(1, round(limiter.limit * factor))

    return change


@dataclass(frozen=True)
class Result:
    """What came of a case: medians over the seeds."""

    case: Case
    ratio: float
    refused: float
    recovery_s: float | None
    bar: float = 0.05

    @property
    def misses(self) -> list[str]:
        found = []
        if self.ratio > 1.25:
            found.append(f"{self.ratio:.2f} x ideal")
        if self.refused > (0.10 if self.case.window_s == 60 else 0.05):
            found.append(f"{self.refused:.1%} refused")
        if self.recovery_s is not None and self.recovery_s > max(5.0, self.case.window_s):
            found.append(f"{self.recovery_s:.1f} s to recover")
        return found


Law = tuple[Callable[[Clock], Any], Callable[[], Any]]


def measure(case: Case, law: Law, seeds: int = 5) -> Result:
    """Run a case with each seed."""
    ones = [_measure(case, law, seed) for seed in range(1, seeds + 1)]
    recoveries = [one[2] for one in ones if one[2] is not None]
    return Result(
        case,
        statistics.median(one[0] for one in ones),
        statistics.median(one[1] for one in ones),
        statistics.median(recoveries) if recoveries else None,
    )


def play(case: Case, law: Law, seed: int) -> list[Run]:
    make, permit = law
    clock = Clock()
    share = math.ceil(case.requests / case.clients)
    clients = [Client(make(clock), permit, share, case.workers) for _ in range(case.clients)]
    return simulate(clock, case.world(seed), clients, seed=seed, until=20 * case.seconds + 100)


def _measure(case: Case, law: Law, seed: int) -> tuple[float, float, float | None]:
    runs = play(case, law, seed)
    best = ideal(case.world(seed), case.requests, case.workers)
    done = sum(len(run.done) for run in runs)
    seconds = max(run.seconds for run in runs)
    if done < case.requests:  # cut off
        seconds = math.inf
    merged = Run(
        done=sorted(at for run in runs for at in run.done),
        refused=sorted(at for run in runs for at in run.refused),
        sends=sorted(at for run in runs for at in run.sends),
    )
    return seconds / best, merged.refused_after(1.0), _recovery(case, merged)


def _recovery(case: Case, run: Run) -> float | None:
    what, *rest = case.event.split()[:2] or [""]
    if what == "storm":
        return run.recovered_after(CHANGE_AT_S + float(rest[0]), case.rate)
    if what == "first-storm":
        return run.recovered_after(float(rest[0]), case.rate)
    if what in {"doubled", "halved"}:
        return run.recovered_after(CHANGE_AT_S, case.rate * (2 if what == "doubled" else 0.5))
    return None


def cases() -> Iterator[Case]:
    """Every case of the table."""
    for retry_after in ("absent", "down", "up"):
        yield from _limiters(retry_after)
        yield from _events(retry_after)
    for limit in (2, 4, 8):
        yield Case(f"in-flight {limit}", limit / 0.02)
        yield Case(f"in-flight {limit}", limit / 0.1, latency_s=0.1)
    far = ("bucket 5", "bucket 20", "bucket 200", "fixed 1", "sliding 10")
    for rate, limiter in product((10, 50, 200, 500), far):
        yield Case(limiter, rate, "up", latency_s=0.1)


def _limiters(retry_after: RetryAfter) -> Iterator[Case]:
    lengths = (1, 10) if retry_after == "absent" else (1, 10, 60)
    kinds = [f"bucket {burst}" for burst in (1, 5, 20, 200)]
    kinds += [f"{kind} {length}" for kind in ("fixed", "sliding") for length in lengths]
    for rate, limiter in product(RATES, kinds):
        yield Case(limiter, rate, retry_after)
    for limiter in ("bucket 1", "bucket 2", "bucket 5", "fixed 1", "sliding 1"):  # Helius's free plan
        yield Case(limiter, 2, retry_after)


def _events(retry_after: RetryAfter) -> Iterator[Case]:
    rates = (10, 50, 200, 500)
    for rate, limiter in product(rates, ("bucket 5", "bucket 20", "sliding 1")):
        yield Case(limiter, rate, retry_after, "doubled")
        yield Case(limiter, rate, retry_after, "halved")
    for rate, limiter, length in product(rates, ("bucket 5", "sliding 1"), (1, 2, 5, 10, 30)):
        yield Case(limiter, rate, retry_after, f"storm {length} s")
    for rate, length in product(rates, (2, 10)):
        yield Case("bucket 5", rate, retry_after, f"first-storm {length} s")
    for rate, limiter in product((10, 50, 200), ("bucket 5", "bucket 20", "fixed 1", "sliding 1")):
        yield Case(limiter, rate, retry_after, "two processes", clients=2)
