"""What the charts of airdrops, classes, overlap and pulls draw, and that each is whole for any frame."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from helius_frames import charts
from helius_frames.analysis import (
    MintIndex,
    airdrop_summary,
    classes,
    cohorts,
    equal_balances,
    overlap,
    timeline,
)
from helius_frames.errors import InputError
from tests.support.balance_rows import MINT, MINTS, OWNERS, U64_MAX, few, frame_of, held, lists
from tests.unit.analysis.test_airdrop import list_of

NAME = charts.shorten(MINT)
EXPECTED = pd.Series(5, index=list(OWNERS))
PLOTS = {
    "airdrop": lambda frame, **look: charts.plot_airdrop(frame, EXPECTED, MINT, **look),
    "classes": lambda frame, **look: charts.plot_classes(frame, MINT, **look),
    "equal balances": lambda frame, **look: charts.plot_equal_balances(frame, MINT, **look),
    "overlap": charts.plot_overlap,
    "timeline": lambda frame, **look: charts.plot_timeline({"<a>": frame, "b": frame}, MINT, **look),
    "cohorts": lambda frame, **look: charts.plot_cohorts({"<a>": frame, "b": frame}, MINT, **look),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS.keys())


def texts(figure):
    return json.dumps(figure.to_plotly_json(), default=str)


def title_of(figure):
    return figure.layout.title.text.replace("<br>", " ")


@few
@given(held, lists)
def test_both_bars_of_an_airdrop_are_the_whole_list(rows, expected):
    frame = frame_of(rows, owners=list(dict.fromkeys([*OWNERS[:8], *(owner for owner, _ in rows)])))
    of_mint = {pair: amount for pair, amount in expected.items() if pair[1] == MINT}
    numbers = charts.airdrop_numbers(frame, list_of(of_mint), MINT) if of_mint else None
    if numbers is None:
        return
    summary = airdrop_summary(frame, list_of(of_mint), MINT)
    parts = dict(zip(numbers.parts, zip(numbers.owners, numbers.amounts, strict=True), strict=True))
    assert sum(numbers.owners) == len(of_mint)
    assert sum(numbers.amounts) == sum(of_mint.values())
    assert parts["kept all or more"][1] + parts["kept a part"][1] == sum(summary["kept"])
    assert parts["not read"] == (summary.loc["not read", "owners"], summary.loc["not read", "expected"])
    assert numbers.beside == (summary.loc["not expected", "owners"], summary.loc["not expected", "held"])
    figure = charts.plot_airdrop(frame, list_of(of_mint), MINT)
    for bar in (0, 1):
        assert sum(trace.x[bar] for trace in figure.data) == pytest.approx(1)


@few
@given(held)
def test_charts_draw_the_rows_of_their_tables(rows):
    rows = rows | {(OWNERS[0], MINT): 3}
    frame = frame_of(rows)
    table = classes(frame, MINT)
    numbers = charts.classes_numbers(MintIndex.of(frame), MINT)
    assert [numbers.holders, numbers.totals] == [table["holders"].tolist(), table["total"].tolist()]
    bars = {trace.name: list(trace.x) for trace in charts.plot_classes(frame, MINT).data}
    assert bars["share of what they hold"] == table["share"].tolist()
    assert bars["share of the holders"] == table["share_of_holders"].tolist()

    equal = equal_balances(frame, MINT).head(12)
    found = charts.equal_balances_numbers(frame, MINT)
    assert [found.balances, found.holders] == [equal["balance"].tolist(), equal["holders"].tolist()]

    common = overlap(frame, n=12)
    assert (charts.overlap_numbers(frame).common == common.to_numpy()).all()


def pulls():
    first = frame_of({(owner, MINT): 5 for owner in OWNERS[:6]})
    second = frame_of({(owner, MINT): 5 for owner in OWNERS[2:8]}, owners=OWNERS[1:])
    return {"first": first, "second": second, "third": first}


def test_a_timeline_draws_who_came_and_who_left():
    table = timeline(pulls(), MINT)
    figure = charts.plot_timeline(pulls(), MINT)
    traces = {trace.name: list(trace.y) for trace in figure.data}
    assert traces["holders"] == table["holders"].tolist()
    assert traces["new"] == [0, *table["new"].tolist()[1:]]
    assert traces["returned"] == [0, *table["returned"].tolist()[1:]]
    assert traces["left"] == [0, *(-count for count in table["left"].tolist()[1:])]
    assert traces["held before, not read"] == [-count for count in table["not_read"].tolist()]
    assert title_of(figure) == f"From 6 holders of {NAME} to 6: 3 left, 3 came, as far as was read"


def test_cohorts_stand_above_the_diagonal():
    table = cohorts(pulls(), MINT)
    numbers = charts.cohorts_numbers(pulls(), MINT)
    assert numbers.holders == [6, 6, 6]
    assert numbers.share[np.triu_indices(3)].tolist() == table["share"].tolist()
    assert np.isnan(numbers.share[np.tril_indices(3, -1)]).all()
    assert (
        title_of(charts.plot_cohorts(pulls(), MINT))
        == f"100% of the 6 holders of {NAME} in the first pull still hold in the last"
    )


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ({OWNERS[0]: 5, OWNERS[1]: 9}, "16.7% of the airdrop of {} is still with those it was meant for"),
        (dict.fromkeys(OWNERS, 5), "All of the airdrop of {} is still with those it was meant for"),
        (dict.fromkeys(OWNERS, 0), "None of the airdrop of {} is still with those it was meant for"),
        ({OWNERS[0]: 5}, "8.3% of the airdrop of {} is still with those it was meant for"),
    ],
)
def test_titles_of_an_airdrop_say_what_was_kept(rows, title):
    figure = PLOTS["airdrop"](frame_of({(owner, MINT): balance for owner, balance in rows.items()}))
    assert title_of(figure) == title.format(NAME)


def test_an_airdrop_of_which_a_part_was_not_read_says_so():
    frame = frame_of({(OWNERS[0], MINT): 5}, owners=OWNERS[:2])
    assert title_of(PLOTS["airdrop"](frame)).startswith(f"50% of what could be read of the airdrop of {NAME}")
    assert title_of(PLOTS["airdrop"](frame_of({}, owners=[]))) == "Nobody on the list was read"


def test_titles_are_findings():
    assert (
        title_of(PLOTS["equal balances"](frame_of({(o, MINT): 7 for o in OWNERS})))
        == f"All 12 holders of {NAME} hold exactly 7 base units"
    )
    uneven = frame_of({(owner, MINT): 10**place for place, owner in enumerate(OWNERS[:4])})
    assert (
        title_of(PLOTS["classes"](uneven))
        == f"1 of 4 holders of {NAME} has 1,000 or more and owns 90% of what is held here"
    )
    frame = frame_of({(OWNERS[0], mint): 1 for mint in MINTS[:2]}).assign(symbol=["A&B", "<b>"])
    assert title_of(PLOTS["overlap"](frame)) == (
        "A&amp;B and &lt;b&gt; have the most holders in common: 100% hold both"
    )


FRAMES = {
    "empty": {},
    "zeros": {(owner, MINT): 0 for owner in OWNERS},
    "one": {(OWNERS[0], MINT): 1},
    "three": {(OWNERS[0], MINT): 1, (OWNERS[1], MINT): 1, (OWNERS[2], MINTS[1]): 1},
    "extremes": {(owner, MINT): U64_MAX - place % 2 for place, owner in enumerate(OWNERS)},
    "dust and whale": {(OWNERS[0], MINT): 1, (OWNERS[1], MINT): U64_MAX, (OWNERS[1], MINTS[1]): 1},
}


@every_plot
@pytest.mark.parametrize("rows", FRAMES.values(), ids=FRAMES.keys())
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_whole_for_few_and_for_extreme_balances(plot, rows, theme):
    figure = plot(frame_of(rows, mints=list(MINTS)), theme=theme)
    assert figure.layout.meta["theme"] == theme
    assert figure.layout.meta["description"].endswith(figure.layout.meta["title"])
    assert figure.layout.title.text
    assert all(len(line) <= 40 for line in figure.layout.title.text.split("<br>"))
    assert "nan" not in title_of(figure).lower()


@every_plot
def test_titles_of_the_caller_and_names_are_text_and_never_html(plot):
    figure = plot(frame_of({(OWNERS[0], MINT): 1}), title="<b>mine</b>")
    assert figure.layout.title.text == "&lt;b&gt;mine&lt;/b&gt;"
    assert "<a>" not in texts(figure)
    with pytest.raises(InputError, match="theme"):
        plot(frame_of({(OWNERS[0], MINT): 1}), theme="pink")


def test_classes_and_batches_of_a_frame_without_some_owners_count_them():
    frame = frame_of({(owner, MINT): 5 for owner in OWNERS})
    for plot in (charts.plot_classes, charts.plot_equal_balances):
        subtitle = plot(frame, MINT, exclude=OWNERS[:2]).layout.title.subtitle.text
        assert "10 holders" in subtitle.replace("<br>", " ")
        assert "2 holders left out" in subtitle.replace("<br>", " ")


def test_many_pulls_have_labels_that_do_not_touch():
    frame = frame_of({(owner, MINT): 5 for owner in OWNERS})
    dates = pd.date_range("2026-01-01", periods=40)
    figure = charts.plot_timeline(dict.fromkeys(dates, frame), MINT)
    assert len(figure.layout.xaxis.ticktext) <= 12
    assert figure.layout.xaxis.ticktext[0] == "2026-01-01"
    assert charts.plot_cohorts(dict.fromkeys(dates, frame), MINT).data[0].showscale
