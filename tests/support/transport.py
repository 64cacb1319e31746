"""The seam of the transport: pulls through the whole reader, over a port or in process, without a pause."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from unittest.mock import patch

from helius_frames import _options
from helius_frames._transport import http
from helius_frames._transport.client import Environment
from tests.support.clocks import FastClock

TRANSPORTS = ("in process", "httpx")


@contextmanager
def use_transport(transport, app=None, *, is_timed=False):
    """Let every pull within the block use this transport, and pause for no time; yield their clock.

    ``"in process"`` asks an ASGI app without a port; ``"httpx"`` is the reader's own. ``is_timed`` pauses as
    it would.
    """
    assert transport in TRANSPORTS
    clock = FastClock()
    connect = http.network if transport == "httpx" else lambda _endpoint, _timeout_s: http.in_process(app)
    environment = Environment(connect, clock.sleep, clock)
    if is_timed:
        environment = Environment(connect, asyncio.sleep, time.monotonic)
    with patch.object(_options, "ENVIRONMENT", environment):
        yield clock
