"""The notebooks: stored without outputs, and each runs from top to bottom in a kernel of its own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
WITH_EXPLORER = {"01_quickstart", "05_your_own_data"}
SECONDS = 60

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def run(path, folder, monkeypatch):
    """Execute a notebook as a new user would: no key set, nothing of the caller's Jupyter settings."""
    for name in [name for name in os.environ if name.startswith(("HELIUS", "JUPYTER"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IPYTHONDIR", str(folder))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    book = read(path)
    client = NotebookClient(
        book, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": FOLDER}}
    )
    asyncio.run(client.async_execute())  # its own form without a loop leaves one open
    return book


def outputs(book):
    return [(cell, output) for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]


@by_name
def test_a_notebook_is_stored_without_outputs_and_widget_state(path):
    book = read(path)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert book.metadata["kernelspec"]["name"] == "python3"


@by_name
def test_links_between_notebooks_lead_somewhere(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    linked = {part.split(")")[0] for part in text.split("](")[1:]}
    local = {link for link in linked if "://" not in link}
    assert not {link for link in local if not (FOLDER / link).exists()}


@pytest.mark.notebook
@by_name
def test_a_notebook_runs_without_a_key(path, tmp_path, monkeypatch):
    book = run(path, tmp_path, monkeypatch)
    shown = outputs(book)
    assert not [output for _, output in shown if output.output_type == "error"]
    assert not [
        output.text for _, output in shown if output.get("name") == "stderr" and "Warning" in output.text
    ]
    if path.stem in WITH_EXPLORER:
        assert any(
            "helius.explore(" in cell.source and _shows_without_widgets(output) for cell, output in shown
        )


def _shows_without_widgets(output):
    page = output.get("data", {}).get("text/html", "")
    return "<table" in page and "holders" in page
