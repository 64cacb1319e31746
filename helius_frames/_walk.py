"""The walk of one owner, cursor to cursor, and what proves that it is whole.

It takes any ``async call(body) -> bytes``, so that it can be tested without HTTP; it may import `_wire`,
`pubkey` and `errors`. The cursor alone ends a walk: an empty or short page that carries one goes on.

Photon's cursor is the mint of the last item, a mere lower bound, so a *made* cursor can start anywhere
in the key space and one owner be read by several walkers at once, each on its own `Span`. The
server does not promise that, so every page has to prove it: mints strictly ascending and above the
cursor sent, the cursor returned equal to the last mint, and at each seam the rows that the lower span
saw beyond its end must begin with the mint that the upper span saw first. The first page that
contradicts turns the owner's walk into the plain one, from the start, with the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._wire import METHOD_NOT_FOUND, METHOD_V1, METHOD_V2, Page, Query, build_request, parse_page
from helius_frames.errors import CursorError, HeliusError, ProtocolError, RPCError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from numpy.typing import NDArray

# Bounds on a server that gives a new cursor for ever: a hundred million rows of one owner, or a hundred
# empty pages in a row, are no answer that any holder of tokens explains.
PAGES_MAX: Final = 100_000
EMPTY_PAGES_MAX: Final = 100

# A span is cut only while it has this many pages left: each cut costs half a page on average.
_WORTH_CUTTING: Final = 3
# Pages whose density differs by more than this factor show that the mints are not spread evenly …
_UNEVEN: Final = 8
# … and so does an estimate of more pages than this. From then on a cut reaches as far ahead as dense pages
# have been seen, not half way.
_BELIEVED_PAGES: Final = 4096
# Made cursors that found next to nothing: this many, and one for each so many pages, end the cutting.
_MISSES: Final = 3
_PAGES_PER_MISS: Final = 24

# Rows of a block in which a walk keeps its pages: about three megabytes.
_BLOCK_ROWS: Final = 1 << 16


class Rows(NamedTuple):
    """Rows of one owner in ascending order of the mints; the slots as runs."""

    mints: pubkey.Keys
    balances: NDArray[np.uint64]
    slots: NDArray[np.int64]
    runs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.balances)


class Asker:
    """Asks for one page; knows by which name the server calls the method.

    A server that does not know the V2 method is asked by the V1 name for the rest of the pull. ``clean``
    takes the endpoint's secrets out of what a fault quotes of a reply.
    """

    def __init__(
        self, call: Callable[[bytes], Awaitable[bytes]], page_size: int, clean: Callable[[str], str] = str
    ) -> None:
        self._call = call
        self._clean = clean
        self._ids = count(1)
        self.page_size = page_size
        self.method = METHOD_V2
        self.pages = 0
        self.made_cursors_work = False
        self.on_page: list[Callable[[], None]] = []

    async def page(self, query: Query, number: int) -> Page:
        """Fetch one page; a fault says whose and which, and quotes no secret that the reply may echo."""
        try:
            page = await self._ask(query)
        except HeliusError as fault:
            told = fault.at(query.owner, number).reworded(self._clean(fault.reason))
            raise told.with_traceback(None) from None  # the frames below hold the reply as it came
        self.pages += 1
        for tell in self.on_page:
            tell()
        return page

    async def _ask(self, query: Query) -> Page:
        method = self.method
        try:
            return await self._once(query, method)
        except RPCError as fault:
            if fault.code != METHOD_NOT_FOUND or method == METHOD_V1:
                raise
        self.method = METHOD_V1
        return await self._once(query, METHOD_V1)

    async def _once(self, query: Query, method: str) -> Page:
        request_id = str(next(self._ids))
        content = await self._call(build_request(query, method=method, request_id=request_id))
        return parse_page(content, request_id=request_id)


class Shelf:
    """Keeps the rows of many pages in a few large blocks.

    A thousand small arrays leave holes when they are freed; blocks go back to the system whole.
    """

    def __init__(self) -> None:
        self._mints = np.empty(0, dtype=pubkey.KEY_DTYPE)
        self._balances = np.empty(0, dtype=np.uint64)
        self._used = 0
        self._kept = 0

    def put(self, page: Page) -> Page:
        """Give the same page with its rows on the shelf; the first page of a walk stays as it is."""
        rows, kept = len(page.mints), self._kept
        self._kept += rows
        if not kept or not rows:
            return page
        if self._used + rows > len(self._mints):
            self._begin_block(max(rows, min(kept, _BLOCK_ROWS)))
        place = slice(self._used, self._used + rows)
        self._used += rows
        self._mints[place], self._balances[place] = page.mints, page.balances
        return Page(self._mints[place], self._balances[place], page.slot, page.cursor)

    def _begin_block(self, rows: int) -> None:
        self._mints = np.empty(rows, dtype=pubkey.KEY_DTYPE)
        self._balances = np.empty(rows, dtype=np.uint64)
        self._used = 0


@dataclass(slots=True, eq=False)
class Span:
    """A part of one owner's key space, ``(floor, stop]``, that one walker reads upward."""

    floor: bytes = b""
    stop: bytes | None = None
    end: int = pubkey.KEY_SPACE
    cursor: str | None = None
    pages: list[Page] = field(default_factory=list)
    asked: int = 0
    is_done: bool = False
    is_dropped: bool = False
    first_seen: bytes | None = None
    beyond: bytes | None = None
    place: int = 0
    pace: int | None = None
    streak: float = 1.0
    shelf: Shelf = field(default_factory=Shelf)

    @property
    def is_open(self) -> bool:
        """Whether there is more to ask for."""
        return not (self.is_done or self.is_dropped)

    @property
    def rows(self) -> int:
        """Rows of the span so far."""
        return sum(len(page.mints) for page in self.pages)

    def pages_left(self, page_size: int) -> float:
        """How many pages the rest of the span would take at the density of its last page."""
        if self.pace is None or not self.is_open:
            return 0.0
        return (self.end - self.place) / (self.pace * page_size)

    def proves(self, page: Page) -> bool:
        """Whether a page keeps to all that a made cursor relies on."""
        if not len(page.mints):
            return page.cursor is None
        if page.mints[0] <= self.floor or not page.is_ascending:
            return False
        if page.cursor is None:
            return True
        return page.cursor.isascii() and pubkey.aligned(page.cursor) == page.mints[-1]

    def take(self, page: Page) -> None:
        """Keep the page's rows that belong to the span, and go on behind it."""
        if not self.asked and len(page.mints):
            self.first_seen = page.mints[0]
        self.asked += 1
        self.pages.append(self._within(page))
        self.cursor = page.cursor
        self.is_done = page.cursor is None or self.beyond is not None
        if len(page.mints):
            self.floor = page.mints[-1]

    def measure(self, page: Page) -> bool:
        """Note the density of a full page; ``False`` where it contradicts the one assumed so far."""
        if page.cursor is None or not len(page.mints):
            return True
        place = pubkey.place(page.mints[-1])
        before, self.pace = self.pace, max(1, (place - self.place) // len(page.mints))
        self.place = place
        is_even = before is None or before / _UNEVEN < self.pace < before * _UNEVEN
        self.streak = self.streak + 1 if is_even else 1.0
        return is_even

    def cut(self, pages_ahead: float, page_size: int) -> Span:
        """Give away what lies more than so many pages ahead, as a span with a made cursor."""
        assert self.pace is not None  # noqa: S101 - pages_left was above zero
        place = self.place + int(pages_ahead * page_size) * self.pace
        cursor = pubkey.encode(pubkey.at_position(place))
        floor = pubkey.aligned(cursor)
        streak = self.streak + pages_ahead
        upper = Span(floor, self.stop, self.end, cursor, place=place, pace=self.pace, streak=streak)
        self.stop, self.end = floor, place
        return upper

    def _within(self, page: Page) -> Page:
        if self.stop is None or not len(page.mints) or page.mints[-1] <= self.stop:
            return page
        end = int(np.searchsorted(page.mints, np.bytes_(self.stop), side="right"))
        self.beyond = page.mints[end]
        return Page(page.mints[:end].copy(), page.balances[:end].copy(), page.slot, page.cursor)


class KeyWalk:
    """All rows of one owner: one span to begin with, more where others lend a hand."""

    def __init__(
        self,
        asker: Asker,
        owner: str,
        *,
        is_wide: bool = True,
        emit: Callable[[Page], Awaitable[None]] | None = None,
    ) -> None:
        self.owner = owner
        self.asked = 0
        self.spans = [Span()]
        self._asker = asker
        self._is_wide = is_wide and emit is None
        self._emit = emit
        self._emitted = 0
        self._guard = Guard(owner)
        self._is_even = True
        self._misses = 0

    async def start(self) -> None:
        """Read from the start of the key space."""
        await self.walk(self.spans[0])

    async def walk(self, span: Span) -> None:
        """Read one span to its end; the last one to end checks the seams."""
        while span.is_open:
            await self._step(span)
        if self.is_done and not self._seams_hold():
            await self.walk(self._start_over())

    @property
    def is_done(self) -> bool:
        """Whether every span has been read to its end."""
        return all(span.is_done for span in self.spans)

    def drop(self) -> None:
        """Stop all walkers of this owner after the request they are in."""
        for span in self.spans:
            span.is_dropped = True

    def pages_left(self) -> float:
        """How many pages the largest open span has left, 0 where it cannot be cut."""
        if not self._is_wide or self._misses > _MISSES + self.asked // _PAGES_PER_MISS:
            return 0.0
        left = max(span.pages_left(self._asker.page_size) for span in self.spans)
        return left if left >= _WORTH_CUTTING else 0.0

    def cut(self) -> Span:
        """Cut the largest open span in two and return the upper part, for another walker."""
        size = self._asker.page_size
        number, lower = max(enumerate(self.spans), key=lambda item: item[1].pages_left(size))
        ahead = lower.pages_left(size) / 2
        if not self._is_even or ahead > _BELIEVED_PAGES:
            ahead = min(ahead, max(_WORTH_CUTTING, lower.streak))
        upper = lower.cut(ahead, size)
        self.spans.insert(number + 1, upper)
        return upper

    def rows(self) -> Rows:
        """Hand over all rows of the owner, once, when every span is done."""
        pages = [page for span in self.spans for page in span.pages]
        for span in self.spans:
            span.pages.clear()
            span.shelf = Shelf()
        return join(pages)

    async def _step(self, span: Span) -> None:
        self.asked += 1
        number = self.asked
        query = Query(self.owner, cursor=span.cursor, limit=self._asker.page_size)
        try:
            page = await self._asker.page(query, number)
        except HeliusError as fault:
            if span.is_dropped:
                return None  # it comes late: the rows are read in another way by now
            if not (isinstance(fault, RPCError) and self._is_made(span)):
                raise
            return await self.walk(self._start_over())  # the server refuses the made cursor
        if span.is_dropped:
            return None
        if self._is_wide and not span.proves(page):
            return await self._doubt(span, page, number)
        return await self._take(span, page, number)

    async def _doubt(self, span: Span, page: Page, number: int) -> None:
        """Go on plainly: from here where nothing was cut yet, else from the start."""
        if len(self.spans) > 1:
            return await self.walk(self._start_over())
        self._is_wide = False
        for index, earlier in enumerate(span.pages):
            self._guard.check(earlier, index + 1, span.pages[:index])
        return await self._take(span, page, number)

    def _start_over(self) -> Span:
        self.drop()
        self._is_wide = False
        self.spans = [Span()]
        return self.spans[0]

    async def _take(self, span: Span, page: Page, number: int) -> None:
        if self._is_wide:
            self._check_end(number)
            self._is_even &= span.measure(page)
        else:
            self._guard.check(page, number, span.pages)
        span.take(page if self._emit else span.shelf.put(page))
        if self._is_made(span) and span.is_done and span.rows < max(1, self._asker.page_size // 4):
            self._misses += 1
        if self._emit is not None:
            await self._pass_on(span, number, self._emit)

    async def _pass_on(self, span: Span, number: int, emit: Callable[[Page], Awaitable[None]]) -> None:
        """Hand pages over as they come, as long as they come in order."""
        if self._guard.is_sorted:
            for page in span.pages:
                await emit(page)
            self._emitted += len(span.pages)
            span.pages.clear()
        elif self._emitted:
            reason = "the mints stop coming in order after rows went out in a chunk; read without chunksize"
            raise ProtocolError(reason).at(self.owner, number)

    def _check_end(self, number: int) -> None:
        """Refuse a proven walk without end, as the guard does a plain one: rows can be made up for ever."""
        if number > PAGES_MAX:
            reason = f"more than {PAGES_MAX} pages, and still a cursor: the server is looping"
            raise ProtocolError(reason).at(self.owner, number)

    def _is_made(self, span: Span) -> bool:
        return span is not self.spans[0]

    def _seams_hold(self) -> bool:
        return all(
            lower.beyond == upper.first_seen for lower, upper in zip(self.spans, self.spans[1:], strict=False)
        )


class Guard:
    """Refuses a cursor or a mint that comes twice within one walk, and a walk without end."""

    def __init__(self, owner: str) -> None:
        self.is_sorted = True
        self._owner = owner
        self._last = b""
        self._cursors: dict[str, int] = {}
        self._pages = 0
        self._empty = 0
        self._mints: set[bytes] = set()

    def check(self, page: Page, number: int, earlier: Sequence[Page]) -> None:
        """Raise where the page repeats what an earlier one of the walk had."""
        self._check_end(page, number)
        self._check_cursor(page, number)
        self._check_mints(page, number, earlier)

    def _check_end(self, page: Page, number: int) -> None:
        self._pages += 1
        self._empty = 0 if len(page.mints) else self._empty + 1
        if self._pages > PAGES_MAX or self._empty > EMPTY_PAGES_MAX:
            tail = f"the last {self._empty} of them empty" if self._empty else "none of them empty"
            reason = f"{self._pages} pages, {tail}, and still a cursor: the server is looping"
            raise ProtocolError(reason).at(self._owner, number)

    def _check_cursor(self, page: Page, number: int) -> None:
        if page.cursor is None:
            return
        if page.cursor in self._cursors:
            first = self._cursors[page.cursor]
            reason = f"cursor {page.cursor[:60]!r} came twice, first on page {first}: the server is looping"
            raise CursorError(reason).at(self._owner, number)
        self._cursors[page.cursor] = number

    def _check_mints(self, page: Page, number: int, earlier: Sequence[Page]) -> None:
        if not len(page.mints):
            return
        if self.is_sorted and page.is_ascending and page.mints[0] > self._last:
            self._last = page.mints[-1]
            return
        if self.is_sorted:
            # Of pages that went out in chunks only the last mint is known: a repeated page begins or ends
            # with it.
            self._mints.update([self._last], *(before.mints.tolist() for before in earlier))
            self.is_sorted = False
        self._add_each(page.mints.tolist(), number)

    def _add_each(self, keys: list[bytes], number: int) -> None:
        for key in keys:
            if key in self._mints:
                reason = f"mint {pubkey.text(key)!r} came twice: the server's cursors repeat rows"
                raise CursorError(reason).at(self._owner, number)
            self._mints.add(key)


class MintsWalk:
    """The rows of one owner in certain mints: one request for one mint, skipping for several.

    Between wanted mints the walk jumps, with a made cursor, to just before the next one: never more
    requests than mints, nor than the pages of the whole owner. A server that does not keep to what made
    cursors need is walked plainly, and the rows filtered.
    """

    def __init__(self, asker: Asker, owner: str, wanted: Sequence[str]) -> None:
        self.owner = owner
        self.asked = 0
        self.is_done = False
        self._asker = asker
        self._wanted = sorted(wanted, key=pubkey.parse)
        self._keys = np.array([pubkey.aligned(mint) for mint in self._wanted], dtype=pubkey.KEY_DTYPE)
        self._pages: list[Page] = []

    async def start(self) -> None:
        """Read the wanted rows."""
        if len(self._wanted) == 1:
            await self._ask_for_one()
        elif not await self._skip():
            await self._walk_plainly()
        self.is_done = True

    def pages_left(self) -> float:
        """Nothing that another walker could help with."""
        return 0.0

    def drop(self) -> None:
        """Nothing to stop: there is one walker only."""

    def rows(self) -> Rows:
        """Rows in the wanted mints."""
        return join([self._only_wanted(page) for page in self._pages])

    async def _ask_for_one(self) -> None:
        page = await self._page(Query(self.owner, mint=self._wanted[0], limit=1))
        if not np.isin(page.mints, self._keys).all() or len(page.mints) > 1:
            reason = f"mint {self._wanted[0]!r} was asked and {len(page.mints)} rows of others came"
            raise ProtocolError(reason).at(self.owner, self.asked)
        self._pages.append(page)

    async def _skip(self) -> bool:
        """Jump from wanted mint to wanted mint; ``False`` where a page contradicts made cursors."""
        following = 0
        span = Span()
        while following < len(self._keys):
            is_made = _jump(span, self._wanted[following])
            try:
                page = await self._page(Query(self.owner, cursor=span.cursor, limit=self._asker.page_size))
            except RPCError:
                return False
            if not span.proves(page) or (is_made and not self._believes(page)):
                return False
            span.take(page)
            self._pages.append(page)
            if page.cursor is None:
                break
            following = int(np.searchsorted(self._keys, np.bytes_(span.floor), side="right"))
        return True

    def _believes(self, page: Page) -> bool:
        """Whether made cursors have brought rows yet: else an empty page may mean "never heard of it"."""
        self._asker.made_cursors_work |= len(page.mints) > 0
        return self._asker.made_cursors_work

    async def _walk_plainly(self) -> None:
        plain = KeyWalk(self._asker, self.owner, is_wide=False)
        plain.asked = self.asked
        await plain.start()
        self.asked = plain.asked
        self._pages = [page for span in plain.spans for page in span.pages]

    async def _page(self, query: Query) -> Page:
        self.asked += 1
        return await self._asker.page(query, self.asked)

    def _only_wanted(self, page: Page) -> Page:
        keep = np.isin(page.mints, self._keys)
        return Page(page.mints[keep], page.balances[keep], page.slot, page.cursor)


def join(pages: list[Page]) -> Rows:
    """Rows of an owner's pages, in ascending order of the mints; the list is emptied."""
    slots = np.array([page.slot for page in pages], dtype=np.int64)
    runs = np.array([len(page.mints) for page in pages], dtype=np.int64)
    mints, balances = _put_together(pages, int(runs.sum()))
    if (mints[1:] > mints[:-1]).all():
        return Rows(mints, balances, slots, runs)
    order = np.argsort(mints)
    each = np.ones(len(mints), dtype=np.int64)
    return Rows(mints[order], balances[order], np.repeat(slots, runs)[order], each)


def _put_together(pages: list[Page], length: int) -> tuple[pubkey.Keys, NDArray[np.uint64]]:
    """Columns of pages, each let go of when it is copied, so that two copies never stand whole."""
    mints = np.empty(length, dtype=pubkey.KEY_DTYPE)
    balances = np.empty(length, dtype=np.uint64)
    end = length
    while pages:  # from the last one back, so that the allocator can return what is freed
        page = pages.pop()
        start = end - len(page.mints)
        mints[start:end], balances[start:end] = page.mints, page.balances
        end = start
    return mints, balances


def _jump(span: Span, mint: str) -> bool:
    """Move a span's cursor up to just before a mint; ``False`` where it is there already."""
    place = pubkey.position(pubkey.parse(mint)) - 1
    if place < 0:
        return False
    cursor = pubkey.encode(pubkey.at_position(place))
    if pubkey.aligned(cursor) <= span.floor:
        return False
    span.cursor, span.floor = cursor, pubkey.aligned(cursor)
    return True
