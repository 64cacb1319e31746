"""The rate limiters of this world, as plain models of a clock that the caller reads.

`allow(now)` takes one request at a time `now`: ``None`` where it is let through, otherwise the exact seconds
until one would be. A refused request costs nothing. The limits are attributes and may be changed in between.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol


class Limiter(Protocol):
    """What decides about each request."""

    def allow(self, now: float) -> float | None:
        """Return ``None`` where the request passes, else the seconds until one would."""

    def done(self) -> None:
        """Note that a request which had passed was answered."""


class TokenBucket:
    """A bucket of `burst` tokens that gains `rate` of them a second; a request takes one (GCRA is the same).

    nginx, Envoy, most cloud gateways and most limiters in Redis are of this kind.
    """

    def __init__(self, rate: float, burst: float = 1) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._at = -math.inf

    def allow(self, now: float) -> float | None:
        """Take a token, or say when the next one is there."""
        if self._at > -math.inf:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1 - 1e-9:
            return (1 - self._tokens) / self.rate
        self._tokens -= 1
        return None

    def done(self) -> None:
        """Nothing depends on answers."""


class FixedWindow:
    """`limit` requests in each stretch of `seconds`, counted anew from each multiple of it."""

    def __init__(self, limit: int, seconds: float = 1.0, *, offset: float = 0.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._offset = offset
        self._window = -math.inf
        self._count = 0

    def allow(self, now: float) -> float | None:
        """Count the request, or say when the next window opens."""
        window = math.floor((now - self._offset) / self.seconds)
        if window > self._window:
            self._window, self._count = window, 0
        if self._count >= self.limit:
            return max(1e-9, (self._window + 1) * self.seconds + self._offset - now)
        self._count += 1
        return None

    def done(self) -> None:
        """Nothing depends on answers."""


class SlidingWindow:
    """`limit` requests in any stretch of `seconds`."""

    def __init__(self, limit: int, seconds: float = 1.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._times: deque[float] = deque()

    def allow(self, now: float) -> float | None:
        """Note the request, or say when the oldest of them leaves the window."""
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        if len(self._times) >= self.limit:
            return max(1e-9, self._times[len(self._times) - self.limit] + self.seconds - now)
        self._times.append(now)
        return None

    def done(self) -> None:
        """Nothing depends on answers."""


class InFlight:
    """`limit` requests at once, however many a second."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._count = 0

    def allow(self, now: float) -> float | None:  # noqa: ARG002 - time does not matter here
        """Take a place; when one is free again nobody knows."""
        if self._count >= self.limit:
            return 0.0
        self._count += 1
        return None

    def done(self) -> None:
        """Free the place of a request."""
        self._count -= 1
