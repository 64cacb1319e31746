"""For unit tests of walk and schedule: an indexer called in process, without HTTP client, retry or pace."""

from __future__ import annotations

import asyncio

from helius_frames import _wire
from helius_frames._protocol import pubkey


class DirectCall:
    """An ``async call(body) -> bytes`` straight to an ASGI app; it keeps the bodies sent."""

    def __init__(self, app):
        self._app = app
        self.bodies = []

    async def __call__(self, body):
        self.bodies.append(body)
        await asyncio.sleep(0)  # as on a network, others come in between
        status, content = await _post(self._app, body)
        error = _wire.fault_in(status, content)
        if error is not None:
            raise error
        return content


class CollectingSink:
    """A sink that keeps everything as it came."""

    def __init__(self):
        self.rows = {}
        self.pages = {}
        self.errors = {}
        self.unstable = set()

    async def emit(self, index, page):
        self.pages.setdefault(index, []).append(page)

    async def done(self, index, rows, *, is_stable):
        assert index not in self.rows, "an owner ended twice"
        self.rows[index] = rows
        if not is_stable:
            self.unstable.add(index)

    async def failed(self, index, error):
        self.errors[index] = error


def aligned_rows_held(holdings, owner):
    """Return what the indexer holds of an owner as (aligned mint, balance), the form of a walk's rows."""
    rows = holdings.to_dict().get(owner, {})
    return sorted((pubkey.aligned(mint), balance) for mint, balance in rows.items())


def aligned_rows(rows):
    """Return what a walk read, in the same form."""
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
