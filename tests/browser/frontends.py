"""The front ends a person uses, for tests and pictures: one Jupyter server, and a Chromium to look at it.

JupyterLab 4, Notebook 7 and Voila are three faces of one server process: each is an extension that the
server loads by itself. Everything the server writes goes into a folder of the caller.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPOSITORY = Path(__file__).parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 60.0
PATH_OF_FACE = {"lab": "lab/tree/", "notebook": "notebooks/", "voila": "voila/render/"}


def chromium() -> str | None:
    """Path of a Chromium: ``CHROMIUM`` where it is set, else one that is installed, else playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None) or _own_chromium()


def _own_chromium() -> str | None:
    with sync_playwright() as playwright:
        return shutil.which(playwright.chromium.executable_path)


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """Headless Chromium that ends with the block."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_SWITCHES))
        try:
            yield running
        finally:
            running.close()


class Server(NamedTuple):
    """A running Jupyter server without a token, and the folder it serves."""

    url: str
    folder: Path

    def write(self, name: str, cells: Sequence[str]) -> None:
        """Put a notebook of code cells, without outputs, into the folder."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, self.folder / name)

    def address(self, face: str, name: str) -> str:
        """Where a face (``lab``, ``notebook``, ``voila``) shows a notebook of the folder."""
        # `reset` keeps JupyterLab from opening what an earlier test had open.
        return f"{self.url}{PATH_OF_FACE[face]}{name}" + ("?reset" if face == "lab" else "")


@contextmanager
def serve(home: Path, *, theme: str = "light") -> Iterator[Server]:
    """Jupyter server on a free port of this machine, with all it writes below ``home``."""
    folder = home / "notebooks"
    folder.mkdir(parents=True)
    _write_settings(home / "settings", theme)
    port = _free_port()
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and constants
            _command(folder, port), env=_environment(home), cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_up(process, f"http://127.0.0.1:{port}/api/status", home / "server.log")
        yield Server(f"http://127.0.0.1:{port}/", folder)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _command(folder: Path, port: int) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "LabApp.extension_manager": "readonly",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    return [sys.executable, "-m", "jupyterlab", "--no-browser", *(f"--{k}={v}" for k, v in options.items())]


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "HELIUS"))}
    ours = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    paths = {name: str(home / folder) for name, folder in ours.items()}
    return kept | paths | {"PYTHONPATH": str(REPOSITORY), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def _write_settings(folder: Path, theme: str) -> None:
    settings = {
        "notification": {"checkForUpdates": False, "fetchNews": "false", "doNotDisturbMode": True},
        "themes": {"theme": "JupyterLab Dark" if theme == "dark" else "JupyterLab Light"},
    }
    for name, values in settings.items():
        path = folder / "@jupyterlab" / "apputils-extension" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own server
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the Jupyter server did not start; its log ends:\n{log.read_text()[-4000:]}")


class Watch:
    """What a page asked of other machines, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.off_site: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            self.off_site.append(url)


def open_notebook(page: Page, server: Server, face: str, name: str) -> None:
    """Open a notebook and wait until its kernel is ready to work."""
    page.goto(server.address(face, name))
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    ends = time.monotonic() + START_S
    while not _is_kernel_idle(server, name):
        if time.monotonic() > ends:
            raise RuntimeError(f"the kernel of {name!r} did not become idle within {START_S} s")
        time.sleep(0.1)


def run_all(page: Page) -> None:
    """Run every cell through the menu, as a person does."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def outputs_that_complain(page: Page) -> list[str]:
    """Texts of the cells' error and stderr outputs."""
    kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
    return page.locator(", ".join(f'[data-mime-type="{kind}"]' for kind in kinds)).all_inner_texts()


def _is_kernel_idle(server: Server, name: str) -> bool:
    with urllib.request.urlopen(f"{server.url}api/sessions", timeout=10) as reply:  # noqa: S310 - our own server
        sessions = json.load(reply)
    return any(
        session["path"] == name and session["kernel"]["execution_state"] == "idle" for session in sessions
    )
