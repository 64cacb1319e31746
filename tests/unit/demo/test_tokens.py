"""The demo's own side of accounts and assets: what a node and an index of assets answer, and refuse."""

from __future__ import annotations

import asyncio
import base64

import httpx
import pytest

from helius_frames import demo
from tests.support.mints import LIGHT, SPL, TOKEN_2022

MINTS = {token.name: token.mint for token in demo.TOKENS}


def answer(method, params):
    """Return the reply of the demo indexer to one call."""

    async def call():
        transport = httpx.ASGITransport(app=demo.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}
            return (await client.post("/", json=body)).json()

    return asyncio.run(call())


def accounts(addresses, **config):
    return answer("getMultipleAccounts", [addresses, {"encoding": "base64"} | config])


def data_of(address, **config):
    (found,) = accounts([address], **config)["result"]["value"]
    return found["owner"], base64.b64decode(found["data"][0])


@pytest.mark.parametrize(
    ("name", "program", "size"),
    [("Fair Drop", SPL, 82), ("Staked", TOKEN_2022, 234), ("Points", LIGHT, 262)],
)
def test_mints_of_three_programs_have_their_layouts(name, program, size):
    owner, data = data_of(MINTS[name])
    assert (owner, len(data)) == (program, size)
    assert data[44] == demo.DECIMALS[MINTS[name]]
    assert data[45] == 1
    assert size == 82 or data[165] == 1


def test_a_slice_of_the_data_is_what_was_asked_for():
    _, data = data_of(MINTS["Staked"])
    assert data_of(MINTS["Staked"], dataSlice={"offset": 36, "length": 9})[1] == data[36:45]


def test_accounts_come_in_the_order_asked_with_null_for_those_that_are_not_there():
    nobody = demo.OWNERS[0]
    result = accounts([nobody, MINTS["Fair Drop"], MINTS["Small Cap 31"]])["result"]
    assert [each is not None for each in result["value"]] == [False, True, False]
    assert result["context"]["slot"] == demo.app().slot


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        [],
        ["x"],
        [["x"], {"encoding": "base64"}],
        [[demo.MINTS[0]] * 101, {"encoding": "base64"}],
        [[demo.MINTS[0]]],
        [[demo.MINTS[0]], {"encoding": "jsonParsed"}],
        [[demo.MINTS[0]], {"encoding": "base64", "dataSlice": 5}],
        [[demo.MINTS[0]], {"encoding": "base64", "dataSlice": {"offset": -1, "length": 5}}],
        [[demo.MINTS[0]], {"encoding": "base64", "dataSlice": {"length": 5}}],
    ],
)
def test_a_node_refuses_what_it_cannot_read(params):
    assert answer("getMultipleAccounts", params)["error"]["code"] == -32602


def test_assets_come_in_the_order_asked_with_null_for_unknown_ones():
    asked = [MINTS["Small Cap 31"], MINTS["Game Gold"], MINTS["Small Cap 01"], demo.OWNERS[0]]
    found = answer("getAssetBatch", {"ids": asked})["result"]
    assert [each and each["token_info"]["symbol"] for each in found] == [None, "GOLD", "GOLD", None]


@pytest.mark.parametrize(
    ("params", "code"),
    [(None, -32602), ({}, -32602), ({"ids": ["x"]}, -32602), ({"ids": [demo.MINTS[0]] * 1001}, -32000)],
)
def test_an_index_refuses_what_it_cannot_read(params, code):
    assert answer("getAssetBatch", params)["error"]["code"] == code


def test_supplies_follow_the_moment():
    supply = {}
    for moment in ("first", "later"):
        with demo.at(moment):
            data = data_of(MINTS["Founders"])[1]
            supply[moment] = int.from_bytes(data[36:44], "little")
    assert supply["later"] > supply["first"]
