"""One mint's holders read by several readers at once, each in a range of the order (balance, owner).

Photon's cursor is a place in that order, so a *made* cursor can start anywhere below 2^63. How many holders
lie between two places nobody knows: balances are spread over many powers of ten, and one amount may be held
by most owners. So ranges are cut from what has been seen, and cut again whenever a reader is free:

- between two balances, by the density of holders over the logarithm of the balance. It is known where pages
  have been read: at a range's last page, and at the first page of the range below it. Between the two it is
  taken to change evenly (on a logarithmic scale itself), which halves a long tail well enough, and what is
  found at the cut makes the next one better;
- within one balance (a tie), by the owners' bytes, which are spread evenly over the key space as in
  `key_ranges`, so that a part of a page of a tie says how many of its owners are left.

The server does not promise any of this, so every page must prove it, as in `key_ranges`: it falls strictly,
lies below the cursor sent, and returns its last place as the cursor; at each seam the first row that the
upper range saw beyond its end is the one that the lower range saw first; and an end that only a made cursor
has seen is confirmed. A table in use changes between two requests, so what disagrees is asked again once, by
both cursors, one right after the other. The second contradiction means that the mint is read plainly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._protocol.holders import CURSOR_BALANCE_END, HIGHEST_OWNER, Place
from helius_frames._pull.holder_pages import (
    HolderBuffer,
    first_place,
    is_falling,
    last_place,
    without_repeats,
)
from helius_frames._pull.key_ranges import Contradiction
from helius_frames._pull.rows import ROWS_MAX, Rows, concatenate
from helius_frames.errors import HeliusError, ProtocolError, RPCError

if TYPE_CHECKING:
    from helius_frames._protocol.balances import Page
    from helius_frames._pull.fetch import PageFetcher
    from helius_frames._pull.holder_pages import Wanted

# A range is cut only while it has this many pages left, and one for each so many pages that were read: each
# cut costs half a page on average.
_WORTH_CUTTING: Final = 3.0
_PAGES_PER_CUT: Final = 200
# A cut that finds next to nothing must be made up for by so many pages before there are others.
_PAGES_PER_MISS: Final = 4
# Rows that a density is made of, at least.
_ROWS_MIN: Final = 16
# No tie is estimated to have more owners: under one prefix the estimate would be any number.
_BELIEVED_ROWS: Final = 1e7
# Two levels nearer than this count as so far apart, and a density changing less as even.
_TINY: Final = 1e-6


class _Cut(NamedTuple):
    """Where a range is cut, and what is assumed of the part below."""

    place: Place
    density: float | None = None
    keys_per_row: float = 0.0


@dataclass(slots=True, eq=False)
class HolderRange:
    """A part of one mint's holders, from below a cursor down to ``end``, read by one reader."""

    begin: Place | None = None
    """The place of the made cursor it begins below; ``None`` is the top."""
    end: Place | None = None
    """The last place that belongs to it; ``None`` is the end of the list."""
    cursor: str | None = None
    sent: str | None = None
    """The cursor that its last page came by."""
    place: Place | None = None
    """Place of the last row seen."""
    pages: int = 0
    count: int = 0
    """Rows seen that belong to it."""
    is_done: bool = False
    first_seen: Place | None = None
    beyond: Page | None = None
    """Rows of its last page that lie beyond ``end``."""
    only_page: Page | None = None
    """Its first page, as long as it is the only one."""
    rows: HolderBuffer = field(default_factory=HolderBuffer)
    # What is known of the density, in holders for each unit of `_level`.
    top_density: float | None = None
    """At the top of the range: as assumed at the cut, then by its first page."""
    density: float | None = None
    """At the last place seen."""
    keys_per_row: float = 0.0
    """Distance between two owners of the last balance seen, where that is a tie."""

    @property
    def at(self) -> Place | None:
        """Where it continues; ``None`` is the top."""
        return self.place or self.begin

    @property
    def is_made(self) -> bool:
        """Whether it began at a cursor of our own."""
        return self.begin is not None

    @property
    def tie(self) -> float:
        """Estimate of the holders of the last balance seen that are left, within the range."""
        if not self.keys_per_row or self.at is None:
            return 0.0
        low = 0
        if self.end is not None and self.end.balance == self.at.balance:
            low = pubkey.place(self.end.owner)
        return min((pubkey.place(self.at.owner) - low) / self.keys_per_row, _BELIEVED_ROWS)


class HolderRanges:
    """All holders of one mint: one range to begin with, more as readers become free."""

    def __init__(self, fetcher: PageFetcher, mint: str, wanted: Wanted) -> None:
        self.requests = 0
        self.is_dropped = False
        self._fetcher = fetcher
        self._mint = mint
        self._wanted = wanted
        self._remaining = None if wanted.owners is None else set(wanted.owners)
        self._ranges = [HolderRange()]
        self._rows_kept = 0
        self._misses = 0
        self._left: float | None = None
        self._largest = 0

    @property
    def first(self) -> HolderRange:
        """The range that begins at the top."""
        return self._ranges[0]

    async def read(self, part: HolderRange) -> Rows | None:
        """Read one range to its end; the reader that ends last gets all rows, the others ``None``.

        Raises
        ------
        Contradiction
            A page or a seam disproves that made cursors work here; the ranges read so far are worth nothing.
        """
        while not part.is_done:
            part.sent = part.cursor
            page, number = await self._fetch(part.cursor, is_made=part.is_made)
            if page is None:
                return None
            if not is_provable(page, part.at, self._fetcher.page_size):
                # By a cursor of the server's own, it says how this server pages, and so for every mint.
                if not part.is_made:
                    self._fetcher.made_cursors_work = False
                raise Contradiction(page if len(self._ranges) == 1 else None)
            self._append(part, page, number)
            if self._remaining is not None and not self._remaining:  # every wanted owner has a row
                self.is_dropped = True
                return self._take_rows()
            if self._rows_kept > ROWS_MAX:
                reason = f"more than {ROWS_MAX:,} rows, and still a cursor: the server is looping"
                raise ProtocolError(reason).at(self.requests, mint=self._mint)
        if self.is_dropped or not all(each.is_done for each in self._ranges):
            return None
        for upper, lower in pairwise(self._ranges):
            seen = None if upper.beyond is None else first_place(upper.beyond)
            if seen != lower.first_seen and not await self._is_seam_proven(upper, lower):
                raise Contradiction
        if not await self._is_end_proven():
            raise Contradiction
        return None if self.is_dropped else self._take_rows()

    def pages_left(self) -> float:
        """Estimate of the pages of the largest open range; 0 where none is worth cutting."""
        if self.is_dropped:
            return 0.0
        if self._left is None:
            self._left, self._largest = self._find_largest()
        return self._left

    def cut(self) -> HolderRange:
        """Cut the largest open range half way and return its lower part, to be read from a made cursor."""
        upper, cut = self._ranges[self._largest], self._cut_of(self._largest)
        assert cut is not None  # noqa: S101 - pages_left was above zero
        lower = HolderRange(cut.place, upper.end, cut.place.cursor())
        # Until its first page has come, it is taken to be as the cut assumed, and may be cut as such.
        lower.top_density = lower.density = cut.density
        lower.keys_per_row = cut.keys_per_row
        upper.end = cut.place
        self._ranges.insert(self._largest + 1, lower)
        self._left = None
        return lower

    async def _fetch(self, cursor: str | None, *, is_made: bool) -> tuple[Page | None, int]:
        """Fetch a page, and its request's number; no page where the mint is read in another way by now."""
        self.requests += 1
        number = self.requests
        try:
            page = await self._fetcher.fetch(self._mint, number, cursor=cursor)
        except HeliusError as error:
            if self.is_dropped:
                return None, number
            if is_made and isinstance(error, RPCError):  # the server refuses the cursor
                raise Contradiction from None
            raise
        return (None if self.is_dropped else page), number

    def _append(self, part: HolderRange, page: Page, number: int) -> None:
        """Keep the rows that belong to the range, and continue behind the page."""
        self._left = None
        part.pages += 1
        part.only_page = page if part.pages == 1 else None
        part.cursor = page.cursor
        part.is_done = page.cursor is None
        own = page
        if part.pages == 1 and not len(page):
            part.top_density = _TINY
        if len(page):
            if part.pages == 1:
                part.first_seen = first_place(page)
            self._measure(part, page)
            part.place = last_place(page)
            if part.end is not None and part.place < part.end:
                n = _count_above(page, part.end)
                own, part.beyond = _part_of(page, slice(n)), _part_of(page, slice(n, None))
                part.is_done = True
            part.is_done |= part.place.balance < self._wanted.floor
        part.count += len(own)
        found = self._wanted.of(own)
        part.rows.keep(found, number)
        self._rows_kept += len(found)
        if self._remaining is not None:
            self._remaining.difference_update(found.keys.tolist())
        if part.is_done and part.is_made and part.count < self._fetcher.page_size / 4:
            self._misses += 1

    def _take_rows(self) -> Rows:
        sent = [each for part in self._ranges for each in part.rows.sent]
        return without_repeats(concatenate([part.rows.take_rows() for part in self._ranges]), sent)

    async def _is_seam_proven(self, upper: HolderRange, lower: HolderRange) -> bool:
        """Ask again what lies below a seam, by the upper range's cursor and by the made one."""
        assert lower.begin is not None  # noqa: S101 - a lower range begins at a cut
        own: Place | None = None
        cursor = upper.sent
        for _ in range(2):  # rows may have come in between, so that the seam is on the next page
            page, _number = await self._fetch(cursor, is_made=False)
            if page is None:
                return True
            n = _count_above(page, lower.begin)
            own = first_place(_part_of(page, slice(n, None))) if n < len(page) else None
            cursor = page.cursor
            if own is not None or cursor is None:
                break
        made, _number = await self._fetch(lower.begin.cursor(), is_made=True)
        return made is None or own == (first_place(made) if len(made) else None)

    async def _is_end_proven(self) -> bool:
        """Confirm an end (no cursor) that only a made cursor has seen, on its very first page."""
        last = next((n for n in reversed(range(len(self._ranges))) if self._ranges[n].count), 0)
        end, above = self._ranges[last], self._ranges[last - 1]
        made, own = end.only_page, above.beyond
        if end.begin is None or made is None or made.cursor is not None:
            return True
        cursor, below = above.sent, end.begin
        if above.cursor is not None and above.place is not None:  # else its page went to the end as well
            cursor, below = above.cursor, above.place
            own, _ = await self._fetch(cursor, is_made=False)
        for is_first in (True, False):
            if own is None or made is None:
                break
            if own.cursor is None and made.cursor is None:
                n, m = _count_above(own, below), _count_above(made, below)
                if _is_alike(_part_of(own, slice(n, None)), _part_of(made, slice(m, None))):
                    return True
            if is_first:
                own, _ = await self._fetch(cursor, is_made=False)
                made, _ = await self._fetch(end.begin.cursor(), is_made=True)
        return self.is_dropped

    # Where to cut

    def _find_largest(self) -> tuple[float, int]:
        """Return the pages left of the range that has most, and its number; 0 where none is worth a cut.

        No more cuts wait for their first page than pages have come, less where cuts found nothing: so a mint
        of few pages is not cut into many parts by a first guess.
        """
        pages = sum(part.pages for part in self._ranges)
        waiting = sum(not part.pages for part in self._ranges)
        if waiting + _PAGES_PER_MISS * self._misses >= pages:
            return 0.0, 0
        is_worth = False
        most, largest = max(_WORTH_CUTTING, pages / _PAGES_PER_CUT), 0
        for number, part in enumerate(self._ranges):
            if part.is_done or part.at is None:
                continue
            left = (part.tie + self._below_tie(number)) / self._fetcher.page_size
            if left > most and self._cut_of(number) is not None:
                most, largest, is_worth = left, number, True
        return (most, largest) if is_worth else (0.0, 0)

    def _low(self, part: HolderRange) -> int:
        """Lowest balance that a range can have."""
        if part.end is None:
            return self._wanted.floor
        return max(part.end.balance + (part.end.owner == HIGHEST_OWNER), self._wanted.floor)

    def _span(self, part: HolderRange) -> float:
        """Levels from the last balance seen to the end of a range."""
        assert part.at is not None  # noqa: S101 - a range that has not begun is not looked at
        low = self._low(part)
        return 0.0 if low >= part.at.balance else _level(part.at.balance) - _level(low)

    def _densities(self, number: int) -> tuple[float, float] | None:
        """Density at the last place seen and at the end of the range; ``None`` where neither is known."""
        here = self._ranges[number].density
        is_last = number + 1 == len(self._ranges)
        there = None if is_last else self._ranges[number + 1].top_density
        if here is None and there is None:
            return None
        return here or there or 1.0, there or here or 1.0

    def _below_tie(self, number: int) -> float:
        """Estimate of the holders with less than the last balance seen, within the range."""
        part, densities = self._ranges[number], self._densities(number)
        span = self._span(part)
        if densities is None:  # nothing but one balance has been seen: what is below it is worth a look
            return (_WORTH_CUTTING + 1) * self._fetcher.page_size if span and part.pages else 0.0
        return _log_mean(*densities) * span

    def _cut_of(self, number: int) -> _Cut | None:
        """Return where to cut a range in two halves; ``None`` where there is nothing between."""
        part, densities = self._ranges[number], self._densities(number)
        at, tie, rest = part.at, part.tie, self._below_tie(number)
        assert at is not None  # noqa: S101 - a range that has not begun is not looked at
        half = (tie + rest) / 2
        if densities is None and rest:
            cut = _Cut(Place(at.balance - 1, HIGHEST_OWNER))
        elif tie >= half:
            position = pubkey.place(at.owner) - int(half * part.keys_per_row)
            owner = pubkey.aligned(pubkey.encode(pubkey.at_position(max(position, 0))))
            cut = _Cut(Place(at.balance, owner), part.density, part.keys_per_row)
        else:
            here, there = densities or (1.0, 1.0)
            share = _share_of_span(here, there, (half - tie) / rest)
            balance = _balance(_level(at.balance) - share * self._span(part))
            highest = min(at.balance, CURSOR_BALANCE_END) - 1
            cut = _Cut(Place(min(balance, highest), HIGHEST_OWNER), here * (there / here) ** share)
        low = Place(self._wanted.floor, b"") if part.end is None else part.end
        return cut if low < cut.place < at and cut.place.balance < CURSOR_BALANCE_END else None

    def _measure(self, part: HolderRange, page: Page) -> None:
        """Note the density of holders at both ends of a page, and of a tie's owners where it ends in one."""
        balances, above, lowest = page.balances, part.at, int(page.balances[-1])
        if part.pages == 1 and above is not None:
            # From the cut on, which may lie far above the first holder below it.
            is_few = len(page) < 4 * _ROWS_MIN  # of these the whole page, to the end of the range
            n = len(page) if is_few else len(page) // 4
            low = self._low(part) if is_few and page.cursor is None else int(balances[n - 1])
            span = _level(above.balance) - _level(low)
            part.top_density = n / span if span > 0 else None
        tied = int((balances == balances[-1]).sum())
        n = len(page) - tied
        if n >= _ROWS_MIN:
            begin = 3 * n // 4
            part.density = (n - begin) / max(_level(int(balances[begin])) - _level(lowest), _TINY)
        part.keys_per_row = 0.0
        if tied >= _ROWS_MIN:
            is_same = above is not None and above.balance == lowest
            top = pubkey.place(above.owner) if is_same and above is not None else pubkey.KEY_SPACE
            part.keys_per_row = max((top - pubkey.place(page.keys[-1])) / tied, 1.0)


def is_provable(page: Page, above: Place | None, page_size: int) -> bool:
    """Return whether a page keeps to all that a made cursor relies on; ``above`` is what was sent.

    An empty page with a cursor is no end, and a full page without one is no proof of it.
    """
    if not 0 < len(page) < page_size and (page.cursor is None) != (len(page) == 0):
        return False
    if not len(page):
        return True
    if not is_falling(page) or (above is not None and first_place(page) >= above):
        return False
    return page.cursor is None or page.cursor == last_place(page).cursor()


def _level(balance: int) -> float:
    """Place of a balance on the scale on which holders are taken to be spread; 0 has one, too."""
    return math.log(balance + 0.5)


def _balance(level: float) -> int:
    """Balance at a level, the inverse of `_level`."""
    return max(round(math.exp(level) - 0.5), 0)


def _log_mean(a: float, b: float) -> float:
    """Mean of a density that goes evenly, on a logarithmic scale, from one value to another."""
    return a if abs(a - b) < _TINY * a else (a - b) / math.log(a / b)


def _share_of_span(here: float, there: float, share: float) -> float:
    """Return how far down a span such a density has reached a share of its holders."""
    rate = math.log(there / here)
    return share if abs(rate) < _TINY else math.log1p(share * math.expm1(rate)) / rate


def _count_above(page: Page, end: Place) -> int:
    """Count the rows at or above a place."""
    balance = np.uint64(end.balance)
    is_above = page.balances > balance
    is_above |= (page.balances == balance) & (page.keys >= np.bytes_(end.owner))
    return int(is_above.sum())


def _part_of(page: Page, which: slice) -> Page:
    return replace(page, keys=page.keys[which], balances=page.balances[which])


def _is_alike(one: Page, other: Page) -> bool:
    return np.array_equal(one.keys, other.keys) and np.array_equal(one.balances, other.balances)
