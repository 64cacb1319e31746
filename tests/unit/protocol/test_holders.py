"""The cursor of a list of holders, and replies that are pages of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames._protocol.holders import HIGHEST_OWNER, LOWEST_OWNER, Place, parse_cursor, parse_page
from helius_frames.errors import ProtocolError

OWNERS = [pubkey.encode(bytes([n]) * 32) for n in (9, 5, 1)]


@pytest.mark.parametrize(
    ("balance", "owner", "text"),
    [
        (10**9, HIGHEST_OWNER, "13HHUofCowb4iAM7q53tTqcGNT6qtu5Mr2x91ba2hPy3AUQcWECqP4i"),
        (10**9, LOWEST_OWNER, "13HHUofCowamUqyd3KT6R6qhHfgciinAdERtWxFHVKsZ7X5kaoSKRpT"),
        (1, HIGHEST_OWNER, "3t9dCZ5Y5EJt1wLgiTCmHo4HmhDTW1ixAZoeS6otfZEmDenNkjdsmY"),
        (2**63 - 1, HIGHEST_OWNER, "Dim4mzb29dmr1WXHPJJ4MyCVMa6katMsjDWvagXu84z2cYtmJ4TTK8J"),
    ],
)
def test_cursors_are_photons(balance, owner, text):
    assert Place(balance, owner).cursor() == text
    assert parse_cursor(text) == (balance, owner)


@given(st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))
def test_a_cursor_goes_there_and_back(balance, raw):
    place = Place(balance, pubkey.aligned(pubkey.encode(raw)))
    assert parse_cursor(place.cursor()) == place


@pytest.mark.parametrize("text", ["", "abc", OWNERS[0], "z" * 56, "0OIl", "é" * 52, "1" * 39, "1" * 41])
def test_other_text_is_no_place(text):
    assert parse_cursor(text) is None


def body(items, cursor=None, request_id="a-1"):
    result = {"context": {"slot": 7}, "value": {"items": items, "cursor": cursor}}
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": request_id}).encode()


def test_a_page_has_owners_as_keys_and_exact_balances():
    balances = [2**64 - 1, 2**53 + 1, 0]
    items = [{"owner": owner, "balance": n} for owner, n in zip(OWNERS, balances, strict=True)]
    page = parse_page("a-1", str, 200, body(items, "next"))
    assert [pubkey.text(key) for key in page.keys.tolist()] == OWNERS
    assert (page.balances.tolist(), page.slot, page.cursor) == (balances, 7, "next")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"mint": OWNERS[0], "balance": 1}, "missing required field `owner`"),
        ({"owner": "9xQe", "balance": 1}, "owner '9xQe' of item 0"),
        ({"owner": OWNERS[0], "balance": 1.0}, "balance"),
        ({"owner": OWNERS[0], "balance": 2**64}, "must fit 64 bits unsigned"),
        ({"owner": OWNERS[0], "balance": -1}, "must fit 64 bits unsigned"),
    ],
)
def test_what_is_no_holder_is_an_error(item, said):
    with pytest.raises(ProtocolError, match="not a page of holders") as caught:
        parse_page("a-1", str, 200, body([item]))
    assert said in str(caught.value)
