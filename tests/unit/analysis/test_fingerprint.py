"""The fingerprint of a snapshot: the same however it was kept, another for any other balance."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess

import pandas as pd
import pytest
from hypothesis import given

import helius_frames
from helius_frames import demo
from helius_frames.analysis import fingerprint
from helius_frames.errors import InputError
from tests.support.balance_rows import BACKENDS, MINT, OWNERS, U64_MAX, few, frame_of, held


def brute(rows):
    lines = sorted(f"{owner},{mint},{balance}\n".encode() for (owner, mint), balance in rows.items())
    return hashlib.sha256(b"".join(lines)).hexdigest()


@few
@given(held)
def test_it_is_the_hash_of_the_sorted_lines_in_any_order_and_dtype(rows):
    shuffled = random.Random(1).sample(list(rows), len(rows))
    for backend in BACKENDS:
        assert fingerprint(frame_of(rows, backend)) == brute(rows)
        assert fingerprint(frame_of({pair: rows[pair] for pair in shuffled}, backend)) == brute(rows)


def test_it_survives_parquet_and_more_than_one_block(tmp_path, monkeypatch):
    df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    df.sample(frac=1, random_state=1).to_parquet(tmp_path / "x.parquet")
    whole = fingerprint(df)
    assert fingerprint(pd.read_parquet(tmp_path / "x.parquet")) == whole
    monkeypatch.setattr("helius_frames.analysis._fingerprint._BLOCK", 7)
    assert fingerprint(df) == whole
    assert fingerprint(df.assign(slot=1, note="x")) == whole


def test_a_single_unit_more_or_a_row_less_changes_it():
    rows = {(OWNERS[0], MINT): U64_MAX - 1, (OWNERS[1], MINT): 0}
    others = [{**rows, (OWNERS[0], MINT): U64_MAX}, dict(list(rows.items())[:1]), {}]
    assert len({fingerprint(frame_of(one)) for one in (rows, *others)}) == 4
    assert fingerprint(frame_of({})) == hashlib.sha256(b"").hexdigest()


@pytest.mark.skipif(
    not (shutil.which("sort") and shutil.which("sha256sum")), reason="needs sort and sha256sum"
)
def test_other_tools_come_to_the_same(tmp_path):
    df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    df[["owner", "mint", "balance"]].to_csv(
        tmp_path / "x.csv", index=False, header=False, lineterminator="\n"
    )
    line = "LC_ALL=C sort x.csv | sha256sum"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603, S607
    assert done.stdout.split()[0] == fingerprint(df)


@pytest.mark.parametrize("owner", ["a,b", "a\nb", "0", "é"])
def test_what_is_not_base58_has_no_fingerprint(owner):
    with pytest.raises(InputError, match="every owner must be an address in base58"):
        fingerprint(frame_of({(owner, MINT): 1}, owners=[owner]))
    assert fingerprint(frame_of({(OWNERS[0], MINT): 1}, owners=[owner, OWNERS[0]])) == brute(
        {(OWNERS[0], MINT): 1}
    )
