"""``python -m tests.bench.holders``: every holder of a mint, one request at a time and many at once.

The demo indexer runs in a process of its own. Every frame is compared, row for row, with what it holds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

import helius_frames
from helius_frames.demo import Holdings, Indexer, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

ROOT: Final = Path(__file__).parents[2]
AIRDROP: Final = 10**9
_runs = count(1)


def balances(shape: str, n: int) -> NDArray[np.uint64]:
    """Draw the balances of a mint's holders."""
    rng = np.random.default_rng(7)
    tail = np.exp(rng.normal(16, 3.5, n).clip(0, 43)).astype(np.uint64)
    if shape == "long tail":
        return tail
    if shape == "airdrop":
        tail[rng.random(n) < 0.9] = AIRDROP
        return tail
    if shape == "ten amounts":
        return (rng.integers(1, 11, n) * AIRDROP).astype(np.uint64)
    raise ValueError(shape)


def holdings(shape: str, n: int) -> Holdings:
    """Hold one mint by so many owners, or, as ``"one owner"``, so many mints by one owner."""
    return Holdings.uniform(1, n, n, 7) if shape == "one owner" else Holdings.of_mint(balances(shape, n), 7)


class Run(NamedTuple):
    """What one read took."""

    rows: int
    wall_s: float
    cpu_s: float
    requests: int


@contextmanager
def server(shape: str, n: int, latency_s: float) -> Iterator[str]:
    """Run the indexer in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.holders", "--serve", json.dumps([shape, n, latency_s])]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def _serve(shape: str, n: int, latency_s: float) -> None:
    held = holdings(shape, n)
    indexer = Indexer(held, page_slots=1, latency_s=latency_s)
    if shape == "one owner":
        indexer.warm()
    else:
        indexer.warm_holders(held.mint_texts[0])
    with serve(indexer) as url:
        print(url, flush=True)
        sys.stdin.read()


def timed(read: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, Run]:
    """Read once, and say what it took in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    df = read()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return df, Run(len(df), wall, cpu, df.attrs["helius"]["requests"])


def options(url: str, **more: Any) -> dict[str, Any]:
    """Return what every read has: a key of its own, so that no run knows the rate of an earlier one."""
    return {"endpoint": url, "api_key": f"bench-{next(_runs)}", "progress": False} | more


def assert_exact(df: pd.DataFrame, held: Holdings) -> None:
    """Compare a frame of one mint with what the server holds, in its order."""
    holders = held.holders(held.mint_texts[0])
    assert holders is not None
    assert np.array_equal(df["balance"].to_numpy(), holders.balances)
    owners = np.array(held.owners)[holders.owners]
    assert np.array_equal(df["owner"].cat.categories.to_numpy()[df["owner"].cat.codes], owners)


def many(n: int, rounds: int) -> None:
    """Holders of one mint beside an owner of as many mints: requests, and CPU per row."""
    held = holdings("long tail", n)
    of_owner, of_mint = [], []
    with server("long tail", n, 0) as mints, server("one owner", n, 0) as owners:
        owner = holdings("one owner", n).owners[0]
        for _ in range(rounds):
            of_owner.append(timed(lambda: helius_frames.read_helius_balances(owner, **options(owners)))[1])
            df, run = timed(lambda: helius_frames.read_helius_holders(held.mint_texts[0], **options(mints)))
            assert_exact(df, held)
            of_mint.append(run)
    for name, runs in (("one owner's mints", of_owner), ("one mint's holders", of_mint)):
        cpu = sorted(1e6 * run.cpu_s / run.rows for run in runs)
        wall = sorted(run.wall_s for run in runs)
        print(
            f"| {name} | {runs[0].rows:,} | {runs[-1].requests:,} | {wall[len(wall) // 2]:.2f} |"
            f" {cpu[len(cpu) // 2]:.2f} | {cpu[0]:.2f} |"
        )


def parallel(n: int, latency_s: float) -> None:
    """One request at a time against sixteen, by the shape of the balances."""
    for shape in ("long tail", "airdrop", "ten amounts"):
        held = holdings(shape, n)
        mint = held.mint_texts[0]
        with server(shape, n, latency_s) as url:
            df, one = timed(
                lambda mint=mint: helius_frames.read_helius_holders(
                    mint, **options(url, max_concurrency=1, requests_per_second=1e4, top=20_000)
                )
            )
            one_s = one.wall_s / one.requests * (n // 1000 + 1)  # each request takes as long as the other
            df, run = timed(
                lambda mint=mint: helius_frames.read_helius_holders(
                    mint, **options(url, requests_per_second=1e4)
                )
            )
            assert_exact(df, held)
            more = 100 * (run.requests / (n // 1000 + 1) - 1)
            print(
                f"| {shape} | {n:,} | {one_s:.1f} | {run.wall_s:.1f} | {one_s / run.wall_s:.1f} × |"
                f" {run.requests:,} | {more:+.1f} % |",
                flush=True,
            )


def wallets(n: int, wanted: int, latency_s: float) -> None:
    """Some wallets' balances of one mint: by its list of holders, and one by one."""
    held = holdings("long tail", n)
    mint, owners = held.mint_texts[0], list(held.owners[:wanted])
    with server("long tail", n, latency_s) as url:
        more = options(url, requests_per_second=1e4)
        by_list, listed = timed(lambda: helius_frames.read_helius_holders(mint, owners=owners, **more))
        by_owner, asked = timed(lambda: helius_frames.read_helius_balances(owners, mint, **more))
    columns = ["owner", "balance"]
    found, known = (df[columns].astype({"owner": "str"}).sort_values("owner") for df in (by_list, by_owner))
    assert found.to_numpy().tolist() == known.to_numpy().tolist()
    for name, run in (
        ("read_helius_holders(mint, owners=…)", listed),
        ("read_helius_balances(owners, mint)", asked),
    ):
        print(f"| {name} | {run.requests:,} | {10 * run.requests:,} | {run.wall_s:.1f} | {run.cpu_s:.1f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve")
    parser.add_argument("--only", choices=["many", "parallel", "wallets"])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(*json.loads(arguments.serve))
        return
    part = 20 if arguments.quick else 1
    if arguments.only in (None, "many"):
        print("| read | rows | requests | s | CPU, µs/row | least |\n|---|---:|---:|---:|---:|---:|")
        many(1_000_000 // part, arguments.rounds)
    if arguments.only in (None, "parallel"):
        print("| balances, 80 ms | holders | one at a time, s | 16 at once, s | faster | requests | more |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        parallel(1_000_000 // part, 0.08)
        parallel(120_000 // part, 0.08)
    if arguments.only in (None, "wallets"):
        print(
            "| 50,000 wallets of 400,000 holders | requests | credits | s | CPU, s |\n"
            "|---|---:|---:|---:|---:|"
        )
        wallets(400_000 // part, 50_000 // part, 0.0)


if __name__ == "__main__":
    main()
