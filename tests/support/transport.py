"""The seam of the transport: pulls through the whole reader, over a port or in process, without a pause."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import patch

import httpx

from helius_frames import _pull
from helius_frames._client import Client, plain_transports
from tests.support.clocks import FastClock

TRANSPORTS = ("in process", "httpx")


@contextmanager
def use_transport(transport, app=None):
    """Let every pull within the block use this transport, and pause for no time; yield their clock.

    ``"in process"`` asks an ASGI app without a port; ``"httpx"`` is the reader's own.
    """
    assert transport in TRANSPORTS
    clock = FastClock()

    def open_client(request):
        in_process = httpx.ASGITransport(app) if transport == "in process" else None
        return Client(
            request.endpoint,
            requests_per_second=request.rate,
            max_concurrency=request.orders.max_concurrency,
            timeout=request.timeout,
            retries=request.retries,
            transport=in_process or plain_transports(request.endpoint, request.timeout),
            sleep=clock.sleep,
            clock=clock,
        )

    with patch.object(_pull, "_open_client", open_client):
        yield clock
