"""Connections on asyncio itself, as httpcore uses them; under uvloop they are httpcore's own."""

from __future__ import annotations

import asyncio

import httpcore
import pytest
import uvloop

from helius_frames import _network
from helius_frames._network import LoopBackend

LOOPS = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def run(main, loop_factory):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


async def connected(answer):
    """A stream to a server of one connection, which is answered so."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return server, await LoopBackend().connect_tcp("127.0.0.1", port, timeout=5)


@LOOPS
def test_what_is_written_arrives_and_what_is_answered_is_read_to_the_end(loop_factory):
    large = b"x" * 5_000_000  # more than a socket takes at once

    async def answer(reader, writer):
        writer.write(await reader.readexactly(len(large)))
        writer.close()

    async def main():
        server, stream = await connected(answer)
        await stream.write(large)
        parts = []
        while part := await stream.read(1024):
            parts.append(part)
        await stream.aclose()
        server.close()
        return b"".join(parts)

    assert run(main(), loop_factory) == large


def test_a_connection_that_the_other_side_closed_is_known_to_be():
    async def answer(_reader, writer):
        writer.close()

    async def main():
        server, stream = await connected(answer)
        assert await stream.read(1) == b""
        assert stream.get_extra_info("is_readable")
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"more")
        await stream.aclose()
        server.close()

    asyncio.run(main())


def test_a_reset_is_an_error_of_reading_or_writing():
    async def talk(stream):
        await stream.write(b"x" * 1_000_000)
        await stream.read(1024)
        await stream.write(b"more")

    async def answer(_reader, writer):
        writer.transport.abort()

    async def main():
        server, stream = await connected(answer)
        with pytest.raises((httpcore.ReadError, httpcore.WriteError)):
            await talk(stream)
        await stream.aclose()
        server.close()

    asyncio.run(main())


@LOOPS
def test_a_port_where_nothing_listens_is_a_connect_error(loop_factory):
    async def main():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(httpcore.ConnectError):
            await LoopBackend().connect_tcp("127.0.0.1", port)

    run(main(), loop_factory)


@LOOPS
def test_connecting_takes_no_longer_than_allowed(loop_factory):
    async def main():
        with pytest.raises(httpcore.ConnectTimeout):
            await LoopBackend().connect_tcp("127.0.0.1", 9, timeout=0)

    run(main(), loop_factory)


def test_what_nobody_reads_is_held_back_at_the_other_side_and_not_lost():
    sent = 20 * _network._HELD_MAX

    async def answer(_reader, writer):
        writer.write(b"x" * sent)
        await writer.drain()
        writer.close()

    async def main():
        server, stream = await connected(answer)
        for _ in range(1000):
            if stream._is_paused:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # for what would come in spite of it
        held = sum(map(len, stream._arrived))
        read = 0
        while part := await stream.read(1024):
            read += len(part)
        await stream.aclose()
        server.close()
        return held, read

    held, read = asyncio.run(main())
    assert _network._HELD_MAX < held < 2 * _network._HELD_MAX
    assert read == sent
