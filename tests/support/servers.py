"""Odd servers: apps of a few lines, one port for many apps, and raw sockets."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
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


def tls_context(*names, authority=None):
    """Return the context of a server whose certificate an authority made for this moment has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (authority or trustme.CA()).issue_cert(*names).configure_cert(context)
    return context


class RawServer:
    """Connections on a port of its own that are answered with raw bytes.

    Each request is answered by the next of the replies, the last one for ever: bytes, which are sent, or a
    function of the stream that does what it likes. A reply of bytes keeps the connection open.
    """

    def __init__(self, *replies, context=None):
        self.heads = []
        self.connections = 0
        self.open = 0
        self._replies = list(replies)
        self._context = context
        self._lock = threading.Lock()

    @contextmanager
    def serve(self):
        """Serve; yield the port. At the end every connection must have been closed by the client."""
        with listening(self._treat, self._context) as port:
            yield port
            deadline = time.monotonic() + 5
            while self.open and time.monotonic() < deadline:
                time.sleep(0.005)
            assert not self.open, "a connection is left open"

    def _treat(self, stream):
        with self._lock:
            self.connections += 1
            self.open += 1
        try:
            with stream:
                while self._answer(stream):
                    pass
        finally:
            with self._lock:
                self.open -= 1

    def _answer(self, stream):
        received = b""
        while b"\r\n\r\n" not in received:
            if not (data := stream.recv(65536)):
                return False
            received += data
        head, _, body = received.partition(b"\r\n\r\n")
        left = int((re.search(rb"content-length: (\d+)", head, re.IGNORECASE) or (0, 0))[1]) - len(body)
        while left > 0:
            left -= len(stream.recv(65536))
        with self._lock:
            self.heads.append(head.decode())
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if callable(reply):
            return reply(stream)
        stream.sendall(reply)
        return True


def http_reply(content=b"", status="200 OK", headers=()):
    """Return the bytes of a reply of HTTP/1.1."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(content)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content
