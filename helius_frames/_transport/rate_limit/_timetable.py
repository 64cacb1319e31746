"""When each request may be sent: places on a line of even distances.

A client that sends evenly, a little below the rate, is never refused by a limiter of that rate: neither by a
bucket, whatever its burst, nor by a window, whatever its length, for in no stretch of time are there more
requests than the rate allows. That is why places are given out one distance apart, and why unused time is
not made up for: a burst after a pause is what a limiter counts against the client.

Two things spoil evenness. The network brings requests closer together than they were sent: for a rate that
was given, the distance is 2 % longer, and more after refusals. And a busy machine wakes tasks late, several
at once: a request waits until its distance to the last ones is right, however late these went.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import Final

# A second's worth of requests is spread over this much more than a second. Each lone refusal of the last
# minute adds as much again, up to so many times: this network, or this machine, is less even.
SLACK: Final = 0.02
_SLACKS_MAX: Final = 6
_UNEVEN_S: Final = 60.0
_SENDS_KEPT_S: Final = 10.0
# Of a learned distance, so much is kept between any two requests.
_CLOSEST: Final = 0.7
# A learned rate changes: places are given out for so long ahead only.
_AHEAD_S: Final = 0.2


class Permit:
    """One request's permission to be sent; for one request, once."""

    __slots__ = ("edition", "place", "sent_at")

    def __init__(self) -> None:
        self.place: float | None = None
        self.edition = -1
        self.sent_at: float | None = None


class Timetable:
    """The places of all requests that share a rate; void and given out anew when the rate falls."""

    def __init__(self) -> None:
        self.last_sent = -math.inf
        self._sends: deque[float] = deque()
        self._edition = 0
        self._next = -math.inf
        self._given_back: list[float] = []
        self._uneven: deque[float] = deque(maxlen=_SLACKS_MAX - 1)

    def wait(self, permit: Permit, now: float, given: float, learned: float) -> float:
        """Seconds until the permit's place comes, at the lower of a given and a learned rate."""
        rate = min(given, learned)
        if math.isinf(rate):
            return 0.0
        if permit.place is None or permit.edition != self._edition:
            if learned < given and self._next - now > _AHEAD_S:
                return _AHEAD_S
            permit.place, permit.edition = self._take(now, self.distance(now, given, learned)), self._edition
        opens = self._window_opens(given) if given <= learned else self.last_sent + _CLOSEST / learned
        return max(permit.place, opens) - now

    def distance(self, now: float, given: float, learned: float) -> float:
        """Seconds between two requests."""
        if learned < given:
            return 1 / learned
        return (1 + SLACK * (1 + sum(at > now - _UNEVEN_S for at in self._uneven))) / given

    def queue_s(self, now: float) -> float:
        """Seconds until the first free place."""
        return self._next - now

    def sent(self, permit: Permit, now: float) -> None:
        """Note a request."""
        permit.sent_at = self.last_sent = now
        self._sends.append(now)
        while self._sends[0] < now - _SENDS_KEPT_S:
            self._sends.popleft()

    def give_back(self, permit: Permit) -> None:
        """Leave the place of a permit that was not used to the next who asks."""
        if permit.place is not None and permit.edition == self._edition:
            heapq.heappush(self._given_back, permit.place)

    def begin_anew(self, first: float) -> None:
        """Void every place given out: whoever waits takes a new one, the first at that moment."""
        self._edition += 1
        self._given_back.clear()
        self._next = first

    def note_uneven(self, now: float) -> None:
        """Note a refusal although a given rate was kept to."""
        self._uneven.append(now)

    def _take(self, now: float, distance: float) -> float:
        while self._given_back:
            place = heapq.heappop(self._given_back)
            if place >= now:
                return place
        place = max(now, self._next)
        self._next = place + distance
        return place

    def _window_opens(self, rate: float) -> float:
        """When one request more keeps every second within a given rate, however late the last ones went."""
        count = max(1, math.floor(rate))
        return self._sends[-count] + count / rate if len(self._sends) >= count else -math.inf
