"""``getCompressedMintTokenHolders``: one page of a mint's holders, and the cursor that is a place among them.

Photon lists them by falling balance, equal ones by falling owner bytes, zeros last. Its cursor is the place
of the last item, (balance, owner), and the next page is what lies below; so a cursor may be made.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import base58
import msgspec

from helius_frames._protocol import pubkey
from helius_frames._protocol.balances import Item, PageParser

METHODS: Final = ("getCompressedMintTokenHolders",)
# A page of one row may end at a balance that the server cannot take back, see `CURSOR_BALANCE_END`.
PAGE_MIN: Final = 2
# Photon binds a cursor's balance as a signed number of 64 bits; one that does not fit ends the connection.
CURSOR_BALANCE_END: Final = 1 << 63

_BALANCE_BYTES: Final = 8
_CURSOR_BYTES: Final = _BALANCE_BYTES + pubkey.KEY_BYTES
_CURSOR_TEXT_MAX: Final = 55


class _Holder(Item, gc=False):
    key: str = msgspec.field(name="owner")


parse_page: Final = PageParser(_Holder, key="owner", what="holders")


class Place(NamedTuple):
    """A place in the order of holders; its owner is an aligned key, so places compare as the server sorts."""

    balance: int
    owner: bytes

    def cursor(self) -> str:
        """Encode it as Photon does: base58 of the balance, little-endian, and the owner."""
        raw = self.balance.to_bytes(_BALANCE_BYTES, "little") + pubkey.at_position(pubkey.place(self.owner))
        return base58.b58encode(raw).decode("ascii")


HIGHEST_OWNER: Final = pubkey.aligned(pubkey.encode(b"\xff" * pubkey.KEY_BYTES))
LOWEST_OWNER: Final = pubkey.aligned(pubkey.encode(bytes(pubkey.KEY_BYTES)))


def parse_cursor(text: str) -> Place | None:
    """Return the place that a cursor stands for; ``None`` where it is not one of Photon's."""
    if len(text) > _CURSOR_TEXT_MAX or not text.isalnum():
        return None
    try:
        raw = base58.b58decode(text)
    except ValueError:
        return None
    if len(raw) != _CURSOR_BYTES:
        return None
    owner = pubkey.aligned(pubkey.encode(raw[_BALANCE_BYTES:]))
    return Place(int.from_bytes(raw[:_BALANCE_BYTES], "little"), owner)
