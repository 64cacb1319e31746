"""An airdrop held against what arrived, against Python integers and fractions."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helius_frames
from helius_frames import demo
from helius_frames._protocol import pubkey
from helius_frames.analysis import airdrop, airdrop_report, airdrop_summary
from helius_frames.analysis._airdrop import STATUSES
from helius_frames.errors import InputError
from tests.support.balance_rows import BACKENDS, MINT, MINTS, OWNERS, U64_MAX, few, frame_of, held, lists


def list_of(expected):
    return pd.DataFrame(
        {
            "owner": pd.Series([owner for owner, _ in expected], dtype="str"),
            "amount": pd.Series(list(expected.values()), dtype=object),
            "mint": pd.Series([mint for _, mint in expected], dtype="str"),
        }
    )


def brute_status(rows, pair, amount, *, is_read, zeros_dropped=False):
    if pair in rows:
        have = rows[pair]
        if have == amount:
            return "kept all"
        return "more" if have > amount else "part" if have else "none left"
    if not is_read:
        return "not read"
    return "none left or never arrived" if zeros_dropped else "never arrived"


def table_of(frame, expected, **options):
    """The result as a dict from pair to its other columns, in the order of the rows."""
    table = airdrop(frame, expected, **options)
    columns = [table[name].tolist() for name in ("expected", "held", "change", "share_kept", "status")]
    names = zip(table["owner"].astype("str"), table["mint"].astype("str"), strict=True)
    return dict(zip(names, zip(*columns, strict=True), strict=True))


# the law


@few
@given(held, lists, st.sets(st.sampled_from(OWNERS)), st.sampled_from(BACKENDS), st.booleans())
def test_each_pair_is_what_fractions_say(rows, expected, extra, backend, zeros_dropped):
    read = {owner for owner, _ in rows} | extra
    if backend not in ("category", "nullable"):
        read -= extra - {owner for owner, _ in rows}
    if zeros_dropped:
        rows = {pair: balance for pair, balance in rows.items() if balance}
        read = {owner for owner, _ in rows} if backend not in ("category", "nullable") else read
    notes = {"drop_zero": True} if zeros_dropped else {}
    frame = frame_of(rows, backend, owners=[owner for owner in OWNERS if owner in read], **notes)
    found = table_of(frame, list_of(expected))

    asked = {mint for _, mint in expected}
    beside = [pair for pair in rows if pair not in expected and pair[1] in asked and rows[pair]]
    assert list(found) == [*expected, *beside]
    for pair, (given_, has, change, share, status) in found.items():
        if pair in beside:
            assert given_ is pd.NA
            assert (has, change, status) == (rows[pair], rows[pair], "not expected")
            assert math.isnan(share)
            continue
        amount, have = expected[pair], rows.get(pair)
        assert status == brute_status(
            rows, pair, amount, is_read=pair[0] in read, zeros_dropped=zeros_dropped
        )
        assert given_ == amount
        assert has is pd.NA if have is None else has == have
        if status == "not read":
            assert change is pd.NA
            assert math.isnan(share)
        else:
            assert change == (have or 0) - amount
            assert share == float(Fraction(have or 0, amount))


@few
@given(held, lists, st.sets(st.sampled_from(OWNERS)))
def test_by_status_owners_and_amounts_add_up_to_the_whole(rows, expected, read):
    frame = frame_of(rows, owners=[o for o in OWNERS if o in read | {owner for owner, _ in rows}])
    for mint in {mint for _, mint in expected}:
        summary = airdrop_summary(frame, list_of(expected), mint)
        of_mint = {owner: amount for (owner, name), amount in expected.items() if name == mint}
        listed = summary.drop("not expected")
        assert summary.index.tolist() == list(STATUSES)
        assert listed["owners"].sum() == len(of_mint)
        assert sum(listed["expected"]) == sum(of_mint.values())
        assert sum(summary["held"]) == sum(balance for (_, name), balance in rows.items() if name == mint)
        assert sum(summary["kept"]) == sum(
            min(rows.get((owner, mint), 0), amount) for owner, amount in of_mint.items()
        )
        for status, row in listed.iterrows():
            assert row["share_of_owners"] == float(Fraction(int(row["owners"]), len(of_mint))), status
            assert row["share_of_expected"] == float(Fraction(row["expected"], sum(of_mint.values())))
        assert summary.loc["not expected", ["share_of_owners", "share_of_expected"]].isna().all()


def test_a_share_is_rounded_once_also_above_what_a_float_holds():
    random_ = random.Random(1)
    numbers = [(random_.randrange(1 << 64), random_.randrange(1, 1 << 64)) for _ in range(11)]
    rows = {(owner, MINT): have for owner, (have, _) in zip(OWNERS, numbers, strict=False)}
    expected = pd.Series({owner: amount for owner, (_, amount) in zip(OWNERS, numbers, strict=False)})
    shares = airdrop(frame_of(rows), expected, MINT)["share_kept"].tolist()
    assert shares == [float(Fraction(have, amount)) for have, amount in numbers]


def test_an_empty_frame_and_an_empty_list_are_no_special_case():
    empty = frame_of({}, owners=OWNERS[:1])
    expected = pd.Series({OWNERS[0]: 1, OWNERS[1]: 1})
    assert airdrop(empty, expected, MINT)["status"].tolist() == ["never arrived", "not read"]
    nobody = airdrop(frame_of({(OWNERS[0], MINT): 3, (OWNERS[1], MINT): 0}), {}, MINT)
    assert nobody["status"].tolist() == ["not expected"]
    assert airdrop(empty, {}, MINT).dtypes.astype(str).tolist() == nobody.dtypes.astype(str).tolist()
    assert airdrop_report(empty, {}, MINT).startswith("0 owners were to get 0 base units of mint ")


# who was read


def statuses(frame, owners=OWNERS[:3], **options):
    return airdrop(frame, pd.Series(5, index=list(owners)), MINT, **options)["status"].tolist()


def test_nobody_is_gone_of_whom_nothing_was_read():
    rows = {(OWNERS[0], MINT): 5}
    assert statuses(frame_of(rows, owners=OWNERS[:1])) == ["kept all", "not read", "not read"]
    assert statuses(frame_of(rows, "text")) == ["kept all", "not read", "not read"]
    assert statuses(frame_of(rows, owners=OWNERS[:2])) == ["kept all", "never arrived", "not read"]


def test_a_failed_owner_is_not_read_even_where_it_is_a_category():
    failures = f'[{{"owner": "{OWNERS[1]}", "page": 1, "kind": "RPCError", "message": ""}}]'
    frame = frame_of({(OWNERS[0], MINT): 5}, failures=failures)
    assert statuses(frame) == ["kept all", "not read", "never arrived"]


@few
@given(held, lists, st.sets(st.sampled_from(OWNERS)))
def test_a_partial_and_a_collected_pull_make_nobody_gone(rows, expected, finished):
    """Both have the rows and the categories of the owners that were read to the end, and of no others."""
    rows = {pair: balance for pair, balance in rows.items() if pair[0] in finished}
    partial = frame_of(rows, owners=[owner for owner in OWNERS if owner in finished], failures="[]")
    for (owner, _), (*_, status) in table_of(partial, list_of(expected)).items():
        assert (status == "not read") == (owner not in finished)


def test_of_a_real_pull_cut_to_the_owners_that_were_finished_the_others_are_not_read():
    finished, others = demo.OWNERS[:10], demo.OWNERS[10:20]
    frame = helius_frames.read_helius_balances([*finished, *others], cluster="demo")
    partial = frame[frame["owner"].isin(finished)]
    partial = partial.assign(owner=partial["owner"].cat.set_categories(finished))
    mint, expected = demo.TOKENS[0].mint, pd.Series(10**9, index=[*finished, *others])
    status = airdrop(partial, expected, mint)["status"].astype("str")
    assert status[:10].tolist() == airdrop(frame, expected, mint)["status"].tolist()[:10]
    assert set(status[10:]) == {"not read"}


def test_in_a_complete_frame_who_has_no_row_never_had_any():
    rows = {(OWNERS[0], MINT): 5}
    some = ["kept all", "never arrived", "never arrived"]
    assert statuses(frame_of(rows, owners=OWNERS[:1], complete=[MINT], mints=[MINT])) == some
    assert statuses(frame_of(rows, owners=OWNERS[:1], complete=True, mints=[MINT])) == some
    assert statuses(frame_of(rows, "text"), complete=MINT) == some
    other = frame_of(rows, owners=OWNERS[:1], complete=[MINTS[1]], mints=[MINT, MINTS[1]])
    assert statuses(other) == ["kept all", "not read", "not read"]


def test_a_mint_that_was_not_asked_for_is_not_read():
    rows = {(OWNERS[0], MINT): 5}
    assert statuses(frame_of(rows, mints=[MINTS[1]])) == ["kept all", "not read", "not read"]
    assert statuses(frame_of(rows), mints=[MINTS[1]]) == ["kept all", "not read", "not read"]
    assert statuses(frame_of(rows, mints=[MINT])) == ["kept all", "never arrived", "never arrived"]


def test_a_pull_of_holders_that_does_not_list_its_mints_asked_for_the_complete_ones_alone():
    rows = {(OWNERS[0], MINTS[1]): 5}
    assert statuses(frame_of(rows, complete=[MINTS[1]])) == ["not read"] * 3
    assert statuses(frame_of(rows, complete=[])) == ["not read"] * 3


@pytest.mark.parametrize("limit", [{"top": 1}, {"min_balance": 3}])
def test_a_walk_that_ended_early_has_read_nobody_to_the_end(limit):
    frame = frame_of({(OWNERS[0], MINT): 5}, mints=[MINT], **limit)
    assert statuses(frame) == ["kept all", "not read", "not read"]


@pytest.mark.parametrize(
    "odd", [None, "text", {"mints": 3, "complete": "x", "failures": "{"}, {"failures": [1]}]
)
def test_attrs_that_are_not_ours_say_nothing(odd):
    frame = frame_of({(OWNERS[0], MINT): 5})
    frame.attrs["helius"] = odd
    assert statuses(frame) == ["kept all", "never arrived", "never arrived"]


def test_mints_and_complete_must_be_text():
    for name in ("mints", "complete"):
        with pytest.raises(InputError, match=f"{name} must be one mint or several, as text"):
            statuses(frame_of({}), **{name: [1]})


# how a list may be written


def test_a_list_comes_as_series_mapping_frame_or_file(tmp_path):
    frame = frame_of({(owner, MINT): 5 for owner in OWNERS[:3]})
    expected = {OWNERS[0]: 5, OWNERS[1]: 6, OWNERS[2]: 4}
    table = pd.DataFrame({"address": list(expected), "amount": list(expected.values())})
    path = tmp_path / "list.csv"
    path.write_text("﻿Address, Amount \n" + "".join(f" {o} ,{a}\n" for o, a in expected.items()), "utf-8")
    forms = [
        pd.Series(expected),
        pd.Series(expected, dtype=object),
        pd.Series(expected).astype("Int64"),
        pd.Series(expected).astype(pd.ArrowDtype(pa.uint64())),
        pd.Series({owner: Decimal(amount) for owner, amount in expected.items()}),
        pd.Series(expected).astype("str"),
        pd.Series(expected).set_axis(pd.CategoricalIndex(list(expected))),
        expected,
        table,
        table.rename(columns={"address": "owner"}).assign(note="x"),
        table.assign(mint=MINT),
        path,
        str(path),
    ]
    for form in forms:
        assert airdrop(frame, form, MINT)["status"].tolist() == ["kept all", "part", "more"]


@pytest.mark.parametrize(
    ("amount", "base_units"),
    [
        ("1", 10**6), ("1.5", 1_500_000), ("0.000001", 1), ("1.500000000", 1_500_000), (".5", 500_000),
        ("7.", 7 * 10**6), ("0018446744073709.551615", U64_MAX), (Decimal("1E+3"), 10**9),
        (Decimal("0.10"), 10**5), (2, 2 * 10**6), (np.uint64(2), 2 * 10**6),
        (" 3 ", 3 * 10**6), ("+4", 4 * 10**6),
    ],
)  # fmt: skip
def test_amounts_in_tokens_are_exact(amount, base_units):
    frame = frame_of({(OWNERS[0], MINT): 5})
    for values in ([amount], [amount, "x"]):
        expected = pd.Series(values, index=list(OWNERS[: len(values)]), dtype=object)
        if len(values) == 1:
            table = airdrop(frame, expected, MINT, units="decimals", decimals={MINT: 6})
            assert table["expected"].tolist() == [Decimal(base_units)]
        else:
            with pytest.raises(InputError, match=r"1 of 2 are not:\n  - position 1: amount must be a number"):
                airdrop(frame, expected, MINT, units="decimals", decimals=6)


def test_decimals_come_from_the_frame_and_may_differ_between_mints():
    rows = {(OWNERS[0], MINTS[0]): 150, (OWNERS[0], MINTS[1]): 3}
    frame = frame_of(rows).assign(decimals=pd.array([2, 0], dtype="UInt8"))
    expected = list_of({(OWNERS[0], MINTS[0]): "1.5", (OWNERS[0], MINTS[1]): "3"})
    assert airdrop(frame, expected, units="decimals")["status"].tolist() == ["kept all", "kept all"]
    unknown = frame.assign(decimals=pd.array([2, None], dtype="UInt8"))
    with pytest.raises(InputError, match=r"decimals of mint .* must be known"):
        airdrop(unknown, expected, units="decimals")
    with pytest.raises(InputError, match="units must be 'base' or 'decimals', got 'tokens'"):
        airdrop(frame, expected, units="tokens")


def test_the_mint_is_needed_where_list_and_frame_do_not_say_it():
    one = frame_of({(OWNERS[0], MINTS[2]): 5})
    assert airdrop(one, {OWNERS[0]: 5})["mint"].tolist() == [MINTS[2]]
    two = frame_of({(OWNERS[0], MINTS[2]): 5, (OWNERS[0], MINT): 5})
    with pytest.raises(
        InputError, match="mint must be given: the list names none, and the frame has 2 mints"
    ):
        airdrop(two, {OWNERS[0]: 5})
    both = list_of({(OWNERS[0], MINT): 5, (OWNERS[0], MINTS[2]): 6})
    assert airdrop(two, both)["status"].tolist() == ["kept all", "part"]
    assert airdrop(two, both, MINTS[2])["status"].tolist() == ["part"]
    with pytest.raises(InputError, match="mint must be given: the list names 2 mints"):
        airdrop_summary(two, both)
    with pytest.raises(InputError, match="mint must be one of the 2 mints that the list names"):
        airdrop(two, both, MINTS[1])
    with pytest.raises(InputError, match="mint must be an address in base58"):
        airdrop(two, {OWNERS[0]: 5}, "BONK")


def test_all_that_is_wrong_with_a_list_is_said_at_once_and_by_position_alone():
    listed = pd.DataFrame(
        {
            "owner": [*OWNERS[:8], OWNERS[0], "a-secret-key", None, OWNERS[11]],
            "amount": ["0", -1, "1.5", None, "", "1e3", 2**64, Decimal("NaN"), 1, True, "5", 0.5],
        }
    )
    floats = "amounts must be integers, Decimals or text, not floats, which are not exact"
    with pytest.raises(InputError) as caught:
        airdrop(frame_of({}), listed, MINT)
    assert str(caught.value).startswith("each entry of the expected list must be good, 12 of 12 are not:")
    assert list(caught.value.problems) == [
        "position 0: amount must be above 0",
        "position 1: amount must be above 0",
        "position 2: amount must be a whole number of base units, with at most 0 decimals",
        "position 3: amount is missing",
        "position 4: amount is blank",
        "position 5: amount must be a number in plain digits, such as 1000 or 12.5",
        f"position 6: amount must be at most {U64_MAX} base units, the most that a balance can hold",
        "position 7: amount must be finite",
        "position 8: owner and mint are at position 0 already",
        f"position 9: owner is not a valid Solana address (not base58); {floats}",
        "position 10: owner is missing or no text",
        f"position 11: {floats}",
    ]


@pytest.mark.parametrize("values", [[1.0, 2.0], pd.array([1.0, 2.0], dtype="Float64"), [True, False]])
def test_amounts_as_floats_are_refused(values):
    with pytest.raises(InputError, match="read the column as text"):
        airdrop(frame_of({}), pd.Series(values, index=list(OWNERS[:2])), MINT)


@pytest.mark.parametrize(
    "amount", [Decimal("1E+500000"), Decimal("1E-500000"), "9" * 5000, "0." + "1" * 5000]
)
def test_absurd_amounts_are_refused_at_once(amount):
    with pytest.raises(InputError, match="amount must be"):
        airdrop(frame_of({}), {OWNERS[0]: amount}, MINT)


def test_a_pair_that_is_listed_twice_is_refused_also_in_a_good_list():
    twice = pd.Series([1, 2, 3], index=[OWNERS[0], OWNERS[1], OWNERS[0]])
    with pytest.raises(InputError, match="position 2: owner and mint are at position 0 already"):
        airdrop(frame_of({}), twice, MINT)


def test_of_many_bad_entries_the_first_are_shown_and_the_rest_counted():
    with pytest.raises(InputError) as caught:
        airdrop(frame_of({}), pd.Series(0, index=[pubkey.encode(bytes([n] * 32)) for n in range(50)]), MINT)
    assert len(caught.value.problems) == 50
    assert "more, in .problems" in str(caught.value).splitlines()[-1]


@pytest.mark.parametrize(
    "expected", [5, None, pd.DataFrame({"owner": [OWNERS[0]]}), pd.DataFrame({"amount": [1]})]
)
def test_what_is_no_list_is_refused(expected):
    with pytest.raises(InputError, match="expected must"):
        airdrop(frame_of({}), expected, MINT)


# the paragraph


def test_the_report_says_what_the_numbers_say():
    rows = dict.fromkeys([(owner, MINT) for owner in OWNERS[:3]], 1_000)
    rows |= {(OWNERS[3], MINT): 250, (OWNERS[4], MINT): 0, (OWNERS[8], MINT): 1_234_567}
    frame = frame_of(rows, owners=[*OWNERS[:6], OWNERS[8]])
    expected = pd.Series(1_000, index=list(OWNERS[:7]))
    short = f"{MINT[:4]}…{MINT[-4:]}"
    assert airdrop_report(frame, expected, MINT) == (
        f"7 owners were to get 7,000 base units of mint {short}. "
        "3 owners (42.9%) still hold all of it, 1 owner (14.3%) holds a part, 1 owner (14.3%) has none left, "
        "1 owner (14.3%) never got any and 1 owner (14.3%) was not read, so nothing is known of it. "
        "Those that were read hold 3,250 base units (54.2%) of the 6,000 base units meant for them. "
        "1 other owner, not on the list, holds 1,234,567 base units. Read at slots 0 to 5."
    )


def test_the_report_uses_symbol_and_decimals_of_the_frame():
    frame = frame_of({(OWNERS[0], MINT): 1_500}).assign(decimals=np.uint8(3), symbol="FAIR")
    text = airdrop_report(frame, {OWNERS[0]: "1.5"}, MINT, units="decimals")
    assert text == (
        f"1 owner was to get 1.5 FAIR of FAIR ({MINT[:4]}…{MINT[-4:]}). "
        "1 owner (100%) still holds all of it. "
        "Together they hold 1.5 FAIR (100%) of what was meant for them. Read at slot 0."
    )


def test_no_share_in_a_report_is_rounded_to_all_or_nothing():
    rows = {(OWNERS[0], MINT): U64_MAX - 1, (OWNERS[1], MINT): 1}
    text = airdrop_report(frame_of(rows), {OWNERS[0]: U64_MAX, OWNERS[1]: 1}, MINT)
    assert "(more than 99.9%)" in text
    rows = {(OWNERS[0], MINT): 1, (OWNERS[1], MINT): 0}
    assert "(less than 0.1%)" in airdrop_report(frame_of(rows), {OWNERS[0]: U64_MAX, OWNERS[1]: 1}, MINT)
