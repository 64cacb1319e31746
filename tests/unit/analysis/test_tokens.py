"""Symbols, units and supply in frames and tables: exact to the last digit, missing where unknown."""

from __future__ import annotations

import io
from decimal import Decimal, localcontext

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helius_frames import analysis, demo, read_helius_balances, read_helius_tokens
from helius_frames.analysis import (
    MintIndex,
    by_mint,
    diff,
    holders_between,
    holdings,
    top_holders,
    with_tokens,
)
from helius_frames.errors import InputError
from tests.support.addresses import address_at
from tests.support.frames import balances_frame

U64_MAX = 2**64 - 1
OWNERS = [address_at(n * 10**68) for n in range(1, 9)]
MINTS = [address_at(n * 10**76) for n in range(1, 6)]
PLACES = (0, 6, 9, 18)
AMOUNTS = (0, 1, 10**9 + 1, 2**53 + 1, 2**63, U64_MAX)


def known_frame(decimals=None, rows=None, **columns):
    """Return a frame of one mint for each number of decimals, with each amount of `AMOUNTS`."""
    decimals = dict(zip(MINTS, PLACES, strict=False)) if decimals is None else decimals
    rows = rows or [(OWNERS[n], mint, amount, 5) for mint in decimals for n, amount in enumerate(AMOUNTS)]
    return with_tokens(
        balances_frame(rows), {mint: {"decimals": p} | columns for mint, p in decimals.items()}
    )


def units(amount, decimals):
    """Return whole tokens by string arithmetic alone."""
    digits = str(amount).rjust(decimals + 1, "0")
    return (
        f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}".rstrip(".")
        if amount
        else "0"
    )


# The columns


def test_the_columns_have_these_dtypes_and_are_missing_where_unknown():
    frame = balances_frame([(OWNERS[0], MINTS[0], 1, 5), (OWNERS[0], MINTS[1], 2, 5)])
    known = with_tokens(frame, {MINTS[0]: {"symbol": "A", "decimals": 6, "supply": U64_MAX}})
    assert known.dtypes[["symbol", "decimals", "supply"]].astype(str).tolist() == [
        "category",
        "UInt8",
        "UInt64",
    ]
    assert known["symbol"].iloc[0] == "A"
    assert known["supply"].iloc[0] == U64_MAX
    assert known[["symbol", "decimals", "supply"]].isna().to_numpy().tolist() == [[False] * 3, [True] * 3]
    assert list(frame.columns) == ["owner", "mint", "balance", "slot"]


@pytest.mark.parametrize(
    "tokens",
    [
        {MINTS[0]: "A"},
        {MINTS[0]: 6},
        {MINTS[0]: {"supply": 9}},
        {MINTS[0]: {"symbol": None, "decimals": pd.NA, "supply": float("nan")}},
        pd.DataFrame({"symbol": ["A"]}, index=pd.Index([MINTS[0]], name="mint")),
        pd.DataFrame({"mint": [MINTS[0]], "decimals": [6]}),
        {},
    ],
)
def test_a_mapping_or_a_frame_may_say_any_of_the_three(tokens):
    frame = with_tokens(balances_frame([(OWNERS[0], MINTS[0], 1, 5)]), tokens)
    assert {"symbol", "decimals", "supply"} <= set(frame.columns)
    by_mint(frame)


@pytest.mark.parametrize(
    "tokens",
    [
        5,
        "BONK",
        [("a", 1)],
        {MINTS[0]: {"symbol": 5}},
        {MINTS[0]: -1},
        {MINTS[0]: 256},
        {MINTS[0]: 6.0},
        {MINTS[0]: True},
        {MINTS[0]: {"supply": 2**64}},
        pd.DataFrame({"name": ["A"]}, index=[MINTS[0]]),
        pd.DataFrame({"symbol": ["A", "B"]}, index=[MINTS[0]] * 2),
    ],
)
def test_what_is_no_symbol_decimals_or_supply_is_refused(tokens):
    with pytest.raises(InputError):
        with_tokens(balances_frame([(OWNERS[0], MINTS[0], 1, 5)]), tokens)


def test_what_is_not_said_anew_stays():
    frame = known_frame({MINTS[0]: 6}, symbol="OLD", supply=7)
    renamed = with_tokens(frame, {MINTS[0]: "NEW"})
    assert renamed["symbol"].unique().tolist() == ["NEW"]
    assert renamed["decimals"].unique().tolist() == [6]
    assert renamed["supply"].unique().tolist() == [7]


def test_an_empty_frame_gets_the_same_columns():
    empty = balances_frame([], owners=OWNERS, mints=MINTS)
    known = with_tokens(empty, {MINTS[0]: 6})
    assert known.dtypes[["decimals", "supply"]].astype(str).tolist() == ["UInt8", "UInt64"]
    assert by_mint(known).columns[:3].tolist() == ["symbol", "holders", "total"]
    assert len(holdings(known, OWNERS[0])) == 0


def reread(frame):
    text = io.StringIO()
    frame.to_csv(text, index=False)
    text.seek(0)
    return pd.read_csv(text, dtype={"supply": "UInt64", "balance": "uint64"})


@pytest.mark.parametrize("way", ["filter", "concat", "merge of two", "parquet", "csv", "pyarrow"])
def test_the_columns_ride_through(way, tmp_path):
    frame = known_frame(symbol="SAME", supply=U64_MAX)
    expected = by_mint(frame)
    half = len(frame) // 2
    if way == "filter":
        frame = frame[frame["balance"] >= 0]
    elif way == "concat":
        frame = pd.concat([frame.iloc[:half], frame.iloc[half:]])
    elif way == "merge of two":
        others = with_tokens(frame.iloc[half:], dict.fromkeys(MINTS, "OTHER"))
        frame = pd.concat([frame.iloc[:half], with_tokens(others, dict.fromkeys(MINTS, "SAME"))])
    elif way == "parquet":
        frame.to_parquet(tmp_path / "x.parquet")
        frame = pd.read_parquet(tmp_path / "x.parquet")
    elif way == "csv":
        frame = reread(frame)
    else:
        kinds = {"symbol": pa.string(), "decimals": pa.uint8(), "supply": pa.uint64()}
        frame = frame.astype({name: pd.ArrowDtype(kind) for name, kind in kinds.items()})
    pd.testing.assert_frame_equal(by_mint(frame), expected)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("symbol", [1, 2]),
        ("decimals", ["6", "9"]),
        ("decimals", [6.5, 9.0]),
        ("decimals", [600, 9]),
        ("supply", [1.5, 2.5]),
        ("supply", [-1, 5]),
        ("supply", [True, False]),
    ],
)
def test_a_column_of_somebody_elses_is_left_alone(name, values):
    frame = balances_frame([(OWNERS[0], mint, 1, 5) for mint in MINTS[:2]])
    plain = by_mint(frame)
    pd.testing.assert_frame_equal(by_mint(frame.assign(**{name: values})), plain)


def test_two_numbers_of_decimals_for_one_mint_are_refused():
    frame = balances_frame([(owner, MINTS[0], 1, 5) for owner in OWNERS[:2]]).assign(decimals=[6, 9])
    with pytest.raises(InputError, match=f"more than one value for the mint {MINTS[0]}"):
        by_mint(frame)


def test_the_first_row_that_says_something_speaks_for_its_mint():
    frame = balances_frame([(owner, MINTS[0], 1, 5) for owner in OWNERS[:3]])
    frame = frame.assign(decimals=pd.array([None, 6, 6], dtype="UInt8"), symbol=[None, "A", None])
    assert by_mint(frame)[["symbol", "ui_total"]].iloc[0].tolist() == ["A", Decimal("0.000003")]


# Exact amounts


def test_amounts_are_exact_to_the_last_digit_in_every_table():
    frame = known_frame()
    with localcontext() as context:
        context.prec = 5  # nothing goes through decimal's own arithmetic
        table = by_mint(frame)
        for mint, places in zip(MINTS, PLACES, strict=False):
            assert f"{table.loc[mint, 'ui_total']:f}" == units(sum(AMOUNTS), places)
            top = top_holders(frame, mint, n=10)
            assert [f"{each:f}" for each in top["ui_balance"]] == [
                units(amount, places) for amount in sorted(AMOUNTS, reverse=True)[: len(top)]
            ]
            between = holders_between(frame, mint, 1, U64_MAX)
            assert between["ui_balance"].tolist() == top["ui_balance"].tolist()
        for owner, amount in zip(OWNERS, AMOUNTS, strict=False):
            held = holdings(frame, owner)
            assert [f"{each:f}" for each in held["ui_balance"]] == [
                units(amount, places) for places in PLACES
            ]


def test_a_total_beyond_64_bits_is_exact_in_tokens():
    frame = known_frame({MINTS[0]: 18}, [(owner, MINTS[0], U64_MAX, 5) for owner in OWNERS], supply=U64_MAX)
    row = by_mint(frame).iloc[0]
    assert f"{row['ui_total']:f}" == units(8 * U64_MAX, 18)
    assert row["share_of_supply"] == 8.0


@pytest.mark.parametrize("source", [pd.DataFrame, MintIndex])
def test_an_index_gives_the_same_tables(source):
    frame = known_frame(symbol="A", supply=9)
    of = frame if source is pd.DataFrame else MintIndex.of(frame)
    pd.testing.assert_frame_equal(by_mint(of), by_mint(frame))
    pd.testing.assert_frame_equal(top_holders(of, MINTS[1]), top_holders(frame, MINTS[1]))


def test_exports_hold_every_digit(tmp_path):
    frame = known_frame(symbol="A", supply=U64_MAX)
    table = by_mint(frame)
    text = table.to_csv()
    expected = [units(sum(AMOUNTS), places) for places in PLACES]
    assert all(digits in text for digits in expected)
    saved = by_mint(frame, dtype_backend="pyarrow")
    saved.to_parquet(tmp_path / "x.parquet")
    back = pd.read_parquet(tmp_path / "x.parquet", dtype_backend="pyarrow")
    assert back["ui_total"].tolist() == table["ui_total"].tolist()
    assert back["total"].tolist() == table["total"].tolist()
    assert back["symbol"].tolist() == table["symbol"].tolist()


@pytest.mark.parametrize(
    ("places", "kind"),
    [
        (18, "decimal128(38, 18)"),
        (19, "decimal128(38, 19)"),
        (20, "decimal128(38, 20)"),
        (56, "decimal256(76, 56)"),
        (255, "string"),
    ],
)
def test_the_arrow_column_of_a_table_is_as_wide_as_it_must_be(places, kind):
    frame = known_frame({MINTS[0]: places}, [(OWNERS[0], MINTS[0], U64_MAX, 5)])
    table = by_mint(frame, dtype_backend="pyarrow")
    assert str(table["ui_total"].dtype) == f"{kind}[pyarrow]"
    assert f"{Decimal(table['ui_total'].iloc[0]):f}" == units(U64_MAX, places)


@given(st.lists(st.integers(0, U64_MAX), min_size=1, max_size=8), st.integers(0, 255))
def test_whole_tokens_times_the_scale_are_the_base_units(amounts, places):
    rows = [(owner, MINTS[0], amount, 5) for owner, amount in zip(OWNERS, amounts, strict=False)]
    total = by_mint(known_frame({MINTS[0]: places}, rows))["ui_total"].iloc[0]
    sign, digits, exponent = total.as_tuple()
    assert (sign, exponent) == (0, -places if sum(amounts) else 0)
    assert int("".join(map(str, digits))) == sum(amounts)


def test_unknown_decimals_and_supplies_are_missing_not_zero():
    frame = balances_frame([(OWNERS[0], mint, 5, 5) for mint in MINTS[:2]])
    table = by_mint(with_tokens(frame, {MINTS[0]: {"decimals": 1, "supply": 0}}))
    assert table.loc[MINTS[0], "ui_total"] == Decimal("0.5")
    assert table.loc[MINTS[1], "ui_total"] is None
    assert table["share_of_supply"].isna().all()  # of a supply of 0 nothing is a share
    held = holdings(with_tokens(frame, {MINTS[0]: 1}), OWNERS[0])
    assert held.loc[MINTS[1], "ui_balance"] is None
    assert "ui_balance" not in top_holders(with_tokens(frame, {MINTS[0]: 1}), MINTS[1])


def test_changes_are_exact_in_tokens():
    rows = [(OWNERS[0], mint, U64_MAX, 5) for mint in MINTS[:4]]
    before = known_frame(rows=rows)
    after = balances_frame([(OWNERS[0], mint, 1, 6) for mint in MINTS[:3]], mints=MINTS[:4])
    table = diff(before, after)
    assert str(table["ui_change"].dtype) == "decimal128(38, 18)[pyarrow]"
    assert [f"{each:f}" for each in table["ui_change"]] == [
        "-" + units((U64_MAX - 1) * 10 ** (18 - places), 18) for places in PLACES[:3]
    ] + ["-" + units(U64_MAX, 18)]
    assert table.columns.tolist()[:7] == ["owner", "mint", "symbol", "before", "after", "change", "ui_change"]


def test_changes_of_more_decimals_than_fit_are_missing():
    before = known_frame({MINTS[0]: 19, MINTS[1]: 0}, [(OWNERS[0], mint, 5, 5) for mint in MINTS[:2]])
    after = balances_frame([(OWNERS[0], mint, 6, 6) for mint in MINTS[:2]])
    assert diff(before, after)["ui_change"].isna().tolist() == [True, False]


def test_tables_of_a_frame_without_the_columns_are_as_they_were():
    frame = balances_frame([(OWNERS[0], MINTS[0], 5, 5)])
    assert by_mint(frame).columns[0] == "holders"
    assert top_holders(frame, MINTS[0]).columns.tolist() == [
        "owner",
        "balance",
        "share",
        "cumulative_share",
        "slot",
    ]
    assert holdings(frame, OWNERS[0]).columns.tolist() == ["balance", "slot"]
    assert "symbol" not in diff(frame, frame)


# Symbols


def test_two_mints_of_one_symbol_are_told_apart_in_every_table():
    frame = balances_frame([(owner, mint, 5, 5) for owner in OWNERS for mint in MINTS[:4]])
    symbols = dict(zip(MINTS, ["GOLD", "gold", "GOLD", "SILVER"], strict=False))
    frame = with_tokens(frame, symbols)
    tables = {
        "by_mint": by_mint(frame)["symbol"].tolist(),
        "holdings": holdings(frame, OWNERS[0])["symbol"].tolist(),
        "diff": diff(frame, frame)["symbol"].astype("object").tolist()[:4],
        "top_holders": [top_holders(frame, mint)["symbol"].iloc[0] for mint in MINTS[:4]],
    }
    for name, shown in tables.items():
        assert len(set(shown)) == 4, name
        assert shown[3] == "SILVER"
        for label, mint in zip(shown[:3], MINTS, strict=False):
            assert label == f"{symbols[mint]} ({mint[:4]}…{mint[-4:]})"
    assert frame["symbol"].iloc[:4].tolist() == ["GOLD", "gold", "GOLD", "SILVER"]


def test_a_symbol_made_to_look_like_anothers_label_is_told_apart_too():
    frame = balances_frame([(OWNERS[0], mint, 5, 5) for mint in MINTS[:3]])
    forged = f"GOLD ({MINTS[0][:4]}…{MINTS[0][-4:]})"
    shown = by_mint(with_tokens(frame, dict(zip(MINTS, ["GOLD", "GOLD", forged], strict=False))))["symbol"]
    assert len(set(shown)) == 3


def test_holdings_of_an_owner_that_was_not_read_are_refused():
    frame = known_frame()
    with pytest.raises(InputError, match="was not read"):
        holdings(frame, MINTS[0])


# Names that mean harm


@pytest.fixture(scope="module")
def hostile():
    """The demo's frame, of which one mint has a symbol and a name that mean harm."""
    frame = read_helius_balances(demo.OWNERS, cluster="demo").helius.with_tokens()
    tokens = read_helius_tokens(demo.MINTS, cluster="demo")
    mint = tokens.index[tokens["name"].str.contains("onerror", na=False)][0]
    return frame, tokens, mint


HARM = ["\u202e", "\x1b", "\r", "\\href"]


def test_hostile_names_are_escaped_in_notebooks(hostile):
    frame, tokens, mint = hostile
    with pd.option_context("display.max_colwidth", None, "display.max_rows", None):
        shown = [tokens._repr_html_(), frame.helius.by_mint()._repr_html_(), frame._repr_html_()]
        shown += [frame.helius.top_holders(mint)._repr_html_()]
    assert "&lt;img src=x" in shown[0]
    assert not any("<img" in text or harm in text for text in shown for harm in HARM)


def test_hostile_names_are_one_plain_line_in_a_terminal_and_a_csv(hostile):
    frame, tokens, mint = hostile
    held = frame[frame["mint"] == mint]
    for text in (tokens.to_string(), tokens.to_csv(), held.to_csv(), frame.helius.by_mint().to_csv()):
        assert not any(harm in text for harm in HARM)
        assert ",=" not in text
    assert tokens.to_csv().count("\n") == len(tokens) + 1


def test_hostile_names_reach_no_file_name_and_are_no_formula_in_a_saved_csv(hostile):
    frame, _, mint = hostile
    explorer = frame.helius.explore(mint=mint)
    csv, html = explorer.download("csv"), explorer.download("html")
    assert csv.name.replace("-", "").replace(".", "").isalnum()
    assert b"\n=1+1" not in csv.data
    assert b",=1+1" not in csv.data
    assert b"<img src=x" not in html.data


def test_charts_and_the_explorer_take_the_columns(hostile):
    frame, _, mint = hostile
    for chart in ("histogram", "ecdf", "lorenz", "top_holders", "treemap", "heatmap"):
        explorer = frame.helius.explore(mint=mint, chart=chart)
        assert explorer.chart == chart
        getattr(frame.helius.plot, chart)(mint)


def test_every_table_of_the_demo_names_its_tokens():
    frame = read_helius_balances(demo.OWNERS, cluster="demo").helius.with_tokens()
    table = frame.helius.by_mint()
    assert table["symbol"].dropna().is_unique
    assert table.loc[list(set(demo.MINTS) & set(table.index)), "symbol"].isna().sum() == 1
    assert analysis.pull_attrs(frame)["cluster"] == "demo"


@given(
    st.lists(st.tuples(st.integers(0, U64_MAX), st.integers(0, U64_MAX)), min_size=1, max_size=4),
    st.lists(st.integers(0, 18), min_size=4, max_size=4),
)
def test_a_change_in_tokens_times_the_scale_is_the_change(pairs, places):
    decimals = dict(zip(MINTS, places, strict=False))
    before, after = (
        balances_frame([(OWNERS[0], mint, pair[n], 5) for mint, pair in zip(MINTS, pairs, strict=False)])
        for n in (0, 1)
    )
    table = diff(with_tokens(before, decimals), after)
    for mint, change, units_changed in zip(table["mint"], table["change"], table["ui_change"], strict=True):
        sign, digits, exponent = units_changed.as_tuple()
        number = (-1) ** sign * int("".join(map(str, digits)))
        assert number == int(change) * 10 ** (-exponent - decimals[mint])
