"""Fixtures of the browser tests: a Chromium and a Jupyter server for each module.

No wider: while Playwright is at hand its event loop counts as running, and no other can be run in the thread.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from frontends import Server, Watch, browser, chromium, serve
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PATIENCE_MS = 30_000  # for one step of a page: a machine may be busy with other things
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        missing = "no Chromium: install one, or set CHROMIUM to its path"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with browser(executable) as running:
        yield running


@pytest.fixture(scope="module")
def server(chrome: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture
def page(chrome: Browser) -> Iterator[Page]:
    context = chrome.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def watch(page: Page) -> Watch:
    return Watch(page)
