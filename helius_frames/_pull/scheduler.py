"""Many walks at once: a fixed number of workers, and no long walk left alone at the end.

Walks begin in the order asked. A worker that finds none left to begin helps with the longest one: it splits
that walk's largest range and reads the upper half (see `key_ranges`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from helius_frames._protocol.jsonrpc import METHOD_NOT_FOUND
from helius_frames.errors import (
    AuthenticationError,
    HeliusError,
    HostUnreachableError,
    InputError,
    RateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from helius_frames._pull.rows import Rows
    from helius_frames._pull.stats import PullStats

# How often a walk is repeated until two passes in a row agree.
PASSES_MAX: Final = 6

_ENDS_PULL: Final = (AuthenticationError, RateLimitError, HostUnreachableError, InputError)


class Walk(Protocol):
    """Reads one owner (or mint), with one reader or several."""

    @property
    def requests(self) -> int:
        """Requests so far."""

    async def read(self) -> Rows | None:
        """Read from the start; the reader that ends last gets the rows, the others ``None``."""

    def help(self) -> Awaitable[Rows | None]:
        """Take over a part from the reader that has most left; only where `pages_left` is above 0."""

    def pages_left(self) -> float:
        """Estimate of the pages that a helper could share; 0 where there are none."""

    def drop(self) -> None:
        """Make every reader stop after the request it is in."""


class Sink(Protocol):
    """Where rows go; each call may wait, which holds the worker back."""

    async def add(self, index: int, rows: Rows) -> None:
        """Take rows of one walk; they come in its order."""

    async def close(self, index: int) -> None:
        """Take note that no more rows of this walk will come."""


@dataclass(slots=True, eq=False)
class _Entry:
    """One walk in progress."""

    index: int
    walk: Walk
    before: Rows | None = None
    passes: int = 1
    is_over: bool = False


class Scheduler:
    """Reads all walks into a sink.

    Parameters
    ----------
    new_walk
        Makes the walk of an index.
    is_stable
        Repeat a walk of several requests until two passes agree.
    is_collecting
        Continue where one walk fails.
    has_spare
        Whether a helper would speed a walk up: not while the rate limit binds.
    """

    def __init__(
        self,
        new_walk: Callable[[int], Walk],
        stats: PullStats,
        sink: Sink,
        *,
        workers: int,
        is_stable: bool,
        is_collecting: bool,
        has_spare: Callable[[], bool],
    ) -> None:
        self._new_walk = new_walk
        self._stats = stats
        self._sink = sink
        self._workers = workers
        self._is_stable = is_stable
        self._is_collecting = is_collecting
        self._has_spare = has_spare
        self._begun = 0
        self._busy = 0
        self._entries: list[_Entry] = []
        self._again: list[_Entry] = []
        self._errors: dict[int, HeliusError] = {}
        self.changed = asyncio.Event()
        """Set it where a walk may have become worth helping with."""

    async def run(self) -> None:
        """Read everything; the error that ends the pull is raised, with the ``others`` that came with it."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            if workers:
                await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for worker in workers:
                worker.cancel()
            results = await asyncio.gather(*workers, return_exceptions=True)
        if self._errors:
            # An error that ends the pull for every owner goes first: `except AuthenticationError` must meet
            # it.
            first, *others = sorted(self._errors.items(), key=lambda item: (not ends_pull(item[1]), item[0]))
            first[1].others = tuple(error for _, error in others if not ends_pull(error))
            raise first[1]
        for result in results:
            if result is not None and not isinstance(result, asyncio.CancelledError):
                raise result

    async def _work(self) -> None:
        """Begin the next walk, else help with the longest one, else wait until there is something to do."""
        while (job := await self._next_job()) is not None:
            entry, reading = job
            self._busy += 1
            try:
                rows = await reading
                if rows is not None and not entry.is_over:
                    await self._finish(entry, rows)
            except HeliusError as error:
                await self._fail(entry, error)
            finally:
                self._busy -= 1
                self.changed.set()

    async def _next_job(self) -> tuple[_Entry, Awaitable[Rows | None]] | None:
        while True:
            if self._again or self._begun < len(self._stats.subjects):
                entry = self._again.pop() if self._again else _Entry(self._begun, self._new_walk(self._begun))
                self._begun = max(self._begun, entry.index + 1)
                self._entries.append(entry)
                return entry, entry.walk.read()
            longest = max(self._entries, key=lambda entry: entry.walk.pages_left(), default=None)
            if longest is not None and longest.walk.pages_left() and self._has_spare():
                return longest, longest.walk.help()
            if not self._busy:
                return None
            self.changed.clear()
            await self.changed.wait()

    async def _finish(self, entry: _Entry, rows: Rows) -> None:
        self._close(entry)
        # One request is one moment: only a walk of several can have met two states.
        is_stable = not self._is_stable or entry.walk.requests == 1 or _agree(entry.before, rows)
        if not is_stable and entry.passes < PASSES_MAX:
            self._again.append(_Entry(entry.index, self._new_walk(entry.index), rows, entry.passes + 1))
            return
        self._stats.add_rows(rows)
        await self._sink.add(entry.index, rows)
        self._stats.finish(entry.index, is_stable=is_stable)
        await self._sink.close(entry.index)

    async def _fail(self, entry: _Entry, error: HeliusError) -> None:
        if entry.is_over:
            return
        self._close(entry)
        entry.walk.drop()
        if not self._is_collecting or ends_pull(error):
            self._errors[entry.index] = error
            raise error
        self._stats.fail(entry.index, error)
        await self._sink.close(entry.index)

    def _close(self, entry: _Entry) -> None:
        entry.is_over = True
        self._entries.remove(entry)


def ends_pull(error: HeliusError) -> bool:
    """Return whether an error is not one owner's own: no other owner would fare better."""
    return isinstance(error, _ENDS_PULL) or error.code == METHOD_NOT_FOUND


def _agree(before: Rows | None, rows: Rows) -> bool:
    if before is None:
        return False
    return np.array_equal(before.keys, rows.keys) and np.array_equal(before.balances, rows.balances)
