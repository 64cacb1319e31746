"""The third moment of the demo cluster: more of the airdrop is gone, and nothing else has moved."""

from __future__ import annotations

import pandas as pd
import pytest

import helius_frames
from helius_frames import demo
from helius_frames.analysis import airdrop_summary, diff, timeline

FAIR_DROP = demo.TOKENS[0].mint


def read(moment):
    with demo.at(moment):
        return helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")


def test_four_weeks_on_every_fate_of_an_airdrop_is_there():
    summary = airdrop_summary(read("last"), pd.Series(10**9, index=demo.OWNERS), FAIR_DROP)
    assert (summary.loc[["kept all", "more", "part", "none left", "never arrived"], "owners"] > 5).all()
    assert sum(summary["held"]) == 480 * 10**9


def test_only_the_airdrop_moves_between_the_second_and_the_last_moment():
    moved = diff(read("later"), read("last")).query("status != 'same'")
    assert set(moved["status"]) == {"changed"}
    assert set(moved["mint"]) == {FAIR_DROP}


def test_some_who_had_left_returned():
    table = timeline([read(moment) for moment in ("first", "later", "last")], FAIR_DROP)
    assert table["left"].tolist()[1:] == [96, 40]
    assert table["returned"].tolist()[1:] == [0, 15]
    assert table["slot_first"].diff().tolist()[1:] == [3_024_000, 3_024_000]


def test_there_are_three_moments():
    with pytest.raises(ValueError, match="moment must be 'first', 'later' or 'last', got 'never'"):
        read("never")
