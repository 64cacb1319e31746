"""The package's own event loop, and what a pull may leave behind in it and elsewhere: nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import NamedTuple

import psutil

from helius_frames import _sync


class LeftOver(NamedTuple):
    """What is still there after a pull."""

    tasks: int
    sockets: int
    threads: int


NOTHING = LeftOver(0, 0, 0)


def left_over(url, patience_s=2.0):
    """Count tasks of the package's loop, connections to the server, and threads but that of the loop."""
    port = int(url.rpartition(":")[2])
    deadline = time.monotonic() + patience_s
    while (found := _left_over(port)) != NOTHING and time.monotonic() < deadline:
        time.sleep(0.01)  # a connection closes a moment after its pull
    return found


def library_tasks():
    """Return the tasks that run in the package's own loop."""
    return asyncio.all_tasks(_sync._loop_thread.loop())


def run_in_library_loop(coroutine, timeout_s=5):
    """Run a coroutine in the package's own loop, and return its result."""
    return asyncio.run_coroutine_threadsafe(coroutine, _sync._loop_thread.loop()).result(timeout_s)


def _left_over(port):
    gc.collect()
    sockets = [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port]
    threads = [thread for thread in threading.enumerate() if thread.name == "helius_frames"]
    return LeftOver(len(library_tasks()), len(sockets), len(threads) - 1)
