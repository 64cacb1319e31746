"""What each chart draws, against plain Python; then each figure, rendered once."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames import charts
from helius_frames.analysis import MintIndex
from helius_frames.charts._style import PALETTES
from helius_frames.charts._text import about_percent, brief
from helius_frames.errors import InputError
from tests.support.frames import balances_frame

U64_MAX = 2**64 - 1
MINT = "7or71e3BNvak33jyHWebyv6jdHX6Y9AgsRiXQzqjpcva"
PLOTS = {
    "histogram": charts.plot_histogram,
    "ecdf": charts.plot_ecdf,
    "lorenz": charts.plot_lorenz,
    "top holders": charts.plot_top_holders,
    "treemap": charts.plot_treemap,
    "heatmap": charts.plot_heatmap,
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS.keys())
few = settings(max_examples=40)
balances = st.lists(
    st.one_of(st.just(0), st.integers(1, 9), st.integers(0, U64_MAX)), min_size=1, max_size=30
)


def frame_of(values, mint=MINT, slot=100):
    """One mint, held by as many owners as there are values."""
    return balances_frame((f"owner{place}", mint, value, slot + place) for place, value in enumerate(values))


def held(values):
    return sorted(filter(None, values))


def nearly(values):
    return pytest.approx(values, rel=1e-12, abs=1e-12)


def trace(figure, name):
    return next(found for found in figure.data if found.name == name)


def title_of(figure):
    return figure.layout.title.text.replace("<br>", " ")


def subtitle_of(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def message_of(figure):
    return next(each.text for each in figure.layout.annotations if each.name == "message").replace(
        "<br>", " "
    )


def texts(figure):
    return json.dumps(figure.to_plotly_json(), default=str, ensure_ascii=False)


# the numbers


@given(balances, st.sampled_from(["log", "linear"]), st.integers(1, 60))
@few
def test_histogram_bars_hold_every_holder_once(values, scale, bins):
    numbers = charts.histogram_numbers(frame_of(values), MINT, scale=scale, bins=bins)
    inside = [
        [value for value in held(values) if low <= value <= high]
        for low, high in zip(numbers.low, numbers.high, strict=True)
    ]
    assert numbers.holders.tolist() == [len(group) for group in inside]
    assert numbers.totals == [sum(group) for group in inside]
    assert sum(map(len, inside)) == len(held(values))
    assert numbers.zeros == values.count(0)
    assert numbers.left.tolist() == [float(low) for low in numbers.low]
    assert numbers.context.total == sum(values)


def test_histogram_bars_touch_and_zeros_stand_apart():
    numbers = charts.histogram_numbers(frame_of([0, 0, 1, 40, 500, 500]), MINT, bins=7)
    assert (numbers.left + numbers.width)[:-1].tolist() == nearly(numbers.left[1:].tolist())
    assert numbers.zeros == 2
    assert 0 < numbers.zero_left < numbers.zero_left + numbers.zero_width < numbers.left[0]


def test_zeros_that_are_hidden_are_still_counted_in_the_subtitle():
    figure = charts.plot_histogram(frame_of([0, 0, 1]), MINT, hide_zeros=True)
    assert [found.name for found in figure.data] == ["holders"]
    assert "2 more at zero" in figure.layout.title.subtitle.text


def test_the_axis_is_in_the_unit_and_hover_has_every_digit():
    figure = charts.plot_histogram(frame_of([U64_MAX]), MINT, decimals=6)
    assert trace(figure, "holders").x[0] == nearly(U64_MAX / 10**6)
    assert "18,446,744,073,709.551615" in trace(figure, "holders").hovertext[0]
    assert figure.layout.xaxis.title.text == "balance (tokens, log scale)"


@given(balances, st.sampled_from(["log", "linear"]))
@few
def test_ecdf_points_are_on_the_curve(values, scale):
    numbers = charts.ecdf_numbers(frame_of(values), MINT, scale=scale)
    mine = held(values)
    assert numbers.balances == sorted(set(mine))
    assert numbers.counts.tolist() == [sum(value <= at for value in mine) for at in numbers.balances]
    for part, quantile in ((Fraction(1, 2), numbers.median), (Fraction(9, 10), numbers.p90)):
        reached = [at for at in mine if Fraction(sum(value <= at for value in mine), len(mine)) >= part]
        assert quantile == (reached[0] if reached else 0)


@given(balances)
@few
def test_lorenz_points_are_on_the_curve(values):
    numbers = charts.lorenz_numbers(frame_of(values), MINT)
    mine = held(values)
    assert numbers.sums == [sum(mine[:count]) for count in numbers.counts]
    assert numbers.balance_share.tolist() == nearly([total / max(sum(mine), 1) for total in numbers.sums])
    assert numbers.holder_share.tolist() == nearly([count / max(len(mine), 1) for count in numbers.counts])


def test_many_holders_are_thinned_to_points_exactly_on_the_curves():
    values = np.sort((np.random.default_rng(1).pareto(1.1, 20_000) * 1e6).astype(np.uint64) + np.uint64(1))
    index = MintIndex.of(frame_of(values))
    ecdf, lorenz = charts.ecdf_numbers(index, MINT), charts.lorenz_numbers(index, MINT)
    assert 300 < len(ecdf.x) < 1_000
    assert 300 < len(lorenz.counts) < 1_000
    assert ecdf.counts.tolist() == np.searchsorted(values, ecdf.balances, side="right").tolist()
    sums = np.append(0, np.cumsum(values.astype(object)))
    assert lorenz.sums == sums[lorenz.counts].tolist()
    assert np.diff(ecdf.share).max() < 0.01
    assert (ecdf.balances[0], ecdf.balances[-1]) == (values[0], values[-1])


BEYOND_FLOATS = {
    "equal": [999_999_999_999_999_999] * 700,
    "equal, of 17 digits": [12_345_678_901_234_567] * 700,
    "almost equal": [2**60 - 700 + place for place in range(700)],
    "u64 max": [U64_MAX] * 700,
    "from 1 to u64 max": [1] * 350 + [U64_MAX] * 350,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", BEYOND_FLOATS.values(), ids=BEYOND_FLOATS.keys())
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_many_balances_that_floats_round_up_are_exactly_on_the_curve(values, scale):
    numbers = charts.ecdf_numbers(frame_of(values), MINT, scale=scale)
    assert set(numbers.balances) <= set(values)
    assert (numbers.balances[0], numbers.balances[-1]) == (values[0], values[-1])
    assert (
        numbers.counts.tolist()
        == np.searchsorted(
            np.array(values, np.uint64), np.array(numbers.balances, np.uint64), "right"
        ).tolist()
    )
    assert numbers.share[-1] == 1


ALMOST_EQUAL = [
    [10**18, 10**18 + 3],
    [10**18, 10**18 + 10**5],
    [10**12, 10**12 + 1_000],
    [U64_MAX - 9, U64_MAX],
]


@pytest.mark.parametrize("values", ALMOST_EQUAL)
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_balances_that_an_axis_does_not_tell_apart_share_one_bar_that_is_seen(values, scale):
    numbers = charts.histogram_numbers(frame_of(values), MINT, scale=scale)
    assert (numbers.low, numbers.high, numbers.holders.tolist()) == ([values[0]], [values[1]], [2])
    assert numbers.width[0] > 0.2 * numbers.left[0]
    assert numbers.axis[0] < numbers.left[0] < numbers.left[0] + numbers.width[0] < numbers.axis[1]


@pytest.mark.parametrize("values", ALMOST_EQUAL)
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_a_curve_of_almost_equal_balances_has_room_on_both_sides(values, scale):
    low, high = charts.plot_ecdf(frame_of(values), MINT, scale=scale).layout.xaxis.range
    low, high = (10**low, 10**high) if scale == "log" else (low, high)
    assert low < 0.2 * values[0]
    assert high > 1.9 * values[1]


@given(balances, st.integers(1, 9))
@few
def test_top_holders_bars_are_the_largest(values, n):
    numbers = charts.top_holders_numbers(frame_of(values), MINT, n=n)
    assert numbers.balances == held(values)[::-1][:n]
    assert numbers.ranks == list(range(1, len(numbers.balances) + 1))


@given(balances, st.integers(1, 9))
@few
def test_treemap_tiles_and_the_rest_are_the_whole(values, n):
    numbers = charts.treemap_numbers(frame_of(values), MINT, n=n)
    mine = held(values)[::-1]
    assert numbers.balances == [value for value in mine[:n] if 33 * value >= sum(mine)]
    assert numbers.others == len(mine) - len(numbers.balances)
    assert sum(numbers.balances) + numbers.others_balance == sum(values)


def test_a_treemap_has_tiles_that_can_be_labelled_and_one_for_all_others():
    frame = frame_of([10**6, 10**6, *range(1, 301)])
    for mark in (None, "owner7"):
        numbers = charts.treemap_numbers(frame, MINT, n=500, mark=mark)
        assert len(numbers.owners) == 2 + bool(mark)
        assert numbers.others == 300 - bool(mark)
    assert trace(charts.plot_treemap(frame, MINT), "holders").labels[-1] == "300 others"


def test_a_treemap_of_many_equal_holders_says_so_in_its_one_tile():
    tile = trace(charts.plot_treemap(frame_of([5] * 480), MINT), "holders")
    assert (tile.labels, tile.text) == (("480 holders",), ("none with more than 0.21%",))


def grid():
    return pd.DataFrame(
        {
            "owner": ["a", "a", "b", "b", "c", "d"],
            "mint": ["m", "n", "m", "o", "n", "o"],
            "balance": np.array([9, 1, 5, 0, 4, 2], dtype=np.uint64),
            "slot": [1, 1, 1, 2, 2, 3],
        }
    )


def test_the_heatmap_tells_zeros_and_absences_apart():
    numbers = charts.heatmap_numbers(grid(), "m", mark="d")
    assert numbers.owners == ["a", "b", "d"]
    assert numbers.mints == ["m", "n", "o"]
    assert numbers.balances == [[9, 1, None], [5, None, 0], [None, None, 2]]
    assert numbers.shares[0].tolist()[:2] == nearly([9 / 14, 1 / 5])
    assert math.isnan(numbers.shares[0][2])
    assert [found.name for found in charts.plot_heatmap(grid(), "m").data] == ["holders", "zeros"]
    assert [found.name for found in charts.plot_heatmap(grid(), "m", hide_zeros=True).data] == ["holders"]


def test_the_heatmap_without_a_mint_begins_with_who_holds_most_mints():
    numbers = charts.heatmap_numbers(grid(), n=2, mark="d")
    assert numbers.owners == ["a", "d"]
    assert numbers.marked == 1
    assert charts.heatmap_numbers(grid(), n=9).owners == ["a", "b", "c", "d"]


def owners_and_mints(rows):
    owners, mints, held_here = zip(*rows, strict=True)
    return pd.DataFrame(
        {"owner": owners, "mint": mints, "balance": np.array(held_here, dtype=np.uint64), "slot": 100}
    )


def spent_out():
    """Thirty owners who had forty mints, all spent, and have one of their own."""
    owners = [f"owner{place:02}" for place in range(30)]
    spent = [(owner, f"spent{place:02}", 0) for owner in owners for place in range(40)]
    return owners_and_mints(spent + [(owner, f"own {owner}", 5) for owner in owners])


def test_the_heatmap_shows_mints_that_are_held_before_mints_that_are_spent():
    numbers = charts.heatmap_numbers(spent_out())
    assert [sum(filter(None, column)) for column in zip(*numbers.balances, strict=True)] == [5] * 25
    assert title_of(charts.plot_heatmap(spent_out())) == "Of these 25 owners, one holds own …er00"


def test_a_heatmap_that_hides_zeros_has_no_empty_column_beside_the_mint_asked_for():
    numbers = charts.heatmap_numbers(spent_out(), "own owner07", hide_zeros=True)
    assert numbers.mints == ["own owner07"]
    numbers = charts.heatmap_numbers(spent_out(), "spent00", hide_zeros=True, mark="owner07")
    assert numbers.mints == ["spent00", "own owner07"]


@pytest.mark.parametrize("mint", [None, "m"])
def test_a_heatmap_of_zeros_alone_has_no_colour_bar(mint):
    frame = owners_and_mints([("a", "m", 0), ("b", "m", 0), ("a", "n", 0)])
    figure = charts.plot_heatmap(frame, mint, mark="a")
    assert title_of(figure) == "None of these owners holds any of these tokens"
    assert [list(row) for row in trace(figure, "zeros").z] == [[1, 1]]
    assert trace(figure, "holders").showscale is False
    assert trace(figure, "holders").colorbar.title.text is None
    assert "NaN" not in figure.to_json()


def test_a_heatmap_of_hidden_zeros_says_that_nothing_is_there():
    frame = owners_and_mints([("a", "m", 0), ("b", "m", 7)])
    figure = charts.plot_heatmap(frame, "m", n=1, mark="a", hide_zeros=True)
    assert figure.layout.title.text == "Nothing to draw"
    assert message_of(figure) == "No owner here has a balance above zero"


def test_a_heatmap_compares_shares_whatever_decimals_its_mints_have():
    rows = [("a", "nine", 3 * 10**9), ("b", "nine", 10**9), ("a", "none", 3), ("b", "none", 1)]
    cells = trace(charts.plot_heatmap(owners_and_mints(rows)), "holders")
    assert np.array(cells.z)[:, 0].tolist() == nearly(np.array(cells.z)[:, 1].tolist())
    named = trace(charts.plot_heatmap(owners_and_mints(rows), decimals={"nine": 9}), "holders")
    assert list(named.hovertext[0]) == [
        "3 tokens · 75.00% of the mint",
        "3 base units · 75.00% of the mint",
    ]
    assert np.array_equal(named.z, cells.z)


def test_one_number_of_decimals_is_refused_for_several_mints():
    with pytest.raises(InputError, match="must be a mapping from mint to places for several mints, got 6"):
        charts.plot_heatmap(frame_of([1]), decimals=6)


@pytest.mark.parametrize("plot", [plot for name, plot in PLOTS.items() if name != "heatmap"])
def test_a_mapping_gives_each_mint_its_own_decimals_and_others_base_units(plot):
    frame = frame_of([5, 10**9])
    named = plot(frame, MINT, decimals={MINT: 6, "another": 2})
    assert named.to_json() == plot(frame, MINT, decimals=6).to_json()
    assert plot(frame, MINT, decimals={"another": 2}).to_json() == plot(frame, MINT).to_json()


def test_a_heatmap_has_at_most_a_hundred_owners_and_mints():
    pairs = np.indices((120, 120)).reshape(2, -1).T.tolist()
    frame = owners_and_mints([(f"owner{owner}", f"mint{mint}", 1) for owner, mint in pairs])
    numbers = charts.heatmap_numbers(frame, n=2000)
    assert (len(numbers.owners), len(numbers.mints)) == (100, 100)
    assert len(charts.plot_heatmap(frame, n=2000).to_json()) < 2_000_000


@pytest.mark.parametrize(("values", "labels"), [([200, 850], ["19%", "81%"]), ([7], ["10%", "100%"])])
def test_a_colour_bar_has_a_label_even_without_a_power_of_ten(values, labels):
    bar = trace(charts.plot_heatmap(frame_of(values), MINT), "holders").colorbar
    assert list(bar.ticktext) == labels
    assert len(bar.tickvals) == len(labels)


def test_balances_as_good_as_equal_have_the_same_colour_in_a_heatmap():
    cells = trace(charts.plot_heatmap(frame_of([10**18, 10**18 + 10**5]), MINT), "holders")
    assert cells.zmax - cells.zmin > 1
    assert cells.zmax <= 0  # never beyond the whole
    assert list(cells.colorbar.ticktext) == ["10%", "100%"]


# the marked owner


def test_a_marked_holder_is_found_with_rank_share_and_place():
    frame = frame_of([5, 0, 20, 5, 10])
    marks = [charts.top_holders_numbers(frame, MINT, mark=f"owner{place}").mark for place in range(5)]
    assert [mark.rank for mark in marks] == [3, None, 1, 4, 2]
    assert [mark.balance for mark in marks] == [5, 0, 20, 5, 10]
    assert marks[2].share == 0.5
    assert charts.ecdf_numbers(frame, MINT, mark="owner3").mark_place == (5.0, 0.5)
    assert charts.lorenz_numbers(frame, MINT, mark="owner2").mark_place == (1.0, 1.0)


def test_a_marked_holder_below_the_first_follows_as_a_last_bar():
    numbers = charts.top_holders_numbers(frame_of([1, 2, 3, 4]), MINT, n=2, mark="owner0")
    assert (numbers.ranks, numbers.balances, numbers.n) == ([1, 2, 4], [4, 3, 1], 2)
    figure = charts.plot_top_holders(frame_of([1, 2, 3, 4]), MINT, n=2, mark="owner0")
    colours = trace(figure, "holders").marker.color
    assert colours[0] == colours[1] != colours[2]


@every_plot
def test_every_chart_points_the_marked_owner_out_or_says_that_it_is_none(plot):
    frame = frame_of([5, 0, 20, 5, 10])
    for owner in ("owner0", "owner1"):
        assert owner[:4] in texts(plot(frame, MINT, mark=owner))
    if plot is not charts.plot_heatmap:
        assert "has no row of this mint" in subtitle_of(plot(frame, MINT, mark="somebody else"))
        assert "has a balance of zero" in subtitle_of(plot(frame, MINT, mark="owner1"))


def test_a_zero_that_is_marked_stands_at_the_bar_of_zeros():
    numbers = charts.histogram_numbers(frame_of([0, 3]), MINT, mark="owner0")
    x, height = numbers.mark_place
    assert numbers.zero_left < x < numbers.zero_left + numbers.zero_width
    assert height == 1
    assert charts.histogram_numbers(frame_of([0, 3]), MINT, mark="owner0", hide_zeros=True).mark_place is None


# the figures


@every_plot
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_has_an_opaque_paper_and_says_mint_and_slots(plot, theme):
    figure = plot(frame_of([1, 5, 0, 9]), MINT, theme=theme)
    assert figure.layout.template.layout.paper_bgcolor == {"light": "#ffffff", "dark": "#111418"}[theme]
    assert figure.layout.paper_bgcolor is None
    assert plot(frame_of([1]), MINT, transparent=True).layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.meta["theme"] == theme
    assert "7or7…pcva" in subtitle_of(figure)
    assert "slots 100–103" in subtitle_of(figure)
    assert title_of(figure) == figure.layout.meta["title"]
    source = next(each.text for each in figure.layout.annotations if each.name == "source")
    assert MINT in source.replace("<br>", "")


@pytest.mark.parametrize(("width", "most"), [(390, 36), (800, 76), (1280, 90), (None, 36)])
@every_plot
def test_titles_break_for_the_width_they_are_given_and_for_a_phone_without(plot, width, most):
    figure = plot(frame_of(range(1, 90)), MINT, width=width)
    assert max(map(len, figure.layout.title.text.split("<br>"))) <= most
    assert width is None or figure.layout.width is None


@every_plot
def test_options_of_the_look_are_checked(plot):
    with pytest.raises(TypeError, match="no option 'colour'; they have theme, title, transparent, width"):
        plot(frame_of([1]), MINT, colour="red")
    for width in (0, 100, "800", True, 800.0):
        with pytest.raises(InputError, match="width must be a number of pixels from 200 on"):
            plot(frame_of([1]), MINT, width=width)


@every_plot
@pytest.mark.parametrize("values", [[], [0, 0], [7], [U64_MAX, U64_MAX], [1, 1, 1]])
@pytest.mark.parametrize("decimals", [None, 9])
def test_every_figure_is_complete_for_few_and_for_extreme_balances(plot, values, decimals):
    figure = plot(frame_of(values), MINT, decimals=decimals and {MINT: decimals})
    assert isinstance(figure, go.Figure)
    assert "NaN" not in figure.to_json()
    messages = [each for each in figure.layout.annotations if each.name == "message"]
    assert len(messages) == (not any(values))
    assert bool(figure.data) is any(values)


@every_plot
def test_an_unknown_mint_theme_or_unit_is_refused(plot):
    frame = frame_of([1])
    with pytest.raises(InputError, match="mint 'nope' is not one of"):
        plot(frame, "nope")
    with pytest.raises(InputError, match="theme must be 'light' or 'dark', got 'pink'"):
        plot(frame, MINT, theme="pink")
    with pytest.raises(InputError, match="decimals must be an integer from 0 to 255, got -1"):
        plot(frame, MINT, decimals={MINT: -1})


@every_plot
def test_names_from_a_frame_are_text_and_never_html(plot):
    evil = "<img src=x onerror=alert(1)>"
    frame = frame_of([5, 3], mint=evil)
    frame["owner"] = [evil, "<b>"]
    written = texts(plot(frame, evil, mark=evil, title="<script>"))
    assert "<img" not in written
    assert "<script" not in written
    assert charts.standalone_html(plot(frame, evil)).count("<img src=x") == 0


@every_plot
def test_a_frame_and_its_index_give_the_same_figure(plot):
    frame = frame_of([4, 0, 7, 7, 1])
    assert plot(frame, MINT).to_json() == plot(MintIndex.of(frame), MINT).to_json()


@every_plot
def test_a_figure_of_many_holders_stays_small(plot):
    values = (np.random.default_rng(2).pareto(1, 30_000) * 1e9).astype(np.uint64)
    figure = plot(frame_of(values), MINT)
    assert len(figure.to_json().encode()) < 50_000


def test_a_total_beyond_64_bits_is_written_to_the_last_digit():
    frame = frame_of([U64_MAX] * 200)
    assert f"{200 * U64_MAX:,}" in texts(charts.plot_histogram(frame, MINT))
    assert f"{200 * U64_MAX:,}" in texts(charts.plot_lorenz(frame, MINT))
    assert f"{200 * U64_MAX:,}" in texts(charts.plot_treemap(frame, MINT))


def test_titles_are_sentences_with_numbers():
    frame = frame_of([10, 20, 30, 40])
    titles = [title_of(plot(frame, MINT)) for plot in PLOTS.values()]
    assert titles == [
        "Two of 4 holders of 7or7…pcva have 20 base units or less",
        "Two of 4 holders of 7or7…pcva have 20 base units or less",
        "The largest of 4 holders of 7or7…pcva owns 40% of what is held here",
        "The largest of 4 holders of 7or7…pcva owns 40% of what is held here",
        "Two of 4 holders of 7or7…pcva own more than half of what is held here",
        "The four largest holders of 7or7…pcva own all of what is held here",
    ]
    assert charts.plot_ecdf(frame, MINT, title="Mine").layout.title.text == "Mine"


def test_a_title_says_all_only_where_it_is_all():
    whale = frame_of([10**18, 1, 1])
    assert title_of(charts.plot_top_holders(whale, MINT, n=1)) == (
        "The largest of 3 holders of 7or7…pcva owns more than 99% of what is held here"
    )
    figure = charts.plot_treemap(whale, MINT, mark="owner0")
    assert "is the largest holder, with more than 99% of" in subtitle_of(figure)
    alone = charts.plot_treemap(frame_of([7]), MINT, mark="owner0")
    assert title_of(alone) == "One holder of 7or7…pcva owns all of what is held here"
    assert "is the largest holder, with all of what is held here" in subtitle_of(alone)


def named(frame, symbol="BONK", decimals=0):
    return frame.assign(symbol=symbol, decimals=np.uint8(decimals))


@pytest.mark.parametrize(
    ("values", "titles"),
    [
        ([7], ["One holder has all of the BONK held here: 7 BONK"] * 2 + [
            "One holder owns all of the BONK held here"] * 3),
        ([5, 7], ["One of two holders has 7 BONK, the other 5 BONK"] * 2 + [
            "The largest of 2 holders owns 58% of the BONK held here"] * 3),
        ([5, 5], ["Both holders have exactly 5 BONK"] * 2 + [
            "Two holders own the same: half of the BONK held here each"] * 3),
        ([5] * 480, ["Each of the 480 holders has exactly 5 BONK"] * 2 + [
            "All 480 holders own the same: 0.21% of the BONK held here"] * 3),
        ([1, 2, 4], ["Two of 3 holders have 2 BONK or less"] * 2 + [
            "The largest of 3 holders owns 57% of the BONK held here"] * 3),
        ([*range(1, 41)], [
            "Half of the 40 holders have 20 BONK or less",
            "Nine in ten of the 40 holders have 36 BONK or less, half have 20 or less",
            "The poorer half of the 40 holders owns 26% of the BONK held here",
            "The 20 largest of 40 holders own 74% of the BONK held here",
            "12 of 40 holders own more than half of the BONK held here",
        ]),
    ],
)  # fmt: skip
def test_titles_of_few_of_equal_and_of_many_holders_are_true_and_name_the_token(values, titles):
    frame = named(frame_of(values))
    plots = [plot for name, plot in PLOTS.items() if name != "heatmap"]
    assert [title_of(plot(frame, MINT)) for plot in plots] == titles


def test_every_holder_and_some_owners_are_told_apart():
    some, every = named(frame_of([5, 7])), named(frame_of([5, 7]))
    some.attrs["helius"] = {"owners": 600}
    every.attrs["helius"] = {"complete": True, "cluster": "demo", "fetched_at": "2026-11-24T08:00:00+00:00"}
    figure = charts.plot_lorenz(some, MINT)
    assert "of 600 owners asked" in subtitle_of(figure)
    assert title_of(figure).endswith("of the BONK held here")
    figure = charts.plot_lorenz(every, MINT)
    assert "every holder of compressed tokens" in subtitle_of(figure)
    assert title_of(figure).endswith("of the compressed BONK")
    assert figure.layout.meta["source"] == (
        f"BONK: {MINT} · read 2026-11-24 08:00 UTC · made-up data of the demo cluster"
    )
    every.attrs["helius"] = {"complete": ["another"], "fetched_at": "never"}
    assert title_of(charts.plot_lorenz(every, MINT)).endswith("of the BONK held here")


def test_the_columns_of_the_frame_give_the_unit_and_an_argument_overrides_them():
    frame = named(frame_of([5, 10**9]), decimals=6)
    assert charts.plot_ecdf(frame, MINT).layout.xaxis.title.text == "balance (BONK, log scale)"
    assert charts.ecdf_numbers(frame, MINT).context.decimals == 6
    assert charts.ecdf_numbers(MintIndex.of(frame), MINT, decimals=2).context.decimals == 2
    assert charts.ecdf_numbers(frame, MINT, decimals={}).context.decimals is None
    assert charts.plot_ecdf(frame, MINT, decimals={}).layout.xaxis.title.text == (
        "balance (base units, log scale)"
    )
    odd = frame.assign(decimals="six", symbol=1.5)
    assert charts.ecdf_numbers(odd, MINT).context[-3:-1] == (None, None)


@pytest.mark.parametrize("plot", [plot for name, plot in PLOTS.items() if name != "heatmap"])
def test_a_chart_of_the_only_mint_needs_no_mint(plot):
    frame = frame_of([5, 7])
    assert plot(frame).to_json() == plot(frame, MINT).to_json() == plot(MintIndex.of(frame)).to_json()
    assert message_of(plot(frame.iloc[:0])) == "No owner here has a balance above zero"
    two = pd.concat([frame, frame_of([5], mint="another")])
    with pytest.raises(InputError, match="mint must be named, since there are 2, such as '7or7"):
        plot(two)


@every_plot
def test_no_chart_calls_what_is_held_here_the_supply(plot):
    for values in ([7], [1, 2, 3], []):
        assert "supply" not in texts(plot(frame_of(values), MINT))


LOG_LABELS = {
    "no power of ten": ([0, 2, 3, 5, 5], None, [2, 5], ["2", "5"]),
    "no power of ten, wider": ([0, 200, 300, 500, 850], None, [200, 500], ["200", "500"]),
    "below one": ([0, 200, 300, 500, 850], 3, [0.2, 0.5], ["0.2", "0.5"]),
    "far below one": ([0, 12_000, 41_000], 9, [0.000012, 0.000041001], ["0.000012", "0.000041"]),
    "powers": ([0, 5, 5_000], None, [10, 100, 1_000], ["10", "100", "1k"]),
    "powers below one": ([0, 5, 5_000], 4, [0.001, 0.01, 0.1], ["0.001", "0.01", "0.1"]),
}


@pytest.mark.parametrize(
    ("values", "decimals", "places", "labels"), LOG_LABELS.values(), ids=LOG_LABELS.keys()
)
def test_a_log_axis_beside_zeros_always_has_labels(values, decimals, places, labels):
    axis = charts.plot_histogram(frame_of(values), MINT, decimals=decimals, bins=60).layout.xaxis
    assert list(axis.tickvals) == nearly(places)
    assert list(axis.ticktext) == labels
    assert 10 ** axis.range[0] < min(places) <= max(places) <= 10 ** axis.range[1]


def test_a_log_axis_has_the_same_labels_with_and_without_zeros():
    mine = [
        charts.plot_histogram(frame_of(values), MINT, decimals=6) for values in ([5, 10**9], [0, 5, 10**9])
    ]
    assert mine[0].layout.xaxis.ticktext == mine[1].layout.xaxis.ticktext
    assert list(mine[0].layout.xaxis.ticktext[-4:]) == ["1", "10", "100", "1k"]


def test_half_a_token_is_never_labelled_500m_and_a_billion_is_a_b():
    def axis(value, decimals=None):
        frame = frame_of([value, value // 2])
        return charts.plot_histogram(frame, MINT, decimals=decimals, scale="linear", bins=5).layout.xaxis

    assert axis(900, 3).tickformat == ".10~g"
    assert axis(9 * 10**9).exponentformat == "B"
    assert [brief(10**power) for power in (3, 6, 9, 12)] == ["1k", "1M", "1B", "1T"]


def test_tiles_fill_the_chart_to_its_edges():
    pad = trace(charts.plot_treemap(frame_of([1, 2]), MINT), "holders").marker.pad
    assert (pad.t, pad.r, pad.b, pad.l) == (0, 0, 0, 0)


@every_plot
def test_labels_stand_clear_of_the_data(plot):
    layout = plot(frame_of([1, 2]), MINT).layout.template.layout
    assert layout.yaxis.ticklabelstandoff == layout.xaxis.ticklabelstandoff == 6


def test_the_bars_of_the_top_holders_are_shares_on_the_only_scale():
    figure = charts.plot_top_holders(frame_of([20, 60, 120]), MINT)
    assert list(trace(figure, "holders").x) == [0.6, 0.3, 0.1]
    assert list(trace(figure, "holders").text) == ["60%", "30%", "10%"]
    assert list(trace(figure, "share").text) == ["60%", "90%", "100%"]
    assert figure.layout.xaxis2.visible is False
    heights = [charts.plot_top_holders(frame_of(range(1, 99)), MINT, n=n).layout.height for n in (20, 70)]
    assert heights[1] - heights[0] == 50 * 22


@pytest.mark.parametrize(("decimals", "unit"), [(None, "base units"), (1, "tokens"), (6, "tokens")])
def test_axis_title_and_hover_name_the_same_unit(decimals, unit):
    figure = charts.plot_histogram(frame_of([103_239_078_387, 5]), MINT, decimals=decimals)
    assert figure.layout.xaxis.title.text == f"balance ({unit}, log scale)"
    assert f" {unit}, the other" in title_of(figure)
    figure = charts.plot_top_holders(frame_of([103_239_078_387]), MINT, decimals=decimals)
    amount = charts.amount_text(103_239_078_387, decimals)
    assert f"{amount} {unit}<br>" in trace(figure, "holders").hovertext[0]


def test_the_median_is_drawn_and_named():
    figure = charts.plot_histogram(frame_of([1, 20, 300, 4000]), MINT)
    line = next(shape for shape in figure.layout.shapes if shape.name == "median")
    assert (line.x0, line.x1) == (20, 20)
    text = next(each for each in figure.layout.annotations if each.name == "median")
    assert (text.text, text.x) == ("median 20", math.log10(20))


def test_small_multiples_of_one_amount_have_a_bar_each():
    numbers = charts.histogram_numbers(frame_of([10, 10, 20, 50, 50, 50]), MINT)
    assert (numbers.low, numbers.high) == ([10, 20, 50], [10, 20, 50])
    assert numbers.holders.tolist() == [2, 1, 3]
    assert numbers.left.tolist() == [5, 15, 45]
    assert set(numbers.width) == {10}
    assert numbers.scale == "linear"


@given(st.lists(st.integers(1, U64_MAX), min_size=1, max_size=60), st.sampled_from(["log", "linear"]))
@few
def test_bars_of_an_own_choice_hold_every_holder_and_are_no_barcode(values, scale):
    numbers = charts.histogram_numbers(frame_of(values), MINT, scale=scale)
    assert sum(numbers.holders) == len(values)
    assert sum(numbers.totals) == sum(values)
    assert len(numbers.low) <= max(5, 2 * math.ceil(math.sqrt(len(values))), len(set(values)))
    assert len(numbers.low) <= 60


def test_many_holders_get_as_many_bars_as_show_the_shape():
    values = (np.random.default_rng(3).lognormal(10, 2, 50_000)).astype(np.uint64) + np.uint64(1)
    assert 40 <= len(charts.histogram_numbers(frame_of(values), MINT).low) <= 60
    assert len(charts.histogram_numbers(frame_of(values[:34]), MINT).low) <= 12


def sides(values, scale, mark=None):
    figure = charts.plot_ecdf(frame_of(values), MINT, scale=scale, mark=mark, width=570)
    marked = [found.textposition for found in figure.data if found.name == "marked"]
    return [*trace(figure, "quantiles").textposition, *marked]


def test_the_texts_at_the_curve_lean_inwards_and_out_of_each_others_way():
    assert sides([1, 10, 100, 1_000], "log") == ["bottom right", "top left"]
    assert sides([*range(1, 100), 10_000], "linear") == ["bottom right", "bottom right"]
    assert sides([*range(1, 100), 10_000], "linear", "owner89")[2] == "bottom right"
    assert sides([1, *[1_000] * 9], "log") == ["top left", "top left"]
    grown = [*(2**place for place in range(9)), 2**11]
    assert sides(grown, "log", "owner0")[2] == "bottom right"
    assert sides(grown, "log", "owner4")[2] == "top left"
    assert sides(grown, "log", "owner8")[2] == "bottom right"
    assert sides(grown, "log", "owner9")[2] == "top left"


@pytest.mark.parametrize(
    ("owner", "side"), [(0, "top right"), (1, "top right"), (2, "top center"), (3, "top left")]
)
def test_the_name_of_a_marked_bar_leans_inwards(owner, side):
    figure = charts.plot_histogram(frame_of([0, 1, 100, 10_000]), MINT, mark=f"owner{owner}")
    assert trace(figure, "marked").textposition == side


def test_every_owner_has_room_for_a_label():
    frame = frame_of(range(200, 100, -1))
    for plot in (charts.plot_top_holders, charts.plot_heatmap):
        figure = plot(frame, MINT, n=100, mark="owner51")
        labels = figure.layout.yaxis.ticktext
        assert len(labels) == 100
        assert labels.count("<b>owner51</b>") == 1
        assert figure.layout.height > 1_400


def gini_place(values):
    notes = charts.plot_lorenz(frame_of(values), MINT).layout.annotations
    note = next(each for each in notes if each.name == "gini")
    return note.x, note.y


def test_the_gini_stands_in_the_area_or_clear_of_a_thin_one():
    assert gini_place([1, 9]) == (0.5, nearly(0.3))
    assert gini_place([5, 5]) == (0.75, 0.25)


def test_the_lorenz_curve_is_square_and_names_the_diagonal():
    figure = charts.plot_lorenz(frame_of([1, 9]), MINT)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert "if all held the same" in [each.text for each in figure.layout.annotations]


def test_a_standalone_page_has_all_it_needs():
    figure = charts.plot_lorenz(named(frame_of([1, 2])), MINT, theme="dark")
    page = charts.standalone_html(figure, charts.lorenz_numbers(frame_of([1, 2]), MINT).to_frame())
    assert page.startswith("<!doctype html>")
    assert "<title>The largest of 2 holders owns 67% of the BONK held here</title>" in page
    assert f"BONK: {MINT}" in page
    assert 'aria-label="Lorenz curve: The largest of 2 holders owns 67% of the BONK held here"' in page
    assert "<summary>The numbers</summary>" in page
    assert "--paper:#111418" in page
    assert "--paper:#ffffff" not in page
    assert '<script src="http' not in page
    assert len(page) > 1_000_000  # plotly.js itself
    assert charts.standalone_html(go.Figure()).startswith("<!doctype html>")


def test_a_report_has_three_charts_the_table_and_both_themes():
    frame = named(frame_of([1, 2, 0, 70]))
    frame.attrs["helius"] = {"cluster": "demo", "owners": 4}
    page = charts.report_html(frame)
    assert page.count('class="chart"') == 3
    assert page.count(MINT) >= 4
    assert "made-up data of the demo cluster" in page
    assert "prefers-color-scheme:dark" in page
    assert "<table" in page
    assert charts.report_html(frame.iloc[:0]).startswith("<!doctype html>")


HOSTILE = "</script><img src=x onerror=alert(1)>\u202e$a$\n\x00"


@every_plot
def test_hostile_names_are_harmless_in_figures_and_pages(plot):
    frame = frame_of([5, 3, 0], mint=HOSTILE).assign(symbol=HOSTILE, decimals=np.uint8(2))
    frame["owner"] = [HOSTILE, "<b>", "\u2066x"]
    figure = plot(frame, HOSTILE, mark=HOSTILE)
    for text in (texts(figure), charts.standalone_html(figure, frame), charts.report_html(frame)):
        assert "<img" not in text
        assert "</script><" not in text.replace("</script><script>", "").replace("</script></body>", "")
    drawn = texts(figure.update_layout(meta=None))
    assert not {"\u202e", "\u2066", "\x00"} & set(drawn)
    assert "$a$" not in drawn


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, bright = sorted(map(luminance, (one, other)))
    return (bright + 0.05) / (dark + 0.05)


def over(shade, paper):
    """A colour that lets the paper through, as it is seen."""
    *parts, alpha = (float(part) for part in shade[5:-1].split(","))
    under = [int(paper[place : place + 2], 16) for place in (1, 3, 5)]
    mixed = [round(alpha * part + (1 - alpha) * below) for part, below in zip(parts, under, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_a_contrast_of_four_and_a_half(theme):
    colours = PALETTES[theme]
    pairs = [(name, colours.surface) for name in (colours.ink, colours.quiet, colours.mark_text)]
    pairs += [(colours.data_text, under) for under in (colours.surface, over(colours.shade, colours.surface))]
    pairs += [(colours.on_data, colours.data), (colours.on_mark, colours.mark)]
    pairs += [(colours.on_other, colours.other), *((colours.ink, under) for under in colours.text_ramp)]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_every_chart_has_its_numbers_as_a_table():
    frame = frame_of([5, 0, 7, 7, 900])
    for name, chart in charts.CHARTS.items():
        if chart.subject == "source":
            table = chart.numbers(frame).to_frame()
            assert isinstance(table, pd.DataFrame), name
    assert charts.treemap_numbers(frame).to_frame()["balance"].sum() == 919


def test_the_registry_names_every_chart_that_there_is():
    plots = {name.removeprefix("plot_") for name in charts.__all__ if name.startswith("plot_")}
    assert set(charts.CHARTS) == plots
    assert charts.CHARTS["histogram"].options == ("scale", "bins", "hide_zeros")
    assert charts.CHARTS["lorenz"].options == ()
    assert all(chart.question.endswith(".") for chart in charts.CHARTS.values())


def test_behind_points_stand_the_holders_that_were_drawn():
    frame = frame_of([5, 0, 20, 5, 10])
    index = MintIndex.of(frame)

    def behind(name, trace_name, place, **options):
        chart = charts.CHARTS[name]
        numbers = chart.numbers(index, MINT, **options)
        found = chart.holders_of(index, numbers, charts.Point(trace_name, place))
        return None if found is None else sorted(found.holders["balance"].tolist())

    assert behind("histogram", "holders", 0) == [5, 5]
    assert behind("histogram", "zeros", 0) == [0]
    assert behind("histogram", "marked", 0, mark="owner4") == [10]
    assert behind("ecdf", "share", 0) is None
    assert behind("ecdf", "quantiles", 1) == [5, 5, 10, 20]
    assert behind("lorenz", "share", 3) == [5, 5, 10]
    assert behind("top_holders", "holders", 1) == [10]
    assert behind("top_holders", "share", 1) == [10, 20]
    assert behind("treemap", "holders", 0, n=1) == [20]
    assert behind("treemap", "holders", 1, n=1) == [5, 5, 10]
    assert behind("heatmap", "holders", [0, 0]) == [20]


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (0, None, "0"),
        (999, None, "999"),
        (1_000, None, "1k"),
        (999_999, None, "1M"),
        (999_950_000, 6, "1k"),
        (999_499_999, 6, "999"),
        (15_000, 9, "0.000015"),
        (1, 9, "0.000000001"),
        (1_234_567, None, "1.23M"),
        (1_234_567, 6, "1.23"),
        (U64_MAX, None, "18,400,000T"),
        (5, 3, "0.005"),
    ],
)
def test_brief_amounts_have_three_digits_and_a_prefix(amount, decimals, text):
    assert brief(amount, decimals) == text


@given(st.integers(0, 2**90), st.integers(0, 20))
@few
def test_amount_texts_have_every_digit(amount, decimals):
    text = charts.amount_text(amount, decimals).replace(",", "")
    assert Fraction(text) == Fraction(amount, 10**decimals)


def test_shares_in_titles_are_never_rounded_to_all_or_nothing():
    assert [about_percent(share) for share in (0.0, 0.00001, 0.123, 0.5, 0.996, 1.0)] == [
        "0%",
        "less than 0.01%",
        "12%",
        "50%",
        "more than 99%",
        "more than 99%",
    ]
    assert about_percent(1.0, is_all=True) == "all"


def test_addresses_are_shortened_to_both_ends():
    assert charts.shorten(MINT) == "7or7…pcva"
    assert charts.shorten("short") == "short"
