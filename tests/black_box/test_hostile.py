"""Hostile content: sizes are bounded, and nothing a server sends is run, whatever shows it."""

from __future__ import annotations

import gzip
import json
import re
import tracemalloc

import ipywidgets
import pandas as pd
import pytest

from helius_frames import demo, errors, read_helius_balances
from helius_frames.demo import Holdings, Indexer
from helius_frames.demo.holdings import U64_MAX
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.addresses import address_at, key_bytes, position_of
from tests.support.frames import rows_held, rows_of
from tests.support.limits import row_limit
from tests.support.servers import ForgetfulServer, ScriptedServer, page_body
from tests.support.transport import use_transport

OWNER = demo.OWNERS[0]
MINTS = sorted(Holdings.uniform(1, 1, 60, seed=4).mint_texts, key=key_bytes)
REPLY_BYTES_MAX = 16 * 2**20
CURSOR_MAX = 4_096
EMPTY_PAGES_MAX = 100
PATIENCE_S = 300
MARKUP = '</script><img src=x onerror="alert(1)">'
FORMULA = '=HYPERLINK("http://evil.example")'


def pull(answer, owners=OWNER, **options):
    """Read in process from an app that gives these bodies, or these whole answers."""

    def whole(call):
        answered = answer(call)
        return answered if isinstance(answered, tuple) else (200, [], answered)

    with use_transport("in process", ScriptedServer(whole)):
        return read_helius_balances(owners, endpoint="http://localhost", **{"retries": 0, **options})


def refused(answer, error=errors.ProtocolError, **options):
    with pytest.raises(error) as info:
        pull(answer, **options)
    return info.value


# Sizes


@pytest.mark.parametrize("options", [{}, {"chunksize": 7}, {"max_concurrency": 1}], ids=str)
def test_rows_made_up_for_ever_end(options):
    def next_row(call):
        cursor = call["params"].get("cursor")
        place = 0 if cursor is None else position_of(cursor)
        mint = address_at(place + 2**200)
        return 200, [], page_body(call, [(mint, 1)], mint)

    with (
        row_limit(30),
        use_transport("in process", ScriptedServer(next_row)),
        pytest.raises(errors.ProtocolError, match=r"more than 30 rows|31 rows"),
    ):
        list(read_helius_balances(OWNER, endpoint="http://localhost", **options))


def test_empty_pages_for_ever_end():
    numbers = iter(range(10**9))
    error = refused(lambda call: page_body(call, (), f"cursor {next(numbers)}"))
    assert "looping" in str(error)
    assert error.page <= EMPTY_PAGES_MAX + 2


def test_a_cursor_is_bounded():
    assert "got 4,097" in str(refused(lambda call: page_body(call, [(MINTS[0], 1)], "x" * (CURSOR_MAX + 1))))


@pytest.mark.parametrize("cursor", ["пётр", "\u0000", "🐋" * 9, "\ud7ff", "'; DROP TABLE x", "1" * 44, "1"])
def test_a_cursor_of_any_text_goes_back_as_it_came(cursor):
    def answer(call):
        if "cursor" not in call["params"]:
            return page_body(call, [(MINTS[0], 1)], cursor)
        assert call["params"]["cursor"] == cursor
        return page_body(call, [(MINTS[1], 2)])

    assert rows_of(pull(answer)) == [(OWNER, MINTS[0], 1), (OWNER, MINTS[1], 2)]


def test_a_reply_that_unpacks_to_gigabytes_is_refused_before_it_does():
    bomb = gzip.compress(b" " * (64 * 2**20), compresslevel=1)
    assert len(bomb) < 2**19
    tracemalloc.start()
    error = refused(lambda _: (200, [(b"content-encoding", b"gzip")], bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "larger than 16 MiB" in str(error)
    assert peak < 4 * REPLY_BYTES_MAX


@pytest.mark.parametrize(
    "body", [b"[" * 10**6, b'{"a":' * 10**5, b'{"error":' * 10**5, b'"' + b"x" * 10**6], ids=len
)
def test_nesting_and_length_do_not_break_the_reader(body):
    error = refused(lambda _: body)
    assert len(str(error)) < 1000


@pytest.mark.parametrize("status", [429, 503])
def test_retries_are_bounded_in_time_whatever_the_server_asks(status):
    server = ScriptedServer(lambda _: (status, [(b"retry-after", b"1e9")], b""))
    with use_transport("in process", server) as clock, pytest.raises(errors.HeliusError) as info:
        read_helius_balances(OWNER, endpoint="http://localhost", retries=50)
    assert clock.now < PATIENCE_S + 2 * 120
    assert re.search(r"tried \d times", str(info.value))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", b""),
        (b"gzip", b"no gzip at all"),
        (b"br", b"\x0b\x02\x80"),
        (b"", b" " * (REPLY_BYTES_MAX + 1)),
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


def test_a_page_of_more_rows_than_asked_for_is_an_error():
    rows = [(mint, U64_MAX - place) for place, mint in enumerate(MINTS)]
    error = refused(lambda call: page_body(call, rows), page_size=3)
    assert "60 rows" in str(error)


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
    error = refused(lambda call: page_body(call, [(MINTS[0], 77)]).replace(b"77", number.encode()))
    assert error.owner == OWNER
    assert "balance" in str(error) or "malformed" in str(error)


def test_an_error_beside_a_result_is_an_error():
    def both(call):
        return page_body(call, [(MINTS[0], 1)])[:-1] + b',"error":{"code":-32000,"message":"half"}}'

    assert refused(both, errors.RPCError).code == -32000


@pytest.mark.parametrize("status", [204, 206, 226, 299, 418, 451, 599])
def test_an_odd_status_without_a_page_is_a_fault(status):
    assert refused(lambda _: (status, [], b""), errors.HeliusError).owner == OWNER


def test_a_made_cursor_that_is_answered_with_nothing_loses_no_wanted_mint():
    """A server that knows only cursors of its own may answer another with an empty page."""
    holdings = Holdings.from_dict({OWNER: dict.fromkeys(MINTS, 5)})
    with use_transport("in process", ForgetfulServer(Indexer(holdings))):
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
        use_transport("in process", FaultyIndexer(holdings, faults=[FaultRule(name)])),
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
    shown = [widget.value for widget in _widgets_in(explorer) if isinstance(widget, ipywidgets.HTML)]
    assert len(shown) >= 3
    assert not any("<img" in text for text in shown)


def _widgets_in(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _widgets_in(child)


def test_a_download_has_a_harmless_name_and_no_formula():
    explorer = hostile_frame().helius.explore(mint=MARKUP, chart="top_holders")
    saved = [explorer.download(kind) for kind in ("html", "csv", "parquet")]
    assert all(re.fullmatch(r"[\w.-]+", download.name) for download in saved)
    lines = saved[1].data.decode().splitlines()
    assert any("HYPERLINK" in line for line in lines)
    for line in lines:
        assert not any(
            cell.strip('"').startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line.split(",")
        )


def test_csv_of_a_frame_that_was_read_cannot_be_a_formula():
    holdings = Holdings.uniform(4, 8, 20, seed=2)
    with use_transport("in process", Indexer(holdings)):
        frame = read_helius_balances(holdings.owners, endpoint="http://localhost")
    assert rows_of(frame) == rows_held(holdings)
    cells = [cell for line in frame.to_csv(index=False).splitlines() for cell in line.split(",")]
    assert all(cell[0].isalnum() for cell in cells)
