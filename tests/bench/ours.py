"""The reader itself, whole and without each of its parts."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import pandas as pd
from helius_frames._walk import KeyWalk

import helius_frames
from helius_frames import _bridge, _client, _columns, _schedule
from helius_frames._transport.rate_limit import Budget, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from helius_frames._endpoint import Endpoint

    Setting = Callable[[], AbstractContextManager[object]]

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


def both(*settings: Setting) -> Setting:
    """Several settings as one."""

    @contextmanager
    def enter() -> Iterator[None]:
        with ExitStack() as stack:
            for setting in settings:
                stack.enter_context(setting())
            yield

    return enter


@contextmanager
def plain_transport() -> Iterator[None]:
    """Use httpx's own transport and asyncio's own loop, as without the extra ``fast``."""
    with plain_loop(), patch.object(_client, "_network_transport", _client.plain_transports):
        yield


@contextmanager
def plain_loop() -> Iterator[None]:
    """Run the private loop thread on asyncio's own loop."""
    thread = _bridge._LoopThread()
    with (
        patch.object(_bridge, "_new_loop", asyncio.new_event_loop),
        patch.object(_bridge, "_private", thread),
    ):
        loop = thread.loop()
        yield
    thread._forget()
    loop.call_soon_threadsafe(loop.stop)
    while loop.is_running():
        time.sleep(0.001)
    loop.close()


def fast_transport() -> AbstractContextManager[object]:
    """Use pyreqwest's transport, or fail: never another one without a word."""
    return patch.object(_client, "_network_transport", _client.fast_transport)


@contextmanager
def one_pool() -> Iterator[None]:
    """Let every request share httpx's one pool."""

    def one(_endpoint: Endpoint, _timeout_s: float) -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport()

    with plain_loop(), patch.object(_client, "_network_transport", one):
        yield


def typed_reader() -> AbstractContextManager[object]:
    """Read every page by the typed reader, as if none were in the compact layout."""
    return patch.object(_columns, "read", lambda *_: None)


def no_wide_walk() -> AbstractContextManager[object]:
    """Follow the server's own cursors only."""
    return patch.object(_schedule, "KeyWalk", _NarrowWalk)


@contextmanager
def no_budget() -> Iterator[None]:
    """Send at full speed, and wait longer after each refusal."""
    pause = patch.object(_client.Client, "_pause", lambda _, state: min(0.25 * 2**state.attempt_number, 8.0))
    with plain_transport(), pause, patch.object(_client, "shared_budget", lambda _: _NoBudget()):
        yield


class _NarrowWalk(KeyWalk):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"is_wide": False})


class _NoBudget(Budget):
    def claim(self, _turn: Turn) -> float:
        return 0.0
