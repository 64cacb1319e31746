"""``python -m tests.bench [--large] [--only CASE …] [--quick]``: the table of the README, in markdown."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import helius_frames
from tests.bench import cases, imports, looking, memory
from tests.bench.measure import tell
from tests.bench.report import Figure, Report, bounds_table, summary_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.cases import Scale

CASES: Final[dict[str, Callable[[Scale], Report]]] = {
    "cpu": cases.cpu,
    "parallel": cases.parallel,
    "parallel-half": cases.parallel_half,
    "crowded": cases.crowded,
    "bound": cases.bound,
    "rate": cases.rate,
    "rate-far": cases.rate_far,
    "owners": cases.owners,
    "mints": cases.mints,
    "memory": memory.memory,
    "import": imports.importing,
    "growth": cases.growth,
    "by-mint": looking.by_mint,
    "explorer": looking.explorer,
}
LARGE: Final[dict[str, Callable[[Scale], Report]]] = {"large": cases.large}
PACKAGES: Final = ("pandas", "numpy", "pyarrow", "httpx", "uvicorn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for and print what they took."""
    options = _parser().parse_args(arguments)
    chosen = options.only or list(LARGE if options.large else CASES)
    print(f"{_machine()}\n", flush=True)
    figures: list[Figure] = []
    for name in chosen:
        tell(name)
        report = (CASES | LARGE)[name](cases.QUICK if options.quick else cases.FULL)
        print(f"{report.text()}\n", flush=True)
        figures += report.figures
    if figures and not options.quick:  # a hundredth of the sizes shows that it runs, and no more
        print(f"### Summary\n\n{summary_table(figures)}\n", flush=True)
        print(f"### Bounds\n\n{bounds_table(figures)}", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--large", action="store_true", help="ten million rows, a hundred thousand owners, once"
    )
    parser.add_argument("--quick", action="store_true", help="a hundredth of the sizes: to see that it runs")
    parser.add_argument("--only", nargs="+", choices=[*CASES, *LARGE], metavar="CASE",
        help=f"only these cases: {', '.join([*CASES, *LARGE])}")  # fmt: skip
    return parser


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"helius_frames {helius_frames.__version__}, Python {platform.python_version()}, {packages};"
        f" {platform.system()}, {os.cpu_count()} processors{load}.\n\n"
        "Medians of runs that take turns. CPU is the client process's own, user and system. The server is the"
        ' demo indexer behind uvicorn in a process of its own; it does not bind where "server busy" is well'
        " below 100 %. Ratios are to the first line. All balances are compared with those of the server."
    )


if __name__ == "__main__":
    sys.exit(main())
