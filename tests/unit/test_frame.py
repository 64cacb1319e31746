"""The one schema: what goes in as pages comes out as rows, in order and exact."""

from __future__ import annotations

import json
import tracemalloc
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames import _frame
from helius_frames._frame import FrameBuilder, failures_frame
from helius_frames._protocol import pubkey
from helius_frames._pull.rows import RowBuffer, Rows
from tests.support.pages import mint_at, page_of

U64_MAX = 2**64 - 1
OWNERS = tuple(pubkey.encode(bytes([byte]) * 32) for byte in (9, 3, 7, 1))
MINTS = tuple(mint_at(number) for number in range(30))
COLUMNS = ("owner", "mint", "balance", "slot")
BACKENDS = [None, "numpy_nullable", "pyarrow"]
BALANCES = st.integers(0, U64_MAX) | st.sampled_from([0, U64_MAX])
# Per owner the pages of one walk: mints by number, each once.
HELD = st.dictionaries(st.integers(0, 29), BALANCES, max_size=12)
HOLDINGS = st.lists(HELD, min_size=4, max_size=4)


def rows_with(*pages):
    """Return the rows of a walk of (balances by number, slot)."""
    buffer = RowBuffer()
    for held, slot in pages:
        buffer.append(page_of(dict(sorted(held.items())), slot=slot))
    return buffer.take_rows()


def build(holdings, *, order=None, backend=None, drop_zero=False, finished=None):
    """Build a frame of one page for each owner, added in some order."""
    builder = FrameBuilder(OWNERS, drop_zero=drop_zero, dtype_backend=backend)
    for index in order if order is not None else range(len(holdings)):
        builder.add(index, rows_with((holdings[index], 100 + index)))
    return builder.frame(finished)


def rows_of(frame):
    """Rows as plain Python values, exact."""
    return [
        (str(owner), str(mint), int(balance), int(slot))
        for owner, mint, balance, slot in zip(*(frame[name].tolist() for name in COLUMNS), strict=True)
    ]


def expected(holdings, *, drop_zero=False):
    return [
        (OWNERS[index], MINTS[number], held[number], 100 + index)
        for index, held in enumerate(holdings)
        for number in sorted(held)
        if held[number] or not drop_zero
    ]


# Rows and their order


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=25)
@given(HOLDINGS, st.permutations(range(4)))
def test_what_goes_in_comes_out_in_the_order_of_owners_then_mints(backend, holdings, order):
    assert rows_of(build(holdings, order=order, backend=backend)) == expected(holdings)


@settings(max_examples=25)
@given(HOLDINGS, st.permutations(range(4)))
def test_the_order_of_arrival_leaves_no_trace(holdings, order):
    pd.testing.assert_frame_equal(build(holdings, order=order), build(holdings))


@settings(max_examples=25)
@given(HOLDINGS)
def test_drop_zero_leaves_out_the_zeros_and_nothing_else(holdings):
    assert rows_of(build(holdings, drop_zero=True)) == expected(holdings, drop_zero=True)


def test_parts_of_one_owner_follow_each_other_each_row_with_its_slot():
    builder = FrameBuilder(OWNERS)
    for slot, held in enumerate(({0: 1, 1: 2}, {}, {2: U64_MAX}), start=50):
        builder.add(1, rows_with((held, slot)))
    builder.add(0, rows_with(({1: 7}, 40), ({3: 8}, 41)))
    assert [(row[1], row[2], row[3]) for row in rows_of(builder.frame())] == [
        (MINTS[1], 7, 40),
        (MINTS[3], 8, 41),
        (MINTS[0], 1, 50),
        (MINTS[1], 2, 50),
        (MINTS[2], U64_MAX, 52),
    ]


def test_the_index_is_that_of_a_new_frame():
    frame = build([{0: 1}, {1: 2}, {}, {2: 3}])
    assert isinstance(frame.index, pd.RangeIndex)
    assert frame.index.tolist() == [0, 1, 2]


# Schema

DTYPES = {
    None: ("uint64", "int64"),
    "numpy_nullable": ("UInt64", "Int64"),
    "pyarrow": ("uint64[pyarrow]", "int64[pyarrow]"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("holdings", [[{}, {}, {}, {}], [{0: 0, 1: U64_MAX}, {}, {1: 5}, {}], []], ids=len)
def test_every_frame_has_the_one_schema_also_an_empty_one(backend, holdings):
    frame = build(holdings, backend=backend)
    assert tuple(frame.columns) == COLUMNS == ("owner", "mint", "balance", "slot")
    assert tuple(map(str, frame.dtypes[["balance", "slot"]])) == DTYPES[backend]
    if backend == "pyarrow":
        text = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
        assert (frame.dtypes["owner"], frame.dtypes["mint"]) == (text, text)
    else:
        assert all(isinstance(frame.dtypes[name], pd.CategoricalDtype) for name in ("owner", "mint"))
        assert not frame["mint"].cat.ordered
        assert str(frame["owner"].cat.categories.dtype) == str(frame["mint"].cat.categories.dtype) == "str"


def test_owner_categories_are_the_finished_owners_in_the_order_asked():
    holdings = [{}, {1: 5}, {}, {2: 6}]
    assert tuple(build(holdings)["owner"].cat.categories) == OWNERS
    assert tuple(build([])["owner"].cat.categories) == OWNERS
    frame = build(holdings, finished={3, 1, 0})
    assert tuple(frame["owner"].cat.categories) == (OWNERS[0], OWNERS[1], OWNERS[3])
    assert [(row[0], row[2]) for row in rows_of(frame)] == [(OWNERS[1], 5), (OWNERS[3], 6)]
    assert tuple(build([], finished=set())["owner"].cat.categories) == ()


def test_mint_categories_are_the_mints_found_in_ascending_byte_order():
    frame = build([{9: 1}, {2: 5, 9: 2}, {}, {4: 1, 29: 0}])
    assert tuple(frame["mint"].cat.categories) == (MINTS[2], MINTS[4], MINTS[9], MINTS[29])
    assert build([])["mint"].cat.categories.tolist() == []


def test_mint_categories_of_dropped_zeros_are_left_out():
    frame = build([{9: 0}, {2: 5}, {}, {}], drop_zero=True)
    assert tuple(frame["mint"].cat.categories) == (MINTS[2],)


def test_a_frame_of_no_owners_has_the_schema():
    frame = FrameBuilder(()).frame()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_both_backends_hold_the_extremes_of_u64(backend):
    frame = build([{0: 0, 1: 2**53 + 1, 2: 2**63, 3: U64_MAX}], backend=backend)
    assert frame["balance"].tolist() == [0, 2**53 + 1, 2**63, U64_MAX]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_frame_can_be_used_as_any_other(backend, tmp_path):
    frame = build([{0: 4, 1: 2}, {1: 3}, {}, {}], backend=backend)
    assert frame.groupby("mint", observed=True)["balance"].max().tolist() == [4, 3]
    assert frame[frame["mint"] == MINTS[1]]["balance"].tolist() == [2, 3]
    frame.to_parquet(tmp_path / "balances.parquet")
    # pandas itself cannot read its Arrow dictionaries back into another backend (pandas issue 54392).
    again = pd.read_parquet(
        tmp_path / "balances.parquet", **({"dtype_backend": "pyarrow"} if backend else {})
    )
    assert rows_of(again) == rows_of(frame)
    changed = frame.copy()
    changed.loc[0, "balance"] = 5
    assert frame["balance"].iloc[0] == 4


@pytest.mark.parametrize("count", [127, 128, 200, 32_768, 40_000])
def test_categories_are_right_below_and_above_every_change_of_the_codes_size(count):
    numbers = np.arange(count)
    texts = [mint_at(int(number), bits=232) for number in numbers]
    builder = FrameBuilder(texts)
    keys = pubkey.align_texts(texts)
    builder.add(count - 1, Rows(keys, numbers.astype(np.uint64), np.full(count, 5), (5, 5)))
    frame = builder.frame()
    assert frame["mint"].tolist() == texts
    assert frame["owner"].unique().tolist() == texts[-1:]
    assert frame["balance"].tolist() == numbers.tolist()


@pytest.mark.parametrize("batch", [1, 2, 7, 29, 31])
@settings(max_examples=15)
@given(HOLDINGS, st.permutations(range(4)))
def test_codes_are_right_across_batches_of_any_size(batch, holdings, order):
    """Owners of fewer rows than a batch are encoded together, those of more each with its own dictionary."""
    whole = build(holdings)
    with patch.object(_frame, "_BATCH_ROWS", batch):
        pd.testing.assert_frame_equal(build(holdings, order=order), whole)


def test_the_frame_is_the_same_without_the_private_call_of_pandas(monkeypatch):
    holdings = [{0: 4, 1: 2}, {}, {1: U64_MAX}, {5: 0}]
    before = build(holdings)
    monkeypatch.delattr(pd.CategoricalDtype, "_from_fastpath")
    without = build(holdings)
    monkeypatch.undo()
    pd.testing.assert_frame_equal(without, before)


def test_categories_made_by_the_private_call_behave_as_others():
    frame = build([{0: 4, 1: 2}, {}, {1: 9}, {5: 0}])
    public = pd.CategoricalDtype(list(OWNERS))
    assert frame["owner"].dtype == public
    assert hash(frame["owner"].dtype) == hash(public)
    assert frame["owner"].astype(str).tolist() == [OWNERS[0], OWNERS[0], OWNERS[2], OWNERS[3]]
    assert frame["owner"].cat.remove_unused_categories().cat.categories.tolist() == [
        OWNERS[n] for n in (0, 2, 3)
    ]


# Building


def test_a_built_frame_is_not_changed_by_rows_that_came_before():
    rows = rows_with(({0: 1, 2: 4}, 5))
    builder = FrameBuilder(OWNERS)
    builder.add(0, rows)
    frame = builder.frame()
    rows.balances[0], rows.slots[0] = 99, 99
    rows.keys[0] = rows.keys[1]
    assert [row[1:] for row in rows_of(frame)] == [(MINTS[0], 1, 5), (MINTS[2], 4, 5)]


def test_a_builder_is_empty_after_it_has_built():
    builder = FrameBuilder(OWNERS)
    builder.add(0, rows_with(({0: 1}, 5)))
    assert len(builder.frame()) == 1
    assert len(builder.frame()) == 0


def test_many_owners_of_shared_mints_take_about_twenty_bytes_a_row():
    per_owner, owners = 30, 2000
    texts = [mint_at(number + 1) for number in range(owners)]
    rows = rows_with((dict.fromkeys(range(per_owner), 7), 5))
    builder = FrameBuilder(texts)
    for index in range(owners):
        builder.add(index, Rows(rows.keys, rows.balances.copy(), rows.slots.copy(), (5, 5)))
    frame = builder.frame()
    columns = frame.memory_usage(index=False, deep=False).sum() - sum(map(len, texts))
    assert columns < 24 * per_owner * owners
    assert frame["owner"].cat.codes.dtype == np.int16
    assert frame["mint"].cat.codes.dtype == np.int8


@pytest.mark.parametrize("per_owner", [100, 20_000])
def test_building_takes_little_more_than_rows_and_frame(per_owner):
    """Neither the keys of all rows nor two copies of the columns stand at once."""
    rows_in_all = 200_000
    owners = rows_in_all // per_owner
    texts = [mint_at(number + 1) for number in range(owners)]
    mints = pubkey.align_texts([mint_at(number, bits=216) for number in range(per_owner)])
    builder = FrameBuilder(texts)
    tracemalloc.start()
    for index in range(owners):
        slots = np.full(per_owner, 5)
        builder.add(index, Rows(mints.copy(), np.arange(per_owner, dtype=np.uint64), slots, (5, 5)))
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    frame = builder.frame()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(frame) == rows_in_all
    assert before < (16 + 44 + 8) * rows_in_all  # the keys of one batch, and Arrow's are not traced
    assert peak - before < 60 * rows_in_all


# Failures


def test_failures_are_a_frame_of_one_row_each():
    listed = [
        {"owner": OWNERS[0], "page": 3, "kind": "RPCError", "message": "no"},
        {"owner": OWNERS[1], "page": None, "kind": "RequestTimeout", "message": "late"},
    ]
    frame = failures_frame(json.dumps(listed))
    assert list(frame.columns) == ["owner", "page", "kind", "message"]
    assert frame["page"].tolist() == [3, pd.NA]
    assert frame["kind"].tolist() == ["RPCError", "RequestTimeout"]


def test_no_failures_are_an_empty_frame_of_the_same_dtypes():
    full = failures_frame(json.dumps([{"owner": "a", "page": 1, "kind": "k", "message": "m"}]))
    assert failures_frame("[]").dtypes.tolist() == full.dtypes.tolist()
    assert list(map(str, full.dtypes)) == ["str", "Int64", "str", "str"]
