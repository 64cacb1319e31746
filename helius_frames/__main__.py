"""``python -m helius_frames``: the main job on the embedded indexer, without key or network.

Prints the tidy frame and its summary by mint, and writes one interactive chart as a page that works
offline. The top of the package, beside `__init__`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from helius_frames import charts, demo
from helius_frames.reader import read_helius_balances

_SHOWN = "Stable Unit"


def main() -> None:
    """Fetch the balances of the demo cluster, print a summary, and write a chart as a web page."""
    page = _arguments().output
    frame = read_helius_balances(demo.OWNERS, cluster="demo")
    summary = frame.helius.by_mint(short=True)
    with pd.option_context("display.width", 200, "display.max_columns", 20, "display.max_rows", 12):
        print(f"pd.read_helius_balances(helius_frames.demo.OWNERS, cluster='demo')\n\n{frame}\n")  # noqa: T201
        print(f"{frame.helius!r}\n\ndf.helius.by_mint(short=True)\n\n{summary}\n")  # noqa: T201
    page.parent.mkdir(parents=True, exist_ok=True)
    token = next(token for token in demo.TOKENS if token.name == _SHOWN)
    figure = charts.plot_histogram(frame, token.mint, decimals=token.decimals)
    page.write_text(charts.standalone_html(figure), encoding="utf-8")
    print(f"wrote {page}: open it in a browser")  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helius_frames", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo-output/distribution.html"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
