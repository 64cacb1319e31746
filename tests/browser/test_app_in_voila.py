"""The pull panel where people use it: Voila for those who write no code, and JupyterLab, which saves."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from axe import serious_findings
from frontends import REPOSITORY, Watch, open_notebook, outputs_that_complain, run_all, serve
from playwright.sync_api import expect
from test_explorer_in_browsers import VOILAS_OWN, Shown

from helius_frames import demo
from tests.fault_server import FaultRule, FaultyIndexer

if TYPE_CHECKING:
    from pathlib import Path

    from frontends import Server
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEY = "0f9c2b7e-made-for-the-test"
LATENCY_S = 0.3  # of 600 owners, 16 at a time: eleven seconds


class Form:
    """The panel on a page: its parts, by what a person sees."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.box = page.locator(".helius-app")
        self.status = self.box.locator("[role=status] p")
        self.progress = self.box.locator(".helius-progress")

    def wait(self) -> None:
        expect(self.labelled("owners:")).to_be_visible(timeout=60_000)

    def labelled(self, label: str) -> Locator:
        return self.box.get_by_label(label)

    def click(self, name: str) -> None:
        self.box.get_by_role("button", name=name, exact=True).click()

    def ask(self, url: str, key: str) -> None:
        self.labelled("read from").select_option("another endpoint")
        self.box.get_by_label("endpoint", exact=True).fill(url)
        self.box.get_by_label("key", exact=True).fill(key)


def test_voila_pulls_on_the_demo_cluster_through_the_panel(page: Page, watch: Watch, server: Server) -> None:
    shutil.copy(REPOSITORY / "notebooks" / "app.ipynb", server.folder)
    page.goto(server.address("voila", "app.ipynb"))
    form = Form(page)
    form.wait()
    check_keyboard_reaches_every_control(page, form)
    check_bad_owners_and_a_file(page, form)

    form.click("Use the demo owners")
    expect(form.box).to_contain_text("600 owners pasted")
    form.click("Pull")
    shown = Shown(page)
    shown.wait()
    expect(form.status).to_contain_text("Done: 600 of 600 owners read")
    expect(form.progress).to_contain_text("requests")
    shown.choose_chart("Lorenz")
    shown.choose_chart("Top holders")
    check_the_whole_result_is_one_click(page, form)
    check_nothing_is_cut_off(page, form)

    assert [url for url in watch.off_site if not url.startswith(VOILAS_OWN)] == []
    assert watch.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_panel(page: Page, server: Server, theme: str) -> None:
    shutil.copy(REPOSITORY / "notebooks" / "app.ipynb", server.folder)
    page.goto(f"{server.address('voila', 'app.ipynb')}?theme={theme}")
    form = Form(page)
    form.wait()
    assert serious_findings(page, ".helius-app") == []
    form.click("Use the demo owners")
    form.click("Pull")
    Shown(page).wait()
    form.labelled("read from").select_option("another endpoint")
    form.box.get_by_label("key", exact=True).fill(KEY)
    form.box.get_by_label("key", exact=True).blur()
    expect(form.box.get_by_role("button", name="Forget the key")).to_be_visible()
    assert serious_findings(page, ".helius-app") == []


def check_keyboard_reaches_every_control(page: Page, form: Form) -> None:
    form.labelled("read from").select_option("another endpoint")
    expect(form.box.get_by_label("key", exact=True)).to_be_visible()
    controls = form.box.locator("textarea, input:visible, select:visible, button:visible:enabled")
    form.labelled("owners:").focus()
    for control in controls.all():
        expect(control).to_be_focused()
        page.keyboard.press("Tab")
    form.labelled("read from").select_option("demo: made-up owners, no key")
    expect(form.box.get_by_label("key", exact=True)).to_be_hidden()


def check_bad_owners_and_a_file(page: Page, form: Form) -> None:
    form.labelled("owners:").fill("nonsense")
    form.labelled("owners:").blur()  # a browser tells of a change when the field is left
    content = "name,address\n" + "".join(f"w,{owner}\n" for owner in demo.OWNERS[:5])
    file = {"name": "w.csv", "mimeType": "text/csv", "buffer": content.encode()}
    form.box.locator("input[type=file]").set_input_files(file)
    expect(form.box).to_contain_text("1 owner pasted · 5 from 'w.csv'")
    expect(form.labelled("column").locator("option:checked")).to_have_text("2: address")
    form.click("Pull")
    expect(form.box.locator(".helius-list")).to_have_text(
        re.compile("line 1: 'nonsense' is not a Solana address")
    )
    form.click("Remove the file")
    expect(form.labelled("column")).to_be_hidden()


def check_the_whole_result_is_one_click(page: Page, form: Form) -> None:
    with page.expect_download() as download:
        form.click("Save everything: 13,260 rows (CSV)")
    assert download.value.suggested_filename == "helius-13260-rows-of-everything.csv"


def check_nothing_is_cut_off(page: Page, form: Form) -> None:
    page.set_viewport_size({"width": 800, "height": 1000})
    for part in form.box.locator(
        "textarea, input:visible, select:visible, button:visible:not(.modebar-btn), p, progress"
    ).all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 800


def test_jupyterlab_cancels_lists_failures_and_saves_no_key(page: Page, tmp_path: Path) -> None:
    heard: list[bytes] = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(as_bytes(frame)))
    )
    let_widgets_be_saved(tmp_path)
    indexer = FaultyIndexer(demo.app().holdings, api_key=KEY, latency_s=LATENCY_S)
    with serve(tmp_path) as server, demo.serve(indexer) as url:
        server.write("app.ipynb", ["import helius_frames\npanel = helius_frames.app()\npanel"])
        open_notebook(page, server, "lab", "app.ipynb")
        run_all(page)
        form = Form(page)
        form.wait()
        form.click("Use the demo owners")
        form.ask(f"{url}/a-secret-path", KEY)
        form.labelled("plan").focus()
        check_nothing_secret_is_saved(page, server)

        form.click("Pull")
        check_the_page_answers_meanwhile(form)
        check_cancel_stops_the_requests(page, form, indexer)
        check_the_key_is_gone(form)
        check_failures_are_listed(form, indexer)
        check_nothing_secret_is_saved(page, server)
        check_a_reload_keeps_panel_and_chart(page, form)
        assert outputs_that_complain(page) == []
    assert len(heard) > 100
    assert not any(secret in message for message in heard for secret in (KEY.encode(), b"a-secret-path"))


def as_bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


def let_widgets_be_saved(home: Path) -> None:
    path = home / "settings" / "@jupyter-widgets" / "jupyterlab-manager" / "plugin.jupyterlab-settings"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"saveState": True}))


def check_nothing_secret_is_saved(page: Page, server: Server) -> None:
    with page.expect_response(lambda reply: reply.request.method == "PUT" and "app.ipynb" in reply.url):
        page.keyboard.press("Control+s")
    text = (server.folder / "app.ipynb").read_text()
    assert '"owners: one address per line' in text
    assert KEY not in text
    assert "a-secret-path" not in text


def check_the_page_answers_meanwhile(form: Form) -> None:
    expect(form.progress).to_contain_text(re.compile(r"^[1-9]\d* of 600 owners"))
    expect(form.box.get_by_role("button", name="Pull", exact=True)).to_be_disabled()
    form.labelled("read from").select_option("mainnet")
    expect(form.box.get_by_label("endpoint", exact=True)).to_be_hidden(timeout=2000)


def check_cancel_stops_the_requests(page: Page, form: Form, indexer: demo.Indexer) -> None:
    form.click("Cancel")
    expect(form.status).to_contain_text(re.compile(r"Cancelled: \d+ of 600 owners read"))
    assert 0 < indexer.requests < 600
    asked = indexer.requests
    page.wait_for_timeout(1000 * 2 * LATENCY_S)
    assert indexer.requests == asked
    Shown(page).wait()


def check_the_key_is_gone(form: Form) -> None:
    expect(form.box.get_by_label("key", exact=True)).to_have_value("")
    form.labelled("read from").select_option("another endpoint")
    form.labelled("owners:").fill("\n".join(demo.OWNERS[:5]))
    form.click("Pull")
    expect(form.status).to_contain_text("401")
    expect(form.status).to_contain_text("Below is the previous pull.")


def check_failures_are_listed(form: Form, indexer: demo.Indexer) -> None:
    indexer.faults = [FaultRule("mint-markup", owner=demo.OWNERS[1])]
    form.box.get_by_label("key", exact=True).fill(KEY)
    form.click("Pull")
    expect(form.status).to_contain_text("Done: 4 of 5 owners read")
    failed = form.box.get_by_role("region", name="owners that could not be read")
    expect(failed.locator("tr")).to_have_count(2)
    expect(failed).to_contain_text(demo.OWNERS[1])
    expect(failed).to_contain_text("ProtocolError")
    form.click("Pull")
    expect(form.status).to_contain_text("Done: 4 of 5 owners read")
    expect(form.box.get_by_label("key", exact=True)).to_have_value("")
    form.click("Forget the key")
    expect(form.box.get_by_role("button", name="Forget the key")).to_be_hidden()


def check_a_reload_keeps_panel_and_chart(page: Page, form: Form) -> None:
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.reload()
    Shown(page).wait()
    expect(form.status).to_contain_text("Done: 4 of 5 owners read")
    expect(form.box.get_by_label("endpoint", exact=True)).to_have_attribute(
        "placeholder", "set, and not shown"
    )
