"""The fault server: what each fault makes of a reply, when it is injected, how it breaks a connection."""

import asyncio
import gzip
import json
import zlib
from email.utils import parsedate_to_datetime

import base58
import httpx
import pytest

from helius_frames import demo, errors
from helius_frames._protocol import pubkey
from helius_frames.demo import Holdings
from helius_frames.demo.holdings import U64_MAX
from tests.fault_server import FAULTS, FaultRule, FaultyIndexer, serve

V2 = "getCompressedTokenBalancesByOwnerV2"
OWNER, OTHER = demo.OWNERS[:2]
MINTS = sorted(demo.MINTS[:10], key=pubkey.parse)
HELD = {mint: 100 + number for number, mint in enumerate(MINTS)}
HOLDINGS = Holdings.from_dict({OWNER: HELD, OTHER: HELD})
IN_PROCESS = [name for name, fault in FAULTS.items() if not fault.needs_port and name != "stall"]
ON_PORT = [name for name, fault in FAULTS.items() if fault.needs_port]


def indexer(*rules, seed=0, **options):
    return FaultyIndexer(HOLDINGS, slot=500, faults=rules, seed=seed, **options)


def content(owner=OWNER, **params):
    return json.dumps({"jsonrpc": "2.0", "id": "1", "method": V2, "params": {"owner": owner, **params}})


async def send(client, url="http://demo/", **params):
    request = client.build_request("POST", url, content=content(**params), headers=JSON)
    return await client.send(request, stream=True)


JSON = {"content-type": "application/json"}


def post(app, *, url="http://demo/", **params):
    """One reply of the app in process, its body not decoded."""

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            reply = await send(client, url, **params)
            return reply, b"".join([part async for part in reply.aiter_raw()])

    return asyncio.run(ask())


def page(app, **params):
    return json.loads(post(app, **params)[1])["result"]["value"]


def faulty_body(name, **params):
    """Body of a reply with a fault in it."""
    return post(indexer(FaultRule(name)), **params)[1]


def walk(app, limit=4, owner=OWNER):
    """Rows from cursor to cursor, at most so many pages."""
    rows, cursor = [], None
    for _ in range(30):
        got = page(app, owner=owner, limit=limit, **({"cursor": cursor} if cursor else {}))
        rows += [(item["mint"], item["balance"]) for item in got["items"]]
        cursor = got["cursor"]
        if cursor is None:
            return rows
    raise AssertionError("the walk does not end")


def is_injected(app, requests):
    """Which of the requests meet the fault, by their status."""
    return [post(app, **params)[0].status_code != 200 for params in requests]


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_names_an_exception_of_ours_or_is_legal(name):
    fault = FAULTS[name]
    assert fault.name == name
    assert fault.is_legal or issubclass(getattr(errors, fault.error), errors.HeliusError)
    assert not (fault.is_legal and (fault.is_transient or fault.needs_port))


@pytest.mark.parametrize("name", IN_PROCESS)
def test_every_fault_changes_the_reply_where_it_says_it_shows(name):
    params = {"limit": 4, "cursor": MINTS[3]}
    good, good_body = post(indexer(), **params)
    bad, bad_body = post(indexer(FaultRule(name)), **params)
    assert (bad.status_code, bad.headers, bad_body) != (good.status_code, good.headers, good_body)


@pytest.mark.parametrize("name", IN_PROCESS)
def test_every_fault_leaves_an_empty_page_without_an_exception(name):
    reply, _ = post(indexer(FaultRule(name)), cursor=MINTS[-1])
    assert reply.status_code


@pytest.mark.parametrize(
    "name", ["short-page", "empty-page", "cursor-opaque", "more-fields", "balance-first", "id-first"]
)
@pytest.mark.parametrize("limit", [1, 3, 5, 10, 1000])
def test_a_legal_fault_keeps_every_row_once(name, limit):
    assert walk(indexer(FaultRule(name)), limit) == list(HELD.items())


def test_pages_out_of_order_still_hold_every_row():
    rows = walk(indexer(FaultRule("out-of-order")))
    assert rows != list(HELD.items())
    assert dict(rows) == HELD


def test_the_same_json_in_other_words_is_equal():
    good = json.loads(post(indexer())[1])
    for name in ("pretty-json", "escaped-json", "id-first", "balance-first", "content-type"):
        assert json.loads(faulty_body(name)) == good
    assert json.loads(faulty_body("bare-body")) == good["result"]
    assert json.loads(gzip.decompress(faulty_body("gzip"))) == good


def test_balances_as_text_say_the_same_numbers():
    items = json.loads(faulty_body("balance-text"))["result"]["value"]["items"]
    assert {item["mint"]: int(item["balance"]) for item in items} == HELD
    assert all(isinstance(item["balance"], str) for item in items)


@pytest.mark.parametrize("name", ["gzip-broken", "gzip-not"])
def test_broken_gzip_cannot_be_unpacked(name):
    with pytest.raises((gzip.BadGzipFile, EOFError, zlib.error)):
        gzip.decompress(faulty_body(name))


@pytest.mark.parametrize("name", ["html", "empty-body", "half-json", "json-and-more", "not-utf8"])
def test_a_body_that_is_no_json_is_none(name):
    with pytest.raises(ValueError, match=r"Expecting|Extra data|delimiter|Unterminated|utf-8"):
        json.loads(faulty_body(name).decode())


@pytest.mark.parametrize(
    ("name", "size"), [("mint-31-bytes", 31), ("mint-33-bytes", 33), ("cursor-31-bytes", 31)]
)
def test_keys_of_a_wrong_length_have_it(name, size):
    got = json.loads(faulty_body(name, limit=4))["result"]["value"]
    text = got["cursor"] if name.startswith("cursor") else got["items"][-1]["mint"]
    assert len(base58.b58decode(text)) == size
    with pytest.raises(ValueError, match="an address has 32"):
        pubkey.parse(text)


def test_a_balance_beyond_u64_is_sent_as_a_number():
    assert b'"balance":%d}' % (U64_MAX + 1) in faulty_body("balance-2^64")


def test_a_looping_cursor_leads_back():
    app = indexer(FaultRule("cursor-loops"))
    first = page(app, limit=4)
    second = page(app, limit=4, cursor=first["cursor"])
    assert {item["mint"] for item in first["items"]} & {item["mint"] for item in second["items"]}


def test_an_inclusive_cursor_repeats_one_row_and_keeps_the_limit():
    got = page(indexer(FaultRule("mint-again")), limit=4, cursor=MINTS[3])
    assert [item["mint"] for item in got["items"]] == MINTS[3:7]
    assert (got["items"][0]["balance"], got["cursor"]) == (HELD[MINTS[3]], MINTS[6])


@pytest.mark.parametrize("name", ["echo-key", "echo-key-html"])
def test_a_server_that_echoes_shows_the_key(name):
    _, body = post(indexer(FaultRule(name)), url="http://demo/?api-key=hush-hush")
    assert b"api-key=hush-hush" in body


def test_retry_after_comes_in_both_forms():
    seconds, date = (post(indexer(FaultRule(name)))[0] for name in ("429-seconds", "429-date"))
    assert seconds.headers["retry-after"] == "1"
    assert parsedate_to_datetime(date.headers["retry-after"]).tzinfo is not None


def test_a_json_rpc_error_inside_http_200_carries_the_id_asked():
    reply, body = post(indexer(FaultRule("rpc-32005")))
    assert reply.status_code == 200
    assert json.loads(body)["error"]["code"] == -32005
    assert json.loads(body)["id"] == "1"


def test_a_redirect_leads_to_another_host():
    reply, _ = post(indexer(FaultRule("redirect")))
    assert (reply.status_code, reply.headers["location"]) == (307, "https://elsewhere.example/?from=demo")


def test_a_fault_is_injected_into_the_nth_read_or_a_range_of_them():
    requests = [{}] * 5
    assert is_injected(indexer(FaultRule("429", request=3)), requests) == [False, False, True, False, False]
    storm = indexer(FaultRule("429", request=range(1, 4)))
    assert is_injected(storm, requests) == [True, True, True, False, False]


def test_a_fault_is_injected_into_one_owner_alone():
    app = indexer(FaultRule("429", owner=OTHER))
    assert is_injected(app, [{}, {"owner": OTHER}]) == [False, True]


@pytest.mark.parametrize(
    ("where", "struck_pages"),
    [(1, [1, 0, 0]), (2, [0, 1, 0]), ("middle", [0, 1, 0]), ("last", [0, 0, 1])],
)
def test_a_fault_is_injected_into_one_page_of_an_owner(where, struck_pages):
    pages = [{"limit": 4}, {"limit": 4, "cursor": MINTS[3]}, {"limit": 4, "cursor": MINTS[7]}]
    assert is_injected(indexer(FaultRule("429", page=where)), pages) == [bool(hit) for hit in struck_pages]


def test_the_only_page_is_the_first_and_the_last_and_no_middle():
    hits = [is_injected(indexer(FaultRule("429", page=where)), [{}]) for where in (1, "last", "middle")]
    assert hits == [[True], [True], [False]]


def test_a_fault_heals_after_so_many_tries_of_each_page():
    app = indexer(FaultRule("429", times=2))
    first, second = {"limit": 4}, {"limit": 4, "cursor": MINTS[3]}
    assert is_injected(app, [first, first, second, first, second, second]) == [1, 1, 1, 0, 1, 0]


def test_chance_depends_on_the_seed_and_the_page_and_not_on_the_order():
    requests = [{"limit": limit} for limit in (4,)] + [{"cursor": mint} for mint in MINTS]
    one = is_injected(indexer(FaultRule("503-html", p=0.5), seed=1), requests)
    reverse = is_injected(indexer(FaultRule("503-html", p=0.5), seed=1), requests[::-1])[::-1]
    other = is_injected(indexer(FaultRule("503-html", p=0.5), seed=2), requests)
    assert one == reverse
    assert one != other
    assert 0 < sum(one) < len(one)


def test_chance_is_drawn_anew_for_each_try():
    app = indexer(FaultRule("503-html", p=0.5))
    assert 5 < sum(is_injected(app, [{}] * 40)) < 35


def test_the_first_of_several_rules_acts_and_is_counted():
    app = indexer(FaultRule("503-html", request=2), FaultRule("429", page=1))
    statuses = [post(app)[0].status_code for _ in range(3)]
    assert statuses == [429, 503, 429]
    assert app.injected == {"429": 2, "503-html": 1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "no such"}, "unknown fault 'no such'; there are 429,"),
        ({"p": 1.5}, "p must be between 0 and 1, got 1.5"),
        ({"page": 0}, "page must be .*, got 0"),
        ({"page": "first"}, "page must be .*, got 'first'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        FaultRule(**{"name": "429", **options})


@pytest.mark.parametrize("name", ON_PORT)
def test_in_process_a_break_inside_a_reply_is_refused_in_words(name):
    with pytest.raises(RuntimeError, match="needs a real port"):
        post(indexer(FaultRule(name)))


def test_a_stalled_reply_never_comes():
    async def wait():
        transport = httpx.ASGITransport(indexer(FaultRule("stall")))
        async with httpx.AsyncClient(transport=transport) as client, asyncio.timeout(0.02):
            await send(client)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())


@pytest.fixture(scope="module")
def broken():
    """One port that breaks the n-th reply in the n-th way, over and over."""
    owners = dict(zip(ON_PORT, demo.OWNERS[10:], strict=False))
    rules = [FaultRule(name, owner=owner) for name, owner in owners.items()]
    with serve(FaultyIndexer(Holdings.uniform(1, 1, 1), faults=rules)) as url:
        yield url, owners


def read(url, owner, most=1 << 20):
    """Bytes of a reply that a real port gives, until it breaks, times out or is too much."""

    async def ask():
        got = bytearray()
        async with httpx.AsyncClient(timeout=5) as client, asyncio.timeout(0.3):
            reply = await send(client, url, owner=owner)
            async for part in reply.aiter_raw():
                got += part
                if len(got) > most:
                    raise OverflowError
            return bytes(got)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reset", (httpx.ReadError, httpx.RemoteProtocolError)),
        ("reset-headers", (httpx.ReadError, httpx.RemoteProtocolError)),
        ("reset-body", (httpx.ReadError, httpx.RemoteProtocolError)),
        ("cut-short", httpx.RemoteProtocolError),
        ("trickle", TimeoutError),
        ("unending", OverflowError),
    ],
)
def test_a_real_port_breaks_replies_as_the_rules_say(broken, name, expected):
    url, owners = broken
    with pytest.raises(expected):
        read(url, owners[name])
    assert read(url, demo.OWNERS[0]).endswith(b'"id":"1"}')


def test_every_break_is_tried_on_a_port():
    assert set(ON_PORT) == {"reset", "reset-headers", "reset-body", "cut-short", "trickle", "unending"}
