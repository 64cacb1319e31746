"""``python -m helius_frames``: the main job on the embedded indexer, without key or network.

Prints the tidy frame and its summary by mint, as wide as the terminal is, and writes a small report with
charts as a page that works offline. The top of the package, beside `__init__`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from helius_frames import charts, demo
from helius_frames.analysis import shorten
from helius_frames.reader import read_helius_balances

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = "Stable Unit"
_ROWS = 12


def main() -> None:
    """Fetch the balances of the demo cluster, print a summary, and write a report with charts."""
    page = _arguments().output
    frame = read_helius_balances(demo.OWNERS, cluster="demo").helius.with_tokens()
    short = frame.assign(**{name: frame[name].map(shorten) for name in ("owner", "mint")})
    width = shutil.get_terminal_size((100, 24)).columns
    summary = frame.helius.by_mint(short=True).head(_ROWS)
    for said, table in (
        ("df = pd.read_helius_balances(demo.OWNERS, cluster='demo').helius.with_tokens()", short),
        (f"{frame.helius!r}\n\ndf.helius.by_mint(short=True).head({_ROWS})", summary),
    ):
        print(f"{said}\n\n{fitted(table, width)}\n")  # noqa: T201
    page.parent.mkdir(parents=True, exist_ok=True)
    shown = next(token.mint for token in demo.TOKENS if token.name == _SHOWN)
    page.write_text(charts.report_html(frame, shown), encoding="utf-8")
    print(f"wrote {page}: open it in a browser")  # noqa: T201


def fitted(table: pd.DataFrame, width: int) -> str:
    """Return a table as text, with as many of its first columns as a line of this width holds."""
    size = f"[{len(table):,} rows × {table.shape[1]} columns]"
    for columns in range(table.shape[1], 0, -1):
        text = table.iloc[:, :columns].to_string(
            max_rows=_ROWS, show_dimensions=False, float_format="{:.3f}".format, na_rep="–"
        )
        if columns == 1 or max(map(len, text.splitlines())) <= width:
            break
    return f"{text}\n\n{size}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helius_frames", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo-output/distribution.html"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
