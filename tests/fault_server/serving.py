"""`serve` for apps that break their replies: it hands each request the connection beneath it."""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from helius_frames.demo import _serving
from tests.fault_server.breaks import CONNECTION

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from helius_frames.demo._asgi import App, Receive, Scope, Send

# Closed with nothing to linger for, a socket sends a reset.
NO_LINGER = struct.pack("ii", 1, 0)


@contextmanager
def serve(app: App, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an ASGI app as `demo.serve` does, and let it break its replies; yield the URL."""
    with _serving.run(_serving.make_server(app, http=ConnectionProtocol), host, port) as url:
        yield url


class ConnectionProtocol(AutoHTTPProtocol):
    """uvicorn's HTTP protocol, which puts itself into the scope of each request."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app = _with_connection(self.config.loaded_app, TcpConnection(transport))


def _with_connection(app: App, connection: TcpConnection) -> App:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[CONNECTION] = connection
        await app(scope, receive, send)

    return call


class TcpConnection:
    """A `breaks.Connection` over an asyncio transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def reset(self) -> None:
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._transport.abort()

    def close(self) -> None:
        self._transport.close()
