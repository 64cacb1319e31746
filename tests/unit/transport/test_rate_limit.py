"""The rate limiter and its parts, each on a clock that only the test moves."""

from __future__ import annotations

import heapq
import math
import threading

import pytest

from helius_frames._transport import rate_limit
from helius_frames._transport.rate_limit import PLANS, Permit, RateLimiter, shared_limiter
from helius_frames._transport.rate_limit._estimator import Estimator
from helius_frames._transport.rate_limit._pause import Pause
from helius_frames._transport.rate_limit._timetable import Timetable
from helius_frames.demo.limits import FixedWindow, InFlight, SlidingWindow, TokenBucket
from tests.support.rate_simulator import START, Client, Clock, World, ideal, simulate

NO_RATE = math.inf


def sent(at):
    permit = Permit()
    permit.sent_at = at
    return permit


def given(rate, clock):
    limiter = RateLimiter(clock)
    limiter.in_force = limiter.at_most(rate)  # kept: a context manager that is dropped is left
    limiter.in_force.__enter__()
    return limiter


def pull(limiter, clock, server, requests, *, workers=16, **world):
    (run,) = simulate(clock, World(server, **world), [Client(limiter, Permit, requests, workers)])
    return run


class TestTimetable:
    def test_places_of_a_learned_rate_are_one_distance_apart(self):
        table = Timetable()
        assert [table.wait(Permit(), 0.0, NO_RATE, 50.0) for _ in range(3)] == pytest.approx(
            [0.0, 0.02, 0.04]
        )

    def test_a_given_rate_leaves_two_percent(self):
        table = Timetable()
        assert [table.wait(Permit(), 0.0, 50.0, NO_RATE) for _ in range(3)] == pytest.approx(
            [0.0, 0.0204, 0.0408]
        )

    def test_a_refusal_at_a_given_rate_lengthens_the_distance_for_a_minute(self):
        table = Timetable()
        table.note_uneven(0.0)
        assert table.distance(59.0, 50.0, NO_RATE) == pytest.approx(1.04 / 50)
        assert table.distance(61.0, 50.0, NO_RATE) == pytest.approx(1.02 / 50)

    def test_a_place_given_back_goes_to_the_next_who_asks(self):
        table = Timetable()
        permits = [Permit() for _ in range(4)]
        waits = [table.wait(permit, 0.0, 10.0, NO_RATE) for permit in permits]
        table.give_back(permits[1])
        assert table.wait(Permit(), 0.0, 10.0, NO_RATE) == waits[1]

    def test_a_new_edition_voids_every_place(self):
        table = Timetable()
        permits = [Permit() for _ in range(4)]
        for permit in permits:
            table.wait(permit, 0.0, 10.0, NO_RATE)
        table.begin_anew(-math.inf)
        assert table.wait(permits[3], 0.0, 10.0, NO_RATE) == 0.0

    def test_unused_time_is_not_made_up_for(self):
        table = Timetable()
        table.wait(Permit(), 0.0, NO_RATE, 10.0)
        assert [table.wait(Permit(), 100.0, NO_RATE, 10.0) for _ in range(2)] == pytest.approx([0.0, 0.1])

    def test_requests_woken_late_together_keep_a_learned_distance(self):
        table = Timetable()
        permits = [Permit(), Permit()]
        for permit in permits:
            table.wait(permit, 0.0, NO_RATE, 10.0)
        table.sent(permits[0], 5.0)  # both wake only now
        assert table.wait(permits[1], 5.0, NO_RATE, 10.0) == pytest.approx(0.07)

    @pytest.mark.parametrize("stall", [0.07, 0.3])
    def test_requests_woken_late_together_do_not_overflow_a_window(self, stall):
        clock = Clock()
        server, limiter = SlidingWindow(50), given(50, clock)
        due = [(clock.now, n, Permit()) for n in range(200)]
        while due:
            clock.now, n, permit = heapq.heappop(due)
            wait = limiter.claim(permit)
            if wait > 0:  # the busy loop looks at its timers only now and then
                heapq.heappush(due, (math.ceil((clock.now + wait) / stall) * stall, n, permit))
            else:
                assert server.allow(clock.now) is None
        assert clock.now < START + 200 / 50 * 1.2 + stall


class TestPause:
    def test_pauses_grow_while_everything_is_refused_and_stay_below_five_seconds(self):
        pause, now, lengths = Pause(), 0.0, []
        for _ in range(20):
            pause.begin(now)
            pause.last(now, 0.02)
            lengths.append(pause.until - now)
            now = pause.until
        assert lengths == pytest.approx(sorted(lengths))
        assert lengths[0] == pytest.approx(0.02)
        assert 3.0 <= lengths[-1] <= 5.0

    def test_requests_in_flight_when_it_began_are_no_news(self):
        pause = Pause()
        pause.begin(10.0)
        assert not pause.is_news(sent(9.9))
        assert pause.is_news(sent(10.1))

    def test_one_request_goes_first_and_the_others_wait_for_it(self):
        pause = Pause()
        pause.begin(0.0)
        pause.last(0.0, 1.0)
        pause.is_single = True
        assert pause.wait(0.5, 0.02) == pytest.approx(0.5)
        assert pause.wait(1.0, 0.02) == 0.0
        pause.first = sent(1.0)
        assert 0 < pause.wait(1.01, 0.02) < 0.1

    def test_a_first_request_that_is_lost_holds_nobody_up_for_long(self):
        pause = Pause()
        pause.is_single, pause.first = True, sent(0.0)
        assert pause.wait(4.9, 0.02) > 0
        assert pause.wait(5.1, 0.02) == 0.0

    @pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (119.0, 119.0), (500.0, 120.0)])
    def test_retry_after_is_obeyed_up_to_two_minutes(self, asked, waited):
        pause = Pause()
        pause.obey(0.0, asked, is_rate_known=True)
        assert pause.until == waited

    def test_a_second_is_obeyed_unless_the_rate_is_known(self):
        for is_known, until in ((False, 1.0), (True, -math.inf)):
            pause = Pause()
            pause.obey(0.0, 1.0, is_rate_known=is_known)
            assert pause.until == until

    def test_a_retry_after_that_was_rounded_down_is_followed_by_a_short_wait(self):
        pause = Pause()
        pause.obey(0.0, 9.0, is_rate_known=False)
        pause.obey(9.1, 0.0, is_rate_known=False)
        assert pause.until == pytest.approx(9.5)


class TestEstimator:
    def accept(self, estimator, times, row=0):
        for at in times:
            estimator.accepted(at, row, 0.0, is_news=True)

    def refuse(self, estimator, at, row=1):
        estimator.note_refusal(is_news=True)
        estimator.refused(at, row)

    def test_it_knows_nothing_until_something_is_refused(self):
        estimator = Estimator()
        self.accept(estimator, [n / 1000 for n in range(1000)])
        assert (estimator.phase, estimator.rate) == ("open", math.inf)

    def test_a_server_that_refuses_from_the_start_says_nothing_about_the_rate(self):
        estimator = Estimator()
        for row in range(1, 12):
            self.refuse(estimator, float(row), row)
        assert (estimator.phase, estimator.rate) == ("ramp", math.inf)

    def test_a_few_accidents_are_no_limit(self):
        estimator = Estimator()
        self.accept(estimator, [n / 1000 for n in range(100)])
        self.refuse(estimator, 0.1)
        estimator.accepted(0.2, 1, 0.1, is_news=True)
        assert estimator.phase == "open"

    def test_between_two_refusals_it_counts_what_was_accepted(self):
        estimator = found(rate=50)
        assert estimator.phase == "track"
        assert estimator.rate == pytest.approx(50, rel=0.1)

    def test_a_storm_says_nothing_about_the_rate(self):
        estimator = found(rate=50)
        before = estimator.rate
        self.accept(estimator, [1 + n / before for n in range(1, 50)])
        for row in range(1, 12):
            self.refuse(estimator, 2.0 + row, row)
        estimator.accepted(40.0, 11, 29.0, is_news=True)
        assert estimator.rate >= 0.9 * before

    def test_a_rate_that_is_kept_to_is_probed_after_a_while(self):
        estimator = found(rate=50)
        rates, now = [], 2.0
        for _ in range(400):
            estimator.sent(now + 0.02, now)
            now += 0.02
            estimator.accepted(now, 0, 0.0, is_news=True)
            rates.append(estimator.rate)
        assert rates[0] == rates[20]
        assert rates[-1] > 2 * rates[0]

    def test_time_without_requests_does_not_make_it_grow(self):
        estimator = found(rate=50)
        before = estimator.rate
        estimator.sent(1000.0, 2.0)
        assert estimator.rate == before

    def test_a_probe_that_is_refused_leaves_what_was_known(self):
        estimator = found(rate=50)
        before, now = estimator.rate, 2.0
        while estimator.rate < 1.3 * before:
            estimator.sent(now + 0.02, now)
            now += 0.02
            estimator.accepted(now, 0, 0.0, is_news=True)
        self.refuse(estimator, now)
        assert before <= estimator.rate < 1.3 * before

    def test_refusals_in_a_row_of_a_rate_that_is_only_kept_to_lower_it(self):
        estimator = found(rate=50)
        before, now = estimator.rate, 2.0
        for _ in range(12):
            self.accept(estimator, [now + 0.02, now + 0.06])
            now += 0.08
            self.refuse(estimator, now)
        assert estimator.rate < 0.6 * before


def found(rate):
    """Make an estimator that has just found a rate."""
    estimator = Estimator()
    estimator.answered(0.02)
    estimator.note_refusal(is_news=True)
    for at in (0.0, 0.001):
        estimator.accepted(at, 0, 0.0, is_news=True)
    estimator.note_refusal(is_news=True)
    estimator.refused(0.01, 1)
    estimator.accepted(0.03, 1, 0.02, is_news=True)
    for n in range(1, int(rate)):
        estimator.accepted(0.03 + n / rate, 0, 0.0, is_news=False)
    estimator.note_refusal(is_news=True)
    estimator.refused(1.0, 1)
    estimator.rate = estimator._kept = estimator._low = estimator._base
    return estimator


class TestGivenRate:
    @pytest.mark.parametrize("kind", [SlidingWindow, FixedWindow, TokenBucket])
    @pytest.mark.parametrize("latency_s", [0.02, 0.2])
    @pytest.mark.parametrize("rate", [2, 10, 50])
    def test_it_is_used_to_the_full_and_never_exceeded(self, kind, latency_s, rate):
        clock = Clock()
        server = TokenBucket(rate, rate) if kind is TokenBucket else kind(rate)
        run = pull(given(rate, clock), clock, server, 8 * rate, latency_s=latency_s)
        assert run.refused == []
        assert run.seconds <= 8 * 1.03 + 1.1 * latency_s

    def test_there_is_no_burst_at_the_start(self):
        clock = Clock()
        run = pull(given(50, clock), clock, SlidingWindow(50), 16)
        gaps = [after - before for before, after in zip(run.sends, run.sends[1:], strict=False)]
        assert min(gaps) > 0.015

    def test_pulls_that_share_a_key_share_its_rate(self):
        clock = Clock()
        limiter = given(50, clock)
        runs = simulate(clock, World(SlidingWindow(50)), [Client(limiter, Permit, 130, 8) for _ in range(3)])
        assert not any(run.refused for run in runs)
        assert max(run.seconds for run in runs) <= 1.05 * 3 * 130 / 50

    def test_the_lowest_rate_in_force_holds(self):
        limiter = RateLimiter(Clock())
        with limiter.at_most(50):
            assert limiter.rate == 50
            with limiter.at_most(2), limiter.at_most(10):
                assert limiter.rate == 2
            assert limiter.rate == 50
        assert limiter.rate is None

    def test_a_slow_pull_that_ends_does_not_hold_up_those_waiting(self):
        clock = Clock()
        limiter = RateLimiter(clock)
        with limiter.at_most(50):
            with limiter.at_most(0.1):
                permits = [Permit() for _ in range(4)]
                assert [limiter.claim(permit) for permit in permits] == [0.0, 1.0, 1.0, 1.0]
            clock.now += 1.0
            waits = [limiter.claim(permit) for permit in permits[1:]]
        assert waits == pytest.approx([0.0, 0.02, 0.04], abs=0.005)

    def test_a_lone_refusal_pauses_everybody_and_teaches_no_rate(self):
        clock = Clock()
        limiter = given(50, clock)
        for _ in range(30):
            permit = Permit()
            while (wait := limiter.claim(permit)) > 0:
                clock.now += wait
            limiter.accepted(permit)
        permit = Permit()
        while (wait := limiter.claim(permit)) > 0:
            clock.now += wait
        limiter.refused(permit)
        assert 0 < limiter.paused_s <= 1.02
        assert limiter.rate == 50

    def test_a_plan_that_is_not_the_keys_is_found_out(self):
        clock = Clock()
        run = pull(given(100, clock), clock, SlidingWindow(2), 40, retry_after="up")
        assert len(run.refused) < 12
        assert run.seconds < 1.35 * 20


class TestRateLimiter:
    def test_full_speed_until_a_refusal(self):
        limiter = RateLimiter(Clock())
        assert [limiter.claim(Permit()) for _ in range(1000)] == [0.0] * 1000
        assert limiter.rate is None
        assert not limiter.is_limiting

    def test_a_refusal_holds_everybody_back(self):
        clock = Clock()
        limiter = RateLimiter(clock)
        permits = [Permit() for _ in range(3)]
        assert [limiter.claim(permit) for permit in permits] == [0.0, 0.0, 0.0]
        limiter.refused(permits[0], retry_after_s=0.5)
        assert limiter.claim(Permit()) == pytest.approx(0.5)
        assert limiter.paused_s == pytest.approx(0.5)
        assert limiter.is_limiting
        assert limiter.refusals == 1

    def test_after_a_pause_one_request_goes_first(self):
        clock = Clock()
        limiter = RateLimiter(clock)
        permit = Permit()
        limiter.claim(permit)
        limiter.refused(permit, retry_after_s=2.0)
        clock.now += 2.0
        first = Permit()
        assert limiter.claim(first) == 0.0
        assert 0 < limiter.claim(Permit()) <= 1.0

    @pytest.mark.parametrize("end", ["failed", "give_back"])
    def test_a_first_request_without_an_answer_lets_the_next_go(self, end):
        clock = Clock()
        limiter = RateLimiter(clock)
        permit = Permit()
        limiter.claim(permit)
        limiter.refused(permit, retry_after_s=2.0)
        clock.now += 2.0
        first = Permit()
        limiter.claim(first)
        getattr(limiter, end)(first)
        assert limiter.claim(Permit()) == 0.0

    def test_silence_counts_from_the_first_refusal_and_ends_with_an_answer(self):
        clock = Clock()
        limiter = RateLimiter(clock)
        assert limiter.silent_s == 0.0
        permit = Permit()
        limiter.claim(permit)
        limiter.refused(permit)
        clock.now += 30.0
        assert limiter.silent_s == pytest.approx(30.0)
        permit = Permit()
        limiter.claim(permit)
        limiter.accepted(permit)
        assert limiter.silent_s == 0.0

    def test_an_answer_that_is_late_ends_no_row_but_the_silence(self):
        clock = Clock()
        limiter = RateLimiter(clock)
        permits = [Permit(), Permit()]
        for permit in permits:
            limiter.claim(permit)
        limiter.refused(permits[0])
        clock.now += 20.0
        limiter.accepted(permits[1])
        clock.now += 1.0
        assert limiter.silent_s == pytest.approx(1.0)

    def test_it_limits_when_a_request_would_have_to_wait(self):
        clock = Clock()
        limiter = given(50, clock)
        assert not limiter.is_limiting
        limiter.claim(Permit())
        assert not limiter.is_limiting  # one walker alone leaves a place behind at each request
        limiter.claim(Permit())
        assert limiter.is_limiting
        clock.now += 0.08  # the reply took longer than the distance: latency is the limit
        assert not limiter.is_limiting

    def test_accidents_do_not_slow_a_server_without_a_limit(self):
        clock = Clock()
        run = pull(RateLimiter(clock), clock, TokenBucket(10**6, 10**6), 8000, accident=0.005)
        assert len(run.refused) > 10
        assert run.seconds < 1.5 * 8000 * 0.022 / 16

    def test_a_clock_that_stands_still_does_no_harm(self):
        limiter = RateLimiter(Clock())
        for n in range(60):
            permit = Permit()
            if limiter.claim(permit) == 0:
                (limiter.refused if n % 3 else limiter.accepted)(permit)

    def test_threads_get_different_places(self):
        limiter = given(1000, Clock())
        permits = [Permit() for _ in range(400)]

        def claim(part):
            for permit in part:
                limiter.claim(permit)

        threads = [threading.Thread(target=claim, args=(permits[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        places = sorted(permit.place for permit in permits)
        assert len(set(places)) == 400
        assert places[-1] - places[0] == pytest.approx(399 * 1.02 / 1000)


class TestSharing:
    def test_one_limiter_per_account(self):
        assert shared_limiter(("host:1", "a")) is shared_limiter(("host:1", "a"))
        assert shared_limiter(("host:1", "a")) is not shared_limiter(("host:1", "b"))
        assert shared_limiter(("host:1", "a", "photon")) is not shared_limiter(("host:1", "a", "assets"))

    def test_a_forked_child_starts_anew(self):
        before = shared_limiter(("host:1", "a"))
        rate_limit._lock.acquire()
        rate_limit._start_anew()
        assert shared_limiter(("host:1", "a")) is not before

    def test_plans_are_rates(self):
        assert list(PLANS) == ["free", "developer", "business", "professional"]
        assert all(rate > 0 for rate in PLANS.values())


class TestLimits:
    def test_a_bucket_has_a_burst_and_then_its_rate(self):
        bucket = TokenBucket(10, 3)
        assert [bucket.allow(0.0) for _ in range(4)] == [None, None, None, pytest.approx(0.1)]
        assert bucket.allow(0.1) is None

    def test_a_fixed_window_opens_at_a_multiple_of_its_length(self):
        window = FixedWindow(2, 10.0, offset=3.0)
        assert [window.allow(12.0) for _ in range(3)] == [None, None, pytest.approx(1.0)]
        assert window.allow(13.0) is None

    def test_a_sliding_window_opens_when_its_oldest_request_leaves(self):
        window = SlidingWindow(2, 10.0)
        assert (window.allow(0.0), window.allow(4.0)) == (None, None)
        assert window.allow(5.0) == pytest.approx(5.0)
        assert window.allow(10.0) is None

    def test_places_in_flight_are_freed_by_answers(self):
        places = InFlight(1)
        assert places.allow(0.0) is None
        assert places.allow(0.0) == 0.0
        places.done()
        assert places.allow(0.0) is None

    def test_who_knows_a_bucket_takes_the_burst_first_then_the_rate(self):
        assert ideal(World(TokenBucket(50, 20)), 1020) == pytest.approx(20.0, abs=0.1)

    def test_who_knows_a_window_uses_it_up_as_it_opens(self):
        assert ideal(World(SlidingWindow(100, 10.0)), 301) == pytest.approx(30.0, abs=0.2)
