"""Solana addresses: base58 text, 32 bytes, and their order in the key space.

The layer below everything else: it imports nothing of ours. Columns of addresses are kept as
*aligned keys*: base58 text padded on the left with ``1`` (the zero of base58) to 44 bytes. The
base58 alphabet is in ascending ASCII order, so aligned keys sort as the 32 bytes do, and no address
has to be decoded to be checked, compared or ordered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import base58
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES = 32
KEY_SPACE = 1 << (8 * KEY_BYTES)
TEXT_MAX = 44
KEY_DTYPE = np.dtype(f"S{TEXT_MAX}")

Keys: TypeAlias = NDArray[np.bytes_]
Bytes: TypeAlias = NDArray[np.uint8]

_ZERO = ord("1")
_ALPHABET = frozenset(base58.BITCOIN_ALPHABET.decode())
_HEAD = np.dtype(">u8")
_RUN_MIN: Final = 16  # rows of one length on average, from which copying run by run is quicker


def parse(text: str) -> bytes:
    """Decode one base58 address into its 32 bytes; ``ValueError`` says what is wrong with it."""
    if not _ALPHABET.issuperset(text):
        raise ValueError("not base58")
    # Checked before decoding, whose time grows with the square of the length.
    if not KEY_BYTES <= len(text) <= TEXT_MAX:
        raise ValueError(f"{len(text)} characters, an address has {KEY_BYTES} to {TEXT_MAX}")
    raw = base58.b58decode(text)
    if len(raw) != KEY_BYTES:
        raise ValueError(f"{len(raw)} bytes, an address has {KEY_BYTES}")
    return raw


def encode(key: bytes) -> str:
    """Encode 32 bytes as base58 text."""
    return base58.b58encode(key).decode("ascii")


def position(key: bytes) -> int:
    """Place of a key in the key space: its bytes read as one big-endian number."""
    return int.from_bytes(key, "big")


def at_position(place: int) -> bytes:
    """Key that stands at a place of the key space, the inverse of `position`."""
    return place.to_bytes(KEY_BYTES, "big")


def aligned(text: str) -> bytes:
    """Aligned key of one valid address."""
    return text.encode("ascii").rjust(TEXT_MAX, b"1")


def text(key: bytes) -> str:
    """Base58 text of one aligned key."""
    data, _ = texts(np.array([key], dtype=KEY_DTYPE))
    return data.tobytes().decode("ascii")


def place(key: bytes) -> int:
    """Place in the key space of one aligned key."""
    return base58.b58decode_int(key)


def align(data: Bytes, ends: NDArray[np.intp], lengths: NDArray[np.intp]) -> Keys | None:
    """Aligned keys of the addresses that end at ``ends`` in ``data``.

    Returns ``None`` where any of them is not the base58 text of exactly 32 bytes.
    """
    if not len(ends):
        return np.empty(0, dtype=KEY_DTYPE)
    if lengths.min() < KEY_BYTES or lengths.max() > TEXT_MAX:
        return None
    # Texts that end at ``ends`` (ascending), moved to the right of a key; what stands before each becomes
    # zeros.
    if ends[0] < TEXT_MAX:
        data = np.concatenate([np.zeros(TEXT_MAX, dtype=np.uint8), data])
        ends = ends + TEXT_MAX
    windows: Keys = np.ndarray(len(data) - TEXT_MAX + 1, dtype=KEY_DTYPE, buffer=data, strides=(1,))
    keys = windows[ends - TEXT_MAX]
    padding = TEXT_MAX - lengths
    most = int(padding.max())
    grid = keys.view(np.uint8).reshape(-1, TEXT_MAX)
    np.copyto(grid[:, :most], _ZERO, where=np.arange(most) < padding[:, None])
    if keys.tobytes().translate(None, base58.BITCOIN_ALPHABET):
        return None
    return keys if np.array_equal(text_lengths(keys), lengths) else None


def align_texts(texts: Sequence[str]) -> Keys | None:
    """Aligned keys of addresses given as text; ``None`` where any of them is not one."""
    try:
        data = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8)
    except UnicodeEncodeError:
        return None
    lengths = np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))
    return align(data, np.cumsum(lengths), lengths)


def text_lengths(keys: Keys) -> NDArray[np.intp]:
    """Length of each key's own base58 text; 0 where the number does not fit 32 bytes.

    An address starts with one ``1`` for each leading zero byte, and continues with the digits of the
    number, so the number alone tells how long the text of its 32 bytes is.
    """
    keys = np.ascontiguousarray(keys)
    grid = keys.view(np.uint8).reshape(-1, TEXT_MAX)
    is_one = grid[:, 0] == _ZERO
    lengths: NDArray[np.intp] = TEXT_MAX - is_one.astype(np.intp)
    several = np.flatnonzero(is_one & (grid[:, 1] == _ZERO))  # one address in a thousand
    if len(several):
        is_digit = grid[several] != _ZERO
        lengths[several] = np.where(is_digit.any(axis=1), TEXT_MAX - is_digit.argmax(axis=1), 0)
    heads = np.ndarray(len(keys), dtype=_HEAD, buffer=keys, strides=keys.strides)
    others = np.flatnonzero((heads <= _LEAST_HEAD) | (heads >= _MOST_HEAD))
    if len(others):  # one address in 256 starts with a zero byte
        zero_bytes = KEY_BYTES - np.searchsorted(_POWERS, keys[others], side="right").astype(np.intp)
        lengths[others] = np.where(zero_bytes < 0, 0, lengths[others] + zero_bytes)
    return lengths


def texts(keys: Keys) -> tuple[Bytes, NDArray[np.int64]]:
    """Base58 text of aligned keys: all of it in one run of bytes, and the n + 1 offsets into it."""
    lengths = text_lengths(keys)
    offsets = np.zeros(len(keys) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    keys = np.ascontiguousarray(keys)
    grid = keys.view(np.uint8).reshape(-1, TEXT_MAX)
    ends = np.append(np.flatnonzero(np.diff(lengths)) + 1, len(keys))
    if len(ends) * _RUN_MIN > len(keys):
        # Whole keys, each to end where its text ends, from the last one back: what stands before the text of
        # one is where the next writes. (A third of the time of a mask over all bytes.)
        data = np.empty(TEXT_MAX + offsets[-1], dtype=np.uint8)
        windows: Keys = np.ndarray(len(data) - TEXT_MAX + 1, dtype=KEY_DTYPE, buffer=data, strides=(1,))
        windows[offsets[:0:-1]] = keys[::-1]
        return data[TEXT_MAX:], offsets
    data, start = np.empty(offsets[-1], dtype=np.uint8), 0
    for end in ends.tolist():  # keys in order have few different lengths
        length = int(lengths[start])
        data[offsets[start] : offsets[end]].reshape(-1, length)[:] = grid[start:end, TEXT_MAX - length :]
        start = end
    return data, offsets


def _number_key(number: int) -> bytes:
    digits = base58.b58encode_int(number, default_one=False)
    return digits.rjust(TEXT_MAX, b"1")


# 256**0 … 256**32: a key at or above the k-th of them has at least k significant bytes.
_POWERS: Keys = np.array([_number_key(1 << (8 * k)) for k in range(KEY_BYTES + 1)], dtype=KEY_DTYPE)
# What a key's first eight bytes say for sure: between these it has 32 significant bytes.
_LEAST_HEAD, _MOST_HEAD = (int.from_bytes(power[:8], "big") for power in _POWERS[-2:].tolist())
