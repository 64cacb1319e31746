"""Timelines and cohorts of one mint over several pulls, against plain Python."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames.analysis import by_mint, cohorts, timeline
from helius_frames.errors import InputError
from tests.support.balance_rows import BACKENDS, MINT, MINTS, OWNERS, U64_MAX, few, frame_of, share

balances = st.one_of(st.just(0), st.integers(1, 3), st.integers(U64_MAX - 2, U64_MAX))
# One pull: what each owner it read has (None: no row), the other mints left out; and whether it is complete.
one_pull = st.tuples(
    st.dictionaries(st.sampled_from(OWNERS), st.one_of(st.none(), balances)),
    st.booleans(),
    st.sampled_from(BACKENDS),
)
some_pulls = st.lists(one_pull, min_size=1, max_size=6)


def pull_of(pull):
    """The frame of a pull, and who was read in it: with a balance, or 0 without a row."""
    owners, is_complete, backend = pull
    rows = {(owner, MINT): balance for owner, balance in owners.items() if balance is not None}
    notes = {"complete": [MINT], "mints": [MINT]} if is_complete else {"mints": [MINT]}
    frame = frame_of(rows, backend, owners=list(owners), **notes)
    read = {owner: balance or 0 for owner, balance in owners.items()}
    if backend not in ("category", "nullable"):
        read = {owner: balance for (owner, _), balance in rows.items()}
    if is_complete:
        read = {owner: read.get(owner, 0) for owner in OWNERS}
    return frame, read


@few
@given(some_pulls)
def test_a_timeline_is_what_is_known_of_each_owner_pull_by_pull(pulls):
    frames, reads = zip(*map(pull_of, pulls), strict=True)
    table = timeline(frames, MINT)
    known, ever, holders_known = {}, set(), 0
    for place, read in enumerate(reads):
        row = table.loc[place]
        holders = {owner for owner, balance in read.items() if balance}
        had = {owner for owner, balance in known.items() if balance}
        had_none = set(known) - had
        numbers = {
            "new": len(holders & had_none - ever),
            "returned": len(holders & had_none & ever),
            "left": len(had & set(read) - holders),
            "first_read": len(holders - set(known)),
            "not_read": len(had - set(read)),
        }
        for name, number in numbers.items():
            if place or name in ("first_read", "not_read"):
                assert row[name] == number, name
            else:
                assert row[name] is pd.NA
        assert (row["holders"], row["total"]) == (len(holders), sum(read.values()))
        # The ledger: nobody comes or goes without being counted.
        holders_known += numbers["new"] + numbers["returned"] + numbers["first_read"] - numbers["left"]
        assert row["holders"] + row["not_read"] == holders_known
        known |= read
        ever |= holders


@few
@given(some_pulls)
def test_of_each_cohort_everybody_holds_has_left_or_was_not_read(pulls):
    frames, reads = zip(*map(pull_of, pulls), strict=True)
    table = cohorts(frames, MINT)
    pairs = [(i, j) for i in range(len(pulls)) for j in range(i, len(pulls))]
    assert list(zip(table["pull"], table["later"], strict=True)) == pairs
    for (i, j), row in zip(pairs, table.itertuples(), strict=True):
        members = {owner for owner, balance in reads[i].items() if balance}
        held = {owner for owner in members if reads[j].get(owner)}
        read = members & set(reads[j])
        assert (row.holders, row.held, row.left) == (len(members), len(held), len(read - held))
        assert row.held + row.left + row.not_read == row.holders
        assert row.share == share(len(held), len(read)) or (math.isnan(row.share) and not read)


def test_measures_are_those_of_by_mint_and_labels_those_of_the_caller():
    rows = {(owner, MINT): place for place, owner in enumerate(OWNERS[:5])} | {(OWNERS[0], MINTS[1]): 9}
    dates = pd.to_datetime(["2026-08-01", "2026-08-15"])
    table = timeline(dict(zip(dates, [frame_of(rows), frame_of({})], strict=True)), MINT)
    assert table.index.tolist() == dates.tolist()
    assert table.index.name == "pull"
    of_mint = by_mint(frame_of(rows)).loc[MINT]
    assert (
        table.iloc[0][["holders", "gini", "nakamoto"]].tolist()
        == of_mint[["holders", "gini", "nakamoto"]].tolist()
    )
    assert table["total"].tolist() == [10, 0]
    assert table[["slot_first", "slot_last"]].iloc[0].tolist() == [0, 4]
    assert table[["slot_first", "slot_last"]].iloc[1].isna().all()
    assert table["left"].tolist() == [pd.NA, 4]
    assert cohorts({"a": frame_of(rows), "b": frame_of({})}, MINT)["later"].tolist() == ["a", "b", "b"]


def test_who_is_not_read_has_not_left():
    first = frame_of({(OWNERS[0], MINT): 5, (OWNERS[1], MINT): 5}, owners=OWNERS[:2])
    partial = frame_of({(OWNERS[0], MINT): 5}, owners=OWNERS[:1])
    last = frame_of({(OWNERS[0], MINT): 5}, owners=OWNERS[:2])
    table = timeline([first, partial, last], MINT)
    assert table["left"].tolist() == [pd.NA, 0, 1]
    assert table["not_read"].tolist() == [0, 1, 0]
    assert cohorts([first, partial], MINT)["share"].tolist() == [1.0, 1.0, 1.0]
    text = frame_of({(OWNERS[0], MINT): 5}, "text")
    assert timeline([first, text], MINT)["left"].tolist() == [pd.NA, 0]
    assert timeline([first, text], MINT, complete=MINT)["left"].tolist() == [pd.NA, 1]


@pytest.mark.parametrize("function", [timeline, cohorts])
def test_pulls_that_cannot_be_compared_are_refused(function):
    frame = frame_of({(OWNERS[0], MINT): 5})
    other = frame_of({(OWNERS[0], MINTS[1]): 5}, mints=[MINTS[1]])
    for pulls, message in [
        ([], "at least one frame"),
        (frame, "a list or a mapping of frames, got DataFrame"),
        ([frame, None], "pull 1 is NoneType"),
        ({"a": frame, "b": other}, "must all have asked for the mint, pull 'b' did not"),
    ]:
        with pytest.raises(InputError, match=message):
            function(pulls, MINT)
    with pytest.raises(InputError, match="is in none"):
        function([frame], "nowhere")
