"""``python -m helius_frames``: the main job on the embedded indexer, without key or network.

Prints the tidy frame and its summary by mint, and writes a small report as a page that works offline. The
top of the package, beside `__init__`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from helius_frames import charts, demo
from helius_frames.analysis import shorten
from helius_frames.reader import read_helius_balances

_SHOWN = "Stable Unit"


def main() -> None:
    """Read the demo owners' balances, print them and their summary, and write a report with charts."""
    page = _arguments().output
    frame = read_helius_balances(demo.OWNERS, cluster="demo")
    short = frame.assign(**{name: frame[name].map(shorten) for name in ("owner", "mint")})
    summary = frame.helius.by_mint(short=True)
    # What does not fit the terminal is left out in the middle, and no line is broken.
    with pd.option_context("display.max_columns", 0, "display.max_rows", 12):
        print("pd.read_helius_balances(helius_frames.demo.OWNERS, cluster='demo')")  # noqa: T201
        print(f"(addresses are shortened here)\n\n{short}\n")  # noqa: T201
        print(f"{frame.helius!r}\n\ndf.helius.by_mint(short=True)\n\n{summary}\n")  # noqa: T201
    page.parent.mkdir(parents=True, exist_ok=True)
    names = {token.mint: token.name for token in demo.TOKENS}
    decimals = {token.mint: token.decimals for token in demo.TOKENS}
    named = frame.assign(
        symbol=frame["mint"].map(names), decimals=frame["mint"].map(decimals).astype("UInt8")
    )
    shown = next(mint for mint, name in names.items() if name == _SHOWN)
    page.write_text(charts.report_html(named, shown), encoding="utf-8")
    print(f"wrote {page}: open it in a browser")  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helius_frames", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo-output/distribution.html"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
