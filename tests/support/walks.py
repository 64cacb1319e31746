"""Walks without a reader around them: an app in this process, a real client, a sink that keeps everything."""

from __future__ import annotations

import asyncio
import json

from helius_frames._protocol import balances
from helius_frames._pull.fetch import PageFetcher
from helius_frames.demo._asgi import read_body
from tests.support.clients import app_client


class Calls:
    """An app that keeps each call before another app answers it, and lets other tasks run in between."""

    def __init__(self, app):
        self.app = app
        self.calls = []
        self.in_flight = self.most_in_flight = 0

    @property
    def params(self):
        return [call["params"] for call in self.calls]

    async def __call__(self, scope, receive, send):
        body = await read_body(receive)
        self.calls.append(json.loads(body))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

        async def receive_again():
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            await asyncio.sleep(0)
            await self.app(scope, receive_again, send)
        finally:
            self.in_flight -= 1


def fetching(app, talk, page_size=10, **options):
    """Return what ``talk(fetcher)`` returns, where the fetcher asks an app through a real client."""

    async def main():
        async with app_client(app, retries=0, **options) as client:
            return await talk(PageFetcher(client, balances.METHODS, balances.parse_page, page_size))

    return asyncio.run(main())


class KeepingSink:
    """A sink that keeps what comes, and in which order owners were closed."""

    def __init__(self):
        self.rows = {}
        self.closed = []

    async def add(self, index, rows):
        assert index not in self.closed, "rows came after the end"
        self.rows.setdefault(index, []).append(rows)

    async def close(self, index):
        assert index not in self.closed, "an owner ended twice"
        self.closed.append(index)
