"""How fast requests may go: one budget per host and key, for the whole process.

Pure arithmetic over a clock, the standard library and `errors`; it sleeps nowhere and belongs to no event
loop, so pulls in several loops and threads share one budget. A task takes a `Permit`, asks
`RateLimiter.claim` how long to wait, and tells what came of it with `accepted` or `refused`.

With a known rate, turns stand on a timetable a little below it, without a burst at the start. With none,
requests go at full speed until the server refuses several; how many it had accepted within a second is
then its rate, kept to from there and probed again from time to time.
"""

from __future__ import annotations

import heapq
import math
import os
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Plan: TypeAlias = Literal["free", "developer", "business", "professional"]

# Requests a second of the Photon methods on Helius, by plan (its documentation of January 2026).
PLANS: Final[dict[str, float]] = {"free": 2.0, "developer": 10.0, "business": 50.0, "professional": 100.0}

# A second's worth of requests is spread over this much more than a second: a server that counts
# one-second windows may see them so much closer together than they were sent, and no window overflows.
# Each lone refusal of the last minute adds as much again: this network, or this machine, is less even.
_SLACK_S: Final = 0.02
_SLACKS_MAX: Final = 6
_UNEVEN_S: Final = 60.0
WINDOW_S: Final = 1.0
RETRY_AFTER_MAX_S: Final = 120.0

# Nobody sleeps longer than this without asking again, so that a turn given back or a slower pull that
# ended is noticed.
_RECHECK_S: Final = 1.0
# Wait after refusals in a row with nothing accepted between them, where the server names none.
_HOLD_S: Final = 1.0
_HOLD_MAX_S: Final = 8.0
# Refusals that prove a rate: so many, and this part of the last answers. A lone refusal is an accident
# (or a limit exceeded by very little): everyone pauses, nobody slows down for good.
_PROOF: Final = 2
_PROOF_SHARE: Final = 0.1
_ANSWERS_KEPT: Final = 100
# A learned rate is kept for so long without refusals before it is probed: the second time for longer.
_QUIET_S: Final = 10.0
_QUIET_CONFIRMED_S: Final = 30.0
_PROBE_SCALE_S: Final = 10.0
_SENDS_KEPT_S: Final = 10.0


class Permit:
    """One request's place in the timetable; for one request, once."""

    __slots__ = ("sent", "slot", "timetable")

    def __init__(self) -> None:
        self.slot: float | None = None
        self.timetable = -1
        self.sent: float | None = None


class RateLimiter:
    """The rate that one host allows one key, shared by whoever asks it. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._caps: list[float] = []
        self._learned: float | None = None
        self._quiet_from = 0.0
        self._quiet_s = _QUIET_S
        self._timetable = 0
        self._next_slot = -math.inf
        self._given_back: list[float] = []
        self._sends: deque[float] = deque()
        self._accepted: deque[float] = deque()
        self._answers: deque[bool] = deque(maxlen=_ANSWERS_KEPT)
        self._lone_refusals: deque[float] = deque(maxlen=_SLACKS_MAX - 1)
        self._held_from = -math.inf
        self._held_until = -math.inf
        self._refused_in_a_row = 0
        self._is_rate_due = False

    @contextmanager
    def at_most(self, rate: float | None) -> Iterator[None]:
        """Keep to a rate for as long as the block runs; the lowest of those in force holds."""
        if rate is None:
            yield
            return
        self._change_caps(self._caps.append, rate)
        try:
            yield
        finally:
            self._change_caps(self._caps.remove, rate)

    def claim(self, permit: Permit) -> float:
        """Seconds to wait before asking again; 0 when the request goes now."""
        with self._lock:
            now = self._clock()
            wait = self._wait(permit, now)
            if wait <= 0:
                permit.sent = now
                self._note(self._sends, now)
            return max(0.0, min(wait, _RECHECK_S))

    def give_back(self, permit: Permit) -> None:
        """Return a turn that was not used, so that another request takes its place."""
        with self._lock:
            if permit.sent is None and permit.slot is not None and permit.timetable == self._timetable:
                heapq.heappush(self._given_back, permit.slot)

    def accepted(self, permit: Permit) -> None:
        """Note that the server answered this request (with anything but "too many")."""
        with self._lock:
            self._answers.append(True)
            self._refused_in_a_row = 0
            self._note(self._accepted, self._clock() if permit.sent is None else permit.sent)

    def refused(self, permit: Permit, retry_after_s: float | None = None) -> None:
        """Hold everyone back: the server said "too many requests" to this one."""
        with self._lock:
            now = self._clock()
            self._answers.append(False)
            if permit.sent is None or permit.sent >= self._held_from:  # else: in flight when the pause began
                self._begin_hold(now)
            if retry_after_s:
                self._held_until = max(self._held_until, now + min(retry_after_s, RETRY_AFTER_MAX_S))
            self._is_rate_due = self._is_rate_due or self._proves_a_rate()

    @property
    def is_limiting(self) -> bool:
        """Whether requests stand in a queue: the rate is the limit, not the latency.

        The slot right after the last request is no queue: one walker alone leaves it behind each time.
        """
        with self._lock:
            now = self._clock()
            queue_s = self._next_slot - now
            return now < self._held_until or (queue_s > 0 and queue_s > self._spacing(now, self._limit(now)))

    def failed(self, permit: Permit) -> None:
        """Note that no answer came at all."""

    @property
    def rate(self) -> float | None:
        """Requests a second kept to now, given or learned; ``None`` at full speed."""
        with self._lock:
            rate = self._limit(self._clock())
            return None if math.isinf(rate) else rate

    def _wait(self, permit: Permit, now: float) -> float:
        if now < self._held_until:
            return self._held_until - now
        if self._is_rate_due:
            self._learn(now)
        limit = self._limit(now)
        if math.isinf(limit):
            return 0.0
        if permit.slot is None or permit.timetable != self._timetable:
            permit.slot, permit.timetable = self._take_slot(now, limit), self._timetable
        return max(permit.slot, self._window_opens(limit)) - now

    def _take_slot(self, now: float, limit: float) -> float:
        while self._given_back:
            slot = heapq.heappop(self._given_back)
            if slot >= now:
                return slot
        slot = max(now, self._next_slot)
        self._next_slot = slot + self._spacing(now, limit)
        return slot

    def _spacing(self, now: float, limit: float) -> float:
        uneven = sum(at > now - _UNEVEN_S for at in self._lone_refusals)
        return (1 + _SLACK_S * (1 + uneven)) / limit

    def _window_opens(self, limit: float) -> float:
        """When one request more keeps every window within the limit, however late the last ones went.

        A busy machine wakes tasks late and several at once; the timetable alone would let them bunch.
        """
        count = max(1, math.floor(limit))
        return self._sends[-count] + count / limit if len(self._sends) >= count else -math.inf

    def _limit(self, now: float) -> float:
        return min([*self._caps, self._learned_limit(now)])

    def _learned_limit(self, now: float) -> float:
        return math.inf if self._learned is None else self._learned * self._probe(now)

    def _probe(self, now: float) -> float:
        """Growth of a learned rate: none while it is fresh, then slow, then fast (as in TCP CUBIC)."""
        quiet = now - self._quiet_from - self._quiet_s
        return 1.0 if quiet <= 0 else 1.0 + (quiet / _PROBE_SCALE_S) ** 3

    def _begin_hold(self, now: float) -> None:
        self._refused_in_a_row += 1
        self._held_from = now
        self._lone_refusals.append(now)
        self._is_rate_due = self._is_rate_due or self._is_probing(now)
        self._held_until = max(self._held_until, now + self._hold(now))

    def _is_probing(self, now: float) -> bool:
        return self._learned is not None and self._probe(now) > 1

    def _hold(self, now: float) -> float:
        """Pause after a refusal that names none: until a one-second window has room again."""
        recent = [sent for sent in self._accepted if sent > now - WINDOW_S]
        if recent:
            return min(recent) + WINDOW_S + _SLACK_S - now
        return min(_HOLD_S * 2.0 ** (self._refused_in_a_row - 1), _HOLD_MAX_S)

    def _proves_a_rate(self) -> bool:
        refusals = self._answers.count(False)
        return refusals >= max(_PROOF, _PROOF_SHARE * len(self._answers))

    def _learn(self, now: float) -> None:
        """Take what the server accepted in the last second of sending as its rate.

        Done when the pause ends, since only then all the answers are there.
        """
        before = self._learned_limit(self._held_from)
        floor = self._rate_floor(before)
        self._learned = min(before, max(self._measured(before), floor))
        self._quiet_s = _QUIET_S if math.isinf(before) else _QUIET_CONFIRMED_S
        self._quiet_from = now
        self._is_rate_due = False
        self._answers.clear()
        # One slack more than for a rate that was given: what was measured may be a little high.
        self._lone_refusals.clear()
        self._lone_refusals.append(now)
        self._begin_timetable(now)

    def _rate_floor(self, before: float) -> float:
        """Least that is taken as the rate: a probe that was refused leaves what had been known."""
        if self._learned is None:
            return 1.0
        return self._learned if self._is_probing(self._held_from) else before / 2

    def _measured(self, before: float) -> float:
        span = WINDOW_S if math.isinf(before) else max(WINDOW_S, 4 / before)
        end = self._sends[-1] if self._sends else self._held_from
        return sum(end - span < sent <= end for sent in self._accepted) / span

    def _change_caps(self, change: Callable[[float], None], rate: float) -> None:
        with self._lock:
            now = self._clock()
            before = self._limit(now)
            change(rate)
            if self._limit(now) != before:
                self._begin_timetable(now)

    def _begin_timetable(self, now: float) -> None:
        """Void every slot given out: whoever waits takes a new one. The last send keeps its distance."""
        self._timetable += 1
        self._given_back.clear()
        limit = self._limit(now)
        last = self._sends[-1] if self._sends else -math.inf
        self._next_slot = -math.inf if math.isinf(limit) else last + self._spacing(now, limit)

    def _note(self, times: deque[float], at: float) -> None:
        times.append(at)
        while times[0] < at - _SENDS_KEPT_S:
            times.popleft()


def shared_limiter(account: tuple[str, ...]) -> RateLimiter:
    """RateLimiter of a host and key: the same one for every pull, loop and thread of the process."""
    with _lock:
        return _limiters.setdefault(account, RateLimiter())


_limiters: dict[tuple[str, ...], RateLimiter] = {}
_lock = threading.Lock()


def _start_anew() -> None:
    """Forget the budgets in a forked child: a lock held at that moment would never open again."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _limiters.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
