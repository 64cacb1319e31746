"""Wallets and programs, labels, and measures without some owners."""

from __future__ import annotations

import hashlib
import math
import random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames import analysis
from helius_frames._protocol import curve, pubkey
from helius_frames.analysis import MintIndex, airdrop, by_mint, with_owners, without_owners
from helius_frames.errors import InputError
from tests.support.balance_rows import BACKENDS, MINT, MINTS, OWNERS, U64_MAX, few, frame_of, held, labelled

# RFC 8032, 7.1: the public keys of tests 1, 2, 3, 1024 and SHA(abc).
WALLETS = (
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
)
# The Solana SDK's own tests of create_program_address, and an associated token account of USDC.
PROGRAMS = (
    "BwqrghZA2htAcqq8dzP1WDAhTXYTYWj7CHxF5j7TDBAe",
    "13yWmRpaTR4r5nAktwLqMpRNr28tnVUZw26rTvPSSB19",
    "2fnQrngrQT4SeLcdToJAD96phoEjNL2man2kfRLCASVk",
    "976ymqVnfE32QFe6NfGDctSvVa36LWnvYxhU6G2232YL",
    "3uetDDizgTtadDHZzyy9BqxrjQcozMEkxzbKhfZF4tG3",
)
WALLET = "3h1zGmCwsRJnVk5BuRNMLsPaQu1y2aqXqXDWYCgrp5UG"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
ATA_PROGRAM = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
P = 2**255 - 19


def brute_on_curve(key):
    """By the definition: some x with -x² + y² = 1 + d x² y², found by Euler's criterion."""
    y = int.from_bytes(key, "little") % 2**255 % P
    d = -121665 * pow(121666, P - 2, P) % P
    x_squared = (y * y - 1) * pow(d * y * y + 1, P - 2, P) % P
    return x_squared == 0 or pow(x_squared, (P - 1) // 2, P) == 1


def texts(keys):
    return [pubkey.encode(key) for key in keys]


# the curve


@pytest.mark.parametrize("key", WALLETS)
def test_published_public_keys_are_on_the_curve(key):
    assert curve.is_on_curve(bytes.fromhex(key))


@pytest.mark.parametrize("address", PROGRAMS)
def test_published_program_addresses_are_off_the_curve(address):
    assert not curve.is_on_curve(pubkey.parse(address))


def test_the_first_bump_that_leaves_the_curve_gives_the_published_token_account():
    seeds = [pubkey.parse(address) for address in (WALLET, TOKEN_PROGRAM, USDC)]
    for bump in range(255, -1, -1):
        parts = [*seeds, bytes([bump]), pubkey.parse(ATA_PROGRAM), b"ProgramDerivedAddress"]
        address = hashlib.sha256(b"".join(parts)).digest()
        if not curve.is_on_curve(address):
            break
    assert pubkey.encode(address) == PROGRAMS[-1]


@pytest.mark.parametrize("y", [0, 1, 2, 3, 4, P - 2, P - 1, P, P + 1, P + 2, 2**255 - 1])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_at_the_edges_the_curve_is_that_of_the_definition(y, sign):
    key = (y | sign).to_bytes(32, "little")
    assert curve.is_on_curve(key) == brute_on_curve(key)
    assert curve.on_curve(pubkey.align_texts(texts([key]))).tolist() == [brute_on_curve(key)]


def test_random_keys_are_on_the_curve_where_the_definition_says_so_also_with_our_own_symbol(monkeypatch):
    keys = [random.Random(3).randbytes(32 - zeros).rjust(32, b"\0") for zeros in range(32)]
    keys += [random.Random(seed).randbytes(32) for seed in range(200)]
    brute = [brute_on_curve(key) for key in keys]
    aligned = pubkey.align_texts(texts(keys))
    assert curve.on_curve(aligned).tolist() == brute
    monkeypatch.setattr(curve, "_symbol", lambda: curve.jacobi)
    assert curve.on_curve(aligned).tolist() == brute
    assert 80 < sum(brute) < 150


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_jacobi_symbol_is_the_product_of_legendre_symbols(a, half):
    n = 2 * half + 1
    expected, rest, factor = 1, n, 3
    while rest > 1:
        if rest % factor == 0:
            power = pow(a, (factor - 1) // 2, factor)
            expected *= -1 if power == factor - 1 else power
            rest //= factor
        else:
            factor += 2
    assert curve.jacobi(a % n, n) == expected


# with_owners


@pytest.mark.parametrize("backend", BACKENDS)
def test_owners_are_told_apart_and_named(backend):
    owners = [*texts(map(bytes.fromhex, WALLETS)), *PROGRAMS]
    frame = frame_of({(owner, MINT): 1 for owner in owners}, backend, owners=[*owners, OWNERS[0]])
    frame = frame.set_axis(range(10, 20)).assign(note="x")
    frame.attrs["helius"] = {"cluster": "demo"}
    named = with_owners(
        frame, {PROGRAMS[0]: "pool", OWNERS[5]: "nobody", owners[0]: "team", owners[1]: "team"}
    )
    assert named["on_curve"].tolist() == [True] * 5 + [False] * 5
    assert str(named["on_curve"].dtype) == "boolean"
    assert named["label"].dropna().to_dict() == {10: "team", 11: "team", 15: "pool"}
    assert named["label"].cat.categories.tolist() == ["pool", "nobody", "team"]
    pd.testing.assert_frame_equal(named[list(frame.columns)], frame)
    assert named.attrs == frame.attrs
    assert "label" not in with_owners(frame)


def test_what_is_no_address_is_neither_a_wallet_nor_a_program():
    frame = frame_of({("somebody", MINT): 1, (PROGRAMS[0], MINT): 1}, owners=["somebody", PROGRAMS[0]])
    assert with_owners(frame)["on_curve"].tolist() == [pd.NA, False]
    assert with_owners(frame.iloc[:0], {"a": "b"}).dtypes.astype(str).tolist()[-2:] == ["boolean", "category"]


@pytest.mark.parametrize("labels", [["a"], {"a": 1}, {"a": ""}, pd.Series([None], index=["a"])])
def test_labels_that_are_not_text_by_address_are_refused(labels):
    with pytest.raises(InputError, match="labels must be"):
        with_owners(frame_of({}), labels)


# exclude


choices = st.lists(
    st.one_of(st.sampled_from([*OWNERS[:4], "exchange", "team", "programs"])), max_size=3, unique=True
)


def is_excluded(owner, exclude):
    label = {OWNERS[0]: "exchange", OWNERS[1]: "exchange", OWNERS[2]: "team"}.get(owner)
    return (
        owner in exclude
        or label in exclude
        or ("programs" in exclude and not brute_on_curve(pubkey.parse(owner)))
    )


@few
@given(held, choices, st.booleans())
def test_by_mint_without_some_owners_is_by_mint_of_the_others(rows, exclude, is_index):
    # A label is only known where somebody in the frame has it.
    labels = set(labelled(rows)["label"].dropna())
    exclude = [one for one in exclude if one not in ("exchange", "team") or one in labels]
    frame = labelled(rows)
    table = by_mint(MintIndex.of(frame) if is_index else frame, exclude=exclude)
    rest = {pair: balance for pair, balance in rows.items() if not is_excluded(pair[0], exclude)}
    gone = {pair: balance for pair, balance in rows.items() if is_excluded(pair[0], exclude)}
    assert sorted(table.index) == sorted({mint for _, mint in rows})
    plain = by_mint(frame_of(rest))
    for mint, row in table.iterrows():
        left_out = [balance for (_, name), balance in gone.items() if name == mint and balance]
        assert (row["excluded_holders"], row["excluded_total"]) == (len(left_out), sum(left_out))
        if mint in plain.index:
            pd.testing.assert_series_equal(row[plain.columns], plain.loc[mint], check_dtype=False)
        else:
            assert (row["holders"], int(row["total"]), row["zero_balances"]) == (0, 0, 0)
            assert math.isnan(row["gini"])
    assert table["holders"].is_monotonic_decreasing


def test_tables_of_one_mint_say_in_attrs_what_was_left_out():
    rows = {
        (OWNERS[0], MINT): U64_MAX,
        (OWNERS[1], MINT): U64_MAX,
        (OWNERS[3], MINT): 7,
        (OWNERS[3], MINTS[1]): 1,
    }
    frame = labelled(rows)
    left_out = {"excluded_holders": 2, "excluded_total": 2 * U64_MAX}
    for source in (frame, MintIndex.of(frame)):
        top = analysis.top_holders(source, MINT, exclude="exchange")
        assert top["owner"].tolist() == [OWNERS[3]]
        assert top["share"].tolist() == [1.0]
        assert top.attrs == left_out
        for measure in (analysis.distribution, analysis.lorenz, analysis.ecdf):
            table = measure(source, MINT, exclude=["exchange"])
            assert table.attrs == left_out
            pd.testing.assert_frame_equal(table, measure(frame_of({(OWNERS[3], MINT): 7}), MINT))
            assert "excluded_total" not in measure(source, MINT).attrs
    assert analysis.lorenz(frame, MINTS[1], exclude="exchange").attrs["excluded_total"] == 0
    with pytest.raises(InputError, match="is not one of the 3 mints"):
        analysis.lorenz(frame, "nowhere", exclude="exchange")


@pytest.mark.parametrize("backend", BACKENDS)
def test_owners_left_out_of_a_frame_count_as_not_read(backend):
    rows = {(owner, MINT): 5 for owner in OWNERS[:4]}
    frame = frame_of(rows, backend, complete=[MINT], mints=[MINT])
    rest = without_owners(frame, [OWNERS[0], OWNERS[5]])
    assert rest["owner"].tolist() == list(OWNERS[1:4])
    assert str(rest["owner"].dtype).split("[")[0] == str(frame["owner"].dtype).split("[")[0]
    status = airdrop(rest, pd.Series(5, index=[OWNERS[0], OWNERS[1], OWNERS[5]]), MINT)["status"]
    assert status.tolist()[:3] == ["not read", "kept all", "not read"]
    assert frame.attrs["helius"]["complete"] == [MINT]


def test_programs_are_left_out_with_and_without_their_column():
    owners = [pubkey.encode(bytes.fromhex(WALLETS[0])), PROGRAMS[0], "somebody"]
    frame = frame_of({(owner, MINT): 1 for owner in owners}, owners=owners)
    for form in (frame, with_owners(frame)):
        assert without_owners(form, "programs")["owner"].tolist() == [owners[0], "somebody"]


@pytest.mark.parametrize("exclude", ["pools", ["programs", "pools"], [3], [None]])
def test_what_is_neither_label_nor_address_is_refused(exclude):
    with pytest.raises(InputError, match="exclude must be"):
        by_mint(labelled({(OWNERS[0], MINT): 1}), exclude=exclude)
