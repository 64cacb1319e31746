"""The one schema: what goes in as pages comes out as rows, in order and exact."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helius_frames._walk import Rows, join
from helius_frames._wire import Page
from hypothesis import given, settings
from hypothesis import strategies as st

from helius_frames import _frame
from helius_frames._frame import COLUMNS, FrameBuilder, failures_frame, without_zeros
from helius_frames._protocol import pubkey

U64_MAX = 2**64 - 1
OWNERS = tuple(pubkey.encode(bytes([byte]) * 32) for byte in (9, 3, 7, 1))
MINTS = tuple(pubkey.encode(pubkey.at_position(n << 240)) for n in range(30))
BACKENDS = [None, "numpy_nullable", "pyarrow"]
BALANCES = st.integers(0, U64_MAX) | st.sampled_from([0, U64_MAX])
# Per owner the pages of one walk: mints by number, each once.
HELD = st.dictionaries(st.integers(0, 29), BALANCES, max_size=12)
HOLDINGS = st.lists(HELD, min_size=4, max_size=4)


def page_of(held, slot=1):
    """A page of mints by number."""
    mints = pubkey.align_texts([MINTS[number] for number in sorted(held)])
    return Page(mints, np.array([held[number] for number in sorted(held)], dtype=np.uint64), slot, None)


def build(holdings, *, order=None, backend=None, drop_zero=False):
    """A frame of one page for each owner, added in some order."""
    builder = FrameBuilder(OWNERS, drop_zero, backend)
    for index in order if order is not None else range(len(holdings)):
        builder.add_page(index, page_of(holdings[index], slot=100 + index))
    return builder.frame()


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


def test_pages_of_one_owner_follow_each_other_each_with_its_slot():
    builder = FrameBuilder(OWNERS)
    for slot, held in enumerate(({0: 1, 1: 2}, {}, {2: U64_MAX}), start=50):
        builder.add_page(1, page_of(held, slot))
    builder.add_page(0, page_of({1: 7}, 40))
    assert [(row[1], row[2], row[3]) for row in rows_of(builder.frame())] == [
        (MINTS[1], 7, 40),
        (MINTS[0], 1, 50),
        (MINTS[1], 2, 50),
        (MINTS[2], U64_MAX, 52),
    ]


def test_joined_pages_in_any_order_keep_each_rows_own_slot():
    pages = [page_of({3: 30, 4: 40}, 7), page_of({}, 8), page_of({1: 10}, 9)]
    builder = FrameBuilder(OWNERS)
    builder.add(0, join(pages))
    assert [row[1:] for row in rows_of(builder.frame())] == [
        (MINTS[1], 10, 9),
        (MINTS[3], 30, 7),
        (MINTS[4], 40, 7),
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


def test_owner_categories_are_all_owners_asked_in_their_order():
    frame = build([{}, {1: 5}, {}, {}])
    assert tuple(frame["owner"].cat.categories) == OWNERS
    assert tuple(build([])["owner"].cat.categories) == OWNERS


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
    texts = [pubkey.encode(pubkey.at_position(int(n) << 232)) for n in numbers]
    builder = FrameBuilder(texts)
    keys = pubkey.align_texts(texts)
    builder.add_page(count - 1, Page(keys, numbers.astype(np.uint64), 5, None))
    frame = builder.frame()
    assert frame["mint"].tolist() == texts
    assert frame["owner"].unique().tolist() == texts[-1:]
    assert frame["balance"].tolist() == numbers.tolist()


def test_categories_of_more_than_one_block_of_text_are_whole(monkeypatch):
    monkeypatch.setattr(_frame, "_BLOCK", 7)
    assert build([dict.fromkeys(range(30), 1)])["mint"].tolist() == list(MINTS)


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


def test_a_builder_counts_the_rows_that_will_be_in_the_frame():
    builder = FrameBuilder(OWNERS, drop_zero=True)
    builder.add_page(0, page_of({0: 0, 1: 5}))
    builder.add_page(1, page_of({1: 0}))
    assert builder.rows == 1 == len(builder.frame())


def test_a_built_frame_is_not_changed_by_pages_that_come_later():
    held = page_of({0: 1})
    builder = FrameBuilder(OWNERS)
    builder.add_page(0, held)
    frame = builder.frame()
    held.balances[0] = 99
    assert frame["balance"].tolist() == [1]


def test_many_owners_of_shared_mints_take_about_twenty_bytes_a_row():
    per_owner, owners = 30, 2000
    texts = [pubkey.encode(pubkey.at_position((n + 1) << 200)) for n in range(owners)]
    page = page_of(dict.fromkeys(range(per_owner), 7))
    builder = FrameBuilder(texts)
    tracemalloc.start()
    for index in range(owners):
        builder.add_page(index, Page(page.mints, page.balances.copy(), 5, None))
    waiting, _ = tracemalloc.get_traced_memory()
    frame = builder.frame()
    tracemalloc.stop()
    rows = per_owner * owners
    columns = frame.memory_usage(index=False, deep=False).sum() - sum(map(len, texts))
    assert waiting < 45 * rows  # twelve bytes a row, and each owner's small arrays
    assert columns < 24 * rows
    assert frame["owner"].cat.codes.dtype == np.int16
    assert frame["mint"].cat.codes.dtype == np.int8


# Zeros and slots


@given(st.lists(HELD, max_size=5))
def test_without_zeros_keeps_every_other_row_with_its_slot(pages):
    rows = join_disjoint(pages)
    kept = without_zeros(rows)
    slots, kept_slots = np.repeat(rows.slots, rows.runs), np.repeat(kept.slots, kept.runs)
    keep = rows.balances > 0
    assert kept.balances.tolist() == rows.balances[keep].tolist()
    assert kept.mints.tolist() == rows.mints[keep].tolist()
    assert kept_slots.tolist() == slots[keep].tolist()


def join_disjoint(pages):
    """Rows of pages one after another, whatever their mints."""
    made = [page_of(held, slot) for slot, held in enumerate(pages)]
    empty = join([])
    return Rows(
        np.concatenate([empty.mints, *(page.mints for page in made)]),
        np.concatenate([empty.balances, *(page.balances for page in made)]),
        np.arange(len(made), dtype=np.int64),
        np.array([len(page.mints) for page in made], dtype=np.int64),
    )


def test_rows_of_no_pages_are_none():
    rows = join([])
    assert len(rows) == len(without_zeros(rows)) == 0


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
