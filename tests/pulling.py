"""Pulls through the whole reader with the transport settled and the waits left out.

`settled` is the one seam: it hands the reader's own client a transport by name and a clock that every
pause moves on. `TRANSPORTS` names them; ``"in process"`` asks an ASGI app without a port.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple
from unittest.mock import patch

import httpx
import psutil
from helius_frames._client import Client, fast_transport, plain_transports

from helius_frames import _bridge, _pull
from helius_frames._protocol import pubkey

PORTS = {"httpx": plain_transports, "pyreqwest": fast_transport}
TRANSPORTS = ("in process", *PORTS)


class Hurry:
    """A clock that runs as ever, and leaps over every pause."""

    def __init__(self):
        self.leapt_s = 0.0

    def __call__(self):
        return time.monotonic() + self.leapt_s

    async def sleep(self, seconds):
        self.leapt_s += seconds
        await asyncio.sleep(0)


@contextmanager
def settled(transport, app=None):
    """Let every pull within the block use this transport and pause for no time."""

    def open_client(request):
        hurry = Hurry()
        return Client(
            request.endpoint,
            requests_per_second=request.rate,
            max_concurrency=request.orders.max_concurrency,
            timeout=request.timeout,
            retries=request.retries,
            transport=_transport(transport, app, request),
            sleep=hurry.sleep,
            clock=hurry,
        )

    with patch.object(_pull, "_open_client", open_client):
        yield


def rows_of(frame):
    """Rows of a frame as exact Python values, without the slot."""
    columns = (frame["owner"].astype(str), frame["mint"].astype(str), frame["balance"].tolist())
    return list(zip(*columns, strict=True))


_key = lru_cache(maxsize=None)(pubkey.parse)  # the same mints are sorted by it again and again


def rows_held(holdings, owners=None):
    """What the indexer holds, in the order of a frame."""
    table = holdings.to_dict()
    return [
        (owner, mint, table[owner][mint])
        for owner in (table if owners is None else owners)
        for mint in sorted(table.get(owner, {}), key=_key)
    ]


class Left(NamedTuple):
    """What a pull may leave behind: nothing."""

    tasks: int
    sockets: int
    threads: int


def left_over(url, patience_s=2.0):
    """Count tasks of the private loop, connections to the server, and threads of ours but the one loop."""
    port = int(url.rpartition(":")[2])
    deadline = time.monotonic() + patience_s
    while any(found := _left_over(port)) and time.monotonic() < deadline:
        time.sleep(0.01)  # a connection closes a moment after its pull
    return found


def _left_over(port):
    gc.collect()
    tasks = asyncio.all_tasks(_bridge._private.loop())
    sockets = [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port]
    threads = [thread for thread in threading.enumerate() if thread.name == "helius_frames"]
    return Left(len(tasks), len(sockets), len(threads) - 1)


def _transport(name, app, request):
    if name == "in process":
        return httpx.ASGITransport(app)
    return PORTS[name](request.endpoint, request.timeout)
