"""An airdrop list compared with what arrived: who kept it, who has none left, whom it never reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from helius_frames._frame import _categorical
from helius_frames.analysis._coverage import Coverage, Mints, coverage, places_among
from helius_frames.analysis._exact import F64, I64, U64, Flags, as_decimals, as_ints, minus, running, widen
from helius_frames.analysis._expected import Expected, ExpectedList, Units, read_expected, refuse_list
from helius_frames.analysis._schema import Columns, pair_keys, present, read_columns
from helius_frames.analysis._shape import check_decimals
from helius_frames.analysis._words import amount_text, count_text, share_text, short_address
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

STATUSES: Final = (
    "kept all",
    "more",
    "part",
    "none left",
    "never arrived",
    "none left or never arrived",
    "not read",
    "not expected",
)
_NO_ROW: Final = -1
_EXACT_FLOAT: Final = 1 << 53  # whole numbers up to here are floats without rounding
_BLOCK: Final = 1 << 16  # shares computed with Python's integers at once


class _Pairs(NamedTuple):
    """The expected pairs in the order of the list, then the pairs held beside them.

    ``rows`` are the rows of the frame, -1 where there is none; of the first ``listed`` pairs ``expected``
    is set, and ``is_read`` says whether the pull would have found a row.
    """

    owners: I64
    mints: I64
    rows: I64
    expected: U64
    is_read: Flags
    listed: int


def airdrop(
    frame: pd.DataFrame,
    expected: Expected,
    mint: str | None = None,
    *,
    units: Units = "base",
    decimals: int | Mapping[str, int] | None = None,
    mints: Mints = None,
    complete: Mints = None,
) -> pd.DataFrame:
    """Return what has become of an airdrop: for each owner what was expected, what is held, and a status.

    ============================== ====================================================================
    status                         the owner
    ============================== ====================================================================
    ``kept all``                   has exactly what was expected
    ``more``                       has more
    ``part``                       has less, but some
    ``none left``                  has a balance of 0: it arrived once, and all of it is gone
    ``never arrived``              was read and has no row: it never had any
    ``none left or never arrived`` was read and has no row, in a pull that dropped zeros
    ``not read``                   was not read to the end, or not for this mint: nothing is known
    ``not expected``               holds some and is not on the list
    ============================== ====================================================================

    The rows of 0 that Photon keeps distinguish "none left" from "never arrived". The owners that were read
    are the categories of the frame's ``owner`` column (or the entries of its Arrow dictionary); a column of
    plain text knows only owners that have rows. Rows removed by hand look as if they had never arrived.

    Parameters
    ----------
    expected
        Who was meant to get how much: a Series of amounts with the owners as its index, a frame with the
        columns ``owner`` (or ``address``), ``amount`` and perhaps ``mint``, or the path of such a CSV file.
        Amounts are integers, `decimal.Decimal` or text.
    mint
        What the list is about, where it does not say so and the frame has several mints; of a list that
        names mints, only this one is taken.
    units
        ``"base"``: amounts are base units. ``"decimals"``: they are in tokens.
    decimals
        Decimals of the tokens for ``units="decimals"``, one number or one for each mint; by default those
        in the frame's column ``decimals``.
    mints
        Mints that a frame without attrs was asked for; by default all of them.
    complete
        Mints of which a frame without attrs has every holder, so that an owner without a row never had any.

    Returns
    -------
    One row per pair of owner and mint, those of the list in its order, then those that hold some of these
    mints and are not on the list, in the order of the frame:

    - ``owner``, ``mint``: category
    - ``expected``: decimal128(38, 0), base units; missing where not expected
    - ``held``: UInt64, base units; missing where there is no row
    - ``change``: decimal128(38, 0), held less expected, base units, no row counting as 0; missing where not
      read
    - ``share_kept``: float64, held by expected, rounded once; above 1 where there is more, NaN where not
      expected or not read
    - ``status``: category

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The list has a bad address, an owner and mint twice, or an amount that is missing, no number, not
        above 0, no whole number of base units or more than a balance can be: all of them are listed with
        their positions. Or the mint or its decimals are needed and not known, or the frame's balances are
        not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> import pandas as pd
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import airdrop
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> expected = pd.Series(1_000, index=demo.OWNERS[:4])
    >>> fair_drop = demo.TOKENS[0].mint
    >>> airdrop(df, expected, fair_drop, units="decimals", decimals=6)["status"].tolist()[:4]
    ['kept all', 'kept all', 'never arrived', 'kept all']
    """
    columns = read_columns(frame)
    given = read_expected(
        expected,
        mint,
        only_mint=lambda: _only_mint(columns),
        decimals_of=_decimals_of(frame, columns, units, decimals),
    )
    read = coverage(frame, columns.owners, mints=mints, complete=complete)
    pairs, names = _paired(columns, given, read)
    status = _statuses(columns, pairs, zeros_dropped=read.zeros_dropped)
    return _table(columns, given, pairs, names, status)


def airdrop_summary(
    frame: pd.DataFrame,
    expected: Expected,
    mint: str | None = None,
    *,
    units: Units = "base",
    decimals: int | Mapping[str, int] | None = None,
    mints: Mints = None,
    complete: Mints = None,
) -> pd.DataFrame:
    """Return what has become of an airdrop of one mint by status, in owners and in tokens.

    The arguments are those of `airdrop`; where the list names several mints, ``mint`` has to say which,
    because tokens of different mints do not add up.

    Returns
    -------
    One row per status, also those that nobody has; index ``status`` (str), in the order of `airdrop`:

    - ``owners``: int64
    - ``share_of_owners``: float64, of the owners expected; NaN for ``not expected``
    - ``expected``: int, what was expected, base units; 0 for ``not expected``
    - ``share_of_expected``: float64, of all that was expected; NaN for ``not expected``
    - ``held``: int, what these owners hold, base units
    - ``kept``: int, the part of what was expected that is still there, base units: what is held, but of each
      owner at most what was expected of it

    Amounts are Python integers, exact and of any size. By status ``owners`` and ``expected`` add up to the
    whole list.

    Raises
    ------
    AttributeError, InputError
        As of `airdrop`, or the list names several mints and the call none.

    Examples
    --------
    >>> import helius_frames
    >>> import pandas as pd
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import airdrop_summary
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> expected = pd.Series(1_000 * 10**6, index=demo.OWNERS)
    >>> summary = airdrop_summary(df, expected, demo.TOKENS[0].mint)
    >>> int(summary.loc["kept all", "owners"]), int(summary.loc["never arrived", "owners"])
    (480, 120)
    """
    table = airdrop(frame, expected, mint, units=units, decimals=decimals, mints=mints, complete=complete)
    return summarise(table)


def airdrop_report(
    frame: pd.DataFrame,
    expected: Expected,
    mint: str | None = None,
    *,
    units: Units = "base",
    decimals: int | Mapping[str, int] | None = None,
    mints: Mints = None,
    complete: Mints = None,
) -> str:
    """Return what has become of an airdrop of one mint as a paragraph to send to somebody.

    The arguments are those of `airdrop_summary`. Amounts are exact, in tokens where the decimals are known
    (from ``decimals`` or from the frame's column), else in base units; shares are in percent to a tenth.

    Returns
    -------
    Plain text of a few sentences: how many kept it, how much of it is still there, whom it never reached,
    who could not be read, who holds some without being on the list, and at which slots that was so.

    Raises
    ------
    AttributeError, InputError
        As of `airdrop_summary`.

    Examples
    --------
    >>> import helius_frames
    >>> import pandas as pd
    >>> from helius_frames import demo
    >>> from helius_frames.analysis import airdrop_report
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> expected = pd.Series(1_000, index=demo.OWNERS[:4])
    >>> print(airdrop_report(df, expected, demo.TOKENS[0].mint, units="decimals", decimals=6))
    4 owners were to get 4,000 tokens of mint 5VnY…eVQF. 3 owners (75%) still hold all of it and 1 owner...
    """
    table = airdrop(frame, expected, mint, units=units, decimals=decimals, mints=mints, complete=complete)
    about = about_list(frame, table, decimals)
    return _paragraph(summarise(table), about)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Sum up the table that `airdrop` returns, of one mint: owners and tokens by status.

    Examples
    --------
    >>> import pandas as pd
    >>> import helius_frames
    >>> from helius_frames.analysis import airdrop, by_mint, summarise
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> mint = by_mint(df).index[0]
    >>> table = airdrop(df, pd.Series({owner: 5 for owner in helius_frames.demo.OWNERS[:3]}), mint)
    >>> int(summarise(table)["owners"].sum()) == len(table)
    True
    """
    about = table["mint"].cat.categories
    if len(about) > 1:
        raise InputError(
            f"mint must be given: the list names {len(about):,} mints, whose tokens do not add up"
        )
    status = table["status"].cat.codes.to_numpy()
    expected = _filled(table["expected"])
    held = table["held"].array
    balances = np.where(held.isna(), np.uint64(0), held.to_numpy(dtype=np.uint64, na_value=0))
    kept = np.minimum(expected, balances)
    sums = [
        (
            rows.size,
            *(as_ints(running(column[rows]).at(slice(-1, None)))[0] for column in (expected, balances, kept)),
        )
        for rows in (np.flatnonzero(status == code) for code in range(len(STATUSES)))
    ]
    owners, given, has, still = (list(column) for column in zip(*sums, strict=True))
    listed = [name != "not expected" for name in STATUSES]
    everybody, everything = sum(n for n, on in zip(owners, listed, strict=True) if on), sum(given)
    return pd.DataFrame(
        {
            "owners": np.array(owners, dtype=np.int64),
            "share_of_owners": _shares(owners, everybody, listed),
            "expected": pd.Series(given, dtype=object).to_numpy(),
            "share_of_expected": _shares(given, everything, listed),
            "held": pd.Series(has, dtype=object).to_numpy(),
            "kept": pd.Series(still, dtype=object).to_numpy(),
        },
        index=pd.Index(STATUSES, dtype="str", name="status"),
    )


def _shares(parts: list[int], whole: int, listed: list[bool]) -> list[float]:
    return [part / whole if on and whole else float("nan") for part, on in zip(parts, listed, strict=True)]


def _filled(amounts: pd.Series) -> U64:
    """Return expected amounts as 64-bit integers, 0 where there is none."""
    values: U64 = pa.array(amounts.array).fill_null(0).cast(pa.uint64()).to_numpy()
    return values


def _only_mint(columns: Columns) -> str:
    """Return the one mint that a frame has rows of, or, without rows, the one it was asked for."""
    names, codes = columns.mints
    there = names[present(codes, len(names))] if len(codes) else names
    if len(there) == 1:
        return str(there[0])
    raise InputError(f"mint must be given: the list names none, and the frame has {len(there):,} mints")


def _decimals_of(
    frame: pd.DataFrame, columns: Columns, units: str, decimals: int | Mapping[str, int] | None
) -> Callable[[str], int] | None:
    """Return what says the decimals of a mint, or nothing where amounts are base units."""
    if units not in ("base", "decimals"):
        raise InputError(f"units must be 'base' or 'decimals', got {units!r}")
    if units == "base":
        return None

    def of_mint(mint: str) -> int:
        known = known_decimals(frame, columns, mint, decimals)
        if known is None:
            raise InputError(
                f"decimals of mint {mint!r} must be known: pass decimals=, or add them to the frame"
            )
        return known

    return of_mint


def known_decimals(
    frame: pd.DataFrame, columns: Columns, mint: str, decimals: int | Mapping[str, int] | None
) -> int | None:
    """Return the decimals of a mint, from the argument or else from the frame; ``None`` where unknown."""
    if decimals is None:
        found = _first_value(frame, columns, mint, "decimals")
    else:
        found = decimals if isinstance(decimals, int | np.integer) else decimals.get(mint)
    if found is None:
        return None
    check_decimals(found)
    return int(found)


def _first_value(frame: pd.DataFrame, columns: Columns, mint: str, column: str) -> Any:  # noqa: ANN401
    """Return what a column says of a mint; ``None`` where the column or the value is missing."""
    code = int(columns.mints.names.get_indexer(pd.Index([mint]))[0])
    if column not in frame.columns or code < 0:
        return None
    values = frame.loc[columns.mints.codes == code, column].dropna()
    return values.iloc[0] if len(values) else None


def _paired(columns: Columns, given: ExpectedList, read: Coverage) -> tuple[_Pairs, pd.Index]:
    """Find the row of each expected pair, and the rows of these mints that nobody expected."""
    places = places_among(given.owners, columns.owners.names)
    owners, names = _with_unknown(given.owners, places, columns.owners.names)
    # The frame's mints as the list numbers them; -1 is not on the list.
    numbers = np.full(len(columns.mints.names), _NO_ROW)
    in_frame = columns.mints.names.get_indexer(pd.Index(given.mints, dtype="str"))
    numbers[in_frame[in_frame >= 0]] = np.flatnonzero(in_frame >= 0)
    row_mints = numbers[columns.mints.codes]
    candidates = np.flatnonzero(row_mints >= 0)

    listed_keys = pair_keys(owners, given.mint_codes, len(given.mints))
    ascending = np.sort(listed_keys)
    if (ascending[1:] == ascending[:-1]).any():
        refuse_list(given, {})
    del ascending
    held_keys = pair_keys(columns.owners.codes[candidates], row_mints[candidates], len(given.mints))
    rows = _rows_of(listed_keys, held_keys, candidates)
    beside = (columns.balances > 0) & (row_mints >= 0)
    beside[rows[rows >= 0]] = False
    others = np.flatnonzero(beside)

    is_read = np.empty(len(owners), dtype=bool)
    for code, mint in enumerate(given.mints):
        entries = slice(None) if len(given.mints) == 1 else np.flatnonzero(given.mint_codes == code)
        is_read[entries] = read.read_at(places[entries], mint)
    pairs = _Pairs(
        owners=np.concatenate([owners, columns.owners.codes[others]]),
        mints=np.concatenate([given.mint_codes, row_mints[others]]),
        rows=np.concatenate([rows, others]),
        expected=given.amounts,
        is_read=is_read,
        listed=len(owners),
    )
    return pairs, names


def _with_unknown(owners: pa.LargeStringArray, places: I64, names: pd.Index) -> tuple[I64, pd.Index]:
    """Return the numbers of a list's owners: the frame's own, and further ones for those it does not know."""
    unknown = places < 0
    if not unknown.any():
        return places, names
    coded = owners.filter(pa.array(unknown)).dictionary_encode()
    codes = places.copy()
    codes[unknown] = coded.indices.to_numpy() + np.int64(len(names))
    return codes, names.astype("str").append(pd.Index(coded.dictionary, dtype="str"))


def _rows_of(wanted: I64, keys: I64, rows: I64) -> I64:
    """Return the row with each wanted key, -1 where there is none."""
    if not len(keys):
        return np.full(len(wanted), _NO_ROW)
    order = np.argsort(keys)
    keys = keys[order]
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[found] == wanted, rows[order[found]], _NO_ROW)


def _statuses(columns: Columns, pairs: _Pairs, *, zeros_dropped: bool) -> NDArray[np.int8]:
    """Place of each pair's status in `STATUSES`."""
    status = np.full(len(pairs.rows), STATUSES.index("not expected"), dtype=np.int8)
    rows = pairs.rows[: pairs.listed]
    there, held = rows >= 0, _held(columns, rows)
    absent = "none left or never arrived" if zeros_dropped else "never arrived"
    answers = {
        "kept all": there & (held == pairs.expected),
        "more": there & (held > pairs.expected),
        "none left": there & (held == 0),
        "part": there,
        "not read": ~pairs.is_read,
    }
    codes = [np.int8(STATUSES.index(name)) for name in answers]
    status[: pairs.listed] = np.select(list(answers.values()), codes, np.int8(STATUSES.index(absent)))
    return status


def _held(columns: Columns, rows: I64) -> U64:
    """Balances of these rows; 0 where there is no row."""
    if not len(columns.balances):
        return np.zeros(len(rows), dtype=np.uint64)
    held = columns.balances[rows]  # -1 is some row, and is overwritten
    held[rows < 0] = 0
    return held


def _table(
    columns: Columns, given: ExpectedList, pairs: _Pairs, names: pd.Index, status: NDArray[np.int8]
) -> pd.DataFrame:
    held = _held(columns, pairs.rows)
    expected = np.zeros(len(held), dtype=np.uint64)
    expected[: pairs.listed] = pairs.expected
    unknown = status == STATUSES.index("not read")
    unexpected = status == STATUSES.index("not expected")
    table = {
        "owner": _categorical(pairs.owners, names),
        "mint": pd.Categorical.from_codes(pairs.mints, pd.Index(given.mints, dtype="str")),
        "expected": as_decimals(widen(expected), missing=unexpected),
        "held": pd.arrays.IntegerArray(held, pairs.rows < 0),
        "change": as_decimals(minus(widen(held), widen(expected)), missing=unknown),
        "share_kept": _quotients(held, expected, missing=unknown | unexpected),
        "status": pd.Categorical.from_codes(status, pd.Index(STATUSES, dtype="str")),
    }
    return pd.DataFrame(table, copy=False)


def _quotients(parts: U64, wholes: U64, *, missing: Flags) -> F64:
    """Divide whole numbers, rounding once; NaN where missing.

    Up to 2**53 both are floats as they are, so that their quotient is rounded once. Above, numpy would round
    each of them first; Python divides integers of any size and rounds once.
    """
    shares = np.full(len(parts), np.nan)
    np.divide(parts, wholes, out=shares, where=~missing)
    large = np.flatnonzero(~missing & (np.maximum(parts, wholes) > _EXACT_FLOAT))
    for start in range(0, len(large), _BLOCK):
        rows = large[start : start + _BLOCK]
        pairs = zip(parts[rows].tolist(), wholes[rows].tolist(), strict=True)
        shares[rows] = [part / whole for part, whole in pairs]
    return shares


class About(NamedTuple):
    """What a report is about: a mint by name, its unit and decimals, and the slots of its rows."""

    mint: str
    name: str
    unit: str
    decimals: int | None
    slots: tuple[int, int] | None


def about_list(frame: pd.DataFrame, table: pd.DataFrame, decimals: int | Mapping[str, int] | None) -> About:
    """Say what the table that `airdrop` returns is about, of one mint.

    Examples
    --------
    >>> import pandas as pd
    >>> import helius_frames
    >>> from helius_frames.analysis import about_list, airdrop, by_mint
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> mint = by_mint(df).index[0]
    >>> table = airdrop(df, pd.Series({owner: 5 for owner in helius_frames.demo.OWNERS[:3]}), mint)
    >>> about_list(df, table, None).mint == mint
    True
    """
    columns = read_columns(frame)
    mint = str(table["mint"].cat.categories[0]) if len(table["mint"].cat.categories) else ""
    code = columns.mints.names.get_indexer(pd.Index([mint]))[0]
    slots = columns.slots[columns.mints.codes == code]
    symbol = _first_value(frame, columns, mint, "symbol")
    places = known_decimals(frame, columns, mint, decimals)
    unit = "base units" if places is None else str(symbol or "tokens")
    return About(
        mint=mint,
        name=f"{symbol} ({short_address(mint)})" if symbol else f"mint {short_address(mint)}",
        unit=unit,
        decimals=places,
        slots=(int(slots.min()), int(slots.max())) if len(slots) else None,
    )


_ENDINGS: Final = {
    "part": ("holds a part", "hold a part"),
    "none left": ("has none left", "have none left"),
    "never arrived": ("never got any", "never got any"),
    "none left or never arrived": (
        "has none left or never got any, which this pull cannot tell apart",
        "have none left or never got any, which this pull cannot tell apart",
    ),
    "not read": ("was not read, so nothing is known of it", "were not read, so nothing is known of them"),
}


def _paragraph(summary: pd.DataFrame, about: About) -> str:
    """Say what a summary says."""
    owners = {str(status): int(count) for status, count in summary["owners"].items()}
    given, held = summary["expected"].to_dict(), summary["held"].to_dict()
    listed = sum(count for status, count in owners.items() if status != "not expected")
    whole, kept = sum(given.values()), sum(summary["kept"])
    known = whole - given["not read"]

    def amount(base_units: int) -> str:
        return f"{amount_text(base_units, about.decimals)} {about.unit}"

    def so_many(count: int, one: str, several: str) -> str:
        return f"{count_text(count, 'owner')} ({share_text(count, listed)}) {one if count == 1 else several}"

    were = "was" if listed == 1 else "were"
    sentences = [f"{count_text(listed, 'owner')} {were} to get {amount(whole)} of {about.name}."]
    more = " or more" if owners["more"] else ""
    all_of_it = (f"still holds all of it{more}", f"still hold all of it{more}")
    counts = [(owners["kept all"] + owners["more"], all_of_it)]
    counts += [(owners[status], endings) for status, endings in _ENDINGS.items()]
    parts = [so_many(count, *endings) for count, endings in counts if count]
    if parts:
        sentences.append(f"{', '.join(parts[:-1])} and {parts[-1]}." if parts[1:] else f"{parts[0]}.")
    if known:
        who, of = ("Together they", "what was meant for them")
        if owners["not read"]:
            who, of = "Those that were read", f"the {amount(known)} meant for them"
        sentences.append(f"{who} hold {amount(kept)} ({share_text(kept, known)}) of {of}.")
    if owners["not expected"]:
        others = count_text(owners["not expected"], "other owner")
        holds = "holds" if owners["not expected"] == 1 else "hold"
        beside = amount(held["not expected"])
        sentences.append(f"{others}, not on the list, {holds} {beside}.")
    if about.slots:
        first, last = about.slots
        sentences.append(
            f"Read at slot {first:,}." if first == last else f"Read at slots {first:,} to {last:,}."
        )
    return " ".join(sentences)
