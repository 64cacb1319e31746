"""What a caller may write, what each refusal says, and how signatures show the options."""

from __future__ import annotations

import inspect
from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helius_frames
from helius_frames import aread_helius_balances, read_helius_balances
from helius_frames._options import (
    OPTIONS,
    PullConfig,
    ReadOptions,
    like,
    parse_addresses,
    resolve,
    seal,
    with_options,
)
from helius_frames._protocol import pubkey
from helius_frames._transport.client import Environment
from helius_frames._transport.endpoint import Secret
from helius_frames.accessor import AddressesAccessor, BalancesAccessor
from helius_frames.errors import (
    EndpointError,
    HeliusError,
    InputError,
    KeyMissingError,
    MintError,
    OwnerError,
)
from tests.support.key_search import KEY, has_key

A, B, C = (pubkey.encode(bytes([byte]) * 32) for byte in (1, 2, 3))


class Key:
    """An address of some other library: no text, but its ``str()`` is one."""

    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text

    __repr__ = __str__


def config_of(owners=A, mint=None, **options):
    return resolve(owners, mint, {"cluster": "demo"} | options)


def refusal(**options):
    """Return the message with which a call is refused."""
    with pytest.raises(InputError) as caught:
        config_of(**options)
    return str(caught.value)


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
    parsed = config_of(owners).owners
    assert parsed == (A, B)
    assert all(type(owner) is str for owner in parsed)


@pytest.mark.parametrize(
    "owner", [A, Key(A), f"  {A} ", np.str_(A)], ids=["text", "object", "padded", "numpy"]
)
def test_one_owner_may_stand_alone(owner):
    assert config_of(owner).owners == (A,)


@given(st.lists(st.sampled_from([A, B, C])))
def test_an_owner_given_twice_is_read_once_and_the_order_is_that_given(owners):
    assert parse_addresses(owners, "owner") == tuple(dict.fromkeys(owners))


@pytest.mark.parametrize(
    "owners", [[], (), pd.Series([], dtype=str), iter([])], ids=["list", "tuple", "series", "iter"]
)
def test_no_owners_are_no_owners(owners):
    assert config_of(owners).owners == ()


def problems(owners, kind="owner"):
    """Return what is said of each bad address."""
    with pytest.raises(OwnerError if kind == "owner" else MintError) as caught:
        parse_addresses(owners, kind)
    assert type(caught.value) is (OwnerError if kind == "owner" else MintError)
    return caught.value.problems


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, float("nan"), np.nan, np.float64("nan")], ids=repr)
def test_a_missing_owner_is_refused_with_its_position(missing):
    assert problems([A, missing]) == ("owner at position 1: missing",)


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u00a0"], ids=repr)
def test_a_blank_owner_is_refused_with_its_position(blank):
    assert problems([blank, A]) == ("owner at position 0: blank",)


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        ("vitalik.eth", "'vitalik.eth' is not a valid Solana address (not base58)"),
        ("0x" + "ab" * 20, "is not a valid Solana address (not base58)"),
        (A[:-2], "'4vJ9'…'CM' (41 characters) is not a valid"),
        (A + "11", "45 characters"),
        (f"{A},{B}", "not base58"),
        (f"{A}\u200b", "not base58"),
        (5, "'5' is not a valid"),
        (A.encode(), "not base58"),
        (True, "'True' is not a valid"),
        ([A], "not base58"),
        (Key("nobody"), "'nobody' is not a valid"),
        ("https://mainnet.helius-rpc.com", "looks like a URL; the server is chosen with endpoint="),
        ("owners.csv", "looks like a path: read the file first"),
        ("/data/OWNERS.PARQUET", "looks like a path: read the file first"),
    ],
    ids=repr,
)
def test_what_is_not_an_address_is_refused_with_position_and_reason(owner, reason):
    (message,) = problems([B, owner])
    assert message.startswith("owner at position 1: ")
    assert reason.replace("4vJ9", A[:4]).replace("CM", A[-4:-2]) in message


@pytest.mark.parametrize("owner", ["nobody", "", None, 5, 1.5, b"bytes", pd.NA])
def test_one_bad_owner_alone_is_refused_the_same_way(owner):
    assert problems(owner)[0].startswith("owner at position 0: ")


def test_all_bad_owners_are_listed_together_with_their_own_positions():
    with pytest.raises(OwnerError) as caught:
        config_of(pd.Series([A, "x", None, B, "", "x"], index=range(10, 16)))
    bad = "'x' is not a valid Solana address (1 characters, an address has 32 to 44)"
    assert str(caught.value).splitlines() == [
        "4 of 6 owners cannot be used, nothing was sent:",
        f"  - owner at position 1: {bad}",
        "  - owner at position 2: missing",
        "  - owner at position 4: blank",
        f"  - owner at position 5: {bad}",
    ]
    assert isinstance(caught.value, ValueError)


@given(st.text())
def test_any_text_is_an_address_or_refused_by_us(text):
    try:
        assert parse_addresses([text], "owner") == (text.strip(),)
    except OwnerError as error:
        refused = str(error)
    else:
        return
    assert refused.replace("\n", "").isprintable()
    assert len(refused) < 250


def test_a_frame_or_a_path_for_owners_says_what_to_pass():
    assert "pass its column of addresses, such as df['address']" in refusal(
        owners=pd.DataFrame({"address": [A]})
    )
    assert "read the file first" in refusal(owners=Path("owners.csv"))


def test_an_iterable_that_breaks_breaks_as_it_does():
    def broken():
        yield A
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="database"):
        config_of(broken())


# Mints


def test_no_mint_is_every_mint():
    assert config_of().mints == ()


@pytest.mark.parametrize(
    "mint", [A, [A], (A, A), pd.Series([A]), Key(A)], ids=["text", "list", "twice", "series", "object"]
)
def test_one_mint_in_every_form(mint):
    assert config_of(mint=mint).mints == (A,)


@pytest.mark.parametrize(
    "mint", [[], (), pd.Index([], dtype=str), set()], ids=["list", "tuple", "index", "set"]
)
def test_a_filter_without_a_mint_is_not_the_same_as_none(mint):
    with pytest.raises(MintError, match="leave it out to read every mint"):
        config_of(mint=mint)


@pytest.mark.parametrize("mint", ["", "x", [A, None], pd.NA, float("nan")], ids=repr)
def test_a_bad_mint_is_refused_as_a_mint(mint):
    assert problems(mint, "mint")[0].startswith("mint at position ")


# Options

INTEGERS = {
    "max_concurrency": (1, 1000),
    "page_size": (1, 1000),
    "retries": (0, None),
    "chunksize": (1, None),
}
NUMBERS = ("timeout", "requests_per_second")
CHOICES = {
    "plan": [None, "free", "developer", "business", "professional"],
    "cluster": [None, "mainnet", "mainnet-beta", "devnet", "demo"],
    "drop_zero": [True, False],
    "errors": ["raise", "collect"],
    "consistency": [None, "stable"],
    "dtype_backend": [None, "numpy_nullable", "pyarrow"],
    "event_loop": ["thread", "nested"],
}
OPTIONAL = ("chunksize", "requests_per_second", "progress")
ODD = [
    [],
    {},
    object(),
    np.array([1, 2]),
    pd.Series(["raise"]),
    "",
    b"",
    1j,
    float("nan"),
    pd.NA,
    pd.DataFrame(),
    type,
]


def test_these_are_all_options_and_the_rest_is_api_key_endpoint_and_progress():
    assert OPTIONS.keys() == {*INTEGERS, *NUMBERS, *CHOICES, "api_key", "endpoint", "progress"}


def expected_words(name):
    if name in INTEGERS:
        low, high = INTEGERS[name]
        return f"an integer ≥ {low}" if high is None else f"an integer from {low} to {high}"
    if name in NUMBERS:
        return "a positive, finite number"
    if name == "progress":
        return "None, True, False or a callable"
    texts = [repr(choice) for choice in CHOICES[name]]
    return f"{', '.join(texts[:-1])} or {texts[-1]}"


def wrong_values():
    """Return values that each option refuses."""
    wrong = {
        name: [low - 1, 5.0, 5.5, "5", True, np.True_, [5], Decimal(5)] for name, (low, _) in INTEGERS.items()
    }
    for name in ("max_concurrency", "page_size"):
        wrong[name] += [1001, 10**30]
    wrong |= {name: [0, -1, 0.0, -0.5, float("inf"), float("nan"), "30", True, [1], 1j] for name in NUMBERS}
    wrong |= {name: ["other", 0, 1, 2.5, *ODD] for name in CHOICES}
    wrong["progress"] = ["no", 0, 1, []]
    for name, values in wrong.items():
        if name not in OPTIONAL and None not in CHOICES.get(name, ()):
            values.append(None)
    return wrong


BAD = wrong_values()


@pytest.mark.parametrize("name", BAD)
def test_every_wrong_value_of_an_option_is_refused_in_one_wording(name):
    for value in BAD[name]:
        message = refusal(**{name: value})
        assert message.startswith(f"{name} must be {expected_words(name)}, got "), value


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_of_an_option_is_taken(name):
    for value in CHOICES[name]:
        if (name, value) in (("event_loop", "nested"), ("cluster", None), ("cluster", "mainnet-beta")):
            continue
        config = config_of(**{"api_key": "a-key", name: value})
        if name not in ("cluster", "plan"):
            assert getattr(config, name) == value


@pytest.mark.parametrize("value", [1, 500, 1000, np.int64(7), np.uint8(7)], ids=repr)
def test_an_integer_of_the_range_is_taken_as_int(value):
    for name in INTEGERS:
        taken = getattr(config_of(**{name: value}), name)
        assert (taken, type(taken)) == (value, int)


def test_a_range_without_an_end_has_none():
    assert config_of(chunksize=10**30, retries=10**30).retries == 10**30


@pytest.mark.parametrize("value", [1, 0.001, 30.0, np.float32(2), np.int64(3), Fraction(1, 2)], ids=repr)
def test_a_positive_number_is_taken_as_float(value):
    config = config_of(timeout=value, requests_per_second=value)
    assert (config.timeout, type(config.timeout)) == (float(value), float)
    assert (config.rate, type(config.rate)) == (float(value), float)


def test_a_timeout_is_bounded_by_a_year():
    assert config_of(timeout=1e300).timeout == 365 * 86_400.0


def test_a_rate_of_ones_own_goes_before_that_of_the_plan():
    assert config_of().rate is None
    assert config_of(plan="business").rate == 50.0
    assert config_of(plan="business", requests_per_second=7).rate == 7.0


def test_without_options_the_defaults_hold():
    config = config_of()
    assert {
        name: getattr(config, name) for name in OPTIONS if hasattr(config, name) and name != "endpoint"
    } == {
        "max_concurrency": 16,
        "page_size": 1000,
        "timeout": 30.0,
        "retries": 6,
        "drop_zero": False,
        "errors": "raise",
        "consistency": None,
        "chunksize": None,
        "dtype_backend": None,
        "progress": None,
        "event_loop": "thread",
    }


@pytest.mark.parametrize("progress", [None, True, False, print])
def test_progress_is_taken_as_it_is(progress):
    assert config_of(progress=progress).progress is progress


def test_an_option_that_does_not_exist_lists_those_that_do():
    with pytest.raises(TypeError, match="there is no option 'page'; the options are api_key, cluster"):
        config_of(page=5)


def test_a_url_as_cluster_says_which_option_it_is():
    with pytest.raises(EndpointError, match="use endpoint="):
        config_of(cluster="https://rpc.example/secret")


def test_a_config_cannot_be_changed_and_shows_no_key():
    config = config_of(cluster="mainnet", api_key=KEY)
    with pytest.raises(AttributeError):
        config.retries = 1
    assert not has_key(repr(config))


def test_a_config_carries_the_environment_of_the_transport():
    environment = Environment(clock=lambda: 5.0)
    assert resolve(A, None, {"cluster": "demo"}, environment).environment is environment


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"chunksize": 5}, True),
        ({}, False),
        ({"chunksize": 5, "errors": "collect"}, False),
        ({"chunksize": 5, "consistency": "stable"}, False),
        ({"chunksize": 5, "mint": A}, False),
        ({"chunksize": 5, "drop_zero": True}, True),
    ],
)
def test_rows_go_out_page_by_page_only_where_nothing_can_take_them_back(options, expected):
    assert config_of(**options).is_streaming is expected


# Keys in the wrong place


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in ("api_key", "endpoint")])
@pytest.mark.parametrize(
    "form", [str, str.encode, Secret, lambda text: [text], lambda text: int(text[:8], 16)]
)
def test_a_key_in_the_wrong_option_is_not_shown(name, form):
    if name in (*INTEGERS, *NUMBERS) and type(form(KEY)) is int:
        return
    if name in ("retries", "chunksize") and isinstance(form(KEY), int):
        return
    assert not has_key(refusal(**{name: form(KEY)}))


@pytest.mark.parametrize(
    "arguments",
    [
        {"owners": KEY},
        {"owners": [KEY, A]},
        {"owners": f"https://mainnet.helius-rpc.com/?api-key={KEY}"},
        {"owners": Path(KEY)},
        {"mint": KEY},
        {"mint": f"https://mainnet.helius-rpc.com/?api-key={KEY}"},
        {"cluster": f"https://mainnet.helius-rpc.com/?api-key={KEY}"},
        {"cluster": None, "endpoint": KEY},
        {"cluster": None, "endpoint": f"ftp://{KEY}"},
        {"cluster": None, "api_key": f"{KEY} {KEY}"},
    ],
    ids=range(10),
)
def test_a_key_in_the_wrong_argument_is_not_shown(arguments):
    assert not has_key(refusal(**arguments))


def test_secrets_of_a_call_are_sealed_in_place_and_nothing_else_is_touched():
    options = {"api_key": KEY, "endpoint": f"https://rpc.example/{KEY}", "plan": "free"}
    seal(options)
    assert not has_key(repr(options))
    assert options["api_key"] == Secret(KEY)
    assert options["plan"] == "free"
    seal(missing := {})
    assert missing == {}


def test_a_missing_key_is_an_input_error(monkeypatch):
    for name in ("HELIUS_API_KEY", "HELIUS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(KeyMissingError):
        config_of(cluster=None)


# Signatures

READERS = {
    "read_helius_balances": (read_helius_balances, set()),
    "aread_helius_balances": (aread_helius_balances, {"event_loop"}),
    "Series.helius.read_balances": (AddressesAccessor.read_balances, set()),
}


@pytest.mark.parametrize(("function", "without"), READERS.values(), ids=READERS)
def test_a_readers_signature_names_each_option_with_its_default(function, without):
    parameters = inspect.signature(function).parameters
    shown = {name: each.default for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    assert shown == {name: option.default for name, option in OPTIONS.items() if name not in without}
    assert list(shown) == [name for name in OPTIONS if name not in without]
    assert all(each.kind is not each.VAR_KEYWORD for each in parameters.values())
    assert all(each.annotation is not each.empty for name, each in parameters.items() if name != "self")
    assert function.__doc__.count("Parameters\n") >= 1 or function is aread_helius_balances


def test_refresh_names_every_option_but_chunksize_and_keeps_drop_zero_of_the_first_pull():
    parameters = inspect.signature(BalancesAccessor.refresh).parameters
    assert list(parameters)[:3] == ["self", "owners", "mint"]
    shown = {name: each.default for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    expected = {name: option.default for name, option in OPTIONS.items() if name != "chunksize"}
    assert shown == expected | {"drop_zero": None}
    assert all(each.kind is not each.VAR_KEYWORD for each in parameters.values())


def test_every_option_is_a_line_in_each_of_the_three_lists():
    typed = {*ReadOptions.__annotations__, "chunksize"}
    assert typed == set(OPTIONS)
    config = {each.name for each in fields(PullConfig)}
    resolved = {"api_key", "cluster", "plan", "requests_per_second"}  # into the endpoint and the rate
    of_holders = {"kind", "top", "min_balance"}  # of the other reader
    assert config == (set(OPTIONS) - resolved) | {"owners", "mints", "rate", "environment"} | of_holders


def test_the_twin_refuses_the_option_that_it_does_not_have():
    with pytest.raises(TypeError, match="event_loop"):
        aread_helius_balances(A, cluster="demo", event_loop="thread")


def test_a_function_keeps_its_own_parameters_and_other_defaults():
    @with_options(ReadOptions, without=["progress"], timeout=5.0)
    def function(first, *, page_size=3, **options):
        """Do."""

    parameters = inspect.signature(function).parameters
    assert next(iter(parameters)) == "first"
    assert "progress" not in parameters
    assert (parameters["timeout"].default, parameters["page_size"].default) == (5.0, 3)


def test_a_method_takes_signature_and_docstring_with_a_first_line_of_its_own():
    def function(frame, *, option=1):
        """Do this.

        And more.
        """

    class Accessor:
        @like(function)
        def method(self, **options):
            """Do this to the frame."""

        @like(function)
        def silent(self, **options):
            pass

    assert str(inspect.signature(Accessor.method)) == "(self, *, option=1)"
    assert Accessor.method.__doc__ == "Do this to the frame.\n\nAnd more."
    assert Accessor.silent.__doc__ == "Do this.\n\nAnd more."

    @like(function)
    def twin(frame, **options):
        pass

    assert str(inspect.signature(twin)) == "(frame, *, option=1)"


@pytest.mark.parametrize("function", [read_helius_balances, aread_helius_balances])
def test_a_wrong_call_is_refused_at_once_with_a_short_traceback(function):
    with pytest.raises(HeliusError) as caught:
        function(A, cluster="demo", page_size=0)
    frames = [
        frame
        for frame in caught.traceback
        if "helius_frames/" in str(frame.path) and "tests" not in str(frame.path)
    ]
    assert len(frames) == 1
    assert caught.value.__cause__ is None


def test_the_accessors_are_those_of_pandas():
    assert helius_frames.BalanceChunks is not None
    assert pd.Series([A]).helius.read_balances.__doc__ == AddressesAccessor.read_balances.__doc__
