"""One owner read by several readers at once, each in a range of the key space.

Photon's cursor is the mint of the last item, a mere lower bound on the next page. So a *made* cursor, 32
bytes of our own, can start anywhere in the key space. Mints are public keys, spread evenly over it, so one
full page tells how many pages lie ahead and where to cut.

The server does not promise this, so every page must prove it:

- its mints ascend strictly, all above the cursor sent, the cursor it returns is its last mint, and a full
  page has one. A server with cursors of another meaning, or in another order, fails this on the first page
  that has a next one;
- at each seam the rows that the lower range saw beyond its end begin with the mint that the upper range saw
  first. The lower range came there by the server's own cursors, the upper one by a made one: if the made
  cursor had skipped a row, the two would differ;
- an end (no cursor) that a made cursor found on its very first page is confirmed from a cursor of the
  server's, since a server that does not know our cursor may answer with anything that looks like an end.

The first page that contradicts raises `Contradiction`, and the owner is read plainly, with the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._pull.rows import ROWS_MAX, RowBuffer, Rows, concatenate
from helius_frames.errors import HeliusError, ProtocolError, RPCError

if TYPE_CHECKING:
    from helius_frames._protocol.balances import Page
    from helius_frames._pull.fetch import PageFetcher

# A range is split only while it has this many pages left.
_WORTH_SPLITTING: Final = 3
# A cut lies at a whole number of pages, each taken to be slightly smaller than it is: where the density was
# estimated a little too low, a reader would send one request more for the few rows that are left over.
_PAGE_SHARE: Final = 0.975
# A page of 1,000 rows tells the density to 3 %; with more pages it is known better, and more cuts are made.
_RANGES_PER_PAGE: Final = 6
# Pages whose density differs by more than this factor show that the mints are not spread evenly …
_UNEVEN: Final = 8
# … and so does an estimate of more pages than this. From then on a split reaches as far ahead as pages of
# even density have been seen, not half way.
_BELIEVED_PAGES: Final = 4096
# Splits that found next to nothing: this many, and one for each so many pages, end the splitting.
_MISSES: Final = 2
_PAGES_PER_MISS: Final = 32


class Contradiction(Exception):
    """A page contradicts what made cursors rely on.

    Where nothing has been split yet, all rows so far came by the server's own cursors: then ``page`` is the
    page to continue from plainly. Otherwise the owner is read from the start.
    """

    def __init__(self, page: Page | None = None) -> None:
        super().__init__()
        self.page = page


@dataclass(slots=True, eq=False)
class KeyRange:
    """A part ``(lower, upper]`` of one owner's key space, read upward by one reader."""

    lower: bytes = b""
    """Aligned key below everything still to come."""
    upper: bytes | None = None
    upper_pos: int = pubkey.KEY_SPACE
    cursor: str | None = None
    position: int = 0
    """Where the last full page ended, as a number."""
    keys_per_row: int | None = None
    """Distance between two mints on that page: the density."""
    even_pages: float = 1.0
    """Pages in a row of about one density."""
    is_made: bool = False
    pages: int = 0
    is_done: bool = False
    first_seen: bytes | None = None
    beyond: pubkey.Keys | None = None
    """Mints of the last page that lie beyond ``upper``."""
    rows: RowBuffer = field(default_factory=RowBuffer)

    def pages_left(self, page_rows: float) -> float:
        """Estimate of the pages that the rest would take at the density of the last page."""
        if self.keys_per_row is None or self.is_done:
            return 0.0
        return (self.upper_pos - self.position) / (self.keys_per_row * page_rows)

    def append(self, page: Page) -> None:
        """Keep the rows that belong to the range, and continue behind the page."""
        self.pages += 1
        end = len(page)
        if end and self.first_seen is None and self.pages == 1:
            self.first_seen = page.keys[0]
        if end and self.upper is not None and page.keys[-1] > self.upper:
            end = int(np.searchsorted(page.keys, np.bytes_(self.upper), side="right"))
            self.beyond = page.keys[end:].copy()
        self.rows.append(page, 0, end)
        self.cursor = page.cursor
        self.is_done = page.cursor is None or self.beyond is not None
        if len(page):
            self.lower = page.keys[-1]


class KeyRanges:
    """All rows of one owner: one range to begin with, more as readers become free."""

    def __init__(self, fetcher: PageFetcher, owner: str) -> None:
        self.requests = 0
        self.is_dropped = False
        self._fetcher = fetcher
        self._owner = owner
        self.first = KeyRange()
        """The range that begins at the start of the key space."""
        self._ranges = [self.first]
        self._rows = 0
        self._is_even = True
        self._measured_pages = 0
        self._measured_rows = 0
        self._measured_keys = 0
        """How much of the key space the pages measured cover."""
        self._page_rows = fetcher.page_size * _PAGE_SHARE
        self._misses = 0

    async def read(self, key_range: KeyRange) -> Rows | None:
        """Read one range to its end; the reader that ends last gets all rows, the others ``None``.

        Raises
        ------
        Contradiction
            A page or a seam disproves that made cursors work here; the ranges read so far are worth nothing.
        """
        while not key_range.is_done:
            self.requests += 1
            try:
                page = await self._fetcher.fetch(self._owner, self.requests, cursor=key_range.cursor)
            except HeliusError as error:
                if self.is_dropped:  # the owner is read in another way by now
                    return None
                if key_range.is_made and isinstance(error, RPCError):  # the server refuses the cursor
                    raise Contradiction from None
                raise
            if self.is_dropped:
                return None
            if not is_provable(page, key_range.lower, self._fetcher.page_size):
                # By a cursor of the server's own, it says how this server pages, and so for every owner.
                if not key_range.is_made:
                    self._fetcher.made_cursors_work = False
                raise Contradiction(page if len(self._ranges) == 1 else None)
            self._measure(key_range, page)
            key_range.append(page)
            if key_range.is_done and key_range.is_made and len(key_range.rows) < self._fetcher.page_size / 4:
                self._misses += 1
            self._rows += len(page)
            if self._rows > ROWS_MAX:
                reason = f"more than {ROWS_MAX:,} rows, and still a cursor: the server is looping"
                raise ProtocolError(reason).at(self.requests, owner=self._owner)
        if self.is_dropped or not all(each.is_done for each in self._ranges):
            return None
        for lower, upper in zip(self._ranges, self._ranges[1:], strict=False):
            seen = None if lower.beyond is None else lower.beyond[0]
            if seen != upper.first_seen:
                raise Contradiction
        await self._confirm_end()
        if self.is_dropped:
            return None
        return concatenate([each.rows.take_rows() for each in self._ranges])

    def pages_left(self) -> float:
        """Estimate of the pages of the largest open range; 0 where none is worth splitting."""
        if self.is_dropped or self._misses > _MISSES + self.requests // _PAGES_PER_MISS:
            return 0.0
        if len(self._ranges) >= _RANGES_PER_PAGE * self._measured_pages:
            return 0.0
        left = max(each.pages_left(self._page_rows) for each in self._ranges)
        return left if left >= _WORTH_SPLITTING else 0.0

    def split(self) -> KeyRange:
        """Split the largest open range half way and return its upper part, to be read from a made cursor.

        The lower part gets a whole number of pages: a reader that ends in the middle of one wastes the rest.
        Where the density has been seen to change, "half way" is a guess; then the cut goes only as far ahead
        as pages of even density have been seen behind.
        """
        size = self._page_rows
        number, lower = max(enumerate(self._ranges), key=lambda item: item[1].pages_left(size))
        assert lower.keys_per_row is not None  # noqa: S101 - pages_left was above zero
        ahead = max(1, round(lower.pages_left(size) / 2))
        if not self._is_even or ahead > _BELIEVED_PAGES:
            ahead = min(ahead, max(_WORTH_SPLITTING, int(lower.even_pages)))
        position = lower.position + int(ahead * size) * lower.keys_per_row
        cursor = pubkey.encode(pubkey.at_position(position))
        upper = KeyRange(
            pubkey.aligned(cursor),
            lower.upper,
            lower.upper_pos,
            cursor,
            position,
            lower.keys_per_row,
            lower.even_pages + ahead,
            is_made=True,
        )
        lower.upper, lower.upper_pos = upper.lower, position
        self._ranges.insert(number + 1, upper)
        return upper

    def _measure(self, key_range: KeyRange, page: Page) -> None:
        """Note the density of a full page, and whether it is the one assumed so far."""
        if page.cursor is None or not len(page):
            return
        position = pubkey.place(page.keys[-1])
        before = key_range.keys_per_row
        density = max(1, (position - key_range.position) // len(page))
        is_even = before is None or before / _UNEVEN < density < before * _UNEVEN
        self._measured_pages += 1
        self._measured_rows += len(page)
        self._measured_keys += position - key_range.position
        key_range.position, key_range.keys_per_row = position, density
        key_range.even_pages = key_range.even_pages + 1 if is_even else 1.0
        self._is_even &= is_even
        if self._is_even:  # all pages together tell it better than one
            for each in self._ranges:
                each.keys_per_row = max(1, self._measured_keys // self._measured_rows)

    async def _confirm_end(self) -> None:
        """Raise where an end that only a made cursor has seen is not what the server's own cursors show."""
        last = next((n for n in reversed(range(len(self._ranges))) if len(self._ranges[n].rows)), 0)
        end = self._ranges[last]
        if not end.is_made or end.pages > 1:
            return
        below = self._ranges[last - 1]
        if below.cursor is None:  # its last page went to the end as well
            seen, expected = below.beyond, end.rows.keys
        else:
            self.requests += 1
            page = await self._fetcher.fetch(self._owner, self.requests, cursor=below.cursor)
            seen, expected = page.keys, end.rows.keys[end.rows.keys > below.lower]
        if seen is None or not np.array_equal(seen, expected):
            raise Contradiction


def is_provable(page: Page, lower: bytes, page_size: int) -> bool:
    """Return whether a page keeps to all that a made cursor relies on; ``lower`` is what was sent.

    An empty page with a cursor is no end, and a full page without one is no proof of it.
    """
    if not 0 < len(page) < page_size and (page.cursor is None) != (len(page) == 0):
        return False
    if not len(page):
        return True
    is_ascending = page.keys[0] > lower and bool((page.keys[1:] > page.keys[:-1]).all())
    cursor = page.cursor
    return is_ascending and (cursor is None or (cursor.isascii() and pubkey.aligned(cursor) == page.keys[-1]))
