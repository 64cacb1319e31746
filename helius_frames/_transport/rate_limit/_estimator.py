"""Which rate a server allows, learned from what it accepts and refuses.

One thing is known about every limiter, whatever its kind: at a refusal it is empty. So between two refusals
it gave exactly what it gained, and requests accepted ÷ seconds between is its rate: for a bucket of any
burst, and for a window of any length. It errs in one way only: a bucket that was full for a while, because
requests came more slowly than it fills, makes the quotient too low, never too high. So the estimate is the
highest of what was shown: that quotient, what was kept to before, and what was accepted in the last second
of a probe. The rate at which the probe was refused bounds it from above, and a part of the way there is
tried.

The course of it:

* *open*: nobody refused anything; as fast as there is work.
* *ramp*: the first refusals came. One request goes, and each accepted one shortens the distance to the next
  to a quarter, up to full speed: a window that has opened again gives what it has, a bucket refuses at
  once, and either way there are two refusals for a quotient. Never more at once than what was accepted at
  the start.
* *track*: even distances at the estimate. After a while without refusals the rate grows, slowly, then
  faster (as that of TCP CUBIC does), until it is refused; that is a probe, and gives the next estimate.

Each refusal costs a request, and at ten requests a second one in two seconds is all that may be. So probes
are paid for: accepted requests earn credit, a refusal spends it, and without credit there is no probe, and
of what a refusal leaves open the lower end is taken. A rate that is refused although it was only kept to is
lowered, the more the fewer were accepted since the last refusal, and not at all for a rare one; for a
bucket smaller than the jitter of the network this finds the pace at which few are refused.

A silence, in which request after request is refused, says nothing about the rate: after a storm it is what
it was. Only where one silence follows another soon, they are a window's that is used up each time, and what
was accepted from one to the next is its rate. Prior art: BBR's delivery rate and probing, CUBIC's growth,
the generic cell rate algorithm as the model of a bucket. All constants were found with the simulator of the
tests.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, Literal, NamedTuple

_ACCEPTED_KEPT: Final = 2048
_INSTANT_S: Final = 0.001  # nothing is taken to last shorter
# Refusals that are no accidents: so many, and this part of the last answers.
_PROOF: Final = 2
_PROVEN: Final = 0.1
_ANSWERS_KEPT: Final = 100
_ANSWERS_NEW: Final = 40
# Ramp: the first distance at most, how much each accepted request shortens it, and the requests in flight
# above which it is full speed again.
RAMP_S: Final = 0.05
RAMP: Final = 4.0
_RAMP_END: Final = 64
# Seconds at an estimate before it grows, and where the last probe had gone far beyond it or was the first.
HOLD_S: Final = 2.2
SOON_S: Final = 0.8
# Growth of a probe: its slope (e-folds a second) rises by so much a second, up to so much; the first probe
# after a ramp is faster. Where requests are few a second, all of it is slower in proportion; never more
# than so much from one request to the next.
CURVE: Final = 0.3
SLOPE: Final = 0.5
SLOPE_FIRST: Final = 2.0
FEW: Final = 10.0
FEW_FIRST: Final = 2.5
STEEPEST: Final = 1.3
# Part of the way from what was shown to what was refused that is tried: where requests are many a second, and
# below; where they are very few, none.
HIGH: Final = 0.45
MANY: Final = 30.0
HIGH_FEW: Final = 0.3
SLOW: Final = 3.0
# Fall of a rate that is refused while it is kept to: at most, at most without credit, and by how much for few
# accepted before.
FALL: Final = 0.8
LEAST: Final = 0.6
EVIDENCE: Final = 0.8
# It falls if fewer were accepted than this, or if pauses cost more than one second in so many.
STREAK: Final = 20
COSTLY: Final = 25.0
# Credit: one refusal is worth so many accepted requests.
EARN: Final = 1 / 40
CREDIT_START: Final = 0.0
CREDIT_MAX: Final = 2.0
CREDIT_MIN: Final = 0.0
# Accepted requests that make a quotient; seconds of a probe whose accepted requests count.
ENOUGH: Final = 8
HORIZON_S: Final = 1.0
# Refusals in a row that make a silence; seconds of one that was not only asked for by a rounded Retry-After.
_SILENCE_ROW: Final = 3
_MANY_REFUSED: Final = 4
_SILENCE_S: Final = 1.5


class _Mark(NamedTuple):
    """A refusal: when, and how many requests had been accepted before."""

    at: float
    accepted: int


class Estimator:
    """The rate learned so far, and the probe in progress."""

    def __init__(self) -> None:
        self.phase: Literal["open", "ramp", "track"] = "open"
        self.rate = math.inf  # in force, with the growth of a probe
        self.latency_s = 0.0
        self._kept = math.inf  # the estimate; the rate grows from it
        self._low = math.inf  # shown by what was accepted, where the estimate is higher
        self._base = math.inf  # shown over a long time: what remains after a silence
        self._burst = 0  # accepted before anything was refused
        self._answers: deque[bool] = deque(maxlen=_ANSWERS_KEPT)
        self._accepted: deque[float] = deque(maxlen=_ACCEPTED_KEPT)
        self._count = 0
        self._empty: deque[_Mark] = deque(maxlen=64)  # first refusals of rows
        self._refused_last = _Mark(-math.inf, 0)
        self._silence: tuple[_Mark, float] | None = None
        self._refused_along = 0
        self._sent_since = 0.0
        self._ramp_silence_s = 0.0
        self.expected_silence_s = 0.0
        self._credit = CREDIT_START
        self._busy_s = self._slope = 0.0
        self._hold_s = HOLD_S
        self._slope_max = SLOPE
        self._is_first = False  # the probe that follows the first estimate

    def sent(self, now: float, last_sent: float) -> None:
        """Let time pass: only while requests are sent does a rate grow."""
        if self.phase == "open" and self._burst and self._sent_since >= self._burst:
            self.phase, self.rate = (
                "ramp",
                1 / self.latency_s,
            )  # what was safe is used up: one at a time again
            self._sent_since = -math.inf
        self._sent_since += 1
        if self.phase != "track":
            return
        step = min(now - last_sent, 2 / self.rate)
        self._busy_s += step
        if self._busy_s < self._hold_s or (
            self._credit < 1 and self.rate <= self._kept and not self._is_first
        ):
            return
        step *= min(1.0, self.rate / (FEW_FIRST if self._is_first else FEW))
        self._slope = min(self._slope_max, self._slope + CURVE * step * self._slope_max / SLOPE)
        self.rate *= min(STEEPEST, math.exp(self._slope * step))

    def answered(self, took: float) -> None:
        """Average the latency."""
        took = max(took, _INSTANT_S)
        self.latency_s = took if self.latency_s == 0 else 0.9 * self.latency_s + 0.1 * took

    def accepted(self, now: float, row: int, silent_s: float, *, is_news: bool) -> None:
        """Count an accepted request; of those sent after a pause the first ends a row of refusals."""
        self._answers.append(True)
        self._count += 1
        self._accepted.append(now)
        self._credit = min(CREDIT_MAX, self._credit + EARN)
        if is_news:
            self.expected_silence_s = 0.0
        if not is_news:
            return
        if self.phase == "ramp":
            self._ramp_up(silent_s, row)
        elif self.phase == "track" and row >= _SILENCE_ROW:
            self._end_silence(now, silent_s)

    def _ramp_up(self, silent_s: float, row: int) -> None:
        if math.isinf(self.rate) and not self.is_proven(_ANSWERS_NEW):
            self._open()
            self._empty.clear()
        elif math.isinf(self.rate):
            if not self._burst:
                self._burst = self._count - 1
            self._sent_since = 1.0
            self._ramp_silence_s = silent_s if row > 1 or silent_s > _SILENCE_S else 0.0
            self.rate = 1 / min(RAMP_S, max(silent_s / RAMP, 0.001))
        else:
            self.rate *= RAMP
            if self.rate > _RAMP_END / self.latency_s:
                self._open()

    def _open(self) -> None:
        self.phase, self.rate, self._kept = "open", math.inf, math.inf

    def keep_to(self, rate: float) -> None:
        """Begin from a rate that was given and is refused."""
        if self.phase == "track":
            self.rate = self._kept = self._low = self._base = min(rate, self._kept)

    def is_proven(self, last: int = _ANSWERS_KEPT) -> bool:
        """Whether of the last answers too many were refusals for accidents."""
        answers = list(self._answers)[-last:]
        refusals = answers.count(False)
        return refusals >= _PROOF and refusals >= _PROVEN * len(answers)

    def _end_silence(self, now: float, silent_s: float) -> None:
        """Tell a window that was used up from a storm.

        One that follows another soon is a window's, and what was accepted from one to the next its rate.
        """
        began = _Mark(now - silent_s, self._count - 1)
        if silent_s * self._base >= ENOUGH:
            if self._silence is not None:
                before, lasted = self._silence
                cycle = (began.accepted - before.accepted) / max(began.at - before.at, _INSTANT_S)
                if began.at - before.at < 3 * lasted:
                    self._base = min(self._base, max(cycle, self._base / 4))
            self._silence = began, silent_s
        self.rate = self._kept = self._low = self._base

    def note_refusal(self, *, is_news: bool) -> None:
        """Count a refusal; one that was in flight with the first of a row shows how far that went too far."""
        self._answers.append(False)
        self._refused_along += not is_news

    def refused(self, now: float, row: int) -> None:
        """Learn from a refusal that is news: the first of a row, or a later one."""
        if self.phase == "track" and row <= _SILENCE_ROW:
            self._credit = max(CREDIT_MIN, self._credit - 1)
        if self._count == 0:  # a server that refuses from the start says nothing yet
            self.phase, self.rate = "ramp", math.inf
            self._empty.clear()
            self._empty.append(_Mark(now, 0))
        elif row == 1 and self.phase == "track":
            self._correct(now)
        elif row == 1 and self._empty:
            self._find(now)
        elif row == 1:
            self.phase, self.rate = "ramp", math.inf
            self._empty.append(_Mark(now, self._count))
        elif self.phase == "track":
            top = math.sqrt(self._low * self._kept)
            self.rate = self._kept = (
                self._base if row >= _SILENCE_ROW else max(self._base, min(self._kept, top))
            )
        self._refused_last = _Mark(now, self._count)
        self._busy_s = self._slope = 0.0

    def _find(self, now: float) -> None:
        """End the ramp: the first estimate."""
        quotient, _ = self._quotient(now, spare=1.0)
        recent = self._recent(now, max(0.1, 4 * self.latency_s))
        top = recent if math.isinf(self.rate) else min(self.rate, max(recent, self.rate / RAMP))
        if not self._burst:
            quotient = math.sqrt(quotient * max(quotient, self._recent(now, 0.5)))
        self._base = quotient
        self._low = max(quotient, min(self._beyond_burst(0), top))
        self.phase = "track"
        since = self._count - self._refused_last.accepted
        self.expected_silence_s = self._ramp_silence_s / 2 if since >= 0.8 * self._burst > 0 else 0.0
        self._take(max(top, self._low), now)
        self._refused_along = 0
        self._hold_s, self._slope_max = SOON_S, SLOPE_FIRST
        self._is_first = True
        if self.expected_silence_s * self._base >= ENOUGH:
            self._hold_s, self._slope_max = HOLD_S, SLOPE / 2
            self._is_first = False

    def _correct(self, now: float) -> None:
        """Learn from the first refusal of a row: of a probe, or of a rate that was only kept to."""
        refused, self._refused_along = 1 + self._refused_along, 0
        streak = (self._count - self._refused_last.accepted) // refused
        if self._refused_last.at > self._empty[-1].at:  # a silence in between says nothing
            self._empty[-1] = self._refused_last
        quotient, accepted = self._quotient(now)
        kept, top = self._kept, self.rate
        self._is_first = False
        if top > kept:
            self._base = min(top, max(quotient, kept))
            recent = self._recent(now, max(HORIZON_S, ENOUGH / top))
            self._low = min(max(self._base, recent, self._beyond_burst(ENOUGH / 2 if top > MANY else 0)), top)
            self._take(top, now)
            self._hold_s, self._slope_max = HOLD_S if top < 1.3 * kept else SOON_S, SLOPE
            return
        if accepted >= STREAK:
            self._base = max(self._base, min(kept, quotient))
        if kept > self._low and streak < ENOUGH:
            self._kept = max(self._low, FALL * kept)
        elif streak < STREAK or self._credit < 1 or self._busy_s < COSTLY * (self.latency_s + 1 / kept):
            fall = max(FALL, 1 - EVIDENCE / (streak + 3))
            if accepted >= ENOUGH:
                fall = max(
                    fall if self._credit > 0 and refused < _MANY_REFUSED else LEAST, min(1.0, quotient / kept)
                )
            self._kept *= fall
        self._low = min(self._low, self._kept)
        self._base = min(self._base, self._kept)
        self.rate = self._kept
        self._empty.append(_Mark(now, self._count))

    def _take(self, top: float, now: float) -> None:
        """Take what lies between what was shown and what was refused, if there is credit for it."""
        share = 0.0
        if self._credit >= 1 and self._low > SLOW:
            share = HIGH if top > MANY else HIGH_FEW
        self.rate = self._kept = self._low ** (1 - share) * top**share
        self._empty.clear()
        self._empty.append(_Mark(now, self._count))

    def _quotient(self, now: float, spare: float = 0.0) -> tuple[float, int]:
        """Return requests accepted ÷ seconds since the last refusal that lies enough requests back."""
        since = next(
            (mark for mark in reversed(self._empty) if self._count - mark.accepted >= ENOUGH), self._empty[0]
        )
        accepted = self._count - since.accepted
        return max(accepted - min(spare, accepted / 2), 0.5) / max(now - since.at, _INSTANT_S), accepted

    def _recent(self, now: float, seconds: float) -> float:
        """Return what was accepted a second in the last so many seconds."""
        count = 0
        for at in reversed(self._accepted):
            if at < now - seconds:
                break
            count += 1
        return count / seconds

    def _beyond_burst(self, least: float) -> float:
        """Return the rate shown by the last answers, even if a whole burst was among them."""
        if not self._burst:
            return 0.0
        times = list(self._accepted)[-128:]
        last = times[-1]
        spans = ((n + 1 - self._burst, last - at) for n, at in enumerate(reversed(times)))
        return max((beyond / span for beyond, span in spans if beyond > least and span > 0), default=0.0)
