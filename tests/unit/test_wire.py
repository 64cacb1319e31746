"""The protocol: what is asked, what counts as a page, and what a fault is."""

from __future__ import annotations

import json

import base58
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames._wire import (
    CURSOR_MAX,
    METHOD_V1,
    METHOD_V2,
    Page,
    Query,
    build_request,
    fault_in,
    is_transient,
    parse_page,
    shown,
)
from helius_frames.errors import (
    AuthenticationError,
    EndpointError,
    HeliusError,
    HostUnreachableError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    RPCError,
    TransportError,
)

U64_MAX = 2**64 - 1
OWNER, MINT, OTHER = (pubkey.encode(bytes([byte]) * 32) for byte in (1, 2, 3))
RIGHT_TO_LEFT = "\u202e"


class Literal(str):
    """JSON text that is put into a reply as it stands."""

    __slots__ = ()


def body(balance=5, mint=MINT, slot=100, cursor=None, name="items"):
    """The inside of a reply, as the published page shows it."""
    return {
        "context": {"slot": slot},
        "value": {name: [{"mint": mint, "balance": balance}], "cursor": cursor},
    }


def envelope(result, request_id="1", **more):
    return {"jsonrpc": "2.0", "id": request_id, "result": result, **more}


def encode(document):
    """JSON with spaces, so that the typed reader has to read it."""
    marks, text = [], document

    def mark(value):
        if isinstance(value, Literal):
            marks.append(value)
            return f"@{len(marks) - 1}@"
        if isinstance(value, dict):
            return {name: mark(part) for name, part in value.items()}
        return [mark(part) for part in value] if isinstance(value, list) else value

    text = json.dumps(mark(document))
    for number, literal in enumerate(marks):
        text = text.replace(f'"@{number}@"', literal)
    return text.encode()


def compact(document):
    """JSON in Photon's layout, which the fast reader reads."""
    return json.dumps(document, separators=(",", ":")).encode()


def refused(content, request_id="1"):
    """Message with which a reply is refused."""
    with pytest.raises(ProtocolError) as caught:
        parse_page(content, request_id=request_id)
    assert caught.value.__cause__ is None
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600
    assert not is_transient(caught.value)
    return str(caught.value)


def page(content):
    return parse_page(content, request_id="1")


def rows(content):
    """Rows of a reply as plain values."""
    got = page(content)
    return [
        (pubkey.text(mint), balance) for mint, balance in zip(got.mints, got.balances.tolist(), strict=True)
    ]


# Requests


def test_a_request_carries_only_what_is_set():
    request = json.loads(build_request(Query(OWNER), request_id="7"))
    assert request == {"jsonrpc": "2.0", "id": "7", "method": METHOD_V2, "params": {"owner": OWNER}}


def test_a_request_carries_all_that_is_set():
    query = Query(OWNER, mint=MINT, cursor=OTHER, limit=1)
    request = json.loads(build_request(query, method=METHOD_V1, request_id="1"))
    assert request["params"] == {"owner": OWNER, "mint": MINT, "cursor": OTHER, "limit": 1}
    assert request["method"] == METHOD_V1 == "getCompressedTokenBalancesByOwner"


def test_the_method_is_v2_unless_another_is_named():
    assert METHOD_V2 == "getCompressedTokenBalancesByOwnerV2"
    assert json.loads(build_request(Query(OWNER), request_id="1"))["method"] == METHOD_V2


# Pages


@pytest.mark.parametrize("layout", [encode, compact])
@pytest.mark.parametrize("name", ["items", "token_balances"])
@pytest.mark.parametrize("wrap", [envelope, dict], ids=["envelope", "bare"])
def test_both_bodies_and_both_list_names_are_pages(layout, name, wrap):
    content = layout(wrap(body(name=name, cursor=OTHER)))
    assert rows(content) == [(MINT, 5)]
    assert (page(content).slot, page(content).cursor) == (100, OTHER)


def test_the_published_example_is_a_page():
    mint = "11111114DhpssPJgSi1YU7hCMfYt1BJ334YgsffXm"
    content = encode(
        {
            "context": {"slot": 100},
            "value": {"cursor": "3J98t1WpEZ73CNm", "items": [{"balance": 100, "mint": mint}]},
        }
    )
    assert rows(content) == [(mint, 100)]
    assert page(content).cursor == "3J98t1WpEZ73CNm"


@pytest.mark.parametrize("layout", [encode, compact])
def test_an_empty_page_has_typed_columns_and_may_carry_a_cursor(layout):
    document = envelope({"context": {"slot": 1}, "value": {"items": [], "cursor": OTHER}})
    got = page(layout(document))
    assert (len(got.mints), len(got.balances), got.cursor) == (0, 0, OTHER)
    assert (got.mints.dtype, got.balances.dtype) == (pubkey.KEY_DTYPE, np.uint64)


@pytest.mark.parametrize("layout", [encode, compact])
@given(st.lists(st.integers(0, U64_MAX), max_size=5))
def test_balances_are_exact_over_the_whole_of_u64(layout, balances):
    items = [{"mint": MINT, "balance": balance} for balance in balances]
    got = page(layout(envelope({"context": {"slot": 1}, "value": {"items": items}})))
    assert got.balances.tolist() == balances
    assert got.balances.dtype == np.uint64


@pytest.mark.parametrize("text", ["0", "7", "007", "9007199254740993", str(U64_MAX)])
def test_a_balance_may_come_as_a_decimal_string(text):
    assert rows(encode(envelope(body(balance=text)))) == [(MINT, int(text))]


def test_numbers_and_strings_may_stand_in_one_page():
    document = envelope(body())
    document["result"]["value"]["items"].append({"mint": OTHER, "balance": str(U64_MAX)})
    assert rows(encode(document)) == [(MINT, 5), (OTHER, U64_MAX)]


def test_unknown_fields_are_fine_wherever_they_stand():
    document = envelope(body(), took_ms=3)
    document["result"]["apiVersion"] = "0.51"
    document["result"]["context"]["region"] = ["eu", None]
    document["result"]["value"]["total"] = 1.5
    document["result"]["value"]["items"][0]["owner"] = {"deep": [OWNER]}
    assert rows(encode(document)) == [(MINT, 5)]


@pytest.mark.parametrize("layout", [encode, compact])
@pytest.mark.parametrize("has_cursor", [True, False])
def test_a_cursor_of_null_and_no_cursor_are_the_end(layout, has_cursor):
    document = envelope(body())
    if not has_cursor:
        del document["result"]["value"]["cursor"]
    assert page(layout(document)).cursor is None


def test_a_cursor_may_be_any_text():
    assert page(encode(envelope(body(cursor="opaque/=é")))).cursor == "opaque/=é"


@pytest.mark.parametrize("layout", [encode, compact])
@pytest.mark.parametrize("length", [1, 44, 45, CURSOR_MAX])
def test_a_cursor_is_kept_whole_up_to_its_bound_and_refused_above(layout, length):
    assert page(layout(envelope(body(cursor="z" * length)))).cursor == "z" * length
    message = refused(layout(envelope(body(cursor="z" * (CURSOR_MAX + length)))))
    assert f"more than {CURSOR_MAX:,}" in message


@pytest.mark.parametrize("slot", [0, 1, 2**53 + 1, 2**63 - 1])
@pytest.mark.parametrize("layout", [encode, compact])
def test_a_slot_is_exact_up_to_int64(layout, slot):
    assert page(layout(envelope(body(slot=slot)))).slot == slot


def test_an_error_of_null_beside_a_result_is_no_error():
    content = encode(envelope(body(), error=None))
    assert fault_in(200, content) is None
    assert rows(content) == [(MINT, 5)]


@pytest.mark.parametrize("keys", [(), (1,), (1, 2), (1, 1), (2, 1), (1, 2, 2)])
def test_a_page_knows_whether_its_mints_strictly_ascend(keys):
    mints = pubkey.align_texts([pubkey.encode(bytes([key]) * 32) for key in keys])
    got = Page(mints, np.zeros(len(keys), np.uint64), 1, None)
    assert got.is_ascending == (list(keys) == sorted(set(keys)))


# What is no page

BAD_BALANCES = [
    -1,
    1.5,
    5.0,
    1e19,
    2**64,
    10**40,
    "",
    "-1",
    "1.0",
    "1e3",
    str(2**64),
    "9" * 21,
    " 1",
    "0x1",
    "abc",
]
BAD_BALANCES += [None, True, [1], {"amount": 1}, Literal("1E3"), Literal('"\\u0031"')]


@pytest.mark.parametrize("balance", BAD_BALANCES, ids=repr)
def test_a_balance_that_is_no_u64_is_refused_and_shown(balance):
    document = envelope(body())
    document["result"]["value"]["items"].append({"mint": OTHER, "balance": balance})
    message = refused(encode(document))
    assert "of item 1 is no unsigned 64-bit integer" in message
    came = balance if isinstance(balance, Literal) else json.dumps(balance)
    assert came[:60] in message.replace("\\\\", "\\")


@pytest.mark.parametrize("balance", ["-1", "1.5", "NaN", "Infinity", "01", "18446744073709551616", "1e400"])
def test_a_bad_number_in_the_compact_layout_is_refused_too(balance):
    content = compact(envelope(body(balance=777))).replace(b"777", balance.encode())
    refused(content)


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
        ("é" * 40, "not base58"),
        ("z" * 100_000, "100000 characters"),
    ],
)
@pytest.mark.parametrize("layout", [encode, compact])
def test_a_mint_that_is_not_32_bytes_of_base58_is_refused_with_the_reason(layout, mint, reason):
    document = envelope(body())
    document["result"]["value"]["items"].append({"mint": mint, "balance": 1})
    message = refused(layout(document))
    assert "of item 1" in message
    assert reason in message


@pytest.mark.parametrize(
    "path", ["context", "context.slot", "value", "value.items", "value.items.mint", "value.items.balance"]
)
@pytest.mark.parametrize("wrap", [envelope, dict], ids=["envelope", "bare"])
def test_a_missing_field_is_refused(path, wrap):
    document = wrap(body())
    place = document.get("result", document)
    *parents, field = path.split(".")
    for name in parents:
        place = place[name]
        place = place[0] if isinstance(place, list) else place
    del place[field]
    for layout in (encode, compact):
        assert "not a page of balances" in refused(layout(document))


WRONG_KINDS = [("slot", slot) for slot in (-1, 2**63, 10**4000, 1.5, 100.0, "100", None, True)]
WRONG_KINDS += [("cursor", ""), ("cursor", 5), ("cursor", ["a"]), ("mint", None), ("mint", 5)]


@pytest.mark.parametrize(("field", "value"), WRONG_KINDS, ids=range(len(WRONG_KINDS)))
def test_a_field_of_the_wrong_kind_is_refused(field, value):
    for layout in (encode, compact):
        refused(layout(envelope(body(**{field: value}))))


@pytest.mark.parametrize("items", [None, {}, "", 5, [None], [5], [[]], ["x"]])
def test_a_list_of_something_else_is_refused(items):
    refused(encode(envelope({"context": {"slot": 1}, "value": {"items": items}})))


def test_a_null_result_is_refused():
    assert "result is null" in refused(encode(envelope(None)))
    assert "result is null" in refused(compact(envelope(None)))


@pytest.mark.parametrize("result", [[], "ok", 5, True, {}])
def test_a_result_of_another_shape_is_refused(result):
    refused(encode(envelope(result)))


@pytest.mark.parametrize("request_id", ["2", "", "11", 1, None, 1.0, ["1"], {"id": "1"}], ids=repr)
@pytest.mark.parametrize("layout", [encode, compact])
def test_a_wrong_id_is_refused_and_both_are_shown(layout, request_id):
    message = refused(layout(envelope(body(), request_id=request_id)))
    assert "id '1' was asked and" in message
    assert json.dumps(request_id).replace(" ", "") in message.replace(" ", "")


def test_an_envelope_without_an_id_is_refused():
    document = envelope(body())
    del document["id"]
    assert "id '1' was asked" in refused(encode(document))


@pytest.mark.parametrize("error", [{"code": -32000}, {}, "no", 5, [], False])
def test_a_result_beside_an_error_is_no_page(error):
    for document in (envelope(body(), error=error), {**body(), "error": error}):
        assert "error" in refused(encode(document))
    refused(compact({"jsonrpc": "2.0", "result": body(), "error": error, "id": "1"}))


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
        (b" " * 5000 + b"late", "late"),
    ],
)
def test_what_is_no_json_of_ours_is_refused_and_shown(content, seen):
    assert seen in refused(content)


@pytest.mark.parametrize(
    "place", [b'{"result":', b'{"more":', b'{"context":{"slot":1},"value":{"items":[{"balance":']
)
def test_a_reply_nested_too_deep_is_refused_like_any_other(place):
    content = place + b"[" * 100_000
    refused(content)
    assert fault_in(200, content) is None
    assert isinstance(fault_in(500, content), RPCError)


@pytest.mark.parametrize("cut", range(10, 130, 10))
def test_a_page_cut_short_is_refused(cut):
    for layout in (encode, compact):
        refused(layout(envelope(body()))[:cut])


# What is shown


def test_a_long_reply_is_shortened_and_says_so():
    text = shown(b"x" * 10_000_000)
    assert text == repr("x" * 200 + "…")


@given(st.binary(max_size=300))
def test_whatever_came_is_shown_in_one_printable_line(content):
    text = shown(content)
    assert text.isprintable()
    assert len(text) < 1000


@pytest.mark.parametrize("hidden", [RIGHT_TO_LEFT, "\x7f", "\x85", "\u2028", "\U000e0041"])
def test_no_character_that_cannot_be_seen_reaches_a_message(hidden):
    unseen = f"a{hidden}b"
    refused(unseen.encode())
    refused(json.dumps(envelope(body(balance=unseen)), ensure_ascii=False).encode())
    refused(json.dumps(envelope(body(mint=unseen)), ensure_ascii=False).encode())
    refused(json.dumps(envelope(body(), request_id=unseen), ensure_ascii=False).encode())
    error = json.dumps({"error": {"code": 1, "message": unseen}}, ensure_ascii=False)
    assert str(fault_in(200, error.encode())).isprintable()


# Faults


def error_reply(code, message="no"):
    return encode({"jsonrpc": "2.0", "id": "1", "error": {"code": code, "message": message}})


@pytest.mark.parametrize("layout", [encode, compact])
def test_a_page_is_no_fault(layout):
    assert fault_in(200, layout(envelope(body()))) is None
    assert fault_in(200, layout(body())) is None


def test_a_body_of_success_under_a_status_of_failure_is_a_fault():
    content = compact({"jsonrpc": "2.0", "result": body(), "id": "1"})
    assert fault_in(200, content) is None
    assert fault_in(500, content).status == 500


STATUS = {
    400: (RPCError, False),
    401: (AuthenticationError, False),
    403: (AuthenticationError, False),
    404: (RPCError, False),
    405: (RPCError, False),
    413: (RPCError, False),
    408: (RPCError, True),
    429: (RateLimitError, True),
    500: (RPCError, True),
    501: (RPCError, False),
    502: (RPCError, True),
    503: (RPCError, True),
    504: (RPCError, True),
    519: (RPCError, False),
    520: (RPCError, True),
    522: (RPCError, True),
    524: (RPCError, True),
    525: (RPCError, False),
    301: (RPCError, False),
    304: (RPCError, False),
}
BODIES = [b"", b"<html>no</html>", b"Unauthorized", b"{}", b"null", b'{"error":null}', b'{"error":[1]}']


@pytest.mark.parametrize(("status", "expected"), STATUS.items())
@pytest.mark.parametrize("content", BODIES)
def test_the_status_alone_tells_the_fault_and_whether_it_may_pass(status, expected, content):
    fault = fault_in(status, content)
    assert (type(fault), is_transient(fault)) == expected
    assert (fault.status, fault.code) == (status, None)
    assert f"HTTP {status}" in str(fault)


CODES = {
    -32600: (RPCError, False),
    -32601: (RPCError, False),
    -32602: (RPCError, False),
    -32603: (RPCError, True),
    -32700: (RPCError, False),
    -32000: (RPCError, False),
    -32001: (AuthenticationError, False),
    -32002: (RPCError, True),
    -32003: (RPCError, True),
    -32005: (RateLimitError, True),
    0: (RPCError, False),
    429: (RPCError, False),
}


@pytest.mark.parametrize(("code", "expected"), CODES.items())
def test_the_code_alone_tells_the_fault_inside_a_status_of_success(code, expected):
    fault = fault_in(200, error_reply(code, "because"))
    assert (type(fault), is_transient(fault)) == expected
    assert (fault.status, fault.code) == (200, code)
    assert "because" in str(fault)
    assert str(code) in str(fault)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, -32602, RPCError),
        (401, -32001, AuthenticationError),
        (404, -32601, RPCError),
        (429, -32005, RateLimitError),
        (500, -32603, RPCError),
        (503, -32002, RPCError),
        (504, -32003, RPCError),
    ],
)
def test_status_and_code_together_are_both_kept(status, code, expected):
    fault = fault_in(status, error_reply(code))
    assert (type(fault), fault.status, fault.code) == (expected, status, code)


def test_an_error_may_be_plain_text_or_empty():
    assert "rate me" in str(fault_in(200, b'{"error":"rate me"}'))
    assert isinstance(fault_in(200, b'{"error":{}}'), RPCError)
    assert fault_in(200, b'{"error":{"message":"m"}}').code is None


def test_an_error_without_a_message_shows_the_body():
    assert "-32000" in fault_in(200, b'{"error":{"code":-32000,"data":"why"}}').reason
    assert "why" in fault_in(200, b'{"error":{"code":-32000,"data":"why"}}').reason


@pytest.mark.parametrize("code", ['"x"', "1.5", "1" * 4000, "[1]"])
def test_an_error_with_an_odd_code_is_never_taken_for_a_page(code):
    content = f'{{"jsonrpc":"2.0","id":"1","error":{{"code":{code},"message":"m"}}}}'.encode()
    fault = fault_in(200, content)
    assert fault is None or isinstance(fault, HeliusError)
    refused(content)


def test_a_refused_key_says_what_to_look_at():
    assert "HELIUS_API_KEY" in str(fault_in(401, b"Unauthorized"))
    assert "Unauthorized" in str(fault_in(401, b"Unauthorized"))


@pytest.mark.parametrize("message", ["x" * 100_000, "line\nbreak\x1b[31m", RIGHT_TO_LEFT])
def test_a_servers_message_is_shortened_and_made_printable(message):
    fault = fault_in(200, error_reply(-32000, message))
    assert str(fault).isprintable()
    assert len(str(fault)) < 400


def test_a_success_without_a_body_is_no_fault_of_the_status_but_no_page_either():
    assert fault_in(204, b"") is None
    assert "an empty body" in refused(b"")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (TransportError("x"), True),
        (RequestTimeout("x"), True),
        (HostUnreachableError("x"), True),
        (RateLimitError("x"), True),
        (ProtocolError("x"), False),
        (ProtocolError("x", status=500), False),
        (AuthenticationError("x", status=503), False),
        (EndpointError("x"), False),
        (RPCError("x"), False),
        (RPCError("x", status=503, code=-32602), True),
    ],
)
def test_what_may_pass_is_told_by_kind_then_status_and_code(fault, expected):
    assert is_transient(fault) is expected


def test_a_refusal_where_no_key_was_sent_says_so():
    told = str(fault_in(401, b"Unauthorized", has_key=False))
    assert "no key was sent" in told
    assert told.endswith("pass api_key=")
    assert "refuses the key" in str(fault_in(401, b"Unauthorized"))
