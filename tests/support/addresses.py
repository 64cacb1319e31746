"""Addresses without the package: base58 text, 32 bytes, and their place among all 2^256."""

from __future__ import annotations

from functools import cache

import base58


@cache  # the same mints are sorted by it again and again
def key_bytes(address):
    """Return the 32 bytes of an address, by which servers order mints."""
    return base58.b58decode(address)


def position_of(address):
    return int.from_bytes(key_bytes(address), "big")


def address_at(position):
    return base58.b58encode(position.to_bytes(32, "big")).decode()
