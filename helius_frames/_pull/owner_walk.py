"""All rows of one owner, from cursor to cursor.

The cursor alone ends a walk: a short or an empty page that carries one continues, and a full page without one
is confirmed. Owners of many pages are read in parallel where the server's replies prove that this is safe,
see `key_ranges`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._pull.key_ranges import Contradiction, KeyRange, KeyRanges
from helius_frames._pull.rows import ROWS_MAX, RowBuffer, Rows
from helius_frames.errors import CursorError, ProtocolError, RPCError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from helius_frames._protocol.balances import Page
    from helius_frames._pull.fetch import PageFetcher

    Emit = Callable[[Rows], Awaitable[None]]

# A bound on a server that returns empty pages with a new cursor for ever.
EMPTY_PAGES_MAX: Final = 100


class Counter(Protocol):
    """Whose requests number the pages of one owner."""

    requests: int


class OwnerWalk:
    """Reads one owner: in parallel as long as every page proves it safe, else plainly from the start."""

    def __init__(self, fetcher: PageFetcher, owner: str, emit: Emit | None = None) -> None:
        self._fetcher = fetcher
        self._owner = owner
        self._emit = emit
        self._ranges = KeyRanges(fetcher, owner)

    @property
    def requests(self) -> int:
        """Requests for this owner so far."""
        return self._ranges.requests

    async def read(self, key_range: KeyRange | None = None) -> Rows | None:
        """Read from the start, or one range; return the rows when the owner is whole, else ``None``."""
        following: Page | None = None
        if self._emit is None and self._fetcher.made_cursors_work is not False:
            try:
                return await self._ranges.read(key_range or self._ranges.first)
            except Contradiction as contradiction:
                self.drop()
                following = contradiction.page
        before = RowBuffer() if following is None else self._ranges.first.rows
        return await read_plainly(
            self._fetcher, self._owner, self._ranges, emit=self._emit, buffer=before, following=following
        )

    def help(self) -> Awaitable[Rows | None]:
        """Split the largest open range and read its upper half, as `read` does."""
        return self.read(self._ranges.split())

    def pages_left(self) -> float:
        """Estimate of the pages of the largest open range; 0 where it is not worth splitting."""
        return 0.0 if self._emit is not None else self._ranges.pages_left()

    def drop(self) -> None:
        """Make every reader of this owner stop after the request it is in."""
        self._ranges.is_dropped = True


async def read_plainly(
    fetcher: PageFetcher,
    owner: str,
    counter: Counter,
    *,
    emit: Emit | None = None,
    buffer: RowBuffer,
    following: Page | None = None,
) -> Rows:
    """Follow the server's cursors one after another until a page has none.

    Parameters
    ----------
    counter
        Its ``requests`` number the pages in errors.
    emit
        Takes rows as they come, as long as they come in order; then only the rest is returned.
    buffer, following
        Rows read before, in ascending order, and the page that came after them.
    """
    detector = MintLoopDetector(buffer, owner=owner)
    page: Page | None = None
    has_emitted = False
    while page is None or page.cursor is not None or following is not None:
        if following is None:
            counter.requests += 1
            following = await fetcher.fetch(
                owner, counter.requests, cursor=page.cursor if page is not None else None
            )
        page, following = following, None
        detector.check(page, counter.requests, buffer)
        if page.cursor is None and len(page) == fetcher.page_size and detector.is_sorted:
            following = await _page_after(fetcher, owner, counter, page)
        buffer.append(page)
        if emit is not None and detector.is_sorted:
            await emit(buffer.take_rows())
            has_emitted = True
        elif has_emitted:
            reason = "the mints stop coming in order after rows went out in a chunk; read without chunksize"
            raise ProtocolError(reason).at(counter.requests, owner=owner)
    rows = buffer.take_rows()
    return rows if detector.is_sorted else rows.take(np.argsort(rows.keys, kind="stable"))


async def _page_after(fetcher: PageFetcher, owner: str, counter: Counter, page: Page) -> Page | None:
    """Return what follows a full page that has no cursor; ``None`` where it was the last one.

    Photon sends a cursor with every full page. A server that leaves it out altogether would seem to end after
    one page, so it is asked once for what follows the last mint: rows above it mean that there is more. A
    server with cursors of its own refuses ours, or begins again from the start; then its word stands.
    """
    counter.requests += 1
    try:
        following = await fetcher.fetch(owner, counter.requests, cursor=pubkey.text(page.keys[-1]))
    except RPCError:
        return None
    return following if len(following) and following.keys[0] > page.keys[-1] else None


class LoopDetector:
    """Refuses a cursor that comes twice within one walk, and a walk without end; ``where`` is whose it is."""

    def __init__(self, rows: int, **where: str) -> None:
        self.is_sorted = True
        self._where = where
        self._pages = 0
        self._rows = rows
        self._empty = 0
        self._cursors: dict[str, int] = {}

    def count(self, page: Page, number: int) -> None:
        """Raise where the page's cursor came before, or where pages do not end."""
        self._pages += 1
        self._rows += len(page)
        self._empty = 0 if len(page) else self._empty + 1
        if self._rows > ROWS_MAX or self._empty > EMPTY_PAGES_MAX:
            what = f"the last {self._empty} of them empty" if self._empty else f"{self._rows:,} rows"
            reason = f"{self._pages:,} pages, {what}, and still a cursor: the server is looping"
            raise ProtocolError(reason).at(number, **self._where)
        if page.cursor is not None:
            first = self._cursors.setdefault(page.cursor, number)
            if first != number:
                reason = f"the same cursor came twice, first on page {first}: the server is looping"
                raise CursorError(reason).at(number, **self._where)


class MintLoopDetector(LoopDetector):
    """Refuses a mint that comes twice, too."""

    def __init__(self, before: RowBuffer, **where: str) -> None:
        super().__init__(len(before), **where)
        self._last = before.keys[-1] if len(before) else b""
        self._seen: set[bytes] = set()

    def check(self, page: Page, number: int, earlier: RowBuffer) -> None:
        """Raise where the page repeats what an earlier one of the walk had.

        While the mints ascend from page to page none can repeat, and nothing has to be remembered. Where they
        do not, every mint is remembered from then on. (Of pages that went out in chunks only the last mint is
        known; a repeated page begins or ends with it.)
        """
        self.count(page, number)
        if not len(page):
            return
        if self.is_sorted and page.keys[0] > self._last and bool((page.keys[1:] > page.keys[:-1]).all()):
            self._last = page.keys[-1]
            return
        if self.is_sorted:
            self.is_sorted = False
            self._seen.update([self._last], earlier.keys.tolist())
        for key in page.keys.tolist():
            if key in self._seen:
                reason = f"mint {pubkey.text(key)!r} came twice: the server's cursors repeat rows"
                raise CursorError(reason).at(number, **self._where)
            self._seen.add(key)
