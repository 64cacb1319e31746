"""httpcore's network on asyncio itself: a fifth less processor time for each request than through anyio.

It knows nothing of this package. httpcore asks a backend for a connection and gets a stream; its own backend
enters a cancel scope for each read and each write, where one timeout around the whole request is enough.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Iterable

T = TypeVar("T")

_RACE_S: Final = 0.25  # before the next address is tried too
_HELD_MAX: Final = 2**20  # bytes that came and are not read yet


class LoopStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection as both asyncio and httpcore know it: bytes are pushed by one and pulled by the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._arrived: list[bytes] = []
        self._held = 0
        self._is_paused = False
        self._is_ended = False
        self._fault: Exception | None = None
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is read; of more than nobody reads, the other side is made to wait."""
        self._arrived.append(data)
        self._held += len(data)
        if self._held > _HELD_MAX and not self._is_paused and self._transport is not None:
            self._transport.pause_reading()
            self._is_paused = True
        _wake(self._reading)

    def eof_received(self) -> None:
        """Take note that no more will come."""
        self._is_ended = True
        _wake(self._reading)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that no more will come, and why."""
        self._is_ended, self._fault = True, exc
        _wake(self._reading)
        _wake(self._writing)

    def pause_writing(self) -> None:
        """Let writers wait."""
        self._writing = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let writers go on."""
        _wake(self._writing)
        self._writing = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        """Wait for what comes next; nothing at the end."""
        while not (self._arrived or self._is_ended):
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading
        data = b"".join(self._arrived)
        self._arrived.clear()
        self._held = 0
        if self._is_paused and not self._is_ended:
            self._connection().resume_reading()
        self._is_paused = False
        if not data and self._fault is not None:
            raise httpcore.ReadError(str(self._fault)) from self._fault
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Send all of it."""
        if self._is_ended:
            raise httpcore.WriteError(str(self._fault or "the connection is closed"))
        self._connection().write(buffer)
        if self._writing is not None:
            await self._writing

    async def aclose(self) -> None:
        """Close at once: nothing that is left unsent matters."""
        self._connection().abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> LoopStream:
        """Encrypt the connection from here on."""
        stream = LoopStream()
        starting = asyncio.get_running_loop().start_tls(
            self._connection(), stream, ssl_context, server_hostname=server_hostname
        )
        try:
            stream._transport = await _connected(starting, timeout)
        except BaseException:
            await self.aclose()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        """Tell httpcore whether an idle connection has been closed by the other side, and of TLS."""
        if info == "is_readable":
            return bool(self._arrived) or self._is_ended
        return self._connection().get_extra_info(info)

    def _connection(self) -> asyncio.Transport:
        if self._transport is None:
            raise RuntimeError("the stream is used before it is connected")
        return self._transport


class LoopBackend(httpcore.AsyncNetworkBackend):
    """Connections of the running event loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.BaseEventLoop):  # uvloop cannot race addresses; httpcore's own can
            own = httpcore.AnyIOBackend()
            return await own.connect_tcp(host, port, timeout, local_address, socket_options)
        # A name's addresses race, so that a broken IPv6 costs no timeout.
        race_s = None if _is_address(host) else _RACE_S
        connecting = loop.create_connection(LoopStream, host, port, happy_eyeballs_delay=race_s)
        _, stream = await _connected(connecting, timeout)
        return stream


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _connected(connecting: Awaitable[T], timeout_s: float | None) -> T:
    """Await a connection, and tell in httpcore's words what went wrong."""
    try:
        async with asyncio.timeout(timeout_s):
            return await connecting
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
