"""The address under which a wallet's tokens may be listed instead of its own."""

from __future__ import annotations

from typing import Final, Literal

from helius_frames._options import parse_addresses
from helius_frames._protocol import pubkey
from helius_frames._protocol.program_address import find_program_address
from helius_frames.errors import InputError

# The Light token program.
_PROGRAM: Final = "cTokenmWW8bLPjZEBAUgYy3zKxQZW6VKi7bqNFEVv3m"


def token_account_address(wallet: object, mint: object) -> str:
    """Return the address of a wallet's associated token account of one mint, in the Light token program.

    When that program compresses such an account and closes it, the owner of the compressed tokens is this
    address and not the wallet. So `read_helius_holders` lists it as an owner, and `read_helius_balances` of
    the wallet misses it: ask for both. The way back, from the address to the wallet, is only to derive the
    addresses of wallets that are known. Nothing is sent.

    Parameters
    ----------
    wallet, mint
        Addresses (base58), as text or as objects whose ``str()`` is the address.

    Returns
    -------
    The address (base58). It is no point of the ed25519 curve, so nobody holds a key to it.

    Raises
    ------
    OwnerError, MintError
        One of them is not an address.

    Examples
    --------
    >>> import helius_frames
    >>> wallet, mint = helius_frames.demo.OWNERS[0], helius_frames.demo.MINTS[0]
    >>> both = [wallet, helius_frames.token_account_address(wallet, mint)]
    >>> df = helius_frames.read_helius_balances(both, mint, cluster="demo")
    >>> len(df["owner"].cat.categories)
    2
    """
    program = pubkey.parse(_PROGRAM)
    seeds = [pubkey.parse(_one(wallet, "owner")), program, pubkey.parse(_one(mint, "mint"))]
    return pubkey.encode(find_program_address(seeds, program))


def _one(address: object, kind: Literal["owner", "mint"]) -> str:
    found = parse_addresses(address, kind)
    if len(found) != 1:
        raise InputError(f"token_account_address takes one {kind}, got {len(found):,}")
    return found[0]
