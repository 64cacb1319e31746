"""The rate limiter of one host, key and family of methods."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from helius_frames._transport.rate_limit._estimator import Estimator
from helius_frames._transport.rate_limit._pause import WINDOW_S, Pause
from helius_frames._transport.rate_limit._timetable import Permit, Timetable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Nobody sleeps longer than this without asking again, so that a permit given back, a pause that grew or a
# slower pull that ended is noticed.
_RECHECK_S: Final = 1.0
# Below this rate a Retry-After of one second says something.
_RATE_OF_SECONDS: Final = 2.0
# With more in flight than this, one request goes first after any pause.
_IN_FLIGHT: Final = 3.0


class RateLimiter:
    """The rate that one host allows one key, shared by whoever asks it. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.refusals = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._given: list[float] = []
        self._timetable = Timetable()
        self._pause = Pause()
        self._estimator = Estimator()
        self._accepted: deque[float] = deque()  # the sends of the last second that were accepted
        self._last_accepted = -math.inf

    @contextmanager
    def at_most(self, rate: float | None) -> Iterator[None]:
        """Keep to a rate for as long as the block runs; the lowest of those in force holds."""
        if rate is None:
            yield
            return
        self._change(self._given.append, rate)
        try:
            yield
        finally:
            self._change(self._given.remove, rate)

    def _change(self, change: Callable[[float], None], rate: float) -> None:
        with self._lock:
            before = self._given_rate
            change(rate)
            if self._given_rate != before:
                self._begin_anew(-math.inf)

    def claim(self, permit: Permit) -> float:
        """Return the seconds to wait before asking again; 0 when the request goes now."""
        with self._lock:
            now = self._clock()
            wait = self._wait(permit, now)
            if wait > 0:
                return min(wait, _RECHECK_S)
            if self._pause.is_single:
                self._pause.first = permit
            was_open = self._estimator.phase == "open"
            if self._estimator.rate <= self._given_rate:
                self._estimator.sent(now, self._timetable.last_sent)
            self._timetable.sent(permit, now)
            if was_open and self._estimator.phase == "ramp":
                self._pause.began = math.nextafter(now, -math.inf)  # what is in flight says nothing now
                self._begin_anew(-math.inf)
            return 0.0

    def _wait(self, permit: Permit, now: float) -> float:
        wait = self._pause.wait(now, self._estimator.latency_s)
        if wait > 0 or (self._pause.is_single and self._pause.first is None):
            return wait
        return self._timetable.wait(permit, now, self._given_rate, self._estimator.rate)

    def give_back(self, permit: Permit) -> None:
        """Return a permit that was not used, so that another request takes its place."""
        with self._lock:
            if permit.sent_at is None:
                self._timetable.give_back(permit)
            elif permit is self._pause.first:
                self._pause.first = None

    def accepted(self, permit: Permit) -> None:
        """Note that the server answered this request (with anything but "too many")."""
        with self._lock:
            now = self._clock()
            pause, estimator = self._pause, self._estimator
            is_news = pause.is_news(permit)
            self._answered(permit, now)
            self._last_accepted = now
            self._accepted.append(now if permit.sent_at is None else permit.sent_at)
            while self._accepted and self._accepted[0] < now - WINDOW_S:
                self._accepted.popleft()
            silent_s = now - pause.silent_from if pause.row else 0.0
            phase, was_single = estimator.phase, pause.is_single
            estimator.accepted(now, pause.row, silent_s, is_news=is_news)
            if is_news:
                pause.end()
                if phase == "ramp" or was_single:
                    self._begin_anew(-math.inf)

    def refused(self, permit: Permit, retry_after_s: float | None = None) -> None:
        """Hold everyone back: the server said "too many requests" to this one."""
        with self._lock:
            now = self._clock()
            pause, estimator = self._pause, self._estimator
            is_news = pause.is_news(permit)
            self._answered(permit, now)
            self.refusals += 1
            estimator.note_refusal(is_news=is_news)
            if is_news:
                pause.begin(now)
                self._begin_pause(now)
            pause.obey(
                now,
                retry_after_s,
                is_rate_known=estimator.phase == "track" and estimator.rate > _RATE_OF_SECONDS,
            )
            if is_news:
                self._begin_anew(pause.until)

    def _begin_pause(self, now: float) -> None:
        pause, estimator = self._pause, self._estimator
        if self._given_rate < estimator.rate:
            if not estimator.is_proven():
                self._timetable.note_uneven(now)
                pause.last_for_window(now, self._accepted)
                return
            estimator.keep_to(self._given_rate)
        estimator.refused(now, pause.row)
        distance = 0.0 if math.isinf(estimator.rate) else 1 / estimator.rate
        is_mild = estimator.phase == "track" and pause.row == 1
        seconds = distance if is_mild else max(estimator.latency_s, distance)
        pause.last(now, max(seconds, estimator.expected_silence_s))
        in_flight = 0.0 if math.isinf(estimator.rate) else estimator.rate * estimator.latency_s
        pause.is_single = estimator.phase != "track" or pause.row > 1 or in_flight > _IN_FLIGHT

    def failed(self, permit: Permit) -> None:
        """Note that no answer came at all: neither accepted nor refused."""
        with self._lock:
            if permit is self._pause.first:
                self._pause.first = None

    def _answered(self, permit: Permit, now: float) -> None:
        if permit.sent_at is not None:
            self._estimator.answered(now - permit.sent_at)
        if permit is self._pause.first:
            self._pause.first = None

    @property
    def is_limiting(self) -> bool:
        """Whether requests stand in a queue: the rate is the limit, not the latency.

        The place right after the last request is no queue: one walker alone leaves it behind each time.
        """
        with self._lock:
            now = self._clock()
            if now < self._pause.until or self._pause.is_single:
                return True
            queue_s = self._timetable.queue_s(now)
            if queue_s <= 0 or math.isinf(self._rate):
                return False
            return queue_s > self._timetable.distance(now, self._given_rate, self._estimator.rate)

    @property
    def rate(self) -> float | None:
        """Requests a second kept to now, given or learned; ``None`` at full speed."""
        with self._lock:
            return None if math.isinf(self._rate) else self._rate

    @property
    def paused_s(self) -> float:
        """Seconds until a pause after refusals ends, 0 if there is none."""
        with self._lock:
            return max(0.0, self._pause.until - self._clock())

    @property
    def silent_s(self) -> float:
        """Seconds since anything was accepted, or since the first refusal, while all are being refused."""
        with self._lock:
            if not self._pause.row:
                return 0.0
            return max(0.0, self._clock() - max(self._pause.silent_from, self._last_accepted))

    @property
    def _given_rate(self) -> float:
        return min(self._given, default=math.inf)

    @property
    def _rate(self) -> float:
        return min(self._given_rate, self._estimator.rate)

    def _begin_anew(self, first: float) -> None:
        """Void the places given out. The last request keeps its distance."""
        now = self._clock()
        if math.isinf(self._rate):
            self._timetable.begin_anew(-math.inf)
            return
        distance = self._timetable.distance(now, self._given_rate, self._estimator.rate)
        self._timetable.begin_anew(max(first, self._timetable.last_sent + distance))
