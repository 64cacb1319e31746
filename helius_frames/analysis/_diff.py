"""Two pulls of the same owners, compared pair by pair. Imports `errors` and the rooms above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from helius_frames.analysis._attrs import failed_owners, notes
from helius_frames.analysis._exact import I64, U64, Flags, as_decimals, minus, widen
from helius_frames.analysis._schema import Coded, Columns, pair_keys, present, read_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

STATUSES = ("same", "changed", "new", "gone", "not read")


class _Names(NamedTuple):
    """Names of both pulls together, and the places there of the names of one."""

    joined: pd.Index
    places: I64

    def flag(self, own: Flags) -> Flags:
        """Carry flags of the one pull's names over to the names of both."""
        flags = np.zeros(len(self.joined), dtype=bool)
        flags[self.places[own]] = True
        return flags


class _Pull(NamedTuple):
    """One pull, with owners and mints numbered as in both pulls together."""

    keys: I64  # ascending
    balances: U64
    slots: I64
    asked_owners: Flags
    asked_mints: Flags
    zeros_dropped: bool


class _Side(NamedTuple):
    """One pull's answer for each pair of the comparison."""

    there: Flags
    asked: Flags
    zeros_dropped: bool
    balances: U64  # 0 where the pair is not there
    slots: I64


def diff(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare two pulls: what each owner had of each mint before and after, and the exact change.

    A pair that only one pull has is ``new`` or ``gone`` only if the other pull asked for it. It did not
    where the owner is none of its owners (the categories of its ``owner`` column), where that owner
    failed, or where the mint is outside its filter: then the pair is ``not read`` and its change is
    missing. Failures and filter are read from ``frame.attrs``; where those are gone, an owner or a mint
    without any row in that pull counts as not asked. Rows cut away by hand after a pull look "gone": cut
    both frames in the same way.

    The server keeps a mint that was spent out with a balance of zero, so most of what a person calls gone
    is ``changed``, to 0. Where one of the pulls dropped zeros, no row there and a zero here are the ``same``.

    Returns
    -------
    One row per (owner, mint) of either frame, in the order of the owners, then of the mints, those of
    ``before`` first:

    - ``owner``, ``mint``: category
    - ``before``, ``after``: UInt64, base units; missing where that pull has no row
    - ``change``: decimal128(38, 0), exact and signed, base units; no row counts as 0
    - ``status``: category, ``same``, ``changed``, ``new``, ``gone`` or ``not read``
    - ``slot_before``, ``slot_after``: Int64; missing where that pull has no row

    Raises
    ------
    AttributeError
        A column of the balance schema is missing in one of the frames.
    InputError
        A balance is missing, negative or no integer, or an (owner, mint) pair stands twice in one frame.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import diff
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> diff(df, df)["status"].unique().tolist()
    ['same']
    """
    old, new = read_columns(before), read_columns(after)
    owners, *owner_places = _joined(old.owners, new.owners)
    mints, *mint_places = _joined(old.mints, new.mints)
    pulls = (
        _pull(before, old, _Names(owners, owner_places[0]), _Names(mints, mint_places[0])),
        _pull(after, new, _Names(owners, owner_places[1]), _Names(mints, mint_places[1])),
    )
    keys = np.union1d(pulls[0].keys, pulls[1].keys)
    owner_codes, mint_codes = np.divmod(keys, max(len(mints), 1))
    left, right = (_side(pull, keys, owner_codes, mint_codes) for pull in pulls)
    status = _status(left, right)
    change = minus(widen(right.balances), widen(left.balances))
    return pd.DataFrame(
        {
            "owner": pd.Categorical.from_codes(owner_codes, owners),
            "mint": pd.Categorical.from_codes(mint_codes, mints),
            "before": pd.arrays.IntegerArray(left.balances, ~left.there),
            "after": pd.arrays.IntegerArray(right.balances, ~right.there),
            "change": as_decimals(change, missing=status == STATUSES.index("not read")),
            "status": pd.Categorical.from_codes(status, pd.Index(STATUSES)),
            "slot_before": pd.arrays.IntegerArray(left.slots, ~left.there),
            "slot_after": pd.arrays.IntegerArray(right.slots, ~right.there),
        }
    )


def _joined(old: Coded, new: Coded) -> tuple[pd.Index, I64, I64]:
    """Join the names of both pulls, and find the place of each name of either among them."""
    if old.names.equals(new.names):
        places = np.arange(len(old.names))
        return old.names, places, places
    places, names = pd.factorize(old.names.append(new.names))
    return names.astype("str"), places[: len(old.names)], places[len(old.names) :]


def _pull(frame: pd.DataFrame, columns: Columns, owners: _Names, mints: _Names) -> _Pull:
    own, minted = owners.places[columns.owners.codes], mints.places[columns.mints.codes]
    keys = pair_keys(own, minted, len(mints.joined))
    order = np.argsort(keys, kind="stable")
    return _Pull(
        keys=keys[order],
        balances=columns.balances[order],
        slots=columns.slots[order],
        asked_owners=_asked_owners(frame, columns.owners, owners),
        asked_mints=_asked_mints(frame, columns.mints, mints),
        zeros_dropped=bool((notes(frame) or {}).get("drop_zero", False)),
    )


def _asked_owners(frame: pd.DataFrame, own: Coded, owners: _Names) -> Flags:
    if notes(frame) is None:
        return owners.flag(present(own.codes, len(own.names)))
    return owners.flag(~own.names.isin(sorted(failed_owners(frame))))


def _asked_mints(frame: pd.DataFrame, own: Coded, mints: _Names) -> Flags:
    noted = notes(frame)
    if noted is None:
        return mints.flag(present(own.codes, len(own.names)))
    asked = noted.get("mints")
    return np.ones(len(mints.joined), dtype=bool) if asked is None else mints.joined.isin(asked)


def _side(pull: _Pull, keys: I64, owners: I64, mints: I64) -> _Side:
    """Answer of one pull for each pair of the comparison."""
    there = np.isin(keys, pull.keys, assume_unique=True)
    balances, slots = np.zeros(len(keys), dtype=np.uint64), np.zeros(len(keys), dtype=np.int64)
    balances[there], slots[there] = pull.balances, pull.slots  # both ascend by the same key
    asked = pull.asked_owners[owners] & pull.asked_mints[mints]
    return _Side(there, asked, pull.zeros_dropped, balances, slots)


def _status(old: _Side, new: _Side) -> NDArray[np.intp]:
    """Place of each pair's status in `STATUSES`."""
    equal = old.balances == new.balances
    both = old.there & new.there
    zeros_apart = equal & np.where(new.there, old.zeros_dropped, new.zeros_dropped)
    conditions = [
        both & equal,
        both,
        ~old.there & ~old.asked | ~new.there & ~new.asked,
        zeros_apart,
        new.there,
    ]
    answers = [STATUSES.index(name) for name in ("same", "changed", "not read", "same", "new")]
    return np.select(conditions, answers, STATUSES.index("gone"))
