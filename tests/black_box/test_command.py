"""``python -m helius_frames``: the job in a terminal, as wide as that is."""

from __future__ import annotations

import sys

import pytest

from helius_frames import __main__


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_names_and_units_fit_the_terminal(width, monkeypatch, capsys, tmp_path):
    page = tmp_path / "chart.html"
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "argv", ["helius_frames", "--output", str(page)])
    __main__.main()
    tables = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(("df", "wrote"))]
    assert max(map(len, tables)) <= max(width, 60)
    text = "\n".join(tables)
    assert "STU" in text
    if width >= 80:
        assert "1074530.581966" in text
    assert page.exists()
