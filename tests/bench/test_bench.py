"""The bench runs, and refuses rows that are not the server's."""

import pandas as pd
import pytest

from tests.bench import __main__ as bench
from tests.bench.checking import WrongRowsError, wrong_balances
from tests.bench.report import Figure
from tests.bench.world import Table, World

HOLDINGS = Table(2, 3, 4).holdings()


def frame(**columns):
    texts, owners = HOLDINGS.mint_texts, HOLDINGS.owners
    held = {
        "owner": [owners[0]] * 3 + [owners[1]] * 3,
        "mint": [texts[code] for code in HOLDINGS.codes],
        "balance": HOLDINGS.balances,
        "slot": 1,
    }
    return pd.DataFrame(held | columns)


@pytest.mark.slow
def test_a_quick_case_prints_a_table_whose_rows_are_exact(capsys):
    bench.main(["--quick", "--only", "mints"])
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert lines[0].startswith("| variant | wall, s | CPU, µs/row |")
    assert [line.endswith("20 exact |") for line in lines[2:]] == [True, True]


def test_rows_as_held_have_no_wrong_balance():
    assert wrong_balances(frame(), HOLDINGS) == 0


def test_a_balance_that_went_through_a_float_is_counted():
    balances = [*map(int, HOLDINGS.balances[:5]), int(HOLDINGS.balances[5]) + 1]
    assert wrong_balances(frame(balance=pd.array(balances, dtype="uint64")), HOLDINGS) == 1
    assert wrong_balances(frame(balance=[float(balance) for balance in balances]), HOLDINGS) == 1


def test_missing_rows_are_refused():
    with pytest.raises(WrongRowsError, match="5 rows were read, the server holds 6"):
        wrong_balances(frame().iloc[:5], HOLDINGS)


def test_rows_of_another_owner_are_refused():
    with pytest.raises(WrongRowsError, match="owner of row 0"):
        wrong_balances(frame(owner=HOLDINGS.owners[1]), HOLDINGS)


def test_only_some_mints_are_compared_where_only_they_were_asked():
    mints = HOLDINGS.mint_texts[:2]
    asked = frame()
    assert wrong_balances(asked[asked["mint"].isin(mints)], HOLDINGS, mints) == 0


def test_a_world_goes_to_its_server_and_back():
    world = World(Table(3, 4, 5, is_crowded=True), latency_s=0.5, rate=7.0)
    assert World.from_json(world.to_json()) == world


@pytest.mark.parametrize(
    ("measured", "least", "most", "is_kept"),
    [(5, 4, None, True), (3.5, 4, None, False), (1.05, None, 1.1, True), (1.3, None, 1.1, False)],
)
def test_a_figure_is_held_to_its_bound(measured, least, most, is_kept):
    assert Figure("", "", measured, least=least, most=most).is_kept == is_kept
