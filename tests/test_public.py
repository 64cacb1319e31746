"""The public surface: what there is, what importing it does, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest

import helius_frames

NAMES = [
    "CLUSTERS",
    "PLANS",
    "AsyncBalanceChunks",
    "AttrsError",
    "AuthenticationError",
    "BalanceChunks",
    "CursorError",
    "EndpointError",
    "HeliusError",
    "HeliusErrorGroup",
    "HostUnreachableError",
    "InputError",
    "InputErrorGroup",
    "KeyMissingError",
    "MintError",
    "OwnerError",
    "ProtocolError",
    "PullInterrupted",
    "RPCError",
    "RateLimitError",
    "RequestTimeout",
    "Tally",
    "TransportError",
    "__version__",
    "app",
    "aread_helius_balances",
    "demo",
    "read_helius_balances",
]


def in_fresh_interpreter(code):
    """What a program prints as JSON, run on its own with warnings as errors."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def sort_key(name):
    """Constants, then classes, then the rest, as the linter sorts ``__all__``."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def test_the_public_names_are_these():
    assert helius_frames.__all__ == NAMES


def test_the_public_names_are_sorted_and_each_stands_once():
    assert sorted(set(NAMES), key=sort_key) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_exists(name):
    assert getattr(helius_frames, name) is not None


def test_every_exception_is_public():
    assert set(helius_frames.errors.__all__) <= set(NAMES)


def test_every_public_class_and_function_has_a_docstring():
    described = [getattr(helius_frames, name) for name in NAMES if callable(getattr(helius_frames, name))]
    assert [one.__name__ for one in described if not (one.__doc__ or "").strip()] == []


def test_pandas_has_the_reader_and_the_accessors():
    assert pd.read_helius_balances is helius_frames.read_helius_balances
    for cls in (pd.DataFrame, pd.Series, pd.Index):
        assert "helius" in cls._accessors


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
