"""The explorer without a browser: its state, its controls, what it sends and what it saves."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pytest
import traitlets

from helius_frames import analysis
from helius_frames.errors import InputError, MintError, OwnerError
from helius_frames.explorer import Explorer, explore
from helius_frames.explorer import _save as save
from helius_frames.explorer._points import Point
from helius_frames.explorer._search import matching
from tests.support.frames import balances_frame

U64_MAX = 2**64 - 1
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def address(number):
    """Text of an address's form; the number stands at its end."""
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = ALPHABET[digit] + digits
    return "Ab" + digits.rjust(42, "1")


BIG, SMALL = address(10**30), address(10**31)
OWNERS = [address(number) for number in range(1, 121)]


@pytest.fixture
def frame():
    """120 holders of one mint, the last two of them at zero, and 3 of another with more than 2^53 each."""
    many = [
        (owner, BIG, 1000 * place if place < 118 else 0, 500 + place % 7)
        for place, owner in enumerate(OWNERS, 1)
    ]
    few = [(OWNERS[0], SMALL, U64_MAX, 506), (OWNERS[1], SMALL, U64_MAX - 1, 500), (OWNERS[2], SMALL, 7, 501)]
    return balances_frame(many + few, mints=[BIG, SMALL])


@pytest.fixture
def ex(frame):
    explorer = explore(frame)
    yield explorer
    explorer.close()


@pytest.fixture
def sent(monkeypatch):
    """Everything that widgets send to the front end, as (widget, message, bytes)."""
    messages = []

    def note(widget, message, buffers=None):
        size = len(json.dumps(message)) + sum(len(bytes(buffer)) for buffer in buffers or ())
        messages.append((widget, message, size))

    monkeypatch.setattr(ipywidgets.Widget, "_send", note)
    return messages


def place_of(trace, balance):
    """Place of the bar that holds a balance."""
    edges = [(int(point[0]), int(point[1])) for point in trace.customdata]
    return next(place for place, (low, high) in enumerate(edges) if low <= balance <= high)


def trace_named(ex, name):
    return next(trace for trace in ex.figure.data if trace.name == name)


def test_it_begins_with_the_mint_that_most_hold(ex):
    assert ex.mint == BIG
    assert ex._controls.mint.value == BIG


def test_mints_are_offered_by_holders_with_their_counts(ex):
    labels = [label for label, _ in ex._controls.mint.options]
    assert [mint for _, mint in ex._controls.mint.options] == [BIG, SMALL]
    assert labels[0].endswith("117 holders")
    assert labels[1].endswith("3 holders")


def test_setting_a_trait_moves_the_control_and_the_chart(ex):
    ex.chart = "top_holders"
    ex.top = 5
    assert ex._controls.chart.value == "top_holders"
    assert ex._controls.top.value == 5
    assert "bar" in {trace.type for trace in ex.figure.data}
    assert max(len(trace.x) for trace in ex.figure.data if trace.type == "bar") == 5


def test_moving_a_control_sets_the_trait_and_the_chart(ex):
    before = len(trace_named(ex, "holders").x)
    ex._controls.bins.value = 10
    assert ex.bins == 10
    assert len(trace_named(ex, "holders").x) < before


def test_every_chart_is_drawn_into_the_same_figure_widget(ex):
    figure = ex.figure
    titles = set()
    for chart in ex.traits()["chart"].values:
        ex.chart = chart
        titles.add(ex.figure.layout.title.text)
        assert ex.figure is figure
    assert len(titles) == 6


def test_the_figure_equals_the_chart_drawn_afresh_after_any_way_there(ex, frame):
    for chart in ("heatmap", "histogram", "ecdf", "treemap", "lorenz", "top_holders", "histogram"):
        ex.chart = chart
    ex.mint, ex.bins, ex.owner = SMALL, 12, OWNERS[1]
    assert shown(ex) == shown(explore(frame, mint=SMALL, bins=12, owner=OWNERS[1]))


def shown(ex):
    """What the figure shows: without ids, which are each widget's own, and without empty lists."""
    figure = json.loads(ex.figure.to_json())
    for trace in figure["data"]:
        trace.pop("uid", None)
    figure["layout"] = {name: value for name, value in figure["layout"].items() if value != []}
    return figure


def test_controls_that_do_nothing_for_the_chart_are_hidden(ex):
    def visible():
        return {name for name in ex._controls._fields if getattr(ex._controls, name).layout.display != "none"}

    always = {"find", "mint", "chart", "owner", "units"}
    assert visible() == always | {"scale", "bins", "hide_zeros"}
    ex.chart = "lorenz"
    assert visible() == always
    ex.units = "decimals"
    ex.chart = "treemap"
    assert visible() == always | {"top", "decimals"}


def test_every_control_has_a_label_and_sliders_act_on_release(ex):
    assert all(control.description for control in ex._controls)
    assert not ex._controls.bins.continuous_update
    assert not ex._controls.top.continuous_update


def test_an_unknown_mint_is_refused_and_nothing_changes(ex):
    before = shown(ex)
    with pytest.raises(MintError, match="'nowhere' has no rows"):
        ex.mint = "nowhere"
    with pytest.raises(MintError):
        ex.mint = ""
    assert ex.mint == BIG
    assert shown(ex) == before


def test_an_unknown_owner_is_refused(ex, frame):
    with pytest.raises(OwnerError, match="'nobody' is not in this frame"):
        ex.owner = "nobody"
    with pytest.raises(OwnerError):
        explore(frame, owner="nobody")


@pytest.mark.parametrize(
    ("trait", "fault"), [("mint", MintError), ("owner", OwnerError), ("chart", traitlets.TraitError)]
)
def test_changes_that_are_refused_together_are_all_taken_back(ex, trait, fault):
    before = shown(ex)
    with pytest.raises(fault):
        change_together(ex, {"bins": 10, trait: "nowhere"})
    assert (ex.mint, ex.owner, ex.chart, ex.bins) == (BIG, None, "histogram", 60)
    assert shown(ex) == before
    ex.mint = SMALL
    assert ex.figure.layout.title.text.startswith("Two of 3 holders")


def change_together(ex, changes):
    with ex.hold_trait_notifications():
        for trait, value in changes.items():
            setattr(ex, trait, value)


@pytest.mark.parametrize(
    ("trait", "value"), [("chart", "pie"), ("bins", 4), ("top", 101), ("scale", "ln"), ("theme", "")]
)
def test_a_value_out_of_range_is_refused(ex, trait, value):
    with pytest.raises(traitlets.TraitError):
        setattr(ex, trait, value)


def test_the_frame_is_left_as_it_was(frame):
    before = frame.copy(deep=True)
    explorer = explore(frame, units="decimals", decimals={BIG: 9}, hide_zeros=True)
    explorer.download("csv")
    pd.testing.assert_frame_equal(frame, before)


def test_what_happens_to_the_frame_afterwards_changes_nothing(ex, frame):
    before = {kind: ex.download(kind).data for kind in ("csv", "parquet")}
    line = ex._header.value
    frame.loc[3, "balance"] = 99_999
    frame.loc[5, "owner"] = OWNERS[4]
    frame.loc[len(frame)] = frame.iloc[0].to_list()
    frame["slot"] = 0
    assert {kind: ex.download(kind).data for kind in ("csv", "parquet")} == before
    ex.owner = OWNERS[3]
    ex.mint = SMALL
    ex.mint = BIG
    assert ex._header.value == line
    assert behind(ex, "marked", 0) == {OWNERS[3]: 4000}


def test_the_line_above_tells_holders_zeros_gini_slots_drift_and_rows(ex):
    text = re.sub("<[^>]*>", "", ex._header.value)
    gini = analysis.by_mint(ex._index).loc[BIG, "gini"]
    assert text == (
        f"{BIG[:4]}…{BIG[-4:]} · 117 holders · 3 at zero · Gini {gini:.2f}"
        " · slots 500\N{EN DASH}506 (drift 6) · 123 rows of 2 mints"
    )


def test_five_thousand_mints_are_searched_and_any_of_them_can_be_set():
    mints = [address(10**20 + number) for number in range(5000)]
    rows = [(OWNERS[0], mint, 5, 1) for mint in mints] + [(OWNERS[1], mints[4321], 5, 1)]
    ex = explore(balances_frame(rows))
    assert ex.mint == mints[4321]
    assert len(ex._controls.mint.options) == 200
    ex.mint = mints[4999]
    assert ex._controls.mint.value == mints[4999]
    ex._controls.find.value = mints[77]
    assert ex.mint == mints[77]
    ex.close()


def test_the_list_of_mints_stays_short_whatever_is_searched():
    mints = [address(10**20 + number) for number in range(1000)]
    ex = explore(balances_frame([(OWNERS[0], mint, 5, 1) for mint in mints]), mint=mints[999])
    for text in ("A", "Ab", "Ab1", ""):
        ex._controls.find.value = text
        assert len(ex._controls.mint.options) == 201
    ex.close()


def test_a_search_offers_what_matches_and_keeps_the_chosen_mint(ex):
    ex._controls.find.value = "no such mint"
    assert "No mint of this frame contains &#x27;no such mint&#x27;" in ex._note.value
    assert [mint for _, mint in ex._controls.mint.options] == [BIG]
    assert ex.mint == BIG
    ex._controls.find.value = ""
    assert "Click a bar" in ex._note.value
    assert len(ex._controls.mint.options) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "abc"), ("AbX", "a"), ("abx", "a"), ("Ab…Z", "ac"), ("Y", "b"), ("q", ""), (" AbXZ ", "a")],
)
def test_a_search_takes_a_part_a_shortened_and_a_whole_address(text, found):
    addresses = pd.Index(["AbXZ", "AbY", "AbZ"])
    assert list(matching(addresses, text)) == [addresses["abc".index(letter)] for letter in found]


def test_a_part_of_an_address_marks_the_one_owner_it_belongs_to(ex):
    ex._controls.owner.value = OWNERS[59][-3:]
    assert ex.owner == OWNERS[59]
    assert ex._controls.owner.value == OWNERS[59]
    ex._controls.owner.value = ""
    assert ex.owner is None


def test_a_part_that_many_owners_share_marks_nobody_and_says_so(ex):
    ex._controls.owner.value = "Ab"
    assert ex.owner is None
    assert "120 owners match" in ex._note.value
    ex._controls.owner.value = "0OIl"
    assert "No owner of this frame contains" in ex._note.value


def test_a_marked_owner_is_marked_in_every_chart(ex):
    for chart in ex.traits()["chart"].values:
        ex.chart = chart
        ex.owner = None
        plain = shown(ex)
        ex.owner = OWNERS[99]
        assert shown(ex) != plain


def test_a_click_lists_the_holders_behind_the_bar_to_the_last_digit(ex):
    ex.mint = SMALL
    bar = trace_named(ex, "holders")
    ex._on_click(Point("holders", place_of(bar, U64_MAX)))
    assert [row[1] for row in listed(ex)] == [f"{U64_MAX:,}", f"{U64_MAX - 1:,}"]
    assert "2 holders" in ex._note.value


def listed(ex):
    """Rows of the table as a person reads them."""
    return ex._table.view["rows"]


def behind(ex, trace, place):
    """Balances of the holders behind a point, by owner."""
    ex._select([])
    ex._on_click(Point(trace, place))
    return (
        None
        if ex._selection is None
        else dict(zip(ex._selection.holders["owner"], ex._selection.holders["balance"], strict=True))
    )


def clicked(ex, trace, place):
    """Balances of the holders behind a point, by owner, after the message that a click in a page sends."""
    number = [known.name for known in ex.figure.data].index(trace)
    points = {"trace_indexes": [number], "point_indexes": [place], "xs": [0], "ys": [0]}
    click = {"event_type": "plotly_click", "points": points, "device_state": None, "selector": None}
    ex.figure.set_state({"_js2py_pointsCallback": click})
    return None if ex._selection is None else dict(ex._selection.holders[["owner", "balance"]].to_numpy())


CLICKS = {
    "histogram": {"holders": {OWNERS[0]: 1000}, "zeros": {OWNERS[117]: 0, OWNERS[118]: 0, OWNERS[119]: 0}},
    "ecdf": {"share": None, "quantiles": {owner: 1000 * place for place, owner in enumerate(OWNERS[:59], 1)}},
    "lorenz": {"equal": None, "share": None},
    "top_holders": {"holders": {OWNERS[116]: 117_000}, "share": {OWNERS[116]: 117_000}},
    "treemap": {"holders": {OWNERS[6]: 7000}},  # the marked one has a tile, others are too small for a label
    "heatmap": {"holders": {OWNERS[116]: 117_000}, "zeros": {OWNERS[116]: 117_000}},
}


@pytest.mark.parametrize("chart", CLICKS)
def test_a_click_on_any_trace_is_heard_and_so_is_a_second_on_the_same_point_which_clears(ex, chart):
    ex.chart, ex.owner = chart, OWNERS[6]
    traces = CLICKS[chart] | (
        {"marked": {OWNERS[6]: 7000}} if chart in ("histogram", "ecdf", "lorenz") else {}
    )
    assert traces.keys() == {trace.name for trace in ex.figure.data}
    place = [0, 0] if chart == "heatmap" else 0
    for trace, holders in traces.items():
        for expected in (holders, None, holders):
            assert clicked(ex, trace, place) == expected
    ex.theme = "dark"
    assert clicked(ex, trace, place) is None
    assert clicked(ex, trace, place) == holders


def balances_of(frame, mint, wanted):
    rows = frame[frame["mint"] == mint]
    return {row.owner: row.balance for row in rows.itertuples() if wanted(row.balance)}


def test_behind_each_bar_stand_as_many_holders_as_it_is_high(ex, frame):
    bar = trace_named(ex, "holders")
    for place, (low, high) in enumerate(bar.customdata):
        found = behind(ex, "holders", place)
        assert found == balances_of(frame, BIG, lambda balance: int(low) <= balance <= int(high))  # noqa: B023
        assert len(found) == bar.y[place]
    assert behind(ex, "zeros", 0) == balances_of(frame, BIG, lambda balance: balance == 0)


def test_behind_a_point_of_the_ecdf_stand_those_with_at_most_so_much(ex, frame):
    ex.chart = "ecdf"
    assert behind(ex, "share", 0) is None
    assert behind(ex, "share", 5) == balances_of(frame, BIG, lambda balance: 0 < balance <= 5000)
    assert behind(ex, "quantiles", 0) == balances_of(frame, BIG, lambda balance: 0 < balance <= 59_000)


def test_behind_a_point_of_the_lorenz_curve_stand_the_poorest(ex, frame):
    ex.chart = "lorenz"
    assert behind(ex, "share", 0) is None
    assert behind(ex, "equal", 1) is None
    assert behind(ex, "share", 3) == balances_of(frame, BIG, lambda balance: 0 < balance <= 3000)


def test_behind_a_bar_of_the_top_stands_its_holder_and_behind_the_line_all_up_to_there(ex, frame):
    ex.chart = "top_holders"
    assert behind(ex, "holders", 1) == {OWNERS[115]: 116_000}
    assert behind(ex, "share", 2) == balances_of(frame, BIG, lambda balance: balance >= 115_000)


def test_behind_a_tile_stands_its_holder_and_behind_the_rest_all_others(ex, frame):
    ex.chart, ex.top = "treemap", 10
    assert behind(ex, "holders", 0) == balances_of(frame, BIG, lambda balance: balance > 0)
    ex.mint = SMALL
    assert behind(ex, "holders", 0) == {OWNERS[0]: U64_MAX}
    assert behind(ex, "holders", 2) == {OWNERS[2]: 7}


def test_behind_a_cell_stands_its_owner_with_what_it_has_of_its_mint(ex):
    ex.chart, ex.mint, ex.owner = "heatmap", SMALL, OWNERS[119]
    assert behind(ex, "holders", [0, 0]) == {OWNERS[0]: U64_MAX}
    assert behind(ex, "holders", [2, 1]) == {OWNERS[2]: 3000}
    assert behind(ex, "zeros", [3, 1]) == {OWNERS[119]: 0}
    assert behind(ex, "holders", [3, 0]) is None


def test_behind_the_mark_stands_the_marked_owner(ex):
    ex.owner = OWNERS[6]
    for chart in ("histogram", "ecdf", "lorenz"):
        ex.chart = chart
        assert behind(ex, "marked", 0) == {OWNERS[6]: 7000}


def test_who_has_nothing_is_called_an_owner(ex):
    ex.owner = OWNERS[119]
    ex._on_click(Point("zeros", 0))
    assert note_of(ex) == f"3 owners of {BIG[:4]}…{BIG[-4:]} at zero"
    ex._on_click(Point("marked", 0))
    assert note_of(ex).startswith("1 owner of")


def note_of(ex):
    return re.sub("<[^>]*>", "", ex._note.value)


@pytest.mark.parametrize(
    ("balances", "decimals", "words"),
    [
        ((10**9, 10**9), None, "2 holders of {} with 1,000,000,000 base units"),
        ((10**9, 10**9), 6, "2 holders of {} with 1,000 tokens"),
        ((1,), None, "1 holder of {} with 1 base unit"),
        ((1, 2**63, U64_MAX), None, "1 holder of {} with 1 to 7,131 base units"),
    ],
)
def test_the_note_tells_one_amount_or_a_range_with_its_unit(balances, decimals, words):
    rows = [(OWNERS[place], BIG, balance, 1) for place, balance in enumerate(balances)]
    known = {} if decimals is None else {BIG: decimals}
    ex = explore(balances_frame(rows), bins=5, decimals=known, units="decimals")
    ex._on_click(Point("holders", 0))
    assert note_of(ex) == words.format(f"{BIG[:4]}…{BIG[-4:]}")
    ex.close()


def test_a_heatmap_has_at_most_thirty_owners(ex):
    ex.chart, ex.top = "heatmap", 100
    assert len(trace_named(ex, "holders").y) == 30
    assert ex.top == 100


def test_a_crowd_is_listed_by_pages(ex):
    ex.bins = 5
    bar = trace_named(ex, "holders")
    ex._on_click(Point("holders", place_of(bar, 117_000)))
    holders = len(ex.selection)
    assert holders > 50
    assert len(listed(ex)) == 20
    assert ex._table.view["pages"] == f"1\N{EN DASH}20 of {holders}"


def test_another_mint_forgets_the_click(ex):
    bar = trace_named(ex, "holders")
    ex._on_click(Point("holders", place_of(bar, 1000)))
    assert [row[0] for row in listed(ex)] == [OWNERS[0]]
    ex.mint = SMALL
    assert [row[0] for row in listed(ex)] == OWNERS[:3]
    assert ex.selection.empty


def test_csv_holds_every_digit_of_the_shown_mint(ex):
    ex.mint = SMALL
    lines = ex.download("csv").data.decode().splitlines()
    assert lines[0] == "owner,mint,balance,slot"
    assert lines[1:] == [
        f"{OWNERS[0]},{SMALL},{U64_MAX},506",
        f"{OWNERS[1]},{SMALL},{U64_MAX - 1},500",
        f"{OWNERS[2]},{SMALL},7,501",
    ]


def test_csv_has_exact_amounts_where_the_chart_has_decimals(ex):
    ex.mint, ex.units, ex.decimals = SMALL, "decimals", {SMALL: 9, BIG: 2}
    assert ex.download("csv").data.decode().splitlines()[1].endswith(",506,18446744073.709551615")


def test_csv_writes_amounts_as_plain_decimals(ex):
    ex.units, ex.decimals = "decimals", {BIG: 9}
    lines = ex.download("csv").data.decode().splitlines()
    assert lines[1].endswith(",1000,501,0.000001000")
    assert lines[-1].endswith(",0,501,0.000000000")


def test_zeros_are_saved_where_the_chart_has_no_switch_to_hide_them(ex):
    ex.hide_zeros = True
    ex.chart = "lorenz"
    assert len(pd.read_csv(io.BytesIO(ex.download("csv").data))) == 120


def test_a_clicked_mark_at_zero_is_saved_as_the_table_shows_it(ex):
    ex.owner, ex.hide_zeros = OWNERS[119], True
    ex._on_click(Point("marked", 0))
    assert [row[0] for row in listed(ex)] == [OWNERS[119]]
    assert pd.read_csv(io.BytesIO(ex.download("csv").data))["balance"].tolist() == [0]


def test_a_click_and_hidden_zeros_narrow_what_is_saved(ex):
    assert len(pd.read_csv(io.BytesIO(ex.download("csv").data))) == 120
    ex.hide_zeros = True
    assert len(pd.read_csv(io.BytesIO(ex.download("csv").data))) == 117
    bar = trace_named(ex, "holders")
    ex._on_click(Point("holders", place_of(bar, 1000)))
    assert pd.read_csv(io.BytesIO(ex.download("csv").data))["balance"].tolist() == [1000]


def test_parquet_keeps_the_dtypes_and_only_the_addresses_of_its_rows(ex, frame):
    ex.mint = SMALL
    rows = pd.read_parquet(io.BytesIO(ex.download("parquet").data))
    assert rows["balance"].dtype == np.uint64
    assert rows["balance"].tolist() == [U64_MAX, U64_MAX - 1, 7]
    assert list(rows["owner"].cat.categories) == OWNERS[:3]


def test_parquet_of_arrow_dictionaries_can_be_read_and_has_only_the_addresses_of_its_rows(frame):
    words = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    tag = pd.Series(["b", None, "a"] * 41, dtype=words)
    halves = [frame.iloc[:60], frame.iloc[60:]]
    arrow = pd.concat([half.astype({"owner": words, "mint": words}) for half in halves]).assign(tag=tag)
    ex = explore(arrow, mint=SMALL)
    data = ex.download("parquet").data
    rows = pd.read_parquet(io.BytesIO(data))
    assert rows["balance"].tolist() == [U64_MAX, U64_MAX - 1, 7]
    assert list(rows["owner"]) == list(rows["owner"].cat.categories) == OWNERS[:3]
    assert rows["tag"].astype(object).fillna("").tolist() == ["b", "", "a"]
    assert OWNERS[50].encode() not in data
    ex.close()


def test_each_mint_has_its_own_decimals_which_are_kept(ex):
    ex.units, ex.decimals = "decimals", {BIG: 3}
    assert "(tokens, " in ex.figure.layout.xaxis.title.text
    ex.mint = SMALL
    assert "(base units, " in ex.figure.layout.xaxis.title.text
    assert "ui_balance" not in ex.download("csv").data.decode()
    assert ex._controls.decimals.value == ""
    ex._controls.decimals.value = "9"
    assert ex.decimals == {BIG: 3, SMALL: 9}
    assert "(tokens, " in ex.figure.layout.xaxis.title.text
    ex.mint = BIG
    assert ex._controls.decimals.value == "3"
    assert ex.figure.layout.title.text.startswith("Half of the 117 holders")
    assert ex.figure.layout.title.text.endswith("have 59 tokens or less")
    assert ex.download("csv").data.decode().splitlines()[1].endswith(",1000,501,1.000")
    ex._controls.decimals.value = " "
    assert ex.decimals == {SMALL: 9}
    assert "(base units, " in ex.figure.layout.xaxis.title.text


def focused(sent):
    """Widgets that the page is told to focus."""
    return [widget for widget, message, _ in sent if message.get("content") == {"do": "focus"}]


def test_decimals_that_are_not_known_are_asked_for_and_no_amount_changes(ex, sent):
    before = shown(ex)
    ex._controls.units.value = "decimals"
    assert shown(ex) == before
    assert "decimals of Ab11…2UEj are not known" in note_of(ex).replace(BIG[-4:], "2UEj")
    assert ex._controls.decimals.layout.display != "none"
    assert focused(sent) == [ex._controls.decimals]
    sent.clear()
    ex.units, ex.decimals = "base", {BIG: 6}
    ex.units = "decimals"
    assert focused(sent) == []


@pytest.mark.parametrize("text", ["19", "-1", "6.5", "six", "1" * 400, "²"])
def test_a_text_that_is_no_number_of_decimals_is_refused(ex, text):
    ex.units, ex.decimals = "decimals", {BIG: 6}
    ex._controls.decimals.value = text
    assert ex.decimals == {BIG: 6}
    assert "whole number from 0 to 18" in note_of(ex)


@pytest.mark.parametrize("bad", [6, None, "6", [6]])
def test_one_number_of_decimals_for_all_mints_is_refused(ex, frame, bad):
    with pytest.raises(InputError, match="must be a mapping from mint to places"):
        ex.decimals = bad
    with pytest.raises(InputError, match="each mint has its own"):
        explore(frame, decimals=bad)
    assert ex.decimals == {}


@pytest.mark.parametrize("bad", [{BIG: 19}, {BIG: -1}, {BIG: "6"}, {5: 6}])
def test_decimals_out_of_range_are_refused(ex, bad):
    with pytest.raises(traitlets.TraitError):
        ex.decimals = bad


def test_a_heatmap_has_shares_and_each_mint_its_own_decimals(ex):
    ex.chart, ex.mint = "heatmap", SMALL
    plain = shown(ex)
    ex.units, ex.decimals = "decimals", {SMALL: 9}
    text = json.dumps(ex.figure.to_dict()["data"][0]["hovertext"])
    assert "18,446,744,073.709551615 tokens" in text
    assert "1,000 base units" in text
    assert shown(ex)["data"][0]["z"] == plain["data"][0]["z"]
    rows = pd.read_csv(io.BytesIO(ex.download("csv").data), dtype={"ui_balance": "str"})
    assert rows.loc[rows["mint"] == BIG, "ui_balance"].isna().all()
    assert rows.loc[rows["mint"] == SMALL, "ui_balance"].iloc[0] == "18446744073.709551615"
    assert ex.download("csv").name == f"helius-{len(rows)}-rows-of-everything.csv"
    ex._on_click(Point("holders", [0, list(trace_named(ex, "holders").x).index(BIG)]))
    assert ex._table.view["unit"] == "base units"
    ex._on_click(Point("holders", [0, list(trace_named(ex, "holders").x).index(SMALL)]))
    assert ex._table.view["unit"] == "tokens"


def test_a_heatmap_saves_all_rows(ex, frame):
    ex.chart = "heatmap"
    assert len(pd.read_parquet(io.BytesIO(ex.download("parquet").data))) == len(frame)


def test_the_saved_page_needs_no_network(ex):
    download = ex.download("html")
    page = download.data.decode()
    assert download.name == f"helius-{BIG[:8]}-histogram.html"
    assert "Plotly.react" in page
    assert not re.search(r"<script[^>]*\ssrc=|<link[^>]*\shref=", page)


def test_cells_that_a_spreadsheet_would_run_are_quoted():
    rows = balances_frame([("=1+1", "@mint", 5, 1), ("-2", "plain", 6, 1)]).assign(**{"+note": ["\tx", "ok"]})
    lines = save.csv_bytes(rows).decode().splitlines()
    assert lines == ["owner,mint,balance,slot,'+note", "'=1+1,'@mint,5,1,'\tx", "'-2,plain,6,1,ok"]


FORMULA_STARTS = set("=+-@\N{FULLWIDTH EQUALS SIGN}")


def cells_as_read(data, delimiter):
    """Cells for a spreadsheet that splits at a delimiter; quotes count at the beginning of a cell only."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter)
    return [cell for row in reader for cell in row]


HOSTILE = [
    "a\r=1+1",
    "a\n=1+1",
    "a;=1+1",
    "a|@x",
    "a\t-1",
    "a,+1",
    'a;"=1+1"',
    '";=1',
    "a; =1",
    "'=1;=2",
    "\N{FULLWIDTH EQUALS SIGN}1",
    ";=;=;=",
    "a\r\n;\r=1",
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_begins_a_formula_wherever_a_spreadsheet_splits(text, delimiter):
    rows = balances_frame([("a", text, 5, 1), (text, "b", 6, 1)]).assign(**{text: text})
    for cell in cells_as_read(save.csv_bytes(rows), delimiter):
        for line in cell.splitlines() or [""]:
            assert not set(line.lstrip("\"' ")[:1]) & FORMULA_STARTS or line.lstrip('" ').startswith("'"), (
                cell
            )


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "a\nb", "\r", 'say "a"', "a,b"])
def test_a_cell_with_an_end_of_line_is_one_cell_of_one_row(text):
    data = save.csv_bytes(balances_frame([(text, "m", 5, 1)]))
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert rows == [
        ["owner", "mint", "balance", "slot"],
        [text.replace("\r", "'\r") if text == "\r" else text, "m", "5", "1"],
    ]
    assert data.count(b"\r\n") >= 2


def test_columns_of_one_name_are_all_saved(frame):
    twice = pd.concat(
        [frame.assign(note="a"), pd.Series("=b", index=frame.index, name="note")], axis="columns"
    )
    ex = explore(twice, mint=SMALL)
    assert ex.download("csv").data.decode().splitlines()[1].endswith(",506,a,'=b")
    ex.close()


ODD_FRAMES = {
    "big-endian": lambda frame: frame.astype({"balance": ">u8", "slot": ">i8"}).assign(
        x=np.array([1.5] * 123, ">f8")
    ),
    "one index label": lambda frame: frame.set_axis([0] * len(frame)),
    "two levels of index": lambda frame: frame.set_index([["x"] * 123, list(range(123))]),
    "columns as categories": lambda frame: frame.set_axis(pd.CategoricalIndex(frame.columns), axis=1),
    "objects": lambda frame: frame.astype({"owner": object, "mint": object}).assign(x=[[]] * 123),
    "a column without a name": lambda frame: frame.assign(x=1).rename(columns={"x": None}),
}


@pytest.mark.parametrize("made", ODD_FRAMES.values(), ids=ODD_FRAMES.keys())
def test_odd_frames_are_explored_and_saved_too(frame, made):
    ex = explore(made(frame))
    for chart in ex.traits()["chart"].values:
        ex.chart = chart
    assert len(ex.download("csv").data.splitlines()) == len(frame) + 1
    assert ex._repr_mimebundle_()["text/html"]
    ex.close()


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("slot", np.full(123, 2**63, dtype=np.uint64), "a slot is below 2"),
        ("slot", ["1"] * 123, "not an integer dtype"),
        ("balance", ["1"] * 123, "not an integer dtype"),
        ("owner", range(123), "must hold addresses"),
        ("mint", [None] * 123, "no value in row 0"),
    ],
)
def test_a_frame_that_cannot_be_explored_says_why(frame, column, values, words):
    odd = frame.assign(**{column: values})
    with pytest.raises(InputError, match=words):
        explore(odd)
    with pytest.raises(InputError, match="more than once"):
        explore(pd.concat([frame, frame]))
    assert words in repr(odd.helius)


def test_too_many_rows_are_refused_before_anything_is_made(monkeypatch, frame):
    monkeypatch.setattr(save, "MAX_ROWS", 100)
    with pytest.raises(ValueError, match="123 rows are too many for a download"):
        save.csv_bytes(frame)
    with pytest.raises(ValueError, match="at most 100"):
        save.parquet_bytes(frame)


def test_a_file_name_takes_nothing_that_is_no_address():
    assert save.file_name("../../etc/passwd", "ecdf", "csv") == "helius-ecdf.csv"
    assert save.file_name("", "ecdf", "csv") == "helius-ecdf.csv"


def test_the_page_that_asked_gets_the_file_and_a_fault_is_told(ex, sent):
    ex._save._answer(ex._save, {"format": "csv", "ticket": "1-2"}, [])
    ex._save._answer(ex._save, {"format": "exe", "ticket": "3-4"}, [])
    (_, saved, size), (_, refused, _) = sent
    name = f"helius-{BIG[:8]}-120-rows.csv"
    assert saved["content"] == {"ticket": "1-2", "format": "csv", "name": name}
    assert size > len(ex.download("csv").data)
    assert refused["content"]["ticket"] == "3-4"
    assert refused["content"]["error"].startswith("not saved: format 'exe' is not one of html")


def test_a_client_that_comes_later_gets_the_chart_of_now(ex):
    ex.chart, ex.mint = "lorenz", SMALL
    state = ex.figure.get_state()
    assert [trace["type"] for trace in state["_widget_data"]] == [trace.type for trace in ex.figure.data]
    assert state["_widget_layout"]["title"]["text"] == ex.figure.layout.title.text


def test_a_run_without_a_page_is_sent_the_whole_state_of_the_chart(ex, sent):
    ex.chart = "lorenz"
    states = [message["state"] for widget, message, _ in sent if widget is ex.figure]
    assert states[-1].keys() == {"_widget_data", "_widget_layout"}
    assert states[-1]["_widget_layout"]["title"]["text"] == ex.figure.layout.title.text


@pytest.mark.parametrize(
    "change",
    [
        {"mint": SMALL},
        {"bins": 200},
        {"scale": "linear"},
        {"chart": "ecdf"},
        {"chart": "heatmap"},
        {"top": 100},
    ],
)
def test_a_change_sends_less_than_fifty_kilobytes(ex, sent, change):
    ex.figure._view_count = 1
    sent.clear()
    for trait, value in change.items():
        setattr(ex, trait, value)
    assert 0 < sum(size for _, _, size in sent) < 50_000


def test_a_change_of_the_same_kind_of_chart_is_one_message_to_the_figure(ex, sent):
    ex.figure._view_count = 1
    sent.clear()
    ex.bins = 20
    updates = [
        message
        for widget, message, _ in sent
        if widget is ex.figure and message["state"].get("_py2js_update")
    ]
    others = [
        size for widget, message, size in sent if widget is ex.figure and not any(message["state"].values())
    ]
    assert len(updates) == 1
    assert sum(others) < 1000


def test_the_page_tells_whether_it_is_dark_and_a_word_of_the_user_wins(ex):
    light = shown(ex)
    ex._keys.page_theme = "dark"
    dark = shown(ex)
    assert dark != light
    ex.theme = "light"
    assert shown(ex) == light
    ex._keys.page_theme = "light"
    ex.theme = "dark"
    assert shown(ex) == dark


def test_the_output_has_a_view_a_figure_a_page_and_a_line(ex):
    bundle = ex._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == ex.model_id
    assert bundle["application/vnd.plotly.v1+json"]["layout"]["title"]["text"] == ex.figure.layout.title.text
    assert bundle["text/plain"] == f"Explorer(mint={BIG!r}, chart='histogram', owner=None)"
    page = bundle["text/html"]
    for text in ("<svg", "117 holders", f"<td>{OWNERS[116]}</td><td>117,000</td>", BIG, SMALL):
        assert text in page
    assert str(2 * U64_MAX + 6) in page


def test_hostile_text_is_escaped_wherever_it_stands():
    bad = "<img src=x onerror=alert(1)>"
    frame = balances_frame([(bad, bad, 5, 1), (bad + "2", bad, 6, 1)])
    for chart in ("histogram", "top_holders", "treemap", "heatmap"):
        ex = explore(frame, chart=chart, owner=bad)
        ex._on_click(Point("holders", [0, 0] if chart == "heatmap" else 0))
        page = ex._repr_mimebundle_()["text/html"]
        for text in (
            ex._header.value,
            ex._note.value,
            page,
            ex.download("html").data.decode(),
        ):
            assert "<img src=x" not in text
        ex.close()


def test_an_empty_frame_shows_a_calm_sentence(frame):
    ex = explore(frame.iloc[:0])
    for chart in ex.traits()["chart"].values:
        ex.chart = chart
        assert isinstance(ex.figure, go.FigureWidget)
    assert ex.mint == ""
    assert re.sub("<[^>]*>", "", ex._header.value) == "no rows"
    assert ex.download("csv").data == b"owner,mint,balance,slot\r\n"
    assert ex._repr_mimebundle_()["text/html"]
    ex.close()


@pytest.mark.parametrize("dtypes", [{"owner": str, "mint": str}, {"balance": "UInt64", "slot": "Int64"}])
def test_frames_of_other_dtypes_are_explored_too(frame, dtypes):
    ex = explore(frame.astype(dtypes))
    ex.mint = SMALL
    assert f",{U64_MAX},506" in ex.download("csv").data.decode()
    assert len(pd.read_parquet(io.BytesIO(ex.download("parquet").data))) == 3
    ex.close()


def test_closing_closes_every_widget(frame):
    before = set(ipywidgets.widgets.widget._instances)
    explore(frame).close()
    left = {
        type(ipywidgets.widgets.widget._instances[key])
        for key in set(ipywidgets.widgets.widget._instances) - before
    }
    assert not {kind for kind in left if issubclass(kind, ipywidgets.DOMWidget)}


def test_a_name_that_is_no_attribute_is_refused(frame):
    with pytest.raises(TypeError, match="has no 'colour'; begin with any of mint, chart"):
        explore(frame, colour="red")


def test_a_frame_that_lacks_a_column_is_refused_by_name(frame):
    with pytest.raises(AttributeError, match="slot"):
        Explorer(frame.drop(columns="slot"))


# What is selected


def press(ex, *keys):
    """Do what the page does for keys that were pressed on the chart."""
    for key in keys:
        ex._keys._handle_custom_msg({"key": key}, [])


def outlines(ex):
    """Places of the outlines over the chart, as the page gets them; the chart's own shapes have names."""
    shapes = ex.figure.to_dict()["layout"].get("shapes", ())
    return [
        tuple(shape[side] for side in ("x0", "x1", "y0", "y1")) for shape in shapes if not shape.get("name")
    ]


def test_the_clicked_bar_is_outlined_until_the_selection_is_cleared(ex):
    bar = trace_named(ex, "holders")
    place = place_of(bar, 50_000)
    left, width, height = bar.x[place], bar.width[place], bar.y[place]
    for clear in (lambda: press(ex, "Escape"), ex._clear.click, lambda: clicked(ex, "holders", place)):
        assert outlines(ex) == []
        clicked(ex, "holders", place)
        assert outlines(ex) == [(left, left + width, 0, height)]
        assert ex._clear.layout.visibility == "visible"
        clear()
        assert ex.selection.empty
        assert ex._clear.layout.visibility == "hidden"
    assert note_of(ex).startswith("All 117 holders")


def test_the_outline_stays_with_its_bar_in_the_other_theme_and_goes_with_the_bars(ex):
    clicked(ex, "holders", 3)
    before = outlines(ex)
    ex.theme = "dark"
    assert outlines(ex) == before
    ex.bins = 12
    assert outlines(ex) == []


@pytest.mark.parametrize("chart", ["ecdf", "lorenz", "top_holders", "heatmap"])
def test_what_is_selected_is_outlined_in_every_chart(ex, chart):
    ex.chart = chart
    press(ex, "ArrowRight", "ArrowRight", "Enter")
    assert len(outlines(ex)) == 1
    assert len(ex.selection)


def test_a_selected_tile_has_a_thicker_line(ex):
    ex.chart = "treemap"
    before = ex.figure.data[0].marker.line.width
    clicked(ex, "holders", 0)
    [tiles] = ex.figure.data
    assert tiles.marker.line.width[0] > (max(before) if isinstance(before, tuple) else before)


def test_a_box_lists_who_is_in_it(ex, frame):
    bars = trace_named(ex, "holders")
    names = [trace.name for trace in ex.figure.data]
    first, last = place_of(bars, 10_000), place_of(bars, 60_000)
    places = range(first, last + 1)
    points = {
        "trace_indexes": [names.index("holders")] * len(places) + [names.index("zeros")],
        "point_indexes": [*places, 0],
        "xs": [0] * (len(places) + 1),
        "ys": [0] * (len(places) + 1),
    }
    box = {"event_type": "plotly_selected", "points": points, "device_state": None, "selector": None}
    ex.figure.set_state({"_js2py_pointsCallback": box})
    low, high = int(bars.customdata[first][0]), int(bars.customdata[last][1])
    expected = balances_of(frame, BIG, lambda balance: low <= balance <= high or balance == 0)
    assert dict(ex.selection[["owner", "balance"]].to_numpy()) == expected
    assert ex.selection["balance"].is_monotonic_decreasing
    assert len(outlines(ex)) == len(places) + 1
    assert f"behind {len(places) + 1} points" in note_of(ex)
    press(ex, "Escape")
    assert outlines(ex) == []


def test_where_a_box_cannot_select_its_tools_are_taken_away(ex):
    for chart in ex.traits()["chart"].values:
        ex.chart = chart
        gone = ex.figure.layout.modebar.remove or ()
        assert ("select2d" in gone) is (chart not in ("histogram", "top_holders")), chart


# The keys


@pytest.mark.parametrize("chart", ["histogram", "ecdf", "lorenz", "top_holders", "treemap", "heatmap"])
def test_the_arrows_reach_every_point_and_enter_lists_who_is_behind_it(ex, chart):
    ex.chart = chart
    press(ex, "Home")
    seen = [ex._keys.view["text"]]
    key = "ArrowRight"
    while len(seen) <= ex._keys.view["count"]:
        press(ex, key)
        if ex._keys.view["text"] == seen[-1]:
            break
        seen.append(ex._keys.view["text"])
        assert ex.selection.empty
    assert len(seen) == ex._keys.view["count"] or chart == "heatmap"
    assert all(seen)
    assert not any("<" in text or "%{" in text for text in seen)
    press(ex, "Enter")
    assert len(ex.selection)
    press(ex, "Enter", "Home")
    assert ex._keys.view["number"] == 1


def test_the_keys_go_on_from_the_selected_bar_and_end_at_the_last(ex):
    clicked(ex, "holders", place_of(trace_named(ex, "holders"), 1000))
    number = ex._keys.view["number"]
    press(ex, "ArrowRight")
    assert ex._keys.view["number"] == number + 1
    press(ex, "End", "ArrowRight", "PageDown")
    assert ex._keys.view["number"] == ex._keys.view["count"]
    press(ex, "PageUp")
    assert ex._keys.view["number"] == ex._keys.view["count"] - 10


def test_in_a_heatmap_the_arrows_move_in_both_directions(ex):
    ex.chart, ex.mint = "heatmap", SMALL
    columns = len(trace_named(ex, "holders").x)
    assert columns > 1
    press(ex, "Home", "ArrowDown", "ArrowRight")
    assert ex._keys.view["number"] == columns + 2
    press(ex, "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowUp")
    assert ex._keys.view["number"] == 1


def test_keys_on_a_chart_of_nothing_do_nothing(frame):
    ex = explore(frame.iloc[:0])
    press(ex, "ArrowRight", "Enter", "Escape", "nonsense")
    assert ex._keys.view["count"] == 0
    ex.close()


def test_a_step_of_the_keys_is_a_short_message(ex, sent):
    ex.figure._view_count = 1
    press(ex, "ArrowRight")
    sent.clear()
    press(ex, "ArrowRight")
    assert 0 < sum(size for _, _, size in sent) < 50_000


# The table


def act(ex, **message):
    """Do what the page does for a click in the table."""
    ex._table._handle_custom_msg(message, [])


def test_all_holders_are_listed_from_the_start_twenty_a_page(ex):
    assert ex._table.view["pages"] == "1\N{EN DASH}20 of 117"
    seen = []
    while True:
        seen += [row[0] for row in listed(ex)]
        if not ex._table.view["has_after"]:
            break
        act(ex, step=1)
    assert seen == OWNERS[116::-1]
    act(ex, step=1)
    assert ex._table.view["pages"] == "101\N{EN DASH}117 of 117"
    act(ex, step=-1)
    assert ex._table.view["pages"] == "81\N{EN DASH}100 of 117"


@pytest.mark.parametrize("is_selected", [False, True])
@pytest.mark.parametrize(("sort", "column"), [("owner", "owner"), ("amount", "balance"), ("slot", "slot")])
def test_a_click_on_a_heading_sorts_and_a_second_turns_it_around(ex, frame, sort, column, is_selected):
    ex.bins = 5
    if is_selected:
        ex._on_click(Point("holders", place_of(trace_named(ex, "holders"), 117_000)))
    holders = ex.selection if is_selected else analysis.top_holders(frame, BIG, 1000)
    if sort != "amount":
        act(ex, sort=sort)
    texts = {"owner": str, "balance": "{:,}".format, "slot": "{:,}".format}[column]
    for _ in range(2):
        is_up = not ex._table.view["descending"]
        expected = [texts(value) for value in holders[column].sort_values(ascending=is_up)][:20]
        assert [row[{"owner": 0, "balance": 1, "slot": 3}[column]] for row in listed(ex)] == expected
        act(ex, sort=sort)
    assert ex._table.view["sort"] == sort


def test_a_click_on_a_row_marks_its_owner_and_a_second_takes_the_mark_away(ex):
    act(ex, step=1)
    act(ex, mark=3)
    assert ex.owner == OWNERS[116 - 23]
    assert (ex._table.view["marked"], ex._table.view["pages"]) == (3, "21\N{EN DASH}40 of 117")
    act(ex, mark=3)
    assert (ex.owner, ex._table.view["marked"]) == (None, None)
    act(ex, mark=99)
    assert ex.owner is None


def test_the_table_turns_to_the_marked_owner(ex):
    ex.owner = OWNERS[9]
    view = ex._table.view
    assert view["rows"][view["marked"]][0] == OWNERS[9]
    ex._on_click(Point("zeros", 0))
    assert ex._table.view["marked"] is None
    ex.owner = OWNERS[118]
    assert listed(ex)[ex._table.view["marked"]][0] == OWNERS[118]


def test_a_message_that_is_none_of_ours_changes_nothing(ex):
    before = ex._table.view
    for message in ({"sort": "nonsense"}, {"step": 7}, {"mark": "x"}, {}):
        act(ex, **message)
    assert ex._table.view == before


# Names and units from the frame


@pytest.fixture
def named(frame):
    known = {BIG: ("BONK", "Bonk the dog", 3), SMALL: (None, None, None)}
    symbol, name, places = (frame["mint"].map(lambda mint, n=n: known[mint][n]) for n in range(3))
    ex = explore(frame.assign(symbol=symbol, name=name, decimals=places.astype("Int64")))
    yield ex
    ex.close()


def test_symbols_and_decimals_of_the_frame_are_used_from_the_start(named):
    assert (named.units, named.decimals) == ("decimals", {BIG: 3})
    assert named._controls.mint.options[0][0] == f"BONK · {BIG[:4]}…{BIG[-4:]} · 117 holders"
    assert named._header.value.startswith(f'<div class="helius-head"><b title="{BIG}">BONK</b> · ')
    assert named._table.view["unit"] == "BONK"
    assert listed(named)[0][1] == "117"
    named._controls.units.value = "base"
    assert (named._table.view["unit"], listed(named)[0][1]) == ("base units", "117,000")


@pytest.mark.parametrize("text", ["bonk", "BON", "the dog", BIG[4:40], f"{BIG[:4]}…{BIG[-4:]}", BIG])
def test_a_mint_is_found_by_symbol_name_or_address(named, text):
    named.mint = SMALL
    named._controls.find.value = text
    assert named.mint == BIG
    assert "1 of 2 match" in named._count.value


@pytest.mark.parametrize("decimals", [["x"] * 123, [6.5] * 123, [40] * 123, [-1] * 123])
def test_columns_of_another_kind_are_somebody_elses(frame, decimals):
    ex = explore(frame.assign(symbol=5, name=1.5, decimals=decimals))
    assert (ex.units, ex.decimals) == ("base", {})
    assert ex._controls.mint.options[0][0].startswith(BIG[:4])
    ex.close()


def test_a_search_says_how_many_match_and_the_list_how_many_it_has():
    mints = [address(10**20 + number) for number in range(1000)]
    ex = explore(balances_frame([(OWNERS[0], mint, 5, 1) for mint in mints]))
    assert "200 of 1,000 listed" in ex._count.value
    ex._controls.find.value = mints[77][-3:]
    found = len(ex._matches)
    assert f"{found} of 1,000 match" in ex._count.value
    ex._controls.find.value = "nothing like it"
    assert "0 of 1,000 match" in ex._count.value
    ex.close()


def test_the_slider_has_the_limit_of_the_chart(ex):
    ex.top = 100
    for chart, most in (("heatmap", 30), ("treemap", 100), ("heatmap", 30), ("top_holders", 100)):
        ex.chart = chart
        assert (ex._controls.top.max, ex._controls.top.value, ex.top) == (most, most, 100)


# Saving and code


def offered(ex):
    return {item["label"]: item for item in ex._save.items}


def test_the_menu_says_what_and_how_many_rows_and_the_file_names_say_it_too(ex, frame):
    ex._on_click(Point("zeros", 0))
    expected = {
        "This chart: Histogram (HTML)": (f"helius-{BIG[:8]}-histogram.html", None),
        "These 3 selected holders (CSV)": (f"helius-{BIG[:8]}-3-selected-rows.csv", 3),
        "All 120 rows of {} (CSV)": (f"helius-{BIG[:8]}-120-rows.csv", 120),
        "Everything pulled: 123 rows (CSV)": ("helius-123-rows-of-everything.csv", 123),
        "Summary by mint: 2 mints (CSV)": ("helius-by-mint-2-mints.csv", 2),
    }
    items = offered(ex)
    assert len(items) == 9
    for label, (name, rows) in expected.items():
        item = items[label.format(f"{BIG[:4]}…{BIG[-4:]}")]
        saved = ex._saved(item["format"], item["what"])
        assert saved.name == name
        assert rows is None or len(saved.data.splitlines()) == rows + 1
    for label, item in items.items():
        if "Parquet" in label:
            saved = ex._saved("parquet", item["what"])
            count = re.search(r"\d+", label)[0]
            assert f"-{count}-" in saved.name
            assert len(pd.read_parquet(io.BytesIO(saved.data))) == int(count)


def test_the_menu_follows_the_selection_the_mint_and_hidden_zeros(ex):
    ex.hide_zeros = True
    assert any(label.startswith("All 117 rows of") for label in offered(ex))
    ex.mint = SMALL
    assert any(label.startswith("All 3 rows of") for label in offered(ex))
    assert not any("selected" in label for label in offered(ex))


def test_a_page_can_ask_only_for_what_is_on_the_menu(ex):
    with pytest.raises(ValueError, match="is not on the menu"):
        ex._saved("csv", "selection")
    with pytest.raises(ValueError, match="cannot be saved as csv"):
        ex.download("csv", "chart")
    with pytest.raises(ValueError, match="cannot be saved as html"):
        ex.download("html", "all")


VIEWS = [
    {},
    {"bins": 12, "scale": "linear", "hide_zeros": True, "owner": OWNERS[5], "theme": "dark"},
    {"chart": "ecdf", "units": "decimals", "decimals": {BIG: 3, SMALL: 9}},
    {"chart": "lorenz", "mint": SMALL},
    {"chart": "top_holders", "top": 7, "owner": OWNERS[2]},
    {"chart": "treemap", "top": 30},
    {"chart": "heatmap", "units": "decimals", "decimals": {BIG: 3}, "top": 100},
]


@pytest.mark.parametrize("view", VIEWS)
def test_the_copied_line_draws_the_same_figure(ex, frame, view):
    change_together(ex, view)
    ex._on_click(Point("holders", 0))
    assert ex._save.python == ex.as_python()
    drawn = eval(ex.as_python(), {"df": frame})  # noqa: S307 - our own line
    ex._select([])
    mine = shown(ex)
    mine["layout"].pop("modebar", None)
    assert mine == json.loads(drawn.to_json())


def test_the_state_shows_the_same_again(ex, frame):
    change_together(ex, VIEWS[1])
    again = explore(frame, **ex.state)
    assert again.state == ex.state
    assert shown(again) == shown(ex)
    again.close()


# Where no widget runs


@pytest.mark.parametrize("chart", ["histogram", "ecdf", "lorenz", "top_holders", "treemap", "heatmap"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_without_widgets_is_small_runs_nothing_and_is_well_formed(ex, chart, theme):
    ex.chart, ex.theme, ex.owner = chart, theme, OWNERS[20]
    bundle = ex._repr_mimebundle_()
    page = bundle["text/html"]
    assert len(json.dumps(bundle)) < 300_000
    assert "<script" not in page
    assert "NaN" not in page
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    ET.fromstring(svg)  # noqa: S314 - our own
    assert svg.count("<text") > 3
