"""Our reader on every Photon: what the server was seeded with is what the frame holds."""

import itertools

import pandas as pd
import pytest

import helius_frames
from tests.black_box.contract import seed
from tests.support.frames import rows_held, rows_of

ALL = tuple(seed.HELD)


def read(server, owners, mint=None, **options):
    options.setdefault("progress", False)
    return helius_frames.read_helius_balances(owners, mint, endpoint=server.url, **options)


def held(owners, mints=None):
    return [row for row in rows_held(seed.HOLDINGS, owners) if mints is None or row[1] in mints]


@pytest.mark.parametrize("max_concurrency", [1, 3, 16, 150])
@pytest.mark.parametrize("page_size", [1000, 97])
def test_the_frame_holds_every_row_in_order_and_to_the_last_digit(server, page_size, max_concurrency):
    frame = read(server, ALL, page_size=page_size, max_concurrency=max_concurrency)
    assert rows_of(frame) == held(ALL)
    assert frame["balance"].dtype == "uint64"
    assert (frame["slot"] >= seed.SLOT).all()


@pytest.mark.parametrize("owner", [seed.WIDE, seed.CROWDED, seed.FULL, seed.EDGES])
@pytest.mark.parametrize("page_size", [7, 50, 1000])
def test_one_owner_read_in_parallel_is_whole(server, owner, page_size):
    assert rows_of(read(server, owner, page_size=page_size)) == held([owner])


def test_one_mint_is_one_request_for_each_owner(server):
    mint = next(iter(seed.HELD[seed.SHARED[0]]))
    frame = read(server, seed.SHARED, mint)
    assert rows_of(frame) == held(seed.SHARED, {mint})
    assert frame.attrs["helius"]["requests"] == len(seed.SHARED)


def test_several_mints_are_found_by_skipping(server):
    mints = [*itertools.islice(seed.HELD[seed.WIDE], 3), *itertools.islice(seed.HELD[seed.EDGES], 12)]
    owners = [seed.WIDE, seed.EDGES, seed.EMPTY]
    assert rows_of(read(server, owners, mints)) == held(owners, set(mints))


def test_chunks_together_are_the_whole(server):
    with read(server, ALL, chunksize=700) as chunks:
        parts = list(chunks)
    assert [row for part in parts for row in rows_of(part)] == held(ALL)
    assert {len(part) for part in parts[:-1]} == {700}


def test_a_stable_read_agrees_at_its_second_pass(server):
    frame = read(server, [seed.WIDE, seed.ONE], consistency="stable", page_size=500)
    assert rows_of(frame) == held([seed.WIDE, seed.ONE])
    assert frame.attrs["helius"]["unstable"] == "[]"


def test_drop_zero_leaves_out_what_was_spent(server):
    frame = read(server, [seed.SPENT, seed.EXTREMES], drop_zero=True)
    assert rows_of(frame) == [row for row in held([seed.EXTREMES]) if row[2]]
    assert list(frame["owner"].cat.categories) == [seed.SPENT, seed.EXTREMES]


def test_totals_are_exact_above_2_to_the_64(server):
    frame = read(server, ALL)
    total = sum(balance for row in seed.HELD.values() for balance in row.values())
    assert total > 2**64
    assert int(frame.helius.by_mint()["total"].sum()) == total


def test_a_frame_of_an_owner_without_rows_is_empty_with_all_its_columns(server):
    frame = read(server, seed.EMPTY)
    assert frame.empty
    assert list(frame.dtypes.astype(str)) == ["category", "category", "uint64", "int64"]
    pd.testing.assert_index_equal(frame["owner"].cat.categories, pd.Index([seed.EMPTY], dtype="str"))
