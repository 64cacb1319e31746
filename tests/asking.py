"""What a walk needs and no more: an indexer asked in process, without HTTP client, retry or pace."""

from __future__ import annotations

import asyncio

from helius_frames import _wire
from helius_frames._protocol import pubkey


class Line:
    """An ``async call(body) -> bytes`` straight to an ASGI indexer; it keeps what was asked."""

    def __init__(self, indexer):
        self._indexer = indexer
        self.bodies = []

    async def __call__(self, body):
        self.bodies.append(body)
        await asyncio.sleep(0)  # as on a network, others come in between
        status, content = await _post(self._indexer, body)
        fault = _wire.fault_in(status, content)
        if fault is not None:
            raise fault
        return content


class Pile:
    """A sink that keeps everything as it came."""

    def __init__(self):
        self.rows = {}
        self.pages = {}
        self.faults = {}
        self.unstable = set()

    async def emit(self, index, page):
        self.pages.setdefault(index, []).append(page)

    async def done(self, index, rows, *, is_stable):
        assert index not in self.rows, "an owner ended twice"
        self.rows[index] = rows
        if not is_stable:
            self.unstable.add(index)

    async def failed(self, index, fault):
        self.faults[index] = fault


def held(holdings, owner):
    """What the indexer holds, in the form of a walk's rows: (aligned mint, balance)."""
    rows = holdings.to_dict().get(owner, {})
    return sorted((pubkey.aligned(mint), balance) for mint, balance in rows.items())


def read(rows):
    """What a walk read, in the same form."""
    return list(zip(rows.mints.tolist(), rows.balances.tolist(), strict=True))


async def _post(app, body):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], content
