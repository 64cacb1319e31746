"""Where the rows of a pull go: one frame at the end, or chunks of a fixed number of rows on the way.

Walks end in any order. A `ChunkSink` holds back those that run ahead of the first unfinished one, so that
what waits is bounded by the chunk and the concurrency.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from helius_frames._frame import FrameBuilder

if TYPE_CHECKING:
    import pandas as pd

    from helius_frames._pull.pull import Pull
    from helius_frames._pull.rows import Rows
    from helius_frames.errors import HeliusError, PullInterrupted


class FrameSink:
    """The sink of a pull that becomes one frame."""

    def __init__(self, pull: Pull) -> None:
        config = pull.config
        self._stats = pull.stats
        self._subject = config.subject
        self._builder = FrameBuilder(
            config.subjects,
            drop_zero=config.drop_zero,
            dtype_backend=config.dtype_backend,
            subject=config.subject,
            keys=config.owners if config.kind == "holders" else None,
        )

    async def add(self, index: int, rows: Rows) -> None:
        """Take the rows of one owner."""
        self._builder.add(index, rows)

    async def close(self, index: int) -> None:
        """Nothing to do: nobody waits for an owner."""

    def frame(self) -> pd.DataFrame:
        """Build the frame of the finished owners, once."""
        frame = self._builder.frame(self._stats.finished)
        frame.attrs["helius"] = self._stats.attrs()
        return frame

    def keep(self, error: HeliusError | PullInterrupted) -> None:
        """Attach what had arrived to the exception that ended the pull."""
        error.keep(self.frame(), self._stats.left(), len(self._stats.subjects), self._subject)


class _Piece(NamedTuple):
    """Rows of one walk that no chunk has yet."""

    walk: int
    rows: Rows


class ChunkSink:
    """The sink of a chunked pull, and its task: ready rows on one side, what runs ahead on the other."""

    def __init__(self, pull: Pull, size: int) -> None:
        self._pull = pull
        self._size = size
        self._head = 0
        self._ready: deque[_Piece] = deque()
        self._ready_rows = 0
        self._ahead: dict[int, list[_Piece]] = {}
        self._ahead_rows = 0
        self._over: set[int] = set()
        self._changed = asyncio.Condition()
        self._running: asyncio.Task[None] | None = None
        self._in_hand: list[_Piece] = []
        self._given = 0

    async def add(self, index: int, rows: Rows) -> None:
        """Take rows, once there is room for them."""
        if self._pull.config.drop_zero:
            rows = rows.take(rows.balances > 0)
        async with self._changed:
            await self._changed.wait_for(
                lambda: (self._ready_rows if index == self._head else self._ahead_rows) < self._size
            )
            if index == self._head:
                self._make_ready(_Piece(index, rows))
            else:
                self._ahead.setdefault(index, []).append(_Piece(index, rows))
                self._ahead_rows += len(rows)
            self._changed.notify_all()

    async def close(self, index: int) -> None:
        """Move on to the first owner that is still open."""
        async with self._changed:
            self._over.add(index)
            while self._head in self._over:
                self._over.discard(self._head)
                self._head += 1
                for piece in self._ahead.pop(self._head, []):
                    self._ahead_rows -= len(piece.rows)
                    self._make_ready(piece)
            self._changed.notify_all()

    async def next_chunk(self) -> pd.DataFrame | None:
        """Wait for the next chunk; ``None`` after the last one. A pull without rows gives one empty chunk.

        Until `given` says that the caller has it, the same chunk comes again: a wait that ends early, by a
        timeout or an interrupt, loses nothing.
        """
        if self._running is None:
            self._running = asyncio.create_task(self._pull.run(self))
            # Nobody may ask for it any more, and asyncio would log an error as never retrieved.
            self._running.add_done_callback(lambda running: running.cancelled() or running.exception())
        if self._running.get_loop() is not asyncio.get_running_loop():
            raise RuntimeError("these chunks were begun in another event loop or process: continue there")
        if not self._in_hand:
            ready = asyncio.create_task(self._wait())
            try:
                await asyncio.wait([self._running, ready], return_when=asyncio.FIRST_COMPLETED)
            finally:
                ready.cancel()
            if self._running.done():
                self._running.result()
            self._in_hand = await self._take()
        return self._frame(self._in_hand) if self._in_hand or not self._given else None

    def given(self) -> None:
        """Note that the caller has the chunk."""
        self._in_hand = []
        self._given += 1

    async def aclose(self) -> None:
        """Stop every request in flight, and wait until it has."""
        self.abandon()
        if self._running is not None and self._running.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([self._running])

    def abandon(self) -> None:
        """Stop every request in flight, from any thread and without waiting: the loop itself may call it."""
        if self._running is not None and not self._running.done():
            with suppress(RuntimeError):  # its loop is closed
                self._running.get_loop().call_soon_threadsafe(self._running.cancel)

    @property
    def is_running(self) -> bool:
        """Whether requests may be in flight."""
        return self._running is not None and not self._running.done()

    def keep(self, error: HeliusError | PullInterrupted) -> None:
        """Attach what had arrived and was not given out to the exception that ended the pull."""
        stats = self._pull.stats
        ahead = [piece for index in sorted(self._ahead) for piece in self._ahead[index]]
        pieces = (*self._in_hand, *self._ready, *ahead)
        partial = self._frame([piece for piece in pieces if piece.walk in stats.finished])
        error.keep(partial, stats.left(), len(stats.subjects), self._pull.config.subject)

    async def _wait(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._ready_rows >= self._size)

    async def _take(self) -> list[_Piece]:
        """Take out the next chunk's rows, fewer only where no more are ready."""
        async with self._changed:
            pieces, wanted = [], self._size
            while self._ready and wanted:
                walk, rows = self._ready.popleft()
                pieces.append(_Piece(walk, rows.take(slice(wanted))))
                if len(rows) > wanted:
                    self._ready.appendleft(_Piece(walk, rows.take(slice(wanted, None))))
                wanted -= len(pieces[-1].rows)
            self._ready_rows -= self._size - wanted
            self._changed.notify_all()
        return pieces

    def _make_ready(self, piece: _Piece) -> None:
        if len(piece.rows):
            self._ready.append(piece)
            self._ready_rows += len(piece.rows)

    def _frame(self, pieces: list[_Piece]) -> pd.DataFrame:
        config = self._pull.config
        place = {index: n for n, index in enumerate(dict.fromkeys(piece.walk for piece in pieces))}
        subjects = [config.subjects[index] for index in place]
        builder = FrameBuilder(subjects, dtype_backend=config.dtype_backend, subject=config.subject)
        for piece in pieces:
            builder.add(place[piece.walk], piece.rows)
        frame = builder.frame()
        frame.attrs["helius"] = self._pull.stats.attrs()
        return frame
