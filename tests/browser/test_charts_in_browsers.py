"""Charts as Chromium draws them: nothing is cut off at any width, and every text can be read."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from helius_frames import charts, demo
from tests.browser.frontends import browser, chromium

pytestmark = [pytest.mark.browser, pytest.mark.skipif(chromium() is None, reason="no Chromium")]

MINT = "7or71e3BNvak33jyHWebyv6jdHX6Y9AgsRiXQzqjpcva"
OTHER = "EZ3DdwTBH4i5EgQ1MvUYyXM3UB2EYjw6Vt6BJLgj8Gha"
HOSTILE = "</script><img src=x onerror='window.struck=1'>\u202e"
LEAST = 4.5
WIDTHS = (390, 800, 1280)

# Each text that is drawn: its box, its colour; and what the page is, under it, without any text.
TEXTS = """() => [...document.querySelectorAll("text")].filter(each => each.textContent.trim()).map(each => {
  const box = each.getBoundingClientRect();
  const style = getComputedStyle(each);
  const part = each.querySelector("tspan[style*=fill]");
  return {text: each.textContent, fill: part ? getComputedStyle(part).fill : style.fill,
    shown: box.width > 0 && style.visibility !== "hidden" && Number(style.opacity) > 0,
    left: box.left, top: box.top, right: box.right, bottom: box.bottom};
})"""
UNDER = """async ([picture, boxes]) => {
  const bitmap = await createImageBitmap(await (await fetch(picture)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  return boxes.map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data].slice(0, 3));
}"""


def frame():
    rng = np.random.default_rng(5)
    owners = list(demo.OWNERS[:300])
    table = pd.DataFrame(
        {
            "owner": owners * 2,
            "mint": [MINT] * 300 + [OTHER] * 300,
            "balance": (rng.lognormal(20, 2.5, 600)).astype(np.uint64) + np.uint64(1),
            "slot": 331_204_118 + np.arange(600),
            "symbol": ["BONK"] * 300 + ["Whale Song"] * 300,
            "decimals": np.uint8(6),
        }
    )
    table.attrs["helius"] = {"owners": 600, "cluster": "demo", "fetched_at": "2026-11-24T08:00:00+00:00"}
    return table


def figures(table, mint, **look):
    owner = table["owner"].iloc[7]
    pulls = {"August": table, "September": table[table["balance"] > table["balance"].median()]}
    drawn = {
        name: charts.CHARTS[name].plot(table, mint, mark=owner, **look)
        for name in ("histogram", "ecdf", "lorenz", "top_holders", "treemap", "heatmap")
    }
    return drawn | {
        "classes": charts.plot_classes(table, mint, **look),
        "equal_balances": charts.plot_equal_balances(table, mint, **look),
        "overlap": charts.plot_overlap(table, **look),
        "timeline": charts.plot_timeline(pulls, mint, **look),
        "cohorts": charts.plot_cohorts(pulls, mint, **look),
    }


def airdrop(table, **look):
    expected = pd.Series(10**9, index=table["owner"].unique())
    return {"airdrop": charts.plot_airdrop(table, expected, MINT, **look)}


def draw(page, figure):
    colour = figure.layout.template.layout.paper_bgcolor
    page.set_content(
        f"<body style='margin:0;background:{colour}'>"
        f"<div id='c' style='height:{figure.layout.height}px'></div>"
        f"<script>{get_plotlyjs()}</script></body>"
    )
    page.evaluate(
        "f => { const x = JSON.parse(f); return Plotly.newPlot('c', x.data, x.layout) }", figure.to_json()
    )


def luminance(colour):
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, bright = sorted(luminance([part / 255 for part in colour]) for colour in (one, other))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_of_every_chart_is_whole_and_can_be_read(theme):
    table, faults = frame(), []
    with browser(chromium()) as running:
        for width in WIDTHS:
            page = running.new_page(viewport={"width": width, "height": 900})
            look = {"theme": theme, "width": width}
            drawn = figures(table, MINT, **look) | airdrop(table, **look)
            for name, figure in drawn.items():
                draw(page, figure)
                texts = [each for each in page.evaluate(TEXTS) if each["shown"]]
                page.add_style_tag(content="text, .modebar { visibility: hidden !important }")
                bare = base64.b64encode(page.screenshot(full_page=True)).decode()
                places = [
                    [int((each["left"] + each["right"]) / 2), int((each["top"] + each["bottom"]) / 2)]
                    for each in texts
                ]
                grounds = page.evaluate(UNDER, [f"data:image/png;base64,{bare}", places])
                for each, ground in zip(texts, grounds, strict=True):
                    where = f"{name} {width} {each['text']!r}"
                    if each["left"] < -1 or each["right"] > width + 1 or each["top"] < -1:
                        faults.append(f"{where} is cut off")
                    ink = [int(part) for part in each["fill"][4:-1].split(",")]
                    if contrast(ink, ground) < LEAST:
                        faults.append(f"{where} has a contrast of {contrast(ink, ground):.2f}")
            page.close()
    assert not faults, "\n".join(faults)


def test_hostile_names_strike_nobody_in_figures_and_pages():
    table = frame().replace({"mint": {MINT: HOSTILE}, "symbol": {"BONK": HOSTILE}})
    table.loc[7, "owner"] = HOSTILE
    with browser(chromium()) as running:
        page = running.new_page()
        for figure in figures(table, HOSTILE).values():
            draw(page, figure)
            assert page.evaluate("() => [window.struck, document.images.length]") == [None, 0]
        for html in (charts.standalone_html(figure, table.head()), charts.report_html(table, HOSTILE)):
            page.set_content(html)
            page.wait_for_selector(".main-svg")
            assert page.evaluate("() => [window.struck, document.images.length]") == [None, 0]
