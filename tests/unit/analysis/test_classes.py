"""Thresholds, size classes, equal balances and overlap, against Python integers and fractions."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames.analysis import MintIndex, _overlap, by_mint, classes, equal_balances, overlap, thresholds
from helius_frames.errors import InputError
from tests.support.balance_rows import (
    BACKENDS,
    MINT,
    MINTS,
    OWNERS,
    U64_MAX,
    few,
    frame_of,
    held,
    held_by,
    labelled,
    share,
)

percentiles = st.one_of(
    st.sampled_from([0, 50, 90, 99, 99.9, 100, 33.3]), st.floats(0, 100, allow_subnormal=False)
)


def same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == other or (math.isnan(one) and math.isnan(other))


@few
@given(held, st.lists(percentiles, max_size=4), st.sampled_from(BACKENDS), st.booleans())
def test_a_threshold_is_the_smallest_balance_that_so_many_do_not_exceed(rows, asked, backend, is_index):
    frame = frame_of(rows | {(OWNERS[0], MINT): 0}, backend)
    values = held_by(rows | {(OWNERS[0], MINT): 0}, MINT)
    table = thresholds(MintIndex.of(frame) if is_index else frame, MINT, asked)
    assert table.index.tolist() == asked
    for percentile, (balance, holders, total, of_all) in zip(
        asked, table.itertuples(index=False), strict=True
    ):
        if not values:
            assert balance is pd.NA
            assert (holders, total) == (0, 0)
            assert math.isnan(of_all)
            continue
        needed = Fraction(str(percentile)) * len(values)
        least = next(v for v in values if 100 * sum(other <= v for other in values) >= needed)
        top = [value for value in values if value >= least]
        assert (balance, holders, total) == (least, len(top), sum(top))
        assert of_all == share(sum(top), sum(values))


def test_the_fiftieth_percentile_is_the_lower_median():
    frame = frame_of(dict(zip([(owner, MINT) for owner in OWNERS], [1, 2, 3, 4], strict=False)))
    assert thresholds(frame, MINT)["balance"].tolist() == [2, 4, 4]
    assert thresholds(frame, MINT, [25, 25.1, 99.9])["balance"].tolist() == [1, 2, 4]


@pytest.mark.parametrize("percentile", [-1, 101, "50", None, True, math.nan, math.inf])
def test_a_percentile_is_a_number_from_0_to_100(percentile):
    with pytest.raises(InputError, match="percentiles must be numbers from 0 to 100"):
        thresholds(frame_of({}), MINT, [percentile])


edges = st.lists(st.one_of(st.integers(1, 12), st.integers(1, U64_MAX)), min_size=1, max_size=5, unique=True)


@few
@given(held, st.one_of(st.none(), edges.map(sorted)), st.sampled_from(BACKENDS), st.booleans())
def test_every_holder_is_in_exactly_one_class(rows, asked, backend, is_index):
    frame = frame_of(rows | {(OWNERS[0], MINT): 0}, backend)
    values = held_by(rows | {(OWNERS[0], MINT): 0}, MINT)
    table = classes(MintIndex.of(frame) if is_index else frame, MINT, asked)
    assert table["holders"].sum() == len(values)
    assert sum(table["total"]) == sum(values)
    if asked is None:
        lows = [10**power for power in range(len(str(values[0])) - 1, len(str(values[-1])))] if values else []
        assert table["low"].tolist() == lows
    else:
        assert table["low"].tolist() == sorted({1, *asked})
    assert (
        table["high"].tolist()
        == [*(table["low"].tolist()[1:] and [v - 1 for v in table["low"].tolist()[1:]]), U64_MAX][
            : len(table)
        ]
    )
    for low, high, holders, of_holders, total, of_all in table.itertuples(index=False):
        inside = [value for value in values if low <= value <= high]
        assert (holders, total) == (len(inside), sum(inside))
        same([of_all], [share(sum(inside), sum(values))])
        same([of_holders], [share(len(inside), len(values))])


def test_classes_are_named_by_their_limits_or_by_the_caller():
    frame = frame_of({(OWNERS[0], MINT): 5, (OWNERS[1], MINT): 5_000})
    assert classes(frame, MINT).index.tolist() == ["1 to 9", "10 to 99", "100 to 999", "1,000 and more"]
    assert classes(frame, MINT, [2, 10]).index.tolist() == ["1", "2 to 9", "10 and more"]
    named = classes(frame, MINT, {"fish": 10, "whale": 1_000})
    assert named["holders"].to_dict() == {"below fish": 1, "fish": 0, "whale": 1}
    assert classes(frame, MINT, {"dust": 1, "whale": 1_000}).index.tolist() == ["dust", "whale"]


@pytest.mark.parametrize("bad", [[], [0], [2, 1], [1, 1], [1.5], ["1"], [True], [2**64], {"a": 2, "b": 1}])
def test_edges_are_ascending_whole_numbers(bad):
    with pytest.raises(InputError, match="edges must be ascending whole numbers"):
        classes(frame_of({(OWNERS[0], MINT): 5}), MINT, bad)


@few
@given(held, st.integers(1, 3), st.sampled_from(BACKENDS), st.booleans())
def test_equal_balances_are_those_that_stand_there_more_than_once(rows, at_least, backend, is_index):
    frame = frame_of(rows | {(OWNERS[0], MINT): 0}, backend)
    values = held_by(rows | {(OWNERS[0], MINT): 0}, MINT)
    table = equal_balances(MintIndex.of(frame) if is_index else frame, MINT, at_least=at_least)
    counted = [(value, count) for value, count in Counter(values).items() if count >= at_least]
    counted.sort(key=lambda pair: (-pair[1], -pair[0]))
    assert list(zip(table["balance"].tolist(), table["holders"].tolist(), strict=True)) == counted
    assert table["total"].tolist() == [value * count for value, count in counted]
    assert table["share"].tolist() == [share(value * count, sum(values)) for value, count in counted]
    assert table["share_of_holders"].tolist() == [share(c, len(values)) for _, c in counted]


def test_at_least_is_a_whole_number():
    with pytest.raises(InputError, match="at_least"):
        equal_balances(frame_of({}), MINT, at_least=0)


@pytest.mark.parametrize("measure", [thresholds, classes, equal_balances])
def test_measures_of_one_mint_can_leave_owners_out(measure):
    rows = {(owner, MINT): 7 for owner in OWNERS[:6]}
    rest = {(owner, MINT): 7 for owner in OWNERS[2:6]}
    table = measure(labelled(rows), MINT, exclude="exchange")
    pd.testing.assert_frame_equal(table, measure(frame_of(rest), MINT))
    assert table.attrs == {"excluded_holders": 2, "excluded_total": 14}


# overlap


def brute_overlap(rows, mints):
    holders = {
        mint: {owner for (owner, name), balance in rows.items() if name == mint and balance} for mint in mints
    }
    return [[len(holders[one] & holders[other]) for other in mints] for one in mints], holders


@few
@given(held, st.sampled_from(BACKENDS), st.booleans(), st.sampled_from([1, 10**6]))
def test_overlap_counts_the_owners_of_both(rows, backend, is_index, pair_cost):
    frame = frame_of(rows, backend)
    before, _overlap._PAIR = _overlap._PAIR, pair_cost * (pair_cost > 1)  # both ways of counting
    try:
        table = overlap(MintIndex.of(frame) if is_index else frame)
        shares = overlap(frame, measure="jaccard")
    finally:
        _overlap._PAIR = before
    brute, holders = brute_overlap(rows, table.index)
    assert table.to_numpy().tolist() == brute
    assert sorted(table.index) == sorted(
        mint for mint in MINTS if {o for (o, m), b in rows.items() if m == mint and b}
    )
    assert table.index.equals(shares.index)
    assert table.columns.equals(table.index)
    for one in table.index:
        for other in table.index:
            both, either = holders[one] & holders[other], holders[one] | holders[other]
            assert shares.loc[one, other] == float(Fraction(len(both), len(either)))
    assert list(np.diag(table)) == sorted(np.diag(table), reverse=True)


@pytest.mark.parametrize("density", [0.02, 0.5])
@pytest.mark.parametrize("cells", [64, 1 << 24])
def test_overlap_of_many_owners_is_the_same_counted_either_way(density, cells, monkeypatch):
    monkeypatch.setattr(_overlap, "_CELLS", cells)
    rng = np.random.default_rng(5)
    holds = rng.random((700, 40)) < density
    who, what = np.nonzero(holds)
    shuffled = rng.permutation(len(who))
    frame = pd.DataFrame(
        {"owner": who[shuffled].astype("str"), "mint": what[shuffled].astype("str"),
         "balance": np.ones(len(who), dtype=np.uint64), "slot": np.zeros(len(who), dtype=np.int64)}
    )  # fmt: skip
    expected = holds.T.astype(np.int64) @ holds.astype(np.int64)
    mints = [str(mint) for mint in range(40)]
    for cost in (0, 10**9):
        monkeypatch.setattr(_overlap, "_PAIR", cost)
        assert (overlap(frame, mints).to_numpy() == expected).all()


def test_the_mints_of_an_overlap_can_be_chosen():
    frame = frame_of({(OWNERS[0], MINTS[0]): 1, (OWNERS[0], MINTS[1]): 1, (OWNERS[1], MINTS[1]): 1})
    assert overlap(frame, n=1).index.tolist() == [MINTS[1]]
    chosen = overlap(frame, [MINTS[2], MINTS[0]])
    assert chosen.to_numpy().tolist() == [[0, 0], [0, 1]]
    jaccard = overlap(frame, [MINTS[2], MINTS[0]], measure="jaccard")
    assert jaccard.isna().to_numpy().tolist() == [[True, False], [False, False]]
    assert overlap(frame, exclude=OWNERS[0]).to_numpy().tolist() == [[1]]
    assert overlap(frame_of({})).shape == (0, 0)
    for wrong in ({"mints": ["nowhere"]}, {"mints": MINTS[:1] * 2}, {"n": 0}, {"measure": "cosine"}):
        with pytest.raises(InputError):
            overlap(frame, **wrong)


def test_holders_of_an_overlap_are_those_of_by_mint():
    rows = {
        (owner, mint): place % 3 for place, (owner, mint) in enumerate((o, m) for o in OWNERS for m in MINTS)
    }
    frame = frame_of(rows)
    table = overlap(frame)
    assert np.diag(table).tolist() == by_mint(frame).loc[table.index, "holders"].tolist()
