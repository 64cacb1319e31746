"""The fast reader beside the typed one: it gives the same page, or leaves the reply to it."""

from __future__ import annotations

import json
from functools import partial
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames import _columns, _wire
from helius_frames._protocol import pubkey
from helius_frames.errors import ProtocolError

U64_MAX = 2**64 - 1
MINT = pubkey.encode(b"\x07" * 32)
KEYS = st.binary(min_size=32, max_size=32) | st.integers(0, 255).map(lambda byte: bytes(31) + bytes([byte]))
ITEMS = st.lists(
    st.tuples(KEYS.map(pubkey.encode), st.integers(0, U64_MAX) | st.sampled_from([0, 9, 10, U64_MAX])),
    max_size=6,
)
SLOTS = st.integers(0, 10**18 - 1)
CURSORS = st.none() | KEYS.map(pubkey.encode)
compact = partial(json.dumps, separators=(",", ":"))


def reply(items, *, slot=7, cursor=None, request_id="1", is_id_first=False, has_cursor=True, name="items"):
    """A reply in Photon's compact layout."""
    value = {name: [{"mint": mint, "balance": balance} for mint, balance in items]}
    value |= {"cursor": cursor} if has_cursor else {}
    head, result = {"jsonrpc": "2.0"}, {"result": {"context": {"slot": slot}, "value": value}}
    marked = {"id": request_id}
    return compact(head | marked | result if is_id_first else head | result | marked).encode()


REPLIES = st.builds(
    reply,
    ITEMS,
    slot=SLOTS,
    cursor=CURSORS,
    is_id_first=st.booleans(),
    has_cursor=st.booleans(),
    name=st.sampled_from(["items", "token_balances"]),
)


def typed(content, request_id="1"):
    """What the typed reader makes of a reply; ``None`` where it refuses it."""
    try:
        return _wire._typed_page(content, request_id)
    except ProtocolError:
        return None


def assert_is_typed_page(columns, content, request_id="1"):
    page = typed(content, request_id)
    assert page is not None
    assert columns.mints.tolist() == page.mints.tolist()
    assert columns.balances.tolist() == page.balances.tolist()
    assert (columns.slot, columns.cursor) == (page.slot, page.cursor)
    assert (columns.mints.dtype, columns.balances.dtype) == (page.mints.dtype, page.balances.dtype)


def assert_none_or_typed(content, request_id="1"):
    columns = _columns.read(content, request_id)
    if columns is not None:
        assert_is_typed_page(columns, content, request_id)


@given(REPLIES)
def test_every_page_in_the_compact_layout_is_read_fast_and_exactly(content):
    assert_is_typed_page(_columns.read(content, "1"), content)


@given(ITEMS, SLOTS, CURSORS)
def test_what_was_sent_is_what_is_read(items, slot, cursor):
    columns = _columns.read(reply(items, slot=slot, cursor=cursor), "1")
    assert [pubkey.text(key) for key in columns.mints] == [mint for mint, _ in items]
    assert columns.balances.tolist() == [balance for _, balance in items]
    assert (columns.slot, columns.cursor) == (slot, cursor)


BYTES = st.sampled_from(
    [bytes([byte]) for byte in b'"{}[]:,\\019zlI -+.eE\n\f\v\x00\x7f\xc3\xff']
) | st.binary(min_size=1, max_size=3)


@given(st.data())
def test_a_reply_with_some_bytes_changed_is_left_alone_or_read_as_the_typed_reader_does(data):
    content = bytearray(data.draw(REPLIES))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 3))
        content[at : at + length] = data.draw(BYTES)
    assert_none_or_typed(bytes(content))


@given(REPLIES, st.data())
def test_a_reply_cut_short_is_never_a_page(content, data):
    end = data.draw(st.integers(0, len(content) - 1))
    assert _columns.read(content[:end], "1") is None
    assert typed(content[:end]) is None


@given(REPLIES, REPLIES, st.data())
def test_two_replies_run_together_are_left_alone_or_read_as_the_typed_reader_does(one, other, data):
    cut, begin = data.draw(st.integers(0, len(one))), data.draw(st.integers(0, len(other)))
    assert_none_or_typed(one[:cut] + other[begin:])


def test_every_single_byte_of_a_page_put_wrong_is_noticed_as_the_typed_reader_notices_it():
    content = reply([(MINT, 12), (pubkey.encode(b"\x08" * 32), U64_MAX)], cursor=MINT)
    for at in range(len(content)):
        for byte in b'"1 }z':
            assert_none_or_typed(content[:at] + bytes([byte]) + content[at + 1 :])
        assert_none_or_typed(content[:at] + content[at + 1 :])
        assert_none_or_typed(content[:at] + content[at : at + 1] + content[at:])


@pytest.mark.parametrize("end", ['","":1}', '","b}', '","balan}', '","balance"}', '","balance":}', '"}', "}"])
def test_a_last_item_that_ends_too_early_is_left_to_the_typed_reader(end):
    content = reply([(pubkey.encode(bytes([byte]) * 32), 12) for byte in range(200)])
    assert _columns.read(content, "1") is not None
    ending = content.rindex(b'","balance":12}')
    broken = content[:ending] + end.encode() + content[ending + len(b'","balance":12}') :]
    assert _columns.read(broken, "1") is None


BALANCES = ["-1", "-0", "1.0", "1e3", "00", "01", "+1", "", " 1", "1 ", "null", "true", '"1"', "[1]", "1,2"]
BALANCES += [str(2**64), str(10**20 - 1), "9" * 21, "1" + "0" * 40, "1}", '1,"mint":"x"', "0x10", "\u0661"]


@pytest.mark.parametrize("balance", BALANCES)
def test_a_balance_in_another_form_is_left_to_the_typed_reader(balance):
    content = reply([(MINT, 5), (MINT, 777), (MINT, 5)]).replace(b"777", balance.encode())
    assert _columns.read(content, "1") is None


@pytest.mark.parametrize(
    "balance", [0, 1, 9, 10, 10**10 - 1, 10**10, 2**53, 2**53 + 1, 2**63, U64_MAX - 1, U64_MAX]
)
def test_balances_are_exact_over_the_whole_of_u64(balance):
    columns = _columns.read(reply([(MINT, balance)] * 3), "1")
    assert columns.balances.tolist() == [balance] * 3


@pytest.mark.parametrize("slot", ["-1", "01", "1.0", "1e3", "9" * 19, '"7"', "null"])
def test_an_odd_slot_is_left_to_the_typed_reader(slot):
    assert _columns.read(reply([], slot=777).replace(b"777", slot.encode()), "1") is None


@pytest.mark.parametrize("mint", [MINT[:-2], MINT + "1", "0" * 44, "z" * 44, "1" * 31, "", MINT[:-1] + "\n"])
def test_a_mint_that_is_no_address_is_left_to_the_typed_reader(mint):
    assert _columns.read(reply([(MINT, 1), ("MARK", 1)]).replace(b"MARK", mint.encode()), "1") is None


@pytest.mark.parametrize("request_id", ["2", "11", "", "1\\u0031"])
def test_a_reply_to_another_request_is_left_to_the_typed_reader(request_id):
    for is_id_first in (False, True):
        content = reply([(MINT, 1)], is_id_first=is_id_first)
        assert _columns.read(content, "1") is not None
        assert _columns.read(content, request_id) is None


def test_a_reply_with_two_ids_or_none_is_left_to_the_typed_reader():
    with_id = reply([(MINT, 1)])
    assert _columns.read(with_id.replace(b',"id":"1"', b""), "1") is None
    assert _columns.read(with_id.replace(b'"2.0",', b'"2.0","id":"1",'), "1") is None


@pytest.mark.parametrize("end", ["\n", " \r\n\t", ""])
def test_white_space_of_json_may_follow(end):
    assert _columns.read(reply([(MINT, 1)]) + end.encode(), "1") is not None


@pytest.mark.parametrize("end", ["\f", "\v", "\0", "x", "{}", "\u00a0"])
def test_nothing_else_may_follow(end):
    content = reply([(MINT, 1)]) + end.encode()
    assert _columns.read(content, "1") is None
    assert typed(content) is None


@pytest.mark.parametrize(
    "content",
    [
        reply([(MINT, 1)]).replace(b":", b": "),
        reply([(MINT, 1)]).replace(b'{"mint"', b'{"owner":"x","mint"'),
        reply([(MINT, 1)]).replace(b'"slot":7', b'"slot":7,"apiVersion":"1"'),
        json.dumps({"context": {"slot": 1}, "value": {"items": [], "cursor": None}}).encode(),
    ],
)
def test_any_other_layout_is_left_to_the_typed_reader_which_reads_it(content):
    assert _columns.read(content, "1") is None
    assert typed(content) is not None


def test_a_page_without_items_has_empty_columns_of_the_right_dtypes():
    columns = _columns.read(reply([]), "1")
    assert (columns.mints.dtype, columns.balances.dtype) == (pubkey.KEY_DTYPE, np.uint64)
    assert len(columns.mints) == len(columns.balances) == 0


def test_a_full_page_of_texts_of_all_lengths_is_read_fast():
    keys = [bytes(zeros) + b"\xff" * (32 - zeros) for zeros in range(33)] * 31
    items = list(zip(map(pubkey.encode, keys), count(U64_MAX - 2000), strict=False))[:1000]
    content = reply(items, cursor=items[-1][0])
    assert_is_typed_page(_columns.read(content, "1"), content)
