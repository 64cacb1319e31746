"""Program addresses, by vectors of published sources: web3.js, solana-py, solanaj, RFC 8032."""

from __future__ import annotations

import base58
import pytest

from helius_frames._protocol.curve import is_on_curve
from helius_frames._protocol.program_address import find_program_address


def key(text):
    return base58.b58decode(text)


@pytest.mark.parametrize(
    ("seeds", "program", "address"),
    [
        (
            [key("8VBafTNv1F8k5Bg7DTVwhitw3MGAMTmekHsgLuMJxLC8")],
            "6Cust2JhvweKLh4CVo1dt21s2PJ86uNGkziudpkNPaCj",
            "FGnnqkzkXUGKD7wtgJCqTemU3WZ6yYqkYJ8xoQoXVvUG",
        ),
        (
            [
                key("B8UwBUUnKwCyKuGMbFKWaG7exYdDk2ozZrPg72NyVbfj"),
                key("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
                key("7o36UsWR1JQLpZ9PE2gn9L4SQ69CNNiWAXd4Jt7rqz9Z"),
            ],
            "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
            "DShWnroshVbeUp28oopA3Pu7oFPDBtC1DBmPECXXAQ9n",
        ),
    ],
)
def test_an_address_is_that_of_published_vectors(seeds, program, address):
    assert base58.b58encode(find_program_address(seeds, key(program))).decode() == address


@pytest.mark.parametrize(
    "address",
    [
        "12rqwuEgBYiGhBrDJStCiqEtzQpTTiZbh7teNVLuYcFA",
        "3gF2KMe9KiC6FNVBmfg9i267aMPvK37FewCip4eGBFcT",
        "7ytmC1nT1xY4RfxCV2ZgyA7UakC93do5ZdyhdF3EtPj7",
        "HwRVBufQ4haG5XSgpspwKtNd3PC9GM9m1196uJW36vds",
        "GUs5qLUfsEHkcMB9T38vjr18ypEhRuNWiePW2LoK4E3K",
    ],
)
def test_program_addresses_are_off_the_curve(address):
    assert not is_on_curve(key(address))


@pytest.mark.parametrize(
    "public_key",
    [  # RFC 8032, section 7.1
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "ec172b93ad5e563f4932c70e1245034c35467ef2efd4d64ebf819683467e2bf2",
    ],
)
def test_public_keys_are_on_the_curve(public_key):
    assert is_on_curve(bytes.fromhex(public_key))


def test_y_of_one_and_of_zero_and_sign_bits_are_decided():
    one = (1).to_bytes(32, "little")  # x is 0
    assert is_on_curve(one)
    assert is_on_curve(one[:31] + b"\x80")
    assert is_on_curve(bytes(32))  # y of 0: x² is -1, which has a root modulo p
    assert not is_on_curve((2).to_bytes(32, "little"))
