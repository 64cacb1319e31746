"""Many walks at once: who is read when, who helps whom, and which error ends the pull."""

from __future__ import annotations

import asyncio
import json

import pytest

from helius_frames._options import resolve
from helius_frames._pull.owner_walk import OwnerWalk
from helius_frames._pull.rows import RowBuffer
from helius_frames._pull.scheduler import PASSES_MAX, Scheduler, ends_pull
from helius_frames._pull.stats import PullStats
from helius_frames.demo import OWNERS, Holdings, Indexer
from helius_frames.errors import (
    AuthenticationError,
    EndpointError,
    HeliusError,
    HostUnreachableError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    RPCError,
)
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.pages import mint_at, page_of, pairs, pairs_held
from tests.support.walks import Calls, KeepingSink, fetching


class Pulled:
    """What a pull by the scheduler left."""

    def __init__(self, owners):
        self.owners = owners
        self.sink = KeepingSink()
        self.stats = PullStats(resolve(owners, None, {"cluster": "demo"}))
        self.calls = None

    @property
    def rows(self):
        """The rows of each owner that was read, as plain values."""
        return {
            index: [pair for rows in parts for pair in pairs(rows)] for index, parts in self.sink.rows.items()
        }

    @property
    def failed(self):
        return {item["owner"] for item in json.loads(self.stats.failures())}

    def assert_whole(self, holdings):
        assert self.rows == {index: pairs_held(holdings, owner) for index, owner in enumerate(self.owners)}
        assert self.stats.finished == set(range(len(self.owners)))
        assert sorted(self.sink.closed) == list(range(len(self.owners)))


def pull(app, owners=None, *, has_spare=True, workers=16, is_stable=False, is_collecting=False, page_size=10):
    """Pull an indexer's owners; no task may be left over, and an error carries what was pulled."""
    pulled = Pulled(list(app.holdings.owners) if owners is None else owners)
    pulled.calls = Calls(app)

    async def talk(fetcher):
        scheduler = Scheduler(
            lambda index: OwnerWalk(fetcher, pulled.owners[index]),
            pulled.stats,
            pulled.sink,
            workers=workers,
            is_stable=is_stable,
            is_collecting=is_collecting,
            has_spare=lambda: has_spare,
        )
        fetcher.on_page = scheduler.changed.set
        try:
            await scheduler.run()
        except HeliusError as error:
            error.pulled = pulled
            raise
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    fetching(pulled.calls, talk, page_size)
    return pulled


# Every owner


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_every_owner_is_read_whole(workers):
    holdings = Holdings.uniform(40, 25, 60, seed=1)
    pulled = pull(Indexer(holdings), workers=workers)
    pulled.assert_whole(holdings)
    assert pulled.calls.most_in_flight <= workers
    progress = pulled.stats.progress
    assert (progress.done, progress.failed, progress.rows) == (40, 0, sum(map(len, pulled.rows.values())))


def test_no_owner_means_no_request():
    pulled = pull(Indexer(Holdings.uniform(1, 1, 1)), owners=[])
    assert (pulled.rows, pulled.calls.calls) == ({}, [])


def test_owners_begin_in_the_order_asked():
    holdings = Holdings.uniform(20, 5, 20)
    pulled = pull(Indexer(holdings), workers=3)
    assert [params["owner"] for params in pulled.calls.params] == pulled.owners


def test_thousands_of_owners_are_not_thousands_of_tasks():
    indexer = Indexer(Holdings.uniform(1, 1, 1))
    most = 0

    async def app(scope, receive, send):
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        await indexer(scope, receive, send)

    app.holdings = indexer.holdings
    pulled = pull(app, owners=[mint_at(number) for number in range(3000)], workers=16)
    assert len(pulled.rows) == 3000
    assert most <= 18


# Help


def test_idle_workers_help_with_a_long_walk():
    holdings = Holdings.uniform(1, 1000, 1000, seed=2)
    pulled = pull(Indexer(holdings), workers=8)
    pulled.assert_whole(holdings)
    assert pulled.calls.most_in_flight == 8
    assert len(pulled.calls.calls) <= 101 * 1.1


def test_where_the_rate_limit_binds_nobody_helps_and_no_request_is_wasted():
    holdings = Holdings.uniform(1, 1000, 1000, seed=2)
    pulled = pull(Indexer(holdings), has_spare=False)
    pulled.assert_whole(holdings)
    assert pulled.calls.most_in_flight == 1
    assert len(pulled.calls.calls) == 101


def test_an_uneven_key_space_costs_little_more_than_the_plain_walk():
    holdings = Holdings.skewed(1, 2000, 2000, seed=4)
    pulled = pull(Indexer(holdings))
    pulled.assert_whole(holdings)
    assert len(pulled.calls.calls) <= 201 * 1.25


@pytest.mark.parametrize("cursor", ["opaque", "opaque-lenient"])
def test_helpers_do_no_harm_where_cursors_are_opaque(cursor):
    holdings = Holdings.uniform(3, 100, 300, seed=5)
    pull(Indexer(holdings, cursor=cursor)).assert_whole(holdings)


class Walk:
    """A walk that does as it is told, and notes what happens to it."""

    def __init__(self, rows=(), error=None, left=0.0, requests=1, gate=None):
        self.requests = requests
        self.left = left
        self.helped = 0
        self.is_dropped = False
        self._rows, self._error, self._gate = rows, error, gate

    async def read(self):
        if self._gate is not None:
            await self._gate.wait()
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        buffer = RowBuffer()
        buffer.append(page_of(self._rows))
        self.left = 0.0
        return buffer.take_rows()

    async def help(self):
        self.helped += 1
        self.left -= 1
        await asyncio.sleep(0)

    def pages_left(self):
        return self.left

    def drop(self):
        self.is_dropped = True


def schedule(walks, *, workers=4, owners=None, is_collecting=False, is_stable=False, has_spare=lambda: True):
    """Schedule walks made by hand: one for each owner, or a function of the index."""
    pulled = Pulled(list(OWNERS[: len(walks)]) if owners is None else owners)
    make = walks if callable(walks) else walks.__getitem__

    async def main():
        scheduler = Scheduler(make, pulled.stats, pulled.sink, workers=workers, is_stable=is_stable,
                              is_collecting=is_collecting, has_spare=has_spare)  # fmt: skip
        try:
            await scheduler.run()
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    return pulled


def test_the_longest_walk_is_helped_first():
    async def main():
        gate = asyncio.Event()
        walks = [Walk(left=left, gate=gate) for left in (3.0, 9.0, 5.0)]
        pulled = Pulled(list(OWNERS[:3]))

        def has_spare():
            if sum(walk.helped for walk in walks) >= 8:
                gate.set()
            return not gate.is_set()

        scheduler = Scheduler(walks.__getitem__, pulled.stats, pulled.sink, workers=4, is_stable=False,
                              is_collecting=False, has_spare=has_spare)  # fmt: skip
        await scheduler.run()
        return [walk.helped for walk in walks]

    assert asyncio.run(main()) == [0, 6, 2]


def test_walks_that_have_not_begun_go_before_help():
    walks = [Walk(left=9.0), Walk(), Walk()]
    begun = []

    def make(index):
        begun.append((index, walks[0].helped))
        return walks[index]

    schedule(make, workers=1, owners=list(OWNERS[:3]))
    assert begun == [(0, 0), (1, 0), (2, 0)]


# Errors


def test_the_first_error_ends_the_pull():
    app = FaultyIndexer(Holdings.uniform(50, 5, 50), faults=[FaultRule("rpc-32000", request=7)])
    with pytest.raises(RPCError) as caught:
        pull(app, workers=1)
    assert caught.value.owner == app.holdings.owners[6]
    assert app.reads == 7
    assert caught.value.pulled.stats.finished == set(range(6))
    assert caught.value.pulled.stats.left() == app.holdings.owners[6:]
    assert caught.value.others == ()


def test_errors_in_flight_together_are_one_error_of_the_first_owner_with_the_others():
    errors = [RPCError(f"error {n}") for n in range(3)]
    with pytest.raises(RPCError) as caught:
        schedule([Walk(error=error) for error in errors], workers=3)
    assert caught.value is errors[0]
    assert caught.value.others == tuple(errors[1:])
    assert "(2 more failed at the same moment, see .others)" in str(caught.value)


def test_an_error_that_would_end_every_pull_goes_before_that_of_the_first_owner():
    of_owner, of_all = RPCError("one owner"), AuthenticationError("all")
    with pytest.raises(AuthenticationError) as caught:
        schedule(
            [Walk(error=of_owner), Walk(error=of_all), Walk(error=AuthenticationError("all"))], workers=3
        )
    assert caught.value is of_all
    assert caught.value.others == (of_owner,)  # that of the third says the same as the second


ENDS = [
    (AuthenticationError("x", status=401), True),
    (RateLimitError("x", status=429), True),
    (HostUnreachableError("x"), True),
    (EndpointError("x"), True),
    (RPCError("x", code=-32601), True),
    (RPCError("x", code=-32602), False),
    (RPCError("x", status=503), False),
    (ProtocolError("x"), False),
    (RequestTimeout("x"), False),
]


@pytest.mark.parametrize(("error", "is_end"), ENDS, ids=range(len(ENDS)))
def test_what_no_other_owner_would_fare_better_with_ends_a_collecting_pull_too(error, is_end):
    assert ends_pull(error) is is_end
    walks = [Walk([1]), Walk(error=error), Walk([2])]
    if is_end:
        with pytest.raises(type(error)):
            schedule(walks, is_collecting=True, workers=1)
    else:
        pulled = schedule(walks, is_collecting=True, workers=1)
        assert pulled.stats.finished == {0, 2}
        assert pulled.sink.closed == [0, 1, 2]
        assert pulled.failed == {OWNERS[1]}
        assert (pulled.stats.progress.done, pulled.stats.progress.failed) == (2, 1)
        assert pulled.stats.left() == (OWNERS[1],)


def test_collecting_leaves_the_other_owners_whole():
    holdings = Holdings.uniform(20, 25, 60, seed=1)
    owners = list(holdings.owners)
    faults = [FaultRule("rpc-32000", owner=owners[3], page=2), FaultRule("html", owner=owners[9])]
    pulled = pull(FaultyIndexer(holdings, faults=faults), is_collecting=True)
    assert pulled.failed == {owners[3], owners[9]}
    assert pulled.rows == {
        n: pairs_held(holdings, owner) for n, owner in enumerate(owners) if n not in (3, 9)
    }


def test_a_failing_part_of_a_parallel_walk_fails_its_owner_once():
    app = FaultyIndexer(Holdings.uniform(1, 500, 500, seed=2), faults=[FaultRule("html", page=30)])
    pulled = pull(app, is_collecting=True)
    assert pulled.failed == {app.holdings.owners[0]}
    assert pulled.rows == {}
    assert pulled.stats.progress.failed == 1


def test_a_walk_that_failed_is_dropped_and_what_its_helpers_bring_counts_for_nothing():
    walk = Walk(error=RPCError("x"), left=5.0)
    pulled = schedule([walk], is_collecting=True)
    assert walk.is_dropped
    assert pulled.sink.rows == {}
    assert pulled.sink.closed == [0]


def test_a_helper_that_fails_after_its_owner_did_is_not_a_second_failure():
    class BothFail(Walk):
        async def help(self):
            await super().help()
            await asyncio.sleep(0.01)
            raise RPCError("later")

    pulled = schedule([BothFail(error=RPCError("first"), left=5.0)], is_collecting=True)
    assert json.loads(pulled.stats.failures())[0]["message"] == "first"
    assert pulled.stats.progress.failed == 1
    assert pulled.sink.closed == [0]


def test_a_bug_in_a_walk_comes_out_as_it_is():
    with pytest.raises(ZeroDivisionError):
        schedule([Walk([1]), Walk(error=ZeroDivisionError())])


def test_a_sink_that_fails_ends_the_pull():
    class Broken(KeepingSink):
        async def add(self, _index, _rows):
            raise OSError("the disk is full")

    async def main():
        pulled = Pulled(list(OWNERS[:2]))
        await Scheduler(lambda _index: Walk([1]), pulled.stats, Broken(), workers=2, is_stable=False,
                        is_collecting=True, has_spare=lambda: True).run()  # fmt: skip

    with pytest.raises(OSError, match="disk"):
        asyncio.run(main())


def test_a_cancelled_pull_leaves_no_task():
    async def main():
        gate = asyncio.Event()
        pulled = Pulled(list(OWNERS[:3]))
        scheduler = Scheduler(lambda _index: Walk(gate=gate), pulled.stats, pulled.sink, workers=3,
                              is_stable=False, is_collecting=False, has_spare=lambda: True)  # fmt: skip
        task = asyncio.create_task(scheduler.run())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


# Stable passes


def moving(states, **options):
    """An indexer whose holdings change before the given reads."""

    def change(number):
        indexer.holdings = states.get(number, indexer.holdings)

    indexer = Indexer(states[0], on_read=change, **options)
    return indexer


def test_stable_reads_until_two_passes_agree():
    first = Holdings.uniform(1, 25, 25, seed=1)
    owner, rows = next(iter(first.to_dict().items()))
    later = Holdings.from_dict({owner: {mint: balance // 2 for mint, balance in rows.items()}})
    pulled = pull(moving({0: first, 4: later}), owners=[owner], is_stable=True, workers=1)
    pulled.assert_whole(later)
    assert len(pulled.calls.calls) == 9
    assert pulled.stats._unstable == []


def test_stable_costs_nothing_for_owners_of_one_page():
    pulled = pull(Indexer(Holdings.uniform(10, 5, 20)), is_stable=True)
    assert len(pulled.calls.calls) == 10


def test_an_owner_that_never_holds_still_is_read_six_times_and_listed():
    base = Holdings.uniform(1, 15, 15, seed=1)
    owner, rows = next(iter(base.to_dict().items()))
    states = {
        number: Holdings.from_dict({owner: {mint: balance // 2 + number for mint, balance in rows.items()}})
        for number in range(40)
    }
    pulled = pull(moving(states), owners=[owner], is_stable=True, workers=1)
    assert pulled.stats._unstable == [0]
    assert len(pulled.calls.calls) == 2 * PASSES_MAX
    assert pulled.stats.finished == {0}


def test_rows_of_a_pass_that_is_repeated_are_counted_once():
    walks = iter([Walk([1], requests=2), Walk([1, 2], requests=2), Walk([1, 2], requests=2)])
    pulled = schedule(lambda _index: next(walks), owners=list(OWNERS[:1]), is_stable=True)
    assert pulled.stats.progress.rows == 2
    assert pulled.stats.progress.done == 1


def test_an_error_in_a_later_pass_is_the_owners():
    walks = iter([Walk([1], requests=2), Walk(error=ProtocolError("x"))])
    pulled = schedule(lambda _index: next(walks), owners=list(OWNERS[:1]), is_stable=True, is_collecting=True)
    assert pulled.failed == {OWNERS[0]}
    assert pulled.sink.rows == {}
