"""The public surface: what there is, what importing it does, and what it leaves alone."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import helius_frames
from tests.support.subprocess_helpers import run_python


def in_fresh_interpreter(code):
    """Return what a program prints as JSON, run on its own with warnings as errors."""
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_every_exception_is_public():
    assert set(helius_frames.errors.__all__) <= set(helius_frames.__all__)


def test_every_public_class_and_function_has_a_docstring():
    public = [getattr(helius_frames, name) for name in helius_frames.__all__]
    described = [one for one in public if callable(one)]
    assert [one.__name__ for one in described if not (one.__doc__ or "").strip()] == []


def test_pandas_has_the_reader_and_the_accessors():
    assert pd.read_helius_balances is helius_frames.read_helius_balances
    assert all(hasattr(cls, "helius") for cls in (pd.DataFrame, pd.Series, pd.Index))


@pytest.mark.slow
def test_importing_brings_no_chart_widget_bar_or_server_and_patches_no_loop():
    heavy = ["plotly", "ipywidgets", "anywidget", "tqdm", "uvicorn", "IPython", "nest_asyncio", "pyreqwest"]
    code = (
        "import sys, json, asyncio; run = asyncio.run; import helius_frames\n"
        f"print(json.dumps([[name for name in {heavy} if name in sys.modules], asyncio.run is run]))"
    )
    assert in_fresh_interpreter(code) == [[], True]


@pytest.mark.slow
def test_importing_never_overwrites_a_reader_that_is_there():
    code = (
        "import json, pandas as pd; pd.read_helius_balances = 'mine'; import helius_frames\n"
        "print(json.dumps([pd.read_helius_balances, callable(helius_frames.read_helius_balances)]))"
    )
    assert in_fresh_interpreter(code) == ["mine", True]


@pytest.mark.slow
def test_load_ext_makes_the_reader_and_needs_no_import():
    code = (
        "import json; from IPython.testing.globalipapp import get_ipython; shell = get_ipython()\n"
        "shell.run_line_magic('load_ext', 'helius_frames'); import pandas as pd\n"
        "print(json.dumps([callable(pd.read_helius_balances), 'helius_frames' in shell.user_ns]))"
    )
    assert in_fresh_interpreter(code) == [True, False]
