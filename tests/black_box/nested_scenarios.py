"""Pulls nested in a running loop: each scenario runs in a process of its own, where asyncio may be patched.

nest-asyncio patches it for good, so that tests after it would run on other tasks than users do. An exit of 0
says that the scenario held.
"""

from __future__ import annotations

import asyncio
import sys

from helius_frames import demo, errors, read_helius_balances
from tests.black_box.interrupt_scenarios import in_a_running_loop
from tests.support.frames import rows_held, rows_of
from tests.support.key_search import FAILING, KEY_PLACES, all_texts, error_of_pull, failing_server, has_key
from tests.support.servers import swappable_server, unused_port

OWNERS = list(demo.OWNERS[:40])


def the_frame_is_the_same():
    """Nested once, nested again, and in the thread afterwards."""
    wanted = rows_held(demo.app().holdings, OWNERS)

    def cell():
        for event_loop in ("nested", "nested", "thread"):
            df = read_helius_balances(OWNERS, cluster="demo", event_loop=event_loop)
            assert rows_of(df) == wanted

    in_a_running_loop(cell)


def the_callers_own_tasks_go_on():
    """As they do not while a thread is waited for."""

    async def run(event_loop):
        ticks = []

        async def tick():
            while True:
                ticks.append(None)
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0)
        before = len(ticks)
        read_helius_balances(OWNERS, cluster="demo", event_loop=event_loop)
        during = len(ticks) - before
        ticking.cancel()
        return during

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(run("thread")) == 0
    assert loop.run_until_complete(run("nested")) > 1
    loop.close()


def no_fault_shows_the_key():
    """Tasks of pure Python are woken inside the ``except`` of an error, with all its frames."""

    def cell():
        with unused_port() as port, swappable_server() as (server, url):
            for place in KEY_PLACES:
                error = error_of_pull(f"http://127.0.0.1:{port}", place, "nested")
                assert isinstance(error, errors.HostUnreachableError)
                assert not any(map(has_key, all_texts(error)))
            for name in FAILING:
                server.app = failing_server(name)
                error = error_of_pull(url, "url", "nested")
                assert not any(map(has_key, all_texts(error))), name

    in_a_running_loop(cell)


SCENARIOS = (the_frame_is_the_same, the_callers_own_tasks_go_on, no_fault_shows_the_key)


if __name__ == "__main__":
    {scenario.__name__: scenario for scenario in SCENARIOS}[sys.argv[1]]()
