"""Write the pictures of the README and the docs: ``python -m tests.browser.pictures [folder]``.

The explorer on the demo cluster as JupyterLab shows it, light and dark, wide and narrow, and each chart
alone. Look at them before they are committed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import helius_frames
from helius_frames import charts
from tests.browser.frontends import browser, chromium, open_notebook, run_all, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTHS = {"wide": 1280, "narrow": 800}
MARGIN = 170  # what JupyterLab takes beside the cell's output
HEIGHT = 1300
CHART_HEIGHT = 520
MOST_BYTES = 400_000
# The demo's largest token: many holders, very unequal, no two alike.
MINT = 0
READ = """
import helius_frames
df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
"""
EXPLORE = f"""
mint = df.helius.by_mint().index[{MINT}]
names = {{token.mint: token.name for token in helius_frames.demo.TOKENS}}
named = df.assign(symbol=df["mint"].map(names).astype(str))
ex = named.helius.explore(mint=mint, decimals=helius_frames.demo.DECIMALS)
ex
"""
DRAWN = ".js-plotly-plot .gtitle"
PLOT = ".js-plotly-plot .main-svg"
BARS = ".js-plotly-plot .bars .point path"
# As many holders as the table shows without a scroll bar.
HANDFUL = 7


def main(folder: Path) -> None:
    executable = chromium()
    if executable is None:
        raise SystemExit("no Chromium: install one, or set CHROMIUM to its path")
    folder.mkdir(parents=True, exist_ok=True)
    with browser(executable) as running:
        for theme in ("light", "dark"):
            draw_explorer(running, theme, folder)
            draw_charts(running, theme, folder)
    check_sizes(folder)


def draw_explorer(running: Browser, theme: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home, serve(Path(home), theme=theme) as server:
        server.write("explorer.ipynb", [READ, EXPLORE])
        page = running.new_page(viewport={"width": WIDTHS["wide"] + MARGIN, "height": HEIGHT})
        open_notebook(page, server, "lab", "explorer.ipynb")
        page.keyboard.press("Control+b")
        run_all(page)
        page.wait_for_selector(DRAWN, timeout=60_000)
        click_a_bar(page)
        for name, width in WIDTHS.items():
            page.set_viewport_size({"width": width + MARGIN, "height": HEIGHT})
            settle(page)
            page.locator(".helius-explorer").screenshot(path=folder / f"explorer-{name}-{theme}.png")
        page.close()


def click_a_bar(page: Page) -> None:
    """Click a bar of a handful of holders, so that the table below the chart lists them, and mark one."""
    settle(page)
    heights = page.evaluate("document.querySelector('.js-plotly-plot').calcdata[0].map(bar => bar.s)")
    place = min(range(len(heights)), key=lambda bar: abs(heights[bar] - HANDFUL))
    page.locator(BARS).nth(place).click(force=True)
    page.locator(".helius-note", has_text=" with ").wait_for()
    # One story: the marked owner is one of those that the table lists.
    page.locator(".helius-rows tbody tr").nth(1).click()
    page.wait_for_selector(".helius-rows tr.helius-marked")


def draw_charts(running: Browser, theme: str, folder: Path) -> None:
    df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    mint = df.helius.by_mint().index[MINT]
    tokens = helius_frames.demo.TOKENS
    symbols, decimals = ({each.mint: getattr(each, name) for each in tokens} for name in ("name", "decimals"))
    named = df.assign(symbol=df["mint"].map(symbols), decimals=df["mint"].map(decimals).astype("UInt8"))
    page = running.new_page(
        viewport={"width": WIDTHS["narrow"], "height": CHART_HEIGHT}, device_scale_factor=2
    )
    for kind in ("histogram", "ecdf", "lorenz", "top_holders", "treemap", "heatmap"):
        figure = charts.CHARTS[kind].plot(named, mint, theme=theme)
        page.set_content(charts.standalone_html(figure))
        page.wait_for_selector(PLOT)
        settle(page)
        page.screenshot(path=folder / f"{kind}-{theme}.png", full_page=True)
    page.close()


def settle(page: Page) -> None:
    """Wait until nothing moves any more: plotly follows a new width a moment later."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)


def check_sizes(folder: Path) -> None:
    for picture in sorted(folder.glob("*.png")):
        size = picture.stat().st_size
        print(f"{size:9,} bytes  {picture}")
        if size > MOST_BYTES:
            raise SystemExit(f"{picture} has {size:,} bytes, at most {MOST_BYTES:,} may be committed")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
