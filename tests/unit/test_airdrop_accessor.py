"""``df.helius``: each method of airdrops, classes and labels hands over to the function of its name."""

from __future__ import annotations

import inspect

import pandas as pd
import plotly.graph_objects as go
import pytest

from helius_frames import analysis, charts
from helius_frames.accessor import BalancesAccessor, PlotAccessor
from tests.support.balance_rows import MINT, OWNERS, frame_of

FRAME = frame_of({(owner, MINT): place % 4 for place, owner in enumerate(OWNERS)})
EXPECTED = dict.fromkeys(OWNERS, 2)
METHODS = {
    "airdrop": (EXPECTED, MINT),
    "airdrop_summary": (EXPECTED, MINT),
    "airdrop_report": (EXPECTED, MINT),
    "thresholds": (MINT, [10]),
    "classes": (MINT, [2]),
    "equal_balances": (MINT,),
    "overlap": ([MINT],),
    "with_owners": ({OWNERS[0]: "team"},),
    "without_owners": (OWNERS[0],),
    "fingerprint": (),
}
PLOTS = {"airdrop": (EXPECTED, MINT), "classes": (MINT, [2]), "equal_balances": (MINT,), "overlap": ([MINT],)}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_gives_what_its_function_gives(name):
    arguments = METHODS[name]
    found, expected = getattr(FRAME.helius, name)(*arguments), getattr(analysis, name)(FRAME, *arguments)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("name", PLOTS)
def test_a_chart_is_that_of_its_function(name):
    figure = getattr(FRAME.helius.plot, name)(*PLOTS[name], theme="dark", title="mine")
    assert isinstance(figure, go.Figure)
    expected = getattr(charts, f"plot_{name}")(FRAME, *PLOTS[name], theme="dark", title="mine")
    assert figure.to_json() == expected.to_json()


def options(function):
    return {name: one.default for name, one in list(inspect.signature(function).parameters.items())[1:]}


@pytest.mark.parametrize("name", [*METHODS, "by_mint", "top_holders", "distribution", "lorenz", "ecdf"])
def test_a_method_has_the_options_of_its_function(name):
    assert options(getattr(BalancesAccessor, name)) == options(getattr(analysis, name))


@pytest.mark.parametrize("name", PLOTS)
def test_a_chart_has_the_options_of_its_function(name):
    assert options(getattr(PlotAccessor, name)) == options(getattr(charts, f"plot_{name}"))


@pytest.mark.parametrize("name", ["by_mint", "top_holders", "distribution", "lorenz", "ecdf"])
def test_measures_leave_owners_out(name):
    arguments = () if name == "by_mint" else (MINT,)
    found = getattr(FRAME.helius, name)(*arguments, exclude=OWNERS[1])
    pd.testing.assert_frame_equal(found, getattr(analysis, name)(FRAME, *arguments, exclude=OWNERS[1]))
