"""The rooms of the house: every import of the package, held against the table of CONTRIBUTING."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "helius_frames"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HEADER = "| module | what lives there | may import (ours) | third party |"
LATE = "in functions"

# The table may be changed with the code; these lines of it may not.
ONLY_IN = {
    "httpcore": {"_network"},
    "httpx": {"_client"},
    "pyreqwest": {"_client"},
    "uvloop": {"_bridge"},
    "tenacity": {"_client"},
    "msgspec": {"_wire"},
    "tqdm": {"_progress"},
    "nest_asyncio": {"_bridge"},
    "uvicorn": {"demo"},
    "plotly": {"charts", "explorer"},
    "ipywidgets": {"explorer", "_app"},
    "anywidget": {"explorer", "_app"},
    "traitlets": {"explorer", "_app"},
}
ONLY_LATE = {"pyreqwest", "tqdm", "nest_asyncio", "uvicorn", "uvloop"}
# Part of a declared dependency's own interface.
COMES_WITH = {"traitlets": "ipywidgets"}


class Names(NamedTuple):
    """Names of one cell: those that may be imported anywhere, and those inside functions only."""

    early: frozenset[str]
    late: frozenset[str]

    @property
    def all(self):
        return self.early | self.late


class Row(NamedTuple):
    ours: Names
    third: Names


class Import(NamedTuple):
    """One import: by whom, of what, and when it happens."""

    module: str
    name: str
    is_ours: bool
    when: str  # "early", "late" or "types"


def names_of(cell):
    early, _, late = cell.partition(LATE)
    return Names(*(frozenset(re.findall(r"`([\w.]+)`", part)) for part in (early, late)))


def table_below(header):
    """Cells of each row of the table that has this header."""
    lines = CONTRIBUTING.split(header)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def layers():
    return {
        re.fullmatch(r"`(\w+)`", module)[1]: Row(names_of(ours), names_of(third))
        for module, _, ours, third in table_below(HEADER)
    }


TABLE = layers()


def imports_in(source, module):
    """Every import of a source file but those of the standard library and of the module itself."""
    found = []
    visit(ast.parse(source), module, "early", found)
    return [one for one in found if not (one.is_ours and one.name == module)]


def visit(node, module, when, found):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            found += [to_import(module, path, when) for path in paths_of(child) if not is_standard(path)]
        else:
            visit(child, module, moment_of(child, when), found)


def moment_of(node, when):
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return "types"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and when == "early":
        return "late"
    return when


def paths_of(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        return [f"relative.{node.module}"]
    if node.module == "helius_frames":
        return [f"helius_frames.{alias.name}" for alias in node.names]
    return [node.module]


def is_standard(path):
    return path.split(".")[0] in sys.stdlib_module_names


def to_import(module, path, when):
    top, *rest = path.split(".")
    is_ours = top == "helius_frames"
    return Import(module, rest[0] if is_ours and rest else top, is_ours, when)


def room_of(path):
    """Module of the table that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


SOURCES = sorted(PACKAGE.rglob("*.py"))
IMPORTS = [one for path in SOURCES for one in imports_in(path.read_text(encoding="utf-8"), room_of(path))]


def test_the_table_and_the_package_name_the_same_modules():
    assert sorted(TABLE) == sorted({room_of(path) for path in SOURCES})


def test_every_module_stands_below_all_that_it_may_import():
    order = list(TABLE)
    for module, row in TABLE.items():
        assert row.ours.all <= set(order[: order.index(module)]), module


@pytest.mark.parametrize("module", TABLE)
def test_a_module_imports_of_ours_only_what_its_row_names(module):
    row = TABLE[module].ours
    ours = [one for one in IMPORTS if one.module == module and one.is_ours]
    early = {one.name for one in ours if one.when == "early"}
    assert early <= row.early
    assert {one.name for one in ours} <= row.all


@pytest.mark.parametrize("module", TABLE)
def test_a_module_imports_of_others_only_what_its_row_names(module):
    row = TABLE[module].third
    others = [one for one in IMPORTS if one.module == module and not one.is_ours]
    assert {one.name for one in others if one.when == "early"} <= row.early
    assert {one.name for one in others if one.when == "late"} <= row.all


def test_what_belongs_to_one_room_is_in_no_other():
    found = {name: {module for module, row in TABLE.items() if name in row.third.all} for name in ONLY_IN}
    assert found == ONLY_IN


def test_what_is_slow_or_optional_is_imported_inside_functions_only():
    assert {name for row in TABLE.values() for name in row.third.late} == ONLY_LATE
    assert not ONLY_LATE & {name for row in TABLE.values() for name in row.third.early}


# The reader of imports itself

SOURCE = """
import json, numpy.typing
from helius_frames import _wire
from helius_frames.demo.holdings import Holdings
if TYPE_CHECKING:
    from pandas import DataFrame
class Reader:
    from .near import something
    def read(self):
        if self.is_drawn:
            from tqdm.auto import tqdm
        def inner():
            import helius_frames
"""


def test_the_reader_of_imports_sees_them_wherever_they_stand():
    assert imports_in(SOURCE, "reader") == [
        Import("reader", "numpy", False, "early"),
        Import("reader", "_wire", True, "early"),
        Import("reader", "demo", True, "early"),
        Import("reader", "pandas", False, "types"),
        Import("reader", "relative", False, "early"),
        Import("reader", "tqdm", False, "late"),
        Import("reader", "helius_frames", True, "late"),
    ]


def test_the_reader_of_the_table_tells_early_from_late():
    assert names_of("`a`, `b_c`; in functions `d`") == Names(frozenset({"a", "b_c"}), frozenset({"d"}))
    assert names_of("in functions `d`") == Names(frozenset(), frozenset({"d"}))
    assert names_of("") == Names(frozenset(), frozenset())


# The rest of the page


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    return {re.match(r"[\w-]+", requirement)[0] for requirement in wanted} - {project["name"]}


def test_every_dependency_has_a_reason_and_every_reason_a_dependency():
    reasons = dict(table_below("| package | why |"))
    assert {name.strip("`") for name in reasons} == declared()
    assert all(reasons.values())


def test_every_third_party_of_the_table_is_a_declared_dependency():
    used = {COMES_WITH.get(name, name).replace("_", "-") for row in TABLE.values() for name in row.third.all}
    assert used <= declared()


def test_every_target_that_the_page_names_is_in_the_makefile():
    named = set(re.findall(r"`make (\w+)`", CONTRIBUTING))
    targets = set(
        re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert {"check", "test", "bench", "demo", "lab"} <= named <= targets
