"""Two pulls of the same owners, compared pair by pair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from helius_frames.analysis._attrs import failed_owners, pull_attrs
from helius_frames.analysis._exact import I64, U64, Flags, Wide, as_decimals, minus, widen
from helius_frames.analysis._schema import Coded, Columns, pair_keys, present, read_columns
from helius_frames.analysis._tokens import Tokens, has_tokens, tokens_of, unit_decimals
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    read_owners: Flags
    asked_mints: Flags
    complete_mints: Flags
    zeros_dropped: bool


class _Side(NamedTuple):
    """One pull's answer for each pair of the comparison."""

    there: Flags
    read: Flags
    zeros_dropped: bool
    balances: U64  # 0 where the pair is not there
    slots: I64


def diff(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    mints: str | Iterable[str] | None = None,
    complete: str | Iterable[str] | None = None,
) -> pd.DataFrame:
    """Compare two pulls: what each owner had of each mint before and after, and the exact change.

    A pair that only one pull has is ``new`` or ``gone`` only if the other pull would have found it: it read
    that owner to the end and asked for that mint. Otherwise the pair is ``not read`` and its change is
    missing. The owners that a pull read are the categories of its ``owner`` column (or the entries of its
    Arrow dictionary); a column of plain text knows only those that have rows. Which mints it asked for, and
    which of them it read with every holder there is, is in ``frame.attrs``. Rows removed by hand after a pull
    look "gone": filter both frames in the same way.

    Photon keeps a row with balance 0 after an owner has sent everything away, so most of what a person
    calls gone is ``changed``, to 0. Where one of the pulls dropped zeros, no row there and a zero here are
    the ``same``.

    Parameters
    ----------
    mints
        Mints that a frame without attrs was asked for; by default all of them.
    complete
        Mints of which a frame without attrs has every holder, so that an owner without a row held none,
        whether it is a category or not; by default none.

    Returns
    -------
    One row per (owner, mint) of either frame, in the order of the owners, then of the mints, those of
    ``before`` first:

    - ``owner``, ``mint``: category
    - ``before``, ``after``: UInt64, base units; missing where that pull has no row
    - ``change``: decimal128(38, 0), exact and signed, base units; no row counts as 0
    - ``symbol``: category, and ``ui_change``: decimal128(38, s), the change in whole tokens, exact, where s
      is the largest number of decimals; each where a frame has the column that it takes, see `with_tokens`;
      missing where unknown, or with more than 18 decimals
    - ``status``: category, ``same``, ``changed``, ``new``, ``gone`` or ``not read``
    - ``slot_before``, ``slot_after``: Int64; missing where that pull has no row

    Raises
    ------
    AttributeError
        A column of the balance schema is missing in one of the frames.
    InputError
        A balance is missing, negative or not an integer, an (owner, mint) pair is twice in one frame, or
        ``mints`` or ``complete`` is not made of text.

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
    names, *mint_places = _joined(old.mints, new.mints)
    given = {"mints": _texts("mints", mints), "complete": _texts("complete", complete)}
    pulls = [
        _pull(columns, pull_attrs(frame) or given, _Names(owners, own), _Names(names, minted))
        for frame, columns, own, minted in zip(
            (before, after), (old, new), owner_places, mint_places, strict=True
        )
    ]
    keys = np.union1d(pulls[0].keys, pulls[1].keys)
    owner_codes, mint_codes = np.divmod(keys, max(len(names), 1))
    left, right = (_side(pull, keys, owner_codes, mint_codes) for pull in pulls)
    status = _status(left, right)
    change = minus(widen(right.balances), widen(left.balances))
    table = pd.DataFrame(
        {
            "owner": pd.Categorical.from_codes(owner_codes, owners),
            "mint": pd.Categorical.from_codes(mint_codes, names),
            "before": pd.arrays.IntegerArray(left.balances, ~left.there),
            "after": pd.arrays.IntegerArray(right.balances, ~right.there),
            "change": as_decimals(change, missing=status == STATUSES.index("not read")),
            "status": pd.Categorical.from_codes(status, pd.Index(STATUSES)),
            "slot_before": pd.arrays.IntegerArray(left.slots, ~left.there),
            "slot_after": pd.arrays.IntegerArray(right.slots, ~right.there),
        }
    )
    for frame, columns, places in ((after, new, mint_places[1]), (before, old, mint_places[0])):
        if has_tokens(frame):
            tokens = tokens_of(frame, Coded(names, places[columns.mints.codes]))
            return _with_units(table, tokens, names, mint_codes, change)
    return table


def _with_units(
    table: pd.DataFrame, tokens: Tokens, mints: pd.Index, codes: I64, change: Wide
) -> pd.DataFrame:
    """Return the table with symbols and the change in whole tokens, where they are known."""
    if tokens.decimals is not None:
        missing = table["change"].isna().to_numpy()
        units = unit_decimals(change, tokens.decimals[codes], missing)
        table.insert(5, "ui_change", pd.Series(units, table.index))
    if tokens.symbols is not None:
        labels = pd.Series(tokens.labels(mints), dtype="str")
        table.insert(2, "symbol", labels.take(codes).astype("category").array)
    return table


def _joined(old: Coded, new: Coded) -> tuple[pd.Index, I64, I64]:
    """Join the names of both pulls, and find the place of each name of either among them."""
    if old.names.equals(new.names):
        places = np.arange(len(old.names))
        return old.names, places, places
    places, names = pd.factorize(old.names.append(new.names))
    return names.astype("str"), places[: len(old.names)], places[len(old.names) :]


def _texts(name: str, mints: str | Iterable[str] | None) -> list[str] | None:
    """Check names of mints given as an argument; one alone is a list of one."""
    if mints is None:
        return None
    texts = [mints] if isinstance(mints, str) or not isinstance(mints, Iterable) else list(mints)
    if not all(isinstance(text, str) for text in texts):
        raise InputError(f"{name} must be one mint or several, as text, got {mints!r}")
    return texts


def _pull(columns: Columns, attrs: Mapping[str, Any], owners: _Names, mints: _Names) -> _Pull:
    keys = pair_keys(
        owners.places[columns.owners.codes], mints.places[columns.mints.codes], len(mints.joined)
    )
    order = np.argsort(keys, kind="stable")
    asked = attrs.get("mints")
    return _Pull(
        keys=keys[order],
        balances=columns.balances[order],
        slots=columns.slots[order],
        read_owners=owners.flag(_read_owners(columns.owners, attrs)),
        asked_mints=np.ones(len(mints.joined), dtype=bool) if asked is None else mints.joined.isin(asked),
        complete_mints=mints.joined.isin(_complete_mints(columns.mints, attrs)),
        zeros_dropped=bool(attrs.get("drop_zero", False)),
    )


def _read_owners(own: Coded, attrs: Mapping[str, Any]) -> Flags:
    """Return which names were read to the end: all but those that the attrs list as failed."""
    failed = own.names.isin(sorted(failed_owners(attrs)))
    return ~failed | present(own.codes, len(own.names))


def _complete_mints(own: Coded, attrs: Mapping[str, Any]) -> Iterable[str]:
    """Return the mints of which the pull has every holder: listed, or all that it asked for."""
    complete = attrs.get("complete")
    if complete is True:
        return attrs.get("mints") or own.names
    return complete or []


def _side(pull: _Pull, keys: I64, owners: I64, mints: I64) -> _Side:
    """Answer of one pull for each pair of the comparison."""
    there = np.isin(keys, pull.keys, assume_unique=True)
    balances, slots = np.zeros(len(keys), dtype=np.uint64), np.zeros(len(keys), dtype=np.int64)
    balances[there], slots[there] = pull.balances, pull.slots  # both ascend by the same key
    read = pull.read_owners[owners] & pull.asked_mints[mints] | pull.complete_mints[mints]
    return _Side(there, read, pull.zeros_dropped, balances, slots)


def _status(old: _Side, new: _Side) -> NDArray[np.intp]:
    """Place of each pair's status in `STATUSES`."""
    equal = old.balances == new.balances
    both = old.there & new.there
    zeros_apart = equal & np.where(new.there, old.zeros_dropped, new.zeros_dropped)
    conditions = [
        both & equal,
        both,
        ~old.there & ~old.read | ~new.there & ~new.read,
        zeros_apart,
        new.there,
    ]
    answers = [STATUSES.index(name) for name in ("same", "changed", "not read", "same", "new")]
    return np.select(conditions, answers, STATUSES.index("gone"))
