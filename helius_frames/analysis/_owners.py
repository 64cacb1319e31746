"""Tables of owners and of the slots their pages were read at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from helius_frames.analysis._attrs import failed_owners, pull_attrs
from helius_frames.analysis._exact import as_arrow, check_backend, integer_objects, minus, running
from helius_frames.analysis._schema import (
    Codes,
    balance_values,
    check_schema,
    code_names,
    group_edges,
    group_order,
    present,
    read_columns,
    slot_values,
)

if TYPE_CHECKING:
    from helius_frames.analysis._exact import I64, Flags


class PullSummary(NamedTuple):
    """Size and age of a frame of balances.

    Attributes
    ----------
    rows, mints, owners, zero_balances
        Rows, mints that have rows, owners that have rows, rows with a balance of zero.
    owners_read
        Owners read to the end, those without rows included.
    owners_failed
        Owners that the attrs list as failed and that have no row.
    is_whole
        Whether the attrs say that no other owner was asked.
    slot_first, slot_last
        Lowest and highest slot; ``None`` without rows.
    """

    rows: int
    mints: int
    owners: int
    zero_balances: int
    owners_read: int
    owners_failed: int
    is_whole: bool
    slot_first: int | None
    slot_last: int | None


def pull_summary(frame: pd.DataFrame) -> PullSummary:
    """Count what is in a frame, and whose holdings it has.

    The owners read to the end are the categories of the ``owner`` column, or the entries of its Arrow
    dictionary; a column of plain text knows only those that have rows. An (owner, mint) pair that is
    there twice is counted twice.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A value is missing, or is not exact.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import pull_summary
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> summary = pull_summary(df)
    >>> summary.owners_read, summary.owners, summary.is_whole
    (600, 584, True)
    """
    check_schema(frame)
    owners, mints = code_names(frame["owner"]), code_names(frame["mint"])
    balances, slots = balance_values(frame["balance"]), slot_values(frame["slot"])
    attrs = pull_attrs(frame)
    has_rows = present(owners.codes, len(owners.names))
    failed = sorted(failed_owners(attrs))
    is_failed = owners.names.isin(failed)
    failures = len(failed) - int((is_failed & has_rows).sum())
    read = len(owners.names) - int((is_failed & ~has_rows).sum())
    return PullSummary(
        rows=len(balances),
        mints=int(present(mints.codes, len(mints.names)).sum()),
        owners=int(has_rows.sum()),
        zero_balances=int((balances == 0).sum()),
        owners_read=read,
        owners_failed=failures,
        is_whole=attrs.get("owners") == read + failures,
        slot_first=int(slots.min()) if len(slots) else None,
        slot_last=int(slots.max()) if len(slots) else None,
    )


def by_owner(frame: pd.DataFrame, *, dtype_backend: Literal["pyarrow"] | None = None) -> pd.DataFrame:
    """Sum up each owner: how many mints it holds, how much, and how fresh its rows are.

    Where the ``owner`` column is categorical its categories are the owners read to the end, and those
    without rows are listed here with none. Of an owner that ``frame.attrs`` lists as failed nothing is
    known: in a frame that has it as a category nevertheless its numbers are missing.

    Parameters
    ----------
    dtype_backend
        ``"pyarrow"``: Arrow dtypes, and ``total`` as decimal128(38, 0), to save the table.

    Returns
    -------
    One row per owner, in the order of the frame; index ``owner`` (str):

    - ``mints``: Int64, mints with a balance above zero
    - ``total``: object, Python integers, exact sum of its balances in base units; an amount where they are
      of one mint, or of mints with as many decimals
    - ``zero_balances``: Int64, mints with a balance of zero
    - ``slot_first``, ``slot_last``: Int64, lowest and highest slot of its rows; missing without rows

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A balance is missing, negative or not an integer, an (owner, mint) pair is there twice, or
        ``dtype_backend`` is not one of these.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_owner
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> table = by_owner(df)
    >>> len(table) == len(helius_frames.demo.OWNERS)
    True
    """
    check_backend(dtype_backend)
    columns = read_columns(frame)
    names, codes = columns.owners
    failed = names.isin(sorted(failed_owners(pull_attrs(frame)))) & ~present(codes, len(names))
    held = columns.balances > 0
    first, last = _slot_range(codes, columns.slots, len(names))
    sums = running(columns.balances[group_order(codes, len(names))])
    edges = group_edges(codes, len(names))
    totals = minus(sums.at(edges[1:]), sums.at(edges[:-1]))
    table = pd.DataFrame(
        {
            "mints": _whole(_count(codes[held], len(names)), missing=failed),
            "total": integer_objects(totals, missing=failed),
            "zero_balances": _whole(_count(codes[~held], len(names)), missing=failed),
            "slot_first": first,
            "slot_last": last,
        },
        index=names.astype("str").rename("owner"),
    )
    return as_arrow(table) if dtype_backend == "pyarrow" else table


def owners_of(frame: pd.DataFrame) -> pd.Index:
    """List the owners that were read to the end.

    They are the categories of the ``owner`` column, or the entries of its Arrow dictionary, so that owners
    without rows are among them. Owners that failed, or were still open when a pull ended, are not. A column
    of plain text, as after a CSV or a ``concat``, knows only those that have rows.

    Returns
    -------
    Index of str, each owner once, in the order of the frame.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        An owner is missing in a row.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import owners_of
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> owners_of(df).tolist() == list(helius_frames.demo.OWNERS)
    True
    """
    check_schema(frame)
    return code_names(frame["owner"]).names.astype("str")


def slots(frame: pd.DataFrame) -> pd.DataFrame:
    """List the slots that each owner's pages were read at.

    A slot says that the row is at least as new as this. Pages of one owner may have different slots,
    and a pull is not one snapshot: `drift` is the widest gap.

    Returns
    -------
    One row per owner that has rows, in the order of the frame; index ``owner`` (str):

    - ``slot_first``, ``slot_last``: int64, lowest and highest slot
    - ``slots``: int64, number of different slots

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A slot is missing or not an integer.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import slots
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> bool((slots(df)["slot_last"] >= slots(df)["slot_first"]).all())
    True
    """
    check_schema(frame)
    owners, values = code_names(frame["owner"]), slot_values(frame["slot"])
    order = np.lexsort((values, owners.codes))
    codes, values = owners.codes[order], values[order]
    new_owner = np.diff(codes, prepend=-1) != 0
    starts = np.flatnonzero(new_owner)
    new_slot = new_owner | (np.diff(values, prepend=0) != 0)
    return pd.DataFrame(
        {
            "slot_first": values[starts],
            "slot_last": values[np.append(starts[1:], len(values))[: len(starts)] - 1],
            "slots": np.add.reduceat(new_slot, starts, dtype=np.int64) if len(starts) else starts,
        },
        index=owners.names.take(codes[starts]).astype("str").rename("owner"),
    )


def drift(frame: pd.DataFrame) -> int:
    """Return the widest gap between two slots of the frame: the highest less the lowest; 0 without rows.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        A slot is missing or not an integer.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import drift
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> drift(df) >= 0
    True
    """
    check_schema(frame)
    values = slot_values(frame["slot"])
    return int(values.max()) - int(values.min()) if len(values) else 0


def _slot_range(codes: Codes, values: I64, owners: int) -> tuple[pd.api.extensions.ExtensionArray, ...]:
    """Find the lowest and the highest slot of each owner."""
    there = present(codes, owners)
    values = values[group_order(codes, owners)]
    starts = group_edges(codes, owners)[:-1][there]
    return tuple(
        _whole(_spread(extreme.reduceat(values, starts) if len(starts) else values, there), missing=~there)
        for extreme in (np.minimum, np.maximum)
    )


def _spread(values: I64, there: Flags) -> I64:
    whole = np.zeros(len(there), dtype=np.int64)
    whole[there] = values
    return whole


def _count(codes: Codes, owners: int) -> I64:
    return np.bincount(codes, minlength=owners).astype(np.int64)


def _whole(values: I64, *, missing: Flags) -> pd.api.extensions.ExtensionArray:
    return pd.arrays.IntegerArray(values, missing)
