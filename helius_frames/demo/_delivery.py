"""How a reply reaches the client: whole, or broken on the way.

It imports nothing of ours. A break inside a reply needs the connection itself: `_serving` puts it into
the ASGI scope as an extension, and without it (in process, or behind another server) the break is
refused with a clear error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Sleep: TypeAlias = Callable[[float], Awaitable[object]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON: Final[Headers] = ((b"content-type", b"application/json; charset=utf-8"),)
TEXT: Final[Headers] = ((b"content-type", b"text/plain"),)
HTML: Final[Headers] = ((b"content-type", b"text/html; charset=utf-8"),)

PORT_EXTENSION: Final = "helius_frames.port"
# Long enough for what was sent to arrive, and for a trickled page to outlast any timeout.
_PAUSE_S: Final = 0.05
_FLOOD: Final = b" " * (64 << 10)


class Port(Protocol):
    """The connection beneath a reply."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are, past the HTTP server."""

    def reset(self) -> None:
        """Break the connection with a TCP reset."""

    def close(self) -> None:
        """End the connection in order, after what was sent."""


@dataclass(frozen=True)
class Channel:
    """What a delivery has at hand."""

    scope: Scope
    receive: Receive
    send: Send
    sleep: Sleep

    @property
    def port(self) -> Port:
        """Connection of this request; `RuntimeError` where the server does not hand it out."""
        port: Port | None = (self.scope.get("extensions") or {}).get(PORT_EXTENSION)
        if port is None:
            raise RuntimeError(
                "this fault breaks the connection inside a reply, which needs a real port: "
                "serve the app with helius_frames.demo.serve(app) or python -m helius_frames.demo"
            )
        return port


Delivery: TypeAlias = Callable[["Reply", Channel], Awaitable[None]]


class Reply(NamedTuple):
    """One HTTP reply, and how it is delivered."""

    status: int
    headers: Headers
    body: bytes
    delivery: Delivery | None = None


async def deliver(reply: Reply, channel: Channel) -> None:
    """Send a reply in its own way, or else whole."""
    if reply.delivery is not None:
        await reply.delivery(reply, channel)
        return
    await _start(reply, channel)
    await channel.send({"type": "http.response.body", "body": reply.body})


async def reset_before(_reply: Reply, channel: Channel) -> None:
    """Reset the connection instead of answering."""
    channel.port.reset()
    await _gone(channel)


async def reset_in_headers(_reply: Reply, channel: Channel) -> None:
    """Reset the connection in the middle of the header lines."""
    port = channel.port
    port.write(b"HTTP/1.1 200 OK\r\ncontent-type: applica")
    await channel.sleep(_PAUSE_S)
    port.reset()
    await _gone(channel)


async def reset_in_body(reply: Reply, channel: Channel) -> None:
    """Reset the connection after half of the body."""
    port = channel.port
    await _half(reply, channel)
    await channel.sleep(_PAUSE_S)
    port.reset()
    await _gone(channel)


async def cut_short(reply: Reply, channel: Channel) -> None:
    """Close the connection after half of the body that the headers announce."""
    port = channel.port
    await _half(reply, channel)
    port.close()
    await _gone(channel)


async def trickle(reply: Reply, channel: Channel) -> None:
    """Send the body one byte at a time, slower than any sensible timeout allows."""
    check_port(channel)
    await _start(reply, channel)
    await _until_gone(channel, (reply.body[n : n + 1] for n in range(len(reply.body))), _PAUSE_S)


async def unending(reply: Reply, channel: Channel) -> None:
    """Send a body that does not end, as fast as it is taken."""
    check_port(channel)
    headers = list(reply.headers)
    await channel.send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await _until_gone(channel, repeat(_FLOOD), 0)


async def stall(_reply: Reply, channel: Channel) -> None:
    """Never answer; end when the client has gone away."""
    await _gone(channel)


def check_port(channel: Channel) -> None:
    """Raise `RuntimeError` where there is no connection at hand."""
    _ = channel.port


async def _start(reply: Reply, channel: Channel) -> None:
    headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
    await channel.send({"type": "http.response.start", "status": reply.status, "headers": headers})


async def _half(reply: Reply, channel: Channel) -> None:
    await _start(reply, channel)
    half = reply.body[: len(reply.body) // 2]
    await channel.send({"type": "http.response.body", "body": half, "more_body": True})


async def _gone(channel: Channel) -> None:
    while (await channel.receive())["type"] != "http.disconnect":
        pass


async def _until_gone(channel: Channel, pieces: Iterable[bytes], pause_s: float) -> None:
    """Send pieces until they end or the client has gone; a server goes on taking them for nobody."""
    gone = asyncio.ensure_future(_gone(channel))
    try:
        for piece in pieces:
            await channel.send({"type": "http.response.body", "body": piece, "more_body": True})
            await channel.sleep(pause_s)
            if gone.done():
                return
        await channel.send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
