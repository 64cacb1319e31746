"""A pull as frames of a fixed number of rows, in the order of the whole frame and in bounded memory.

It may import `_pull` and what stands below it. Owners finish in any order; a `Window` holds back those that
run ahead of the first unfinished one, so what waits is bounded by the chunk and the concurrency.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from helius_frames._frame import FrameBuilder, without_zeros
from helius_frames._pull import Pull
from helius_frames._walk import Rows, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from helius_frames._arguments import Request
    from helius_frames._wire import Page
    from helius_frames.errors import HeliusError, PullInterrupted


class _Piece(NamedTuple):
    owner: int
    rows: Rows


class Window:
    """The sink of a chunked pull: rows in order on one side, what runs ahead on the other."""

    def __init__(self, pull: Pull, size: int) -> None:
        self._ledger = pull.ledger
        self._drop_zero = pull.request.drop_zero
        self._size = size
        self._head = 0
        self._ready: deque[_Piece] = deque()
        self._ready_rows = 0
        self._ahead: dict[int, list[_Piece]] = {}
        self._ahead_rows = 0
        self._over: set[int] = set()
        self._changed = asyncio.Condition()

    async def emit(self, index: int, page: Page) -> None:
        """Take one page, once there is room for it."""
        await self._put(index, join([page]))

    async def done(self, index: int, rows: Rows, *, is_stable: bool) -> None:
        """Take a finished owner, once there is room for it."""
        await self._put(index, rows)
        self._ledger.finish(index, is_stable=is_stable)
        await self._close(index)

    async def failed(self, index: int, fault: HeliusError) -> None:
        """Take note of a failed owner."""
        self._ledger.fail(index, fault)
        await self._close(index)

    async def wait(self) -> None:
        """Wait until a chunk is ready; cancelled by the pull's own end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ready_rows >= self._size)

    async def take(self) -> list[_Piece]:
        """Take out the next chunk's rows, fewer only where no more are ready."""
        async with self._changed:
            pieces, wanted = [], self._size
            while self._ready and wanted:
                piece, rest = _split(self._ready.popleft(), wanted)
                pieces.append(piece)
                wanted -= len(piece.rows)
                if rest is not None:
                    self._ready.appendleft(rest)
            self._ready_rows -= self._size - wanted
            self._changed.notify_all()
        return pieces

    def pieces(self) -> list[_Piece]:
        """All rows that no chunk has taken yet."""
        ahead = (piece for index in sorted(self._ahead) for piece in self._ahead[index])
        return [*self._ready, *ahead]

    async def _put(self, index: int, rows: Rows) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(index))
            rows = without_zeros(rows) if self._drop_zero else rows
            self._ledger.saw(rows)
            if index == self._head:
                self._make_ready(_Piece(index, rows))
            else:
                self._ahead.setdefault(index, []).append(_Piece(index, rows))
                self._ahead_rows += len(rows)
            self._changed.notify_all()

    def _has_room(self, index: int) -> bool:
        return self._ready_rows < self._size if index == self._head else self._ahead_rows < self._size

    async def _close(self, index: int) -> None:
        async with self._changed:
            self._over.add(index)
            while self._head in self._over:
                self._over.discard(self._head)
                self._head += 1
                self._catch_up()
            self._changed.notify_all()

    def _catch_up(self) -> None:
        for piece in self._ahead.pop(self._head, []):
            self._ahead_rows -= len(piece.rows)
            self._make_ready(piece)

    def _make_ready(self, piece: _Piece) -> None:
        if len(piece.rows):
            self._ready.append(piece)
            self._ready_rows += len(piece.rows)


class ChunkedPull:
    """A pull that is taken chunk by chunk, within one event loop."""

    def __init__(self, request: Request, size: int) -> None:
        self.pull = Pull(request)
        self._request = request
        self._window = Window(self.pull, size)
        self._running: asyncio.Task[None] | None = None
        self._is_asked = False
        self._in_hand: list[_Piece] = []
        self._given = 0

    @property
    def is_running(self) -> bool:
        """Whether requests may be under way."""
        return self._running is not None and not self._running.done()

    async def next_chunk(self) -> pd.DataFrame | None:
        """Wait for the next chunk; ``None`` after the last one. A pull without rows gives one empty chunk.

        Until `given` says that the caller has it, the same chunk comes again: a wait that ends early, by a
        timeout or an interrupt, loses nothing.
        """
        if self._running is None:
            self._running = asyncio.create_task(self.pull.run(self._window))
            self._running.add_done_callback(_note_fault)
        if not self._is_here(self._running):
            raise RuntimeError("these chunks were begun in another event loop or process: go on there")
        if not self._in_hand:
            await self._wait(self._running)
            self._in_hand = await self._window.take()
        if not self._in_hand and self._given:
            return None
        return self._frame(self._in_hand)

    def given(self) -> None:
        """Take note that the caller has the chunk."""
        self._in_hand = []
        self._given += 1

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse a second wait for the next chunk: both would be given the same."""
        if self._is_asked:
            raise RuntimeError("the next chunk is being waited for already: ask again when it is there")
        self._is_asked = True
        try:
            yield
        finally:
            self._is_asked = False

    async def close(self) -> None:
        """Stop every request in flight, and wait until it has."""
        self.abandon()
        if self._running is not None and self._is_here(self._running):
            await asyncio.wait([self._running])

    def abandon(self) -> None:
        """Stop every request in flight, from any thread and without waiting: the loop itself may ask."""
        if self._running is not None and not self._running.done():
            with suppress(RuntimeError):  # its loop is closed
                self._running.get_loop().call_soon_threadsafe(self._running.cancel)

    def attach(self, fault: HeliusError | PullInterrupted) -> None:
        """Give an exception what had arrived and was not given out."""
        finished = self.pull.ledger.finished
        pieces = (*self._in_hand, *self._window.pieces())
        fault.partial = self._frame([piece for piece in pieces if piece.owner in finished])
        fault.open_owners = self.pull.ledger.open_owners()

    @staticmethod
    def _is_here(running: asyncio.Task[None]) -> bool:
        return running.get_loop() is asyncio.get_running_loop()

    async def _wait(self, running: asyncio.Task[None]) -> None:
        ready = asyncio.create_task(self._window.wait())
        try:
            await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if running.done():
            running.result()

    def _frame(self, pieces: list[_Piece]) -> pd.DataFrame:
        place = {index: n for n, index in enumerate(dict.fromkeys(piece.owner for piece in pieces))}
        owners = [self._request.owners[index] for index in place]
        builder = FrameBuilder(owners, dtype_backend=self._request.dtype_backend)
        for piece in pieces:
            builder.add(place[piece.owner], piece.rows)
        frame = builder.frame()
        frame.attrs["helius"] = self.pull.ledger.attrs()
        return frame


def _note_fault(running: asyncio.Task[None]) -> None:
    """Take the fault of a pull that nobody may ask for any more: asyncio would log it as never retrieved."""
    if not running.cancelled():
        running.exception()


def _split(piece: _Piece, wanted: int) -> tuple[_Piece, _Piece | None]:
    rows = piece.rows
    if len(rows) <= wanted:
        return piece, None
    slots = np.repeat(rows.slots, rows.runs)
    ones = np.ones(len(rows), dtype=np.int64)
    first = Rows(rows.mints[:wanted], rows.balances[:wanted], slots[:wanted], ones[:wanted])
    rest = Rows(rows.mints[wanted:], rows.balances[wanted:], slots[wanted:], ones[wanted:])
    return _Piece(piece.owner, first), _Piece(piece.owner, rest)
