"""Whose address it is: wallets and programs, names the caller knows, and measures without some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from helius_frames._protocol import curve, pubkey
from helius_frames.analysis._attrs import KEY
from helius_frames.analysis._coverage import as_text, places_among
from helius_frames.analysis._exact import as_ints, running
from helius_frames.analysis._index import MintIndex, Source, known_mint
from helius_frames.analysis._schema import Coded, balance_values, check_schema, code_names, present
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from helius_frames.analysis._exact import Flags

Labels: TypeAlias = Mapping[str, str] | pd.Series
Exclude: TypeAlias = str | Iterable[str] | None

PROGRAMS: Final = "programs"
_NO_CODE: Final = -1


def with_owners(frame: pd.DataFrame, labels: Labels | None = None) -> pd.DataFrame:
    """Return the frame with what is known of its owners: wallet or program, and the caller's own names.

    An address off the ed25519 curve has no key pair: it is a program's (a pool, a vault, a token account)
    and no wallet. One on the curve may be a wallet, or a program's that was made with a key. A million
    different owners take about 20 s, and 3 s where gmpy2 is installed.

    Parameters
    ----------
    labels
        Names by address, a mapping or a Series; several addresses may have one name. Addresses that are not
        in the frame change nothing.

    Returns
    -------
    A new frame with all columns and attrs of this one, and

    - ``on_curve``: boolean; missing where the owner is not the base58 text of 32 bytes
    - ``label``: category, its categories in the order of ``labels``; missing where there is no name. Only
      where ``labels`` are given.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        ``labels`` are neither a mapping nor a Series of text by address, or an owner is missing in a row.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import with_owners
    >>> df = helius_frames.read_helius_balances(demo.OWNERS[:3], cluster="demo")
    >>> named = with_owners(df, {demo.WALLETS["whale"]: "the whale"})
    >>> named["label"].cat.categories.tolist(), str(named["on_curve"].dtype)
    (['the whale'], 'boolean')
    """
    check_schema(frame)
    owners = code_names(frame["owner"])
    columns: dict[str, Any] = {"on_curve": _on_curve(owners)}
    if labels is not None:
        columns["label"] = _label_column(owners, _checked_labels(labels))
    return frame.assign(**{name: pd.Series(column, index=frame.index) for name, column in columns.items()})


def without_owners(frame: pd.DataFrame, exclude: Exclude) -> pd.DataFrame:
    """Return the frame without some of its owners, as if they had not been asked.

    It is what every measure does with its own ``exclude``; here for charts and whatever else takes a frame.

    Parameters
    ----------
    exclude
        Whom to leave out, one or several of: ``"programs"``, all owners off the curve (see `with_owners`);
        a name in the frame's column ``label``; an address.

    Returns
    -------
    A new frame with all other rows and the attrs of this one. Owners left out are no categories of its
    ``owner`` column any more, and no mint is complete in it: they are owners that were not read.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        An entry of ``exclude`` is neither ``"programs"`` nor a label of the frame nor an address.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import without_owners
    >>> df = helius_frames.read_helius_balances(demo.OWNERS[:3], cluster="demo")
    >>> without_owners(df, demo.WALLETS["whale"])["owner"].nunique()
    1
    """
    check_schema(frame)
    flags, owners = _excluded(frame, exclude)
    rest = frame[~flags].copy(deep=False)
    gone = np.zeros(len(owners.names), dtype=bool)
    gone[owners.codes[flags]] = True
    gone |= owners.names.isin([entry for entry in _entries(exclude) if entry != PROGRAMS])
    if KEY in frame.attrs and isinstance(frame.attrs[KEY], Mapping):
        rest.attrs[KEY] = {name: value for name, value in frame.attrs[KEY].items() if name != "complete"}
    dtype = frame["owner"].dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return rest.assign(owner=rest["owner"].cat.remove_categories(owners.names[gone]))
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        codes = (np.cumsum(~gone) - 1)[owners.codes[~flags]].astype(np.int32)
        names = as_text(owners.names[~gone]).cast(dtype.pyarrow_dtype.value_type)
        column: Any = pd.array(pa.DictionaryArray.from_arrays(codes, names), dtype=dtype)
        return rest.assign(owner=pd.Series(column, index=rest.index))
    return rest


class Rest(NamedTuple):
    """What a measure of one mint is taken of, and what was left out; nothing where nobody was to be."""

    source: Source
    excluded: dict[str, int]

    def note(self, table: pd.DataFrame) -> pd.DataFrame:
        """Write beside a table what was left out of it."""
        table.attrs.update(self.excluded)
        return table


def rest_of(source: Source, mint: str, exclude: Exclude) -> Rest:
    """Leave owners out of the holders of one mint."""
    if exclude is None:
        return Rest(source, {})
    frame = source.frame if isinstance(source, MintIndex) else source
    check_schema(frame)
    mints = code_names(frame["mint"])
    code = known_mint(mints, mint, rows=len(frame))
    labels = _labels_of(frame)
    frame = frame[mints.codes == (_NO_CODE if code is None else code)]
    flags, _ = _excluded(frame, exclude, labels)
    balances = balance_values(frame.loc[flags, "balance"])
    total = as_ints(running(balances).at(slice(-1, None)))[0]
    excluded = {"excluded_holders": int((balances > 0).sum()), "excluded_total": total}
    return Rest(frame[~flags], excluded)


def by_mint_of_rest(
    source: Source, exclude: Exclude, by_mint: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Sum up each mint without some owners, and in two more columns what was left out.

    A mint of which nobody is left stays in the table, without holders.
    """
    frame = source.frame if isinstance(source, MintIndex) else source
    check_schema(frame)
    flags, _ = _excluded(frame, exclude)
    rest, gone = frame[~flags], frame[flags]
    table = by_mint(rest)
    emptied = gone[~gone["mint"].isin(rest["mint"].unique())]
    if len(emptied):
        # As rows of 0, which are no holders; they are no zero balances of the rest either.
        none = by_mint(emptied.assign(balance=np.zeros(len(emptied), dtype=np.uint64)))
        table = pd.concat([table, none.assign(zero_balances=0).astype({"zero_balances": "int64"})])
    left_out = by_mint(gone)
    holders = left_out["holders"].reindex(table.index, fill_value=0).astype("int64")
    totals = dict(zip(left_out.index, map(int, left_out["total"]), strict=True))
    excluded_total = pd.Series([totals.get(mint, 0) for mint in table.index], table.index, dtype=object)
    return table.assign(excluded_holders=holders, excluded_total=excluded_total)


def _excluded(frame: pd.DataFrame, exclude: Exclude, known: set[str] | None = None) -> tuple[Flags, Coded]:
    """Flag the rows of the owners to leave out; a frame that was cut down gets the labels of the whole."""
    owners, entries = code_names(frame["owner"]), _entries(exclude)
    known = _labels_of(frame) if known is None else known
    for position, entry in enumerate(entries):
        if entry not in known and entry != PROGRAMS and not _is_address(entry):
            raise InputError(
                "exclude must be 'programs', labels of the frame or addresses; "
                f"the entry at position {position} is not one of them"
            )
    flags = _at(owners.names.isin(entries), owners).copy()
    if known:
        flags |= frame["label"].isin(known.intersection(entries)).to_numpy(dtype=bool)
    if PROGRAMS in entries:
        on_curve = frame["on_curve"].array if "on_curve" in frame.columns else _on_curve(owners)
        flags |= ~pd.array(on_curve, dtype="boolean").to_numpy(dtype=bool, na_value=True)
    return flags, owners


def _labels_of(frame: pd.DataFrame) -> set[str]:
    return set(frame["label"].dropna().unique()) if "label" in frame.columns else set()


def _entries(exclude: Exclude) -> list[str]:
    entries = [exclude] if isinstance(exclude, str) else list(exclude or ())
    if not all(isinstance(entry, str) for entry in entries):
        raise InputError("exclude must be text: 'programs', labels of the frame or addresses")
    return entries


def _is_address(text: str) -> bool:
    return pubkey.align_texts([text]) is not None


def _on_curve(owners: Coded) -> pd.arrays.BooleanArray:
    """Test each owner that has rows, once."""
    there = present(owners.codes, len(owners.names))
    names = [str(name) for name in owners.names[there]]
    keys = pubkey.align_texts(names)
    is_address = np.ones(len(names), dtype=bool)
    if keys is None:
        is_address = np.array([_is_address(name) for name in names], dtype=bool)
        keys = pubkey.align_texts([name for name, good in zip(names, is_address, strict=True) if good])
    values, missing = (np.zeros(len(owners.names), dtype=bool) for _ in range(2))
    places = np.flatnonzero(there)
    values[places[is_address]] = curve.on_curve(keys) if keys is not None else False
    missing[places[~is_address]] = True
    return pd.arrays.BooleanArray(_at(values, owners), _at(missing, owners))


def _at(values: NDArray[Any], owners: Coded) -> NDArray[Any]:
    return values[owners.codes] if len(values) else values


def _checked_labels(labels: Labels) -> dict[str, str]:
    if not isinstance(labels, pd.Series | Mapping):
        raise InputError(
            f"labels must be a mapping or a Series of text by address, got {type(labels).__name__}"
        )
    names = {str(address): name for address, name in labels.items()}
    if not all(isinstance(name, str) and name for name in names.values()):
        raise InputError("labels must be text by address, and none of them blank")
    return names


def _label_column(owners: Coded, labels: dict[str, str]) -> pd.Categorical:
    categories = list(dict.fromkeys(labels.values()))
    numbers = {label: number for number, label in enumerate(categories)}
    codes = np.full(len(owners.names), _NO_CODE)
    places = places_among(as_text(pd.Index(list(labels), dtype="str")), owners.names)
    wanted = np.array([numbers[label] for label in labels.values()], dtype=np.int64)
    codes[places[places >= 0]] = wanted[places >= 0]
    return pd.Categorical.from_codes(_at(codes, owners), pd.Index(categories, dtype="str"))
