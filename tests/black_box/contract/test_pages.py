"""Pages, cursors, limits, filters and slots: what every Photon must answer (see `seed` for the holdings)."""

import random

import pytest

from tests.black_box.contract import seed
from tests.black_box.contract.photon_client import V1, V2
from tests.support.addresses import address_at, key_bytes, position_of


def rows_of(owner):
    """What the server must give for an owner: ascending by the bytes of the mint."""
    return sorted(seed.HELD[owner].items(), key=lambda row: key_bytes(row[0]))


def mints_of(owner):
    return [mint for mint, _ in rows_of(owner)]


def test_a_reply_has_the_compact_layout(server):
    (row,) = rows_of(seed.ONE)
    reply = server.call({"owner": seed.ONE})
    slot = reply.json()["result"]["context"]["slot"]
    assert reply.text == (
        f'{{"jsonrpc":"2.0","result":{{"context":{{"slot":{slot}}},"value":{{"items":'
        f'[{{"mint":"{row[0]}","balance":{row[1]}}}],"cursor":null}}}},"id":"1"}}'
    )
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


def test_balances_are_json_numbers_exact_over_the_whole_u64_range(server):
    rows = server.rows(owner=seed.EXTREMES)
    assert rows == rows_of(seed.EXTREMES)
    assert sorted(balance for _, balance in rows) == list(seed.BALANCES)
    assert '"balance":18446744073709551615}' in server.call({"owner": seed.EXTREMES}).text


def test_zeros_are_rows(server):
    assert server.rows(owner=seed.SPENT) == rows_of(seed.SPENT)
    assert {balance for _, balance in rows_of(seed.SPENT)} == {0}


def test_items_ascend_by_the_bytes_of_the_mint_not_by_its_text(server):
    rows = server.rows(owner=seed.EDGES)
    assert rows == rows_of(seed.EDGES)
    assert [mint for mint, _ in rows] != sorted(mint for mint, _ in rows)


@pytest.mark.parametrize("limit", [1, 2, 5, 12])
def test_the_next_page_begins_after_the_cursor_at_both_ends_of_the_key_space(server, limit):
    pages = server.walk(seed.EDGES, limit)
    assert [row for page in pages for row in page] == rows_of(seed.EDGES)
    assert {len(page) for page in pages[:-1]} == {limit}


def test_the_cursor_is_the_last_mint_of_the_page(server):
    page = server.value(owner=seed.WIDE, limit=10)
    assert page["cursor"] == page["items"][-1]["mint"] == mints_of(seed.WIDE)[9]


def test_the_limit_defaults_to_1000(server):
    assert server.value(owner=seed.WIDE) == server.value(owner=seed.WIDE, limit=1000)
    assert len(server.value(owner=seed.WIDE)["items"]) == 1000


@pytest.mark.parametrize("limit", [400, 1000])
@pytest.mark.parametrize("owner", [seed.WIDE, seed.CROWDED])
def test_a_walk_gives_every_row_once(server, owner, limit):
    assert [row for page in server.walk(owner, limit) for row in page] == rows_of(owner)


@pytest.mark.parametrize(
    ("owner", "limit", "sizes"),
    [
        (seed.FULL, 1000, [1000, 0]),
        (seed.FULL, 500, [500, 500, 0]),
        (seed.WIDE, 1000, [1000, 1000, 1000, 0]),
        (seed.ONE, 1, [1, 0]),
        (seed.ONE, 2, [1]),
        (seed.EMPTY, 1000, [0]),
    ],
)
def test_a_full_page_carries_a_cursor_also_when_nothing_follows(server, owner, limit, sizes):
    assert [len(page) for page in server.walk(owner, limit)] == sizes


def test_limit_0_answers_no_items_and_no_cursor(server):
    assert server.value(owner=seed.WIDE, limit=0) == {"items": [], "cursor": None}


def test_any_32_bytes_are_a_cursor(server):
    mints = mints_of(seed.WIDE)
    for place in random.Random(5).sample(range(1000), 5):
        below = address_at(position_of(mints[place]) - 1)
        assert server.value(owner=seed.WIDE, cursor=below, limit=1)["items"][0]["mint"] == mints[place]


def test_the_lowest_cursor_leaves_out_the_lowest_key_alone(server):
    assert server.rows(owner=seed.EDGES, cursor=address_at(0)) == rows_of(seed.EDGES)[1:]


def test_nothing_follows_the_highest_cursor(server):
    assert server.value(owner=seed.EDGES, cursor=address_at(2**256 - 1)) == {"items": [], "cursor": None}
    assert server.rows(owner=seed.EDGES, cursor=address_at(2**256 - 2)) == rows_of(seed.EDGES)[-1:]


def test_an_owner_nobody_knows_has_no_rows(server):
    assert server.value(owner=seed.EMPTY) == {"items": [], "cursor": None}
    assert server.value(owner=seed.EMPTY, cursor=address_at(5), limit=3) == {"items": [], "cursor": None}


def test_with_a_mint_there_is_one_row(server):
    for mint, balance in rows_of(seed.EXTREMES):
        value = server.value(owner=seed.EXTREMES, mint=mint)
        assert value == {"items": [{"mint": mint, "balance": balance}], "cursor": None}


def test_with_a_mint_and_limit_1_the_page_is_full_so_it_has_a_cursor(server):
    mint, balance = rows_of(seed.EXTREMES)[3]
    value = server.value(owner=seed.EXTREMES, mint=mint, limit=1)
    assert value == {"items": [{"mint": mint, "balance": balance}], "cursor": mint}


def test_with_a_mint_and_its_cursor_the_row_comes_again_or_no_more(server):
    """The published crate ANDs both conditions, later commits ignore the cursor; a client must ask once."""
    mint = mints_of(seed.EXTREMES)[3]
    first = server.value(owner=seed.EXTREMES, mint=mint, limit=1)
    again = server.value(owner=seed.EXTREMES, mint=mint, limit=1, cursor=mint)
    assert again in (first, {"items": [], "cursor": None})


def test_with_a_mint_and_a_lower_cursor_both_kinds_of_server_give_the_row(server):
    lower, mint = mints_of(seed.EXTREMES)[2:4]
    page = server.value(owner=seed.EXTREMES, mint=mint, cursor=lower)
    assert [item["mint"] for item in page["items"]] == [mint]


def test_a_mint_that_is_not_held_gives_no_rows(server):
    nothing = {"items": [], "cursor": None}
    assert server.value(owner=seed.EXTREMES, mint=mints_of(seed.ONE)[0], limit=1) == nothing
    assert server.value(owner=seed.EMPTY, mint=mints_of(seed.ONE)[0]) == nothing


def test_null_stands_for_a_parameter_that_is_not_set(server):
    given = server.value(owner=seed.EXTREMES, mint=None, cursor=None, limit=None)
    assert given == server.value(owner=seed.EXTREMES)


def test_v1_names_the_list_token_balances(server):
    by_v1 = server.call({"owner": seed.WIDE, "limit": 7}, method=V1).json()["result"]["value"]
    by_v2 = server.call({"owner": seed.WIDE, "limit": 7}, method=V2).json()["result"]["value"]
    assert by_v1 == {"token_balances": by_v2["items"], "cursor": by_v2["cursor"]}


def test_the_slot_of_a_page_is_the_newest_one_indexed(server):
    slot = server.call(method="getIndexerSlot").json()["result"]
    assert slot >= seed.SLOT
    assert server.result(owner=seed.EMPTY)["context"] == {"slot": slot}
    assert server.result(owner=seed.WIDE, cursor=address_at(2**255))["context"] == {"slot": slot}
