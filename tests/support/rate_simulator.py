"""Pulls against simulated rate limiters, on a clock that only the simulation moves.

A `World` is one server and what happens to it; `simulate` lets clients pull from it. The clients do what the
real one does: each worker claims, waits (and asks again after a second at most), sends, and hands back what
came of it; a refused request is sent again. `ideal` is what a client would need that knew the limiter.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from helius_frames.demo.limits import InFlight, Limiter, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable

RetryAfter = Literal["absent", "down", "up"]
START = 1000.0
RECHECK_S = 1.0
IN_SERVICE = 0.8  # share of the latency for which a request takes up a place of a limiter of those in flight


class Clock:
    """Time, where somebody moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """A server with its limiter, the way to it, and what happens in the middle of a pull."""

    limiter: Limiter
    latency_s: float = 0.02
    jitter: float = 0.1  # of the latency, either way
    late_s: float = 0.001  # a sleep ends up to so much later
    retry_after: RetryAfter = "absent"
    storms: list[tuple[float, float]] = field(default_factory=list)  # from, to: all is refused
    changes: list[tuple[float, Callable[[Limiter], None]]] = field(default_factory=list)
    accident: float = 0.0  # share of requests refused for no reason

    def answer(self, since_start: float, dice: random.Random) -> tuple[bool, float | None]:
        """Whether a request passes, and what the reply says of Retry-After."""
        while self.changes and self.changes[0][0] <= since_start:
            self.changes.pop(0)[1](self.limiter)
        if any(start <= since_start < stop for start, stop in self.storms):
            return False, {"absent": None, "down": 0.0, "up": 1.0}[self.retry_after]
        if self.accident and dice.random() < self.accident:
            return False, None
        wait = self.limiter.allow(START + since_start)
        if wait is None:
            return True, None
        if self.retry_after == "absent":
            return False, None
        return False, float(math.floor(wait) if self.retry_after == "down" else math.ceil(wait))


@dataclass
class Run:
    """What one client's pull did; times in seconds since the start of the simulation."""

    done: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.done[-1] if self.done else math.inf

    def refused_after(self, second: float = 1.0) -> float:
        """Share of the requests sent after a second that were refused."""
        refused = sum(at > second for at in self.refused)
        return refused / max(1, refused + sum(at > second for at in self.done))

    def recovered_after(self, moment: float, rate: float, *, share: float = 0.85) -> float:
        """Seconds from a moment to the first span in which the accepted requests are at the rate again."""
        count = max(4, math.ceil(share * rate))
        done = [at for at in self.done if at >= moment]
        for first, last in zip(done, done[count:], strict=False):
            if count / (last - first) >= share * rate:
                return first - moment
        return math.inf


class Client:
    """So many workers of one process, with its rate limiter and the requests that are left to do."""

    def __init__(self, limiter: Any, permit: Callable[[], Any], requests: int, workers: int = 16) -> None:
        self.limiter, self.permit, self.left, self.workers = limiter, permit, requests, workers
        self.run = Run()


class Simulation:
    """Events in their order."""

    def __init__(self, clock: Clock, world: World, clients: list[Client], seed: int) -> None:
        self.clock, self.world, self.clients = clock, world, clients
        self.dice = random.Random(seed)
        self.start = clock.now
        self.events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.order = 0

    def play(self, until: float) -> None:
        for client in self.clients:
            for _ in range(client.workers):
                self.begin(client)
        clock, events, end = self.clock, self.events, self.start + until
        while events:
            at, _, action, args = heapq.heappop(events)
            if at > end:
                break
            clock.now = at
            action(*args)

    def later(self, delay: float, action: Callable[..., None], *args: Any) -> None:
        self.order += 1
        heapq.heappush(self.events, (self.clock.now + delay, self.order, action, args))

    def one_way(self) -> float:
        return self.world.latency_s / 2 * (1 + self.world.jitter * self.dice.uniform(-1, 1))

    def begin(self, client: Client) -> None:
        if client.left > 0:
            client.left -= 1
            self.ask(client, client.permit())

    def ask(self, client: Client, permit: Any) -> None:
        wait = client.limiter.claim(permit)
        if wait > 0:
            self.later(
                min(wait, RECHECK_S) + self.dice.uniform(0, self.world.late_s), self.ask, client, permit
            )
        else:
            client.run.sends.append(self.clock.now - self.start)
            share = 1 - IN_SERVICE if isinstance(self.world.limiter, InFlight) else 1.0
            self.later(self.one_way() * share, self.arrive, client, permit)

    def arrive(self, client: Client, permit: Any) -> None:
        passed, retry_after = self.world.answer(self.clock.now - START, self.dice)
        if passed and isinstance(self.world.limiter, InFlight):
            self.later(2 * self.one_way() * IN_SERVICE, self.leave, client, permit)
        elif passed:
            self.later(self.one_way(), self.accept, client, permit)
        else:
            self.later(self.one_way(), self.refuse, client, permit, retry_after)

    def leave(self, client: Client, permit: Any) -> None:
        self.world.limiter.done()
        self.later(self.one_way() * (1 - IN_SERVICE), self.accept, client, permit)

    def accept(self, client: Client, permit: Any) -> None:
        client.limiter.accepted(permit)
        client.run.done.append(self.clock.now - self.start)
        self.begin(client)

    def refuse(self, client: Client, permit: Any, retry_after: float | None) -> None:
        client.limiter.refused(permit, retry_after)
        client.run.refused.append(self.clock.now - self.start)
        self.ask(client, client.permit())


def simulate(
    clock: Clock, world: World, clients: list[Client], *, seed: int = 1, until: float = 3000.0
) -> list[Run]:
    """Play until all is done, or for so many seconds."""
    Simulation(clock, world, clients, seed).play(until)
    return [client.run for client in clients]


def ideal(world: World, requests: int, workers: int = 16) -> float:
    """Seconds that a client needs which knows the limiter and all that will happen.

    It is greedy: it sends as fast as its workers can, and each request that would be refused at the very
    moment at which it passes. So a bucket's burst comes first, then its rate; and a window is used up as soon
    as it opens. Of a limit on requests in flight it keeps so many in flight. A bucket that is smaller than
    the jitter of the network, counted in requests, cannot be used to the full by anybody: see `even_share`.
    """
    gap = world.latency_s / workers
    if isinstance(world.limiter, InFlight):
        return requests * world.latency_s / min(workers, world.limiter.limit) + world.latency_s
    now = START
    for _ in range(requests):
        now += gap
        while True:
            for start, stop in world.storms:
                if START + start <= now < START + stop:
                    now = START + stop
            while world.changes and START + world.changes[0][0] <= now:
                world.changes.pop(0)[1](world.limiter)
            wait = world.limiter.allow(now)
            if wait is None:
                break
            target = now + wait + 1e-9
            if world.changes:
                target = min(target, START + world.changes[0][0] + 1e-9)
            now = target
    share = 1.0
    if isinstance(world.limiter, TokenBucket):
        share = even_share(
            world.limiter.rate, world.limiter.burst, world.latency_s * world.jitter / 2 + world.late_s
        )
    return (now - START) / share + world.latency_s


def even_share(rate: float, burst: float, jitter_s: float) -> float:
    """Share of a bucket's rate that an even pace can use with at most 2 % refused, given the jitter.

    Requests that leave every 1/q seconds arrive up to `jitter_s` earlier or later than that, and a bucket
    of one token refuses each that comes too close behind another.
    """
    key = (rate, burst, round(jitter_s, 6))
    if key not in _SHARES:
        _SHARES[key] = _even_share(rate, burst, jitter_s)
    return _SHARES[key]


_SHARES: dict[tuple[float, float, float], float] = {}


def _even_share(rate: float, burst: float, jitter_s: float) -> float:
    count, best = 2000, 0.0
    for percent in range(100, 40, -2):
        dice, bucket = random.Random(1), TokenBucket(rate, burst)
        gap = 100 / percent / rate
        arrivals = sorted(n * gap + dice.uniform(-jitter_s, jitter_s) for n in range(count))
        accepted = sum(bucket.allow(START + at) is None for at in arrivals)
        if accepted >= 0.98 * count:
            best = accepted / (count * gap) / rate
            break
    return min(1.0, best or 0.4)
