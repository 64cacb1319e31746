"""Photon's compact JSON to columns, without a Python object per row.

The lowest part of the wire: it imports `_pubkey` alone. The structure of a page is found from the
places of its quotes; then every byte that is not part of a mint or a balance is compared with the
layout. Whatever does not match to the last byte is left to the typed reader of `_wire`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from helius_frames import _pubkey

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

# One item is {"mint":"…","balance":…}: six quotes, and these bytes between them.
_QUOTES: Final = 6
_WORDS: Final = {
    name: np.uint64(int.from_bytes(text, "little"))
    for name, text in {
        "name": b'{"mint":',
        "gap": b'","balan',
        "gap_end": b'lance":',
    }.items()
}
_U64_DIGITS: Final = 20
_DIGITS_DTYPE: Final = np.dtype(f"S{_U64_DIGITS}")
_U64_MAX: Final = np.array(b"18446744073709551615", dtype=_DIGITS_DTYPE)
_HALF: Final = 10  # digits that a float64 product holds exactly, and whose sum does too
_WEIGHTS: Final = np.zeros((_U64_DIGITS, 2))
_WEIGHTS[:_HALF, 0] = _WEIGHTS[_HALF:, 1] = 10.0 ** np.arange(_HALF - 1, -1, -1)

_QUOTE, _BRACE_CLOSE, _COMMA, _NINE, _ZERO = b'"},90'


class Columns(NamedTuple):
    """The fields of a page, in the order of `_wire.Page`."""

    mints: _pubkey.Keys
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
    rows = _rows(content[head.end() : tail.start()])
    if rows is None:
        return None
    return Columns(*rows, slot=int(head[2]), cursor=tail[1].decode() if tail[1] else None)


def _rows(items: bytes) -> tuple[_pubkey.Keys, NDArray[np.uint64]] | None:
    if not items:
        return np.empty(0, dtype=_pubkey.KEY_DTYPE), np.empty(0, dtype=np.uint64)
    data = np.frombuffer(items, dtype=np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    if len(quotes) % _QUOTES or not len(quotes):
        return None
    return _cut(items, data, quotes.reshape(-1, _QUOTES))


def _cut(
    items: bytes, data: _pubkey.Bytes, quotes: NDArray[np.intp]
) -> tuple[_pubkey.Keys, NDArray[np.uint64]] | None:
    starts = quotes[:, 0] - 1
    ends = np.append(starts[1:] - 1, len(data))
    if not _is_layout(items, data, quotes, starts, ends):
        return None
    mints = _pubkey.align(data, quotes[:, 3], quotes[:, 3] - quotes[:, 2] - 1)
    balances = _unsigned(data, quotes[:, 5] + 2, ends - 1)
    return None if mints is None or balances is None else (mints, balances)


def _is_layout(
    items: bytes,
    data: _pubkey.Bytes,
    quotes: NDArray[np.intp],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
) -> bool:
    """Whether all bytes around the mints and the balances are those of the layout."""
    steps = np.diff(quotes, axis=1)
    if starts[0] != 0 or (steps[:, [0, 1, 3, 4]] != (5, 2, 2, 8)).any() or (steps[:, 2] < 2).any():  # noqa: PLR2004
        return False
    if (ends - quotes[:, 5] < 4).any():  # noqa: PLR2004  # ":0}"
        return False
    words = np.ndarray(len(data) - 7, dtype="<u8", buffer=items, strides=(1,))
    return bool(
        (words[starts] == _WORDS["name"]).all()
        and (words[quotes[:, 3]] == _WORDS["gap"]).all()
        and (words[quotes[:, 5] - 5] & np.uint64(0x00FFFFFFFFFFFFFF) == _WORDS["gap_end"]).all()
        and (data[ends - 1] == _BRACE_CLOSE).all()
        and (data[ends[:-1]] == _COMMA).all()
    )


def _unsigned(
    data: _pubkey.Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> NDArray[np.uint64] | None:
    """Exact values of the decimal numbers in ``data[starts:ends]``; ``None`` where one is none."""
    lengths = ends - starts
    if lengths.min() < 1 or lengths.max() > _U64_DIGITS:
        return None
    digits = _pubkey.right_aligned(data, ends, lengths, _DIGITS_DTYPE, _ZERO)
    grid = digits.view(np.uint8).reshape(-1, _U64_DIGITS)
    if grid.min() < _ZERO or grid.max() > _NINE:
        return None
    if ((data[starts] == _ZERO) & (lengths > 1)).any() or (digits > _U64_MAX).any():
        return None
    halves: NDArray[np.uint64] = ((grid - _ZERO).astype(np.float64) @ _WEIGHTS).astype(np.uint64)
    high, low = halves.T
    balances: NDArray[np.uint64] = np.add(high * np.uint64(10**_HALF), low)
    return balances
