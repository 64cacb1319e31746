"""How fast requests may go: one limiter per host, key and family of methods, for the whole process.

Arithmetic over a clock; it sleeps nowhere and belongs to no event loop, so that pulls in several loops and
threads share a limiter. A request takes a `Permit`, asks `RateLimiter.claim` how long to wait, and says what
came of it with `accepted`, `refused`, `failed` or `give_back`.
"""

from __future__ import annotations

import math
import os
import threading
from numbers import Real
from typing import Final, Literal, TypeAlias

from helius_frames._transport.rate_limit._limiter import RateLimiter
from helius_frames._transport.rate_limit._pause import RETRY_AFTER_MAX_S
from helius_frames._transport.rate_limit._timetable import Permit
from helius_frames.errors import InputError

__all__ = ["PLANS", "RETRY_AFTER_MAX_S", "Permit", "Plan", "RateLimiter", "shared_limiter"]

Plan: TypeAlias = Literal["free", "developer", "business", "professional"]

# Requests a second of the Photon methods on Helius, by plan (its documentation of January 2026).
PLANS: Final[dict[str, float]] = {"free": 2.0, "developer": 10.0, "business": 50.0, "professional": 100.0}


# The names of 0.1.0, until its client is gone.
class Turn(Permit):
    """A permit under its former name."""

    __slots__ = ()

    @property
    def slot(self) -> float | None:
        """Its place."""
        return self.place


class Budget(RateLimiter):
    """The limiter under its former name."""

    def rate_binds(self) -> bool:
        """Whether requests queue for the rate."""
        return self.is_limiting


def check_pace(plan: str | None, requests_per_second: float | None) -> float | None:
    """Turn a plan's name or a number into requests a second; ``None`` where neither is given.

    Raises
    ------
    InputError
        The plan is unknown, or the number is not positive and finite.
    """
    if plan is not None and plan not in PLANS:
        raise InputError(f"plan={plan!r} is unknown: choose one of {', '.join(PLANS)}")
    if requests_per_second is None:
        return None if plan is None else PLANS[plan]
    if not _is_rate(requests_per_second):
        raise InputError(f"requests_per_second={requests_per_second!r} is no finite number above zero")
    return float(requests_per_second)


def shared_limiter(account: tuple[str, ...]) -> RateLimiter:
    """Return the limiter of an account: the same one for every pull, loop and thread of the process."""
    with _lock:
        return _limiters.setdefault(account, Budget())


def _is_rate(number: object) -> bool:
    if not isinstance(number, Real) or isinstance(number, bool):
        return False
    return math.isfinite(number) and float(number) > 0


_limiters: dict[tuple[str, ...], Budget] = {}
_lock = threading.Lock()


def _start_anew() -> None:
    """Forget the limiters in a forked child: a lock held at that moment would never open again."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _limiters.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def shared_budget(account: tuple[str, str]) -> Budget:
    """Return the limiter of an account under its former name."""
    shared_limiter(account)
    return _limiters[account]
