"""The table of holders below the chart: pages of twenty, sorted as asked for, made from the index alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import anywidget
import numpy as np
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from helius_frames.analysis import Holders, MintIndex

PAGE_ROWS = 20
SORTS = {"owner": False, "amount": True, "share": True, "slot": True}  # whether the first click is downwards


Row: TypeAlias = tuple[str, int, float, int]
"""Owner, balance, share and slot."""


class HolderList:
    """Holders that a table shows: all of a mint, or those of a frame with the columns of `top_holders`.

    All of a mint may be a million: what is not shown is not made.
    """

    def __init__(self, index: MintIndex, holders: Holders, frame: pd.DataFrame | None = None) -> None:
        self._index, self._holders, self._frame = index, holders, frame
        self._order: tuple[str, np.ndarray] | None = None

    def __len__(self) -> int:
        return self._holders.size if self._frame is None else len(self._frame)

    def rows(self, sort: str, first: int, end: int, *, is_descending: bool) -> list[Row]:
        """Return owner, balance, share and slot of the rows at these places of the sorted table."""
        places = np.arange(first, min(end, len(self)))
        if not is_descending:
            places = len(self) - 1 - places
        return self._at(places if sort in ("amount", "share") else self._sorted(sort)[places])

    def place_of(self, owner: str) -> int | None:
        """Return where an owner stands, largest first; ``None`` where it does not."""
        if self._frame is not None:
            hits = np.flatnonzero((self._frame["owner"] == owner).to_numpy())
            return int(hits[0]) if len(hits) else None
        row = self._index.row_of(owner, self._holders.mint)
        hits = np.flatnonzero(self._holders.rows == row) if row is not None else np.empty(0, int)
        return self._holders.size - 1 - int(hits[0]) if len(hits) else None

    def _at(self, places: np.ndarray) -> list[Row]:
        if self._frame is not None:
            part = self._frame.iloc[places]
            columns = (part[name].tolist() for name in ("owner", "balance", "share", "slot"))
            return list(zip(*columns, strict=True))
        # The index has the smallest first.
        places = self._holders.size - 1 - places
        rows, total = self._holders.rows[places], max(self._holders.total, 1)
        balances = self._holders.balances[places].tolist()
        owners, slots = self._index.owners_at(rows).tolist(), self._index.columns.slots[rows].tolist()
        return [
            (owner, balance, balance / total, slot)
            for owner, balance, slot in zip(owners, balances, slots, strict=True)
        ]

    def _sorted(self, sort: str) -> np.ndarray:
        """Return the places in descending order of a column; equal ones stay largest first."""
        if self._order is None or self._order[0] != sort:
            self._order = sort, self._argsort(sort)
        return self._order[1]

    def _argsort(self, sort: str) -> np.ndarray:
        if self._frame is not None:
            values = self._frame[sort].to_numpy()
        else:
            rows = self._holders.rows[::-1]
            slots = self._index.columns.slots
            values = slots[rows] if sort == "slot" else self._index.owners_at(rows).to_numpy()
        return np.argsort(values, kind="stable")[::-1]


class Shown(NamedTuple):
    """Which page of a table is shown, and how it is sorted."""

    sort: str = "amount"
    is_descending: bool = True
    page: int = 0


class HolderTable(anywidget.AnyWidget):
    """Holders by pages; a click on a heading sorts, one on a row marks its owner.

    The page gets texts and no markup: it writes them as texts.
    """

    _esm = Path(__file__).with_name("table.js")
    _css = Path(__file__).with_name("explorer.css")

    view = traitlets.Dict().tag(sync=True)

    def __init__(self, on_mark: Callable[[str], None]) -> None:
        super().__init__()
        self._on_mark = on_mark
        self._holders: HolderList | None = None
        self._texts: Callable[[Row], list[str]] = lambda row: list(map(str, row))
        self._head: dict[str, Any] = {}
        self._marked: str | None = None
        self._shown = Shown()
        self.on_msg(self._receive)

    def show(
        self,
        holders: HolderList,
        *,
        unit: str,
        what: str,
        marked: str | None,
        texts: Callable[[Row], list[str]],
    ) -> None:
        """Show holders from the first page on, or the page of the marked owner among them."""
        is_new = holders is not self._holders
        self._holders, self._texts = holders, texts
        self._head = {"unit": unit, "what": what}
        if is_new:
            self._shown = self._shown._replace(page=0)
        if marked is not None and (is_new or marked != self._marked):
            self._turn_to(marked)
        self._marked = marked
        self._draw()

    def _turn_to(self, owner: str) -> None:
        if self._holders is None or owner in self._owners_shown():
            return
        place = self._holders.place_of(owner)
        if place is not None:
            self._shown = Shown(page=place // PAGE_ROWS)

    def _owners_shown(self) -> list[str]:
        return [row[0] for row in self._rows()]

    def _rows(self) -> list[Row]:
        if self._holders is None:
            return []
        sort, is_descending, page = self._shown
        return self._holders.rows(sort, PAGE_ROWS * page, PAGE_ROWS * (page + 1), is_descending=is_descending)

    def _draw(self) -> None:
        rows, total = self._rows(), len(self._holders or ())
        owners = [row[0] for row in rows]
        first = PAGE_ROWS * self._shown.page
        pages = f"{first + 1:,}–{first + len(rows):,} of {total:,}" if rows else "nobody"
        self.view = self._head | {
            "rows": [self._texts(row) for row in rows],
            "marked": owners.index(self._marked) if self._marked in owners else None,
            "pages": pages,
            "has_before": first > 0,
            "has_after": first + len(rows) < total,
            "sort": self._shown.sort,
            "descending": self._shown.is_descending,
        }

    def _receive(self, _widget: HolderTable, message: dict[str, Any], _buffers: list[memoryview]) -> None:
        last = max(-(-len(self._holders or ()) // PAGE_ROWS) - 1, 0)
        if message.get("sort") in SORTS:
            sort: str = message["sort"]
            is_same = sort == self._shown.sort
            self._shown = Shown(sort, not self._shown.is_descending if is_same else SORTS[sort])
        elif message.get("step") in (-1, 1):
            self._shown = self._shown._replace(page=min(max(self._shown.page + message["step"], 0), last))
        elif isinstance(message.get("mark"), int):
            owners = self._owners_shown()
            if 0 <= message["mark"] < len(owners):
                self._on_mark(owners[message["mark"]])
            return
        self._draw()
