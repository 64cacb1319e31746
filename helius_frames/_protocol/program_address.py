"""Program addresses: derived from seeds and a program, off the ed25519 curve by construction.

A wallet's address is a point of the curve (the public half of a key pair). A program address is a SHA-256
hash that is none, so that no key can sign for it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# The curve -x² + y² = 1 + d·x²·y² over the integers modulo p (RFC 8032, section 5.1).
_P: Final = (1 << 255) - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_Y_MASK: Final = (1 << 255) - 1  # the highest bit of a key is the sign of x
_MARK: Final = b"ProgramDerivedAddress"
_BUMP_MAX: Final = 255


def is_on_curve(key: bytes) -> bool:
    """Return whether 32 bytes are the compressed form of a point of the ed25519 curve.

    They are where x² = (y² - 1) / (d·y² + 1) has a root; the denominator is never zero, as -1/d is no
    square. By Euler's criterion a number is a square modulo p where its power (p - 1) / 2 is 0 or 1, and the
    quotient of two numbers is a square where their product is.
    """
    y = int.from_bytes(key, "little") & _Y_MASK
    y2 = y * y % _P
    return pow((y2 - 1) * (_D * y2 + 1), (_P - 1) // 2, _P) <= 1


def find_program_address(seeds: Sequence[bytes], program: bytes) -> bytes:
    """Return the address that a program derives from seeds: the first off the curve, by falling bump."""
    start = sha256(b"".join(seeds))
    for bump in range(_BUMP_MAX, -1, -1):
        digest = start.copy()
        digest.update(bytes([bump]) + program + _MARK)
        if not is_on_curve(digest.digest()):
            return digest.digest()
    raise ValueError("these seeds have no program address")  # of probability 2**-256
