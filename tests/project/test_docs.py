"""README and documentation: examples run, outputs are what they print, links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import io
import pkgutil
import re
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd
import pytest
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser

import helius_frames

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
CODE = re.compile(r"^(```+).*?^\1$", flags=re.MULTILINE | re.DOTALL)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Homepage"]

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def run_python(example):
    """Run a block as a notebook cell is run: the value of its last line is printed."""
    *body, last = ast.parse(example.parsed).body
    steps = [body, [last]] if isinstance(last, ast.Expr) else [[*body, last], []]
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(ast.Module(steps[0], []), example.path, "exec"), example.namespace)  # noqa: S102
        for expression in steps[1]:
            value = eval(compile(ast.Expression(expression.value), example.path, "eval"), example.namespace)  # noqa: S307
            print("" if value is None else repr(value))
    example.namespace["_printed"] = printed.getvalue()


def compare_output(example):
    """Hold a block of text against what the Python block before it printed."""
    printed = example.namespace.pop("_printed", "")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(example.parsed, printed, flags), printed


# ```python blocks run and ```text blocks are their output; ```py is Python that needs a key or a kernel.
EXAMPLES = Sybil([CodeBlockParser("python", run_python), CodeBlockParser("text", compare_output)])


@pytest.mark.slow
@by_page
def test_the_examples_of_a_page_print_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HELIUS_API_KEY", "HELIUS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with pd.option_context("display.width", 130, "display.max_columns", 12, "display.max_colwidth", 50):
        for example in EXAMPLES.parse(page).examples():
            example.evaluate()


@by_page
def test_the_other_python_of_a_page_can_at_least_be_read(page):
    for example in Sybil([CodeBlockParser("py", compare_output)]).parse(page).examples():
        compile(example.parsed, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _modules():
    names = [module.name for module in pkgutil.walk_packages(helius_frames.__path__, "helius_frames.")]
    return ["helius_frames", *(name for name in names if not name.endswith("__main__"))]


@pytest.mark.slow
@pytest.mark.parametrize("name", _modules())
def test_the_examples_of_the_docstrings_print_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed


def test_every_public_function_of_the_reader_and_the_analysis_has_an_example():
    public = [helius_frames.read_helius_balances, helius_frames.aread_helius_balances]
    public += [getattr(helius_frames.analysis, name) for name in helius_frames.analysis.__all__]
    functions = [each for each in public if callable(each) and each.__name__.islower()]
    assert not [
        each.__name__ for each in functions if ">>>" not in each.__doc__ and "check" not in each.__name__
    ]


@by_page
def test_the_links_of_a_page_lead_somewhere(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    links = {next(filter(None, found)) for found in LINK.findall(text)}
    local = {link.partition("#")[0] for link in links if "://" not in link and not link.startswith("#")}
    assert not {link for link in local if not (page.parent / link).exists()}


@by_page
def test_links_into_the_repository_name_files_that_are_there(page):
    for path in re.findall(
        re.escape(REPOSITORY) + r"/(?:blob|tree)/main/([^)\s\"#]+)", page.read_text("utf-8")
    ):
        assert (ROOT / path).exists(), path


def _rows(page, heading):
    """Cells of the table below a heading."""
    section = page.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _names(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_the_parameter_table_of_the_readme_is_the_signature():
    told = [name for cell, *_ in _rows(ROOT / "README.md", "Parameters") for name in _names(cell)]
    assert told == list(inspect.signature(helius_frames.read_helius_balances).parameters)


def test_the_changelog_names_this_version():
    assert f"## [{helius_frames.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_make_targets_that_are_named_exist():
    pages = [*PAGES, ROOT / "CONTRIBUTING.md", *ROOT.glob(".github/**/*.*")]
    spoken = re.compile(r"(?:`|\$ |run: )make ([a-z-]+)")
    named = {name for page in pages for name in spoken.findall(page.read_text("utf-8"))}
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert named >= {"check", "test", "demo"}
    assert not named - set(targets)
