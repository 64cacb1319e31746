"""One page: by which method, under which id, counted, and where its errors say they happened."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from helius_frames._protocol import balances
from helius_frames._protocol.balances import METHODS
from helius_frames._pull.fetch import PageFetcher
from helius_frames.demo import Holdings, Indexer
from helius_frames.errors import (
    AuthenticationError,
    HostUnreachableError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    RPCError,
    TransportError,
)
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.clients import scripted_client
from tests.support.pages import mint_at, pairs, pairs_held
from tests.support.servers import ScriptedServer, page_body
from tests.support.walks import Calls, fetching

OWNER = "1" * 32
HOLDINGS = Holdings.uniform(1, 25, 25, seed=1)
(HOLDER,) = HOLDINGS.owners


def page_reply(call, count, cursor=None):
    return 200, [], page_body(call, [(mint_at(n), n) for n in range(count)], cursor)


def test_a_page_is_asked_for_by_owner_and_limit_and_by_what_else_is_set():
    calls = Calls(Indexer(HOLDINGS))

    async def talk(fetcher):
        first = await fetcher.fetch(HOLDER, 1)
        await fetcher.fetch(HOLDER, 2, cursor=first.cursor)
        await fetcher.fetch(HOLDER, 3, mint=first.cursor, limit=1)
        return first, fetcher

    page, fetcher = fetching(calls, talk)
    assert pairs(page) == pairs_held(HOLDINGS, HOLDER)[:10]
    assert calls.params == [
        {"owner": HOLDER, "limit": 10},
        {"owner": HOLDER, "limit": 10, "cursor": page.cursor},
        {"owner": HOLDER, "limit": 1, "mint": page.cursor},
    ]
    assert {call["method"] for call in calls.calls} == {METHODS[0]}
    assert fetcher._client.progress.pages == 3


def test_a_page_of_a_mints_holders_names_the_mint():
    calls = Calls(ScriptedServer(lambda _call: (200, [], b'{"error":{"code":-32000}}')))

    async def talk(fetcher):
        other = PageFetcher(fetcher._client, ("m",), balances.parse_page, 10, "mint")
        with pytest.raises(RPCError) as caught:
            await other.fetch(OWNER, 3)
        return caught.value

    error = fetching(calls, talk)
    assert calls.params == [{"mint": OWNER, "limit": 10}]
    assert (error.owner, error.mint, error.page) == (None, OWNER, 3)


def test_a_page_is_told_when_it_has_arrived():
    seen = []

    async def talk(fetcher):
        fetcher.on_page = lambda: seen.append(fetcher._client.progress.pages)
        await fetcher.fetch(HOLDER, 1)
        await fetcher.fetch(HOLDER, 2)

    fetching(Indexer(HOLDINGS), talk)
    assert seen == [1, 2]


# Methods


def test_a_server_that_does_not_know_v2_is_asked_by_v1_from_then_on():
    calls = Calls(Indexer(HOLDINGS, version="v1"))

    async def talk(fetcher):
        for number in (1, 2, 3):
            assert len(await fetcher.fetch(HOLDER, number)) == 10
        return fetcher.method, fetcher._client.progress

    method, progress = fetching(calls, talk)
    assert [call["method"] for call in calls.calls] == [METHODS[0], METHODS[1], METHODS[1], METHODS[1]]
    assert method == METHODS[1]
    assert (progress.requests, progress.pages, progress.retries) == (4, 3, 0)


def test_a_server_that_knows_no_method_says_so():
    calls = Calls(ScriptedServer(lambda _call: (200, [], b'{"error":{"code":-32601,"message":"no"}}')))

    async def talk(fetcher):
        with pytest.raises(RPCError, match="does not serve the method") as caught:
            await fetcher.fetch(OWNER, 1)
        return caught.value

    error = fetching(calls, talk)
    assert [call["method"] for call in calls.calls] == list(METHODS)
    assert (error.code, error.owner, error.page) == (-32601, OWNER, 1)


# Ids


def ids_of(pulls):
    calls = Calls(Indexer(HOLDINGS))

    async def talk(fetcher):
        for number in (1, 2):
            await fetcher.fetch(HOLDER, number)

    for _ in range(pulls):
        fetching(calls, talk)
    return [call["id"] for call in calls.calls]


def test_no_two_requests_of_a_process_have_one_id():
    ids = ids_of(pulls=5)
    assert len(set(ids)) == len(ids) == 10
    assert len({text.partition(".")[0] for text in ids}) == 5


def test_a_reply_of_another_pull_does_not_pass():
    replies = []

    def answer(call):
        replies.append(page_reply(call, 3))
        return replies[0]

    async def talk(fetcher):
        return await fetcher.fetch(OWNER, 1)

    assert len(fetching(ScriptedServer(answer), talk)) == 3
    with pytest.raises(ProtocolError, match="its id must be"):
        fetching(ScriptedServer(answer), talk)


# Pages that are too long


@pytest.mark.parametrize("count", [11, 1000])
def test_a_page_of_more_rows_than_asked_for_is_an_error(count):
    async def talk(fetcher):
        await fetcher.fetch(OWNER, 4)

    with pytest.raises(ProtocolError, match=f"returned {count:,} rows, at most 10 were asked for") as caught:
        fetching(ScriptedServer(lambda call: page_reply(call, count)), talk)
    assert (caught.value.owner, caught.value.page) == (OWNER, 4)


def test_of_one_mint_one_row_is_asked_for():
    async def talk(fetcher):
        await fetcher.fetch(OWNER, 1, mint=mint_at(1), limit=1)

    with pytest.raises(ProtocolError, match="returned 2 rows, at most 1"):
        fetching(ScriptedServer(lambda call: page_reply(call, 2)), talk)


def test_a_page_that_is_too_long_by_a_mint_that_comes_twice_is_left_to_the_walk():
    def answer(call):
        return 200, [], page_body(call, [(mint_at(n % 10), n) for n in range(11)])

    async def talk(fetcher):
        return await fetcher.fetch(OWNER, 1)

    assert len(fetching(ScriptedServer(answer), talk)) == 11


# Errors


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rpc-32000", RPCError),
        ("html", ProtocolError),
        ("503-json", RPCError),
        ("429-seconds", RateLimitError),
    ],
)
def test_an_error_names_owner_and_page(fault, kind):
    async def talk(fetcher):
        await fetcher.fetch(HOLDER, 7)

    with pytest.raises(kind) as caught:
        fetching(FaultyIndexer(HOLDINGS, faults=[FaultRule(fault)]), talk)
    assert (caught.value.owner, caught.value.page) == (HOLDER, 7)
    assert str(caught.value).startswith(f"owner '{HOLDER}', page 7: ")


@pytest.mark.parametrize(
    ("reply", "kind", "is_named"),
    [
        ((401, b"no"), AuthenticationError, False),
        ((403, b"no"), AuthenticationError, False),
        (httpx.ConnectError("refused"), HostUnreachableError, False),
        (httpx.ReadError("reset"), TransportError, True),
        (TimeoutError(), RequestTimeout, True),
    ],
)
def test_an_error_that_concerns_every_owner_names_none(reply, kind, is_named):
    client, *_ = scripted_client(reply, retries=0)

    async def main():
        async with client:
            await PageFetcher(client, METHODS, balances.parse_page, 10).fetch(OWNER, 1)

    with pytest.raises(kind) as caught:
        asyncio.run(main())
    assert type(caught.value) is kind
    assert (caught.value.owner is not None) is is_named
    assert (OWNER in str(caught.value)) is is_named


def test_no_page_is_counted_where_none_came():
    client, *_ = scripted_client((503, b""), retries=2)

    async def main():
        async with client:
            with pytest.raises(RPCError):
                await PageFetcher(client, METHODS, balances.parse_page, 10).fetch(OWNER, 1)

    asyncio.run(main())
    assert (client.progress.pages, client.progress.requests) == (0, 3)
