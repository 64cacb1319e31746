"""``python -m tests.bench.airdrop``: how long the questions about an airdrop take, and how much memory.

Each case runs in a process of its own; memory is the peak beyond what stood before, in sizes of the frame.
"""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from helius_frames import analysis
from helius_frames.demo.holdings import random_keys, texts_of

MILLION = 1_000_000
STATUS, FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def frame_of_holders(owners):
    """A frame as `read_helius_holders` returns it: one mint, the largest balance first."""
    rng = np.random.default_rng(1)
    names = pd.Index(texts_of(random_keys(rng, owners + 1)), dtype="str")
    balances = np.sort(
        rng.choice([0, 5, 10**9, 10**18], owners).astype(np.uint64)
        + rng.integers(0, 2, owners, dtype=np.uint64)
    )
    frame = pd.DataFrame(
        {
            "owner": pd.Categorical.from_codes(np.arange(owners), names[:-1]),
            "mint": pd.Categorical.from_codes(np.zeros(owners, dtype=np.int8), names[-1:]),
            "balance": balances[::-1].copy(),
            "slot": np.full(owners, 345_600_000),
        }
    )
    frame.attrs["helius"] = {"mints": [names[-1]], "complete": [names[-1]]}
    return frame


def airdrop_case(known):
    """A list of as many owners as the frame has, a part of them known to it, as a Series of amounts."""
    frame = frame_of_holders(MILLION)
    rng = np.random.default_rng(2)
    strangers = int(MILLION * (1 - known))
    names = frame["owner"].cat.categories[: MILLION - strangers]
    names = names.append(pd.Index(texts_of(random_keys(np.random.default_rng(3), strangers)), dtype="str"))
    names = names.take(rng.permutation(len(names)))
    expected = pd.Series(rng.choice([5, 10**9, 10**18], len(names)), index=names.copy())
    return frame, lambda: analysis.airdrop(frame, expected)


def overlap_case(mints_each):
    """500 mints and 100,000 owners, who hold so many of them each."""
    owners, mints = 100_000, 500
    rng = np.random.default_rng(4)
    held = rng.random((owners, mints), dtype=np.float32) < mints_each / mints
    who, what = np.nonzero(held)
    frame = pd.DataFrame(
        {
            "owner": pd.Categorical.from_codes(who, texts_of(random_keys(rng, owners))),
            "mint": pd.Categorical.from_codes(what, texts_of(random_keys(rng, mints))),
            "balance": rng.integers(0, 10, len(who)).astype(np.uint64),
            "slot": np.full(len(who), 345_600_000),
        }
    )
    return frame, lambda: analysis.overlap(frame)


CASES = {
    "airdrop, 1,000,000 expected, all in the frame": lambda: airdrop_case(1.0),
    "airdrop, 1,000,000 expected, 9 of 10 in the frame": lambda: airdrop_case(0.9),
    "overlap, 500 mints × 100,000 owners, 3 mints each": lambda: overlap_case(3),
    "overlap, 500 mints × 100,000 owners, 20 mints each": lambda: overlap_case(20),
    "overlap, 500 mints × 100,000 owners, 250 mints each": lambda: overlap_case(250),
}


def measure(name):
    frame, work = CASES[name]()
    analysis.gini([1, 2])
    gc.collect()
    before = status("VmRSS")
    FORGET_PEAK.write_text("5")
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    # Without the hash tables that pandas keeps with an index once it has been searched.
    size = sum(column.array.nbytes for _, column in frame.items())
    peak = status("VmHWM") - before
    print(
        f"{name}: {seconds:.2f} s, {peak / 1e6:,.0f} MB at the peak, {peak / size:.2f} × the frame of"
        f" {size / 1e6:,.0f} MB and {len(frame):,} rows; {len(result):,} rows",
        flush=True,
    )


def status(field):
    return 1024 * int(re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))[1])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        for case in CASES:
            subprocess.run([sys.executable, "-m", "tests.bench.airdrop", case], check=True)  # noqa: S603
