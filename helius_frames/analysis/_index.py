"""The balances of a frame sorted within each mint, built once.

Everything about one mint is then a slice: its holders are side by side in ascending order, with
running sums beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from helius_frames.analysis._concentration import Groups, ginis
from helius_frames.analysis._exact import F64, I64, U64, Wide, as_floats, as_ints, minus, widen
from helius_frames.analysis._schema import (
    Coded,
    Columns,
    check_schema,
    code_names,
    group_edges,
    group_order,
    native,
    read_columns,
)
from helius_frames.errors import InputError

_NAMES_SHOWN = 3


@dataclass(frozen=True, eq=False, slots=True)
class Holders:
    """The holders of one mint, the owners with a balance above zero, smallest first.

    ``balances`` and ``rows``, their rows in the frame, are aligned; ``running`` has their
    running sums. ``gini`` is NaN without holders, the slots are ``None`` where the mint has no row.
    """

    mint: str
    balances: U64
    rows: I64
    running: Wide
    zero_balances: int
    gini: float
    slot_first: int | None
    slot_last: int | None

    @property
    def size(self) -> int:
        """Number of holders."""
        return len(self.balances)

    @property
    def total(self) -> int:
        """Exact sum of the balances."""
        return self.exact_sums(np.array([self.size]))[0]

    def sums(self, counts: I64) -> Wide:
        """Return the exact sums of the first n smallest balances, for each n."""
        return minus(self.running.at(counts), self.running.at(np.zeros_like(counts)))

    def exact_sums(self, counts: I64) -> list[int]:
        """Return the exact sums of the first n smallest balances, for each n, as Python integers."""
        return as_ints(self.sums(counts))

    def shares(self, sums: Wide) -> F64:
        """Express sums as shares of the total; nothing is 0 of nothing."""
        total = as_floats(self.sums(np.array([self.size])))
        return as_floats(sums) / np.where(total > 0, total, 1.0)


@dataclass(frozen=True, eq=False)
class MintIndex:
    """Balances sorted within each mint: built once, it answers for any mint in milliseconds.

    Every function of this package with a ``source`` takes it in place of the frame. It holds what the
    frame held when it was built, whatever happens to the frame afterwards.

    Attributes
    ----------
    frame
        Lazy copy of the frame.
    columns
        The columns of the frame as arrays.
    groups, mint_codes, mint_rows
        Balances sorted within each mint that has rows; the code of each such mint; the frame's row of
        each balance.
    owner_rows, owner_edges
        The frame's rows sorted by owner, and where the rows of each owner begin.
    ginis, slots_first, slots_last
        One number for each group.
    """

    # The columns are views of the caller's arrays: as long as this copy lives, pandas writes elsewhere.
    frame: pd.DataFrame = field(repr=False)
    columns: Columns
    groups: Groups
    mint_codes: I64
    mint_rows: I64
    owner_rows: I64
    owner_edges: I64
    ginis: F64
    slots_first: I64
    slots_last: I64

    @classmethod
    def of(cls, source: Source) -> MintIndex:
        """Build the index of a frame; an index is returned as it is.

        Raises
        ------
        AttributeError
            A column of the balance schema is missing.
        InputError
            A balance is missing, negative or not an integer, or an (owner, mint) pair is there twice.
        """
        return source if isinstance(source, MintIndex) else _build(native(source).copy(deep=False))

    @classmethod
    def for_mint(cls, source: Source, mint: str) -> MintIndex:
        """Build an index that knows at least one mint: of a frame, only the rows of that mint are read.

        Raises
        ------
        AttributeError
            A column of the balance schema is missing.
        InputError
            The mint is not in the frame, or `of` refuses its rows.
        """
        if isinstance(source, MintIndex):
            return source
        check_schema(source)
        mints = code_names(source["mint"])
        code = known_mint(mints, mint, rows=len(source))
        return cls.of(source if code is None else native(source)[mints.codes == code])

    @property
    def owners(self) -> pd.Index:
        """Owners in the order of the frame: all that were read, where the column is categorical."""
        return self.columns.owners.names

    @cached_property
    def mints(self) -> pd.Index:
        """Mints that have rows, most holders first."""
        return self.columns.mints.names[self.mint_codes[by_holders(self.groups)]]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns.balances)

    @property
    def zero_balances(self) -> int:
        """Number of rows whose balance is zero."""
        return int(self.groups.zero_balances.sum())

    @property
    def slot_first(self) -> int | None:
        """Lowest slot; ``None`` without rows."""
        return int(self.slots_first.min()) if self.rows else None

    @property
    def slot_last(self) -> int | None:
        """Highest slot; ``None`` without rows."""
        return int(self.slots_last.max()) if self.rows else None

    def holders(self, mint: str) -> Holders:
        """Return the holders of one mint.

        Raises
        ------
        InputError
            The frame has rows, but does not know this mint.
        """
        group = self._group(mint)
        if group is None:
            nothing = self.columns.balances[:0]
            start = self.groups.running.at(slice(1))
            return Holders(mint, nothing, self.mint_rows[:0], start, 0, float("nan"), None, None)
        first, end = int(self.groups.firsts[group]), int(self.groups.ends[group])
        return Holders(
            mint=mint,
            balances=self.groups.balances[first:end],
            rows=self.mint_rows[first:end],
            running=self.groups.running.at(slice(first, end + 1)),
            zero_balances=first - int(self.groups.starts[group]),
            gini=float(self.ginis[group]),
            slot_first=int(self.slots_first[group]),
            slot_last=int(self.slots_last[group]),
        )

    def holder_table(self, holders: Holders, first: int, end: int) -> pd.DataFrame:
        """Return the holders at the places ``first`` to ``end`` (excluded) of the ascending balances.

        Columns and index are those of `top_holders`, largest first.
        """
        places = np.arange(end - 1, first - 1, -1)
        balances, rows = holders.balances[places], holders.rows[places]
        above = minus(holders.sums(np.full_like(places, holders.size)), holders.sums(places))
        return pd.DataFrame(
            {
                "owner": self.owners_at(rows),
                "balance": balances,
                "share": holders.shares(widen(balances)),
                "cumulative_share": holders.shares(above),
                "slot": self.columns.slots[rows],
            },
            index=pd.RangeIndex(holders.size - end + 1, holders.size - first + 1, name="rank"),
        )

    def rows_of(self, owner: str) -> I64:
        """Return the rows of one owner, in the order of the frame; none where the owner is unknown."""
        code = _code(self.columns.owners, owner)
        return self.owner_rows[:0] if code is None else self.owner_rows[self._span(code)]

    def row_of(self, owner: str, mint: str) -> int | None:
        """Return the row of one (owner, mint) pair; ``None`` where there is none."""
        rows = self.rows_of(owner)
        hits = rows[self.columns.mints.codes[rows] == _code(self.columns.mints, mint)]
        return int(hits[0]) if len(hits) else None

    def balance_of(self, owner: str, mint: str) -> int | None:
        """Return the balance of one owner in one mint; ``None`` where there is no such row."""
        row = self.row_of(owner, mint)
        return None if row is None else int(self.columns.balances[row])

    def owners_at(self, rows: I64) -> pd.Index:
        """Return the owners of these rows."""
        return self.owners.take(self.columns.owners.codes[rows])

    def _span(self, owner: int) -> slice:
        return slice(int(self.owner_edges[owner]), int(self.owner_edges[owner + 1]))

    def _group(self, mint: str) -> int | None:
        code = known_mint(self.columns.mints, mint, rows=self.rows)
        if code is None:
            return None
        group = int(np.searchsorted(self.mint_codes, code))
        has_rows = group < len(self.mint_codes) and self.mint_codes[group] == code
        return group if has_rows else None


Source: TypeAlias = pd.DataFrame | MintIndex


def known_mint(mints: Coded, mint: str, *, rows: int) -> int | None:
    """Return the code of a mint; ``None`` where the frame is empty, so that no mint can be known."""
    code = _code(mints, mint)
    if code is not None or not rows:
        return code
    shown = ", ".join(map(repr, mints.names[:_NAMES_SHOWN]))
    raise InputError(
        f"mint {mint!r} is not one of the {len(mints.names):,} mints of this frame, such as {shown}"
    )


def mint_groups(columns: Columns) -> tuple[Groups, I64]:
    """Return the balances sorted within each mint that has rows, and the codes of those mints."""
    mints = columns.mints
    order = group_order(mints.codes, len(mints.names))
    balances = columns.balances[order]
    codes, starts = _starts(mints)
    for rows in _longer_than_one(starts, len(order)):
        balances[rows].sort()
    return Groups.of(balances, starts), codes


def by_holders(groups: Groups) -> I64:
    """Sort groups by their holders, most first; equal ones keep the order of the frame."""
    return np.argsort(-groups.holders, kind="stable")


def _build(frame: pd.DataFrame) -> MintIndex:
    columns = read_columns(frame)
    mints, owners = columns.mints, columns.owners
    # Backwards, so that among equal balances the row that is first in the frame ranks first.
    order = len(mints.codes) - 1 - group_order(mints.codes[::-1], len(mints.names))
    codes, starts = _starts(mints)
    for rows in _longer_than_one(starts, len(order)):
        order[rows] = order[rows][_stable_order(columns.balances[order[rows]])]
    groups = Groups.of(columns.balances[order], starts)
    slots = columns.slots[order]
    owner_rows = group_order(owners.codes, len(owners.names))
    return MintIndex(
        frame=frame,
        columns=columns,
        groups=groups,
        mint_codes=codes,
        mint_rows=order,
        owner_rows=owner_rows,
        owner_edges=group_edges(owners.codes, len(owners.names)),
        ginis=ginis(groups),
        slots_first=np.minimum.reduceat(slots, starts) if len(starts) else slots,
        slots_last=np.maximum.reduceat(slots, starts) if len(starts) else slots,
    )


def _stable_order(balances: U64) -> I64:
    """Sort stably; where few balances are equal, several times faster than numpy's stable sort."""
    order = np.argsort(balances)
    equal = np.diff(balances[order]) == 0
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    places = order[tied]
    order[tied] = places[np.lexsort((places, balances[places]))]
    return order


def _starts(mints: Coded) -> tuple[I64, I64]:
    """Find the codes of the mints that have rows, and where the rows of each start once sorted by mint."""
    edges = group_edges(mints.codes, len(mints.names))
    with_rows = np.flatnonzero(np.diff(edges))
    return with_rows, edges[with_rows]


def _longer_than_one(starts: I64, rows: int) -> list[slice]:
    ends = np.append(starts[1:], rows)
    many = np.flatnonzero(ends - starts > 1)
    return [slice(*edges) for edges in zip(starts[many].tolist(), ends[many].tolist(), strict=True)]


def _code(column: Coded, name: str) -> int | None:
    code = int(column.names.get_indexer(pd.Index([name]))[0])
    return None if code < 0 else code
