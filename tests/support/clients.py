"""A client without a network and without a pause: replies from a script or an app, one fake clock."""

from __future__ import annotations

import asyncio

import httpx

from helius_frames._progress import PullProgress
from helius_frames._transport import http
from helius_frames._transport.client import Client, Environment
from helius_frames._transport.endpoint import resolve_endpoint
from tests.support.clocks import FakeClock

URL = "http://127.0.0.1:8784/"


class ScriptedConnection(httpx.AsyncBaseTransport):
    """A connection that gives replies in turn, the last one for ever: (status, body, headers) or an error."""

    def __init__(self, replies):
        self.requests = []
        self._replies = list(replies)

    async def handle_async_request(self, request):
        self.requests.append(request)
        await asyncio.sleep(0)  # as on a network, others come in between
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        status, body, *headers = reply
        return httpx.Response(status, headers=headers[0] if headers else None, stream=httpx.ByteStream(body))


def scripted_client(*replies, clock=None, random=lambda: 1.0, endpoint=None, **options):
    """Return a client of a `ScriptedConnection`, the connection, and the clock that its pauses move."""
    clock = FakeClock() if clock is None else clock
    connection = ScriptedConnection(replies)
    environment = Environment(lambda _endpoint, _timeout_s: lambda: connection, clock.sleep, clock, random)
    endpoint = endpoint or resolve_endpoint(endpoint=URL, environ={})
    client = Client(endpoint, PullProgress(), environment=environment, **options)
    return client, connection, clock


def app_client(app, **options):
    """Return a client of an ASGI app in this process, whose pauses take no time."""
    clock = FakeClock()
    environment = Environment(lambda _endpoint, _timeout_s: http.in_process(app), clock.sleep, clock)
    return Client(
        resolve_endpoint(endpoint=URL, environ={}), PullProgress(), environment=environment, **options
    )
