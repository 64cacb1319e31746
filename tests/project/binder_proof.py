"""What Binder would do with this repository, without Docker: ``python -m tests.project.binder_proof``.

A copy of the tree, a clean environment of the Python that ``binder/runtime.txt`` names (or the nearest at
hand, and it says so), the packages repo2docker begins with, the requirements, ``postBuild``, ``pip check``,
every notebook executed, and Voila answering with the app.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT: Final = Path(__file__).parents[2]
OLDEST: Final = (3, 11)
# What the base environment of repo2docker 2026.4.0 holds for Python 3.13 (its conda lock file).
BASE: Final = (
    "ipykernel==7.0.1",
    "ipywidgets==8.1.7",
    "jupyter-offlinenotebook==0.3.2",
    "jupyter-resource-usage==1.2.0",
    "jupyter_client==8.6.3",
    "jupyter_server==2.17.0",
    "jupyterhub==5.4.0",
    "jupyterlab==4.4.9",
    "nbclient==0.10.2",
    "notebook==7.4.7",
    "traitlets==5.14.3",
)
# Where Pythons usually are, beside PATH.
USUAL: Final = (
    "~/.pyenv/versions/*/bin/python3",
    "~/.local/share/uv/python/*/bin/python3",
    "/opt/hostedtoolcache/Python/*/*/bin/python3",
    "/usr/local/bin/python3.*",
)
NOTEBOOK_S: Final = 120
START_S: Final = 60

Version = tuple[int, int]


class Python(NamedTuple):
    """An interpreter at hand."""

    version: Version
    path: str


class Environment(NamedTuple):
    """A copy of the tree, and the clean environment to run it in."""

    tree: Path
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        """The caller's variables without anything of its Python, Jupyter or key."""
        alien = ("HELIUS", "JUPYTER", "PYTHON", "VIRTUAL_ENV", "IPYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(alien)}
        own = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
        folders = {f"JUPYTER_{name}_DIR": str(self.home / folder) for name, folder in own.items()}
        path = f"{self.home / 'venv' / 'bin'}{os.pathsep}{kept['PATH']}"
        return kept | folders | {"IPYTHONDIR": str(self.home / "ipython"), "PATH": path}

    def run(self, *command: str) -> str:
        """Run a command in the tree; its output, or an end of this program with its last lines."""
        done = subprocess.run(  # noqa: S603 - commands of this file
            command, cwd=self.tree, env=self.variables, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    def python(self, *arguments: str) -> str:
        """Run the environment's Python."""
        return self.run(str(self.home / "venv" / "bin" / "python"), *arguments)


def main() -> None:
    """Prove it, step by step, and say how long each took."""
    wanted = wanted_version((ROOT / "binder" / "runtime.txt").read_text("utf-8"))
    python = nearest(wanted, pythons())
    print(f"binder/runtime.txt names Python {_text(wanted)}; {_choice(wanted, python)}")
    with tempfile.TemporaryDirectory() as scratch:
        environment = Environment(Path(scratch) / "tree", Path(scratch) / "home")
        _step("copy of the tree", lambda: copy_tree(environment.tree))
        _step("clean environment", lambda: make_environment(environment, python))
        _step("requirements", lambda: install(environment))
        _step("postBuild", lambda: environment.run("binder/postBuild"))
        _step("pip check", lambda: environment.python("-m", "pip", "check"))
        for notebook in sorted((environment.tree / "notebooks").glob("*.ipynb")):
            _step(notebook.name, lambda path=notebook: execute(environment, path))
        _step("Lab and Voila", lambda: visit(environment))
    print("proven")


def wanted_version(runtime: str) -> Version:
    """Python that ``runtime.txt`` names, in the only form that repo2docker reads as meant."""
    found = re.fullmatch(r"python-(\d+)\.(\d+)", runtime.strip())
    if found is None:
        raise ValueError(f"runtime.txt says {runtime.strip()!r}; repo2docker reads 'python-3.13'")
    return int(found[1]), int(found[2])


def pythons() -> list[Python]:
    """Interpreters on PATH and in the usual places, new enough for the package."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 20)]
    paths = [found for name in names if (found := shutil.which(name))]
    for pattern in USUAL:
        folder = Path(pattern).expanduser()
        paths += map(str, Path(folder.anchor).glob(str(folder.relative_to(folder.anchor))))
    known = {path: _version_of(path) for path in [sys.executable, *paths]}
    return [Python(version, path) for path, version in known.items() if version and version >= OLDEST]


def nearest(wanted: Version, found: Iterable[Python]) -> Python:
    """Interpreter of the version wanted, else the nearest, the newer of two as near."""
    return min(found, key=lambda python: (abs(python.version[1] - wanted[1]), -python.version[1]))


def copy_tree(target: Path) -> None:
    """Copy what git would give to Binder: no environment, no caches."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def make_environment(environment: Environment, python: Python) -> None:
    """Make the environment, with what repo2docker's base has."""
    subprocess.run([python.path, "-m", "venv", environment.home / "venv"], check=True)  # noqa: S603
    environment.python("-m", "pip", "install", "-q", *BASE)


def install(environment: Environment) -> None:
    """Install the requirements as repo2docker does, from the root of the tree."""
    environment.python("-m", "pip", "install", "-q", "-r", "binder/requirements.txt")


def execute(environment: Environment, notebook: Path) -> None:
    """Execute one notebook, and keep nothing of it but that it worked."""
    out = ("--to", "notebook", "--output-dir", str(environment.home / "out"))
    limit = f"--ExecutePreprocessor.timeout={NOTEBOOK_S}"
    environment.python("-m", "nbconvert", "--execute", limit, *out, str(notebook))


def visit(environment: Environment) -> None:
    """Open the addresses of the two badges at a server such as Binder starts."""
    with served(environment) as url:
        page = _fetch(f"{url}lab/tree/notebooks/01_quickstart.ipynb")
        if "jupyter-config-data" not in page:
            sys.exit("JupyterLab does not answer with its page")
        page = _fetch(f"{url}voila/render/notebooks/app.ipynb")
        if "widget-view+json" not in page or "Traceback" in page:
            sys.exit(f"Voila does not answer with the app: {page[-2000:]}")


@contextmanager
def served(environment: Environment) -> Iterator[str]:
    """Run a Jupyter server on a free port of this machine, without a token."""
    port = _free_port()
    options = {"ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "IdentityProvider.token": ""}
    switches = ["--no-browser", "--allow-root", *(f"--{name}={value}" for name, value in options.items())]
    log = (environment.home / "server.log").open("wb")
    command = [str(environment.home / "venv" / "bin" / "python"), "-m", "jupyterlab", *switches]
    process = subprocess.Popen(  # noqa: S603 - a command of this file
        command, cwd=environment.tree, env=environment.variables, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait_for(url: str) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        try:
            _fetch(url)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    sys.exit(f"no Jupyter server within {START_S} seconds")


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=NOTEBOOK_S) as reply:  # noqa: S310 - our own server
        return str(reply.read(), "utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _version_of(path: str) -> Version | None:
    show = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([path, "-c", show], capture_output=True, text=True, check=False)  # noqa: S603
    major, _, minor = done.stdout.strip().partition(" ")
    return (int(major), int(minor)) if minor else None


def _choice(wanted: Version, python: Python) -> str:
    if python.version == wanted:
        return "it is at hand"
    return f"it is not at hand, so this is with {_text(python.version)}"


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def _step(name: str, do: Callable[[], object]) -> None:
    begin = time.monotonic()
    do()
    print(f"  {time.monotonic() - begin:6.1f} s  {name}", flush=True)


if __name__ == "__main__":
    main()
