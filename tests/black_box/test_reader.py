import asyncio
import os
import threading

import pandas as pd
import pytest
import uvloop

import helius_frames
from helius_frames import (
    OwnerError,
    RPCError,
    aread_helius_balances,
    demo,
    read_helius_balances,
)
from helius_frames.demo import Holdings, Indexer, serve
from tests.black_box import nested_scenarios
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.frames import rows_held, rows_of
from tests.support.subprocess_helpers import assert_runs_silently

OWNERS = demo.OWNERS[:40]


def read_from(holdings, owners=None, indexer=None, **options):
    with serve(indexer or Indexer(holdings, page_slots=1)) as url:
        return read_helius_balances(owners or list(holdings.to_dict()), endpoint=url, **options)


def test_the_demo_frame_is_what_the_indexer_holds():
    df = pd.read_helius_balances(demo.OWNERS, cluster="demo")
    assert rows_of(df) == rows_held(demo.app().holdings, demo.OWNERS)
    assert df.dtypes.astype(str).tolist() == ["category", "category", "uint64", "int64"]
    assert df["owner"].cat.categories.tolist() == list(demo.OWNERS)


def test_a_real_port_gives_the_frame_of_the_demo_cluster():
    with serve(demo.app()) as url:
        df = read_helius_balances(demo.OWNERS, endpoint=url)
    pd.testing.assert_frame_equal(
        df.drop(columns="slot"), read_helius_balances(demo.OWNERS, cluster="demo").drop(columns="slot")
    )
    assert df.attrs["helius"]["endpoint"] == url


@pytest.mark.parametrize(("n_owners", "mints"), [(1, 12_000), (1, 3_000), (2_000, 30)])
def test_large_pulls_are_exact_row_for_row(n_owners, mints):
    holdings = Holdings.uniform(n_owners, mints, max(mints, 200), seed=7)
    owners = list(holdings.to_dict())
    assert rows_of(read_from(holdings)) == rows_held(holdings, owners)


@pytest.mark.parametrize(
    "owners",
    [
        OWNERS[0],
        f"  {OWNERS[0]}\n",
        list(OWNERS),
        iter(OWNERS),
        set(OWNERS),
        pd.Series(OWNERS),
        pd.Index(OWNERS),
        pd.Series(OWNERS).astype("category"),
        pd.Series(OWNERS).to_numpy(),
        dict.fromkeys(OWNERS),
    ],
    ids=lambda owners: type(owners).__name__,
)
def test_owners_may_come_in_any_form(owners):
    given = {OWNERS[0]} if isinstance(owners, str) else set(OWNERS)
    df = read_helius_balances(owners, cluster="demo")
    assert set(df["owner"].cat.categories) == given
    assert sorted(rows_of(df)) == sorted(rows_held(demo.app().holdings, given))


def test_objects_whose_str_is_the_address_are_owners():
    class Pubkey:
        def __str__(self):
            return OWNERS[1]

    assert rows_of(read_helius_balances(Pubkey(), cluster="demo")) == rows_held(
        demo.app().holdings, OWNERS[1:2]
    )


def test_owners_stand_in_the_order_given_and_are_asked_once():
    owners = [OWNERS[5], OWNERS[2], OWNERS[5], OWNERS[9]]
    df = read_helius_balances(owners, cluster="demo")
    assert df["owner"].cat.categories.tolist() == [OWNERS[5], OWNERS[2], OWNERS[9]]
    assert df.attrs["helius"]["owners"] == 3


def test_bad_owners_are_all_listed_and_nothing_is_sent():
    indexer = Indexer(Holdings.uniform(1, 1, 1))
    with serve(indexer) as url, pytest.raises(OwnerError) as caught:
        read_helius_balances([OWNERS[0], None, " ", "9xQe", OWNERS[0][:-1] + "l"], endpoint=url)
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert all(f"position {n}" in text for n in (1, 2, 3, 4))
    assert "'9xQe'" in text
    assert indexer.requests == 0


def test_no_owners_give_the_empty_frame():
    df = read_helius_balances([], cluster="demo")
    assert df.dtypes.astype(str).tolist() == ["category", "category", "uint64", "int64"]
    assert len(df) == 0


def test_one_mint_is_one_request_for_each_owner():
    mint = demo.MINTS[0]
    df = read_helius_balances(demo.OWNERS, mint, cluster="demo")
    assert rows_of(df) == [row for row in rows_held(demo.app().holdings, demo.OWNERS) if row[1] == mint]
    assert df.attrs["helius"]["requests"] == len(demo.OWNERS)
    assert df.attrs["helius"]["mints"] == [mint]


def test_several_mints_are_only_those():
    mints = demo.MINTS[2:9]
    df = read_helius_balances(demo.OWNERS, mints, cluster="demo")
    assert rows_of(df) == [row for row in rows_held(demo.app().holdings, demo.OWNERS) if row[1] in mints]


def test_drop_zero_leaves_out_zeros_alone():
    whole = read_helius_balances(OWNERS, cluster="demo")
    df = read_helius_balances(OWNERS, cluster="demo", drop_zero=True)
    assert rows_of(df) == [row for row in rows_of(whole) if row[2]]
    assert len(df) < len(whole)


@pytest.mark.parametrize("page_size", [1, 7, 999, 1000])
def test_the_page_size_does_not_show(page_size):
    owners = demo.OWNERS[:5]
    df = read_helius_balances(owners, cluster="demo", page_size=page_size)
    assert rows_of(df) == rows_held(demo.app().holdings, owners)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("page_size", 0),
        ("page_size", 1001),
        ("page_size", 10.5),
        ("max_concurrency", 0),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("retries", -1),
        ("errors", "ignore"),
        ("consistency", "strict"),
        ("chunksize", 0),
        ("dtype_backend", "numpy"),
        ("event_loop", "uvloop"),
        ("plan", "gold"),
        ("requests_per_second", 0),
        ("cluster", "testnet"),
        ("mint", []),
        ("mint", "9xQe"),
    ],
)
def test_a_bad_option_says_so_before_anything_is_sent(option, value):
    with pytest.raises(ValueError, match=option.split("_")[0]):
        read_helius_balances(OWNERS, **{"cluster": "demo", option: value})


def test_attrs_are_small_flat_json_without_secrets():
    import json

    key = "not-a-real-key-0123456789"
    with serve(Indexer(demo.app().holdings, api_key=key)) as url:
        df = read_helius_balances(OWNERS, endpoint=f"{url}/some/path?token=very-secret-token", api_key=key)
    attrs = df.attrs["helius"]
    text = json.dumps(attrs)
    assert key not in text
    assert "secret" not in text
    assert len(text) < 1_000
    assert all(value is None or isinstance(value, str | int | list) for value in attrs.values())
    assert set(attrs) >= {
        "endpoint",
        "method",
        "slot_min",
        "slot_max",
        "pages",
        "requests",
        "retries",
        "owners",
    }
    assert (attrs["owners"], attrs["failed"], attrs["version"]) == (40, 0, helius_frames.__version__)
    assert (attrs["slot_min"], attrs["slot_max"]) == (df["slot"].min(), df["slot"].max())


def test_an_error_carries_what_had_arrived_and_who_is_open():
    holdings = demo.app().holdings
    indexer = FaultyIndexer(holdings, faults=[FaultRule("rpc-32000", owner=OWNERS[20])])
    with pytest.raises(RPCError) as caught:
        read_from(holdings, list(OWNERS), indexer, max_concurrency=1)
    error = caught.value
    assert rows_of(error.partial) == rows_held(holdings, OWNERS[:20])
    assert error.open_owners == OWNERS[20:]
    rest = read_helius_balances(error.open_owners, cluster="demo")
    assert rows_of(error.partial) + rows_of(rest) == rows_held(holdings, OWNERS)


def test_collected_failures_are_listed_and_never_rows():
    holdings = demo.app().holdings
    indexer = FaultyIndexer(holdings, faults=[FaultRule("html", owner=OWNERS[3])])
    df = read_from(holdings, list(OWNERS), indexer, errors="collect")
    listed = df.helius.failures()
    assert listed["owner"].tolist() == [OWNERS[3]]
    assert listed["kind"].tolist() == ["ProtocolError"]
    assert listed["page"].tolist() == [1]
    assert df.attrs["helius"]["failed"] == 1
    assert rows_of(df) == rows_held(holdings, [owner for owner in OWNERS if owner != OWNERS[3]])


async def _inside(read):
    return read()


@pytest.mark.parametrize(
    ("where", "event_loop"),
    [
        ("script", "thread"),
        ("script", "nested"),
        ("loop", "thread"),
        ("thread", "thread"),
        ("thread", "nested"),
    ],
)
def test_the_reader_works_in_a_script_in_a_running_loop_and_in_a_thread(where, event_loop):
    def read():
        return rows_of(read_helius_balances(OWNERS, cluster="demo", event_loop=event_loop))

    expected = rows_held(demo.app().holdings, OWNERS)
    if where == "script":
        assert read() == expected
    elif where == "loop":
        assert asyncio.run(_inside(read)) == expected
    else:
        got = []
        thread = threading.Thread(target=lambda: got.append(read()))
        thread.start()
        thread.join()
        assert got == [expected]


def test_the_reader_works_under_uvloop():
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        df = runner.run(_inside(lambda: read_helius_balances(OWNERS, cluster="demo")))
    assert rows_of(df) == rows_held(demo.app().holdings, OWNERS)


def test_nested_under_uvloop_says_what_to_do():
    def read():
        return read_helius_balances(OWNERS, cluster="demo", event_loop="nested")

    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        pytest.raises(ValueError, match="thread"),
    ):
        runner.run(_inside(read))


@pytest.mark.slow
@pytest.mark.parametrize("scenario", nested_scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nested_in_a_running_loop(scenario):
    assert_runs_silently("-m", "tests.black_box.nested_scenarios", scenario.__name__)


def test_the_async_twin_gives_the_same_frame():
    df = asyncio.run(_gather_one())
    assert rows_of(df) == rows_held(demo.app().holdings, OWNERS)


async def _gather_one():
    return await aread_helius_balances(OWNERS, cluster="demo")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_reader_works_after_a_fork():
    read_helius_balances(OWNERS[0], cluster="demo")  # the parent's loop thread is running
    child = os.fork()
    if child == 0:
        good = rows_of(read_helius_balances(OWNERS, cluster="demo")) == rows_held(demo.app().holdings, OWNERS)
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_callable_gets_the_progress():
    seen = []
    df = read_helius_balances(
        OWNERS, cluster="demo", progress=lambda tally: seen.append((tally.done, tally.requests))
    )
    assert seen[-1] == (40, df.attrs["helius"]["requests"])
