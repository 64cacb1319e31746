"""Addresses of token accounts: the seeds of the Light token program, against published vectors."""

from __future__ import annotations

import pytest

import helius_frames
from helius_frames import InputError, MintError, OwnerError, token_account_address
from helius_frames._protocol import pubkey
from helius_frames._protocol.program_address import find_program_address, is_on_curve

LIGHT = "cTokenmWW8bLPjZEBAUgYy3zKxQZW6VKi7bqNFEVv3m"
WALLET = "B8UwBUUnKwCyKuGMbFKWaG7exYdDk2ozZrPg72NyVbfj"
MINT = "7o36UsWR1JQLpZ9PE2gn9L4SQ69CNNiWAXd4Jt7rqz9Z"


def derived(seeds, program):
    return pubkey.encode(find_program_address(seeds, pubkey.parse(program)))


def test_the_derivation_gives_the_vectors_of_spl_token():
    """The test of ``getAssociatedTokenAddress`` of ``@solana/spl-token``, an owner off the curve included."""
    token = pubkey.parse("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
    associated = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
    first = derived([pubkey.parse(WALLET), token, pubkey.parse(MINT)], associated)
    assert first == "DShWnroshVbeUp28oopA3Pu7oFPDBtC1DBmPECXXAQ9n"
    second = derived([pubkey.parse(first), token, pubkey.parse(MINT)], associated)
    assert second == "F3DmXZFqkfEWFA7MN2vDPs813GeEWPaT6nLk4PSGuWJd"


def test_the_derivation_gives_the_light_programs_own_authority():
    """``CTOKEN_CPI_AUTHORITY`` of light-protocol's SDK."""
    assert derived([b"cpi_authority"], LIGHT) == "GXtd2izAiMJPwMEjfgTRH3d7k9mjn4Jq3JrWFv9gySYy"


def test_seeds_are_wallet_program_and_mint():
    """As ``get_associated_ctoken_address_and_bump`` of light-protocol's SDK."""
    address = token_account_address(WALLET, MINT)
    assert address == derived([pubkey.parse(WALLET), pubkey.parse(LIGHT), pubkey.parse(MINT)], LIGHT)
    assert not is_on_curve(pubkey.parse(address))
    assert address != token_account_address(MINT, WALLET)


def test_addresses_are_taken_as_the_readers_take_them():
    class Key:
        def __str__(self):
            return f" {WALLET}\n"

    assert token_account_address(Key(), [MINT]) == token_account_address(WALLET, MINT)
    with pytest.raises(OwnerError):
        token_account_address("9xQe", MINT)
    with pytest.raises(MintError):
        token_account_address(WALLET, "9xQe")
    with pytest.raises(InputError, match="takes one owner, got 2"):
        token_account_address([WALLET, MINT], MINT)


def test_it_is_public():
    assert "token_account_address" in helius_frames.__all__
