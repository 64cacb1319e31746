"""Make sure that there is a Chromium for the browser tests: ``python -m tests.browser.install``.

Taken is one that is there; else the system's package where this user may install it, else the build that
playwright brings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.browser.frontends import chromium


def main() -> int:
    if chromium() or any(_runs(*steps) and chromium() for steps in _ways()):
        return 0
    print("no Chromium could be installed: install one by hand, or set CHROMIUM to its path", file=sys.stderr)
    # A person without a browser still runs the other tests; there the browser's are skipped, and say so.
    return 1 if os.environ.get("CI") else 0


def _ways() -> list[list[list[str]]]:
    apt = [["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]]
    playwright = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    return ([apt] if os.geteuid() == 0 and shutil.which("apt-get") else []) + [playwright]


def _runs(*steps: list[str]) -> bool:
    return all(subprocess.run(step, check=False).returncode == 0 for step in steps)  # noqa: S603 - constants


if __name__ == "__main__":
    sys.exit(main())
