"""The reader itself, whole and without some of its parts."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import pandas as pd

import helius_frames
from helius_frames import reader
from helius_frames._options import resolve
from helius_frames._pull import pull
from helius_frames._pull.fetch import PageFetcher
from helius_frames._transport.client import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from helius_frames._transport.endpoint import Endpoint
    from helius_frames._transport.http import Connect

_runs = count(1)


def read(url: str, owners: Sequence[str], **options: Any) -> pd.DataFrame:
    """Read with a key of its own, so that no run knows the rate that an earlier one learned."""
    key = {"api_key": f"bench-{next(_runs)}"}
    return helius_frames.read_helius_balances(owners, endpoint=url, progress=False, **key | options)


def read_in_two(url: str, owners: Sequence[str], **options: Any) -> pd.DataFrame:
    """Two pulls at the same time, in threads of their own, with one key."""
    key = f"bench-{next(_runs)}"
    frames: dict[int, pd.DataFrame] = {}

    def pull(half: int) -> None:
        part = owners[half * len(owners) // 2 : (half + 1) * len(owners) // 2]
        frames[half] = read(url, part, api_key=key, **options)

    threads = [threading.Thread(target=pull, args=(half,)) for half in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return pd.concat([frames[half] for half in range(2)], ignore_index=True)


def read_and_take(mints: Sequence[str], url: str, owners: Sequence[str]) -> pd.DataFrame:
    """Read all rows and take those of some mints."""
    frame = read(url, owners)
    return frame[frame["mint"].isin(mints)]


def read_on_one_pool(url: str, owners: Sequence[str]) -> pd.DataFrame:
    """Read with httpx's one pool for all requests, in place of a connection for each in flight."""

    def connect(_endpoint: Endpoint, _timeout_s: float) -> Connect:
        transport = httpx.AsyncHTTPTransport()
        return lambda: transport

    options = {"endpoint": url, "progress": False}
    return reader.read(resolve(owners, None, options, Environment(connect=connect)))


@contextmanager
def no_parallel_walk() -> Iterator[None]:
    """Follow the server's own cursors only."""
    with patch.object(pull, "PageFetcher", _WithoutMadeCursors):
        yield


class _WithoutMadeCursors(PageFetcher):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.made_cursors_work = False
