"""Pacing, against simulated servers on a clock that only the simulation moves."""

from __future__ import annotations

import heapq
import math
import random
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from helius_frames._transport import rate_limit as _pace
from helius_frames._transport.rate_limit import PLANS, Budget, Turn, check_pace, shared_budget
from helius_frames.errors import InputError
from tests.support.clocks import FakeClock


class SlidingWindow:
    """Accepts `rate` requests in any one second."""

    def __init__(self, rate):
        self.rate = rate
        self.times = deque()

    def accepts(self, now):
        while self.times and self.times[0] <= now - 1.0:
            self.times.popleft()
        if len(self.times) >= self.rate:
            return False
        self.times.append(now)
        return True


class TokenBucket:
    def __init__(self, rate, capacity=None):
        self.rate = rate
        self.capacity = capacity or rate
        self.tokens = self.capacity
        self.at = None

    def accepts(self, now):
        since = 0.0 if self.at is None else now - self.at
        self.at = now
        self.tokens = min(self.capacity, self.tokens + since * self.rate)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Run:
    """What a simulated pull did."""

    done: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    start: float = 0.0

    @property
    def seconds(self):
        return self.done[-1] - self.start

    @property
    def refused_share(self):
        return len(self.refused) / len(self.sends)

    def per_second(self, start, stop):
        return sum(start <= at - self.start < stop for at in self.done) / (stop - start)


class Load(NamedTuple):
    """A pull: so many requests, so many at once."""

    requests: int = 400
    workers: int = 16
    budget: Budget | None = None


class Simulation:
    """Pulls against a server; every sleep ends up to `jitter` late, and replies vary as much."""

    def __init__(self, clock, server, loads, *, latency, retry_after, jitter, accident):
        self.clock, self.server, self.loads = clock, server, loads
        self.latency, self.retry_after, self.jitter, self.accident = latency, retry_after, jitter, accident
        self.dice = random.Random(1)
        self.runs = [Run(start=clock.now) for _ in loads]
        self.left = [load.requests for load in loads]
        self.events, self.order = [], iter(range(10**9))

    def run(self, until):
        for n, load in enumerate(self.loads):
            for _ in range(load.workers):
                self.begin(n)
        while self.events and self.clock.now - self.runs[0].start < until:
            when, _, action, args = heapq.heappop(self.events)
            self.clock.now = max(self.clock.now, when)
            action(*args)

    def later(self, delay, action, *args):
        heapq.heappush(self.events, (self.clock.now + delay, next(self.order), action, args))

    def late(self):
        return self.dice.uniform(0, self.jitter)

    def begin(self, n):
        if self.left[n]:
            self.left[n] -= 1
            self.ask(n, Turn())

    def ask(self, n, turn):
        wait = self.loads[n].budget.claim(turn)
        if wait > 0:
            self.later(wait + self.late(), self.ask, n, turn)
        else:
            self.runs[n].sends.append(self.clock.now)
            self.later(self.latency / 2 + self.late(), self.arrive, n, turn)

    def arrive(self, n, turn):
        is_accepted = self.dice.random() >= self.accident and self.server.accepts(self.clock.now)
        self.later(self.latency / 2, self.accept if is_accepted else self.refuse, n, turn)

    def accept(self, n, turn):
        self.loads[n].budget.accepted(turn)
        self.runs[n].done.append(self.clock.now)
        self.begin(n)

    def refuse(self, n, turn):
        self.loads[n].budget.refused(turn, self.retry_after)
        self.runs[n].refused.append(self.clock.now)
        self.ask(n, Turn())


def simulate(
    clock, server, *loads, latency=0.02, retry_after=None, jitter=0.002, accident=0.0, until=math.inf
):
    simulation = Simulation(
        clock, server, loads, latency=latency, retry_after=retry_after, jitter=jitter, accident=accident
    )
    simulation.run(until)
    return simulation.runs if len(loads) > 1 else simulation.runs[0]


def known(rate, clock=None):
    budget = Budget(clock or FakeClock(1000.0))
    budget.in_force = budget.at_most(rate)  # kept: a context manager that is dropped is left
    budget.in_force.__enter__()
    return budget


SERVERS = pytest.mark.parametrize("server", [SlidingWindow, TokenBucket])
LATENCIES = pytest.mark.parametrize("latency", [0.02, 0.2])


class TestKnownRate:
    @SERVERS
    @LATENCIES
    @pytest.mark.parametrize("rate", [2, 10, 50])
    def test_it_is_used_to_the_full_and_never_exceeded(self, server, latency, rate):
        clock = FakeClock(1000.0)
        run = simulate(clock, server(rate), Load(8 * rate, budget=known(rate, clock)), latency=latency)
        assert run.refused == []
        assert run.seconds <= 8 * 1.03 + latency

    def test_it_is_used_from_the_first_second_to_the_last(self):
        clock = FakeClock(1000.0)
        run = simulate(clock, SlidingWindow(50), Load(400, budget=known(50, clock)))
        for second in range(8):
            assert run.per_second(second + 0.02, second + 1.02) >= 0.95 * 50

    def test_there_is_no_burst_at_the_start(self):
        clock = FakeClock(1000.0)
        run = simulate(clock, SlidingWindow(50), Load(16, budget=known(50, clock)))
        gaps = [after - before for before, after in zip(run.sends, run.sends[1:], strict=False)]
        assert min(gaps) > 0.015

    @SERVERS
    def test_pulls_that_share_a_key_share_its_rate(self, server):
        clock = FakeClock(1000.0)
        budget = known(50, clock)
        runs = simulate(clock, server(50), *[Load(130, 8, budget)] * 3)
        assert not any(run.refused for run in runs)
        assert max(run.seconds for run in runs) <= 1.05 * 3 * 130 / 50

    def test_a_second_pull_right_after_the_first_does_not_burst(self):
        clock = FakeClock(1000.0)
        budget, server = known(50, clock), SlidingWindow(50)
        simulate(clock, server, Load(60, budget=budget))
        assert simulate(clock, server, Load(60, budget=budget)).refused == []

    def test_the_lowest_rate_in_force_holds(self):
        budget = Budget(FakeClock(1000.0))
        with budget.at_most(50):
            assert budget.rate == 50
            with budget.at_most(2), budget.at_most(10):
                assert budget.rate == 2
            assert budget.rate == 50
        assert budget.rate is None

    def test_two_pulls_at_the_same_rate_leave_one_by_one(self):
        budget = Budget(FakeClock(1000.0))
        with budget.at_most(10):
            with budget.at_most(10):
                pass
            assert budget.rate == 10

    def test_a_slow_pull_that_ends_does_not_hold_up_those_waiting(self):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        with budget.at_most(50):
            with budget.at_most(0.1):
                turns = [Turn() for _ in range(4)]
                assert [budget.claim(turn) for turn in turns] == [
                    0.0,
                    1.0,
                    1.0,
                    1.0,
                ]  # asked again each second
            clock.now += 1.0
            assert [budget.claim(turn) for turn in turns[1:]] == [
                0.0,
                pytest.approx(0.02, rel=0.1),
                pytest.approx(0.04, rel=0.1),
            ]

    @pytest.mark.parametrize("stall", [0.07, 0.3])
    def test_tasks_that_wake_late_together_do_not_overflow_a_window(self, stall):
        clock = FakeClock(1000.0)
        server, budget = SlidingWindow(50), known(50, clock)
        due = [(clock.now, n, Turn()) for n in range(200)]
        while due:
            clock.now, n, turn = heapq.heappop(due)
            wait = budget.claim(turn)
            if wait > 0:  # the busy loop looks at its timers only now and then
                heapq.heappush(due, (math.ceil((clock.now + wait) / stall) * stall, n, turn))
            else:
                assert server.accepts(clock.now)
        assert clock.now < 1000 + 200 / 50 * 1.2 + stall

    @SERVERS
    def test_an_uneven_network_costs_few_refusals(self, server):
        clock = FakeClock(1000.0)
        run = simulate(clock, server(50), Load(2000, budget=known(50, clock)), jitter=0.03)
        assert run.refused_share < 0.01
        assert run.seconds <= 1.06 * 40

    @SERVERS
    def test_a_plan_that_is_not_the_keys_is_found_out(self, server):
        clock = FakeClock(1000.0)
        run = simulate(clock, server(2), Load(40, budget=known(100, clock)), retry_after=1.0)
        assert len(run.refused) < 8
        assert run.seconds < 1.1 * 20


class TestUnknownRate:
    @SERVERS
    @LATENCIES
    @pytest.mark.parametrize("retry_after", [None, 1.0])
    def test_it_is_found_from_the_first_refusals(self, server, latency, retry_after):
        clock = FakeClock(1000.0)
        run = simulate(
            clock, server(50), Load(400, budget=Budget(clock)), latency=latency, retry_after=retry_after
        )
        assert run.seconds <= 1.2 * 8
        assert len(run.refused) <= 20

    @SERVERS
    @pytest.mark.parametrize("rate", [2, 10])
    def test_a_low_one_too(self, server, rate):
        clock = FakeClock(1000.0)
        run = simulate(clock, server(rate), Load(20 * rate, budget=Budget(clock)))
        assert run.seconds <= 1.15 * 20

    @SERVERS
    def test_it_stays_near_it_for_long(self, server):
        clock = FakeClock(1000.0)
        run = simulate(clock, server(50), Load(10_000, budget=Budget(clock)), retry_after=1.0)
        assert run.seconds <= 1.08 * 200
        assert run.refused_share < 0.01

    def test_a_small_burst_is_not_taken_for_the_rate_for_ever(self):
        clock = FakeClock(1000.0)
        run = simulate(clock, TokenBucket(50, capacity=5), Load(3000, budget=Budget(clock)))
        assert run.per_second(40, 60) > 40

    def test_full_speed_until_a_refusal(self):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        assert [budget.claim(Turn()) for _ in range(1000)] == [0.0] * 1000
        assert budget.rate is None
        assert not budget.rate_binds()

    def test_accidents_do_not_slow_a_server_without_a_limit(self):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        run = simulate(clock, TokenBucket(10**6), Load(8000, budget=budget), accident=0.005)
        assert len(run.refused) > 10
        assert budget.rate is None
        assert run.seconds < 1.5 * 8000 * 0.022 / 16

    def test_a_rate_cut_by_a_neighbour_is_followed_and_found_again(self):
        clock = FakeClock(1000.0)
        server = TokenBucket(50)
        budget = Budget(clock)
        simulate(clock, server, Load(10**6, budget=budget), until=8)
        server.rate = server.capacity = 20
        simulate(clock, server, Load(10**6, budget=budget), until=10)
        assert 15 <= budget.rate <= 25
        server.rate = server.capacity = 50
        run = simulate(clock, server, Load(10**6, budget=budget), until=60)
        assert run.per_second(50, 60) > 40


class TestRefusals:
    def test_one_refusal_holds_everybody_back(self):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        turns = [Turn() for _ in range(3)]
        assert [budget.claim(turn) for turn in turns] == [0.0, 0.0, 0.0]
        budget.refused(turns[0], retry_after_s=0.5)
        assert budget.claim(Turn()) == pytest.approx(1.0)  # nothing was ever accepted: at least a second
        assert budget.rate_binds()
        clock.now += 1.01
        assert budget.claim(Turn()) == 0.0

    @pytest.mark.parametrize(
        ("asked", "waited"), [(7.0, 7.0), (119.0, 119.0), (500.0, 120.0), (0.0, 1.0), (None, 1.0)]
    )
    def test_retry_after_is_obeyed_up_to_two_minutes(self, asked, waited):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        turn = Turn()
        budget.claim(turn)
        budget.refused(turn, asked)
        start, late = clock.now, Turn()
        while (wait := budget.claim(late)) > 0:
            clock.now += wait
        assert clock.now - start == pytest.approx(waited)

    def test_pauses_grow_while_nothing_is_accepted(self):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        pauses = []
        for _ in range(5):
            turn, start = Turn(), clock.now
            while (wait := budget.claim(turn)) > 0:
                clock.now += wait
            pauses.append(clock.now - start)
            clock.now += 0.01
            budget.refused(turn)
        assert pauses == pytest.approx([0.0, 1.0, 2.0, 4.0, 8.0], abs=0.05)

    def test_refusals_of_one_burst_count_as_one(self):
        clock = FakeClock(1000.0)
        budget = Budget(clock)
        turns = [Turn() for _ in range(10)]
        for turn in turns:
            budget.claim(turn)
        clock.now += 0.02
        for turn in turns:
            budget.refused(turn)
        assert budget.claim(Turn()) == pytest.approx(1.0)
        clock.now += 1.01
        budget.claim(Turn())
        assert budget.rate == 1.0


class TestTurns:
    def test_a_turn_given_back_is_taken_by_the_next(self):
        clock = FakeClock(1000.0)
        budget = known(10, clock)
        turns = [Turn() for _ in range(4)]
        waits = [budget.claim(turn) for turn in turns]
        budget.give_back(turns[1])
        assert budget.claim(Turn()) == waits[1]

    def test_turns_given_back_by_an_interrupt_leave_nothing_to_wait_for(self):
        clock = FakeClock(1000.0)
        budget = known(2, clock)
        turns = [Turn() for _ in range(16)]
        for turn in turns:
            budget.claim(turn)
        for turn in turns[1:]:
            budget.give_back(turn)
        assert budget.claim(Turn()) <= 0.52

    def test_the_rate_binds_when_a_request_would_have_to_wait(self):
        clock = FakeClock(1000.0)
        budget = known(50, clock)
        assert not budget.rate_binds()
        budget.claim(Turn())
        assert not budget.rate_binds()  # one walker alone leaves a slot behind at each request
        budget.claim(Turn())
        assert budget.rate_binds()
        clock.now += 0.08  # the reply took longer than the spacing: latency is the limit
        assert not budget.rate_binds()

    def test_threads_get_different_turns(self):
        budget = known(1000, FakeClock(1000.0))
        turns = [Turn() for _ in range(400)]

        def claim(part):
            for turn in part:
                budget.claim(turn)

        threads = [threading.Thread(target=claim, args=(turns[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        slots = sorted(turn.slot for turn in turns)
        assert len(set(slots)) == 400
        assert slots[-1] - slots[0] == pytest.approx(399 * 1.02 / 1000)


class TestSharing:
    def test_one_budget_per_host_and_key(self):
        assert shared_budget(("host:1", "a")) is shared_budget(("host:1", "a"))
        assert shared_budget(("host:1", "a")) is not shared_budget(("host:1", "b"))
        assert shared_budget(("host:1", "a")) is not shared_budget(("host:2", "a"))

    def test_a_forked_child_starts_anew(self):
        before = shared_budget(("host:1", "a"))
        _pace._lock.acquire()
        _pace._start_anew()
        assert shared_budget(("host:1", "a")) is not before


class TestCheckPace:
    def test_a_plan_stands_for_its_rate(self):
        assert {plan: check_pace(plan, None) for plan in PLANS} == {
            "free": 2.0, "developer": 10.0, "business": 50.0, "professional": 100.0,
        }  # fmt: skip

    def test_a_number_overrides_the_plan(self):
        assert check_pace("free", 25) == 25.0
        assert check_pace(None, 0.5) == 0.5
        assert check_pace(None, None) is None

    @pytest.mark.parametrize("bad", [0, -1, math.inf, math.nan, True, "10", [1]])
    def test_what_is_no_rate_is_refused(self, bad):
        with pytest.raises(InputError, match="requests_per_second"):
            check_pace(None, bad)

    def test_an_unknown_plan_lists_the_choices(self):
        with pytest.raises(InputError, match=r"'gold'.*free, developer, business, professional"):
            check_pace("gold", None)
