"""What importing the package adds to importing pandas, in fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.bench.report import Figure, Report, number
from tests.bench.world import ROOT

if TYPE_CHECKING:
    from tests.bench.cases import Scale

TIMED: Final = """
import time
start = time.perf_counter()
import pandas
middle = time.perf_counter()
import helius_frames
print(middle - start, time.perf_counter() - middle)
"""


def importing(scale: Scale) -> Report:
    """Import time after pandas."""
    runs = [_run() for _ in range(scale.rounds(5) + 1)][1:]  # the first one writes bytecode
    pandas_s, own_s = (statistics.median(column) for column in zip(*runs, strict=True))
    figures = [
        Figure(
            "`import helius_frames`: time beyond pandas'",
            "`import pandas`",
            own_s,
            " s",
            absolute=f"pandas takes {number(pandas_s)} s",
            most=0.15,
        )
    ]
    lines = [["import pandas", number(pandas_s)], ["import helius_frames after it", number(own_s)]]
    return Report("Import", ["statement", "wall, s"], lines, figures=figures)


def _run() -> tuple[float, float]:
    order = [sys.executable, "-c", TIMED]
    done = subprocess.run(order, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    pandas_s, own_s = map(float, done.stdout.split())
    return pandas_s, own_s
