"""The table of rates: ``python -m tests.bench.rates [WORD …] [--old] [--seeds 5]``."""

from __future__ import annotations

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from helius_frames._transport.rate_limit import Permit, RateLimiter
from tests.support import old_law
from tests.support.rate_cases import Case, Law, Result, cases, measure

if TYPE_CHECKING:
    from collections.abc import Iterable

LAWS: dict[str, Law] = {
    "new": (RateLimiter, Permit),
    "old": (old_law.Budget, old_law.Turn),
}


def run(chosen: Iterable[Case], law: str, seeds: int, processes: int = 2) -> list[Result]:
    """Measure the cases, the longest first."""
    order = sorted(chosen, key=lambda case: -case.requests)
    with ProcessPoolExecutor(processes) as pool:
        results = list(pool.map(partial(_one, law=law, seeds=seeds), order))
    places = {case: n for n, case in enumerate(chosen)}
    return sorted(results, key=lambda result: places[result.case])


def _one(case: Case, law: str, seeds: int) -> Result:
    return measure(case, LAWS[law], seeds)


def print_table(results: list[Result]) -> None:
    """Print a line a case, then the worst and the misses."""
    for result in results:
        recovery = "" if result.recovery_s is None else f"{result.recovery_s:6.1f} s"
        marks = "  <- " + ", ".join(result.misses) if result.misses else ""
        print(f"{result.case.name:58} {result.ratio:6.2f} x {result.refused:7.1%} {recovery:9}{marks}")
    print(f"\n{len(results)} cases, median {statistics.median(r.ratio for r in results):.2f} x")
    worst = sorted(results, key=lambda result: -result.ratio)[:5]
    print("slowest: " + "; ".join(f"{r.case.name}: {r.ratio:.2f}" for r in worst))
    refused = sorted(results, key=lambda result: -result.refused)[:5]
    print("most refused: " + "; ".join(f"{r.case.name}: {r.refused:.1%}" for r in refused))
    print(f"misses: {sum(bool(r.misses) for r in results)}")


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rates", description=__doc__)
    parser.add_argument("words", nargs="*", help="only cases whose name contains all of these")
    parser.add_argument("--old", action="store_true", help="the law of 0.1.0")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--misses", action="store_true", help="only the misses")
    options = parser.parse_args()
    chosen = [case for case in cases() if all(word in case.name for word in options.words)]
    results = run(chosen, "old" if options.old else "new", options.seeds)
    print_table([r for r in results if r.misses] if options.misses else results)
    if options.misses:
        print(f"of {len(results)}")


if __name__ == "__main__":
    main()
