"""All holders of one mint, from cursor to cursor: the largest first, as the server lists them.

The cursor alone ends a walk, as in `owner_walk`, and so does the order: below the lowest balance wanted,
behind the last of the ``top``, or where every wanted owner has been found, nothing more is asked. Mints of
many holders are read in parallel where the server's replies prove that this is safe, see `holder_ranges`.

The table may change while it is read. An owner who moves down the order meanwhile is met twice; the row of
the request that was sent later is kept, and the other one counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._protocol.holders import CURSOR_BALANCE_END, Place
from helius_frames._pull.holder_pages import (
    HolderBuffer,
    first_place,
    is_falling,
    last_place,
    without_repeats,
)
from helius_frames._pull.holder_ranges import HolderRange, HolderRanges
from helius_frames._pull.key_ranges import Contradiction
from helius_frames._pull.owner_walk import LoopDetector
from helius_frames.errors import CursorError, ProtocolError, RPCError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from helius_frames._protocol.balances import Page
    from helius_frames._pull.fetch import PageFetcher
    from helius_frames._pull.holder_pages import Wanted
    from helius_frames._pull.owner_walk import Emit
    from helius_frames._pull.rows import Rows


class HolderWalk:
    """Reads the holders of one mint: in parallel as long as every page proves it safe, else plainly."""

    def __init__(self, fetcher: PageFetcher, mint: str, wanted: Wanted, emit: Emit | None = None) -> None:
        self._fetcher = fetcher
        self._mint = mint
        self._wanted = wanted
        self._emit = emit
        # Of the top nobody knows beforehand where it ends.
        self._is_parallel = emit is None and wanted.top is None
        self._ranges = HolderRanges(fetcher, mint, wanted)

    @property
    def requests(self) -> int:
        """Requests for this mint so far."""
        return self._ranges.requests

    async def read(self, part: HolderRange | None = None) -> Rows | None:
        """Read from the start, or one range; return the rows when the mint is whole, else ``None``."""
        buffer, following = HolderBuffer(), None
        if self._is_parallel and self._fetcher.made_cursors_work is not False:
            try:
                return await self._ranges.read(part or self._ranges.first)
            except Contradiction as contradiction:
                self.drop()
                following = contradiction.page
                if following is not None:
                    buffer = self._ranges.first.rows
        return await self._read_plainly(buffer, following)

    def help(self) -> Awaitable[Rows | None]:
        """Cut the largest open range and read its lower part, as `read` does."""
        return self.read(self._ranges.cut())

    def pages_left(self) -> float:
        """Estimate of the pages of the largest open range; 0 where it is not worth cutting."""
        return self._ranges.pages_left() if self._is_parallel else 0.0

    def drop(self) -> None:
        """Make every reader of this mint stop after the request it is in."""
        self._ranges.is_dropped = True

    async def _read_plainly(self, buffer: HolderBuffer, following: Page | None = None) -> Rows:
        """Follow the server's cursors one after another until one of the ends is there.

        ``buffer`` has what was read before, in falling order, and ``following`` is the page after it.
        """
        wanted, number = self._wanted, self.requests
        detector = HolderLoopDetector(buffer, mint=self._mint)
        remaining = None if wanted.owners is None else set(wanted.owners) - set(buffer.keys.tolist())
        page: Page | None = None
        rows_emitted = 0
        while page is None or page.cursor is not None or following is not None:
            if following is None:
                following = await self._fetch(None if page is None else page.cursor)
                number = self.requests
            page, following = following, None
            detector.check(page, number, buffer)
            found = wanted.of(page)
            if remaining is not None:
                remaining.difference_update(found.keys.tolist())
            if self._emit is not None and wanted.top is not None:
                found = replace(
                    found,
                    keys=found.keys[: wanted.top - rows_emitted],
                    balances=found.balances[: wanted.top - rows_emitted],
                )
            buffer.keep(found, number)
            if self._emit is not None:
                if not detector.is_sorted and rows_emitted:
                    reason = (
                        "the holders stop coming in order after rows went out in a chunk;"
                        " read without chunksize"
                    )
                    raise ProtocolError(reason).at(number, mint=self._mint)
                if detector.is_sorted:
                    rows_emitted += len(found)
                    await self._emit(buffer.take_rows())
            is_below = len(page) > 0 and int(page.balances[-1]) < wanted.floor
            is_enough = (
                wanted.top is not None and max(rows_emitted, _distinct(buffer, wanted.top)) >= wanted.top
            )
            if detector.is_sorted and (is_below or is_enough or remaining == set()):
                break
            if page.cursor is None and len(page) == self._fetcher.page_size and detector.is_sorted:
                following = await self._page_after(page)
                number = self.requests
        sent = buffer.sent
        rows = without_repeats(buffer.take_rows(), sent)
        if not detector.is_sorted:
            rows = rows.take(np.lexsort((rows.keys, rows.balances))[::-1])
        return rows if wanted.top is None or self._emit is not None else rows.take(slice(wanted.top))

    async def _fetch(self, cursor: str | None) -> Page:
        self._ranges.requests += 1
        return await self._fetcher.fetch(self._mint, self.requests, cursor=cursor)

    async def _page_after(self, page: Page) -> Page | None:
        """Return what follows a full page that has no cursor; ``None`` where it was the last one.

        As for an owner's mints: a server that leaves the cursor out is asked once for what is below the last
        holder.
        """
        last = last_place(page)
        if last.balance >= CURSOR_BALANCE_END:
            return None
        try:
            following = await self._fetch(last.cursor())
        except RPCError:
            return None
        return following if len(following) and first_place(following) < last else None


class HolderLoopDetector(LoopDetector):
    """Refuses a row that comes twice, too.

    While holders fall from page to page, the same row cannot come twice, and nothing has to be remembered; an
    owner may, whose balance has changed. Where they do not fall, every row is remembered from then on.
    """

    def __init__(self, before: HolderBuffer, **where: str) -> None:
        super().__init__(len(before), **where)
        self._last: Place | None = None
        if len(before):
            self._last = Place(int(before.balances[-1]), before.keys[-1])
        self._seen: set[tuple[bytes, int]] = set()

    def check(self, page: Page, number: int, earlier: HolderBuffer) -> None:
        """Raise where the page repeats what an earlier one of the walk had."""
        self.count(page, number)
        if not len(page):
            return
        if self.is_sorted and (self._last is None or first_place(page) < self._last) and is_falling(page):
            self._last = last_place(page)
            return
        if self.is_sorted:
            self.is_sorted = False
            self._seen.update(zip(earlier.keys.tolist(), earlier.balances.tolist(), strict=True))
            if self._last is not None:
                self._seen.add((bytes(self._last.owner), self._last.balance))
        for row in zip(page.keys.tolist(), page.balances.tolist(), strict=True):
            if row in self._seen:
                reason = (
                    f"owner {pubkey.text(row[0])!r} came twice with one balance:"
                    " the server's cursors repeat rows"
                )
                raise CursorError(reason).at(number, **self._where)
            self._seen.add(row)


def _distinct(buffer: HolderBuffer, at_least: int) -> int:
    """Count the owners in a buffer, where there may be so many."""
    if len(buffer) < at_least:
        return len(buffer)
    return len(set(buffer.keys.tolist()))
