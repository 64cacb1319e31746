"""The rate that nobody gave, on the wall clock: ``python -m tests.bench.rates_wall``.

Each limiter stands before the demo indexer on a port, 20 ms away; the ideal knows it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from helius_frames import read_helius_balances
from helius_frames.demo import Holdings, Indexer, serve
from helius_frames.demo.limits import FixedWindow, SlidingWindow, TokenBucket

if TYPE_CHECKING:
    from helius_frames.demo.limits import Limiter

OWNERS, RATE, STORM_S = 500, 50, 2.0


class Storm:
    """Refuses everything for some seconds, and then what another limiter refuses."""

    def __init__(self, limiter: Limiter, seconds: float) -> None:
        self._limiter = limiter
        self._seconds = seconds
        self._begin: float | None = None

    def allow(self, now: float) -> float | None:
        self._begin = now if self._begin is None else self._begin
        left = self._begin + self._seconds - now
        return left if left > 0 else self._limiter.allow(now)

    def done(self) -> None:
        self._limiter.done()


def main() -> None:
    holdings = Holdings.uniform(OWNERS, 1, 40, seed=3)
    cases = [
        *(
            (f"bucket of {burst}", TokenBucket, (RATE, burst), (OWNERS - burst) / RATE)
            for burst in (1, 5, 50)
        ),
        ("fixed window of 1 s", FixedWindow, (RATE,), OWNERS / RATE - 1),
        ("sliding window of 1 s", SlidingWindow, (RATE,), OWNERS / RATE - 1),
        (
            "storm of 2 s, bucket of 5",
            lambda: Storm(TokenBucket(RATE, 5), STORM_S),
            (),
            STORM_S + (OWNERS - 5) / RATE,
        ),
    ]
    print("| limiter | rate given | seconds | times ideal | refused |\n|---|---|---|---|---|")
    for name, make, arguments, ideal_s in cases:
        for given in (None, RATE):
            app = Indexer(holdings, limiter=make(*arguments), latency_s=0.02)
            with serve(app) as url:
                begin = time.perf_counter()
                frame = read_helius_balances(
                    holdings.owners, endpoint=url, retries=500, requests_per_second=given, progress=False
                )
                took_s = time.perf_counter() - begin
            if len(frame) != len(holdings):
                raise AssertionError(name)
            is_given = "yes" if given else "no"
            print(
                f"| {name} | {is_given} | {took_s:.2f} | {took_s / ideal_s:.2f}× | {app.refused} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
