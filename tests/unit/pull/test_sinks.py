"""Where rows go: into one frame, or into chunks whose memory is bounded."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames._options import resolve
from helius_frames._pull.rows import RowBuffer
from helius_frames._pull.sinks import ChunkSink, FrameSink
from helius_frames._pull.stats import PullStats
from helius_frames.demo import OWNERS
from helius_frames.errors import PullInterrupted, RPCError
from tests.support.frames import rows_of
from tests.support.pages import mint_at, page_of

U64_MAX = 2**64 - 1


def rows_with(held, slot=1):
    buffer = RowBuffer()
    buffer.append(page_of(held, slot=slot))
    return buffer.take_rows()


class HandMadePull:
    """A pull whose ``run`` is a function of the test: it adds and closes as it likes."""

    def __init__(self, run=None, owners=4, **options):
        self.config = resolve(list(OWNERS[:owners]), None, {"cluster": "demo", **options})
        self.stats = PullStats(self.config)
        self._run = run

    async def run(self, sink):
        await self._run(sink, self.stats)

    async def whole(self, sink, index, *parts):
        """Add all rows of an owner, and end it."""
        for held in parts:
            await sink.add(index, rows_with(held))
        self.stats.finish(index, is_stable=True)
        await sink.close(index)


def chunks_of(run, size, **options):
    """Read all chunks of a pull; return their rows, one list for each chunk."""

    async def main():
        pull = HandMadePull(run, **options)
        sink, chunks = ChunkSink(pull, size), []
        while (chunk := await sink.next_chunk()) is not None:
            sink.given()
            chunks.append(chunk)
        return chunks

    return asyncio.run(main())


# One frame


def test_a_frame_has_the_rows_of_finished_owners_in_their_order_and_metadata():
    pull = HandMadePull()
    sink = FrameSink(pull)

    async def main():
        await pull.whole(sink, 2, {1: 5})
        await pull.whole(sink, 0, {3: 0, 4: U64_MAX})

    asyncio.run(main())
    frame = sink.frame()
    assert rows_of(frame) == [
        (OWNERS[0], mint_at(3), 0),
        (OWNERS[0], mint_at(4), U64_MAX),
        (OWNERS[2], mint_at(1), 5),
    ]
    assert frame["owner"].cat.categories.tolist() == [OWNERS[0], OWNERS[2]]
    assert frame.attrs["helius"]["owners"] == 4


def test_a_frame_leaves_out_zeros_where_asked():
    pull = HandMadePull(drop_zero=True)
    sink = FrameSink(pull)
    asyncio.run(pull.whole(sink, 0, {3: 0, 4: 7}))
    assert rows_of(sink.frame()) == [(OWNERS[0], mint_at(4), 7)]


@pytest.mark.parametrize("error", [RPCError("no"), PullInterrupted()])
def test_an_error_gets_what_had_arrived_and_who_is_open(error):
    pull = HandMadePull()
    sink = FrameSink(pull)
    asyncio.run(pull.whole(sink, 1, {1: 5}))
    sink.keep(error)
    assert rows_of(error.partial) == [(OWNERS[1], mint_at(1), 5)]
    assert error.open_owners == (OWNERS[0], OWNERS[2], OWNERS[3])
    assert "1 of 4 owners" in error.kept


# Chunks

HELD = st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=4, max_size=4)


@settings(max_examples=40)
@given(HELD, st.integers(1, 7), st.permutations(range(4)))
def test_chunks_are_the_rows_in_the_order_of_the_owners_cut_at_the_size(balances, size, order):
    held = [dict(enumerate(each)) for each in balances]

    async def run(sink, stats):
        async def owner(place, index):
            for _ in range(place):
                await asyncio.sleep(0)
            half = len(held[index]) // 2
            for part in (dict(list(held[index].items())[:half]), dict(list(held[index].items())[half:])):
                await sink.add(index, rows_with(part))
            stats.finish(index, is_stable=True)
            await sink.close(index)

        await asyncio.gather(*(owner(place, index) for place, index in enumerate(order)))

    chunks = chunks_of(run, size)
    whole = [
        (OWNERS[index], mint_at(number), balance)
        for index in range(4)
        for number, balance in held[index].items()
    ]
    assert [row for chunk in chunks for row in rows_of(chunk)] == whole
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
    assert len(chunks) == max(1, -(-len(whole) // size))


def test_a_pull_without_rows_is_one_empty_chunk():
    async def run(sink, stats):
        for index in range(4):
            await sink.close(index)

    (chunk,) = chunks_of(run, 3)
    assert len(chunk) == 0
    assert list(chunk.columns) == ["owner", "mint", "balance", "slot"]


def test_a_chunks_owners_are_those_with_rows_in_it():
    async def run(sink, stats):
        for index in range(4):
            await sink.add(index, rows_with({} if index == 1 else {index: 1}))
            await sink.close(index)

    first, second = chunks_of(run, 2)
    assert first["owner"].cat.categories.tolist() == [OWNERS[0], OWNERS[2]]
    assert second["owner"].cat.categories.tolist() == [OWNERS[3]]


def test_zeros_are_dropped_before_rows_are_counted_for_a_chunk():
    async def run(sink, stats):
        await sink.add(0, rows_with({1: 0, 2: 5, 3: 0, 4: 6}))
        for index in range(4):
            await sink.close(index)

    (chunk,) = chunks_of(run, 2, drop_zero=True)
    assert chunk["balance"].tolist() == [5, 6]


def test_what_waits_is_bounded_by_the_size_and_the_page():
    most = 0

    async def run(sink, stats):
        nonlocal most

        async def owner(index):
            nonlocal most
            for number in range(20):
                await sink.add(index, rows_with({5 * number + n: 1 for n in range(5)}))
                most = max(most, sink._ready_rows + sink._ahead_rows)
            await sink.close(index)

        await asyncio.gather(*(owner(index) for index in range(4)))

    chunks = chunks_of(run, 10)
    assert sum(map(len, chunks)) == 400
    assert most <= 3 * (10 + 5)


def test_the_first_owner_is_never_held_back_by_those_that_run_ahead():
    async def run(sink, stats):
        ahead = asyncio.create_task(sink.add(1, rows_with(dict.fromkeys(range(30), 1))))
        later = asyncio.create_task(sink.add(2, rows_with(dict.fromkeys(range(30), 1))))
        await asyncio.sleep(0.01)
        assert ahead.done()
        assert not later.done()
        await sink.add(0, rows_with({1: 1}))
        for index in (0, 1):
            await sink.close(index)
        await later
        for index in (2, 3):
            await sink.close(index)

    assert sum(map(len, chunks_of(run, 10))) == 61


def test_an_error_of_the_pull_comes_out_of_the_wait_and_keeps_the_rest():
    error = RPCError("no")

    async def run(sink, stats):
        pull = run.pull
        await pull.whole(sink, 0, dict.fromkeys(range(5), 1))
        await sink.add(1, rows_with({1: 1}))
        await pull.whole(sink, 2, {7: 7})
        raise error

    given = []

    async def main():
        pull = run.pull = HandMadePull(run)
        sink = ChunkSink(pull, 3)
        try:
            while (chunk := await sink.next_chunk()) is not None:
                sink.given()
                given.extend(rows_of(chunk))
        finally:
            sink.keep(error)

    async def ended():
        with pytest.raises(RPCError):
            await main()

    asyncio.run(ended())
    finished = [(OWNERS[0], mint_at(n), 1) for n in range(5)] + [(OWNERS[2], mint_at(7), 7)]
    assert given + rows_of(error.partial) == finished  # owner 1 was not finished
    assert error.open_owners == (OWNERS[1], OWNERS[3])


def test_the_same_chunk_comes_again_until_it_is_given():
    async def run(sink, stats):
        await sink.add(0, rows_with({1: 1, 2: 2, 3: 3}))
        for index in range(4):
            await sink.close(index)

    async def main():
        sink = ChunkSink(HandMadePull(run), 2)
        seen = [(await sink.next_chunk())["balance"].tolist() for _ in range(3)]
        sink.given()
        seen.append((await sink.next_chunk())["balance"].tolist())
        sink.given()
        return seen, await sink.next_chunk()

    assert asyncio.run(main()) == ([[1, 2], [1, 2], [1, 2], [3]], None)


async def waits_for_ever(_sink, _stats):
    await asyncio.Event().wait()


def test_a_wait_that_times_out_leaves_the_pull_running():
    async def main():
        sink = ChunkSink(HandMadePull(waits_for_ever), 2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sink.next_chunk(), 0.01)
        was_running = sink.is_running
        await sink.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return was_running, sink.is_running

    assert asyncio.run(main()) == (True, False)


def test_a_sink_that_was_never_asked_has_nothing_to_stop():
    async def main():
        sink = ChunkSink(HandMadePull(waits_for_ever), 2)
        sink.abandon()
        await sink.aclose()
        return sink.is_running

    assert asyncio.run(main()) is False


def test_abandoning_from_another_thread_stops_the_pull():
    async def main():
        sink = ChunkSink(HandMadePull(waits_for_ever), 2)
        waiting = asyncio.create_task(sink.next_chunk())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.to_thread(sink.abandon)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)
        return sink.is_running

    assert asyncio.run(main()) is False


def test_abandoning_after_the_loop_was_closed_is_silent():
    sink = ChunkSink(HandMadePull(waits_for_ever), 2)
    loop = asyncio.new_event_loop()
    sink._running = loop.create_future()  # of a task that was under way when its loop was closed
    loop.close()
    sink.abandon()


def test_chunks_begun_in_one_loop_are_not_gone_on_with_in_another():
    async def run(sink, stats):
        await sink.add(0, rows_with({1: 1}))
        for index in range(4):
            await sink.close(index)

    sink = ChunkSink(HandMadePull(run), 2)
    asyncio.run(sink.next_chunk())
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(sink.next_chunk())
