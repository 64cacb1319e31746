"""How fast requests may go: one limiter per host, key and family of methods, for the whole process.

Arithmetic over a clock; it sleeps nowhere and belongs to no event loop, so that pulls in several loops and
threads share a limiter. A request takes a `Permit`, asks `RateLimiter.claim` how long to wait, and reports
the outcome with `accepted`, `refused`, `failed` or `give_back`.
"""

from __future__ import annotations

import os
import threading
from typing import Final, Literal, TypeAlias

from helius_frames._transport.rate_limit._limiter import RateLimiter
from helius_frames._transport.rate_limit._pause import RETRY_AFTER_MAX_S
from helius_frames._transport.rate_limit._timetable import Permit

__all__ = ["PLANS", "RETRY_AFTER_MAX_S", "Permit", "Plan", "RateLimiter", "shared_limiter"]

Plan: TypeAlias = Literal["free", "developer", "business", "professional"]

# Requests a second of the Photon methods on Helius, by plan (its documentation of January 2026).
PLANS: Final[dict[str, float]] = {"free": 2.0, "developer": 10.0, "business": 50.0, "professional": 100.0}


def shared_limiter(account: tuple[str, ...]) -> RateLimiter:
    """Return the limiter of an account: the same one for every pull, loop and thread of the process."""
    with _lock:
        return _limiters.setdefault(account, RateLimiter())


_limiters: dict[tuple[str, ...], RateLimiter] = {}
_lock = threading.Lock()


def _start_anew() -> None:
    """Forget the limiters in a forked child: a lock held at that moment would never open again."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _limiters.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
