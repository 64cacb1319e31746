"""Hostile content: sizes are bounded, and nothing a server sends is run, whatever shows it."""

from __future__ import annotations

import gzip
import json
import re
import tracemalloc

import pandas as pd
import pytest

from helius_frames import _client, _walk, _wire, demo, errors, read_helius_balances
from helius_frames._protocol import pubkey
from helius_frames.demo import Holdings, Indexer
from helius_frames.demo.holdings import U64_MAX
from helius_frames.explorer._save import csv_bytes, file_name
from tests.asking import Line
from tests.fault_server import FaultRule, FaultyIndexer
from tests.pulling import Hurry, rows_held, rows_of, settled

OWNER = demo.OWNERS[0]
MINTS = sorted(Holdings.uniform(1, 1, 60, seed=4).mint_texts, key=pubkey.parse)
MARKUP = '</script><img src=x onerror="alert(1)">'
FORMULA = '=HYPERLINK("http://evil.example")'


class Answers:
    """An app that answers each call with what a function makes of it."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = 0

    async def __call__(self, _scope, receive, send):
        call = json.loads((await receive())["body"])
        self.calls += 1
        status, headers, body = self.answer(call)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def page(call, rows=(), cursor=None):
    items = [{"mint": mint, "balance": balance} for mint, balance in rows]
    result = {"context": {"slot": 1}, "value": {"items": items, "cursor": cursor}}
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": call["id"]}).encode()


def pull(answer, owners=OWNER, **options):
    """Read in process from an app that gives these bodies, or these whole answers."""

    def whole(call):
        answered = answer(call)
        return answered if isinstance(answered, tuple) else (200, [], answered)

    with settled("in process", Answers(whole)):
        return read_helius_balances(owners, endpoint="http://localhost", **{"retries": 0, **options})


def refused(answer, error=errors.ProtocolError, **options):
    with pytest.raises(error) as info:
        pull(answer, **options)
    return info.value


# Sizes


def test_rows_made_up_for_ever_end(monkeypatch):
    monkeypatch.setattr(_walk, "PAGES_MAX", 30)

    def next_row(call):
        cursor = call["params"].get("cursor")
        place = 0 if cursor is None else pubkey.position(pubkey.parse(cursor))
        mint = pubkey.encode(pubkey.at_position(place + 2**200))
        return page(call, [(mint, 1)], mint)

    for options in ({}, {"chunksize": 7}, {"max_concurrency": 1}):
        with pytest.raises(errors.ProtocolError, match=r"3[01] pages"):
            list(pull_chunks(next_row, options))


def pull_chunks(answer, options):
    got = None
    with settled("in process", Answers(lambda call: (200, [], answer(call)))):
        got = read_helius_balances(OWNER, endpoint="http://localhost", retries=0, **options)
        yield from [got] if isinstance(got, pd.DataFrame) else got


def test_empty_pages_for_ever_end():
    numbers = iter(range(10**9))
    fault = refused(lambda call: page(call, (), f"cursor {next(numbers)}"))
    assert "looping" in str(fault)
    assert fault.page == _walk.EMPTY_PAGES_MAX + 1


def test_a_cursor_is_bounded():
    assert "4,097 characters" in str(
        refused(lambda call: page(call, [(MINTS[0], 1)], "x" * (_wire.CURSOR_MAX + 1)))
    )


@pytest.mark.parametrize("cursor", ["пётр", "\u0000", "🐋" * 9, "\ud7ff", "'; DROP TABLE x", "1" * 44, "1"])
def test_a_cursor_of_any_text_goes_back_as_it_came(cursor):
    def answer(call):
        if "cursor" not in call["params"]:
            return page(call, [(MINTS[0], 1)], cursor)
        assert call["params"]["cursor"] == cursor
        return page(call, [(MINTS[1], 2)])

    assert rows_of(pull(answer)) == [(OWNER, MINTS[0], 1), (OWNER, MINTS[1], 2)]


def test_a_reply_that_unpacks_to_gigabytes_is_refused_before_it_does():
    bomb = gzip.compress(b" " * (64 * 2**20), compresslevel=1)
    assert len(bomb) < 2**19
    tracemalloc.start()
    fault = refused(lambda _: (200, [(b"content-encoding", b"gzip")], bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "larger than 16 MiB" in str(fault)
    assert peak < 4 * _client.REPLY_BYTES_MAX


@pytest.mark.parametrize(
    "body", [b"[" * 10**6, b'{"a":' * 10**5, b'{"error":' * 10**5, b'"' + b"x" * 10**6], ids=len
)
def test_nesting_and_length_do_not_break_the_reader(body):
    fault = refused(lambda _: body)
    assert len(str(fault)) < 1000


def test_retries_are_bounded_in_time_whatever_the_server_asks(monkeypatch):
    clocks = []
    monkeypatch.setattr("tests.pulling.Hurry", lambda: clocks.append(Hurry()) or clocks[-1])
    for status in (429, 503):
        fault = refused(
            lambda _, status=status: (status, [(b"retry-after", b"1e9")], b""), errors.HeliusError, retries=50
        )
        assert clocks[-1].leapt_s < _client.PATIENCE_S + 2 * 120
        assert re.search(r"tried \d times", str(fault))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", b""),
        (b"gzip", b"no gzip at all"),
        (b"br", b"\x0b\x02\x80"),
        (b"", b" " * (_client.REPLY_BYTES_MAX + 1)),
    ],
    ids=["empty gzip", "broken gzip", "brotli", "too large"],
)
def test_an_unreadable_body_of_an_error_does_not_hide_its_status(encoding, body):
    left = [503, 401]

    def answer(_call):
        return left.pop(0), [(b"content-encoding", encoding)], body

    assert refused(answer, errors.AuthenticationError, retries=1).status == 401
    assert not left, "the 503 was not tried again"


# Content


def test_a_server_that_sends_more_rows_than_asked_is_read_exactly():
    rows = [(mint, U64_MAX - place) for place, mint in enumerate(MINTS)]
    assert [row[1:] for row in rows_of(pull(lambda call: page(call, rows), page_size=3))] == rows


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-0",
        "1e3",
        "01",
        "+1",
        "0x10",
        "1_000",
        "٣",
        "-1",
        '"1e3"',
        '" 1"',
        '""',
        "[1]",
        "{}",
    ],
)
def test_no_number_but_an_unsigned_integer_is_a_balance(number):
    fault = refused(lambda call: page(call, [(MINTS[0], 77)]).replace(b"77", number.encode()))
    assert fault.owner == OWNER
    assert "balance" in str(fault) or "malformed" in str(fault)


def test_an_error_beside_a_result_is_an_error():
    def both(call):
        return page(call, [(MINTS[0], 1)])[:-1] + b',"error":{"code":-32000,"message":"half"}}'

    assert refused(both, errors.RPCError).code == -32000


@pytest.mark.parametrize("status", [204, 206, 226, 299, 418, 451, 599])
def test_an_odd_status_without_a_page_is_a_fault(status):
    assert refused(lambda _: (status, [], b""), errors.HeliusError).owner == OWNER


def test_a_made_cursor_that_is_answered_with_nothing_loses_no_wanted_mint():
    """A server that knows only cursors of its own may answer another with an empty page."""
    holdings = Holdings.from_dict({OWNER: dict.fromkeys(MINTS, 5)})
    line, ends = Line(Indexer(holdings)), set()

    class Forgetful:
        async def __call__(self, _scope, receive, send):
            body = (await receive())["body"]
            call = json.loads(body)
            cursor = call["params"].get("cursor")
            content = page(call) if cursor and cursor not in ends else await line(body)
            ends.add(json.loads(content)["result"]["value"]["cursor"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": content})

    with settled("in process", Forgetful()):
        frame = read_helius_balances(OWNER, [MINTS[20], MINTS[40]], endpoint="http://localhost", page_size=7)
    assert rows_of(frame) == [(OWNER, MINTS[20], 5), (OWNER, MINTS[40], 5)]


# Where it is shown


def said(text):
    return lambda call: json.dumps(
        {"jsonrpc": "2.0", "error": {"code": -32000, "message": text}, "id": call["id"]}
    ).encode()


@pytest.mark.parametrize("text", ["\x1b[31mred\x1b]0;title\x07", "a\r\nb\x00c", "\u202eevil", "x" * 10**6])
def test_a_message_is_printable_and_short(text):
    message = str(refused(said(text), errors.RPCError))
    assert message.isprintable()
    assert len(message) < 600


def test_failures_are_escaped_where_a_notebook_shows_them():
    frame = pull(said(MARKUP), errors="collect")
    failures = frame.helius.failures()
    assert MARKUP[:20] in failures["message"].iloc[0]
    assert "<img" not in failures.to_html()
    assert "<img" not in failures._repr_html_()
    assert "<img" not in frame.to_html()
    assert not failures["message"].str.match(r"[=+\-@\t\r]").any()


@pytest.mark.parametrize("name", ["mint-markup", "mint-not-base58", "mint-blank"])
def test_what_is_no_address_never_becomes_a_label(name):
    holdings = Holdings.from_dict({OWNER: {MINTS[0]: 1}})
    with (
        settled("in process", FaultyIndexer(holdings, faults=[FaultRule(name)])),
        pytest.raises(errors.ProtocolError),
    ):
        read_helius_balances(OWNER, endpoint="http://localhost")


def hostile_frame():
    """A frame that a person put together from elsewhere: `df.helius` takes any with the four columns."""
    columns = {"owner": [MARKUP, FORMULA], "mint": [MARKUP, MARKUP], "balance": [5, 7], "slot": [1, 2]}
    return pd.DataFrame(columns).astype(
        {"owner": "category", "mint": "category", "balance": "uint64", "slot": "int64"}
    )


def test_charts_and_explorer_escape_what_stands_in_a_frame():
    frame = hostile_frame()
    explorer = frame.helius.explore()
    pages = [explorer.download("html").data.decode(), explorer._repr_mimebundle_()["text/html"]]
    pages += [frame.helius.plot.top_holders(MARKUP).to_html(), frame.helius.plot.treemap(MARKUP).to_html()]
    for text in pages:
        assert "<img src=x" not in text
        assert "</script><img" not in text
    for text in (explorer._header.value, explorer._note.value, explorer._table.value):
        assert "<img" not in text


def test_a_download_has_a_harmless_name_and_no_formula():
    frame = hostile_frame()
    assert re.fullmatch(r"[\w.-]+", file_name(MARKUP, "lorenz", "csv"))
    assert re.fullmatch(r"[\w.-]+", frame.helius.explore().download("csv").name)
    for line in csv_bytes(frame).decode().splitlines():
        assert not any(
            cell.strip('"').startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line.split(",")
        )


def test_csv_of_a_frame_that_was_read_cannot_be_a_formula():
    holdings = Holdings.uniform(4, 8, 20, seed=2)
    with settled("in process", Indexer(holdings)):
        frame = read_helius_balances(holdings.owners, endpoint="http://localhost")
    assert rows_of(frame) == rows_held(holdings)
    cells = [cell for line in frame.to_csv(index=False).splitlines() for cell in line.split(",")]
    assert all(cell[0].isalnum() for cell in cells)
