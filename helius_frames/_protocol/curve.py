"""Whether an address is a point of the ed25519 curve: a wallet's may be, a program's never is.

A wallet's address is the public key of a key pair, so it is a point. An address that a program owns
(a pool, a vault, a token account) is made by hashing until the result is no point, so that nobody can
have its key. The test is the chain's own: the 32 bytes are the y of a point, and the curve

    -x² + y² = 1 + d x² y²    over the integers modulo p = 2²⁵⁵ - 19

has an x for it where x² = (y² - 1) / (d y² + 1) is a square. As the runtime does, a y of p and more is
taken modulo p and the sign of x is not looked at. Division is not needed: u/v is a square exactly where
u·v is, and d y² + 1 is never 0, because -1/d is no square.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import base58
import numpy as np

from helius_frames._protocol import pubkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

P: Final = 2**255 - 19
D: Final = -121665 * pow(121666, -1, P) % P
_Y: Final = (1 << 255) - 1  # the 256th bit is the sign of x

_BLOCK: Final = 1 << 14
_LIMB: Final = 10  # base58 digits that fit 64 bits
_HEAD: Final = pubkey.TEXT_MAX % _LIMB
_SHIFT: Final = 58**_LIMB


def is_on_curve(key: bytes) -> bool:
    """Whether the 32 bytes of an address are a point of the curve."""
    return _has_x(int.from_bytes(key, "little") & _Y, _symbol())


def on_curve(keys: pubkey.Keys) -> NDArray[np.bool_]:
    """Whether each of these aligned keys is a point; the digits are read in columns, ten to a number."""
    symbol = _symbol()
    answers = np.empty(len(keys), dtype=bool)
    for start in range(0, len(keys), _BLOCK):
        block = np.ascontiguousarray(keys[start : start + _BLOCK])
        limbs = zip(*(limb.tolist() for limb in _limbs(block)), strict=True)
        answers[start : start + _BLOCK] = [_has_x(_little_endian(*limb) & _Y, symbol) for limb in limbs]
    return answers


def _limbs(keys: pubkey.Keys) -> list[NDArray[np.uint64]]:
    """Cut the 44 base58 digits of each key into numbers of 4, 10, 10, 10 and 10 digits."""
    digits = _DIGITS[keys.view(np.uint8).reshape(-1, pubkey.TEXT_MAX)]
    weights = np.uint64(58) ** np.arange(_LIMB, dtype=np.uint64)[::-1]
    parts = [digits[:, :_HEAD], *np.split(digits[:, _HEAD:], pubkey.TEXT_MAX // _LIMB, axis=1)]
    return [part @ weights[-part.shape[1] :] for part in parts]


def _little_endian(a: int, b: int, c: int, d: int, e: int) -> int:
    number = (((a * _SHIFT + b) * _SHIFT + c) * _SHIFT + d) * _SHIFT + e
    return int.from_bytes(number.to_bytes(pubkey.KEY_BYTES, "big"), "little")


def _has_x(y: int, symbol: Callable[[int, int], int]) -> bool:
    yy = y * y % P
    return symbol((yy - 1) * (D * yy + 1) % P, P) >= 0


@cache
def _symbol() -> Callable[[int, int], int]:
    """Return what computes the Jacobi symbol: gmpy2 where it is installed, six times as fast, or our own."""
    try:
        import gmpy2  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - not needed to read
    except ImportError:
        return jacobi
    found: Callable[[int, int], int] = gmpy2.jacobi
    return found


def jacobi(a: int, n: int) -> int:
    """Return the Jacobi symbol of ``a``, at least 0 and below ``n``, over an odd ``n``.

    Over a prime: 1 where ``a`` is a square other than 0, 0 where it is 0, -1 where it is none. By the laws
    of quadratic reciprocity: a factor 2 changes the sign where n is 3 or 5 modulo 8, turning the symbol
    over does where both are 3 modulo 4.
    """
    negative = 0
    while a > 1:
        lowest = a & -a
        if lowest > 1:
            zeros = lowest.bit_length() - 1
            a >>= zeros
            if zeros & 1:
                negative ^= (n + 2) >> 2  # bit 0 is set where n is 3 or 5 modulo 8
        negative ^= (a & n) >> 1  # bit 0 is set where both are 3 modulo 4
        a, n = n % a, a
    if not a and n > 1:
        return 0
    return -1 if negative & 1 else 1


_DIGITS: Final[NDArray[np.uint64]] = np.zeros(256, dtype=np.uint64)
_DIGITS[np.frombuffer(base58.BITCOIN_ALPHABET, dtype=np.uint8)] = np.arange(58)
