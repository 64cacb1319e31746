"""What the numbers are of: symbols, decimals and supply of the mints, and amounts in whole tokens.

They stand in the columns ``symbol``, ``decimals`` and ``supply``, the same in each row of a mint. A column of
one of these names that is of another kind is somebody's own, and is left alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from helius_frames.analysis._exact import DIGITS, I64, Flags, Wide, as_decimals, as_ints, minus, times, widen
from helius_frames.analysis._schema import (
    Coded,
    check_schema,
    code_names,
    is_text,
    read_columns,
)
from helius_frames.analysis._text import short_names
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

TOKEN_COLUMNS: Final = ("symbol", "decimals", "supply")
_DECIMALS_MAX: Final = 255
_U64_MAX: Final = (1 << 64) - 1
_UNKNOWN: Final = -1
_WIDE_DIGITS: Final = 76  # the most a decimal256 holds
# A balance of 20 digits and these are all that a decimal128 holds.
_COLUMN_DECIMALS: Final = 18


class Tokens(NamedTuple):
    """What a frame knows of its mints, aligned with their names; ``None`` where it has no such column."""

    symbols: list[str | None] | None
    decimals: I64 | None  # -1 where unknown
    supplies: list[int | None] | None

    def labels(self, mints: pd.Index) -> list[str | None]:
        """Return the symbols; those that several mints share have the short address behind them."""
        symbols = self.symbols if self.symbols is not None else [None] * len(mints)
        known = [place for place, symbol in enumerate(symbols) if symbol is not None]
        labels = list(symbols)
        # Twice: a symbol may have been made to look like the label of another.
        for _ in range(2):
            keys = pd.Series([_look(str(labels[place])) for place in known], dtype="object")
            alike = [
                place for place, is_alike in zip(known, keys.duplicated(keep=False), strict=True) if is_alike
            ]
            if not alike:
                break
            for place, short in zip(alike, short_names(mints[alike]), strict=True):
                labels[place] = f"{symbols[place]} ({short})"
        return labels

    def at(self, code: int) -> tuple[int | None, int | None]:
        """Return decimals and supply of one mint."""
        decimals = None if self.decimals is None or self.decimals[code] < 0 else int(self.decimals[code])
        return decimals, None if self.supplies is None else self.supplies[code]


def with_tokens(frame: pd.DataFrame, tokens: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    """Add the columns ``symbol``, ``decimals`` and ``supply`` of a frame or a mapping.

    What ``tokens`` does not know of a mint stays as it stands in the frame.

    Parameters
    ----------
    tokens
        A frame with the index (or a column) ``mint`` and any of the three columns, as `read_helius_tokens`
        gives it; or a mapping from mint to symbol (text), to decimals (a number), or to a mapping of them.

    Returns
    -------
    A new frame with all columns and attrs of this one, and:

    - ``symbol``: category
    - ``decimals``: UInt8
    - ``supply``: UInt64, base units

    missing where unknown.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        ``tokens`` is of another kind, names a mint twice, or holds something that is no symbol, decimals or
        supply.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import by_mint, with_tokens
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> known = with_tokens(df, helius_frames.demo.DECIMALS)
    >>> by_mint(known)["ui_total"].iloc[0]
    Decimal('1074530.581966')
    """
    check_schema(frame)
    given = _given(tokens)
    mints = code_names(frame["mint"])
    old = tokens_of(frame, mints)
    symbols: list[str | None] = []
    decimals, supplies = np.full(len(mints.names), _UNKNOWN, dtype=np.int64), []
    for code, mint in enumerate(mints.names):
        symbol, places, supply = given.get(mint, (None, None, None))
        old_places, old_supply = old.at(code)
        symbols.append(symbol if symbol is not None else old.symbols[code] if old.symbols else None)
        places = old_places if places is None else places
        decimals[code] = _UNKNOWN if places is None else places
        supplies.append(old_supply if supply is None else supply)
    names = pd.Index(list(dict.fromkeys(symbol for symbol in symbols if symbol is not None)), dtype="str")
    places_of = {symbol: place for place, symbol in enumerate(names)}
    codes = np.array([-1 if symbol is None else places_of[symbol] for symbol in symbols], dtype=np.int64)
    columns = {
        "symbol": pd.Categorical.from_codes(_spread(codes, mints), names),
        "decimals": _masked(decimals.clip(0).astype(np.uint8), decimals < 0, mints),
        "supply": _masked(
            np.array([supply or 0 for supply in supplies], dtype=np.uint64),
            np.array([supply is None for supply in supplies], dtype=bool),
            mints,
        ),
    }
    return frame.assign(**{name: pd.Series(column, index=frame.index) for name, column in columns.items()})


def tokens_of(frame: pd.DataFrame, mints: Coded) -> Tokens:
    """Return what the columns of a frame say of its mints: of each mint, the first row that says something.

    Raises
    ------
    InputError
        Two rows of a mint have different decimals: no amount could be right.
    """
    columns = {name: frame[name] for name in TOKEN_COLUMNS if _is_once(frame, name)}
    symbols = decimals = supplies = None
    if "symbol" in columns and is_text(columns["symbol"]):
        firsts = _first_known(columns["symbol"], mints)
        texts = columns["symbol"].iloc[firsts[firsts >= 0]].astype("object").tolist()
        symbols = _aligned(firsts >= 0, texts)
    if "decimals" in columns:
        values = _whole(columns["decimals"], _DECIMALS_MAX)
        if values is not None:
            firsts = _first_known(values, mints)
            known = values.fillna(0).to_numpy(dtype=np.int64)
            decimals = np.where(firsts >= 0, known[firsts], _UNKNOWN) if len(known) else firsts
            differs = values.notna().to_numpy() & (known != decimals[mints.codes])
            if differs.any():
                mint = mints.names[mints.codes[int(differs.argmax())]]
                raise InputError(f"column 'decimals' has more than one value for the mint {mint}")
    if "supply" in columns:
        values = _whole(columns["supply"], _U64_MAX)
        if values is not None:
            firsts = _first_known(values, mints)
            supplies = _aligned(firsts >= 0, [int(value) for value in values.iloc[firsts[firsts >= 0]]])
    return Tokens(symbols, decimals, supplies)


def has_tokens(frame: pd.DataFrame) -> bool:
    """Return whether a frame has any of the columns."""
    return any(name in frame.columns for name in TOKEN_COLUMNS)


def whole_tokens(amount: int, decimals: int) -> Decimal:
    """Return an amount of base units in whole tokens, exact to the last digit."""
    # Not by `Decimal.scaleb`, which rounds to the context's digits; and 0E-9 is no way to print nothing.
    return Decimal(f"{amount}E-{decimals}") if amount else Decimal(0)


def unit_objects(wide: Wide, decimals: I64 | int) -> NDArray[np.object_]:
    """Return amounts in whole tokens as `decimal.Decimal`; ``None`` where the decimals are unknown."""
    each = np.broadcast_to(decimals, len(wide.low)).tolist()
    units = np.empty(len(each), dtype=np.object_)
    for place, (amount, places) in enumerate(zip(as_ints(wide), each, strict=True)):
        units[place] = None if places < 0 else whole_tokens(amount, places)
    return units


def unit_decimals(wide: Wide, decimals: I64, missing: Flags) -> pd.api.extensions.ExtensionArray:
    """Return changes in whole tokens as decimal128(38, s), for columns as long as a frame.

    s is the largest number of decimals there is, at most 18; above that, or unknown, is missing. A change is
    the difference of two balances, so its size fits 64 bits, and 20 digits and 18 are all that there can be.
    """
    missing = missing | (decimals < 0) | (decimals > _COLUMN_DECIMALS)
    scale = int(decimals[~missing].max(initial=0))
    factors = np.uint64(10) ** np.where(missing, 0, scale - decimals).astype(np.uint64)
    is_negative = wide.high < 0
    scaled = times(np.where(is_negative, -wide.low, wide.low), factors)
    negated = minus(widen(np.zeros_like(wide.low)), scaled)
    signed = Wide(*(np.where(is_negative, *words) for words in zip(negated, scaled, strict=True)))
    return as_decimals(signed, scale=scale, missing=missing)


def arrow_units(units: Iterable[Decimal | None]) -> pd.api.extensions.ExtensionArray:
    """Return amounts in whole tokens as one Arrow column that holds every digit."""
    values = list(units)
    known = [value.as_tuple() for value in values if value is not None]
    scale = max((-int(each.exponent) for each in known), default=0)
    digits = max((len(each.digits) + int(each.exponent) + scale for each in known), default=1)
    if max(digits, scale) > _WIDE_DIGITS:
        array = pa.array([None if value is None else f"{value:f}" for value in values], type=pa.string())
    else:
        kind = (
            pa.decimal128(DIGITS, scale)
            if max(digits, scale) <= DIGITS
            else pa.decimal256(_WIDE_DIGITS, scale)
        )
        array = pa.array(values, type=kind)
    return pd.arrays.ArrowExtensionArray(array)  # type: ignore[no-any-return, attr-defined, unused-ignore]


def holdings(frame: pd.DataFrame, owner: str) -> pd.DataFrame:
    """List what one owner holds, mint by mint, in the order of the frame.

    Returns
    -------
    One row per mint that the owner has a row of, zero balances included; index ``mint`` (str):

    - ``symbol``: str; where several mints share one, with the short address behind it
    - ``balance``: uint64, base units
    - ``ui_balance``: object, `decimal.Decimal`, exact, whole tokens; missing where the decimals are unknown
    - ``share_of_supply``: float64, of the mint's supply; NaN where it is unknown
    - ``slot``: int64

    ``symbol``, ``ui_balance`` and ``share_of_supply`` where the frame has ``symbol``, ``decimals`` and
    ``supply``.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The owner was not read, a balance is missing, negative or no integer, or an (owner, mint) pair is
        there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.analysis import holdings
    >>> demo = helius_frames.demo
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> holdings(df.helius.with_tokens(), demo.WALLETS["whale"])["ui_balance"].iloc[0]
    Decimal('1000.000000')
    """
    check_schema(frame)
    owners = code_names(frame["owner"])
    code = int(owners.names.get_indexer(pd.Index([owner]))[0])
    if code < 0:
        raise InputError(f"owner {owner!r} was not read: it is no category of this frame, and has no row")
    rows = frame[owners.codes == code]
    columns = read_columns(rows)
    everywhere = code_names(frame["mint"])
    tokens = tokens_of(frame, everywhere)
    places = everywhere.codes[owners.codes == code]
    table = pd.DataFrame(
        {"balance": columns.balances, "slot": columns.slots},
        index=everywhere.names.take(places).astype("str").rename("mint"),
    )
    return add_units(table, tokens, everywhere.names, places, widen(columns.balances), column="balance")


def add_units(
    table: pd.DataFrame,
    tokens: Tokens,
    mints: pd.Index,
    places: NDArray[np.signedinteger[Any]],
    amounts: Wide,
    *,
    column: str,
) -> pd.DataFrame:
    """Return a table with symbol, whole tokens and share of the supply beside an amount, where known.

    ``places`` are the places of the rows' mints among the names of all mints.
    """
    table = table.copy(deep=False)
    at = int(np.flatnonzero(table.columns == column)[0]) + 1
    if tokens.supplies is not None:
        supplies = np.array([tokens.supplies[place] or np.nan for place in places.tolist()], dtype=np.float64)
        table.insert(at, "share_of_supply", np.array(as_ints(amounts), dtype=np.float64) / supplies)
    if tokens.decimals is not None:
        table.insert(at, f"ui_{column}", unit_objects(amounts, tokens.decimals[places]))
    if tokens.symbols is not None:
        labels = tokens.labels(mints)
        table.insert(
            0, "symbol", pd.Series([labels[place] for place in places.tolist()], table.index, dtype="str")
        )
    return table


_Facts = tuple[str | None, int | None, int | None]


def _given(tokens: object) -> dict[str, _Facts]:
    """Return what a caller says of each mint, checked."""
    if isinstance(tokens, pd.DataFrame):
        table = tokens.set_index("mint") if "mint" in tokens.columns else tokens
        names = [name for name in TOKEN_COLUMNS if name in table.columns]
        if not names:
            raise InputError(
                f"tokens must have a column {', '.join(map(repr, TOKEN_COLUMNS[:-1]))} or 'supply'"
            )
        if table.index.has_duplicates:
            raise InputError(f"tokens names the mint {table.index[table.index.duplicated()][0]!r} twice")
        columns = [table[name].astype("object").tolist() for name in names]
        facts = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return {str(mint): _fact(str(mint), fact) for mint, fact in zip(table.index, facts, strict=True)}
    if isinstance(tokens, Mapping):
        return {str(mint): _fact(str(mint), fact) for mint, fact in tokens.items()}
    raise InputError(
        "tokens must be a frame of read_helius_tokens, or a mapping from mint to symbol or decimals, got"
        f" a {type(tokens).__name__}"
    )


def _fact(mint: str, fact: object) -> _Facts:
    if isinstance(fact, str):
        fact = {"symbol": fact}
    elif not isinstance(fact, Mapping):
        fact = {"decimals": fact}
    symbol = fact.get("symbol")
    symbol = None if _is_missing(symbol) else symbol
    if symbol is not None and not isinstance(symbol, str):
        raise InputError(f"the symbol of mint {mint} must be text, got a {type(symbol).__name__}")
    decimals = _number(mint, "decimals", fact.get("decimals"), _DECIMALS_MAX)
    return symbol, decimals, _number(mint, "supply", fact.get("supply"), _U64_MAX)


def _number(mint: str, name: str, value: Any, most: int) -> int | None:  # noqa: ANN401
    if _is_missing(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= most:
        raise InputError(f"the {name} of mint {mint} must be an integer from 0 to {most}, got {value!r}")
    return int(value)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)  # noqa: PLR0124


def _is_once(frame: pd.DataFrame, name: str) -> bool:
    return int((frame.columns == name).sum()) == 1


def _whole(column: pd.Series, most: int) -> pd.Series | None:
    """Return a column of whole numbers that may be missing as UInt64; ``None`` where it holds anything else.

    Floats are taken where they are exact: as a CSV gives small numbers of which one is missing.
    """
    if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        return None
    is_integer = pd.api.types.is_integer_dtype(column.dtype)
    if not is_integer and (most > _DECIMALS_MAX or not pd.api.types.is_float_dtype(column.dtype)):
        return None
    known = column.dropna()
    if len(known) and (known.min() < 0 or known.max() > most or (not is_integer and (known % 1 != 0).any())):
        return None
    return column.astype("UInt64")


def _first_known(column: pd.Series, mints: Coded) -> I64:
    """Find the first row of each mint in which a column has a value; -1 where there is none."""
    firsts = np.full(len(mints.names), -1, dtype=np.int64)
    rows = np.flatnonzero(column.notna().to_numpy())[::-1]
    firsts[mints.codes[rows]] = rows  # backwards: of several rows the last one written stays
    return firsts


def _aligned(is_known: Flags, values: Sequence[Any]) -> list[Any]:
    each = iter(values)
    return [next(each) if known else None for known in is_known.tolist()]


def _spread(values: NDArray[Any], mints: Coded) -> NDArray[Any]:
    return values[mints.codes] if len(values) else values


def _masked(values: NDArray[Any], missing: Flags, mints: Coded) -> pd.api.extensions.ExtensionArray:
    return pd.arrays.IntegerArray(_spread(values, mints), _spread(missing, mints))


def _look(symbol: str) -> str:
    """Return what two symbols share that a person takes for the same."""
    return unicodedata.normalize("NFKC", symbol).casefold()
