"""Odd servers: apps of a few lines, one port for many apps, and raw sockets."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs

import trustme

from helius_frames.demo._asgi import read_body
from tests.fault_server import serve


class SwappableServer:
    """An app that hands over to another; which one can change at any time."""

    def __init__(self):
        self.app = None

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


@contextmanager
def swappable_server():
    """Serve a `SwappableServer` on a port that can break; yield it and its URL."""
    server = SwappableServer()
    with serve(server) as url:
        yield server, url


class ScriptedServer:
    """An app that answers each call with what a function makes of it: (status, headers, body)."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = 0

    async def __call__(self, _scope, receive, send):
        call = json.loads(await read_body(receive))
        self.calls += 1
        await send_reply(send, *self.answer(call))


class ForgetfulServer:
    """A server whose made cursors lose rows: it knows only positions at which a page ended."""

    def __init__(self, indexer):
        self._indexer = indexer
        self._ends = set()
        self.calls = 0

    async def __call__(self, scope, receive, send):
        body = await read_body(receive)
        call, reply = json.loads(body), []
        self.calls += 1
        cursor = call["params"].get("cursor")
        if cursor is not None and cursor not in self._ends:
            await send_reply(send, 200, [], page_body(call))
            return

        async def receive_again():
            return {"type": "http.request", "body": body}

        async def keep(message):
            reply.append(message)

        await self._indexer(scope, receive_again, keep)
        self._ends.add(json.loads(reply[1]["body"])["result"]["value"]["cursor"])
        for message in reply:
            await send(message)


class RecordingServer:
    """An app that keeps the scope of each request before another app answers it."""

    def __init__(self, app):
        self.app = app
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(dict(scope))
        await self.app(scope, receive, send)

    @property
    def keys(self):
        """The keys that requests carried in their query."""
        return [parse_qs(scope["query_string"].decode()).get("api-key") for scope in self.scopes]


async def send_reply(send, status, headers, body):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def page_body(call, rows=(), cursor=None, slot=1):
    """Return the body of a reply to a call: one page of (mint, balance)."""
    items = [{"mint": mint, "balance": balance} for mint, balance in rows]
    result = {"context": {"slot": slot}, "value": {"items": items, "cursor": cursor}}
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": call["id"]}).encode()


@contextmanager
def listening(behave, context=None):
    """Accept connections on a port of its own and treat each in a thread; yield the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def treat(connection):
        with suppress(OSError), connection:
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            behave(stream)

    def accept():
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=treat, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@contextmanager
def unused_port():
    """Yield a port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def tls_context(*names):
    """Return the context of a server whose certificate an authority made for this moment has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*names).configure_cert(context)
    return context
