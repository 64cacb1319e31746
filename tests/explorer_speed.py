"""Print what the explorer takes at ten million rows: ``python -m tests.explorer_speed [rows …]``.

For each number of rows: the time until the explorer stands, and for a change of each kind the median
time in the kernel and what goes to the browser.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import ipywidgets
import numpy as np
import pandas as pd

from helius_frames.explorer import Explorer, explore

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = (3_000_000, 10_000_000)
MINTS = 500
ROWS_PER_OWNER = 10
REPEATS = 9
ALPHABET = np.array(list("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"))


def main(sizes: list[int]) -> None:
    for rows in sizes:
        frame = unequal_frame(rows)
        start = time.perf_counter()
        explorer = explore(frame)
        ready_s = time.perf_counter() - start
        print(f"{rows:,} rows, {MINTS} mints: ready in {ready_s:.2f} s")
        for name, change in changes(explorer).items():
            print(f"  {name:12}{report(explorer, change)}")
        explorer.close()


def changes(explorer: Explorer) -> dict[str, Callable[[int], None]]:
    """For each kind of change a function that makes the n-th of them."""
    mints = explorer._index.mints
    return {
        "mint": lambda turn: setattr(explorer, "mint", mints[turn % 7]),
        "bins": lambda turn: setattr(explorer, "bins", 60 + turn),
        "scale": lambda turn: setattr(explorer, "scale", ("linear", "log")[turn % 2]),
        "units": lambda turn: setattr(explorer, "units", ("decimals", "base")[turn % 2]),
        "hide zeros": lambda turn: setattr(explorer, "hide_zeros", turn % 2 == 0),
        "chart": lambda turn: setattr(explorer, "chart", tuple(explorer.traits()["chart"].values)[turn % 6]),
    }


def report(explorer: Explorer, change: Callable[[int], None]) -> str:
    times, sizes = [], []
    for turn in range(1, REPEATS + 1):
        with Sent(explorer) as sent:
            start = time.perf_counter()
            change(turn)
            times.append(1000 * (time.perf_counter() - start))
        sizes.append(sent.bytes)
    return f"{statistics.median(times):7.1f} ms, at most {max(sizes):7,} bytes to the browser"


class Sent:
    """Counts what widgets send within the block, as if a page were there."""

    def __init__(self, explorer: Explorer) -> None:
        self.bytes = 0
        explorer.figure._view_count = 1

    def __enter__(self) -> Self:
        self.send = ipywidgets.Widget._send
        ipywidgets.Widget._send = lambda _widget, message, buffers=None: self.count(message, buffers)
        return self

    def __exit__(self, *_: object) -> None:
        ipywidgets.Widget._send = self.send

    def count(self, message: dict[str, Any], buffers: list[bytes] | None) -> None:
        self.bytes += len(json.dumps(message)) + sum(memoryview(buffer).nbytes for buffer in buffers or ())


def unequal_frame(rows: int) -> pd.DataFrame:
    """Synthetic balances: mints of very unequal size, balances over many orders of magnitude."""
    random = np.random.default_rng(20260801)
    owners = rows // ROWS_PER_OWNER
    sizes = np.minimum(rows * (weights := 1 / np.arange(1, MINTS + 1)) / weights.sum(), owners).astype(
        np.int64
    )
    sizes[-100:] += (rows - sizes.sum()) // 100
    mint_codes = np.repeat(np.arange(MINTS), sizes)
    owner_codes = np.concatenate([random.permutation(owners)[:size] for size in sizes])
    balances = (random.pareto(0.7, len(mint_codes)) * 1e6).clip(0, 1.8e19).astype(np.uint64)
    balances[random.random(len(balances)) < 0.03] = 0
    return pd.DataFrame(
        {
            "owner": pd.Categorical.from_codes(owner_codes, addresses(random, owners)),
            "mint": pd.Categorical.from_codes(mint_codes, addresses(random, MINTS)),
            "balance": balances,
            "slot": random.integers(345_600_000, 345_600_048, len(balances)),
        }
    )


def addresses(random: np.random.Generator, count: int) -> list[str]:
    """Texts of the form of addresses."""
    return (
        np.ascontiguousarray(ALPHABET[random.integers(0, len(ALPHABET), (count, 44))])
        .view("U44")
        .ravel()
        .tolist()
    )


if __name__ == "__main__":
    main([int(float(size)) for size in sys.argv[1:]] or list(ROWS))
