"""Pages of a mint's holders: their order, which rows are wanted, and owners that are met twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._protocol.holders import Place
from helius_frames._pull.rows import RowBuffer, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from helius_frames._protocol.balances import Page

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
        if not self.floor and self.owners is None:
            return page
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
