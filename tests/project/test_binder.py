"""Binder: the files repo2docker reads, and the choice of a Python for the proof."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.project.binder_proof import Python, nearest, wanted_version

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_runtime_is_a_python_that_the_package_names():
    version = wanted_version((BINDER / "runtime.txt").read_text("utf-8"))
    assert f"Programming Language :: Python :: {version[0]}.{version[1]}" in PROJECT["classifiers"]


@pytest.mark.parametrize("runtime", ["", "3.13", "python3.13", "python-3", "python-3.13.1", "r-4.4"])
def test_a_runtime_that_repo2docker_reads_otherwise_is_refused(runtime):
    with pytest.raises(ValueError, match="repo2docker"):
        wanted_version(runtime)


def test_the_requirements_are_the_repository_itself_with_extras_it_has():
    lines = (BINDER / "requirements.txt").read_text("utf-8").splitlines()
    (line,) = (line for line in lines if not line.startswith("#"))
    extras = re.fullmatch(r"\.\[(.+)\]", line)
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])


def test_post_build_stops_at_the_first_error():
    first_lines = "\n".join((BINDER / "postBuild").read_text("utf-8").splitlines()[:2])
    command = ["bash", "-c", f"{first_lines}\nfalse | true\nexit 0"]
    assert subprocess.run(command, check=False).returncode == 1  # noqa: S603
    subprocess.run(["bash", "-n", BINDER / "postBuild"], check=True)  # noqa: S603, S607


def test_the_links_of_its_readme_open_notebooks_that_are_there():
    badges = re.findall(r"https://mybinder\.org/v2/gh/[^)\s\"]+", (BINDER / "README.md").read_text("utf-8"))
    opened = [parse_qs(urlsplit(badge).query)["urlpath"][0] for badge in badges]
    assert sorted(path.partition("notebooks/")[0] for path in opened) == ["lab/tree/", "voila/render/"]
    assert all((ROOT / "notebooks" / path.partition("notebooks/")[2]).exists() for path in opened)


PYTHONS = [Python((3, 11), "a"), Python((3, 12), "b"), Python((3, 14), "c")]


@pytest.mark.parametrize(("wanted", "path"), [((3, 12), "b"), ((3, 13), "c"), ((3, 10), "a"), ((3, 15), "c")])
def test_the_nearest_python_is_taken_and_the_newer_of_two_as_near(wanted, path):
    assert nearest(wanted, PYTHONS).path == path
