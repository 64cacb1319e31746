"""The bridge from sync code to a loop of the package's own: where the loop is made, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from helius_frames import _bridge


def test_the_private_loop_is_made_in_its_own_thread(monkeypatch):
    makers, new_loop = [], _bridge._new_loop
    monkeypatch.setattr(_bridge, "_new_loop", lambda: makers.append(threading.current_thread()) or new_loop())
    private = _bridge._LoopThread()
    loop = private.loop()
    private._forget()
    loop.call_soon_threadsafe(loop.stop)
    (maker,) = makers
    maker.join()
    loop.close()
    assert maker is not threading.current_thread()


def test_a_loop_that_cannot_be_made_is_an_error_of_the_caller(monkeypatch):
    def fail():
        raise OSError("no more files")

    monkeypatch.setattr(_bridge, "_new_loop", fail)
    with pytest.raises(OSError, match="no more files"):
        _bridge._LoopThread().loop()


def test_a_fault_that_meets_a_cancellation_is_not_logged(caplog):
    async def stubborn():
        try:
            await asyncio.sleep(9)
        finally:
            raise ZeroDivisionError

    async def main():
        task = asyncio.create_task(_bridge.with_ticks(stubborn(), lambda: None))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gc.collect()
    assert not caplog.records
