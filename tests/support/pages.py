"""Pages and rows made by hand: mints by number, ascending as their numbers do."""

from __future__ import annotations

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._protocol.balances import Page


def mint_at(number, bits=200):
    """Return the mint of a number: its place in the key space, so many bits up."""
    return pubkey.encode(pubkey.at_position(number << bits))


def keys_of(mints):
    """Return aligned keys of mints given as text."""
    return pubkey.align_texts(list(mints))


def page_of(held, cursor=None, slot=1):
    """Return a page of {number: balance}, or of numbers that are their own balances, in the order given.

    A cursor of ``True`` is the last mint, as Photon has it.
    """
    held = held if isinstance(held, dict) else {number: number for number in held}
    mints = [mint_at(number) for number in held]
    cursor = mints[-1] if cursor is True else cursor
    return Page(keys_of(mints), np.array(list(held.values()), dtype=np.uint64), slot, cursor)


def pairs(rows):
    """Return keys and balances of a page or rows as plain values."""
    return list(zip(map(pubkey.text, rows.keys.tolist()), rows.balances.tolist(), strict=True))


def pairs_held(holdings, owner):
    """Return what the indexer holds of an owner, in the same form and in ascending byte order."""
    return sorted(holdings.to_dict().get(owner, {}).items(), key=lambda row: pubkey.parse(row[0]))
