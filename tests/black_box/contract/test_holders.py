"""Holders of a mint: order, cursors, limits and refusals that every Photon must have (see `seed`).

Ties above 2^53 need PostgreSQL: SQLite keeps amounts as floats.
"""

import base58
import httpx
import pytest

import helius_frames
from tests.black_box.contract import seed
from tests.black_box.contract.photon_client import HOLDERS
from tests.support.addresses import key_bytes
from tests.support.frames import rows_of

INVALID_PARAMS, CALL_FAILED = -32602, -32000
LOWEST, HIGHEST = bytes(32), b"\xff" * 32
ALL = tuple(seed.HOLDERS)


def rows_for(mint):
    """What the server must give for a mint: the largest balance first, equal ones by falling owner bytes."""
    rows = seed.HOLDERS.get(mint, {}).items()
    return sorted(rows, key=lambda row: (row[1], key_bytes(row[0])), reverse=True)


def cursor_at(balance, owner):
    return base58.b58encode(balance.to_bytes(8, "little") + owner).decode()


def ask(server, **params):
    reply = server.call(params, method=HOLDERS)
    assert reply.status_code == 200
    return reply.json()


def value(server, **params):
    return ask(server, **params)["result"]["value"]


def rows(server, **params):
    return [(item["owner"], item["balance"]) for item in value(server, **params)["items"]]


def walk(server, mint, limit):
    pages, cursor = [], {}
    while True:
        page = value(server, mint=mint, limit=limit, **cursor)
        pages.append([(item["owner"], item["balance"]) for item in page["items"]])
        if page["cursor"] is None:
            return pages
        cursor = {"cursor": page["cursor"]}


def test_a_reply_has_the_compact_layout(server):
    reply = server.call({"mint": seed.GONE, "limit": 1}, method=HOLDERS)
    slot = reply.json()["result"]["context"]["slot"]
    owner, _ = rows_for(seed.GONE)[0]
    cursor = cursor_at(0, key_bytes(owner))
    assert reply.text == (
        f'{{"jsonrpc":"2.0","result":{{"context":{{"slot":{slot}}},"value":{{"items":'
        f'[{{"owner":"{owner}","balance":0}}],"cursor":"{cursor}"}}}},"id":"1"}}'
    )


@pytest.mark.parametrize("mint", ALL)
@pytest.mark.parametrize("limit", [2, 333, 1000])
def test_a_walk_gives_every_holder_once_and_in_order(server, mint, limit):
    if limit == 2 and len(rows_for(mint)) > 100:
        pytest.skip("a thousand requests for nothing new")
    pages = walk(server, mint, limit)
    assert [row for page in pages for row in page] == rows_for(mint)
    assert all(len(page) == limit for page in pages[:-1])


def test_zeros_are_last_and_there(server):
    assert rows(server, mint=seed.GONE) == rows_for(seed.GONE)
    assert [balance for _, balance in rows(server, mint=seed.AMOUNTS)][-1] == 0


@pytest.mark.parametrize("mint", [seed.HUGE, seed.HALF])
def test_amounts_of_2_to_the_63_and_more_are_exact(server, mint):
    assert rows(server, mint=mint) == rows_for(mint)
    assert rows(server, mint=mint, limit=2) == rows_for(mint)[:2]


@pytest.mark.parametrize(("limit", "sizes"), [(1000, [1000, 0]), (500, [500, 500, 0]), (999, [999, 1])])
def test_a_full_page_carries_a_cursor_also_when_nothing_follows(server, limit, sizes):
    assert [len(page) for page in walk(server, seed.FULL_PAGE, limit)] == sizes


def test_the_cursor_is_the_place_of_the_last_holder(server):
    owner, balance = rows_for(seed.MIXED)[9]
    assert value(server, mint=seed.MIXED, limit=10)["cursor"] == cursor_at(balance, key_bytes(owner))


@pytest.mark.parametrize("mint", [seed.MIXED, seed.TIED, seed.AMOUNTS])
@pytest.mark.parametrize(
    "owner", [LOWEST, b"\x7f" + HIGHEST[1:], HIGHEST], ids=["lowest", "middle", "highest"]
)
@pytest.mark.parametrize("balance", [0, 1, 10**9 - 1, 10**9, 2**53, 2**53 + 1, 2**63 - 1])
def test_any_40_bytes_below_2_to_the_63_are_a_cursor(server, mint, owner, balance):
    below = [row for row in rows_for(mint) if (row[1], key_bytes(row[0])) < (balance, owner)]
    assert rows(server, mint=mint, cursor=cursor_at(balance, owner)) == below[:1000]


@pytest.mark.parametrize("balance", [2**63, 2**64 - 1])
def test_a_cursor_of_2_to_the_63_and_more_breaks_the_connection(server, balance):
    with pytest.raises(httpx.HTTPError):
        server.call({"mint": seed.HUGE, "cursor": cursor_at(balance, LOWEST)}, method=HOLDERS)
    assert rows(server, mint=seed.GONE) == rows_for(seed.GONE)  # the server goes on


def test_limit_0_answers_no_items_and_no_cursor(server):
    assert value(server, mint=seed.MIXED, limit=0) == {"items": [], "cursor": None}


def test_the_limit_defaults_to_1000(server):
    assert value(server, mint=seed.MIXED) == value(server, mint=seed.MIXED, limit=1000)


def test_a_mint_nobody_knows_has_no_holders(server):
    assert value(server, mint=seed.NOBODYS) == {"items": [], "cursor": None}
    assert value(server, mint=seed.NOBODYS, cursor=cursor_at(5, LOWEST)) == {"items": [], "cursor": None}


@pytest.mark.parametrize("size", [0, 32, 39, 41])
def test_a_cursor_that_is_not_40_bytes_is_refused(server, size):
    said = f"Validation Error: Invalid cursor length. Expected 40. Received {size}."
    cursor = base58.b58encode(b"\x07" * size).decode()
    assert ask(server, mint=seed.MIXED, cursor=cursor)["error"] == {"code": CALL_FAILED, "message": said}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "missing field `mint`"),
        ({"mint": seed.TIED, "owner": seed.ONE}, "unknown field `owner`, expected one of `mint`, `cursor`"),
        ({"mint": 5}, "invalid type: integer `5`, expected a base58 encoded string"),
        ({"mint": "abc"}, "String is the wrong size"),
        ({"mint": "0OIl"}, "Invalid Base58 string"),
        ({"mint": seed.TIED, "cursor": 5}, "invalid type: integer `5`, expected a string"),
        ({"mint": seed.TIED, "cursor": "0OIl"}, "provided string contained invalid character"),
        ({"mint": seed.TIED, "limit": 1001}, "integer `1001`, expected a value less than or equal to 1000"),
        ({"mint": seed.TIED, "limit": -1}, "invalid value: integer `-1`, expected u64"),
        ([seed.TIED], "invalid length 1, expected struct"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(server, params, said):
    error = server.call(params, method=HOLDERS).json()["error"]
    assert error["code"] == INVALID_PARAMS
    assert said in error["message"]


@pytest.mark.parametrize("max_concurrency", [1, 16])
@pytest.mark.parametrize("page_size", [1000, 97])
def test_our_reader_gives_what_the_server_was_seeded_with(server, page_size, max_concurrency):
    frame = helius_frames.read_helius_holders(
        [*ALL, seed.NOBODYS],
        endpoint=server.url,
        page_size=page_size,
        max_concurrency=max_concurrency,
        requests_per_second=1e4,
        progress=False,
    )
    assert rows_of(frame) == [(owner, mint, balance) for mint in ALL for owner, balance in rows_for(mint)]
    assert frame["mint"].cat.categories.tolist() == [*ALL, seed.NOBODYS]
    assert (frame["slot"] >= seed.SLOT).all()
