"""The explorer where people use it: JupyterLab 4, Notebook 7, Voila, and pages that run no widgets."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbclient
import nbconvert
import nbformat
import pandas as pd
import pytest
from axe import serious_findings
from frontends import Watch, open_notebook, outputs_that_complain, run_all
from playwright.sync_api import expect

if TYPE_CHECKING:
    from frontends import Server
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READ = (
    "import helius_frames\ndf = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster='demo')"
)
# A mint with many holders and many zeros.
EXPLORE = "mint = df.helius.by_mint()['zero_balances'].idxmax()\nex = df.helius.explore(mint=mint)\nex"
TITLES = {
    "ECDF": "Nine in ten of",
    "Lorenz": "The poorer half of",
    "Top holders": "20 largest of",
    "Treemap": "more than half of",
    "Heatmap": "also hold",
    "Histogram": "Half of",
}
CONTROLS = ", ".join(
    f"{kind}:visible"
    for kind in ("input", "select", "button:enabled", ".noUi-handle", ".helius-keys", ".helius-rows")
)
# Voila's own page asks for these; what the explorer shows needs neither.
VOILAS_OWN = ("https://cdn.jsdelivr.net/npm/@fortawesome/", "https://cdnjs.cloudflare.com/ajax/libs/mathjax/")


class Shown:
    """An explorer on a page: its parts, by what a person sees."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.box = page.locator(".helius-explorer")
        self.title = self.box.locator(".js-plotly-plot .gtitle")
        self.subtitle = self.box.locator(".js-plotly-plot .gtitle-subtitle")
        self.head = self.box.locator(".helius-head")
        self.rows = self.box.locator(".helius-rows tbody tr")
        self.keys = self.box.locator(".helius-keys")
        self.note = self.box.locator(".helius-note")

    def wait(self) -> None:
        expect(self.title).to_be_visible(timeout=60_000)

    def button(self, name: str) -> Locator:
        return self.box.get_by_role("button", name=name, exact=True)

    def labelled(self, label: str) -> Locator:
        return self.box.get_by_label(label, exact=True)

    def choose_chart(self, name: str) -> None:
        """Click a kind of chart and wait until it is drawn."""
        self.button(name).click()
        expect(self.title).to_contain_text(TITLES[name])

    def choose(self, name: str) -> None:
        """Click a button and wait until the chart is another one."""
        before = self.svg()
        self.button(name).click()
        self.wait_for_another(before)

    def svg(self) -> str:
        return self.box.locator(".js-plotly-plot .svg-container").inner_html()

    def wait_for_another(self, before: str) -> None:
        self.page.wait_for_function(
            "before => document.querySelector('.helius-explorer .svg-container').innerHTML !== before",
            arg=before,
        )

    def bars(self) -> int:
        return self.box.locator(".js-plotly-plot .bars .point").count()


@pytest.mark.xfail(
    reason="a box drawn over the histogram selects nobody since zeros have a part of their own"
)
def test_jupyterlab_operates_every_control_and_keeps_the_chart_over_a_reload(
    page: Page, watch: Watch, server: Server
) -> None:
    server.write("lab.ipynb", [READ, EXPLORE])
    open_notebook(page, server, "lab", "lab.ipynb")
    run_all(page)
    shown = Shown(page)
    shown.wait()

    for chart in TITLES:
        shown.choose_chart(chart)
    check_histogram_controls(shown)
    check_search_and_mark(shown)
    check_click_and_downloads(page, shown)
    check_dark_page(page, shown)
    check_keyboard_reaches_every_control(page, shown)
    check_a_box_selects(page, shown)
    check_nothing_is_cut_off(page, shown)

    shown.choose_chart("Top holders")
    title = shown.title.text_content()
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.reload()
    shown.wait()
    expect(shown.title).to_have_text(title or "")
    shown.choose_chart("Lorenz")

    assert watch.off_site == []
    assert watch.errors == []
    assert outputs_that_complain(page) == []


def check_histogram_controls(shown: Shown) -> None:
    bars = shown.bars()
    handle = shown.box.locator(".noUi-handle:visible")
    for _ in range(3):
        before = shown.svg()
        handle.press("PageDown")
        shown.wait_for_another(before)
    assert shown.bars() < bars
    expect(shown.labelled("top")).to_be_hidden()

    bars = shown.bars()
    before = shown.svg()
    shown.box.get_by_label("hide zeros").check()
    shown.wait_for_another(before)
    expect(shown.box.locator(".js-plotly-plot .bars .point")).to_have_count(bars - 1)

    shown.choose("linear")
    expect(shown.labelled("decimals")).to_be_hidden()
    shown.button("tokens").click()
    expect(shown.note).to_contain_text("are not known: type them")
    expect(shown.box.get_by_label("decimals").last).to_be_focused()
    before = shown.svg()
    shown.page.keyboard.type("6")
    shown.page.keyboard.press("Enter")
    shown.wait_for_another(before)
    expect(shown.subtitle).to_contain_text("of 600 owners asked")
    shown.choose("base")


def check_search_and_mark(shown: Shown) -> None:
    mints = shown.labelled("mint")
    first = mints.input_value()
    mints.select_option(index=1)
    second = mints.input_value()
    assert second != first
    expect(shown.head).to_contain_text(second.split(" ")[0])
    shown.labelled("find mint").fill(first.split(" ")[0])
    expect(shown.head).to_contain_text(first.split(" ")[0])

    shown.choose_chart("Top holders")
    before = shown.svg()
    shown.labelled("mark owner").fill("1")
    shown.labelled("mark owner").press("Enter")
    expect(shown.note).to_contain_text("owners match '1'")
    label = shown.box.locator(".ytick text").first.text_content() or ""
    shown.labelled("mark owner").fill(label)
    shown.labelled("mark owner").press("Enter")
    shown.wait_for_another(before)
    expect(shown.subtitle).to_contain_text(label)
    assert shown.labelled("mark owner").evaluate("box => box.scrollWidth <= box.clientWidth")
    shown.choose_chart("Histogram")


def check_click_and_downloads(page: Page, shown: Shown) -> None:
    click_tallest_bar(shown)
    # The same bar once more, after a change has forgotten the first click.
    for scale in ("log", "linear"):
        shown.choose(scale)
        expect(shown.note).to_contain_text("All ")
    click_tallest_bar(shown)

    behind = int(re.match(r"[\d,]+", shown.note.inner_text())[0].replace(",", ""))
    saved = pd.read_csv(save(page, shown, f"These {behind} selected holders (CSV)"))
    assert len(saved) == behind
    parquet = save(page, shown, f"These {behind} selected holders (Parquet)")
    assert len(pd.read_parquet(parquet)) == behind
    expect(shown.box.locator(".helius-status")).to_contain_text(f"{behind}-selected-rows.parquet")
    everything = save(page, shown, "Everything pulled: 13,260 rows (CSV)")
    assert len(pd.read_csv(everything)) == 13_260
    check_saved_page(
        page, save(page, shown, "This chart: Histogram (HTML)"), shown.title.text_content() or ""
    )
    shown.rows.nth(1).click()
    expect(shown.labelled("mark owner")).to_have_value(shown.rows.nth(1).locator("td").first.inner_text())
    expect(shown.box.locator(".helius-status")).to_be_empty()
    shown.button("× clear").click()
    expect(shown.note).to_contain_text("All ")

    before = shown.svg()
    shown.box.get_by_label("hide zeros").uncheck()
    shown.wait_for_another(before)
    shown.box.locator(".trace.bars").nth(1).locator(".point path").click(force=True)
    expect(shown.note).to_contain_text("at zero")


def click_tallest_bar(shown: Shown) -> None:
    bars = shown.box.locator(".js-plotly-plot .bars .point path")
    heights = bars.evaluate_all("paths => paths.map(p => p.getBBox().height)")
    bars.nth(heights.index(max(heights))).click(force=True)
    expect(shown.note).to_contain_text(" with ")
    expect(shown.rows.first).to_be_visible()


def save(page: Page, shown: Shown, item: str) -> io.BytesIO:
    shown.button("Save").click()
    with page.expect_download() as download:
        shown.box.get_by_role("menuitem", name=item, exact=True).click()
    return io.BytesIO(Path(download.value.path()).read_bytes())


def check_saved_page(page: Page, saved: io.BytesIO, title: str) -> None:
    other = page.context.new_page()
    watch = Watch(other)
    other.set_content(saved.getvalue().decode())
    # The title is a text of the page there; in the chart its lines have no space between them.
    heading = other.get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    assert heading.inner_text().replace(" ", "") == title.replace(" ", "")
    assert (watch.off_site, watch.errors) == ([], [])
    other.close()


def check_dark_page(page: Page, shown: Shown) -> None:
    for is_light in ("false", "true"):
        before = shown.svg()
        page.evaluate("light => { document.body.dataset.jpThemeLight = light }", is_light)
        shown.wait_for_another(before)


def check_keyboard_reaches_every_control(page: Page, shown: Shown) -> None:
    controls = shown.box.locator(CONTROLS)
    expected = controls.count()
    controls.first.focus()
    reached = {identity(page)}
    for _ in range(2 * expected):
        page.keyboard.press("Tab")
        reached.add(identity(page))
    assert len(reached - {None}) == expected


def identity(page: Page) -> int | None:
    """Place of the focused element among the explorer's controls."""
    place = page.evaluate(
        """() => {
            const box = document.querySelector(".helius-explorer");
            const seen = element => element.checkVisibility();
            const kinds = "input, select, button:enabled, .noUi-handle, .helius-keys, .helius-rows";
            const all = [...box.querySelectorAll(kinds)].filter(seen);
            return all.indexOf(document.activeElement);
        }"""
    )
    return None if place < 0 else place


def check_a_box_selects(page: Page, shown: Shown) -> None:
    shown.box.locator(".js-plotly-plot").hover()
    shown.box.locator('.modebar-btn[data-attr="dragmode"][data-val="select"]').click()
    area = shown.box.locator(".js-plotly-plot .nsewdrag").last.bounding_box()
    page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 5)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.7 * area["width"], area["y"] + area["height"] - 3, steps=5)
    page.mouse.up()
    expect(shown.note).to_contain_text(re.compile(r"\d+ holders of \S+ behind \d+ points"))
    expect(shown.box.locator(".js-plotly-plot .selectionlayer path")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(shown.note).to_contain_text("All ")
    expect(shown.box.locator(".js-plotly-plot .shapelayer path")).to_have_count(1)  # the median


def check_nothing_is_cut_off(page: Page, shown: Shown) -> None:
    page.set_viewport_size({"width": 800, "height": 1000})
    page.wait_for_function(
        """() => {
            const box = document.querySelector(".helius-explorer").getBoundingClientRect();
            const chart = document.querySelector(".helius-explorer .main-svg").getBoundingClientRect();
            return box.width < 800 && Math.abs(chart.width - box.width) < 20;
        }"""
    )
    right = shown.box.bounding_box()["x"] + shown.box.bounding_box()["width"]
    parts = "input:visible, select:visible, button:visible:not(.helius-rows *), .helius-head"
    for part in shown.box.locator(parts).all():
        box = part.bounding_box()
        assert box["x"] + box["width"] <= right + 1, part.evaluate("part => part.outerHTML")
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_the_explorer_is_operated_by_keyboard_alone(page: Page, server: Server) -> None:
    server.write("keys.ipynb", [READ, EXPLORE])
    open_notebook(page, server, "lab", "keys.ipynb")
    run_all(page)
    shown = Shown(page)
    shown.wait()
    press = page.keyboard.press

    tab_to(page, shown.button("Lorenz"))
    press("Enter")
    expect(shown.title).to_contain_text(TITLES["Lorenz"])
    expect(shown.button("Lorenz")).to_have_attribute("aria-pressed", "true")
    expect(shown.button("ECDF")).to_have_attribute("aria-pressed", "false")
    press("Shift+Tab")
    press("Shift+Tab")
    press("Enter")
    expect(shown.title).to_contain_text(TITLES["Histogram"])

    tab_to(page, shown.keys)
    check_focus_is_seen(page)
    press("Home")
    press("ArrowRight")
    expect(shown.keys).to_have_attribute("aria-valuenow", "2")
    expect(shown.keys).to_have_attribute("aria-valuetext", re.compile(r"^2 of \d+: .*holder"))
    # The median, and the outline.
    expect(shown.box.locator(".js-plotly-plot .shapelayer path")).to_have_count(2)
    expect(shown.note).to_contain_text("All ")
    press("Enter")
    expect(shown.note).to_contain_text(" with ")
    press("Escape")
    expect(shown.note).to_contain_text("All ")
    expect(shown.box.locator(".js-plotly-plot .shapelayer path")).to_have_count(1)  # the median

    tab_to(page, shown.button("next page"))
    press("Enter")
    expect(shown.box.locator(".helius-pager")).to_contain_text("21")
    tab_to(page, shown.rows.nth(2).get_by_role("button"))
    check_focus_is_seen(page)
    owner = shown.rows.nth(2).get_by_role("button").inner_text()
    press("Enter")
    expect(shown.labelled("mark owner")).to_have_value(owner)
    expect(shown.rows.nth(2).get_by_role("button")).to_be_focused()

    tab_to(page, shown.button("Save"), back=True)
    check_focus_is_seen(page)
    press("Enter")
    press("ArrowDown")
    press("Escape")
    expect(shown.button("Save")).to_be_focused()
    press("ArrowDown")
    with page.expect_download() as download:
        press("Enter")
    assert download.value.suggested_filename.endswith("-histogram.html")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2  # no key went to the notebook


def tab_to(page: Page, target: Locator, *, back: bool = False) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(80):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def check_focus_is_seen(page: Page) -> None:
    """The ring must stand out from the page, three to one."""
    ring, paper = page.evaluate(
        """() => {
            const style = getComputedStyle(document.activeElement);
            const seen = element => getComputedStyle(element).backgroundColor !== "rgba(0, 0, 0, 0)";
            let box = document.activeElement.parentElement; // what the ring stands on
            while (box.parentElement && !seen(box)) box = box.parentElement;
            const paper = getComputedStyle(box).backgroundColor;
            if (style.outlineStyle !== "solid" || parseFloat(style.outlineWidth) < 2) return ["", ""];
            return [style.outlineColor, paper];
        }"""
    )
    assert contrast(ring, paper) >= 3


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, as WCAG defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("chart", ["histogram", "top_holders", "heatmap"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, server: Server, theme: str, chart: str) -> None:
    name = f"axe-{theme}-{chart}.ipynb"
    server.write(name, [READ, f"ex = df.helius.explore(chart='{chart}', top=12)\nex"])
    page.goto(f"{server.address('voila', name)}?theme={theme}")
    shown = Shown(page)
    shown.wait()
    shown.keys.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(shown.button("× clear")).to_be_visible()
    shown.rows.first.click()
    shown.button("Save").click()
    assert serious_findings(page, ".helius-explorer") == []


def test_notebook_7_renders_and_reacts(page: Page, watch: Watch, server: Server) -> None:
    server.write("notebook.ipynb", [READ, EXPLORE])
    open_notebook(page, server, "notebook", "notebook.ipynb")
    run_all(page)
    shown = Shown(page)
    shown.wait()
    shown.choose_chart("Treemap")
    shown.choose_chart("Histogram")
    assert watch.off_site == []
    assert outputs_that_complain(page) == []


def test_voila_shows_the_chart_of_now_and_reacts(page: Page, watch: Watch, server: Server) -> None:
    # Another cell changes the chart before any page is there to hear of it.
    server.write("voila.ipynb", [READ, EXPLORE, "ex.chart = 'lorenz'"])
    page.goto(server.address("voila", "voila.ipynb"))
    shown = Shown(page)
    shown.wait()
    expect(shown.title).to_contain_text("The poorer half")
    shown.choose_chart("Histogram")
    shown.choose_chart("Heatmap")
    assert [url for url in watch.off_site if not url.startswith(VOILAS_OWN)] == []


def test_a_saved_notebook_has_the_chart_of_now_and_is_readable_without_widgets(
    chrome: Browser, tmp_path: Path
) -> None:
    cells = [READ, EXPLORE, "ex.chart = 'lorenz'"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()

    states = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    [figure] = [state["state"] for state in states if "_widget_layout" in state["state"]]
    assert figure["_widget_layout"]["title"]["text"].startswith("The poorer half")

    del notebook.metadata["widgets"]  # as JupyterLab saves it, unless it is told to keep widgets
    page_text, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    (tmp_path / "notebook.html").write_text(page_text)
    context = chrome.new_context(offline=True)
    page = context.new_page()
    page.goto((tmp_path / "notebook.html").as_uri())
    expect(page.get_by_role("img", name=re.compile("Half of the 33 holders"))).to_be_visible()
    expect(page.locator("table", has_text="holders")).to_be_visible()
    context.close()
