"""The rows of one walk, in the order of the server, and the buffer they grow in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from helius_frames._protocol import pubkey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from helius_frames._protocol.balances import Page


# A bound on a server that makes up rows for ever: no owner has that many tokens, and they take 1.5 GB.
ROWS_MAX: Final = 25_000_000


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one owner (the keys are mints) or of one mint's holders (the keys are owners)."""

    keys: pubkey.Keys
    balances: NDArray[np.uint64]
    slots: NDArray[np.int64]
    slot_range: tuple[int, int] | None
    """Lowest and highest slot of the pages, those without rows included."""
    repeats: int = 0
    """Rows of owners that were met twice, which are left out."""

    def __len__(self) -> int:
        return len(self.balances)

    def take(self, which: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        return replace(self, keys=self.keys[which], balances=self.balances[which], slots=self.slots[which])


class RowBuffer:
    """Grows by pages, in place: `numpy.ndarray.resize` moves large arrays without copying them."""

    def __init__(self) -> None:
        self._columns = (
            np.empty(0, dtype=pubkey.KEY_DTYPE),
            np.empty(0, dtype=np.uint64),
            np.empty(0, dtype=np.int64),
        )
        self._slot_range: tuple[int, int] | None = None
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def keys(self) -> pubkey.Keys:
        """Keys so far; the view holds only until more is appended."""
        return self._columns[0][: self._rows]

    @property
    def balances(self) -> NDArray[np.uint64]:
        """Balances so far, as `keys`."""
        return self._columns[1][: self._rows]

    def append(self, page: Page, begin: int = 0, end: int | None = None) -> None:
        """Append the rows of a page, or a part of them."""
        low, high = self._slot_range or (page.slot, page.slot)
        self._slot_range = min(low, page.slot), max(high, page.slot)
        keys, balances = page.keys[begin:end], page.balances[begin:end]
        if not len(keys):
            return
        rows = slice(self._rows, self._rows + len(keys))
        self._rows = rows.stop
        if rows.stop > len(self._columns[0]):
            for column in self._columns:
                # No view of them is alive: `keys` is not kept by anybody who appends.
                column.resize(max(rows.stop, len(column) * 3 // 2), refcheck=False)
        own_keys, own_balances, own_slots = self._columns
        own_keys[rows], own_balances[rows], own_slots[rows] = keys, balances, page.slot

    def take_rows(self) -> Rows:
        """Return the rows and begin anew."""
        columns, rows, slot_range = self._columns, self._rows, self._slot_range
        self.__init__()  # type: ignore[misc]
        for column in columns:
            column.resize(rows, refcheck=False)
        return Rows(*columns, slot_range)


def concatenate(parts: list[Rows]) -> Rows:
    """Return the rows of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    slots = [slot for part in parts if part.slot_range is not None for slot in part.slot_range]
    return Rows(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.balances for part in parts]),
        np.concatenate([part.slots for part in parts]),
        (min(slots), max(slots)) if slots else None,
    )
