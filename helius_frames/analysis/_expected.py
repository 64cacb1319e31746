"""A list of who should have received how much: read exactly, or refused with the positions of all mistakes.

A list comes as a Series, a frame, a mapping or a CSV file, written by people and by spreadsheets. Amounts
become base units without passing through a float. Nothing in the list is repeated in a message,
only its position: a column of a file may hold what is nobody else's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from os import PathLike
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NoReturn, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from helius_frames._protocol import pubkey
from helius_frames.analysis._coverage import as_text
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from helius_frames.analysis._exact import I64, U64

Units: TypeAlias = Literal["base", "decimals"]
Expected: TypeAlias = pd.Series | pd.DataFrame | Mapping[str, object] | str | PathLike[str]

U64_MAX: Final = (1 << 64) - 1
_BLOCK: Final = 1 << 16  # addresses checked at once: some megabytes
_OWNER_COLUMNS: Final = ("owner", "address")
_NUMBER: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_PLAIN: Final = r"^[0-9]{1,20}$"
_DIGITS: Final = 60  # of a number that can be an amount; more is not even computed

_TOO_LARGE: Final = f"amount must be at most {U64_MAX} base units, the most that a balance can hold"
_FLOAT: Final = "must be integers, Decimals or text, not floats, which are not exact"


class ExpectedList(NamedTuple):
    """Who should have received how much: entry ``i`` was at ``positions[i]`` of a list of that ``length``."""

    owners: pa.LargeStringArray
    mints: list[str]
    mint_codes: I64
    amounts: U64
    positions: I64
    length: int


class _Table(NamedTuple):
    owners: pd.Index | pd.Series
    amounts: pd.Series
    mints: pd.Series | None


def read_expected(
    expected: Expected,
    mint: str | None,
    *,
    only_mint: Callable[[], str],
    decimals_of: Callable[[str], int] | None,
) -> ExpectedList:
    """Read a list; ``only_mint`` says which mint a list is about that names none.

    ``decimals_of`` says how many decimals a mint has; ``None`` where amounts are in base units.
    """
    table = _as_table(expected)
    length = len(table.amounts)
    problems: dict[int, list[str]] = {}
    positions = np.arange(length)
    owners = _addresses("owner", table.owners, positions, problems)
    amounts = table.amounts
    if table.mints is None:
        mints, codes = [only_mint() if mint is None else mint], np.zeros(length, dtype=np.int64)
        check_mint(mints[0])
    else:
        mints, codes = _distinct(_addresses("mint", table.mints, positions, problems))
        if mint is not None:
            positions = np.flatnonzero(codes == _place_of(mint, mints))
            owners, amounts, mints = owners.take(pa.array(positions)), amounts.iloc[positions], [mint]
            codes = np.zeros(len(positions), dtype=np.int64)
    known = decimals_of or (lambda _: 0)
    places = np.array([0 if _why_no_address(name) else known(name) for name in mints] or [0])
    values = _base_units(amounts, places[codes], positions, problems)
    given = ExpectedList(owners, mints, codes, values, positions, length)
    if problems:
        refuse_list(given, problems)
    return given


def refuse_list(given: ExpectedList, problems: dict[int, list[str]]) -> NoReturn:
    """Refuse a list with all its problems by position, pairs that are there twice among them."""
    first: dict[tuple[str, int], int] = {}
    pairs = zip(given.owners.to_pylist(), given.mint_codes.tolist(), strict=True)
    for pair, position in zip(pairs, given.positions.tolist(), strict=True):
        if pair[0] and first.setdefault(pair, position) != position:
            problems.setdefault(position, []).append(f"owner and mint are at position {first[pair]} already")
    listed = tuple(f"position {position}: {'; '.join(why)}" for position, why in sorted(problems.items()))
    raise InputError(
        f"each entry of the expected list must be good, {len(listed):,} of {given.length:,} are not", listed
    )


def check_mint(mint: object) -> None:
    """Refuse what is not the address of a mint."""
    why = _why_no_address(mint)
    if why is not None:
        raise InputError(f"mint must be an address in base58: {why}")


def _as_table(expected: Expected) -> _Table:
    if isinstance(expected, str | PathLike):
        # As text, so that no amount passes through a float; a spreadsheet may put a mark in front.
        expected = pd.read_csv(expected, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        expected = expected.rename(columns=lambda name: str(name).strip().lower())
    if isinstance(expected, Mapping):
        expected = pd.Series(dict(expected), dtype=object)
    if isinstance(expected, pd.Series):
        return _Table(expected.index, expected, None)
    if not isinstance(expected, pd.DataFrame):
        raise InputError(
            "expected must be a Series owner → amount, a frame with the columns owner and amount, or the "
            f"path of such a CSV file, got {type(expected).__name__}"
        )
    owner = next((name for name in _OWNER_COLUMNS if name in expected.columns), None)
    if owner is None or "amount" not in expected.columns:
        raise InputError(
            "expected must have the columns owner (or address) and amount, and mint where it is about several"
        )
    columns = [owner, "amount", "mint"] if "mint" in expected.columns else [owner, "amount"]
    if any(isinstance(expected[name], pd.DataFrame) for name in columns):
        raise InputError(f"expected must have each of the columns {', '.join(columns)} once")
    return _Table(expected[owner], expected["amount"], expected["mint"] if "mint" in columns else None)


def _addresses(
    kind: str, names: pd.Index | pd.Series, positions: I64, problems: dict[int, list[str]]
) -> pa.LargeStringArray:
    """Return addresses as Arrow text; what is none is noted as a problem."""
    try:
        text = as_text(names)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        listed = [name if isinstance(name, str) else None for name in names]
        text = pa.array(listed, type=pa.large_string())
    bad = list(_no_addresses(text))
    if bad:  # a space in front or behind is no problem
        text = pc.utf8_trim_whitespace(text)
        bad = list(_no_addresses(text))
    for place in bad:
        problems.setdefault(int(positions[place]), []).append(
            f"{kind} {_why_no_address(text[place].as_py())}"
        )
    return text


def _no_addresses(text: pa.LargeStringArray) -> Iterator[int]:
    """Yield the places of what is not an address, checked by the block."""
    for start in range(0, len(text), _BLOCK):
        block = text.slice(start, _BLOCK)
        _, offsets_buffer, data_buffer = block.buffers()
        offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[block.offset :][: len(block) + 1]
        data = np.frombuffer(data_buffer or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
        ends = (offsets[1:] - offsets[0]).astype(np.intp)
        if block.null_count or pubkey.align(data, ends, np.diff(offsets).astype(np.intp)) is None:
            for place, name in enumerate(block.to_pylist(), start):
                if _why_no_address(name) is not None:
                    yield place


def _why_no_address(name: object) -> str | None:
    if not isinstance(name, str):
        return "is missing or no text"
    if not name:
        return "is blank"
    try:
        pubkey.parse(name)
    except ValueError as error:
        return f"is not a valid Solana address ({error})"
    return None


def _distinct(names: pa.LargeStringArray) -> tuple[list[str], I64]:
    coded = names.dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_numpy().astype(np.int64)


def _place_of(mint: str, mints: list[str]) -> int:
    if mint not in mints:
        raise InputError(f"mint must be one of the {len(mints):,} mints that the list names, got {mint!r}")
    return mints.index(mint)


def _base_units(column: pd.Series, places: I64, positions: I64, problems: dict[int, list[str]]) -> U64:
    """Return amounts in base units, each multiplied by ten to the power of its place."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_float_dtype(column.dtype):
        raise InputError(f"amounts {_FLOAT}, got {column.dtype}: read the column as text, with dtype=str")
    values = np.zeros(len(column), dtype=np.uint64)
    for place in np.unique(places).tolist():
        rows = np.flatnonzero(places == place)
        part = column if len(rows) == len(column) else column.iloc[rows]
        whole = _all_whole(part, place)
        if whole is not None:
            values[rows] = whole
            continue
        for row, amount in zip(rows.tolist(), part.tolist(), strict=True):
            try:
                values[row] = _one_amount(amount, place)
            except ValueError as error:
                problems.setdefault(int(positions[row]), []).append(str(error))
    return values


def _all_whole(column: pd.Series, place: int) -> U64 | None:
    """Return all amounts at once; ``None`` where one of them needs a closer look, or cannot be used."""
    try:
        digits = _digits(column, place)
        if (
            digits is None
            or digits.null_count
            or not pc.all(pc.match_substring_regex(digits, _PLAIN)).as_py()
        ):
            return None
        values: U64 = pc.cast(digits, pa.uint64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None
    return values if len(values) and values.min() else None


def _digits(column: pd.Series, place: int) -> pa.LargeStringArray | None:
    """Return the digits of amounts in base units: those before the point, and ``place`` of those behind."""
    kind = pd.api.types.infer_dtype(column, skipna=False)
    if kind == "integer":
        whole = pa.array(column.array, type=pa.uint64(), from_pandas=True).cast(pa.large_string())
        part = pa.repeat(pa.scalar("", pa.large_string()), len(whole))
    elif kind in ("string", "decimal"):
        texts = column if kind == "string" else column.astype("str")
        split = pc.extract_regex(as_text(texts), r"^(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]*?)0*)?$")
        if split.null_count:
            return None
        whole, part = (pc.fill_null(pc.struct_field(split, name), "") for name in ("whole", "part"))
    else:
        return None
    if pc.max(pc.utf8_length(part)).as_py() not in range(place + 1):
        return None
    return pc.binary_join_element_wise(
        whole, pc.utf8_rpad(part, place, "0"), pa.scalar("", pa.large_string())
    )


def _one_amount(amount: object, place: int) -> int:
    """Return one amount in base units, or say what it must be."""
    if amount is None or amount is pd.NA or amount is pd.NaT:
        raise ValueError("amount is missing")
    if isinstance(amount, bool | np.bool_ | float | np.floating):
        why = "amount is missing" if amount != amount else f"amounts {_FLOAT}"  # noqa: PLR0124
        raise ValueError(why)  # noqa: TRY004 - read and listed by the caller
    scaled = _as_fraction(amount) * 10**place
    if scaled <= 0:
        raise ValueError("amount must be above 0")
    if scaled.denominator != 1:
        raise ValueError(f"amount must be a whole number of base units, with at most {place} decimals")
    if scaled > U64_MAX:
        raise ValueError(_TOO_LARGE)
    return int(scaled)


def _as_fraction(amount: object) -> Fraction:
    if isinstance(amount, int | np.integer):
        return Fraction(int(amount))
    if isinstance(amount, Decimal):
        if not amount.is_finite():
            raise ValueError("amount must be finite")
        if amount and not -_DIGITS < amount.adjusted() < _DIGITS:
            raise ValueError(
                _TOO_LARGE if amount.adjusted() > 0 else "amount must be a whole number of base units"
            )
        return Fraction(amount)
    text = amount.strip() if isinstance(amount, str) else None
    if text == "":
        raise ValueError("amount is blank")
    found = None if text is None else _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        raise ValueError("amount must be a number in plain digits, such as 1000 or 12.5")
    sign, whole, part = found[1], found[2], found[3] or ""
    if len(whole.lstrip("0")) > _DIGITS:
        raise ValueError(_TOO_LARGE)
    part = part.rstrip("0")
    if len(part) > _DIGITS:
        raise ValueError("amount must be a whole number of base units")
    return Fraction(int(f"{sign}{whole}{part}" if whole or part else "0"), 10 ** len(part))
