"""The demo indexer, fact by fact: what Photon answers, and Helius's edge before it."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import httpx
import pytest

from helius_frames import demo
from helius_frames._protocol import pubkey
from helius_frames.demo import Holdings, Indexer
from helius_frames.demo.holdings import U64_MAX

V2 = "getCompressedTokenBalancesByOwnerV2"
V1 = "getCompressedTokenBalancesByOwner"
OWNER, EMPTY_OWNER = demo.OWNERS[:2]
MINTS = sorted(demo.MINTS, key=pubkey.parse)
BALANCES = [0, 1, (1 << 53) + 1, 1 << 63, U64_MAX, *range(2, 45)]
HELD = dict(zip(MINTS, BALANCES, strict=True))
HOLDINGS = Holdings.from_dict({OWNER: HELD, EMPTY_OWNER: {}})


def request(params=None, *, method=V2, request_id="1", **fields):
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params, **fields}


def post(app, content, *, url="http://demo/", headers=None):
    """One request to the app in process."""

    async def send():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            text = content if isinstance(content, bytes | str) else json.dumps(content)
            kind = {"content-type": "application/json"} if headers is None else headers
            return await client.post(url, content=text, headers=kind)

    return asyncio.run(send())


def ask(app, **params):
    return post(app, request(params)).json()


def value(app, **params):
    return ask(app, **params)["result"]["value"]


def error(app, **params):
    return ask(app, **params)["error"]


def walk(app, owner, limit=1000):
    """Pages of one owner, from cursor to cursor."""
    pages, cursor = [], None
    while True:
        page = value(app, owner=owner, limit=limit, **({"cursor": cursor} if cursor else {}))
        pages.append(page["items"])
        cursor = page["cursor"]
        if cursor is None:
            return pages


@pytest.fixture
def app():
    return Indexer(HOLDINGS, slot=500)


def test_a_reply_has_the_compact_layout_of_the_real_server(app):
    text = post(app, request({"owner": OWNER, "limit": 1})).text
    assert text == (
        '{"jsonrpc":"2.0","result":{"context":{"slot":500},"value":{"items":'
        f'[{{"mint":"{MINTS[0]}","balance":0}}],"cursor":"{MINTS[0]}"}}}},"id":"1"}}'
    )


def test_the_end_carries_a_null_cursor(app):
    assert post(app, request({"owner": OWNER})).text.endswith('],"cursor":null}},"id":"1"}')


def test_a_limit_above_1000_is_refused_and_1000_is_not(app):
    wrong = error(app, owner=OWNER, limit=1001)
    assert wrong["code"] == -32602
    assert "1001" in wrong["message"]
    assert len(value(app, owner=OWNER, limit=1000)["items"]) == len(HELD)


def test_the_limit_defaults_to_1000():
    page = value(demo.app(), owner=demo.WALLETS["collector"])
    assert len(page["items"]) == 1000


def test_limit_0_answers_no_items_and_no_cursor(app):
    assert value(app, owner=OWNER, limit=0) == {"items": [], "cursor": None}


def test_items_ascend_by_the_bytes_of_the_mint(app):
    assert [item["mint"] for item in value(app, owner=OWNER)["items"]] == MINTS


def test_the_next_page_begins_after_the_cursor(app):
    first = value(app, owner=OWNER, limit=10)
    assert first["cursor"] == first["items"][-1]["mint"]
    second = value(app, owner=OWNER, limit=10, cursor=first["cursor"])
    assert [item["mint"] for item in second["items"]] == MINTS[10:20]


def test_any_32_bytes_are_a_cursor(app):
    between = pubkey.encode(pubkey.at_position(pubkey.position(pubkey.parse(MINTS[7])) - 1))
    assert value(app, owner=OWNER, cursor=between)["items"][0]["mint"] == MINTS[7]
    assert len(value(app, owner=OWNER, cursor=pubkey.encode(bytes(32)))["items"]) == len(HELD)
    assert value(app, owner=OWNER, cursor=pubkey.encode(b"\xff" * 32))["items"] == []


@pytest.mark.parametrize(("cursor", "size"), [("3J98t1WpEZ73CNm", 11), ("1" + MINTS[0], 33), ("", 0)])
def test_a_cursor_that_is_not_32_bytes_is_refused(app, cursor, size):
    wrong = error(app, owner=OWNER, cursor=cursor)
    said = f"Validation Error: Invalid cursor length. Expected 32. Received {size}."
    assert wrong == {"code": -32000, "message": said}


def test_a_cursor_that_is_not_base58_is_refused(app):
    assert error(app, owner=OWNER, cursor="0OIl")["code"] == -32602


def test_a_full_page_carries_a_cursor_also_when_nothing_follows(app):
    page = value(app, owner=OWNER, limit=len(HELD))
    assert len(page["items"]) == len(HELD)
    assert value(app, owner=OWNER, cursor=page["cursor"]) == {"items": [], "cursor": None}


@pytest.mark.parametrize(("name", "pages"), [("full page", 2), ("three pages", 4), ("collector", 6)])
def test_a_multiple_of_a_page_ends_with_an_empty_one(name, pages):
    got = walk(demo.app(), demo.WALLETS[name])
    assert [len(page) for page in got] == [1000] * (pages - 1) + [0]


def test_with_a_mint_the_cursor_is_ignored_and_the_same_row_comes_for_ever(app):
    first = value(app, owner=OWNER, mint=MINTS[3], limit=1)
    assert first == {"items": [{"mint": MINTS[3], "balance": 1 << 63}], "cursor": MINTS[3]}
    assert value(app, owner=OWNER, mint=MINTS[3], limit=1, cursor=first["cursor"]) == first


def test_with_a_mint_a_cursor_still_has_to_be_base58(app):
    assert error(app, owner=OWNER, mint=MINTS[3], cursor="0OIl")["code"] == -32602
    assert value(app, owner=OWNER, mint=MINTS[3], cursor="abc")["items"][0]["mint"] == MINTS[3]


def test_with_a_mint_and_a_larger_limit_there_is_one_row_and_no_cursor(app):
    page = value(app, owner=OWNER, mint=MINTS[4])
    assert page == {"items": [{"mint": MINTS[4], "balance": U64_MAX}], "cursor": None}


def test_a_mint_that_is_not_held_gives_no_rows(app):
    for owner, mint in ((EMPTY_OWNER, MINTS[0]), (OWNER, demo.OWNERS[5])):
        assert value(app, owner=owner, mint=mint, limit=1) == {"items": [], "cursor": None}


def test_a_walk_gives_every_row_once_and_to_the_last_digit_zeros_too(app):
    rows = [(item["mint"], item["balance"]) for page in walk(app, OWNER, 7) for item in page]
    assert rows == list(HELD.items())


def test_the_slot_is_read_before_the_rows():
    owner, mint = OWNER, MINTS[0]

    def change(_number):
        app.slot, app.holdings = 9, Holdings.from_dict({owner: {mint: 2}})

    app = Indexer(Holdings.from_dict({owner: {mint: 1}}), slot=5, on_read=change)
    result = ask(app, owner=owner)["result"]
    assert (result["context"]["slot"], result["value"]["items"][0]["balance"]) == (5, 2)


def test_reads_are_numbered_from_1():
    seen = []
    app = Indexer(HOLDINGS, on_read=seen.append)
    walk(app, OWNER, 20)
    assert seen == [1, 2, 3]


def test_slots_move_on_while_pages_are_read():
    app = Indexer(HOLDINGS, slot=10, page_slots=4)
    slots = [ask(app, owner=OWNER)["result"]["context"]["slot"] for _ in range(3)]
    assert slots == [10, 14, 18]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (None, "invalid type: null, expected struct"),
        ([OWNER], "invalid length 1, expected struct"),
        ("x", 'invalid type: string "x", expected struct'),
        ({}, "missing field `owner`"),
        ({"owner": OWNER, "page": 1}, "unknown field `page`, expected one of `owner`, `mint`"),
        ({"owner": 5}, "invalid type: integer `5`, expected a base58"),
        ({"owner": "abc"}, "String is the wrong size"),
        ({"owner": ""}, "String is the wrong size"),
        ({"owner": "é" * 40}, "String is the wrong size"),
        ({"owner": "0OIl"}, "Invalid Base58 string"),
        ({"owner": OWNER[:-1] + " "}, "Invalid Base58 string"),
        ({"owner": "2" * 45}, "String is the wrong size"),
        ({"owner": OWNER, "mint": "abc"}, "String is the wrong size"),
        ({"owner": OWNER, "cursor": 5}, "expected a string"),
        ({"owner": OWNER, "limit": -1}, "invalid value: integer `-1`, expected u64"),
        ({"owner": OWNER, "limit": 1 << 64}, "invalid type: integer `18446744073709551616`, expected u64"),
        ({"owner": OWNER, "limit": 1.5}, "invalid type: floating point `1.5`"),
        ({"owner": OWNER, "limit": True}, "invalid type: boolean `true`"),
        ({"owner": OWNER, "limit": "10"}, 'invalid type: string "10"'),
    ],
)
def test_parameters_that_do_not_fit_are_refused_inside_http_200(app, params, said):
    reply = post(app, request(params))
    assert (reply.status_code, reply.json()["error"]["code"]) == (200, -32602)
    assert said in reply.json()["error"]["message"]
    assert reply.json()["id"] == "1"


def test_null_stands_for_a_parameter_that_is_not_set(app):
    assert value(app, owner=OWNER, mint=None, cursor=None, limit=None) == value(app, owner=OWNER)


def test_an_owner_nobody_knows_has_no_rows(app):
    assert value(app, owner=demo.OWNERS[7]) == {"items": [], "cursor": None}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ('{"jsonrpc":', 200, -32700),
        ("", 400, -32700),
        ("hello", 400, -32700),
        ('{"jsonrpc":"2.0","id":"1"}', 200, -32600),
        ('{"jsonrpc":"1.0","id":"1","method":"getIndexerSlot"}', 200, -32600),
        ("{}", 200, -32700),
        ('{"jsonrpc":"2.0","id":"1","method":"getIndexerSlot","params":{"limit":NaN}}', 200, -32700),
        ('{"jsonrpc":"2.0","id":"1","method":"getNothing"}', 200, -32601),
        ("[" * 100_000, 200, -32700),
        ('{"jsonrpc":"2.0","id":"%s"}' % ("x" * (10 << 20)), 413, -32701),
    ],
)
def test_what_is_no_call_is_answered_as_the_real_server_does(app, content, status, code):
    reply = post(app, content)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_a_key_that_is_missing_or_wrong_is_401():
    app = Indexer(HOLDINGS, api_key="right")
    for url, status in (("/", 401), ("/?api-key=wrong", 401), ("/?api-key=right", 200)):
        reply = post(app, request({"owner": OWNER}), url=f"http://demo{url}")
        assert reply.status_code == status
    assert post(app, request({"owner": OWNER})).json()["error"]["code"] == -32001


def test_more_than_the_rate_within_a_second_is_429_and_does_not_count():
    now = [0.0]
    app = Indexer(HOLDINGS, rate=3, clock=lambda: now[0])
    statuses = []
    for now[0] in (0.0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.05, 1.1):
        statuses.append(post(app, request({"owner": OWNER})).status_code)
    assert statuses == [200, 200, 200, 429, 429, 200, 429, 200]
    assert (app.requests, app.refused, app.reads) == (8, 3, 5)


def test_a_rate_below_one_a_second_is_kept_too():
    now = [0.0]
    app = Indexer(HOLDINGS, rate=0.5, clock=lambda: now[0])
    statuses = []
    for now[0] in (0.0, 1.0, 2.0):
        statuses.append(post(app, request({"owner": OWNER})).status_code)
    assert statuses == [200, 429, 200]


@pytest.mark.parametrize(("form", "wanted"), [(None, None), ("seconds", "1"), ("date", "GMT")])
def test_retry_after_comes_in_the_form_asked(form, wanted):
    app = Indexer(HOLDINGS, rate=1, retry_after=form)
    post(app, request({"owner": OWNER}))
    reply = post(app, request({"owner": OWNER}))
    header = reply.headers.get("retry-after")
    assert (header is None) if wanted is None else header.endswith(wanted)
    assert reply.json()["error"] == {"code": -32005, "message": "Too many requests"}


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="rate"):
        Indexer(HOLDINGS, rate=rate)


def test_a_batch_is_answered_in_order(app):
    batch = [request({"owner": OWNER, "limit": 1}, request_id=1), request(method="no", request_id=2), 5]
    one, two, three = post(app, batch).json()
    assert (one["id"], two["id"], three["id"]) == (1, 2, None)
    assert len(one["result"]["value"]["items"]) == 1
    assert (two["error"]["code"], three["error"]["code"]) == (-32601, -32600)
    assert post(app, "[]").json()["error"]["code"] == -32600


def test_a_notification_gets_no_answer(app):
    reply = post(app, '{"jsonrpc":"2.0","method":"getIndexerSlot"}')
    assert (reply.status_code, reply.content) == (200, b"")
    assert post(app, '[{"jsonrpc":"2.0","method":"getIndexerSlot"}]').content == b""


@pytest.mark.parametrize("request_id", [{}, [], True, -1, 1.5, 1 << 64])
def test_a_call_whose_id_is_none_counts_as_a_notification(app, request_id):
    reply = post(app, request(method="getIndexerSlot", request_id=request_id))
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_list_of_all_four_parameters_is_taken_too(app):
    listed = post(app, request([OWNER, None, MINTS[3], 2])).json()["result"]["value"]
    assert listed == value(app, owner=OWNER, cursor=MINTS[3], limit=2)


@pytest.mark.parametrize("request_id", ["1", 'a"b', "é", 7, 0, (1 << 64) - 1, None])
def test_the_id_comes_back_as_it_was_sent(app, request_id):
    assert post(app, request(method="getIndexerSlot", request_id=request_id)).json()["id"] == request_id


def test_v1_names_the_list_token_balances(app):
    got = post(app, request({"owner": OWNER}, method=V1)).json()["result"]["value"]
    assert got["token_balances"] == value(app, owner=OWNER)["items"]
    assert "items" not in got


@pytest.mark.parametrize(("version", "known", "unknown"), [("v1", V1, V2), ("v2", V2, V1)])
def test_a_server_of_one_version_does_not_know_the_other(version, known, unknown):
    app = Indexer(HOLDINGS, version=version)
    assert "result" in post(app, request({"owner": OWNER}, method=known)).json()
    wrong = post(app, request({"owner": OWNER}, method=unknown)).json()["error"]
    assert wrong == {"code": -32601, "message": "Method not found"}


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_opaque_cursors_lead_through_the_same_rows(cursor):
    app = Indexer(HOLDINGS, cursor=cursor)
    rows = [item["mint"] for page in walk(app, OWNER, 7) for item in page]
    assert rows == MINTS
    assert MINTS[6] not in value(app, owner=OWNER, limit=7)["cursor"]


def test_a_crafted_cursor_is_refused_or_ignored_where_cursors_are_opaque():
    strict, lenient = (Indexer(HOLDINGS, cursor=cursor) for cursor in ("opaque", "opaque-lenient"))
    assert error(strict, owner=OWNER, cursor=MINTS[5])["code"] == -32000
    assert value(lenient, owner=OWNER, cursor=MINTS[5])["items"][0]["mint"] == MINTS[0]


def test_the_neighbouring_methods_answer(app):
    assert post(app, request(method="getIndexerSlot")).json()["result"] == 500
    assert post(app, request(method="getIndexerHealth")).json()["result"] == "ok"


def test_what_is_no_json_post_is_refused_in_words(app):
    assert post(app, "{}", headers={"content-type": "text/plain"}).status_code == 415

    async def get(path):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.get(f"http://demo{path}")

    assert asyncio.run(get("/")).status_code == 405
    assert asyncio.run(get("/liveness")).text == "null"


def test_every_request_takes_the_latency():
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    app = Indexer(HOLDINGS, latency_s=0.08, sleep=sleep)
    walk(app, OWNER, 20)
    assert slept == [0.08] * 3


def test_encoded_rows_are_dropped_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("helius_frames.demo._pages._KEPT_MAX", 3000)
    holdings = Holdings.uniform(6, 20, 20)
    app = Indexer(holdings)
    app.warm()
    assert app._pages._kept <= 3000
    assert len(app._pages._runs) == 2
    for owner, row in holdings.to_dict().items():
        assert {item["mint"]: item["balance"] for item in value(app, owner=owner)["items"]} == row


def test_two_pulls_at_one_moment_agree_and_the_later_moment_differs():
    owner = demo.WALLETS["whale"]
    first, again = ask(demo.app(), owner=owner), ask(demo.app(), owner=owner)
    with demo.at("later"):
        later = ask(demo.app(), owner=owner)
    assert first == again == ask(demo.app(), owner=owner)
    assert later["result"]["context"]["slot"] - first["result"]["context"]["slot"] == 3_024_000
    assert later["result"]["value"] != first["result"]["value"]


def test_a_moment_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'sooner'"), demo.at("sooner"):
        pass


def test_over_a_real_port_the_answers_are_the_same(app):
    with demo.serve(app) as url, httpx.Client() as client:
        got = client.post(url, json=request({"owner": OWNER, "limit": 7}))
        again = client.post(url, json=request({"owner": OWNER, "limit": 7}))
    assert got.text == again.text == post(app, request({"owner": OWNER, "limit": 7})).text
    assert got.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_it_listens_on_a_name_or_an_ipv6_address_too(app, host):
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with demo.serve(app, host=host) as url:
        with urllib.request.urlopen(f"{url}/liveness", timeout=5) as reply:  # noqa: S310
            assert reply.read() == b"null"
        assert url.startswith("http://[::1]:" if host == "::1" else "http://localhost:")


def _has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_request_that_never_ends_does_not_keep_the_server_running(app):
    async def never(_scope, _receive, _send):
        await asyncio.Event().wait()

    with demo.serve(never) as url:
        client = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        client.sendall(b"GET / HTTP/1.1\r\nhost: demo\r\n\r\n")
        begin = time.monotonic()
    client.close()
    assert time.monotonic() - begin < 5


def test_a_taken_port_is_an_error(app):
    with demo.serve(app) as url:
        same = demo.serve(app, port=int(url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            same.__enter__()


def test_without_uvicorn_the_message_says_what_to_install(app, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'helius_frames\[demo\]'"):
        demo.serve(app).__enter__()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_serves_and_ends_cleanly(number):
    command = [sys.executable, "-m", "helius_frames.demo", "--owners", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        line = server.stdout.readline()
        with urllib.request.urlopen(line.split()[-1] + "/liveness", timeout=5) as reply:  # noqa: S310
            assert reply.read() == b"null"
        server.send_signal(number)
        assert server.wait(5) == 0
    assert line.startswith("serving Holdings(3 owners, 120 mints, 90 rows), all synthetic, on http://127")


@pytest.mark.parametrize("argument", [["--rate", "0"], ["--host", "no such host"]])
def test_the_command_says_in_one_line_why_it_cannot_serve(argument, capsys):
    from helius_frames.demo.__main__ import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert main(argument) == 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert capsys.readouterr().err.count("\n") == 1
