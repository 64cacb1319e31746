import asyncio
import gc
import time

import pandas as pd
import pytest

from helius_frames import PullInterrupted, RPCError, aread_helius_balances, demo, read_helius_balances
from helius_frames.demo import Holdings, Indexer, serve
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.frames import rows_held, rows_of

HOLDINGS = Holdings.from_dict(
    {
        owner: dict(list(rows.items())[:size])
        for (owner, rows), size in zip(
            Holdings.uniform(60, 95, 300, seed=3).to_dict().items(), [0, 3, 95, 40, 10, 0] * 10, strict=True
        )
    }
)
OWNERS = list(HOLDINGS.to_dict())
IN_FLIGHT = 16  # requests that were on their way when the pull was closed


@pytest.fixture(scope="module")
def url():
    with serve(Indexer(HOLDINGS, page_slots=1)) as url:
        yield url


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
@pytest.mark.parametrize(
    "options", [{}, {"errors": "collect"}, {"drop_zero": True}, {"consistency": "stable"}]
)
def test_chunks_put_together_are_the_whole_frame(url, size, options):
    owners = OWNERS[:12] if size == 1 else OWNERS
    chunks = list(read_helius_balances(owners, endpoint=url, page_size=10, chunksize=size, **options))
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
    together = [row for chunk in chunks for row in rows_of(chunk)]
    assert together == [row for row in rows_held(HOLDINGS, owners) if row[2] or "drop_zero" not in options]


def test_a_chunks_categories_are_those_of_the_chunk(url):
    for chunk in read_helius_balances(OWNERS, endpoint=url, chunksize=50):
        assert chunk["owner"].cat.categories.tolist() == list(dict.fromkeys(chunk["owner"]))
        assert set(chunk["mint"].cat.categories) == set(chunk["mint"])
        assert chunk.dtypes.astype(str).tolist() == ["category", "category", "uint64", "int64"]


def test_a_pull_without_rows_gives_one_empty_chunk(url):
    (chunk,) = read_helius_balances(OWNERS[0], endpoint=url, chunksize=10)
    assert list(chunk.columns) == ["owner", "mint", "balance", "slot"]
    assert chunk.attrs["helius"]["owners"] == 1


def test_closing_stops_the_requests():
    indexer = Indexer(Holdings.uniform(2_000, 5, 50), latency_s=0.005)
    with serve(indexer) as url:
        with read_helius_balances(list(indexer.holdings.to_dict()), endpoint=url, chunksize=20) as chunks:
            next(chunks)
        asked = indexer.requests
        assert asked < 200
        time.sleep(0.1)  # the server has a thread of its own
        assert list(chunks) == []
        assert indexer.requests <= asked + IN_FLIGHT


def test_chunks_that_are_dropped_stop_their_requests():
    indexer = Indexer(Holdings.uniform(2_000, 5, 50), latency_s=0.005)
    with serve(indexer) as url:
        chunks = read_helius_balances(list(indexer.holdings.to_dict()), endpoint=url, chunksize=20)
        next(chunks)
        del chunks
        gc.collect()
        asked = indexer.requests
        time.sleep(0.1)  # the server has a thread of its own
        assert indexer.requests <= asked + IN_FLIGHT


def test_requests_do_not_run_far_ahead_of_the_chunk_in_hand():
    indexer = Indexer(Holdings.uniform(1, 20_000, 20_000))
    with serve(indexer) as url:
        chunks = read_helius_balances(
            next(iter(indexer.holdings.to_dict())), endpoint=url, chunksize=100, page_size=100
        )
        with chunks:
            next(chunks)
            next(chunks)
            assert indexer.reads <= 6


def test_an_error_comes_with_what_no_chunk_had(url):
    faults = [FaultRule("rpc-32000", owner=OWNERS[30])]
    with serve(FaultyIndexer(HOLDINGS, faults=faults)) as broken:
        chunks = read_helius_balances(OWNERS, endpoint=broken, chunksize=200, max_concurrency=1)
        given = []
        with pytest.raises(RPCError) as caught:
            given.extend(row for chunk in chunks for row in rows_of(chunk))
    error = caught.value
    assert given + rows_of(error.partial) == rows_held(HOLDINGS, OWNERS[:30])
    assert error.open_owners == tuple(OWNERS[30:])
    assert list(chunks) == []


def test_collected_failures_are_on_the_iterator():
    with serve(FaultyIndexer(HOLDINGS, faults=[FaultRule("html", owner=OWNERS[2], page=3)])) as broken:
        chunks = read_helius_balances(OWNERS, endpoint=broken, chunksize=64, page_size=10, errors="collect")
        together = [row for chunk in chunks for row in rows_of(chunk)]
    assert together == rows_held(HOLDINGS, [owner for owner in OWNERS if owner != OWNERS[2]])
    assert chunks.failures[["owner", "page", "kind"]].to_numpy().tolist() == [[OWNERS[2], 3, "ProtocolError"]]


def test_rows_out_of_order_after_a_chunk_went_out_are_an_error():
    faults = [FaultRule("out-of-order", owner=OWNERS[2], page=5)]
    with serve(FaultyIndexer(HOLDINGS, cursor="opaque", faults=faults)) as broken:
        with pytest.raises(Exception, match="read without chunksize"):
            list(read_helius_balances(OWNERS[2], endpoint=broken, chunksize=10, page_size=10))
        assert rows_of(read_helius_balances(OWNERS[2], endpoint=broken, page_size=10)) == rows_held(
            HOLDINGS, OWNERS[2:3]
        )


def test_an_interrupt_keeps_what_had_arrived(url):
    pressed = []

    def interrupt(tally):
        if tally.done >= 3 and not pressed:
            pressed.append(tally.done)
            raise KeyboardInterrupt

    with serve(Indexer(HOLDINGS, latency_s=0.02)) as slow:
        with pytest.raises(PullInterrupted) as caught:
            read_helius_balances(OWNERS, endpoint=slow, progress=interrupt, max_concurrency=1)
        rest = read_helius_balances(caught.value.open_owners, endpoint=url)
    kept = caught.value.partial
    assert 3 <= kept.attrs["helius"]["pages"] < len(OWNERS)
    assert rows_of(kept) + rows_of(rest) == rows_held(HOLDINGS, OWNERS)


def test_an_interrupt_as_a_chunk_arrives_keeps_its_rows(url):
    given, pressed = [], []

    def interrupt(_tally):
        if len(given) == 3 and not pressed:  # the last look at the progress comes when the chunk is made
            time.sleep(0.2)
            pressed.append(len(given))
            raise KeyboardInterrupt

    with pytest.raises(PullInterrupted) as caught:
        given.extend(read_helius_balances(OWNERS, endpoint=url, chunksize=100, progress=interrupt))
    kept = pd.concat([*given, caught.value.partial])
    kept = kept[~kept["owner"].isin(caught.value.open_owners)]
    rest = read_helius_balances(caught.value.open_owners, endpoint=url)
    assert sorted(rows_of(kept) + rows_of(rest)) == sorted(rows_held(HOLDINGS, OWNERS))


def test_waits_that_time_out_lose_no_chunk(url):
    async def read():
        chunks, given, waits = aread_helius_balances(OWNERS, endpoint=url, page_size=10, chunksize=7), [], 0
        while True:
            waits += 1
            try:
                async with asyncio.timeout(waits % 8 / 4_000):
                    given.append(await anext(chunks))
            except TimeoutError:
                continue
            except StopAsyncIteration:
                return given, waits

    given, waits = asyncio.run(read())
    assert waits > len(given) + 1
    assert [row for chunk in given for row in rows_of(chunk)] == rows_held(HOLDINGS, OWNERS)


def test_two_waits_for_the_same_chunk_are_an_error(url):
    async def read():
        async with aread_helius_balances(OWNERS, endpoint=url, chunksize=100) as chunks:
            first = asyncio.create_task(anext(chunks))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="waited for already"):
                await anext(chunks)
            return await first, [chunk async for chunk in chunks]

    first, rest = asyncio.run(read())
    assert [row for chunk in (first, *rest) for row in rows_of(chunk)] == rows_held(HOLDINGS, OWNERS)


def test_the_async_iterator_gives_the_same_chunks(url):
    async def read():
        chunks = aread_helius_balances(OWNERS, endpoint=url, chunksize=100)
        return [chunk async for chunk in chunks]

    sync = list(read_helius_balances(OWNERS, endpoint=url, chunksize=100))
    for one, other in zip(asyncio.run(read()), sync, strict=True):
        pd.testing.assert_frame_equal(one.drop(columns="slot"), other.drop(columns="slot"))


def test_an_async_iterator_left_early_leaves_no_task(url):
    async def read():
        async with aread_helius_balances(OWNERS, endpoint=url, chunksize=10) as chunks:
            async for _ in chunks:
                break
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert not asyncio.run(read())


def test_the_demo_cluster_gives_chunks_too():
    chunks = list(read_helius_balances(demo.OWNERS, cluster="demo", chunksize=5_000))
    assert sum(map(len, chunks)) == len(read_helius_balances(demo.OWNERS, cluster="demo"))
