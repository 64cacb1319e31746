"""JSON-RPC over HTTP: what is sent, which error a reply reports, and how little of it is quoted."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._protocol.jsonrpc import build_request, check_id, quote_reply, reported_error
from helius_frames._transport.redact import MASK, clean
from helius_frames.errors import AuthenticationError, RateLimitError, RPCError

KEY = "0b4f7d2c-9a31-4e58-8c6f-2f0d8a61b7c3"
RIGHT_TO_LEFT = "\u202e"


def as_it_is(text):
    return text


def without_key(text):
    return clean(text, [KEY])


def error_reply(code, message="no"):
    return json.dumps({"jsonrpc": "2.0", "id": "1", "error": {"code": code, "message": message}}).encode()


def error_in(status, content):
    return reported_error(status, content, as_it_is)


# Requests


def test_a_request_names_method_parameters_and_id():
    assert json.loads(build_request("m", {"owner": "a", "limit": 1}, "7")) == {
        "jsonrpc": "2.0",
        "id": "7",
        "method": "m",
        "params": {"owner": "a", "limit": 1},
    }


def test_a_parameter_that_is_none_is_left_out_and_zero_is_not():
    assert json.loads(build_request("m", {"cursor": None, "limit": 0}, "1"))["params"] == {"limit": 0}


def test_parameters_may_be_a_list():
    assert json.loads(build_request("m", [["a"], None], "1"))["params"] == [["a"], None]


# Which error a reply reports

STATUS = {
    301: (RPCError, False),
    304: (RPCError, False),
    400: (RPCError, False),
    401: (AuthenticationError, False),
    403: (AuthenticationError, False),
    404: (RPCError, False),
    405: (RPCError, False),
    408: (RPCError, True),
    413: (RPCError, False),
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
}
BODIES = [
    b"",
    b"<html>no</html>",
    b"Unauthorized",
    b"{}",
    b"null",
    b'{"error":null}',
    b'{"error":[1]}',
    b"\xff",
]


@pytest.mark.parametrize(("status", "expected"), STATUS.items())
def test_the_status_alone_tells_the_error_and_whether_it_may_pass(status, expected):
    for content in BODIES:
        error = error_in(status, content)
        assert (type(error), error.is_transient) == expected
        assert (error.status, error.code) == (status, None)
        assert f"HTTP {status}" in str(error)


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
def test_the_code_alone_tells_the_error_inside_a_status_of_success(code, expected):
    error = error_in(200, error_reply(code, "because"))
    assert (type(error), error.is_transient) == expected
    assert (error.status, error.code) == (200, code)
    assert f"(HTTP 200, JSON-RPC {code}): 'because'" in str(error)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -32602, RPCError),
        (401, -32000, AuthenticationError),
        (404, -32601, RPCError),
        (429, -32005, RateLimitError),
        (500, -32001, AuthenticationError),
        (503, -32005, RateLimitError),
    ],
)
def test_status_and_code_are_both_kept_and_either_suffices(status, code, kind):
    error = error_in(status, error_reply(code))
    assert (type(error), error.status, error.code) == (kind, status, code)


@pytest.mark.parametrize(
    "content", [b'{"result":{}}', b'{"error":null,"result":1}', b"", b"<html>", b"[1]", b"{"]
)
def test_a_status_of_success_without_an_error_reports_none(content):
    assert error_in(200, content) is None
    assert error_in(204, content) is None


def test_a_good_body_under_a_status_of_failure_is_an_error():
    assert error_in(500, b'{"jsonrpc":"2.0","result":{},"id":"1"}').status == 500


def test_an_error_may_be_text_or_empty():
    assert "rate me" in str(error_in(200, b'{"error":"rate me"}'))
    assert type(error_in(200, b'{"error":{}}')) is RPCError
    assert error_in(200, b'{"error":{"message":"m"}}').code is None


def test_an_error_without_a_message_quotes_the_body():
    assert '"data":"why"' in error_in(200, b'{"error":{"code":-32000,"data":"why"}}').reason


@pytest.mark.parametrize("code", ['"x"', "1.5", "1" * 4000, "[1]", "true"])
def test_a_code_that_is_not_a_small_integer_is_in_no_message(code):
    content = f'{{"jsonrpc":"2.0","id":"1","error":{{"code":{code},"message":"m"}}}}'.encode()
    assert error_in(200, content) is None  # and then it is no page either, see test_balances
    assert error_in(500, content).code is None


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (401, None, "check api_key= or HELIUS_API_KEY"),
        (200, -32601, "this endpoint does not serve the method: use a Helius endpoint"),
        (200, -32602, "does not accept the request: check that it is a Photon server"),
        (503, None, "the server has a problem of its own: try again later"),
        (200, -32000, "retrying does not help"),
        (404, None, "retrying does not help"),
    ],
)
def test_an_error_says_what_to_do(status, code, advice):
    assert advice in str(error_in(status, b"no" if code is None else error_reply(code)))


def test_nesting_without_end_reports_what_the_status_says():
    for content in (b'{"error":' + b"[" * 100_000, b'{"more":' + b"[" * 100_000):
        assert error_in(200, content) is None
        assert type(error_in(500, content)) is RPCError


# Ids


@pytest.mark.parametrize("raw", [b'"2"', b'""', b"1", b"null", b'["1"]', b'"\\u0031"'])
def test_another_id_is_a_value_error_that_shows_both(raw):
    with pytest.raises(ValueError, match="its id must be '1', got ") as caught:
        check_id(msgspec.Raw(raw), "1", as_it_is)
    assert repr(raw.decode().replace("\\u0031", "1")) in str(caught.value)


def test_the_id_that_was_sent_is_right_and_a_missing_one_is_not():
    check_id(msgspec.Raw(b'"ab-1"'), "ab-1", as_it_is)
    with pytest.raises(ValueError, match="got none"):
        check_id(msgspec.UNSET, "1", as_it_is)


# What is quoted


def test_a_long_reply_is_shortened_and_says_so():
    assert quote_reply(b"x" * 10_000_000, as_it_is) == repr("x" * 200 + "…")


@given(st.binary(max_size=300))
def test_whatever_came_is_quoted_in_one_printable_line(content):
    text = quote_reply(content, as_it_is)
    assert text.isprintable()
    assert len(text) < 1000


@pytest.mark.parametrize(
    ("content", "quoted"),
    [
        (b"", "an empty body"),
        (b" \r\n", "an empty body"),
        (b"\0\1\2", "a body without text"),
        (b" " * 5000 + b"late", "'late'"),
        (b"two\n\tlines\x1b[31m", "'two lines [31m'"),
        (b"\xff\xfe", "'\ufffd\ufffd'"),
        (f"a{RIGHT_TO_LEFT}b".encode(), "'a b'"),
        (b"a\\/b \\u0041", "'a/b A'"),
    ],
)
def test_what_cannot_be_seen_is_left_out(content, quoted):
    assert quote_reply(content, as_it_is) == quoted


def spelled(text, every=1):
    """The text with characters spelled as JSON escapes."""
    return "".join(f"\\u{ord(char):04X}" if n % every == 0 else char for n, char in enumerate(text))


@pytest.mark.parametrize("before", range(150, 202, 3))
def test_a_secret_is_taken_out_before_the_text_is_shortened(before):
    for secret in (KEY, KEY.upper(), spelled(KEY), spelled(KEY, every=5)):
        text = quote_reply(b"x" * before + secret.encode(), without_key)
        assert not any(KEY[i : i + 8].lower() in text.lower() for i in range(len(KEY) - 7))
        assert before > 200 or "[" in text


def test_a_secret_in_an_error_is_not_quoted_in_any_spelling():
    for secret in (KEY, spelled(KEY)):
        for content in (f"no such key {secret}", json.dumps({"error": {"message": f"no such key {secret}"}})):
            text = str(reported_error(401, content.encode(), without_key))
            assert KEY not in text
            assert f"no such key {MASK}" in text


def test_a_secret_where_reading_of_the_reply_ends_shows_no_half():
    content = b"y " * 60 + b" " * (4096 - 120 - 20) + KEY.encode()  # its last 16 characters are not read
    assert KEY[:8] not in quote_reply(content, without_key)
