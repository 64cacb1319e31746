import asyncio

import pytest

from helius_frames._schedule import PASSES_MAX, Orders, Schedule
from helius_frames._walk import Asker
from helius_frames.demo import Holdings, Indexer
from helius_frames.errors import AuthenticationError, HeliusErrorGroup, RPCError
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.direct_call import CollectingSink, DirectCall, aligned_rows, aligned_rows_held


def pull(indexer, owners=None, *, spare=True, line=None, **orders):
    owners = list(indexer.holdings.to_dict()) if owners is None else owners
    line = line or DirectCall(indexer)
    sink = CollectingSink()
    settled = Orders(**{"page_size": 10, **orders})

    async def run():
        schedule = Schedule(Asker(line, settled.page_size), owners, settled, sink, has_spare=lambda: spare)
        await schedule.run()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others, "workers are left over"

    asyncio.run(run())
    return owners, sink, line


def assert_whole(holdings, owners, sink):
    assert sorted(sink.rows) == list(range(len(owners)))
    for index, owner in enumerate(owners):
        assert aligned_rows(sink.rows[index]) == aligned_rows_held(holdings, owner)


@pytest.mark.parametrize("concurrency", [1, 2, 16])
def test_every_owner_is_read_whole(concurrency):
    holdings = Holdings.uniform(40, 25, 60, seed=1)
    owners, sink, _ = pull(Indexer(holdings), max_concurrency=concurrency)
    assert_whole(holdings, owners, sink)


def test_no_owner_means_no_request():
    _, sink, line = pull(Indexer(Holdings.uniform(1, 1, 1)), owners=[])
    assert (sink.rows, line.bodies) == ({}, [])


class Crowd(DirectCall):
    """Counts how many requests are under way at once, and how many tasks there are."""

    def __init__(self, indexer):
        super().__init__(indexer)
        self.now = self.most = self.tasks = 0

    async def __call__(self, body):
        self.now += 1
        self.most = max(self.most, self.now)
        if not len(self.bodies) % 500:
            self.tasks = max(self.tasks, len(asyncio.all_tasks()))
        try:
            await asyncio.sleep(0)
            return await super().__call__(body)
        finally:
            self.now -= 1


@pytest.mark.slow
def test_twenty_thousand_owners_are_not_twenty_thousand_tasks():
    indexer = Indexer(Holdings.uniform(1, 1, 1))
    owner = next(iter(indexer.holdings.to_dict()))
    crowd = Crowd(indexer)
    _, sink, _ = pull(indexer, owners=[owner] * 20_000, line=crowd, max_concurrency=16)
    assert len(sink.rows) == 20_000
    assert crowd.most == 16
    assert crowd.tasks <= 18


def test_idle_workers_help_with_a_long_walk():
    holdings = Holdings.uniform(1, 1000, 1000, seed=2)
    indexer = Indexer(holdings)
    crowd = Crowd(indexer)
    owners, sink, line = pull(indexer, line=crowd, max_concurrency=8)
    assert_whole(holdings, owners, sink)
    assert crowd.most == 8
    assert len(line.bodies) <= 101 * 1.1


def test_where_the_rate_binds_the_walk_is_plain_and_wastes_nothing():
    holdings = Holdings.uniform(1, 1000, 1000, seed=2)
    owners, sink, line = pull(Indexer(holdings), spare=False)
    assert_whole(holdings, owners, sink)
    assert len(line.bodies) == 101


def test_an_uneven_key_space_costs_little_more_than_the_plain_walk():
    holdings = Holdings.skewed(1, 2000, 2000, seed=4)
    owners, sink, line = pull(Indexer(holdings))
    assert_whole(holdings, owners, sink)
    assert len(line.bodies) <= 201 * 1.25


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_helpers_do_no_harm_where_cursors_are_opaque(cursor):
    holdings = Holdings.uniform(3, 100, 300, seed=5)
    owners, sink, _ = pull(Indexer(holdings, cursor=cursor))
    assert_whole(holdings, owners, sink)


def test_the_first_fault_ends_the_pull():
    indexer = FaultyIndexer(Holdings.uniform(50, 5, 50), faults=[FaultRule("rpc-32000", request=7)])
    with pytest.raises(RPCError) as caught:
        pull(indexer, max_concurrency=1)
    assert caught.value.owner == list(indexer.holdings.to_dict())[6]
    assert indexer.reads == 7


def test_faults_that_come_at_once_come_as_a_group():
    class Broken:
        async def __call__(self, _body):
            await asyncio.sleep(0)
            raise RPCError("out of order", code=-32000)

    with pytest.raises(HeliusErrorGroup) as caught:
        pull(Indexer(Holdings.uniform(4, 1, 4)), line=Broken(), max_concurrency=4)
    assert 2 <= len(caught.value.exceptions) <= 4
    assert len({fault.owner for fault in caught.value.exceptions}) == len(caught.value.exceptions)


def test_collecting_leaves_the_other_owners_whole():
    holdings = Holdings.uniform(20, 25, 60, seed=1)
    owners = list(holdings.to_dict())
    faults = [FaultRule("rpc-32000", owner=owners[3], page=2), FaultRule("html", owner=owners[9])]
    _, sink, _ = pull(FaultyIndexer(holdings, faults=faults), is_collecting=True)
    assert {owners[index] for index in sink.errors} == {owners[3], owners[9]}
    for index in sink.rows:
        assert aligned_rows(sink.rows[index]) == aligned_rows_held(holdings, owners[index])
    assert len(sink.rows) == 18


def test_a_wrong_key_ends_a_collecting_pull_too():
    indexer = FaultyIndexer(Holdings.uniform(20, 1, 20), faults=[FaultRule("401-json", request=5)])
    with pytest.raises(AuthenticationError):
        pull(indexer, is_collecting=True, max_concurrency=1)


def test_a_failing_part_of_a_wide_walk_fails_its_owner_once():
    holdings = Holdings.uniform(1, 500, 500, seed=2)
    indexer = FaultyIndexer(holdings, faults=[FaultRule("html", page=30)])
    _, sink, _ = pull(indexer, is_collecting=True)
    assert list(sink.errors) == [0]
    assert not sink.rows


def moving(holdings_by_read, **options):
    """An indexer whose holdings change before the given reads."""
    indexer = Indexer(holdings_by_read[0], **options)

    def change(read_number):
        if read_number in holdings_by_read:
            indexer.holdings = holdings_by_read[read_number]

    indexer._on_read = change
    return indexer


def test_stable_reads_until_two_passes_agree():
    first = Holdings.uniform(1, 25, 25, seed=1)
    owner, rows = next(iter(first.to_dict().items()))
    later = Holdings.from_dict({owner: {mint: balance + 1 for mint, balance in rows.items()}})
    owners, sink, line = pull(moving({0: first, 4: later}), owners=[owner], is_stable=True, max_concurrency=1)
    assert_whole(later, owners, sink)
    assert len(line.bodies) == 9
    assert not sink.unstable


def test_stable_costs_nothing_for_owners_of_one_page():
    _, _, line = pull(Indexer(Holdings.uniform(10, 5, 20)), is_stable=True)
    assert len(line.bodies) == 10


def test_an_owner_that_never_holds_still_is_listed():
    base = Holdings.uniform(1, 15, 15, seed=1)
    owner, rows = next(iter(base.to_dict().items()))
    states = {
        number: Holdings.from_dict({owner: {mint: balance // 2 + number for mint, balance in rows.items()}})
        for number in range(40)
    }
    _, sink, line = pull(moving(states), owners=[owner], is_stable=True, max_concurrency=1)
    assert sink.unstable == {0}
    assert len(line.bodies) == 2 * PASSES_MAX
