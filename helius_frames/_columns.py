"""Photon's compact JSON to columns, without a Python object per row.

The lowest part of the wire: it imports `pubkey` alone. The items of a page are found from the
places of their braces; then every byte that is not part of a mint or a balance is compared with the
layout. Whatever does not match to the last byte is left to the typed reader of `_wire`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from helius_frames._protocol import pubkey

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUCCESS: Final = b'{"jsonrpc":"2.0","result":{"context":'

_HEAD = re.compile(
    rb'\{"jsonrpc":"2\.0",(?:"id":"([^"\\]*)",)?"result":\{"context":\{"slot":(0|[1-9][0-9]{0,17})\},'
    rb'"value":\{"(?:items|token_balances)":\['
)
_TAIL = re.compile(
    rb'\](?:,"cursor":(?:null|"([1-9A-HJ-NP-Za-km-z]{1,44})"))?\}\}(?:,"id":"([^"\\]*)")?\}[ \t\n\r]*'
)

# One item is {"mint":"…","balance":…}: these bytes stand around the mint.
_WORDS: Final = {
    name: np.uint64(int.from_bytes(text, "little"))
    for name, text in {
        "name": b'{"mint":',
        "gap": b'","balan',
        "gap_end": b'lance":',
    }.items()
}
_MINT_AT: Final = len(b'{"mint":"')
_GAP: Final = len(b'","balance":')
_GAP_END_AT: Final = len(b'","ba')

_U64_DIGITS: Final = 20
_WORD_DIGITS: Final = 8
_WORD_MAX: Final = 10**_WORD_DIGITS
_U64_HIGH, _U64_REST = (np.uint64(part) for part in divmod(2**64 - 1, _WORD_MAX**2))

# Eight digits in one word, a byte each.
_ZEROS, _ABOVE_NINE, _HIGH_BITS = (np.uint64(int.from_bytes(8 * byte)) for byte in (b"0", b"\x76", b"\x80"))
_PAIRS: Final = np.uint64(0x000000FF000000FF)

_QUOTE_COMMA: Final = np.uint16(int.from_bytes(b'",', "little"))
_QUOTE, _BRACE_CLOSE, _COMMA, _ZERO = b'"},0'


class Columns(NamedTuple):
    """The fields of a page, in the order of `_wire.Page`."""

    mints: pubkey.Keys
    balances: NDArray[np.uint64]
    slot: int
    cursor: str | None


def read(content: bytes, request_id: str) -> Columns | None:
    """Columns of a reply in the compact layout; ``None`` for every other one."""
    head = _HEAD.match(content)
    if head is None:
        return None
    tail = _TAIL.fullmatch(content, max(content.rfind(b"]"), head.end()))
    if tail is None or (head[1] is None) == (tail[2] is None):
        return None
    if (tail[2] if head[1] is None else head[1]) != request_id.encode():
        return None
    rows = _rows(np.frombuffer(content, np.uint8, tail.start() - head.end(), head.end()))
    if rows is None:
        return None
    return Columns(*rows, slot=int(head[2]), cursor=tail[1].decode() if tail[1] else None)


def _rows(data: pubkey.Bytes) -> tuple[pubkey.Keys, NDArray[np.uint64]] | None:
    if not len(data):
        return np.empty(0, dtype=pubkey.KEY_DTYPE), np.empty(0, dtype=np.uint64)
    ends = np.flatnonzero(data == _BRACE_CLOSE)
    if not len(ends) or ends[-1] != len(data) - 1:
        return None
    starts = np.concatenate([[0], ends[:-1] + 2])  # a brace and a comma further
    if (ends - starts < _MINT_AT + pubkey.KEY_BYTES + _GAP + 1).any():  # the shortest mint, and one digit
        return None
    return _cut(data, starts, ends)


def _cut(
    data: pubkey.Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[pubkey.Keys, NDArray[np.uint64]] | None:
    mint_starts = starts + _MINT_AT
    mint_ends = _closing_quotes(data, mint_starts)
    # The last item alone has nothing after it that the words of a layout could be read from.
    if mint_ends is None or ends[-1] - mint_ends[-1] <= _GAP or not _is_layout(data, starts, mint_ends, ends):
        return None
    mints = pubkey.align(data, mint_ends, mint_ends - mint_starts)
    balances = _unsigned(data, mint_ends + _GAP, ends)
    return None if mints is None or balances is None else (mints, balances)


def _closing_quotes(data: pubkey.Bytes, starts: NDArray[np.intp]) -> NDArray[np.intp] | None:
    """Places of the quotes after the mints: most have 44 characters, some 43, hardly any fewer."""
    pairs = np.ndarray(len(data) - 1, dtype="<u2", buffer=data, strides=(1,))
    places = starts + pubkey.TEXT_MAX
    others = np.flatnonzero(pairs[places] != _QUOTE_COMMA)
    for _ in range(pubkey.TEXT_MAX - pubkey.KEY_BYTES):
        if not len(others):
            break
        places[others] -= 1
        others = others[pairs[places[others]] != _QUOTE_COMMA]
    return None if len(others) else places


def _is_layout(
    data: pubkey.Bytes, starts: NDArray[np.intp], mint_ends: NDArray[np.intp], ends: NDArray[np.intp]
) -> bool:
    """Whether all bytes around the mints and the balances are those of the layout."""
    words = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    return bool(
        (words[starts] == _WORDS["name"]).all()
        and (data[starts + _MINT_AT - 1] == _QUOTE).all()
        and (words[mint_ends] == _WORDS["gap"]).all()
        and (words[mint_ends + _GAP_END_AT] & np.uint64(0x00FFFFFFFFFFFFFF) == _WORDS["gap_end"]).all()
        and (data[ends[:-1] + 1] == _COMMA).all()
    )


def _unsigned(
    data: pubkey.Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.uint64] | None:
    """Exact values of the decimal numbers in ``data[starts:ends]``; ``None`` where one is none."""
    lengths = ends - starts
    longest = lengths.max()
    if lengths.min() < 1 or longest > _U64_DIGITS or ((data[starts] == _ZERO) & (lengths > 1)).any():
        return None
    words = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    # Eight digits a word, from the last ones on; before the first digit stand a mint and its name.
    done = np.arange(0, longest, _WORD_DIGITS)[:, None]
    values = _eight_digits(words[ends - _WORD_DIGITS - done], lengths - done)
    if values is None:
        return None
    balances: NDArray[np.uint64] = values[0]
    if len(values) > 1:
        balances = balances + values[1] * np.uint64(_WORD_MAX)
    if len(values) > 2:  # noqa: PLR2004
        if _overflows(values[2], balances):
            return None
        balances = balances + values[2] * np.uint64(_WORD_MAX**2)
    return balances


def _eight_digits(words: NDArray[np.uint64], lengths: NDArray[np.intp]) -> NDArray[np.uint64] | None:
    """Values of the last so many bytes of each word as digits, all at once; ``None`` where one is none."""
    missing = np.minimum(np.maximum(_WORD_DIGITS - lengths, 0), _WORD_DIGITS)
    foreign = (8 * missing).astype(np.uint64)
    digits = (words ^ _ZEROS) >> foreign << foreign
    if ((digits + _ABOVE_NINE | digits) & _HIGH_BITS).any():
        return None
    pairs = digits * np.uint64(10) + (digits >> np.uint64(8))
    outer = (pairs & _PAIRS) * np.uint64(100 + (10**6 << 32))
    inner = (pairs >> np.uint64(16) & _PAIRS) * np.uint64(1 + (10**4 << 32))
    values: NDArray[np.uint64] = (outer + inner) >> np.uint64(32)
    return values


def _overflows(high: NDArray[np.uint64], rest: NDArray[np.uint64]) -> bool:
    """Whether a number of more than sixteen digits is above 2^64 - 1."""
    return bool(((high > _U64_HIGH) | ((high == _U64_HIGH) & (rest > _U64_REST))).any())
