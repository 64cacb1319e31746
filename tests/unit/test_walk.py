import asyncio
import json

import numpy as np
import pytest

from helius_frames._protocol import pubkey
from helius_frames._walk import Asker, Guard, KeyWalk, MintsWalk, join
from helius_frames._wire import METHOD_V1, METHOD_V2, Page
from helius_frames.demo import Holdings, Indexer
from helius_frames.errors import CursorError, ProtocolError, RequestTimeout, RPCError
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.direct_call import DirectCall, aligned_rows, aligned_rows_held
from tests.support.servers import ForgetfulServer


def holdings_of(mints, seed=0):
    return Holdings.uniform(1, mints, mints, seed) if mints else Holdings.from_dict({"1" * 32: {}})


def walk(indexer, *, page_size=10, is_wide=True, emit=None):
    """Walk the indexer's only owner with one walker; returns the walk and the line it used."""
    owner = next(iter(indexer.holdings.to_dict()))
    line = DirectCall(indexer)
    reading = KeyWalk(Asker(line, page_size), owner, is_wide=is_wide, emit=emit)
    asyncio.run(reading.start())
    return reading, line


def walk_in_parts(indexer, cuts, *, page_size=10):
    """Walk with so many helpers, each of which cuts the walk once after the first page."""
    owner = next(iter(indexer.holdings.to_dict()))
    line = DirectCall(indexer)
    reading = KeyWalk(Asker(line, page_size), owner)

    async def run():
        base = asyncio.create_task(reading.start())
        while not base.done() and not reading.pages_left():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        helpers = [reading.walk(reading.cut()) for _ in range(cuts) if reading.pages_left()]
        await asyncio.gather(base, *helpers)

    asyncio.run(run())
    return reading, line


@pytest.mark.parametrize("mints", [0, 1, 9, 10, 11, 30, 95])
def test_a_walk_reads_what_the_indexer_holds(mints):
    holdings = holdings_of(mints)
    reading, line = walk(Indexer(holdings))
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)
    assert len(line.bodies) == mints // 10 + 1


@pytest.mark.parametrize("fault", ["empty-page", "short-page"])
def test_an_empty_or_short_page_with_a_cursor_is_not_the_end(fault):
    holdings = holdings_of(35)
    reading, _ = walk(FaultyIndexer(holdings, faults=[FaultRule(fault, page=2, times=1)]))
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)


def test_the_first_request_carries_no_cursor_and_no_mint():
    _, line = walk(Indexer(holdings_of(3)))
    assert json.loads(line.bodies[0])["params"] == {
        "owner": next(iter(holdings_of(3).to_dict())),
        "limit": 10,
    }


def test_a_cursor_that_repeats_names_owner_and_page():
    with pytest.raises(CursorError, match="came twice") as caught:
        walk(FaultyIndexer(holdings_of(50), faults=[FaultRule("cursor-loops")]))
    assert caught.value.owner == next(iter(holdings_of(50).to_dict()))
    assert caught.value.page >= 2


@pytest.mark.parametrize("fault", ["mint-twice", "mint-again"])
def test_a_mint_that_repeats_within_an_owner_is_an_error(fault):
    with pytest.raises(ProtocolError) as caught:
        walk(FaultyIndexer(holdings_of(50), faults=[FaultRule(fault, page=2)]))
    assert caught.value.owner is not None


def test_an_owner_asked_in_parts_gives_the_rows_of_the_plain_walk():
    holdings = holdings_of(400)
    reading, line = walk_in_parts(Indexer(holdings), cuts=7)
    assert len(reading.spans) > 4
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)
    assert len(line.bodies) <= 41 + len(reading.spans)


def test_cursors_made_for_an_uneven_key_space_give_the_same_rows():
    holdings = Holdings.skewed(1, 400, 400, seed=3)
    reading, _ = walk_in_parts(Indexer(holdings), cuts=7)
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_a_server_with_opaque_cursors_is_walked_plainly(cursor):
    holdings = holdings_of(60)
    reading, line = walk_in_parts(Indexer(holdings, cursor=cursor), cuts=3)
    assert len(reading.spans) == 1
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)
    assert len(line.bodies) == 7


def test_a_server_that_answers_made_cursors_with_nothing_loses_no_rows():
    holdings = holdings_of(200)
    owner = next(iter(holdings.to_dict()))
    server = DirectCall(ForgetfulServer(Indexer(holdings)))
    reading = KeyWalk(Asker(server, 10), owner)

    async def run():
        base = asyncio.create_task(reading.start())
        while not reading.pages_left():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        await asyncio.gather(base, reading.walk(reading.cut()))

    asyncio.run(run())
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, owner)


class LateFault:
    """A server that refuses made cursors, and times out on a page that was under way when it did."""

    def __init__(self, indexer):
        self._line = DirectCall(indexer)
        self._ends = set(indexer.holdings.mint_texts)
        self._refused = asyncio.Event()
        self.is_late = False

    async def __call__(self, body):
        cursor = json.loads(body)["params"].get("cursor")
        if cursor is not None and cursor not in self._ends:
            self._refused.set()
            raise RPCError("refused", code=-32602)
        if cursor is not None and not self.is_late:
            self.is_late = True
            await self._refused.wait()
            raise RequestTimeout("late")
        return await self._line(body)


def test_a_fault_that_comes_when_its_span_was_given_up_is_none():
    holdings = holdings_of(200)
    owner = next(iter(holdings.to_dict()))
    server = LateFault(Indexer(holdings))
    reading = KeyWalk(Asker(server, 10), owner)

    async def run():
        base = asyncio.create_task(reading.start())
        while not reading.pages_left():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        await asyncio.gather(base, reading.walk(reading.cut()))

    asyncio.run(run())
    assert server.is_late
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, owner)


def test_pages_out_of_order_come_back_in_order():
    holdings = holdings_of(35)
    reading, _ = walk(FaultyIndexer(holdings, cursor="opaque", faults=[FaultRule("out-of-order")]))
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)


def test_v2_unknown_goes_on_with_v1_for_the_rest_of_the_pull():
    holdings = holdings_of(25)
    reading, line = walk(Indexer(holdings, version="v1"))
    methods = [json.loads(body)["method"] for body in line.bodies]
    assert methods == [METHOD_V2, METHOD_V1, METHOD_V1, METHOD_V1]
    assert aligned_rows(reading.rows()) == aligned_rows_held(holdings, reading.owner)


def test_a_server_that_knows_neither_method_says_so():
    async def knows_nothing(_body):
        raise RPCError("Method not found", code=-32601)

    with pytest.raises(RPCError) as caught:
        asyncio.run(KeyWalk(Asker(knows_nothing, 10), "1" * 32).start())
    assert (caught.value.code, caught.value.owner, caught.value.page) == (-32601, "1" * 32, 1)


def test_the_published_example_ends_after_one_request():
    holdings = holdings_of(5)
    owner, rows = next(iter(holdings.to_dict().items()))
    mint = min(rows, key=pubkey.parse)
    line = DirectCall(Indexer(holdings))
    reading = MintsWalk(Asker(line, 1), owner, [mint])
    asyncio.run(reading.start())
    assert aligned_rows(reading.rows()) == [(pubkey.aligned(mint), rows[mint])]
    assert len(line.bodies) == 1


def wanted_walk(indexer, wanted, *, page_size=10):
    owner = next(iter(indexer.holdings.to_dict()))
    line = DirectCall(indexer)
    reading = MintsWalk(Asker(line, page_size), owner, wanted)
    asyncio.run(reading.start())
    return reading, line


@pytest.mark.parametrize("step", [1, 3, 17, 60])
def test_several_mints_cost_no_more_requests_than_mints_nor_than_pages(step):
    holdings = holdings_of(100)
    owner, rows = next(iter(holdings.to_dict().items()))
    wanted = sorted(rows, key=pubkey.parse)[::step]
    reading, line = wanted_walk(Indexer(holdings), wanted)
    assert aligned_rows(reading.rows()) == [
        row for row in aligned_rows_held(holdings, owner) if row[0] in set(map(pubkey.aligned, wanted))
    ]
    assert len(line.bodies) <= min(len(wanted), 11)


def test_wanted_mints_that_the_owner_does_not_hold_have_no_rows():
    absent = [pubkey.encode(bytes([n]) * 32) for n in (0, 1, 128, 255)]
    reading, line = wanted_walk(Indexer(holdings_of(30)), absent)
    assert len(reading.rows()) == 0
    assert len(line.bodies) <= 4


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_several_mints_are_right_on_a_server_with_opaque_cursors(cursor):
    holdings = holdings_of(100)
    owner, rows = next(iter(holdings.to_dict().items()))
    wanted = sorted(rows, key=pubkey.parse)[5::20]
    reading, _ = wanted_walk(Indexer(holdings, cursor=cursor), wanted)
    assert aligned_rows(reading.rows()) == [
        row for row in aligned_rows_held(holdings, owner) if row[0] in set(map(pubkey.aligned, wanted))
    ]


def test_a_mint_filter_answered_with_another_mint_is_an_error():
    holdings = holdings_of(3)
    other = pubkey.encode(bytes(range(32)))

    class Deaf(DirectCall):
        async def __call__(self, body):
            question = json.loads(body)
            del question["params"]["mint"]
            return await super().__call__(json.dumps(question).encode())

    reading = MintsWalk(Asker(Deaf(Indexer(holdings)), 10), next(iter(holdings.to_dict())), [other])
    with pytest.raises(ProtocolError, match="of others came"):
        asyncio.run(reading.start())


def page_of(numbers, cursor=None, slot=7):
    texts = [pubkey.encode(number.to_bytes(32, "big")) for number in numbers]
    keys = pubkey.align_texts(texts)
    return Page(keys, np.array(numbers, dtype=np.uint64), slot, cursor)


def test_the_guard_lets_distinct_pages_pass_in_any_order():
    guard = Guard("owner")
    first, second = page_of([5, 9], "a"), page_of([1, 3], "b")
    guard.check(first, 1, [])
    assert guard.is_sorted
    guard.check(second, 2, [first])
    assert not guard.is_sorted
    guard.check(page_of([7]), 3, [first, second])


def test_the_guard_finds_a_mint_that_repeats_pages_later():
    guard = Guard("owner")
    pages = [page_of([5, 9], "a"), page_of([1, 3], "b")]
    for number, page in enumerate(pages):
        guard.check(page, number + 1, pages[:number])
    with pytest.raises(CursorError, match="came twice"):
        guard.check(page_of([9]), 3, pages)


def test_the_guard_ends_a_walk_of_empty_pages():
    guard = Guard("owner")

    def walk_on():
        for number in range(1000):
            guard.check(page_of([], f"cursor{number}"), number + 1, [])

    with pytest.raises(ProtocolError, match="looping"):
        walk_on()


def test_joined_rows_are_sorted_and_keep_their_slots():
    rows = join([page_of([5, 9], slot=7), page_of([1], slot=8)])
    assert rows.mints.tolist() == page_of([1, 5, 9]).mints.tolist()
    assert rows.slots.repeat(rows.runs).tolist() == [8, 7, 7]
