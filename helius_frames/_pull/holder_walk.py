"""All holders of one mint, from cursor to cursor: the largest first, as the server lists them.

The cursor alone ends a walk, as in `owner_walk`, and so does the order: below the lowest balance wanted,
behind the last of the ``top``, or where every wanted owner has been found, nothing more is asked. Mints of
many holders are read in parallel where the server's replies prove that this is safe, see `holder_ranges`.

The table may change while it is read. An owner who moves down the order meanwhile is met twice; the row of
the request that was sent later is kept, and the other one counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._protocol.holders import CURSOR_BALANCE_END, Place
from helius_frames._pull.owner_walk import LoopDetector
from helius_frames._pull.rows import RowBuffer, Rows
from helius_frames.errors import CursorError, ProtocolError, RPCError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from numpy.typing import NDArray

    from helius_frames._protocol.balances import Page
    from helius_frames._pull.fetch import PageFetcher
    from helius_frames._pull.owner_walk import Emit

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Wanted:
    """Which holders of a mint are wanted: all, or some of them.

    Attributes
    ----------
    floor
        The lowest balance.
    top
        So many of them, the largest.
    owners
        Aligned keys of the only owners wanted.
    """

    floor: int = 0
    top: int | None = None
    owners: frozenset[bytes] | None = None

    def of(self, page: Page) -> Page:
        """Return the wanted rows of a page, whatever their number."""
        is_wanted = page.balances >= np.uint64(self.floor)
        if self.owners is not None:
            is_wanted &= np.fromiter(map(self.owners.__contains__, page.keys.tolist()), bool, len(page))
        if is_wanted.all():
            return page
        return replace(page, keys=page.keys[is_wanted], balances=page.balances[is_wanted])


class HolderBuffer(RowBuffer):
    """Grows by pages, and knows which request brought which rows."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[int, int]] = []
        """For each page the number of its request, and how many rows it brought."""

    def keep(self, page: Page, request: int) -> None:
        """Append the rows of a page."""
        self.append(page)
        self.sent.append((request, len(page)))


class HolderWalk:
    """Reads the holders of one mint."""

    def __init__(self, fetcher: PageFetcher, mint: str, wanted: Wanted, emit: Emit | None = None) -> None:
        self.requests = 0
        self._fetcher = fetcher
        self._mint = mint
        self._wanted = wanted
        self._emit = emit

    async def read(self) -> Rows | None:
        """Read from the start."""
        return await self._read_plainly(HolderBuffer())

    def help(self) -> Awaitable[Rows | None]:
        """Not called: there is never anything to share."""
        raise NotImplementedError

    def pages_left(self) -> float:
        """Nothing that another reader could help with."""
        return 0.0

    def drop(self) -> None:
        """Nothing to stop: there is one reader only."""

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
        self.requests += 1
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


def is_falling(page: Page) -> bool:
    """Return whether (balance, owner) falls strictly from row to row."""
    balances, keys = page.balances, page.keys
    is_lower = balances[1:] < balances[:-1]
    if is_lower.all():
        return True
    is_equal = balances[1:] == balances[:-1]
    return bool((is_lower | (is_equal & (keys[1:] < keys[:-1]))).all())


def first_place(page: Page) -> Place:
    """Return the place of the first row of a page."""
    return Place(int(page.balances[0]), page.keys[0])


def last_place(page: Page) -> Place:
    """Return the place of the last row of a page."""
    return Place(int(page.balances[-1]), page.keys[-1])


def without_repeats(rows: Rows, sent: list[tuple[int, int]]) -> Rows:
    """Return the rows with each owner once, that of the request sent last; the others are counted.

    Owners are compared by a number made of their last 16 digits, which are as good as random; only where two
    of these numbers are equal are the owners themselves looked at.
    """
    if not len(rows):
        return rows
    digests = _digests(rows.keys)
    ordered = np.sort(digests)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return rows
    places = np.flatnonzero(np.isin(digests, twice))
    numbers = np.repeat(*np.array(sent, dtype=np.intp).T)[places]
    order = np.lexsort((numbers, rows.keys[places]))
    places = places[order]
    is_earlier = np.append(rows.keys[places[1:]] == rows.keys[places[:-1]], False)
    kept = np.ones(len(rows), dtype=bool)
    kept[places[is_earlier]] = False
    return replace(rows.take(kept), repeats=int(is_earlier.sum()))


def _digests(keys: pubkey.Keys) -> NDArray[np.uint64]:
    keys = np.ascontiguousarray(keys)
    high, low = (
        np.ndarray(len(keys), "<u8", keys, offset=pubkey.TEXT_MAX - end, strides=keys.strides)
        for end in (16, 8)
    )
    mixed: NDArray[np.uint64] = high * _FACTOR ^ low
    return mixed


def _distinct(buffer: HolderBuffer, at_least: int) -> int:
    """Count the owners in a buffer, where there may be so many."""
    if len(buffer) < at_least:
        return len(buffer)
    return len(set(buffer.keys.tolist()))
