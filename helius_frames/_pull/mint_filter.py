"""The rows of one owner in certain mints: one request for one mint, jumps for several.

Between wanted mints the walk jumps, with a made cursor, to just before the next one: never more requests than
mints, nor than pages, once a jump has been proven. What a jump skips is never seen, so it is believed only on
a server where a made cursor has brought exactly what the server's own cursors bring, at a place where both
are known: the middle of a page just read. Pages are checked as in `key_ranges`. Anything else is read
plainly, and filtered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._pull.key_ranges import is_provable
from helius_frames._pull.owner_walk import read_plainly
from helius_frames._pull.rows import RowBuffer, Rows
from helius_frames.errors import ProtocolError, RPCError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from numpy.typing import NDArray

    from helius_frames._protocol.balances import Page
    from helius_frames._pull.fetch import PageFetcher


class MintFilter:
    """Wanted mints, parsed once for all owners of a pull."""

    def __init__(self, mints: Sequence[str]) -> None:
        self.mints = sorted(mints, key=pubkey.parse)
        self.keys = np.array([pubkey.aligned(mint) for mint in self.mints], dtype=pubkey.KEY_DTYPE)
        self.lengths = pubkey.text_lengths(self.keys)
        self.cursors = [_cursor_below(key) for key in self.keys.tolist()]

    def of(self, rows: Rows) -> Rows:
        """Return the rows in the wanted mints, each once and in ascending order."""
        rows = rows.take(np.isin(rows.keys, self.keys))
        _, first = np.unique(rows.keys, return_index=True)
        return rows.take(first)


class MintWalk:
    """Reads the wanted mints of one owner."""

    def __init__(self, fetcher: PageFetcher, owner: str, wanted: MintFilter) -> None:
        self.requests = 0
        self._fetcher = fetcher
        self._owner = owner
        self._wanted = wanted

    async def read(self) -> Rows | None:
        """Read the wanted rows."""
        rows = await (self._read_one() if len(self._wanted.mints) == 1 else self._jump())
        if rows is None:
            rows = await read_plainly(self._fetcher, self._owner, self, buffer=RowBuffer())
        return self._wanted.of(rows)

    def pages_left(self) -> float:
        """Nothing that another reader could help with."""
        return 0.0

    def help(self) -> Awaitable[Rows | None]:
        """Not called: there is never anything to share."""
        raise NotImplementedError

    def drop(self) -> None:
        """Nothing to stop: there is one reader only."""

    async def _read_one(self) -> Rows | None:
        """Ask for the one mint; ``None`` where the server says that there is more to look at."""
        self.requests += 1
        mint = self._wanted.mints[0]
        page = await self._fetcher.fetch(self._owner, self.requests, mint=mint, limit=1)
        if not np.isin(page.keys, self._wanted.keys).all():
            reason = f"mint {mint!r} was asked for and the server returned another"
            raise ProtocolError(reason).at(self.requests, owner=self._owner)
        if not len(page) and page.cursor is not None:  # a server that filters after paging
            return None
        buffer = RowBuffer()
        buffer.append(page)
        return buffer.take_rows()

    async def _jump(self) -> Rows | None:
        """Jump from wanted mint to wanted mint; ``None`` where the server does not prove it safe."""
        buffer, fetcher, wanted = RowBuffer(), self._fetcher, self._wanted
        is_open = np.ones(len(wanted.keys), dtype=bool)
        if fetcher.made_cursors_work is None:
            page = await self._provable_page(None, b"")
            if page is None:
                return None
            buffer.append(page)
            if page.cursor is None:
                return buffer.take_rows()
            more = await self._probe(page)
            if more is None:
                return None
            buffer.append(more)
            is_open = ~(self._settled(page, b"") | self._settled(more, page.keys[-1]))
        while is_open.any() and fetcher.made_cursors_work:
            target = int(is_open.argmax())
            cursor = wanted.cursors[target]
            if cursor is not None and len(cursor) != wanted.lengths[target]:
                return None  # right below in the order of the bytes, and maybe far away in that of the text
            lower = b"" if cursor is None else pubkey.aligned(cursor)
            page = await self._provable_page(cursor, lower)
            if page is None:
                return None
            buffer.append(page)
            is_open &= ~self._settled(page, lower)
            # The cursor is the place right below the target, in whatever order a server compares addresses.
            is_open[target] = False
        return buffer.take_rows() if fetcher.made_cursors_work else None

    async def _provable_page(self, cursor: str | None, lower: bytes) -> Page | None:
        """Fetch a page; ``None``, and for the whole pull, where it contradicts made cursors."""
        self.requests += 1
        try:
            page = await self._fetcher.fetch(self._owner, self.requests, cursor=cursor)
        except RPCError:
            if cursor is None:
                raise
            page = None
        if page is None or not is_provable(page, lower, self._fetcher.page_size):
            self._fetcher.made_cursors_work = False
            return None
        return page

    async def _probe(self, page: Page) -> Page | None:
        """Ask again from the middle of a page: what comes must begin with the rows from there on."""
        middle = len(page) // 2
        known = page.keys[middle:]
        cursor = _cursor_below(known[0])
        if cursor is None or pubkey.aligned(cursor) in page.keys[:middle]:  # no made one
            return None
        probe = await self._provable_page(cursor, pubkey.aligned(cursor))
        if probe is None or not np.array_equal(probe.keys[: len(known)], known):
            self._fetcher.made_cursors_work = False
            return None
        if probe.cursor is None:  # an end that only a made cursor has seen proves nothing, either way
            return None
        self._fetcher.made_cursors_work = True
        new = slice(len(known), None)
        return replace(probe, keys=probe.keys[new], balances=probe.balances[new])

    def _settled(self, page: Page, lower: bytes) -> NDArray[np.bool_]:
        """Return which wanted mints the page answers: those on it, and those between two rows of it.

        "Between" holds in the order of the bytes and in that of the text alike: a server that sorts addresses
        as text may have a mint of another length elsewhere. Mints of one length sort alike in both.
        """
        wanted = self._wanted
        lengths = pubkey.text_lengths(np.array([lower, *page.keys.tolist()], dtype=pubkey.KEY_DTYPE))
        after = page.keys.searchsorted(wanted.keys)  # of the row behind each wanted mint
        is_end = after == len(page)
        is_alike = (lengths[after] == wanted.lengths) | (not lower and after == 0)
        is_alike &= is_end | (lengths[np.minimum(after + 1, len(page))] == wanted.lengths)
        is_within = (wanted.keys > lower) & (~is_end | (page.cursor is None))
        settled: NDArray[np.bool_] = (is_within & is_alike) | np.isin(wanted.keys, page.keys)
        return settled


def _cursor_below(key: bytes) -> str | None:
    """Return the cursor whose next page begins with a key, if it is there; ``None`` is the start."""
    place = pubkey.place(key)
    return pubkey.encode(pubkey.at_position(place - 1)) if place else None
