"""What a user would write: httpx in a loop, or ``asyncio.gather`` on one client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

AT_ONCE = 16
PATIENCE = httpx.Timeout(60)


def json_normalize(url: str, owners: Sequence[str]) -> pd.DataFrame:
    """One frame for each page, joined at the end."""
    frames = []
    with httpx.Client(timeout=PATIENCE) as client:
        for owner in owners:
            for result in _pages(client, url, owner):
                frame = pd.json_normalize(result["value"]["items"])
                frame.insert(0, "owner", owner)
                frame["slot"] = result["context"]["slot"]
                frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def list_of_dicts(url: str, owners: Sequence[str]) -> pd.DataFrame:
    """One frame of all rows, each a dict until then."""
    rows = []
    with httpx.Client(timeout=PATIENCE) as client:
        for owner in owners:
            for result in _pages(client, url, owner):
                rows += _dicts(owner, result)
    return pd.DataFrame(rows)


def gather(url: str, owners: Sequence[str]) -> pd.DataFrame:
    """Sixteen owners at once on one client, rows as dicts."""
    return asyncio.run(_gather(url, owners))


async def _gather(url: str, owners: Sequence[str]) -> pd.DataFrame:
    free = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:

        async def read(owner: str) -> list[dict[str, Any]]:
            async with free:
                return [row async for result in _apages(client, url, owner) for row in _dicts(owner, result)]

        of_each = await asyncio.gather(*(read(owner) for owner in owners))
    return pd.DataFrame([row for rows in of_each for row in rows])


def _pages(client: httpx.Client, url: str, owner: str) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        reply = client.post(url, json=_body(owner, cursor))
        reply.raise_for_status()
        result = reply.json()["result"]
        yield result
        cursor = result["value"]["cursor"]
        if cursor is None:
            return


async def _apages(client: httpx.AsyncClient, url: str, owner: str) -> AsyncIterator[dict[str, Any]]:
    cursor = None
    while True:
        reply = await client.post(url, json=_body(owner, cursor))
        if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
            await asyncio.sleep(float(reply.headers.get("retry-after", 1)))
            continue
        reply.raise_for_status()
        result = reply.json()["result"]
        yield result
        cursor = result["value"]["cursor"]
        if cursor is None:
            return


def _body(owner: str, cursor: str | None) -> dict[str, Any]:
    params = {"owner": owner, "limit": 1000} | ({} if cursor is None else {"cursor": cursor})
    return {"jsonrpc": "2.0", "id": "1", "method": "getCompressedTokenBalancesByOwnerV2", "params": params}


def _dicts(owner: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    slot = result["context"]["slot"]
    return [{"owner": owner, **item, "slot": slot} for item in result["value"]["items"]]
