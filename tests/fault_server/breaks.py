"""Replies that break on their way to the client, or never come.

Most need the connection itself: `serving` puts it into the ASGI scope as an extension, and in process, or
behind another server, such a break is refused with a clear error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol, TypeAlias

from helius_frames.demo._asgi import Receive, Reply, Scope, Send

CONNECTION = "tests.fault_server.connection"
# Long enough for what was sent to arrive, and for a trickled page to outlast any timeout.
PAUSE_S = 0.05
FLOOD = b" " * (64 << 10)

Break: TypeAlias = Callable[[Reply, Scope, Receive, Send], Awaitable[None]]


class Connection(Protocol):
    """The connection beneath a reply."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are, past the HTTP server."""

    def reset(self) -> None:
        """Break the connection with a TCP reset."""

    def close(self) -> None:
        """End the connection in order, after what was sent."""


@dataclass(frozen=True)
class BrokenReply(Reply):
    """A good reply, and the way in which it fails to arrive."""

    send_broken: Break

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.send_broken(self, scope, receive, send)


async def reset_before(_reply: Reply, scope: Scope, receive: Receive, _send: Send) -> None:
    """Reset the connection instead of answering."""
    _connection(scope).reset()
    await _until_gone(receive)


async def reset_in_headers(_reply: Reply, scope: Scope, receive: Receive, _send: Send) -> None:
    """Reset the connection in the middle of the header lines."""
    connection = _connection(scope)
    connection.write(b"HTTP/1.1 200 OK\r\ncontent-type: applica")
    await asyncio.sleep(PAUSE_S)
    connection.reset()
    await _until_gone(receive)


async def reset_in_body(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Reset the connection after half of the body."""
    connection = _connection(scope)
    await _send_half(reply, send)
    await asyncio.sleep(PAUSE_S)
    connection.reset()
    await _until_gone(receive)


async def cut_short(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Close the connection after half of the body that the headers announce."""
    connection = _connection(scope)
    await _send_half(reply, send)
    connection.close()
    await _until_gone(receive)


async def trickle(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the body one byte at a time, slower than any sensible timeout allows."""
    _connection(scope)
    await _start(reply, send, len(reply.body))
    await _send_pieces((reply.body[n : n + 1] for n in range(len(reply.body))), PAUSE_S, receive, send)


async def unending(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a body that does not end, as fast as it is taken."""
    _connection(scope)
    await _start(reply, send, None)
    await _send_pieces(repeat(FLOOD), 0, receive, send)


async def stall(_reply: Reply, _scope: Scope, receive: Receive, _send: Send) -> None:
    """Never answer; end when the client has gone away."""
    await _until_gone(receive)


def _connection(scope: Scope) -> Connection:
    connection: Connection | None = (scope.get("extensions") or {}).get(CONNECTION)
    if connection is None:
        raise RuntimeError(
            "this fault breaks the connection inside a reply, which needs a real port: "
            "serve the app with tests.fault_server.serve(app)"
        )
    return connection


async def _start(reply: Reply, send: Send, length: int | None) -> None:
    headers = [*reply.headers, *([] if length is None else [(b"content-length", b"%d" % length)])]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})


async def _send_half(reply: Reply, send: Send) -> None:
    await _start(reply, send, len(reply.body))
    half = reply.body[: len(reply.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_pieces(pieces: Iterable[bytes], pause_s: float, receive: Receive, send: Send) -> None:
    """Send pieces until they end or the client has gone; a server goes on taking them for nobody."""
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(pause_s)
            if gone.done():
                return
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
