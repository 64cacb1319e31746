"""Assets: every field may be missing or wrong, and a name may mean harm."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames import errors
from helius_frames._protocol.assets import NAME_MAX, Asset, clean_name, params, parse_assets
from tests.support.mints import SPL, asset

A, B, C = (
    "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    "So11111111111111111111111111111111111111112",
    "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo",
)


def parsed(result, mints=(A, B), status=200):
    content = json.dumps({"jsonrpc": "2.0", "result": result, "id": "1"}).encode()
    return parse_assets("1", mints, str, status, content)


def one(entry):
    return parsed([entry], [A])[A]


def test_an_asset_is_read_whole():
    price = {"price_per_token": 1.5, "currency": "USDC"}
    entry = asset(A, "USDC", "USD Coin", supply=2**64 - 1, decimals=6, token_program=SPL, price_info=price)
    assert one(entry | {"last_indexed_slot": 9}) == Asset("USDC", "USD Coin", 6, 2**64 - 1, SPL, 1.5, 9)


def test_assets_are_matched_by_id_and_null_is_unknown():
    assert set(parsed([asset(B), None])) == {B}
    assert parsed([asset(B, "b"), asset(A, "a")])[A].symbol == "a"
    assert parsed([asset(C)]) == {}


def test_an_asset_without_an_id_is_matched_by_its_place_where_there_is_one_for_each():
    nameless = asset(None, "x")
    del nameless["id"]
    assert parsed([None, nameless])[B].symbol == "x"
    assert parsed([nameless]) == {}


@pytest.mark.parametrize(
    "entry",
    [
        {"id": A},
        {"id": A, "content": None, "token_info": None},
        {"id": A, "content": [], "token_info": "none"},
        {"id": A, "content": {"metadata": None}, "token_info": {"price_info": None}},
        asset(A, None, 5, supply=-1, decimals=256, token_program="x", price_info=[]),
        asset(A, "", " ", supply=1.0, decimals=True, token_program=7),
        asset(A, [], {}, supply="5", decimals="6", price_info={"price_per_token": 1.0}),
        asset(A, "\x00\u202e", "\n", supply=2**64, price_info={"price_per_token": "1", "currency": "USDC"}),
        asset(A, None, None, price_info={"price_per_token": True, "currency": "USDC"}),
        asset(A, None, None, price_info={"price_per_token": -1, "currency": "USDC"}),
        asset(A, None, None, price_info={"price_per_token": 10**400, "currency": "USDC"}),
        asset(A, None, None, price_info={"price_per_token": 1.0, "currency": "EUR"}),
    ],
)
def test_what_cannot_be_used_is_missing(entry):
    assert one(entry) == Asset()


def test_the_symbol_of_the_metadata_goes_before_that_of_the_account():
    entry = asset(A, "ONE")
    entry["token_info"]["symbol"] = "TWO"
    assert one(entry).symbol == "ONE"
    del entry["content"]
    assert one(entry).symbol == "TWO"


@pytest.mark.parametrize("result", [None, {}, "x", 5])
def test_a_result_that_is_no_list_is_an_error(result):
    with pytest.raises(errors.ProtocolError, match="not a list of assets"):
        parsed(result)


def test_an_error_in_the_reply_is_raised_with_its_code():
    content = b'{"jsonrpc":"2.0","id":"1","error":{"code":-32004,"message":"not found"}}'
    with pytest.raises(errors.RPCError) as info:
        parse_assets("1", [A], str, 404, content)
    assert info.value.code == -32004
    assert not info.value.is_transient


def test_the_request_asks_for_fungible_tokens():
    assert params([A]) == {"ids": [A], "options": {"showFungible": True}}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("BONK", "BONK"),
        ("  B O\tN\nK ", "B O N K"),
        ("BONK\x00\x00\x00", "BONK"),
        ("\u202eKNOB\u202c", "KNOB"),
        ("a\u200bb\ufeffc\u2066d\U000e0041", "abcd"),
        ("\x1b[2Jx", "[2Jx"),
        ("$\\href{javascript:alert(1)}{x}$", "$href{javascript:alert(1)}{x}$"),
        ("<b>é日本🚀", "<b>é日本🚀"),
        ('=HYPERLINK("x")', 'HYPERLINK("x")'),
        (" \u202e@-+=A+1", "A+1"),
        ("=-", None),
        ("z" + "\u0336" * 50, "z\u0336\u0336"),
        ("\u3164\u2800", None),
        ("\ud800x", "x"),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_names_are_fit_to_show(text, clean):
    assert clean_name(text, NAME_MAX) == clean


def test_a_long_name_is_shortened():
    assert clean_name("x" * 100_000, 20) == "x" * 19 + "…"


@given(st.text())
def test_no_name_has_a_character_that_draws_elsewhere(text):
    name = clean_name(text, 20) or ""
    assert len(name) <= 20
    assert not any(unicodedata.category(char)[0] == "C" for char in name)
    assert "\\" not in name
    assert name == " ".join(name.split())
    assert name[:1] not in tuple("=+-@")
