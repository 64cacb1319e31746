"""Many owners at once: a fixed number of workers, and no long walk left alone at the end.

Owners are begun in the order asked. A worker that finds no owner left to begin helps with the longest walk
there is: it cuts the largest open span in two and reads the upper part (see `_walk`). It may import
`_walk`, `_wire` and `errors`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from helius_frames._walk import Asker, KeyWalk, MintsWalk, Rows
from helius_frames._wire import METHOD_NOT_FOUND
from helius_frames.errors import (
    AuthenticationError,
    HeliusError,
    HeliusErrorGroup,
    HostUnreachableError,
    InputError,
    RateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from helius_frames._wire import Page

# How often an owner is read until two passes in a row agree.
PASSES_MAX: Final = 6

_ENDS_PULL: Final = (AuthenticationError, RateLimitError, HostUnreachableError, InputError)


class Sink(Protocol):
    """Where rows go; each call may wait, which holds the worker back."""

    async def emit(self, index: int, page: Page) -> None:
        """Take one page of an owner whose pages come in order."""

    async def done(self, index: int, rows: Rows, *, is_stable: bool) -> None:
        """Take what of a finished owner was not emitted."""

    async def failed(self, index: int, fault: HeliusError) -> None:
        """Take note of an owner that failed."""


@dataclass(frozen=True, slots=True)
class Orders:
    """How a pull goes about it."""

    mints: tuple[str, ...] = ()
    page_size: int = 1000
    max_concurrency: int = 16
    is_collecting: bool = False
    is_stable: bool = False
    is_streaming: bool = False


@dataclass(slots=True, eq=False)
class _Entry:
    """One owner under way."""

    index: int
    walk: KeyWalk | MintsWalk
    before: Rows | None = None
    passes: int = 1
    is_over: bool = False


class Schedule:
    """Reads all owners through one `Asker` and gives what it finds to a `Sink`."""

    def __init__(
        self,
        asker: Asker,
        owners: Sequence[str],
        orders: Orders,
        sink: Sink,
        *,
        has_spare: Callable[[], bool] = lambda: True,
    ) -> None:
        self._asker = asker
        self._owners = owners
        self._orders = orders
        self._sink = sink
        self._has_spare = has_spare
        self._begun = 0
        self._busy = 0
        self._entries: list[_Entry] = []
        self._changed = asyncio.Event()
        asker.on_page.append(self._changed.set)

    async def run(self) -> None:
        """Read everything; raise the fault that ends the pull, or all that came at once."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers_wanted())]
        try:
            if workers:
                await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            results = await _end(workers)
        _raise_any(results)

    def _workers_wanted(self) -> int:
        if self._orders.mints or self._orders.is_streaming:
            return min(self._orders.max_concurrency, len(self._owners))
        return self._orders.max_concurrency if self._owners else 0

    async def _work(self) -> None:
        while (job := await self._next_job()) is not None:
            self._busy += 1
            try:
                await job
            finally:
                self._busy -= 1
                self._changed.set()

    async def _next_job(self) -> Awaitable[None] | None:
        while True:
            if self._begun < len(self._owners):
                return self._begin()
            if (job := self._lend_a_hand()) is not None:
                return job
            if not self._busy:
                return None
            self._changed.clear()
            await self._changed.wait()

    def _begin(self) -> Awaitable[None]:
        index = self._begun
        self._begun += 1
        return self._read(_Entry(index, self._new_walk(index)))

    def _lend_a_hand(self) -> Awaitable[None] | None:
        if not self._entries or not self._has_spare():
            return None
        entry = max(self._entries, key=lambda entry: entry.walk.pages_left())
        if not isinstance(entry.walk, KeyWalk) or not entry.walk.pages_left():
            return None
        return self._walk(entry, entry.walk.walk(entry.walk.cut()))

    def _new_walk(self, index: int) -> KeyWalk | MintsWalk:
        owner, orders = self._owners[index], self._orders

        async def emit(page: Page) -> None:
            await self._sink.emit(index, page)

        if orders.mints:
            return MintsWalk(self._asker, owner, orders.mints)
        return KeyWalk(self._asker, owner, emit=emit if orders.is_streaming else None)

    async def _read(self, entry: _Entry) -> None:
        self._entries.append(entry)
        await self._walk(entry, entry.walk.start())

    async def _walk(self, entry: _Entry, walking: Awaitable[None]) -> None:
        try:
            await walking
        except HeliusError as fault:
            await self._fail(entry, fault)
        else:
            await self._finish(entry)

    async def _finish(self, entry: _Entry) -> None:
        if entry.is_over or not entry.walk.is_done:
            return
        self._close(entry)
        rows = entry.walk.rows()
        is_stable = not self._orders.is_stable or entry.walk.asked == 1 or _agree(entry.before, rows)
        if is_stable or entry.passes == PASSES_MAX:
            await self._sink.done(entry.index, rows, is_stable=is_stable)
        else:
            again = _Entry(entry.index, self._new_walk(entry.index), rows, entry.passes + 1)
            await self._read(again)

    async def _fail(self, entry: _Entry, fault: HeliusError) -> None:
        if entry.is_over:
            return
        self._close(entry)
        entry.walk.drop()
        if not self._orders.is_collecting or _ends_pull(fault):
            raise fault
        await self._sink.failed(entry.index, fault)

    def _close(self, entry: _Entry) -> None:
        entry.is_over = True
        self._entries.remove(entry)


def _ends_pull(fault: HeliusError) -> bool:
    """Whether a fault is not one owner's own: no other owner would fare better."""
    return isinstance(fault, _ENDS_PULL) or fault.code == METHOD_NOT_FOUND


def _agree(before: Rows | None, rows: Rows) -> bool:
    if before is None:
        return False
    return np.array_equal(before.mints, rows.mints) and np.array_equal(before.balances, rows.balances)


async def _end(workers: Sequence[asyncio.Task[None]]) -> list[BaseException | None]:
    for worker in workers:
        worker.cancel()
    return await asyncio.gather(*workers, return_exceptions=True)


def _raise_any(results: Sequence[BaseException | None]) -> None:
    faults = [result for result in results if isinstance(result, HeliusError)]
    # A wrong key fails every owner alike: told once, so that `except AuthenticationError` always meets it.
    faults = [fault for fault in faults if _ends_pull(fault)][:1] or faults
    if len(faults) > 1:
        raise HeliusErrorGroup(f"{len(faults)} owners failed at once", faults)
    for result in (*faults, *results):
        if result is not None and not isinstance(result, asyncio.CancelledError):
            raise result
