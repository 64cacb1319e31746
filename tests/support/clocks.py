"""The one clock of the tests, which moves when it is told to."""

from __future__ import annotations

import asyncio
import time


class FakeClock:
    """A clock that only its own `sleep`, or a test that sets ``now``, moves; it notes each pause."""

    def __init__(self, now=0.0):
        self.now = now
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        if seconds:
            self.slept.append(float(seconds))
        self.now += seconds
        await asyncio.sleep(0)


class FastClock(FakeClock):
    """A clock that runs as ever, and skips every pause."""

    def __call__(self):
        return time.monotonic() + self.now
