"""Tokens: what is read of mints, from whom, what it costs, and what happens where something is missing."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
import traceback

import numpy as np
import pandas as pd
import pytest

import helius_frames
from helius_frames import aread_helius_tokens, demo, errors, read_helius_balances, read_helius_tokens
from helius_frames.accessor import AddressesAccessor
from helius_frames.demo import Indexer, serve
from tests.support.addresses import address_at
from tests.support.key_search import KEY, all_texts, has_key
from tests.support.mints import (
    LIGHT,
    SPL,
    TOKEN_2022,
    TokenServer,
    account,
    asset,
    mint_2022,
    mint_base,
    mint_light,
    token_account,
)
from tests.support.servers import RecordingServer
from tests.support.transport import use_transport

A, B, C, D = (address_at(place) for place in (10**70, 2 * 10**70, 3 * 10**70, 4 * 10**70))
URL = "http://localhost"
ACCOUNTS, ASSETS = "getMultipleAccounts", "getAssetBatch"
U64_MAX = 2**64 - 1


def tokens_from(server, mints, **options):
    with use_transport("in process", server):
        return read_helius_tokens(mints, **({"endpoint": URL} | options))


def facts(frame, name):
    """Return a column as plain values, ``None`` where one is missing."""
    return [None if pd.isna(value) else value for value in frame[name].tolist()]


def test_one_row_per_mint_in_the_order_given_with_these_dtypes():
    prices = {"price_info": {"price_per_token": 0.25, "currency": "USDC"}}
    server = TokenServer(
        {A: account(mint_base(U64_MAX, 9)), B: account(mint_2022(7, 0), TOKEN_2022)},
        {A: asset(A, "AAA", "Aha", **prices), B: asset(B, "BBB", "Bee")},
    )
    frame = tokens_from(server, [B, A, B])
    assert frame.index.tolist() == [B, A]
    assert frame.index.name == "mint"
    assert frame.dtypes.astype(str).to_dict() == {
        "symbol": "str",
        "name": "str",
        "decimals": "UInt8",
        "supply": "UInt64",
        "token_program": "category",
        "price_usd": "float64",
        "price_at": "datetime64[us, UTC]",
        "slot": "Int64",
        "note": "str",
    }
    assert facts(frame, "symbol") == ["BBB", "AAA"]
    assert facts(frame, "decimals") == [0, 9]
    assert facts(frame, "supply") == [7, U64_MAX]
    assert facts(frame, "token_program") == [TOKEN_2022, SPL]
    assert facts(frame, "price_usd") == [None, 0.25]
    assert frame["price_at"].notna().tolist() == [False, True]
    assert facts(frame, "slot") == [5, 5]
    assert facts(frame, "note") == ["", ""]


def test_no_mint_gives_an_empty_frame_of_the_same_dtypes():
    server = TokenServer({A: account(mint_base(1, 0))}, {})
    full, empty = tokens_from(server, [A]), tokens_from(server, [])
    assert len(empty) == 0
    assert (full.dtypes.drop("token_program") == empty.dtypes.drop("token_program")).all()
    assert len(server.calls) == 2


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_other_backends_hold_the_same(backend):
    server = TokenServer(
        {A: account(mint_base(U64_MAX, 9)), C: account(mint_light(1, 2), LIGHT)}, {A: asset(A)}
    )
    usual, other = tokens_from(server, [A, B, C]), tokens_from(server, [A, B, C], dtype_backend=backend)
    for name in usual.columns:
        assert facts(other, name) == facts(usual, name), name
    if backend == "pyarrow":
        assert all(isinstance(dtype, pd.ArrowDtype) for dtype in other.dtypes)


def test_missing_is_missing_and_the_note_says_why():
    server = TokenServer(
        {
            A: account(mint_base(5, 6)),
            B: account(token_account(A, 5)),
            C: account(mint_base(5, 6, initialised=0)),
        },
        {B: asset(B, decimals=6, supply=5), C: asset(C, None, None)},
    )
    frame = tokens_from(server, [A, B, C, D])
    assert facts(frame, "decimals") == [6, None, None, None]
    assert facts(frame, "supply") == [5, None, None, None]
    assert facts(frame, "slot") == [5, None, None, None]
    of_a, of_b, of_c, of_d = facts(frame, "note")
    assert of_a == "no symbol and name: getAssetBatch does not know it"
    assert of_b == "no decimals and supply: not a mint: it is a token account"
    assert "not initialised" in of_c
    assert "its maker gave none" in of_c
    assert "no account on chain" in of_d


def test_the_account_goes_before_the_asset_which_fills_in_where_there_is_none():
    said = {"decimals": 2, "supply": 22, "token_program": SPL}
    server = TokenServer(
        {A: account(mint_2022(11, 1), TOKEN_2022)},
        {A: asset(A, **said), B: asset(B, **said) | {"last_indexed_slot": 3}},
    )
    frame = tokens_from(server, [A, B])
    assert facts(frame, "decimals") == [1, 2]
    assert facts(frame, "supply") == [11, 22]
    assert facts(frame, "token_program") == [TOKEN_2022, SPL]
    assert facts(frame, "slot") == [5, 3]
    assert facts(frame, "note") == ["", ""]


# Who is asked


def test_without_assets_the_numbers_come_and_the_note_says_what_does_not():
    server = TokenServer({mint: account(mint_base(5, 6)) for mint in (A, B)})
    frame = tokens_from(server, [A, B])
    assert facts(frame, "decimals") == [6, 6]
    assert facts(frame, "symbol") == [None, None]
    assert frame["note"].tolist() == ["no symbol and name: http://localhost does not serve getAssetBatch"] * 2
    assert server.asked(ASSETS) == [2]


def test_without_accounts_the_assets_numbers_stand_in():
    server = TokenServer(None, {A: asset(A, decimals=6, supply=9), B: asset(B)})
    frame = tokens_from(server, [A, B])
    assert facts(frame, "decimals") == [6, None]
    assert "does not serve getMultipleAccounts; pass rpc_endpoint=" in frame["note"].iloc[1]


@pytest.mark.parametrize("errors_option", ["raise", "collect"])
def test_an_endpoint_that_knows_neither_says_so_and_names_the_way_out(errors_option):
    with pytest.raises(errors.RPCError, match=r"serves neither .* pass rpc_endpoint=") as info:
        tokens_from(TokenServer(), [A, B], errors=errors_option)
    assert info.value.code == -32601


def test_accounts_come_from_rpc_endpoint_and_names_where_they_are_served():
    photon, rpc = TokenServer(), TokenServer({A: account(mint_base(5, 6))}, {A: asset(A, "AAA")})
    with serve(photon) as url, serve(rpc) as rpc_url:
        frame = read_helius_tokens(A, endpoint=url, rpc_endpoint=rpc_url)
    assert facts(frame, "symbol") == ["AAA"]
    assert facts(frame, "decimals") == [6]
    assert photon.asked(ASSETS) == [1]
    assert photon.asked(ACCOUNTS) == []
    assert frame.attrs["helius"]["rpc_endpoint"] == rpc_url


def test_the_demo_cluster_on_a_port_answers_an_rpc_client():
    with serve(demo.app()) as url:
        frame = read_helius_tokens(demo.MINTS, endpoint=url)
    here = read_helius_tokens(demo.MINTS, cluster="demo")
    pd.testing.assert_frame_equal(frame.drop(columns="price_at"), here.drop(columns="price_at"))


def test_the_async_twin_reads_the_same():
    there = asyncio.run(aread_helius_tokens(demo.MINTS, cluster="demo"))
    here = read_helius_tokens(demo.MINTS, cluster="demo")
    pd.testing.assert_frame_equal(there.drop(columns="price_at"), here.drop(columns="price_at"))


def test_pandas_and_a_series_of_mints_have_the_reader():
    assert pd.read_helius_tokens is read_helius_tokens
    frame = pd.Series(demo.MINTS[:3]).helius.read_tokens(cluster="demo", pools=True)
    assert frame.index.tolist() == list(demo.MINTS[:3])
    assert "compressed" in frame


# Batches and errors


def many(count):
    return [address_at(10**70 + n) for n in range(count)]


def test_batches_hold_a_hundred_accounts_and_a_thousand_assets():
    mints = many(2345)
    server = TokenServer({}, {})
    frame = tokens_from(server, mints)
    assert frame.index.tolist() == mints
    assert sorted(server.asked(ACCOUNTS)) == [45] + [100] * 23
    assert sorted(server.asked(ASSETS)) == [345, 1000, 1000]


@pytest.mark.parametrize("concurrency", [1, 2, 3, 64])
def test_any_concurrency_reads_all(concurrency):
    mints = many(1500)
    server = TokenServer(
        {mint: account(mint_base(5, 6)) for mint in mints}, {mint: asset(mint) for mint in mints}
    )
    frame = tokens_from(server, mints, max_concurrency=concurrency)
    assert (frame["decimals"] == 6).all()
    assert (frame["symbol"] == "SYM").all()


def test_one_bad_id_costs_only_its_own_row():
    mints = many(300)
    bad = mints[123]

    def not_found(params):
        if bad in params["ids"]:
            return 404, {
                "error": {"code": -32004, "message": "One or more assets in the batch were not found"}
            }
        return None

    server = TokenServer({}, {mint: asset(mint) for mint in mints}, {ASSETS: not_found})
    frame = tokens_from(server, mints)
    assert frame.index[frame["symbol"].isna()].tolist() == [bad]
    assert len(server.asked(ASSETS)) <= 2 * 9 + 1  # halved down to one
    assert "does not know it" in frame.loc[bad, "note"]


def test_where_no_asset_is_found_none_is_known():
    refuse = {ASSETS: (404, {"error": {"code": -32004, "message": "not found"}})}
    frame = tokens_from(TokenServer({A: account(mint_base(5, 6))}, {}, refuse), [A, B])
    assert facts(frame, "symbol") == [None, None]
    assert facts(frame, "decimals") == [6, None]


BROKEN = (500, {"error": {"code": -32603, "message": "broken"}})


@pytest.mark.parametrize("method", [ACCOUNTS, ASSETS])
def test_an_error_of_a_batch_raises(method):
    server = TokenServer({A: account(mint_base(5, 6))}, {A: asset(A)}, {method: BROKEN})
    with pytest.raises(errors.RPCError, match="broken") as info:
        tokens_from(server, [A], retries=1)
    assert info.value.open_mints == (A,)
    assert len(info.value.partial) == 0
    assert server.asked(method) == [1, 1]


def test_collected_errors_stand_in_the_note_and_the_rest_is_given():
    mints = many(150)
    broken = {ACCOUNTS: lambda params: BROKEN if mints[120] in params[0] else None}
    server = TokenServer(
        {mint: account(mint_base(5, 6)) for mint in mints}, {mint: asset(mint) for mint in mints}, broken
    )
    frame = tokens_from(server, mints, errors="collect", retries=0)
    assert frame["decimals"].isna().tolist() == [n >= 100 for n in range(150)]
    assert (frame["symbol"] == "SYM").all()
    assert "getMultipleAccounts failed (RPCError)" in frame["note"].iloc[120]


UNAUTHORIZED = (401, {"error": {"code": -32001, "message": "invalid api key"}})


def test_a_refused_key_raises_also_where_errors_are_collected_and_nothing_else_came():
    server = TokenServer({}, {}, {ACCOUNTS: UNAUTHORIZED, ASSETS: UNAUTHORIZED})
    for option in ("raise", "collect"):
        with pytest.raises(errors.AuthenticationError):
            tokens_from(server, [A], errors=option)


def test_a_plan_without_assets_is_collected():
    server = TokenServer({A: account(mint_base(5, 6))}, {}, {ASSETS: UNAUTHORIZED})
    frame = tokens_from(server, [A], errors="collect")
    assert facts(frame, "decimals") == [6]
    assert "AuthenticationError" in frame["note"].iloc[0]


def test_an_error_keeps_the_mints_that_were_read():
    mints = many(1200)
    refuse = {ASSETS: lambda params: BROKEN if mints[1100] in params["ids"] else None}
    server = TokenServer({mint: account(mint_base(5, 6)) for mint in mints}, {}, refuse)
    with pytest.raises(errors.RPCError) as info:
        tokens_from(server, mints, retries=0, max_concurrency=1)
    assert info.value.partial.index.tolist() == mints[:1000]
    assert info.value.open_mints == tuple(mints[1000:])
    assert "1,000 of 1,200 mints read to the end" in str(info.value)


def test_an_interrupt_keeps_the_mints_that_were_read():
    def stop(_progress):
        raise KeyboardInterrupt

    server = Indexer(demo.app().holdings, latency_s=2.0)
    with serve(server) as url, pytest.raises(errors.PullInterrupted) as info:
        read_helius_tokens([A, B], endpoint=url, progress=stop)
    assert info.value.open_mints == (A, B)


@pytest.mark.parametrize(
    ("mints", "options", "error"),
    [
        (["nonsense"], {}, errors.MintError),
        ([None], {}, errors.MintError),
        (None, {}, errors.MintError),
        ([A], {"pools": 1}, errors.InputError),
        ([A], {"max_concurrency": 0}, errors.InputError),
        ([A], {"rpc_endpoint": "nowhere"}, errors.EndpointError),
        ([A], {"rpc_endpoint": 5}, errors.EndpointError),
        ([A], {"rpc_endpoint": "https://mainnet.helius-rpc.com"}, errors.EndpointError),
        ([A], {"rpc_endpoint": "http://rpc.example/?api-key=x"}, errors.EndpointError),
        ([A], {"page_size": 5}, TypeError),
        ([A], {"chunksize": 5}, TypeError),
        ([A], {"drop_zero": True}, TypeError),
    ],
)
def test_every_argument_is_checked_before_anything_is_sent(mints, options, error):
    server = TokenServer({}, {})
    with pytest.raises(error):
        tokens_from(server, mints, **options)
    assert server.calls == []


def test_shift_tab_shows_every_option():
    for function in (read_helius_tokens, AddressesAccessor.read_tokens):
        names = set(inspect.signature(function).parameters)
        assert {"rpc_endpoint", "pools", "api_key", "plan", "errors", "dtype_backend", "event_loop"} <= names
        assert "page_size" not in names


# Rates and credits


class TimedServer(TokenServer):
    """Notes when each method was called."""

    def __init__(self):
        super().__init__({}, {})
        self.times = {ACCOUNTS: [], ASSETS: []}

    def _answer(self, method, params):
        self.times[method].append(time.monotonic())
        return super()._answer(method, params)


@pytest.mark.parametrize(
    ("plan", "accounts", "assets"),
    [
        pytest.param("free", 10, 2, marks=pytest.mark.slow),
        ("developer", 50, 10),
        ("business", 200, 50),
        ("professional", 500, 100),
    ],
)
def test_each_family_keeps_to_its_own_rate(plan, accounts, assets):
    mints = many(10_000)
    server = TimedServer()
    with use_transport("in process", server, is_timed=True):
        frame = read_helius_tokens(mints, cluster="mainnet", api_key="k", plan=plan)
    assert len(frame) == 10_000
    assert len(server.times[ACCOUNTS]) == 100
    assert len(server.times[ASSETS]) == 10
    assert frame.attrs["helius"]["credits"] == 100 * 1 + 10 * 10
    for method, rate in ((ACCOUNTS, accounts), (ASSETS, assets)):
        times = np.array(server.times[method])
        # A tenth more, since a loaded machine answers some a little late.
        assert max(((times >= start) & (times < start + 1)).sum() for start in times) <= 1.1 * rate + 1
    # Neither family waits for the other.
    begin = min(map(min, server.times.values()))
    assert max(server.times[ASSETS]) - begin < 1.2 * 10 / assets + 1
    assert max(server.times[ACCOUNTS]) - begin < 1.2 * 100 / accounts + 1


def test_credits_are_counted_for_helius_alone():
    server = TokenServer({}, {})
    seen = []
    frame = tokens_from(server, many(150), progress=seen.append)
    assert frame.attrs["helius"]["credits"] == 0
    assert (seen[-1].done, seen[-1].mints, seen[-1].requests, seen[-1].credits) == (150, 150, 3, 0)


# Keys


def test_the_key_of_the_endpoint_never_goes_to_rpc_endpoint(monkeypatch):
    monkeypatch.setenv("HELIUS_API_KEY", KEY)
    photon, rpc = RecordingServer(TokenServer(None, {})), RecordingServer(TokenServer({}, {}))
    with serve(photon) as url, serve(rpc) as rpc_url:
        read_helius_tokens([A], endpoint=url, rpc_endpoint=rpc_url)
        read_helius_tokens([A], endpoint=url, api_key=KEY, rpc_endpoint=f"{rpc_url}/?api-key=another-1234")
    assert photon.keys == [[KEY]] * 2
    assert rpc.keys[0] is None
    assert set(map(str, rpc.keys[1:])) == {"['another-1234']"}
    assert not any(has_key(str(scope)) for scope in rpc.scopes)


RPC_PLACES = {
    "query": lambda url: f"{url}/?api-key={KEY}",
    "path": lambda url: f"{url}/v2/{KEY}",
    "user": lambda url: url.replace("://", f"://me:{KEY}@"),
}


@pytest.mark.parametrize("place", RPC_PLACES)
@pytest.mark.parametrize("reply", [UNAUTHORIZED, BROKEN, (200, {"result": 5}), "echo", "gone"])
def test_no_error_shows_the_key_of_rpc_endpoint(place, reply):
    def echo(_params):
        return 403, {"error": {"code": -32001, "message": f"no {KEY[:20]} here"}}

    refuse = {} if reply == "gone" else {ACCOUNTS: echo if reply == "echo" else reply}
    with serve(TokenServer(None, {})) as url, serve(TokenServer({}, {}, refuse)) as rpc_url:
        address = "http://127.0.0.1:9" if reply == "gone" else rpc_url
        with pytest.raises(errors.HeliusError) as info:
            read_helius_tokens([A], endpoint=url, rpc_endpoint=RPC_PLACES[place](address), retries=0)
    for text in all_texts(info.value):
        assert not has_key(text), text


def test_a_frame_and_its_notes_do_not_hold_the_key_of_rpc_endpoint():
    def echo(_params):
        return 500, {"error": {"code": -32000, "message": f"no {KEY} here"}}

    rpc = TokenServer({}, {}, {ACCOUNTS: echo})
    with serve(TokenServer(None, {A: asset(A)})) as url, serve(rpc) as rpc_url:
        frame = read_helius_tokens(
            [A], endpoint=url, rpc_endpoint=RPC_PLACES["query"](rpc_url), retries=0, errors="collect"
        )
    assert "[hidden]" in frame["note"].iloc[0]
    assert not has_key(frame.to_csv() + json.dumps(frame.attrs) + repr(frame))


@pytest.mark.parametrize(
    "url", [f"ftp://{KEY}.example", f"https://rpc.example:{KEY}", KEY], ids=["scheme", "port", "no URL"]
)
def test_an_rpc_endpoint_that_cannot_be_used_is_not_shown(url):
    balances = read_helius_balances(demo.OWNERS[0], cluster="demo")
    for call in (
        lambda: read_helius_tokens([A], cluster="demo", rpc_endpoint=url),
        lambda: aread_helius_tokens([A], cluster="demo", rpc_endpoint=url),
        lambda: pd.Series([A]).helius.read_tokens(cluster="demo", rpc_endpoint=url),
        lambda: balances.helius.with_tokens(rpc_endpoint=url),
    ):
        with pytest.raises(errors.EndpointError) as info:
            call()
        # The lambdas above hold the URL in a cell of their own; what is shown begins at the frames below.
        texts = [str(info.value), *traceback.TracebackException.from_exception(info.value).format()]
        assert not any(map(has_key, texts))


# Pools


def test_pools_are_added_up_exactly():
    from helius_frames._protocol.accounts import pool_addresses

    plain, extended = pool_addresses(A, SPL, 82), pool_addresses(B, TOKEN_2022, 234)
    server = TokenServer(
        {
            A: account(mint_base(U64_MAX, 6)),
            B: account(mint_2022(100, 6), TOKEN_2022),
            C: account(mint_light(9, 0), LIGHT),
            plain[0]: account(token_account(A, U64_MAX - 5)),
            plain[4]: account(token_account(A, 5)),
            extended[7]: account(token_account(B, 41, kind=b"\2\7\0\0\0"), TOKEN_2022),
            extended[1]: account(token_account(A, 7), TOKEN_2022),  # of another mint
        },
        {},
    )
    frame = tokens_from(server, [A, B, C, D], pools=True)
    assert frame["compressed"].dtype == "UInt64"
    assert facts(frame, "compressed") == [U64_MAX, 41, None, None]
    assert "no pools" in frame["note"].iloc[2]
    assert sum(server.asked(ACCOUNTS)) == 4 + 5 + 10


def test_the_demos_supplies_hold_its_pools_which_hold_its_balances():
    df = read_helius_balances(demo.OWNERS, cluster="demo")
    tokens = read_helius_tokens(demo.MINTS, cluster="demo", pools=True)
    totals = df.helius.by_mint()["total"].reindex(tokens.index)
    made_up = next(token.mint for token in demo.TOKENS if token.name == "Big Numbers")
    for mint, total in totals.dropna().items():
        supply, pools = tokens.loc[mint, ["supply", "compressed"]]
        if mint != made_up and not pd.isna(supply):
            assert total <= supply
            assert pd.isna(pools) or total <= pools <= supply
    assert totals[made_up] > U64_MAX == tokens.loc[made_up, "supply"]


def test_the_demo_has_what_real_tokens_have():
    tokens = read_helius_tokens(demo.MINTS, cluster="demo")
    assert tokens["symbol"].duplicated().sum() >= 1
    assert {0, 6, 9, 12} <= set(tokens["decimals"].dropna())
    assert set(tokens["token_program"].cat.categories) == {SPL, TOKEN_2022, LIGHT}
    assert 0 < tokens["price_usd"].notna().sum() < len(tokens)
    assert tokens["decimals"].isna().sum() == 1
    known = tokens["decimals"].dropna()
    assert known.to_dict() == {mint: places for mint, places in demo.DECIMALS.items() if mint in known.index}


# The columns


def test_tokens_are_read_once_for_a_process_and_endpoint():
    balances = read_helius_balances(demo.OWNERS[:30], cluster="demo")
    server = TokenServer({mint: account(mint_base(5, 6)) for mint in balances["mint"].unique()}, {})
    with serve(server) as url:
        first = balances.iloc[:40].helius.with_tokens(endpoint=url)
        asked = len(server.calls)
        again = balances.iloc[:40].helius.with_tokens(endpoint=url)
        assert len(server.calls) == asked
        pd.testing.assert_frame_equal(first, again)
        balances.helius.with_tokens(endpoint=url)
        new = balances["mint"].nunique() - balances["mint"].iloc[:40].nunique()
        assert sum(server.asked(ACCOUNTS)) == balances["mint"].iloc[:40].nunique() + new


def test_what_failed_is_read_again():
    balances = read_helius_balances(demo.OWNERS[0], cluster="demo").iloc[:5]
    server = TokenServer({}, {}, {ACCOUNTS: BROKEN})
    with serve(server) as url:
        first = balances.helius.with_tokens(endpoint=url, errors="collect", retries=0)
        assert first["decimals"].isna().all()
        server.refuse = {}
        server.accounts = {mint: account(mint_base(5, 6)) for mint in balances["mint"]}
        assert (balances.helius.with_tokens(endpoint=url)["decimals"] == 6).all()


def test_a_frame_whose_attrs_are_gone_says_what_to_pass():
    balances = read_helius_balances(demo.OWNERS[:3], cluster="demo")
    balances.attrs.clear()
    with pytest.raises(errors.AttrsError, match="cluster="):
        balances.helius.with_tokens()
    assert balances.helius.with_tokens(cluster="demo")["decimals"].notna().any()


def test_the_module_names_what_it_gives():
    assert {"read_helius_tokens", "aread_helius_tokens"} <= set(helius_frames.__all__)


def test_a_rate_limit_of_assets_is_waited_for():
    tries = []

    def too_fast(_params):
        tries.append(1)
        return (200, {"error": {"code": -32029, "message": "rate"}}) if len(tries) < 3 else None

    server = TokenServer({}, {A: asset(A)}, {ASSETS: too_fast})
    frame = tokens_from(server, [A])
    assert facts(frame, "symbol") == ["SYM"]
    assert frame.attrs["helius"]["retries"] == 2


@pytest.mark.parametrize("pools", [False, True])
@pytest.mark.parametrize("errors_option", ["raise", "collect"])
def test_each_mint_is_counted_once(pools, errors_option):
    mints = many(250)
    refuse = {ACCOUNTS: BROKEN} if errors_option == "collect" else {}
    server = TokenServer({mint: account(mint_base(1, 1)) for mint in mints}, {}, refuse)
    seen = []
    tokens_from(server, mints, pools=pools, errors=errors_option, retries=0, progress=seen.append)
    assert seen[-1].done == 250


def test_the_bar_counts_mints_and_credits(monkeypatch, capsys):
    with use_transport("in process", TokenServer({}, {})):
        read_helius_tokens(many(150), cluster="mainnet", api_key="k", progress=True)
    drawn = capsys.readouterr().err
    assert "150/150" in drawn
    assert "12 credits" in drawn
    assert "rows" not in drawn
