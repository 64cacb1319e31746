"""Accounts: real layouts byte by byte, what is a mint, and what its pools hold."""

from __future__ import annotations

import base64
import json

import pytest

from helius_frames import errors
from helius_frames._protocol import accounts
from helius_frames._protocol.accounts import Mint, parse_accounts, parse_mint, pool_addresses, pool_amount
from tests.support.mints import (
    LIGHT,
    SOME_KEY,
    SPL,
    SYSTEM,
    TOKEN_2022,
    account,
    mint_2022,
    mint_base,
    mint_light,
    token_account,
)

U64_MAX = 2**64 - 1
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def reply(value, request_id="1", slot=7):
    result = {"context": {"slot": slot, "apiVersion": "3.0.6"}, "value": value}
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": request_id}).encode()


def parsed(*value):
    return parse_accounts("1", len(value), str, 200, reply(list(value))).accounts


def mint_of(*arguments, **options):
    return parse_mint(parsed(account(*arguments, **options))[0])


def test_accounts_of_the_main_net_are_read_as_its_nodes_parse_them():
    # At slot 437,047,333; the values are those of the node's own ``jsonParsed`` reply.
    mint = (
        "AQAAAJj+huiNm+Lqi8HMpIeLKYjCQPUrhCS/tA7Rot3LXhmbbw6eEsZJGwAGAQEAAABicKqKWcWUBbRShshncubN"
        "Em6bil06OFNtN/e0FOi2Zw=="
    )
    # Mint, owner and amount of a holder; no delegate, initialised, no more options.
    holder = base64.b64decode(
        "xvp6877brTo9ZfNqq8l0MbG75MLS9uDkfKYCA0UvXWFBkiOb7GPMi1NAGOWDHGXebLXT8c1G9KNcuu8gXpunchH/+gwAAAAA"
    )
    holder += bytes(36) + b"\1" + bytes(56)
    assert mint_of(base64.b64decode(mint)) == Mint(SPL, 6, 7_680_939_435_888_239, 82)
    assert "token account" in mint_of(holder)
    assert pool_amount(MINT, parsed(account(holder))[0]) == 217_775_889


@pytest.mark.parametrize("supply", [0, 1, 2**53 + 1, 2**63, U64_MAX])
@pytest.mark.parametrize("decimals", [0, 6, 9, 18, 255])
def test_supply_and_decimals_are_exact_in_all_programs(supply, decimals):
    assert mint_of(mint_base(supply, decimals)) == Mint(SPL, decimals, supply, 82)
    assert mint_of(mint_base(supply, decimals), TOKEN_2022) == Mint(TOKEN_2022, decimals, supply, 82)
    assert mint_of(mint_2022(supply, decimals), TOKEN_2022)[:3] == (TOKEN_2022, decimals, supply)
    assert mint_of(mint_light(supply, decimals), LIGHT)[:3] == (LIGHT, decimals, supply)


@pytest.mark.parametrize("cut", [166, None])
@pytest.mark.parametrize("space", [True, False])
def test_a_server_may_ignore_the_slice_and_leave_the_size_out(cut, space):
    assert isinstance(mint_of(mint_2022(5, 6), TOKEN_2022, cut=cut, space=space), Mint)
    assert isinstance(mint_of(mint_base(5, 6), cut=cut, space=space), Mint)
    assert "token account" in mint_of(token_account(MINT, 5), cut=cut, space=space)


def test_a_mint_without_an_authority_and_with_a_freeze_authority_is_one():
    assert mint_of(mint_base(3, 2, authority=bytes(36), freeze=SOME_KEY)) == Mint(SPL, 2, 3, 82)


def test_a_token_account_that_looks_like_a_mint_shows_itself_at_byte_165():
    # Its first 82 bytes are those of a good mint; only the kind behind the layout tells.
    data = mint_base(5, 6) + bytes(83) + b"\2" + bytes(20)
    for program in (TOKEN_2022, LIGHT):
        assert mint_of(data, program) == "not a mint: it is a token account"
    assert "token account" in mint_of(mint_base(5, 6) + bytes(83))


@pytest.mark.parametrize(
    ("data", "program", "why"),
    [
        (token_account(MINT, 5), SPL, "it is a token account"),
        (token_account(MINT, 5), LIGHT, "it is a token account"),
        (token_account(MINT, 5, kind=b"\2" + bytes(9)), TOKEN_2022, "it is a token account"),
        (mint_base(0, 6, initialised=0), SPL, "not initialised"),
        (bytes(82), TOKEN_2022, "not initialised"),
        (mint_base(1, 6, initialised=2), SPL, "not laid out"),
        (b"\2" + mint_base(1, 6)[1:], SPL, "not laid out"),
        (mint_base(1, 6, freeze=b"\7\0\0\0" + bytes(32)), SPL, "not laid out"),
        (mint_2022(1, 6), SPL, "does not say it is one"),
        (mint_base(1, 6) + bytes(84) + bytes(5), TOKEN_2022, "does not say it is one"),
        (mint_base(1, 6) + bytes(20), TOKEN_2022, "does not say it is one"),
        (b"\1\1\1" + bytes(352), SPL, "does not say it is one"),  # a multisig
        (b"", SPL, "0 bytes"),
        (bytes(81), LIGHT, "81 bytes"),
        (mint_base(1, 6), SYSTEM, f"belongs to {SYSTEM}"),
        (b"", "<b>", "belongs to another program"),
    ],
)
def test_everything_else_is_no_mint_and_says_why(data, program, why):
    found = mint_of(data, program)
    assert isinstance(found, str)
    assert why in found


def test_an_account_that_is_not_there_says_so():
    assert "no account on chain" in parse_mint(parsed(None)[0])


def test_the_request_asks_for_166_bytes_of_confirmed_accounts():
    assert accounts.params([MINT]) == [
        [MINT],
        {"encoding": "base64", "dataSlice": {"offset": 0, "length": 166}, "commitment": "confirmed"},
    ]


@pytest.mark.parametrize(
    "content",
    [
        reply([None], request_id="2"),
        reply([]),
        reply([None, None]),
        reply([{"data": ["", "base58"], "owner": SPL}]),
        reply([{"data": ["?", "base64"], "owner": SPL}]),
        reply([{"data": "", "owner": SPL}]),
        reply([{"data": ["", "base64"]}]),
        reply([account(b"") | {"space": -1}]),
        reply([None], slot=-1),
        b"{}",
        b"[]",
        b"",
        b'{"jsonrpc":"2.0","id":"1","result":null}',
    ],
)
def test_a_reply_of_another_form_is_an_error(content):
    with pytest.raises(errors.ProtocolError, match="not a list of accounts"):
        parse_accounts("1", 1, str, 200, content)


def test_an_error_in_the_reply_is_raised_with_its_code():
    content = b'{"jsonrpc":"2.0","id":"1","error":{"code":-32601,"message":"Method not found"}}'
    with pytest.raises(errors.RPCError) as info:
        parse_accounts("1", 1, str, 200, content)
    assert info.value.code == -32601


def test_pools_are_those_of_the_programs_own_derivation():
    # ["pool", mint], then with an index of one byte; with extensions the restricted ones too.
    plain = pool_addresses(MINT, SPL, 82)
    assert len(set(plain)) == 5
    assert pool_addresses(MINT, TOKEN_2022, 82) == plain
    extended = pool_addresses(MINT, TOKEN_2022, 234)
    assert extended[:5] == plain
    assert len(set(extended)) == 10
    assert pool_addresses(MINT, LIGHT, 263) == []


def pool(*arguments, **options):
    return pool_amount(MINT, parsed(account(*arguments, **options))[0])


@pytest.mark.parametrize("amount", [0, 1, 2**53 + 1, U64_MAX])
def test_the_amount_of_a_pool_is_exact(amount):
    assert pool(token_account(MINT, amount)) == amount
    assert pool(token_account(MINT, amount, state=2)) == amount
    assert pool(token_account(MINT, amount, kind=b"\2\7\0\0\0"), TOKEN_2022) == amount


def test_what_is_no_token_account_of_the_mint_holds_nothing_of_it():
    other = "So11111111111111111111111111111111111111112"
    assert pool_amount(MINT, None) == 0
    assert pool(token_account(other, 5)) == 0
    assert pool(token_account(MINT, 5, state=0)) == 0
    assert pool(token_account(MINT, 5), SYSTEM) == 0
    assert pool(token_account(MINT, 5, kind=b"\1"), TOKEN_2022) == 0
    assert pool(mint_base(1, 6)) == 0
