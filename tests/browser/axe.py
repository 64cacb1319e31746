"""What axe-core finds on a page. It comes from npm, and is kept for the next run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

VERSION = "4.10.3"
SERIOUS = ("serious", "critical")


def serious_findings(page: Page, selector: str) -> list[str]:
    """Return the serious findings within an element, each with the first place where it was found."""
    page.evaluate(_source())
    found = page.evaluate("selector => axe.run(selector)", selector)
    return [
        f"{finding['id']}: {finding['nodes'][0]['html'][:200]}"
        for finding in found["violations"]
        if finding["impact"] in SERIOUS
    ]


@cache
def _source() -> str:
    folder = Path(os.environ.get("AXE_FOLDER", Path(tempfile.gettempdir()) / f"helius-axe-{VERSION}"))
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        _install(folder)
    return script.read_text(encoding="utf-8")


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    ended = None
    if npm is not None:
        command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"axe-core@{VERSION}"]
        ended = subprocess.run(command, check=False, capture_output=True, timeout=120)  # noqa: S603 - constants
    if ended is None or ended.returncode:
        missing = f"no axe-core: npm install --prefix {folder} axe-core@{VERSION}, or set AXE_FOLDER"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
