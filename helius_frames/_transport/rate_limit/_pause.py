"""How long nobody sends after a refusal.

A refusal holds everybody back, since they share the limit. Requests that were in flight when the pause began
say nothing new: only the refusal of one that was sent after it is another in the row. At the end of the pause
one request goes first, and while it is refused, pauses grow; so a server that refuses everything for a while
is asked a dozen times, not a thousand, and is found again a few seconds after.

`Retry-After` is obeyed, up to two minutes. One exception: the header counts whole seconds, so that a server
which rounds up can say no less than 1, however soon it would accept. Where the rate is known and is more than
two requests a second, a 1 is taken for "soon". One that rounds down says 0 when less than a second is left.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from helius_frames._transport.rate_limit._timetable import Permit

RETRY_AFTER_MAX_S: Final = 120.0
# Each pause of a row is longer than the last: by this in the first second, by that later, or where requests
# are so far apart that each refusal counts.
_GROWTH: Final = 1.5
_GROWTH_LATER: Final = 3.0
_GROWTH_SLOW: Final = 2.2
_SLOW_S: Final = 0.04
_LONGEST_S: Final = 3.0
_LONGEST_LATER_S: Final = 4.5
_LATER_S: Final = 12.0
# A first request of which nothing is heard any more holds nobody up for longer.
_LOST_S: Final = 5.0
_LOST_LATENCIES: Final = 10.0
_SOON_S: Final = 1.0
WINDOW_S: Final = 1.0
_SLACK_S: Final = 0.02
_HOLD_MAX_S: Final = 8.0
_ROUNDED_S: Final = 0.4


class Pause:
    """The pause in force, if any, and the row of refusals that it belongs to."""

    def __init__(self) -> None:
        self.began = -math.inf
        self.until = -math.inf
        self.row = 0
        self._seconds = 0.0
        self._was_asked_for = False
        self.silent_from = math.inf
        self.first: Permit | None = None  # the one request in flight that all wait for
        self.is_single = False

    def is_news(self, permit: Permit) -> bool:
        """Whether an answer to this request says something about the time after the pause began."""
        return permit.sent_at is not None and permit.sent_at > self.began

    def begin(self, now: float) -> None:
        """Count a refusal that is news."""
        self.row += 1
        self.began = now
        self.first = None
        if math.isinf(self.silent_from):
            self.silent_from = now

    def last(self, now: float, seconds: float) -> None:
        """Set the length of the pause: so much after the first refusal of a row, then more and more."""
        longest = _LONGEST_S if now - self.silent_from < _LATER_S else _LONGEST_LATER_S
        if self.row == 1:
            self._seconds = seconds
        else:
            is_soon = now - self.silent_from < WINDOW_S
            growth = _GROWTH_SLOW if seconds > _SLOW_S else _GROWTH if is_soon else _GROWTH_LATER
            self._seconds = max(self._seconds, seconds) * growth
        self._seconds = min(longest, self._seconds)
        self.until = now + self._seconds

    def last_for_window(self, now: float, accepted: Collection[float]) -> None:
        """Set the length after a refusal at a given rate: until a window of a second has room again."""
        recent = [sent_at for sent_at in accepted if sent_at > now - WINDOW_S]
        until = min(recent) + WINDOW_S + _SLACK_S if recent else now + min(_HOLD_MAX_S, 2.0 ** (self.row - 1))
        self.last_until(until)

    def last_until(self, moment: float) -> None:
        """Lengthen the pause."""
        self.until = max(self.until, moment)

    def obey(self, now: float, retry_after_s: float | None, *, is_rate_known: bool) -> None:
        """Lengthen the pause to what the server asked for."""
        if retry_after_s and not (is_rate_known and retry_after_s <= _SOON_S):
            self.last_until(now + min(retry_after_s, RETRY_AFTER_MAX_S))
            self._was_asked_for = True
        elif self._was_asked_for and retry_after_s is not None:
            self.last_until(now + _ROUNDED_S)
            self._was_asked_for = False

    def end(self) -> None:
        """Note that a request sent after the pause was accepted."""
        self.row = 0
        self.silent_from = math.inf
        self.is_single = self._was_asked_for = False

    def wait(self, now: float, latency_s: float) -> float:
        """Seconds to wait before asking again; 0 where the pause holds nobody up."""
        if now < self.until:
            return self.until - now
        if not self.is_single or self.first is None or self.first.sent_at is None:
            return 0.0
        if now - self.first.sent_at > max(_LOST_S, _LOST_LATENCIES * latency_s):
            self.first = None
            return 0.0
        return max(0.005, latency_s / 4)
