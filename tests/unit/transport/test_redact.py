"""Every form in which a server may echo a secret, and what is left of a text without them."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._transport.endpoint import resolve_endpoint
from helius_frames._transport.redact import MASK, clean, shorten

KEY = "0b4f7d2c-9a31-4e58-8c6f-2f0d8a61b7c3"
ODD = 'k y/1+2"é\\-abcdef'  # a secret that every encoding writes in another way


def has_part(text, secret=KEY, length=8):
    return any(secret[i : i + length].lower() in text.lower() for i in range(len(secret) - length + 1))


@pytest.mark.parametrize(
    "write", [str, str.upper, str.lower, quote, quote_plus, lambda text: quote(text, safe="")]
)
def test_a_secret_is_hidden_plain_percent_encoded_and_in_any_case(write):
    assert clean(f"<{write(KEY)}>", [KEY]) == f"<{MASK}>"
    assert clean(f"<{write(ODD)}>", [ODD]) == f"<{MASK}>"


@pytest.mark.parametrize("given_as", [quote, quote_plus, lambda text: quote(text, safe="")])
def test_a_secret_that_was_given_encoded_is_hidden_decoded(given_as):
    assert clean(f"<{ODD}>", [given_as(ODD)]) == f"<{MASK}>"


def test_a_secret_is_hidden_as_json_escapes_it():
    assert clean(json.dumps({"key": ODD}), [ODD]) == f'{{"key": "{MASK}"}}'
    assert clean(json.dumps({"key": ODD}, ensure_ascii=False), [ODD]).count(MASK) >= 1


def test_parts_of_eight_characters_are_hidden_and_shorter_ones_are_not():
    assert clean(f"key {KEY[:10]}… is unknown, {KEY[-9:]}", [KEY]) == f"key {MASK}… is unknown, {MASK}"
    assert clean(f"at {KEY[:7]}", [KEY]) == f"at {KEY[:7]}"


def test_one_part_beside_another_is_one_mark():
    assert clean(KEY[:9] + KEY[20:], [KEY]) == MASK
    assert clean(KEY * 3, [KEY]) == MASK


@given(st.integers(0, len(KEY)), st.integers(0, len(KEY)), st.text(max_size=5))
def test_no_part_of_eight_is_left_wherever_the_text_was_cut(begin, end, around):
    assert not has_part(clean(around + KEY[begin:end] + around, [KEY]))


@given(st.text(max_size=30), st.text(min_size=4, max_size=20))
def test_the_whole_secret_never_stays_and_the_rest_is_printable(text, secret):
    cleaned = clean(text + secret + text, [secret])
    assert cleaned.isprintable()
    assert secret not in cleaned or secret in MASK or not secret.isprintable() or MASK in cleaned


@pytest.mark.parametrize("text", ["rate limit exceeded", "the rest", "", "a\u00e9b"])
def test_what_is_not_a_secret_stays(text):
    assert clean(text, [KEY]) == text
    assert clean(text, []) == text
    assert clean(text, ["e", "re", "", "xyz"]) == text  # too short to be one


def test_control_characters_become_spaces_and_are_no_secret():
    assert clean("a\x1b[31mb\u202ec\nd", []) == "a [31mb c d"
    assert clean("\0\1", [KEY]) == "  "
    assert clean(f"\0{KEY}\0", [KEY]) == f" {MASK} "


def test_a_longer_secret_is_hidden_before_the_one_inside_it():
    assert clean("/v2/abcdefghij/rpc", ["abcd", "/v2/abcdefghij/rpc"]) == MASK


def test_a_text_is_shortened_to_the_length():
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"


# Everything of a URL that may be a secret

PLACES = {
    "query": (f"https://rpc.example/?token={KEY}", KEY),
    "query, encoded": (f"https://rpc.example/?token={quote(ODD, safe='')}", ODD),
    "query, key": (f"https://rpc.example/?api-key={KEY}", KEY),
    "path": (f"https://rpc.example/v2/{KEY}/rpc", KEY),
    "path, encoded": (f"https://rpc.example/{quote(ODD, safe='')}", ODD),
    "matrix parameter": (f"https://rpc.example/v2;token={KEY};x=1/rpc", KEY),
    "matrix parameter, encoded": (f"https://rpc.example/v2;token={quote(ODD, safe='')}", ODD),
    "password": (f"https://me:{KEY}@rpc.example", KEY),
    "password, encoded": (f"https://me:{quote(ODD, safe='')}@rpc.example", ODD),
    "password, short": ("https://me:hunter2@rpc.example", "hunter2"),
    "user": (f"https://{KEY}@rpc.example", KEY),
    "base64 of the user part": ("https://me:word@rpc.example", b64encode(b"me:word").decode()),
    "base64 of an encoded user part": ("https://me:p%40ss@rpc.example", b64encode(b"me:p@ss").decode()),
}


@pytest.mark.parametrize(("url", "secret"), PLACES.values(), ids=PLACES)
def test_a_secret_of_the_url_is_hidden_wherever_it_stands_and_however_it_is_echoed(url, secret):
    endpoint = resolve_endpoint(endpoint=url, environ={})
    for form in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        secret.upper(),
    ):
        cleaned = endpoint.clean(f"no {form} here")
        assert MASK in cleaned
        assert form not in cleaned
        assert not has_part(cleaned, secret)


def test_names_of_a_path_and_the_host_are_not_secrets():
    endpoint = resolve_endpoint(endpoint=f"https://rpc.example/v2/{KEY}/solana", environ={})
    assert endpoint.clean("POST rpc.example solana v2") == "POST rpc.example solana v2"


def test_a_key_given_beside_the_url_is_hidden():
    endpoint = resolve_endpoint(KEY, None, "https://rpc.example", {})
    assert endpoint.clean(f"<{KEY}>") == f"<{MASK}>"
