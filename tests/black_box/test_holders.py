"""Every holder of a mint, through the public reader."""

from __future__ import annotations

import asyncio
import inspect

import numpy as np
import pandas as pd
import pytest

import helius_frames
from helius_frames import (
    InputError,
    PullInterrupted,
    RPCError,
    TransportError,
    aread_helius_holders,
    demo,
    read_helius_balances,
    read_helius_holders,
)
from helius_frames.demo import Holdings, Indexer, serve
from tests.fault_server import FAULTS, FaultRule, FaultyIndexer
from tests.fault_server import serve as serve_faulty
from tests.support.frames import holders_held, rows_of
from tests.support.key_search import KEY, has_key
from tests.support.servers import ScriptedServer
from tests.support.transport import use_transport

MINTS = demo.MINTS
HOLDINGS = demo.app().holdings


def unequal(n, seed=3):
    rng = np.random.default_rng(seed)
    balances = np.exp(rng.normal(16, 3.5, n).clip(0, 43)).astype(np.uint64)
    balances[rng.random(n) < 0.3] = rng.choice([0, 1, 10**9])
    return Holdings.of_mint(balances, seed)


LARGE = unequal(12_000)


def read_from(indexer, mints=None, **options):
    options = {"retries": 1, "requests_per_second": 1e9} | options
    with use_transport("in process", indexer):
        mints = indexer.holdings.mint_texts if mints is None else mints
        return read_helius_holders(mints, endpoint="http://localhost", **options)


def test_the_frame_holds_every_holder_the_largest_first():
    df = pd.read_helius_holders(MINTS, cluster="demo")
    held = [mint for mint in MINTS if HOLDINGS.code(mint) is not None]
    assert rows_of(df) == holders_held(HOLDINGS, held)
    assert df["mint"].cat.categories.tolist() == list(MINTS)


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_a_mint_of_many_pages_is_whole_over_a_port(workers):
    with serve(Indexer(LARGE, latency_s=0.002)) as url:
        df = read_helius_holders(
            LARGE.mint_texts, endpoint=url, page_size=100, max_concurrency=workers, requests_per_second=1e4
        )
    assert rows_of(df) == holders_held(LARGE)
    assert df.attrs["helius"]["requests"] <= 121 if workers == 1 else 1.5 * 121


def test_the_async_twin_gives_the_same_frame():
    df = asyncio.run(aread_helius_holders(MINTS[:3], cluster="demo"))
    pd.testing.assert_frame_equal(df, read_helius_holders(MINTS[:3], cluster="demo"))


def test_mints_ask_from_where_they_are():
    df = pd.Series(MINTS[:3]).helius.read_holders(top=4, cluster="demo")
    assert rows_of(df) == [row for mint in MINTS[:3] for row in holders_held(HOLDINGS, [mint])[:4]]


@pytest.mark.parametrize("top", [1, 2, 999, 1000])
def test_the_top_thousand_are_one_request(top):
    indexer = Indexer(LARGE)
    assert rows_of(read_from(indexer, top=top)) == holders_held(LARGE)[:top]
    assert indexer.requests == 1


def test_the_order_ends_the_walk_early():
    rows = holders_held(LARGE)
    above = [row for row in rows if row[2] >= 10**10]
    for options, wanted in (
        ({"min_balance": 10**10}, above),
        ({"drop_zero": True}, [r for r in rows if r[2]]),
    ):
        indexer = Indexer(LARGE)
        assert rows_of(read_from(indexer, page_size=50, max_concurrency=1, **options)) == wanted
        assert indexer.requests <= len(wanted) // 50 + 1


def test_only_these_owners_end_the_walk_where_all_are_found():
    rows = holders_held(LARGE)
    wanted = [rows[7], rows[320], rows[130]]
    indexer = Indexer(LARGE)
    df = read_from(indexer, owners=[row[0] for row in wanted], page_size=100, max_concurrency=1)
    assert rows_of(df) == sorted(wanted, key=rows.index)
    assert df["owner"].cat.categories.tolist() == [row[0] for row in wanted]
    assert indexer.requests == 4


def test_owners_asked_for_are_those_of_the_other_method():
    owners = [*demo.OWNERS[:40], *demo.OWNERS[-3:]]
    ours = read_helius_holders(MINTS[:5], owners=owners, cluster="demo")
    theirs = read_helius_balances(owners, list(MINTS[:5]), cluster="demo")
    assert sorted(rows_of(ours)) == sorted(rows_of(theirs))


def test_a_mint_nobody_holds_has_no_rows_and_is_a_category():
    stranger = demo.OWNERS[0]
    df = read_helius_holders([MINTS[0], stranger], cluster="demo")
    assert df["mint"].cat.categories.tolist() == [MINTS[0], stranger]
    assert set(df["mint"]) == {MINTS[0]}
    assert len(read_helius_holders(stranger, cluster="demo")) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"page_size": 1}, "page_size must be an integer from 2 to 1000, got 1"),
        ({"top": 0}, "top must be an integer ≥ 1, got 0"),
        ({"min_balance": -1}, "min_balance must be an integer from 0 to 18446744073709551615, got -1"),
        ({"min_balance": 2**64}, "min_balance must be an integer from 0 to 18446744073709551615"),
        ({"min_balance": 1.5}, "min_balance must be an integer"),
        ({"owners": []}, "owners must name at least one owner; leave it out to read every holder"),
        ({"owners": ["9xQe"]}, "1 of 1 owners cannot be used"),
    ],
)
def test_a_wrong_argument_says_so_before_anything_is_sent(options, said):
    with pytest.raises(InputError) as caught:
        read_helius_holders(MINTS[0], cluster="demo", **options)
    assert said in str(caught.value)
    with pytest.raises(InputError):
        aread_helius_holders(MINTS[0], cluster="demo", **options)


def test_options_of_holders_are_none_of_balances():
    with pytest.raises(TypeError, match="there is no option 'top'"):
        read_helius_balances(demo.OWNERS[0], cluster="demo", top=3)


def test_every_reader_names_each_option_with_its_default():
    names = [name for name in inspect.signature(read_helius_holders).parameters if name != "mint"]
    accessor = inspect.signature(pd.Series(MINTS[:1]).helius.read_holders).parameters
    assert list(accessor) == names
    assert list(inspect.signature(aread_helius_holders).parameters)[1:] == [
        name for name in names if name != "event_loop"
    ]


@pytest.mark.parametrize("dtype_backend", ["numpy_nullable", "pyarrow"])
def test_other_dtypes_hold_the_same_rows(dtype_backend):
    df = read_helius_holders(MINTS[:3], cluster="demo", dtype_backend=dtype_backend)
    assert rows_of(df) == rows_of(read_helius_holders(MINTS[:3], cluster="demo"))


def test_refresh_repeats_the_question():
    first = read_helius_holders(MINTS[:4], cluster="demo")
    with demo.at("later"):
        again = read_helius_holders(MINTS[:4], cluster="demo")
        assert rows_of(first.helius.refresh()) == rows_of(again)
        for options in ({"top": 5}, {"min_balance": 10**9}, {"owners": demo.OWNERS[:9]}, {"drop_zero": True}):
            df = read_helius_holders(MINTS[:4], cluster="demo", **options)
            with demo.at("first"):
                old = read_helius_holders(MINTS[:4], cluster="demo", **options)
            assert rows_of(old.helius.refresh()) == rows_of(df)


def test_a_complete_list_tells_who_is_new_and_who_never_held_any():
    before = read_helius_holders(MINTS[:4], cluster="demo")
    with demo.at("later"):
        after = before.helius.refresh()
    found = before.helius.diff(after)
    assert "not read" not in set(found["status"])
    new = {row[:2] for row in rows_of(after)} - {row[:2] for row in rows_of(before)}
    listed = found[found["status"] == "new"]
    assert set(zip(listed["owner"], listed["mint"], strict=True)) == new


class Mover(Indexer):
    """While page 3 is read, the largest holder sells nearly all of it."""

    def __init__(self, holdings, **options):
        super().__init__(holdings, on_read=self.sell, **options)

    def sell(self, number):
        if number == 3:
            owner, mint, _ = holders_held(self.holdings)[0]
            self.holdings = Holdings.from_dict(self.holdings.to_dict() | {owner: {mint: 17}})


def test_who_moves_down_meanwhile_is_kept_once_as_seen_last_and_counted():
    holdings = Holdings.of_mint(np.arange(1, 101, dtype=np.uint64))
    owner = holders_held(holdings)[0][0]
    df = read_from(Mover(holdings), page_size=10, max_concurrency=1)
    assert [row[2] for row in rows_of(df) if row[0] == owner] == [17]
    assert df.attrs["helius"]["repeats"] == 1
    assert df["balance"].is_monotonic_decreasing
    chunks = list(read_from(Mover(holdings), page_size=10, chunksize=1000))
    assert [row[2] for row in rows_of(chunks[0]) if row[0] == owner] == [100, 17]
    assert "repeats" not in chunks[0].attrs["helius"]


def test_a_stable_read_agrees_with_what_stands_in_the_end():
    indexer = Mover(Holdings.of_mint(np.arange(1, 101, dtype=np.uint64)))
    df = read_from(indexer, page_size=10, consistency="stable")
    assert rows_of(df) == holders_held(indexer.holdings)
    assert df.attrs["helius"]["unstable"] == "[]"


def test_an_error_names_the_mint_and_keeps_those_that_were_read():
    indexer = FaultyIndexer(HOLDINGS, faults=[FaultRule("rpc-32000", mint=MINTS[2])])
    with pytest.raises(RPCError) as caught:
        read_from(indexer, MINTS[:5], max_concurrency=1)
    error = caught.value
    assert (error.mint, error.owner, error.page) == (MINTS[2], None, 1)
    assert str(error).startswith(f"mint {MINTS[2]!r}, page 1: ")
    assert error.open_mints == MINTS[2:5]
    assert error.open_owners == ()
    assert rows_of(error.partial) == holders_held(HOLDINGS, MINTS[:2])
    assert "read its .open_mints" in error.kept


def test_collected_errors_are_listed_by_mint():
    indexer = FaultyIndexer(HOLDINGS, faults=[FaultRule("html", mint=MINTS[2])])
    df = read_from(indexer, MINTS[:5], errors="collect")
    assert df.helius.failures()[["mint", "page", "kind"]].to_numpy().tolist() == [
        [MINTS[2], 1, "ProtocolError"]
    ]
    assert rows_of(df) == holders_held(HOLDINGS, [*MINTS[:2], *MINTS[3:5]])
    assert df["mint"].cat.categories.tolist() == [*MINTS[:2], *MINTS[3:5]]
    assert df.attrs["helius"]["mints"] == [*MINTS[:2], *MINTS[3:5]]
    repr(df.helius)


@pytest.mark.parametrize(
    "name",
    sorted(
        name for name, fault in FAULTS.items() if not fault.needs_port and name not in ("stall", "mint-again")
    ),
)
@pytest.mark.parametrize("page", [1, "middle", "last"])
@pytest.mark.parametrize("workers", [1, 8])
def test_a_fault_on_any_page_ends_in_the_exact_rows_or_in_its_error(name, page, workers):
    """What repeats a row is an error, too, though an owner may come twice: its balance would be another."""
    holdings, fault = unequal(70), FAULTS[name]
    reading = {"page_size": 6, "max_concurrency": workers}
    if fault.is_transient:
        healing = FaultyIndexer(holdings, faults=[FaultRule(name, page=page, times=1)])
        assert rows_of(read_from(healing, retries=3, **reading)) == holders_held(holdings)
        assert healing.injected[name]
    indexer = FaultyIndexer(holdings, faults=[FaultRule(name, page=page)])
    if fault.is_legal or (fault.shows_on == "a page after a cursor" and page == 1):
        assert rows_of(read_from(indexer, **reading)) == holders_held(holdings)
        return
    with pytest.raises(helius_frames.HeliusError) as caught:
        read_from(indexer, **reading)
    assert caught.value.kind == fault.error
    assert rows_of(caught.value.partial) == []


def test_a_server_without_the_method_is_told_at_once():
    def answer(_call):
        return 200, [], b'{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"1"}'

    server = ScriptedServer(answer)
    with use_transport("in process", server), pytest.raises(RPCError, match="does not serve the method"):
        read_helius_holders(MINTS[:3], endpoint="http://localhost", errors="collect", max_concurrency=1)
    assert server.calls == 1


def test_a_cursor_that_breaks_the_server_is_an_error_and_never_a_short_frame():
    holdings = Holdings.of_mint(np.array([2**63 + 1, 2**63, 5, 4], dtype=np.uint64))
    with serve(Indexer(holdings)) as url, use_transport("httpx"), pytest.raises(TransportError) as caught:
        read_helius_holders(holdings.mint_texts, endpoint=url, page_size=2, retries=1)
    assert caught.value.page == 2
    assert rows_of(read_from(Indexer(holdings), page_size=3)) == holders_held(holdings)


def test_an_interrupt_keeps_the_mints_that_were_read():
    def interrupt(progress):
        if progress.done >= 2:
            raise KeyboardInterrupt

    with serve(Indexer(HOLDINGS, latency_s=0.15)) as url, pytest.raises(PullInterrupted) as caught:
        read_helius_holders(MINTS, endpoint=url, progress=interrupt, max_concurrency=1)
    done = len(MINTS) - len(caught.value.open_mints)
    assert 2 <= done < len(MINTS)
    assert caught.value.open_mints == MINTS[done:]
    assert rows_of(caught.value.partial) == holders_held(HOLDINGS, MINTS[:done])


def test_progress_counts_mints_and_their_holders():
    seen = []
    df = read_helius_holders(MINTS[:4], cluster="demo", progress=seen.append)
    last = seen[-1]
    assert (last.mints, last.done, last.rows, last.received, last.owners) == (4, 4, len(df), len(df), 0)


@pytest.mark.parametrize("fault", ["401-json", "echo-key", "html", "reset", "balance-2^64"])
def test_no_error_shows_the_key(fault):
    indexer = FaultyIndexer(HOLDINGS, faults=[FaultRule(fault)])
    with (
        serve_faulty(indexer) as url,
        use_transport("httpx"),
        pytest.raises(helius_frames.HeliusError) as caught,
    ):
        read_helius_holders(MINTS[:2], endpoint=url, api_key=KEY, retries=1)
    assert not has_key(f"{caught.value} {caught.value!r} {vars(caught.value)!r}")


def test_attrs_hold_the_question_and_no_secret():
    with serve(Indexer(HOLDINGS, api_key=KEY)) as url:
        df = read_helius_holders(MINTS[:2], endpoint=url, api_key=KEY, top=7, owners=demo.OWNERS[:50])
    attrs = df.attrs["helius"]
    assert not has_key(str(attrs))
    assert attrs["method"] == "getCompressedMintTokenHolders"
    assert (attrs["top"], attrs["owners"], attrs["complete"], attrs["repeats"]) == (7, 50, False, 0)
