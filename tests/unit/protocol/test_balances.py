"""What counts as a page of balances, what does not, and that `json` reads the same."""

from __future__ import annotations

import json
import re

import base58
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames._protocol.balances import CURSOR_MAX, METHODS, PAGE_MAX, Page, parse_page
from helius_frames._transport.redact import MASK, clean
from helius_frames.errors import AuthenticationError, HeliusError, ProtocolError, RateLimitError, RPCError
from tests.support.pages import page_of, pairs

U64_MAX = 2**64 - 1
MINT, OTHER = (pubkey.encode(bytes([byte]) * 32) for byte in (2, 3))
KEY = "0b4f7d2c-9a31-4e58-8c6f-2f0d8a61b7c3"
RIGHT_TO_LEFT = "\u202e"
MARK = 777_777


def compact(document):
    """JSON in Photon's layout."""
    return json.dumps(document, separators=(",", ":")).encode()


def spaced(document):
    return json.dumps(document, indent=1).encode()


LAYOUTS = (compact, spaced)
each_layout = pytest.mark.parametrize("layout", LAYOUTS)


def body(balance=5, mint=MINT, slot=100, cursor=None, name="items"):
    """The inside of a reply, as the published page shows it."""
    return {
        "context": {"slot": slot},
        "value": {name: [{"mint": mint, "balance": balance}], "cursor": cursor},
    }


def envelope(result, request_id="1", **more):
    return {"jsonrpc": "2.0", "id": request_id, "result": result, **more}


each_body = pytest.mark.parametrize("wrap", [envelope, dict], ids=["envelope", "bare"])


def parse(content, request_id="1", status=200, secrets=()):
    return parse_page(request_id, lambda text: clean(text, secrets), status, content)


def refused(content, kind=ProtocolError, **options):
    """Return the message with which a reply is refused, in every layout alike."""
    with pytest.raises(kind) as caught:
        parse(content, **options)
    error = caught.value
    assert type(error) is kind
    assert error.__cause__ is error.__context__ is None
    assert str(error).isprintable()
    assert len(str(error)) < 800
    return str(error)


# Pages


@each_layout
@each_body
@pytest.mark.parametrize("name", ["items", "token_balances"])
def test_both_bodies_and_both_names_of_the_list_are_pages(layout, wrap, name):
    page = parse(layout(wrap(body(name=name, cursor=OTHER))))
    assert pairs(page) == [(MINT, 5)]
    assert (page.slot, page.cursor) == (100, OTHER)


def test_v2_goes_before_v1_and_a_page_has_at_most_1000_rows():
    assert METHODS == ("getCompressedTokenBalancesByOwnerV2", "getCompressedTokenBalancesByOwner")
    assert PAGE_MAX == 1000


def test_the_published_example_is_a_page():
    mint = "11111114DhpssPJgSi1YU7hCMfYt1BJ334YgsffXm"
    content = compact(
        {
            "context": {"slot": 100},
            "value": {"cursor": "3J98t1WpEZ73CNm", "items": [{"balance": 100, "mint": mint}]},
        }
    )
    assert pairs(parse(content)) == [(mint, 100)]
    assert parse(content).cursor == "3J98t1WpEZ73CNm"


@each_layout
def test_an_empty_page_has_typed_columns_and_may_carry_a_cursor(layout):
    page = parse(layout(envelope({"context": {"slot": 1}, "value": {"items": [], "cursor": OTHER}})))
    assert (len(page), len(page.keys), page.cursor) == (0, 0, OTHER)
    assert (page.keys.dtype, page.balances.dtype) == (pubkey.KEY_DTYPE, np.uint64)


@given(st.lists(st.tuples(st.integers(0, U64_MAX), st.booleans()), max_size=6))
def test_balances_are_exact_over_the_whole_of_u64_as_numbers_and_as_text(balances):
    items = [{"mint": MINT, "balance": str(n) if is_text else n} for n, is_text in balances]
    for layout in LAYOUTS:
        page = parse(layout(envelope({"context": {"slot": 1}, "value": {"items": items}})))
        assert page.balances.tolist() == [n for n, _ in balances]
        assert page.balances.dtype == np.uint64


@pytest.mark.parametrize("balance", [2**53 + 1, 2**63 - 1, 2**63, U64_MAX - 1, U64_MAX])
def test_one_balance_above_int64_among_small_ones_is_exact(balance):
    items = [{"mint": MINT, "balance": n} for n in (0, balance, 1)]
    page = parse(compact(envelope({"context": {"slot": 1}, "value": {"items": items}})))
    assert page.balances.tolist() == [0, balance, 1]


@pytest.mark.parametrize("text", ["0", "7", "007", str(U64_MAX), f"0{U64_MAX}"])
def test_a_balance_as_text_is_decimal_digits_up_to_twenty(text):
    content = compact(envelope(body(balance=text)))
    if len(text) > 20:
        assert "must be an unsigned integer" in refused(content)
    else:
        assert pairs(parse(content)) == [(MINT, int(text))]


@each_layout
def test_unknown_fields_are_fine_wherever_they_stand(layout):
    document = envelope(body(), took_ms=3)
    document["result"]["apiVersion"] = "0.51"
    document["result"]["context"]["region"] = ["eu", None]
    document["result"]["value"]["total"] = 1.5
    document["result"]["value"]["items"][0]["owner"] = {"deep": [MINT]}
    assert pairs(parse(layout(document))) == [(MINT, 5)]


@each_layout
def test_a_cursor_of_null_and_no_cursor_are_the_end(layout):
    document = envelope(body())
    assert parse(layout(document)).cursor is None
    del document["result"]["value"]["cursor"]
    assert parse(layout(document)).cursor is None


@pytest.mark.parametrize("cursor", ["z", "z" * 44, "z" * CURSOR_MAX, "opaque/=é", '"\\\n'])
def test_a_cursor_is_any_text_up_to_its_bound(cursor):
    assert parse(compact(envelope(body(cursor=cursor)))).cursor == cursor


@each_layout
@pytest.mark.parametrize("slot", [0, 1, 2**53 + 1, 2**63 - 1])
def test_a_slot_is_exact_up_to_int64(layout, slot):
    assert parse(layout(envelope(body(slot=slot)))).slot == slot


@each_body
def test_an_error_of_null_beside_a_result_is_not_an_error(wrap):
    assert pairs(parse(compact({**wrap(body()), "error": None}))) == [(MINT, 5)]


@pytest.mark.parametrize("space", [b" ", b"\n", b"\t\r\n "])
def test_white_space_of_json_may_stand_around_a_reply(space):
    assert pairs(parse(space + compact(envelope(body())) + space)) == [(MINT, 5)]


def test_a_full_page_of_texts_of_all_lengths_is_exact():
    held = {(1 << (8 * n)) - 1: n for n in range(7)}
    page = page_of(held)
    items = [{"mint": mint, "balance": balance} for mint, balance in pairs(page)]
    read = parse(compact(envelope({"context": {"slot": 1}, "value": {"items": items}})))
    assert read.keys.tolist() == page.keys.tolist()


# What is not a page

BALANCES = [
    "-1",
    "1.5",
    "5.0",
    "1e19",
    "1e3",
    str(2**64),
    "1" * 41,
    "null",
    "true",
    "[1]",
    '{"amount":1}',
    "-0",
]
BALANCES += ['""', '"-1"', '"1.0"', '"1e3"', f'"{2**64}"', '"' + "9" * 21 + '"', '" 1"', '"0x1"', '"\u0661"']
BALANCES += ['"+1"', '"1_0"', '"-0"', '"1\\n"', "NaN", "Infinity", "01", "+1", ".5", "0x10", "", "1 2"]


@each_layout
@pytest.mark.parametrize("balance", BALANCES)
def test_a_balance_that_is_not_an_unsigned_64_bit_integer_is_refused(layout, balance):
    document = envelope(body())
    document["result"]["value"]["items"].append({"mint": OTHER, "balance": MARK})
    content = layout(document)
    assert len(parse(content)) == 2
    refused(content.replace(str(MARK).encode(), balance.encode()))


@pytest.mark.parametrize(
    ("balance", "why"),
    [
        (2**64, f"balance {2**64} of item 1 must fit 64 bits unsigned"),
        (-1, "balance -1 of item 1 must fit 64 bits unsigned"),
        (-(2**63), f"balance {-(2**63)} of item 1 must fit 64 bits unsigned"),
        ("x", "balance 'x' of item 1 must be an unsigned integer"),
        (str(2**64), f"balance {2**64} of item 1 must fit 64 bits unsigned"),
        (1.5, r"\$.result.value.items[1].balance"),
        (None, r"\$.result.value.items[1].balance"),
    ],
)
def test_the_message_shows_the_balance_and_its_place(balance, why):
    document = envelope(body())
    document["result"]["value"]["items"].append({"mint": OTHER, "balance": balance})
    assert why.replace("\\$", "$") in refused(compact(document))


@each_layout
@pytest.mark.parametrize(
    ("mint", "reason"),
    [
        (base58.b58encode(b"\xff" * 31).decode(), "31 bytes"),
        (base58.b58encode(b"\xff" * 33).decode(), "characters"),
        (base58.b58encode(b"\x01" + bytes(32)).decode(), "33 bytes"),
        ("0" * 44, "not base58"),
        ("", "0 characters"),
        (MINT + "\n", "not base58"),
        (MINT + "\0", "not base58"),
        (MINT[:-1] + "\u0661", "not base58"),
        ("é" * 40, "not base58"),
        ("z" * 100_000, "100000 characters"),
    ],
)
def test_a_mint_that_is_not_32_bytes_of_base58_is_refused_with_the_reason(layout, mint, reason):
    document = envelope(body())
    document["result"]["value"]["items"].append({"mint": mint, "balance": 1})
    message = refused(layout(document))
    assert "of item 1: " in message
    assert reason in message


@each_layout
@each_body
@pytest.mark.parametrize(
    "path", ["context", "context.slot", "value", "value.items", "value.items.mint", "value.items.balance"]
)
def test_a_missing_field_is_refused(layout, wrap, path):
    document = wrap(body())
    place = document.get("result", document)
    *parents, field = path.split(".")
    for name in parents:
        place = place[name]
        place = place[0] if isinstance(place, list) else place
    del place[field]
    assert "the reply is not a page of balances" in refused(layout(document))


WRONG_KINDS = [("slot", slot) for slot in (-1, 2**63, 10**4000, 1.5, 100.0, "100", None, True)]
WRONG_KINDS += [("cursor", ""), ("cursor", "z" * (CURSOR_MAX + 1)), ("cursor", 5), ("cursor", ["a"])]
WRONG_KINDS += [("mint", None), ("mint", 5), ("mint", [MINT])]


@each_layout
@pytest.mark.parametrize(("field", "value"), WRONG_KINDS, ids=range(len(WRONG_KINDS)))
def test_a_field_of_the_wrong_kind_is_refused(layout, field, value):
    refused(layout(envelope(body(**{field: value}))))


@pytest.mark.parametrize("items", [None, {}, "", 5, [None], [5], [[]], ["x"], [{}]])
@pytest.mark.parametrize("name", ["items", "token_balances"])
def test_a_list_of_something_else_is_refused(name, items):
    refused(compact(envelope({"context": {"slot": 1}, "value": {name: items}})))


@each_layout
@pytest.mark.parametrize("result", [None, [], "ok", 5, True, {}])
def test_a_result_of_another_shape_is_refused(layout, result):
    message = refused(layout(envelope(result)))
    assert result is not None or "the result is null" in message


def test_a_null_result_beside_a_bare_body_is_refused():
    assert "the result is null" in refused(compact({**body(), "result": None, "id": "1"}))


def test_a_reply_without_any_result_says_so():
    assert "there is no result in it" in refused(b'{"jsonrpc":"2.0","id":"1"}')
    assert "neither items nor token_balances" in refused(
        compact(envelope({"context": {"slot": 1}, "value": {}}))
    )


@each_layout
@pytest.mark.parametrize("request_id", ["2", "", "11", 1, None, 1.0, ["1"], {"id": "1"}], ids=repr)
def test_a_reply_to_another_request_is_refused(layout, request_id):
    message = refused(layout(envelope(body(), request_id=request_id)))
    assert "its id must be '1', got " in message


@each_layout
def test_an_envelope_without_an_id_is_refused_and_a_bare_body_needs_none(layout):
    document = envelope(body())
    del document["id"]
    assert "its id must be '1', got none" in refused(layout(document))
    assert len(parse(layout(body()))) == 1


@each_layout
@each_body
@pytest.mark.parametrize("error", [{"code": -32000}, {}, "no", {"code": -32000, "message": "m"}])
def test_a_result_beside_an_error_is_the_error(layout, wrap, error):
    refused(layout({**wrap(body()), "error": error}), RPCError)


@each_layout
@each_body
@pytest.mark.parametrize("error", [5, [], False, {"code": "x"}])
def test_a_result_beside_an_error_of_no_known_form_is_refused_too(layout, wrap, error):
    assert "it holds an error" in refused(layout({**wrap(body()), "error": error}))


@each_layout
@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthenticationError), (429, RateLimitError), (500, RPCError), (302, RPCError)]
)
def test_a_page_under_another_status_is_the_error_of_the_status(layout, status, kind):
    refused(layout(envelope(body())), kind, status=status)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "an empty body"),
        (b" \r\n", "an empty body"),
        (b"\0\1\2", "a body without text"),
        (b"<html><head><title>502</title>", "<title>502</title>"),
        (b"null", "null"),
        (b"[]", "[]"),
        (b"5", "5"),
        (b'"text"', "text"),
        (b"{", "{"),
        (b"\xff\xfe\x00", "\ufffd"),
        (b"\xef\xbb\xbf{}", "{}"),
        (b"upstream connect error", "upstream connect error"),
    ],
)
def test_what_is_not_json_of_ours_is_refused_and_shown(content, seen):
    assert seen in refused(content)


@pytest.mark.parametrize(
    "place", [b'{"result":', b'{"more":', b'{"id":', b'{"context":{"slot":1},"value":{"items":[{"balance":']
)
def test_a_reply_nested_too_deeply_is_refused_like_any_other(place):
    refused(place + b"[" * 100_000)


@pytest.mark.parametrize("place", [b"slot", b"balance", b"cursor", MINT.encode(), b"more", b"skipped"])
def test_bytes_that_are_not_utf_8_are_refused_also_where_nothing_is_read(place):
    content = compact({**body(), "more": "skipped"})
    assert len(parse(content)) == 1
    refused(content.replace(place, place[:-1] + b"\xc3"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_cut_short_anywhere_is_refused(layout):
    content = layout(envelope(body(cursor=OTHER)))
    for end in range(len(content)):
        refused(content[:end])


@pytest.mark.parametrize("hidden", [RIGHT_TO_LEFT, "\x7f", "\x85", "\u2028", "\U000e0041"])
def test_no_character_that_cannot_be_seen_reaches_a_message(hidden):
    unseen = f"a{hidden}b"
    for content in (
        body(balance=unseen),
        body(mint=unseen),
        {**body(), "error": {"code": 1, "message": unseen}},
        envelope(body(), request_id=unseen),
    ):
        kind = RPCError if "error" in content else ProtocolError
        refused(json.dumps(content, ensure_ascii=False).encode(), kind)


@pytest.mark.parametrize(
    "document",
    [
        body(balance=KEY),
        body(mint=KEY),
        body(cursor=[KEY]),
        envelope(body(), request_id=KEY),
        envelope(KEY),
        {**body(), "error": KEY},
        {**body(), "error": {"code": -32000, "message": f"{'x' * 190}{KEY}"}},
    ],
)
def test_a_secret_that_is_echoed_in_place_of_a_value_is_not_shown(document):
    spelled = "".join(f"\\u{ord(char):04x}" for char in KEY)
    for content in (compact(document), compact(document).replace(KEY.encode(), spelled.encode())):
        with pytest.raises(HeliusError) as caught:
            parse(content, secrets=[KEY])
        for i in range(len(KEY) - 7):
            assert KEY[i : i + 8] not in str(caught.value)


def test_what_is_taken_out_is_marked():
    assert MASK in refused(compact(envelope(body(), request_id=KEY)), secrets=[KEY])


# The same as `json` reads


class Refused(Exception):
    """Text that `json` takes and JSON does not know."""


def constant(name):
    raise Refused(name)


def as_json_reads(content):
    """Return what Python's own reader, with exact integers, makes of a page."""
    document = json.loads(content, parse_constant=constant)
    inside = document["result"] if document.get("result") is not None else document
    items = inside["value"].get("items", inside["value"].get("token_balances"))
    rows = [(item["mint"], int(item["balance"])) for item in items]
    assert all(0 <= balance <= U64_MAX for _, balance in rows)
    assert all(re.fullmatch(r"\d+", str(item["balance"])) for item in items)
    assert type(inside["context"]["slot"]) is int
    assert document.get("error") is None
    return rows, inside["context"]["slot"], inside["value"].get("cursor")


KEYS = st.binary(min_size=32, max_size=32) | st.integers(0, 255).map(lambda byte: bytes(31) + bytes([byte]))
BALANCE = st.integers(0, U64_MAX) | st.sampled_from([0, 9, 10, U64_MAX])
ITEM = st.builds(dict, mint=KEYS.map(pubkey.encode), balance=BALANCE | BALANCE.map(str))
REPLIES = st.builds(
    lambda items, slot, cursor, name, wrap, layout: layout(
        wrap({"context": {"slot": slot}, "value": {name: items, "cursor": cursor}})
    ),
    st.lists(ITEM, max_size=5),
    st.integers(0, 2**63 - 1),
    st.none() | KEYS.map(pubkey.encode) | st.text(min_size=1, max_size=5),
    st.sampled_from(["items", "token_balances"]),
    st.sampled_from([envelope, dict]),
    st.sampled_from(LAYOUTS),
)
BYTES = st.sampled_from(
    [bytes([byte]) for byte in b'"{}[]:,\\019zlI -+.eE\n\f\v\x00\x7f\xc3\xff']
) | st.sampled_from(
    [
        b"null",
        b"true",
        b"-0",
        b"1e3",
        b"1.0",
        b'"x":1,',
        b'"error":{},',
        b'"items":[],',
        b"\\u0031",
        b"\xef\xbb\xbf",
    ]
)


def verdict(content):
    """Return the page or the class of the error; anything that is not ours goes through."""
    try:
        return parse(content)
    except HeliusError as error:
        return type(error)


def assert_as_json_reads(content):
    page = verdict(content)
    if isinstance(page, Page):
        assert (pairs(page), page.slot, page.cursor) == as_json_reads(content)


@given(REPLIES)
def test_a_page_is_read_as_json_reads_it(content):
    assert isinstance(verdict(content), Page)
    assert_as_json_reads(content)


@settings(max_examples=300)
@given(REPLIES, st.data())
def test_a_reply_with_bytes_changed_is_refused_or_read_as_json_reads_it(reply, data):
    content = bytearray(reply)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(BYTES)
    assert_as_json_reads(bytes(content))


@given(REPLIES, REPLIES, st.data())
def test_two_replies_run_together_are_refused_or_read_as_json_reads_them(one, other, data):
    cut, begin = data.draw(st.integers(0, len(one))), data.draw(st.integers(0, len(other)))
    assert_as_json_reads(one[:cut] + other[begin:])


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.sampled_from([200, 204, 400, 500]))
def test_whatever_comes_is_a_page_or_an_error_of_ours(content, status):
    with pytest.raises(HeliusError):
        parse(content, status=status)


def test_every_single_byte_of_a_page_put_wrong_is_refused_or_read_as_json_reads_it():
    content = compact(envelope({**body(cursor=MINT), "more": -0.5}))
    for at in range(len(content)):
        for byte in b'"1 }z-':
            assert_as_json_reads(content[:at] + bytes([byte]) + content[at + 1 :])
        assert_as_json_reads(content[:at] + content[at + 1 :])
        assert_as_json_reads(content[:at] + content[at : at + 1] + content[at:])


@settings(max_examples=200)
@given(REPLIES, st.sampled_from([b"null", b"{}", b'"x"', b"[]", b"-0", b"1.0", b"-1", b'"-0"']), st.data())
def test_white_space_changes_no_verdict(reply, value, data):
    """The same tokens with and without spaces between them, one value replaced by another."""
    tokens = re.findall(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', reply)
    at = data.draw(st.integers(0, len(tokens) - 1))
    tokens[at] = value
    tight, wide = verdict(b"".join(tokens)), verdict(b" \n".join(tokens))
    if isinstance(tight, Page) and isinstance(wide, Page):
        assert (pairs(tight), tight.slot, tight.cursor) == (pairs(wide), wide.slot, wide.cursor)
    else:
        assert tight is wide
