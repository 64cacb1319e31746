"""Program addresses: derived from seeds and a program, off the ed25519 curve by construction.

A wallet's address is a point of the curve (the public half of a key pair). A program address is a SHA-256
hash that is none, so that no key can sign for it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from helius_frames._protocol.curve import is_on_curve

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK: Final = b"ProgramDerivedAddress"
_BUMP_MAX: Final = 255


def find_program_address(seeds: Sequence[bytes], program: bytes) -> bytes:
    """Return the address that a program derives from seeds: the first off the curve, by falling bump."""
    start = sha256(b"".join(seeds))
    for bump in range(_BUMP_MAX, -1, -1):
        digest = start.copy()
        digest.update(bytes([bump]) + program + _MARK)
        if not is_on_curve(digest.digest()):
            return digest.digest()
    raise ValueError("these seeds have no program address")  # of probability 2**-256
