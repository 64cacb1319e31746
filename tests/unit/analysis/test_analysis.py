"""Every number of the analysis against Python integers and fractions."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames import analysis
from helius_frames.analysis import MintIndex, _exact, _schema
from helius_frames.errors import AttrsError, InputError
from tests.support.frames import balances_frame

U64_MAX = 2**64 - 1
OWNERS = tuple("abcdefgh")
MINTS = tuple("vwxyz")

balances = st.one_of(
    st.just(0), st.integers(1, 9), st.integers(0, U64_MAX), st.integers(U64_MAX - 3, U64_MAX)
)
rows = st.dictionaries(
    st.tuples(st.sampled_from(OWNERS), st.sampled_from(MINTS)),
    st.tuples(balances, st.integers(0, 20)),
    max_size=40,
)
few = settings(max_examples=40)
BACKENDS = ("category", "text", "nullable", "arrow", "arrow dictionary")


def frame_of(pairs, backend="category", *, owners=OWNERS):
    rows = ((*pair, *values) for pair, values in pairs.items())
    text = balances_frame(rows).astype({"owner": "str", "mint": "str"})
    return text.astype(dtypes_of(backend, owners))


def dtypes_of(backend, owners):
    text = pd.ArrowDtype(pa.string())
    dictionary = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    names = {
        "category": (pd.CategoricalDtype(owners), pd.CategoricalDtype(MINTS)),
        "nullable": (pd.CategoricalDtype(owners), pd.CategoricalDtype(MINTS)),
        "text": ("str", "str"),
        "arrow": (text, text),
        "arrow dictionary": (dictionary, dictionary),
    }[backend]
    numbers = {
        "nullable": ("UInt64", "Int64"),
        "arrow": (pd.ArrowDtype(pa.uint64()), pd.ArrowDtype(pa.int64())),
        "arrow dictionary": (pd.ArrowDtype(pa.uint64()), pd.ArrowDtype(pa.int64())),
    }.get(backend, ("uint64", "int64"))
    return dict(zip(_schema.COLUMNS, (*names, *numbers), strict=True))


def with_notes(frame, **notes):
    frame = frame.copy()
    frame.attrs["helius"] = {"failures": "[]", **notes}
    return frame


def held_by(pairs, mint):
    return sorted(balance for (_, name), (balance, _) in pairs.items() if name == mint and balance)


def brute_gini(values):
    n = len(values)
    weighted = sum((2 * i - n - 1) * x for i, x in enumerate(values, 1))
    return float(Fraction(weighted, n * sum(values))) if values else math.nan


def brute_nakamoto(values):
    taken = 0
    for count, value in enumerate(reversed(values), 1):
        taken += value
        if 2 * taken > sum(values):
            return count
    return 0


def nearly(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True)


# exact arithmetic


@given(st.lists(st.integers(0, U64_MAX), max_size=20))
def test_running_sums_never_wrap(values):
    sums = _exact.as_ints(_exact.running(np.array(values, dtype=np.uint64)))
    assert sums == [sum(values[:count]) for count in range(len(values) + 1)]


@given(st.integers(0, U64_MAX), st.integers(0, 10**18))
def test_products_have_all_their_digits(a, b):
    product = _exact.times(np.array([a], dtype=np.uint64), np.array([b], dtype=np.uint64))
    assert _exact.as_ints(product) == [a * b]


@given(st.integers(0, U64_MAX), st.integers(0, U64_MAX))
def test_differences_are_signed(a, b):
    wide = [_exact.widen(np.array([number], dtype=np.uint64)) for number in (a, b)]
    assert _exact.as_ints(_exact.minus(*wide)) == [a - b]
    assert _exact.as_decimals(_exact.minus(*wide))[0] == Decimal(a - b)
    assert _exact.below(*wide).tolist() == [a < b]


def test_a_sum_near_the_limit_of_the_decimal_keeps_every_digit():
    wide = _exact.Wide(np.array([U64_MAX], dtype=np.uint64), np.array([2**35], dtype=np.int64))
    number = (2**35 << 64) + U64_MAX
    assert _exact.as_ints(wide) == [number]
    assert pd.Series(_exact.as_decimals(wide)).sum() == Decimal(number)
    assert _exact.as_floats(wide)[0] == pytest.approx(float(number), rel=1e-15)


# the schema


def test_a_missing_column_is_named_with_what_is_there():
    frame = pd.DataFrame({"owner": ["a"], "mint": ["m"], "amount": [1], "slot": [1]})
    with pytest.raises(
        AttributeError, match=r"'balance' is missing, there is 'owner', 'mint', 'amount', 'slot'"
    ):
        analysis.check_schema(frame)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("balance", [1.0, 2.0], "float64, not an integer dtype"),
        ("balance", [-1, 2], "holds -1"),
        ("balance", ["1", "2"], "not an integer dtype"),
        ("balance", pd.array([1, None], dtype="UInt64"), "no value in row 1"),
        ("slot", [1.0, 2.0], "float64, not an integer dtype"),
        ("slot", np.array([1, 2**63], dtype=np.uint64), "holds 9223372036854775808: a slot is below 2"),
        ("slot", pd.array([1, U64_MAX], dtype=pd.ArrowDtype(pa.uint64())), "a slot is below 2"),
        ("owner", [1, 2], "int64: it must hold addresses, as text"),
        ("owner", pd.Categorical([1, 2]), "category: it must hold addresses"),
        ("mint", [b"a", b"b"], "object: it must hold addresses"),
        ("mint", [["a"], ["b"]], "object: it must hold addresses"),
        ("owner", ["a", None], "no value in row 1"),
        ("mint", pd.Categorical(["m", None]), "no value in row 1"),
    ],
)
def test_what_is_not_exact_is_refused(column, values, message):
    frame = pd.DataFrame({"owner": ["a", "b"], "mint": ["m", "m"], "balance": [1, 2], "slot": [1, 1]})
    with pytest.raises(InputError, match=message):
        analysis.by_mint(frame.assign(**{column: values}))


@pytest.mark.parametrize("reader", [analysis.by_mint, analysis.by_owner, analysis.pivot, MintIndex.of])
def test_a_pair_that_stands_there_twice_is_refused_and_named(reader):
    frame = frame_of({("a", "v"): (1, 1), ("b", "v"): (2, 1)})
    with pytest.raises(InputError, match=r"1 .* such as owner 'b' with mint 'v'"):
        reader(pd.concat([frame, frame.iloc[1:]]))


@pytest.mark.parametrize("groups", [3, 70_000])
def test_rows_are_grouped_stably_for_few_and_for_many_groups(groups):
    codes = np.random.default_rng(5).integers(0, groups, 5_000).astype(np.int32)
    assert _schema.group_order(codes, groups).tolist() == np.argsort(codes, kind="stable").tolist()


NEITHER_TEXT_NOR_EXACT = {
    "flags": [True, False, True],
    "floats": np.array([1, 2, 3], dtype=np.float16),
    "complex": [1j, 2j, 3j],
    "times": pd.date_range("2026", periods=3, tz="UTC"),
    "spans": pd.to_timedelta([1, 2, 3]),
    "periods": pd.period_range("2026", periods=3),
    "intervals": pd.interval_range(0, 3),
    "numbers as categories": pd.Categorical([1, 2, 3]),
    "lists": [[1], [2], [3]],
    "dicts": [{}, {}, {}],
    "bytes": [b"a", b"b", b"c"],
    "nothing": [None] * 3,
    "mixed": ["a", 1, None],
    "large integers": [1, 2, 2**70],
    "decimals": pd.array([Decimal(1)] * 3, dtype=pd.ArrowDtype(pa.decimal128(38, 0))),
    "Arrow nulls": pd.array([None] * 3, dtype=pd.ArrowDtype(pa.null())),
    "Arrow lists": pd.array([[1], [2], [3]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "Arrow bytes": pd.array([b"a", b"b", b"c"], dtype=pd.ArrowDtype(pa.binary())),
    "Arrow numbers": pd.array([1, 2, 3], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.int64()))),
}
TABLES = {
    "by_mint": analysis.by_mint,
    "by_owner": analysis.by_owner,
    "slots": analysis.slots,
    "drift": analysis.drift,
    "pull_summary": analysis.pull_summary,
    "owners_of": analysis.owners_of,
    "pivot": analysis.pivot,
    "diff": lambda frame: analysis.diff(frame, frame),
    "with_decimals": lambda frame: analysis.with_decimals(frame, {"v": 3})[["ui_balance"]],
    "top_holders": lambda frame: analysis.top_holders(frame, "v"),
}


@pytest.mark.parametrize("ask", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("column", analysis.COLUMNS)
@pytest.mark.parametrize("values", NEITHER_TEXT_NOR_EXACT.values(), ids=NEITHER_TEXT_NOR_EXACT.keys())
def test_a_column_of_another_dtype_is_refused_or_of_no_matter(ask, column, values):
    frame = frame_of({("a", "v"): (1, 1), ("b", "v"): (2, 1), ("c", "w"): (3, 1)}).assign(**{column: values})
    for odd in (frame, frame[:0]):
        with suppress(InputError):  # any other error is a failure
            ask(odd)


ODD_BUT_RIGHT = {
    "big-endian": lambda frame: frame.astype({"balance": ">u8", "slot": ">i4"}),
    "one index label for all rows": lambda frame: frame.set_axis([0] * len(frame)),
    "an index of two levels": lambda frame: frame.set_index([["x", "x", "y"], [1, 1, 2]]),
    "columns as categories": lambda frame: frame.set_axis(pd.CategoricalIndex(frame.columns), axis="columns"),
    "a column without a name": lambda frame: frame.assign(x=1).rename(columns={"x": pd.NA}),
    "a column of objects": lambda frame: frame.assign(x=[object()] * len(frame)),
    "sparse balances": lambda frame: frame.assign(balance=pd.arrays.SparseArray(frame["balance"])),
    "small integers": lambda frame: frame.astype({"balance": "int8", "slot": "uint8"}),
}


@pytest.mark.parametrize("ask", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("made", ODD_BUT_RIGHT.values(), ids=ODD_BUT_RIGHT.keys())
def test_an_odd_frame_gives_the_same_answer(ask, made):
    frame = frame_of({("a", "v"): (1, 1), ("b", "v"): (0, 1), ("c", "w"): (3, 2)})
    right, found = ask(frame), ask(made(frame))
    if isinstance(right, pd.DataFrame):
        right, found = (table.reset_index(drop=True)[list(right.columns)] for table in (right, found))
        pd.testing.assert_frame_equal(found, right)
    else:
        assert list(found) == list(right) if isinstance(right, pd.Index) else found == right


# by mint


@given(rows, st.sampled_from(BACKENDS))
@few
def test_by_mint_is_what_integers_and_fractions_say(pairs, backend):
    table = analysis.by_mint(frame_of(pairs, backend))
    assert set(table.index) == {mint for _, mint in pairs}
    for mint, row in table.iterrows():
        values = held_by(pairs, mint)
        total = sum(values)
        assert row["holders"] == len(values)
        assert row["zero_balances"] == sum(name == mint for _, name in pairs) - len(values)
        assert row["total"] == total
        assert row["largest"] == max(values, default=0)
        assert row["nakamoto"] == brute_nakamoto(values)
        assert row["gini"] == nearly(brute_gini(values))
        for top in (1, 10):
            share = float(Fraction(sum(values[-top:]), total)) if total else math.nan
            assert row[f"top{top}_share"] == nearly(share)
        hhi = float(Fraction(sum(x * x for x in values), total**2)) if total else math.nan
        assert row["hhi"] == nearly(hhi)
        median = statistics.median_low(values) if values else None
        assert (None if row["median"] is pd.NA else row["median"]) == median


@given(rows)
@few
def test_by_mint_stands_in_descending_order_of_holders_also_from_an_index(pairs):
    frame = frame_of(pairs)
    table = analysis.by_mint(frame)
    assert table["holders"].is_monotonic_decreasing
    pd.testing.assert_frame_equal(table, analysis.by_mint(MintIndex.of(frame)))
    assert MintIndex.of(frame).mints.tolist() == table.index.tolist()


def test_by_mint_has_its_columns_and_exact_dtypes_also_without_rows():
    dtypes = analysis.by_mint(frame_of({("a", "v"): (1, 1)})).dtypes.astype(str)
    assert dtypes.to_dict() == {
        "holders": "int64",
        "total": "object",
        "top1_share": "float64",
        "top10_share": "float64",
        "gini": "float64",
        "nakamoto": "int64",
        "median": "UInt64",
        "largest": "uint64",
        "hhi": "float64",
        "zero_balances": "int64",
    }
    empty = analysis.by_mint(frame_of({}))
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == dtypes.to_dict()


@pytest.mark.parametrize("ask", [analysis.by_mint, analysis.by_owner])
def test_totals_beyond_64_bits_can_be_computed_with(ask):
    frame = frame_of({(owner, mint): (U64_MAX, 1) for owner in OWNERS for mint in MINTS})
    total = ask(frame)["total"]
    one = len(OWNERS if ask is analysis.by_mint else MINTS) * U64_MAX
    assert all(type(value) is int for value in total)
    assert total.tolist() == [one] * len(total)
    assert (total * 2).tolist() == [one * 2] * len(total)
    assert (total // 10**6).tolist() == [one // 10**6] * len(total)
    assert (U64_MAX / total).tolist() == nearly([U64_MAX / one] * len(total))
    assert (total > 10**18).all()
    assert total.sum() == one * len(total)
    assert not (total == U64_MAX).any()


@pytest.mark.parametrize("ask", [analysis.by_mint, analysis.by_owner])
def test_with_arrow_totals_are_decimals_that_save_exactly(ask, tmp_path):
    frame = frame_of({(owner, mint): (U64_MAX, 1) for owner in OWNERS for mint in MINTS})
    plain, arrow = ask(frame), ask(frame, dtype_backend="pyarrow")
    assert arrow["total"].dtype == pd.ArrowDtype(pa.decimal128(38, 0))
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in arrow.dtypes)
    arrow.to_parquet(tmp_path / "table.parquet")
    back = pd.read_parquet(tmp_path / "table.parquet", dtype_backend="pyarrow")
    assert list(map(int, back["total"])) == plain["total"].tolist()
    assert ask(frame_of({}), dtype_backend="pyarrow").dtypes.equals(arrow.dtypes)
    with pytest.raises(InputError, match="dtype_backend must be 'pyarrow' or None, got 'numpy_nullable'"):
        ask(frame, dtype_backend="numpy_nullable")


def test_a_short_index_has_a_different_text_for_every_mint():
    mints = ["7or71e3BNvak33jyHWebyv6jdHX6Y9AgsRiXQzqjpcva", "7or7AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAApcva"]
    mints += [f"7or7{'A' * 20}{letter}{'A' * 15}pcva" for letter in "BC"] + ["short", "EZ3D" * 11]
    frame = pd.DataFrame({"owner": "a", "mint": mints, "balance": 1, "slot": 1})
    table = analysis.by_mint(frame, short=True)
    assert table.index.is_unique
    assert table.index.name == "mint"
    assert table.index[0] == "7or71e3B…Qzqjpcva"
    assert table.index.tolist()[-2:] == ["short", "EZ3D…EZ3D"]
    pd.testing.assert_frame_equal(table.set_axis(mints), analysis.by_mint(frame).rename_axis(None))


# measures on their own


def test_measures_of_nobody_are_stated():
    for nobody in ([], [0, 0]):
        assert math.isnan(analysis.gini(nobody))
        assert math.isnan(analysis.hhi(nobody))
        assert math.isnan(analysis.top_share(nobody))
        assert analysis.nakamoto(nobody) == 0


def test_measures_of_one_holder_are_stated():
    assert analysis.gini([7]) == 0
    assert analysis.hhi([7]) == 1
    assert analysis.top_share([7]) == 1
    assert analysis.nakamoto([7]) == 1


@given(st.lists(balances, min_size=1, max_size=30), st.integers(1, 12))
@few
def test_measures_stay_in_their_ranges(values, n):
    held = sorted(filter(None, values))
    array = np.array(values, dtype=np.uint64)
    if not held:
        return
    assert 0 <= analysis.gini(array) <= 1 - 1 / len(held) + 1e-12
    assert analysis.gini(array) == nearly(brute_gini(held))
    assert 1 / len(held) - 1e-12 <= analysis.hhi(array) <= 1
    assert analysis.top_share(array, n) == nearly(float(Fraction(sum(held[-n:]), sum(held))))
    assert analysis.nakamoto(array) == brute_nakamoto(held)


def test_a_count_below_one_is_refused():
    for bad in (0, -1, 2.0, True):
        with pytest.raises(InputError, match="n must be an integer of at least 1"):
            analysis.top_share([1], bad)


# one mint


@given(rows, st.sampled_from(BACKENDS), st.integers(1, 9))
@few
def test_top_holders_are_the_largest_and_ties_stand_as_in_the_frame(pairs, backend, n):
    if not any(mint == "v" for _, mint in pairs):
        return
    held = [(owner, *row) for (owner, mint), row in pairs.items() if mint == "v" and row[0]]
    expected = sorted(held, key=lambda row: -row[1])[:n]
    table = analysis.top_holders(frame_of(pairs, backend), "v", n)
    assert list(table[["owner", "balance", "slot"]].itertuples(index=False, name=None)) == expected
    assert table.index.tolist() == list(range(1, len(expected) + 1))
    total = sum(row[1] for row in held)
    assert table["share"].tolist() == nearly([row[1] / total for row in expected])
    sums = np.cumsum([row[1] for row in expected], dtype=object)
    assert table["cumulative_share"].tolist() == nearly([total_so_far / total for total_so_far in sums])


@given(rows, st.integers(1, 70), st.sampled_from(["log", "linear"]))
@few
def test_every_holder_is_in_exactly_one_bin(pairs, bins, scale):
    frame = frame_of(pairs)
    if not any(mint == "v" for _, mint in pairs):
        return
    values = held_by(pairs, "v")
    table = analysis.distribution(frame, "v", bins, scale)
    assert len(table) <= bins
    assert table["holders"].sum() == len(values)
    for low, high, holders, total in table.itertuples(index=False, name=None):
        inside = [value for value in values if low <= value <= high]
        assert (holders, total) == (len(inside), sum(inside))
        assert len(analysis.holders_between(frame, "v", low, high)) == holders
    if values:
        assert (table["low"].iloc[0], table["high"].iloc[-1]) == (values[0], values[-1])
        assert (table["low"].iloc[1:].to_numpy() == table["high"].iloc[:-1].to_numpy() + 1).all()


def test_bins_have_equal_widths_on_their_scale():
    frame = frame_of({("a", "v"): (1, 1), ("b", "v"): (1_000, 1)})
    assert analysis.distribution(frame, "v", 3, "log")["low"].tolist() == [1, 11, 101]
    assert analysis.distribution(frame, "v", 4, "linear")["low"].tolist() == [1, 251, 501, 751]


def test_holders_between_keeps_rank_and_share_of_the_whole_mint():
    frame = frame_of({("a", "v"): (5, 1), ("b", "v"): (3, 2), ("c", "v"): (2, 3)})
    table = analysis.holders_between(frame, "v", 2, 3)
    assert table.index.tolist() == [2, 3]
    assert table["owner"].tolist() == ["b", "c"]
    assert table["cumulative_share"].tolist() == [0.8, 1.0]


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (0, -1, []),
        (3, 2, []),
        (-5, 2, ["c"]),
        (2**64, 2**70, []),
        (5, 2**70, ["a"]),
        (-(2**70), 2**70, ["a", "b", "c"]),
        (np.uint64(2), np.int8(3), ["b", "c"]),
    ],
)
def test_holders_between_takes_any_whole_numbers(low, high, found):
    frame = frame_of({("a", "v"): (U64_MAX, 1), ("b", "v"): (3, 2), ("c", "v"): (2, 3), ("d", "v"): (0, 3)})
    assert analysis.holders_between(frame, "v", low, high)["owner"].tolist() == found


@pytest.mark.parametrize("bad", [1.5, "1", None, math.nan, True])
def test_holders_between_refuses_what_is_no_whole_number(bad):
    frame = frame_of({("a", "v"): (5, 1)})
    with pytest.raises(InputError, match="low must be an integer"):
        analysis.holders_between(frame, "v", bad, 9)
    with pytest.raises(InputError, match="high must be an integer"):
        analysis.holders_between(frame, "v", 0, bad)


@given(rows)
@few
def test_the_lorenz_curve_goes_through_exact_shares_and_spans_the_gini(pairs):
    values = held_by(pairs, "v")
    if not values:
        return
    curve = analysis.lorenz(frame_of(pairs), "v")
    exact = [Fraction(sum(values[:count]), sum(values)) for count in range(len(values) + 1)]
    assert curve["balance_share"].tolist() == nearly([float(share) for share in exact])
    assert curve["holder_share"].tolist() == nearly([count / len(values) for count in range(len(values) + 1)])
    area = np.trapezoid(curve["balance_share"], curve["holder_share"])
    assert 1 - 2 * area == nearly(brute_gini(values))


@given(rows)
@few
def test_the_ecdf_has_one_step_per_different_balance(pairs):
    values = held_by(pairs, "v")
    if not any(mint == "v" for _, mint in pairs):
        return
    curve = analysis.ecdf(frame_of(pairs), "v")
    assert curve["balance"].tolist() == sorted(set(values))
    assert curve["holders"].tolist() == [sum(x <= step for x in values) for step in sorted(set(values))]
    assert curve["share"].tolist() == nearly([count / len(values) for count in curve["holders"]])


@pytest.mark.parametrize("ask", [analysis.top_holders, analysis.distribution, analysis.lorenz, analysis.ecdf])
def test_an_unknown_mint_is_an_error_but_an_empty_frame_knows_none(ask):
    with pytest.raises(InputError, match="mint 'nope' is not one of the 5 mints of this frame, such as 'v'"):
        ask(frame_of({("a", "v"): (1, 1)}), "nope")
    assert len(ask(frame_of({}), "nope")) <= 1
    assert len(ask(frame_of({("a", "v"): (1, 1)}), "w")) <= 1  # a category without rows


def test_bad_options_are_refused():
    frame = frame_of({("a", "v"): (1, 1)})
    with pytest.raises(InputError, match="scale must be 'log' or 'linear', got 'loglog'"):
        analysis.distribution(frame, "v", scale="loglog")
    with pytest.raises(InputError, match="bins must be an integer of at least 1, got 0"):
        analysis.distribution(frame, "v", bins=0)
    with pytest.raises(InputError, match="n must be an integer of at least 1, got 0"):
        analysis.top_holders(frame, "v", n=0)


@given(rows)
@few
def test_the_index_answers_for_each_pair_and_mint(pairs):
    index = MintIndex.of(frame_of(pairs))
    for owner in OWNERS:
        for mint in MINTS:
            balance, _ = pairs.get((owner, mint), (None, None))
            assert index.balance_of(owner, mint) == balance
    for mint in {mint for _, mint in pairs}:
        holders, slots = index.holders(mint), [slot for (_, name), (_, slot) in pairs.items() if name == mint]
        assert holders.balances.tolist() == held_by(pairs, mint)
        assert holders.total == sum(held_by(pairs, mint))
        assert (holders.slot_first, holders.slot_last) == (min(slots), max(slots))
    assert index.rows == len(pairs)
    assert index.zero_balances == sum(balance == 0 for balance, _ in pairs.values())
    assert index.owners.tolist() == list(OWNERS)
    assert MintIndex.of(index) is index


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_index_holds_what_the_frame_held_whatever_happens_to_it_afterwards(backend):
    frame = frame_of({("a", "v"): (5, 1), ("b", "v"): (7, 2), ("b", "w"): (9, 3)}, backend)
    index = MintIndex.of(frame)
    frame.loc[0, "balance"] = 99
    frame.loc[0, "slot"] = 99
    frame.loc[2, "owner"] = "a"
    assert index.balance_of("a", "v") == 5
    assert index.balance_of("b", "w") == 9
    assert index.columns.slots.tolist() == [1, 2, 3]
    assert index.frame["balance"].tolist() == [5, 7, 9]


def test_the_index_shares_its_numbers_with_the_frame_and_finds_its_mints_once():
    frame = frame_of({("a", "v"): (5, 1), ("b", "w"): (7, 2)})
    index = MintIndex.of(frame)
    assert np.shares_memory(index.columns.balances, frame["balance"].to_numpy())
    assert np.shares_memory(index.frame["balance"].to_numpy(), frame["balance"].to_numpy())
    assert index.mints is index.mints


# owners and slots


@given(rows, st.sampled_from(BACKENDS))
@few
def test_by_owner_counts_mints_and_keeps_owners_without_rows(pairs, backend):
    table = analysis.by_owner(frame_of(pairs, backend))
    if backend in ("category", "nullable"):
        assert table.index.tolist() == list(OWNERS)
    for owner, row in table.iterrows():
        mine = [found for (name, _), found in pairs.items() if name == owner]
        assert row["mints"] == sum(balance > 0 for balance, _ in mine)
        assert row["total"] == sum(balance for balance, _ in mine)
        assert row["zero_balances"] == sum(balance == 0 for balance, _ in mine)
        slots = [slot for _, slot in mine]
        if slots:
            assert (row["slot_first"], row["slot_last"]) == (min(slots), max(slots))
        else:
            assert row["slot_first"] is pd.NA


def test_by_owner_says_nothing_of_an_owner_that_failed():
    failed = json.dumps([{"owner": "b", "page": 1, "kind": "RPCError", "message": "no"}])
    frame = with_notes(frame_of({("a", "v"): (1, 1)}, owners=("a", "b", "c")), failures=failed)
    table = analysis.by_owner(frame)
    assert table["mints"].isna().tolist() == table["total"].isna().tolist() == [False, True, False]
    assert table.loc["c", "mints"] == 0


@given(rows)
@few
def test_slots_are_listed_per_owner_and_drift_is_the_widest_gap(pairs):
    frame = frame_of(pairs)
    table = analysis.slots(frame)
    seen = {}
    for (owner, _), (_, slot) in pairs.items():
        seen.setdefault(owner, set()).add(slot)
    assert table.index.tolist() == sorted(seen)
    for owner, row in table.iterrows():
        assert tuple(row) == (min(seen[owner]), max(seen[owner]), len(seen[owner]))
    slots = [slot for _, slot in pairs.values()]
    assert analysis.drift(frame) == (max(slots) - min(slots) if slots else 0)


# two pulls


@given(rows, rows, st.sampled_from(BACKENDS))
@few
def test_diff_is_exact_and_signed_for_every_pair(before, after, backend):
    old, new = with_notes(frame_of(before)), with_notes(frame_of(after, backend))
    table = analysis.diff(old, new).set_index(["owner", "mint"])
    assert set(table.index) == before.keys() | after.keys()
    asked_after = set(OWNERS) if backend in ("category", "nullable") else {owner for owner, _ in after}
    for pair, row in table.iterrows():
        was, now = before.get(pair, (None, None)), after.get(pair, (None, None))
        if now[0] is None and pair[0] not in asked_after:
            assert row["status"] == "not read"
            assert row["change"] is pd.NA
        else:
            assert row["change"] == (now[0] or 0) - (was[0] or 0)
            assert row["status"] == brute_status(was[0], now[0])
        assert [row["before"], row["after"]] == [pd.NA if x is None else x for x in (was[0], now[0])]
        assert [row["slot_before"], row["slot_after"]] == [
            pd.NA if x is None else x for x in (was[1], now[1])
        ]


def brute_status(was, now):
    if was is None:
        return "new"
    if now is None:
        return "gone"
    return "same" if was == now else "changed"


def statuses(before, after):
    table = analysis.diff(before, after)
    return dict(zip(zip(table["owner"], table["mint"], strict=True), table["status"], strict=True))


def test_a_pair_outside_the_mint_filter_was_not_read():
    both = frame_of({("a", "v"): (1, 1), ("a", "w"): (2, 1)})
    one = with_notes(both.iloc[:1], mints=["v"])
    assert statuses(with_notes(both), one) == {("a", "v"): "same", ("a", "w"): "not read"}
    assert statuses(one, with_notes(both)) == {("a", "v"): "same", ("a", "w"): "not read"}


def test_an_owner_that_failed_was_not_read():
    failed = json.dumps([{"owner": "a", "page": 2, "kind": "RPCError", "message": "no"}])
    before = with_notes(frame_of({("a", "v"): (1, 1), ("b", "v"): (1, 1)}))
    after = with_notes(before.iloc[:0], failures=failed)
    assert statuses(before, after) == {("a", "v"): "not read", ("b", "v"): "gone"}


def test_an_owner_that_was_not_asked_was_not_read():
    before = with_notes(frame_of({("a", "v"): (1, 1), ("b", "v"): (1, 1)}, owners=("a", "b")))
    after = with_notes(frame_of({("b", "w"): (1, 1)}, owners=("b",)))
    assert statuses(before, after) == {("a", "v"): "not read", ("b", "v"): "gone", ("b", "w"): "new"}


def pairs_of(text, owners, backend="category"):
    """Frame of pairs as `av bw`, one base unit each, with these owners read to the end."""
    return frame_of({(pair[0], pair[1]): (1, 1) for pair in text.split()}, backend, owners=tuple(owners))


@pytest.mark.parametrize("attrs", [None, {}], ids=["without attrs", "with attrs"])
def test_an_owner_that_was_not_read_to_the_end_is_never_gone_or_new(attrs):
    whole, part = pairs_of("av bv cw", "abc"), pairs_of("av", "ac")
    if attrs is not None:
        whole, part = with_notes(whole), with_notes(part)
    assert statuses(whole, part) == {("a", "v"): "same", ("b", "v"): "not read", ("c", "w"): "gone"}
    assert statuses(part, whole) == {("a", "v"): "same", ("b", "v"): "not read", ("c", "w"): "new"}


@pytest.mark.parametrize("backend", ["text", "arrow"])
def test_a_column_of_plain_text_knows_only_the_owners_that_have_rows(backend):
    whole, part = pairs_of("av bv bw", "ab"), pairs_of("bv", "b").astype(dtypes_of(backend, ()))
    assert statuses(whole, part) == {("a", "v"): "not read", ("b", "v"): "same", ("b", "w"): "gone"}


def test_without_attrs_every_mint_counts_as_asked_unless_the_call_says_otherwise():
    before, after = pairs_of("av bv bw", "abc"), pairs_of("av bx cv", "abc")
    assert statuses(before, after) == {
        ("a", "v"): "same",
        ("b", "v"): "gone",
        ("b", "w"): "gone",
        ("b", "x"): "new",
        ("c", "v"): "new",
    }
    narrow = analysis.diff(before, after, mints=["v", "w"]).set_index(["owner", "mint"])["status"]
    assert narrow["b", "x"] == "not read"
    assert narrow["b", "w"] == "gone"
    with_attrs = analysis.diff(with_notes(before), with_notes(after), mints="v")
    pd.testing.assert_frame_equal(with_attrs, analysis.diff(before, after))


def test_of_a_complete_mint_an_owner_without_a_row_had_none():
    before, after = pairs_of("av bv aw", "ab"), pairs_of("av cv cw", "ac")
    status = analysis.diff(before, after, complete="v").set_index(["owner", "mint"])["status"]
    assert status["b", "v"] == "gone"
    assert status["c", "v"] == "new"
    assert status["c", "w"] == "not read"
    for complete in (True, ["v"]):
        noted = [with_notes(frame, mints=["v"], complete=complete) for frame in (before, after)]
        assert statuses(*noted)["b", "v"] == "gone"
        assert statuses(*noted)["c", "v"] == "new"


@pytest.mark.parametrize("bad", [5, [5], [None], b"v"])
def test_mints_that_are_not_text_are_refused(bad):
    frame = frame_of({("a", "v"): (1, 1)})
    with pytest.raises(InputError, match="mints must be one mint or several"):
        analysis.diff(frame, frame, mints=bad)
    with pytest.raises(InputError, match="complete must be one mint or several"):
        analysis.diff(frame, frame, complete=bad)


def test_a_zero_that_one_pull_dropped_is_the_same():
    zero = with_notes(frame_of({("a", "v"): (0, 1)}))
    dropped = with_notes(frame_of({}), drop_zero=True)
    assert statuses(zero, dropped) == {("a", "v"): "same"}
    assert statuses(dropped, zero) == {("a", "v"): "same"}
    assert statuses(zero, with_notes(frame_of({}))) == {("a", "v"): "gone"}


def test_failures_are_listed_and_gone_attrs_are_never_none():
    record = {"owner": "b", "page": 3, "kind": "RPCError", "message": "server said no"}
    frame = with_notes(frame_of({}), failures=json.dumps([record, {**record, "page": None}]))
    table = analysis.failures(frame)
    assert table["owner"].tolist() == ["b", "b"]
    assert table["page"].tolist() == [3, pd.NA]
    assert len(analysis.failures(with_notes(frame_of({})))) == 0
    with pytest.raises(AttrsError, match="pandas dropped it"):
        analysis.failures(frame_of({}))
    with pytest.raises(AttrsError):
        analysis.failures(pd.concat([frame, frame_of({("a", "v"): (1, 1)})]))


GOOD_ATTRS = {
    "cluster": "demo",
    "method": "getCompressedTokenBalancesByOwnerV2",
    "mints": ["v"],
    "drop_zero": True,
    "owners": 3,
    "failed": 1,
    "failures": json.dumps([{"owner": "b", "page": None, "kind": "RPCError", "message": "no"}]),
}
RECORD = {"owner": "b", "page": 1, "kind": "RPCError", "message": "no"}
BAD_ENTRIES = {
    "cluster": [None, 5, ["demo"], "\ud800"],
    "mints": ["v", [1], {"v": 1}, 5, None],
    "drop_zero": ["no", 1, None],
    "complete": ["v", 1, None, [1]],
    "owners": [-1, 1.5, "3", True, None, 2**63],
    "failed": [-1, None, "many"],
    "failures": [
        None,
        5,
        "no JSON",
        "[" * 100_000,
        "{}",
        "[1]",
        "[{}]",
        *(json.dumps([RECORD | {key: bad}]) for key, bad in (("owner", 5), ("page", "x"), ("page", 2**70))),
        json.dumps([RECORD | {"message": "\ud800"}]),
    ],
}


def test_attrs_of_a_pull_are_returned_as_they_are():
    frame = frame_of({})
    frame.attrs["helius"] = GOOD_ATTRS | {"note": "not ours"}
    assert analysis.pull_attrs(frame) == GOOD_ATTRS
    assert analysis.pull_attrs(frame) is not frame.attrs["helius"]


@pytest.mark.parametrize("bad", [None, 5, "text", [], [("owners", 3)], {}, {5: 6}, {"version": 5}])
def test_attrs_of_another_making_are_as_good_as_gone(bad):
    frame = frame_of({("a", "v"): (1, 1)})
    frame.attrs["helius"] = bad
    assert analysis.pull_attrs(frame) == {}
    assert_answers_as_without_attrs(frame)


@pytest.mark.parametrize(
    ("key", "bad"), [(key, bad) for key, all_bad in BAD_ENTRIES.items() for bad in all_bad]
)
def test_an_entry_of_another_making_is_left_out_and_breaks_nothing(key, bad):
    frame = frame_of({("a", "v"): (1, 1)})
    frame.attrs["helius"] = {key: bad}
    assert analysis.pull_attrs(frame) == {}
    assert_answers_as_without_attrs(frame)


def assert_answers_as_without_attrs(frame):
    bare = frame.copy()
    bare.attrs.clear()
    for ask in (analysis.by_owner, analysis.by_mint, lambda one: analysis.diff(one, one)):
        pd.testing.assert_frame_equal(ask(frame), ask(bare))
    assert repr(frame.helius) == repr(bare.helius)
    with pytest.raises(AttrsError):
        analysis.failures(frame)


# units and shape


@given(rows, st.integers(0, 18))
@few
def test_exact_amounts_are_the_balance_moved_by_the_point(pairs, decimals):
    table = analysis.with_decimals(frame_of(pairs), decimals, exact=True)
    assert table["ui_balance"].dtype == pd.ArrowDtype(pa.decimal128(38, decimals))
    expected = [Decimal(balance).scaleb(-decimals) for balance, _ in pairs.values()]
    assert [Decimal(amount) for amount in table["ui_balance"]] == expected


def test_amounts_of_several_mints_and_of_unknown_ones():
    frame = frame_of({("a", "v"): (U64_MAX, 1), ("a", "w"): (15, 1), ("a", "x"): (7, 1)})
    exact = analysis.with_decimals(frame, {"v": 9, "w": 1}, exact=True)["ui_balance"]
    assert exact.tolist()[:2] == [Decimal("18446744073.709551615"), Decimal("1.5")]
    assert exact.isna().tolist() == [False, False, True]
    plain = analysis.with_decimals(frame, {"v": 9, "w": 1})["ui_balance"]
    assert plain.dtype == np.float64
    assert plain.tolist()[1] == 1.5
    assert math.isnan(plain.tolist()[2])


def test_decimals_out_of_range_are_refused():
    frame = frame_of({("a", "v"): (1, 1)})
    for bad in (-1, 256, 1.5, True, "6"):
        with pytest.raises(InputError, match="decimals"):
            analysis.with_decimals(frame, bad)
    with pytest.raises(InputError, match="0 to 18"):
        analysis.with_decimals(frame, 19, exact=True)


@given(rows, st.sampled_from([True, False, None]))
@few
def test_pivot_has_every_balance_in_its_cell(pairs, sparse):
    table = analysis.pivot(frame_of(pairs), sparse=sparse)
    assert table.shape == (len({owner for owner, _ in pairs}), len({mint for _, mint in pairs}))
    for owner in table.index:
        for mint in table.columns:
            assert int(table.loc[owner, mint]) == pairs.get((owner, mint), (0, 0))[0]


def test_pivot_is_sparse_where_few_pairs_have_rows():
    alone = {(f"o{place}", f"m{place}"): (place, 1) for place in range(8)}
    frame = frame_of(alone, "text")
    assert set(map(str, analysis.pivot(frame).dtypes)) == {"Sparse[uint64, 0]"}
    assert set(map(str, analysis.pivot(frame.iloc[:2]).dtypes)) == {"uint64"}


# all of them


@pytest.mark.parametrize("backend", BACKENDS)
def test_inputs_stay_as_they_are(backend):
    frame = with_notes(frame_of({("b", "v"): (3, 2), ("a", "v"): (0, 1), ("a", "w"): (9, 5)}, backend))
    frame["note"] = ["x", "y", "z"]
    before = frame.copy(deep=True)
    for ask in (analysis.by_mint, analysis.by_owner, analysis.slots, analysis.drift, analysis.pivot):
        ask(frame)
    for ask in (analysis.top_holders, analysis.distribution, analysis.lorenz, analysis.ecdf):
        ask(frame, "v")
    analysis.diff(frame, frame)
    widened = analysis.with_decimals(frame, 2)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs == widened.attrs
    assert widened["note"].tolist() == ["x", "y", "z"]


def test_a_frame_read_back_from_csv_gives_the_same_table(tmp_path):
    frame = frame_of({("a", "v"): (U64_MAX, 1), ("b", "v"): (1, 1), ("b", "w"): (0, 1)})
    frame.to_csv(tmp_path / "frame.csv", index=False)
    pd.testing.assert_frame_equal(
        analysis.by_mint(pd.read_csv(tmp_path / "frame.csv")), analysis.by_mint(frame)
    )


def test_equal_balances_rank_as_in_the_frame_among_many():
    n = 3_000
    values = np.random.default_rng(3).integers(1, 40, n)
    frame = pd.DataFrame({"owner": [f"o{i}" for i in range(n)], "mint": "m", "balance": values, "slot": 1})
    expected = sorted(range(n), key=lambda place: -values[place])
    assert analysis.top_holders(frame, "m", n)["owner"].tolist() == [f"o{place}" for place in expected]
    assert Counter(values.tolist())[int(values[0])] > 1
