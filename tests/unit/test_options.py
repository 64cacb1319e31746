"""What a caller may write, and what each refusal says."""

from __future__ import annotations

import inspect
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from helius_frames._arguments import (
    build_orders,
    one_of,
    parse_mints,
    parse_owners,
    positive_number,
    whole_number,
)
from hypothesis import given
from hypothesis import strategies as st

from helius_frames._protocol import pubkey
from helius_frames.errors import InputError, InputErrorGroup, MintError, OwnerError

A, B, C = (pubkey.encode(bytes([byte]) * 32) for byte in (1, 2, 3))


class Key:
    """An address of some other library: no text, but its ``str()`` is one."""

    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text

    __repr__ = __str__


def orders(mint=None, **changes):
    options = {
        "page_size": 1000,
        "max_concurrency": 16,
        "errors": "raise",
        "consistency": None,
        "is_chunked": False,
    }
    return build_orders(mint, **(options | changes))


# Owners

FORMS = {
    "list": [A, B],
    "tuple": (A, B),
    "dict": {A: 1, B: 2},
    "generator": (text for text in (A, B)),
    "series": pd.Series([A, B], index=[7, 7]),
    "object series": pd.Series([A, B], dtype=object),
    "arrow series": pd.Series([A, B], dtype="string[pyarrow]"),
    "categorical": pd.Series([A, B, A], dtype="category"),
    "index": pd.Index([A, B]),
    "numpy": np.array([A, B]),
    "objects": [Key(A), Key(B)],
    "mixed": [A, Key(B)],
    "numpy text": [np.str_(A), np.str_(B)],
    "white space": [f" {A}\n", f"\t{B}\u00a0"],
    "twice": [A, B, A, f" {B}", Key(A)],
}


@pytest.mark.parametrize("owners", FORMS.values(), ids=FORMS)
def test_every_form_of_owners_gives_the_same_addresses(owners):
    parsed = parse_owners(owners)
    assert parsed == (A, B)
    assert all(type(owner) is str for owner in parsed)


@pytest.mark.parametrize(
    "owner", [A, Key(A), f"  {A} ", np.str_(A)], ids=["text", "object", "padded", "numpy"]
)
def test_one_owner_may_stand_alone(owner):
    assert parse_owners(owner) == (A,)


@given(st.lists(st.sampled_from([A, B, C])))
def test_duplicates_are_asked_once_and_the_order_is_that_given(owners):
    assert parse_owners(owners) == tuple(dict.fromkeys(owners))


@pytest.mark.parametrize(
    "owners", [[], (), pd.Series([], dtype=str), iter([])], ids=["list", "tuple", "series", "iterator"]
)
def test_no_owners_are_no_owners(owners):
    assert parse_owners(owners) == ()


def refusals(owners):
    """Messages with which owners are refused."""
    with pytest.raises(InputErrorGroup) as caught:
        parse_owners(owners)
    assert all(type(fault) is OwnerError for fault in caught.value.exceptions)
    return [fault.reason for fault in caught.value.exceptions]


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, float("nan"), np.nan, np.float64("nan")], ids=repr)
def test_a_missing_owner_is_refused_with_its_position(missing):
    assert refusals([A, missing]) == ["owner at position 1: missing"]


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u00a0"], ids=repr)
def test_a_blank_owner_is_refused_with_its_position(blank):
    assert refusals([blank, A]) == ["owner at position 0: blank"]


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        ("vitalik.eth", "'vitalik.eth' is no address: not base58"),
        ("0x" + "ab" * 20, "is no address: not base58"),
        (A[:-2], f"'{A[:-2]}' is no address"),
        (A + "11", "45 characters"),
        (f"{A},{B}", "is no address: not base58"),
        (f"{A}\u200b", "is no address: not base58"),
        (5, "'5' is no address"),
        (A.encode(), "is no address: not base58"),
        (True, "'True' is no address"),
        ([A], "is no address: not base58"),
        (Key("nobody"), "'nobody' is no address"),
    ],
    ids=repr,
)
def test_what_is_no_address_is_refused_with_position_value_and_reason(owner, reason):
    (message,) = refusals([B, owner])
    assert message.startswith("owner at position 1: ")
    assert reason in message


@pytest.mark.parametrize("owner", ["nobody", "", None, 5, 1.5, b"bytes", pd.NA])
def test_one_bad_owner_alone_is_refused_the_same_way(owner):
    assert refusals(owner)[0].startswith("owner at position 0: ")


def test_all_bad_owners_are_listed_together_with_their_own_positions():
    with pytest.raises(InputErrorGroup) as caught:
        parse_owners(pd.Series([A, "x", None, B, "", "x"], index=range(10, 16)))
    assert str(caught.value).splitlines() == [
        "4 of 6 owners cannot be used, nothing was sent:",
        "  - owner at position 1: 'x' is no address: 1 characters, an address has 32 to 44",
        "  - owner at position 2: missing",
        "  - owner at position 4: blank",
        "  - owner at position 5: 'x' is no address: 1 characters, an address has 32 to 44",
    ]
    assert isinstance(caught.value, ValueError)


def test_a_long_bad_owner_is_shortened():
    (message,) = refusals(["z" * 1_000_000])
    assert len(message) < 200
    assert "1000000 characters" in message


@given(st.text())
def test_any_text_is_an_address_or_refused_by_us(text):
    try:
        assert parse_owners([text]) == (text.strip(),)
    except InputErrorGroup as fault:
        refusal = str(fault)
    else:
        return
    assert refusal.replace("\n", "").isprintable()


def test_a_frame_for_owners_says_to_pass_its_column():
    with pytest.raises(InputError, match=r"pass its column of addresses"):
        parse_owners(pd.DataFrame({"address": [A]}))


def test_an_iterable_that_breaks_breaks_as_it_does():
    def broken():
        yield A
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="database"):
        parse_owners(broken())


# Mints


def test_no_mint_filter_is_no_mints():
    assert parse_mints(None) == ()


@pytest.mark.parametrize(
    "mint", [A, [A], (A, A), pd.Series([A]), Key(A)], ids=["text", "list", "twice", "series", "object"]
)
def test_one_mint_in_every_form(mint):
    assert parse_mints(mint) == (A,)


@pytest.mark.parametrize(
    "mint", [[], (), pd.Index([], dtype=str), set()], ids=["list", "tuple", "index", "set"]
)
def test_a_filter_without_a_mint_is_not_the_same_as_no_filter(mint):
    with pytest.raises(MintError, match="leave it out to read every mint"):
        parse_mints(mint)


@pytest.mark.parametrize("mint", ["", "x", [A, None], pd.NA, float("nan")], ids=repr)
def test_a_bad_mint_is_refused_as_a_mint(mint):
    with pytest.raises(InputErrorGroup, match=r"1 of [12] mints cannot be used") as caught:
        parse_mints(mint)
    assert [type(fault) for fault in caught.value.exceptions] == [MintError]


# Single values


@pytest.mark.parametrize("value", [1, 500, 1000, np.int64(7), np.uint8(7)], ids=repr)
def test_a_whole_number_of_the_range_is_taken_as_int(value):
    assert whole_number("page_size", value, 1, 1000) == value
    assert type(whole_number("page_size", value, 1, 1000)) is int


@pytest.mark.parametrize(
    "value", [0, -1, 1001, 5.0, 5.5, "5", None, True, np.True_, [5], Decimal(5)], ids=repr
)
def test_what_is_no_whole_number_of_the_range_is_refused(value):
    with pytest.raises(InputError, match=r"page_size=.* is no whole number from 1 to 1000"):
        whole_number("page_size", value, 1, 1000)


def test_a_range_without_an_end_has_none():
    assert whole_number("chunksize", 10**12, 1) == 10**12
    with pytest.raises(InputError, match="chunksize=0 is no whole number from 1 up"):
        whole_number("chunksize", 0, 1)


@pytest.mark.parametrize("value", [1, 0.001, 30.0, np.float32(2), np.int64(3), Fraction(1, 2)], ids=repr)
def test_a_number_above_zero_is_taken_as_float(value):
    assert positive_number("timeout", value) == float(value)
    assert type(positive_number("timeout", value)) is float


@pytest.mark.parametrize(
    "value",
    [0, -1, 0.0, -0.5, float("inf"), float("nan"), "30", None, True, [1], 1j],
    ids=repr,
)
def test_what_is_no_number_above_zero_is_refused(value):
    with pytest.raises(InputError, match=r"timeout=.* is no number above 0"):
        positive_number("timeout", value)


def test_a_choice_that_is_none_lists_the_choices():
    one_of("errors", "raise", ("raise", "collect"))
    with pytest.raises(InputError, match="errors='ignore' is none of 'raise', 'collect'"):
        one_of("errors", "ignore", ("raise", "collect"))


# Orders


def test_orders_carry_what_was_asked():
    made = orders([A, B], page_size=10, max_concurrency=3, errors="collect", consistency="stable")
    assert (made.mints, made.page_size, made.max_concurrency) == ((A, B), 10, 3)
    assert (made.is_collecting, made.is_stable) == (True, True)
    plain = orders()
    assert (plain.mints, plain.is_collecting, plain.is_stable, plain.is_streaming) == (
        (),
        False,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"errors": "collect"}, False),
        ({"consistency": "stable"}, False),
        ({"mint": A}, False),
        ({"is_chunked": False}, False),
    ],
)
def test_rows_go_out_page_by_page_only_where_nothing_can_take_them_back(changes, expected):
    assert orders(**({"is_chunked": True} | changes)).is_streaming is expected


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"page_size": 0}, "page_size"),
        ({"page_size": 1001}, "page_size"),
        ({"page_size": "10"}, "page_size"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_concurrency": 1001}, "max_concurrency"),
        ({"errors": "ignore"}, "errors"),
        ({"errors": None}, "errors"),
        ({"consistency": "strict"}, "consistency"),
    ],
)
def test_an_order_out_of_range_is_refused_by_name(changes, name):
    with pytest.raises(InputError, match=f"^{name}="):
        orders(**changes)


def test_every_option_of_an_order_has_to_be_given():
    assert all(
        parameter.default is inspect.Parameter.empty
        for parameter in inspect.signature(build_orders).parameters.values()
    )
