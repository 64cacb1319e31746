"""The buffer of a walk beside plain lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames._pull.rows import RowBuffer, concatenate
from tests.support.pages import mint_at, page_of, pairs

# Pages of any numbers of rows, each with its slot.
PAGES = st.lists(
    st.tuples(st.lists(st.integers(0, 99), unique=True, max_size=6), st.integers(0, 9)), max_size=8
)


def buffered(pages):
    buffer = RowBuffer()
    for numbers, slot in pages:
        buffer.append(page_of(numbers, slot=slot))
    return buffer


def as_lists(rows):
    return pairs(rows), rows.slots.tolist()


def expected(pages):
    rows = [(mint_at(number), number) for numbers, _ in pages for number in numbers]
    return rows, [slot for numbers, slot in pages for _ in numbers]


@given(PAGES)
def test_rows_come_out_as_pages_went_in_each_with_the_slot_of_its_page(pages):
    buffer = buffered(pages)
    assert len(buffer) == sum(len(numbers) for numbers, _ in pages)
    assert list(map(pubkey.text, buffer.keys.tolist())) == [mint for mint, _ in expected(pages)[0]]
    rows = buffer.take_rows()
    assert as_lists(rows) == expected(pages)
    slots = [slot for _, slot in pages]
    assert rows.slot_range == ((min(slots), max(slots)) if slots else None)


@given(PAGES, PAGES)
def test_a_buffer_begins_anew_after_its_rows_were_taken(first, second):
    buffer = buffered(first)
    taken = buffer.take_rows()
    for numbers, slot in second:
        buffer.append(page_of(numbers, slot=slot))
    assert as_lists(buffer.take_rows()) == expected(second)
    assert as_lists(taken) == expected(first)


def test_dtypes_are_exact_also_without_rows():
    for rows in (RowBuffer().take_rows(), buffered([([1], 5)]).take_rows()):
        assert (rows.keys.dtype, rows.balances.dtype, rows.slots.dtype) == (
            pubkey.KEY_DTYPE,
            np.uint64,
            np.int64,
        )


@pytest.mark.parametrize(
    ("begin", "end", "kept"), [(0, 2, [0, 1]), (1, None, [1, 2]), (3, None, []), (1, 1, [])]
)
def test_a_part_of_a_page_can_be_appended_and_its_slot_counts_anyhow(begin, end, kept):
    buffer = RowBuffer()
    buffer.append(page_of(range(3), slot=7), begin, end)
    rows = buffer.take_rows()
    assert rows.balances.tolist() == kept
    assert rows.slot_range == (7, 7)


def test_the_highest_balance_is_kept():
    buffer = RowBuffer()
    buffer.append(page_of({1: 2**64 - 1, 2: 2**63}))
    assert buffer.take_rows().balances.tolist() == [2**64 - 1, 2**63]


def test_many_pages_leave_room_for_half_as_many_rows_at_most_and_none_when_they_are_taken():
    buffer = RowBuffer()
    for number in range(200):
        buffer.append(page_of(range(number * 10, number * 10 + 10)))
        for column in buffer._columns:
            assert len(buffer) <= len(column) <= max(10, len(buffer) * 3 // 2)
    rows = buffer.take_rows()
    assert [column.base for column in (rows.keys, rows.balances, rows.slots)] == [None] * 3
    assert len(rows.keys) == len(rows.balances) == len(rows.slots) == 2000


def test_some_rows_can_be_taken_by_slice_mask_and_place():
    rows = buffered([(range(4), 5)]).take_rows()
    for which in (slice(1, 3), np.array([False, True, True, False]), np.array([1, 2])):
        assert as_lists(rows.take(which)) == ([(mint_at(1), 1), (mint_at(2), 2)], [5, 5])
        assert rows.take(which).slot_range == (5, 5)


@given(st.lists(PAGES, min_size=1, max_size=4))
def test_parts_one_after_another_are_the_whole(parts):
    joined = concatenate([buffered(pages).take_rows() for pages in parts])
    whole = buffered([page for pages in parts for page in pages]).take_rows()
    assert as_lists(joined) == as_lists(whole)
    assert joined.slot_range == whole.slot_range


def test_one_part_alone_is_not_copied():
    rows = buffered([([1], 1)]).take_rows()
    assert concatenate([rows]) is rows
