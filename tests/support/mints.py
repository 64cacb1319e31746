"""Accounts of mints and tokens, byte by byte as the programs lay them out, and servers of them."""

from __future__ import annotations

import base64
import json

from tests.support.addresses import key_bytes

SPL = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
LIGHT = "cTokenmWW8bLPjZEBAUgYy3zKxQZW6VKi7bqNFEVv3m"
SYSTEM = "11111111111111111111111111111111"
AUTHORITY = bytes(range(1, 33))
NONE_KEY = bytes(36)  # COption::None: tag 0, the key zeros
SOME_KEY = b"\1\0\0\0" + AUTHORITY


def mint_base(supply, decimals, *, initialised=1, authority=SOME_KEY, freeze=NONE_KEY):
    """Return the 82 bytes that the mints of all three programs begin with."""
    data = authority + supply.to_bytes(8, "little") + bytes([decimals, initialised]) + freeze
    assert len(data) == 82
    return data


def mint_2022(supply, decimals, extensions=b"\x12\0\x40\0" + bytes(64)):
    """Return a Token-2022 mint with extensions: padded to 165, its kind, type-length-value entries."""
    return mint_base(supply, decimals) + bytes(83) + b"\1" + extensions


def mint_light(supply, decimals):
    """Return a Light mint: metadata of 67 bytes, 16 reserved, its kind, compression info."""
    metadata = b"\3\1" + AUTHORITY + AUTHORITY + b"\xfe"
    assert len(metadata) == 67
    return mint_base(supply, decimals) + metadata + bytes(16) + b"\1" + bytes(97)


def token_account(mint, amount, *, state=1, kind=b""):
    """Return a token account of 165 bytes; with extensions its kind and more follow."""
    data = key_bytes(mint) + AUTHORITY + amount.to_bytes(8, "little") + NONE_KEY + bytes([state])
    data += bytes(12) + bytes(8) + NONE_KEY
    assert len(data) == 165
    return data + kind


def account(data, program=SPL, *, cut=166, space=True):
    """Return an account as ``getMultipleAccounts`` gives it."""
    reply = {
        "data": [base64.b64encode(data[:cut]).decode(), "base64"],
        "owner": program,
        "lamports": 1,
        "executable": False,
        "rentEpoch": 2**64 - 1,
    }
    return reply | ({"space": len(data)} if space else {})


class TokenServer:
    """An RPC server whose accounts and assets are dicts; it refuses as it is told, and notes each call.

    ``refuse`` maps a method to the (status, body) that answers it, or to a function of the parameters that
    returns one, or ``None`` to let the call pass.
    """

    def __init__(self, accounts=None, assets=None, refuse=None, slot=5):
        self.accounts = accounts
        self.assets = assets
        self.refuse = refuse or {}
        self.slot = slot
        self.calls = []
        self.hosts = []
        self.queries = []

    async def __call__(self, scope, receive, send):
        call = json.loads((await receive())["body"])
        method, params = call["method"], call["params"]
        self.calls.append((method, params))
        self.hosts.append(scope["server"][0])
        self.queries.append(scope["query_string"].decode())
        refusal = self.refuse.get(method)
        refusal = refusal(params) if callable(refusal) else refusal
        status, body = refusal or (200, self._answer(method, params))
        await send({"type": "http.response.start", "status": status, "headers": []})
        text = json.dumps({"jsonrpc": "2.0", "id": call["id"]} | body)
        await send({"type": "http.response.body", "body": text.encode()})

    def asked(self, method):
        """Return the sizes of the batches that a method was asked for."""
        return [
            len(params[0] if isinstance(params, list) else params["ids"])
            for name, params in self.calls
            if name == method
        ]

    def _answer(self, method, params):
        if method == "getMultipleAccounts" and self.accounts is not None:
            value = [self.accounts.get(address) for address in params[0]]
            return {"result": {"context": {"slot": self.slot}, "value": value}}
        if method == "getAssetBatch" and self.assets is not None:
            return {"result": [self.assets.get(mint) for mint in params["ids"]]}
        return {"error": {"code": -32601, "message": "Method not found"}}


def asset(mint, symbol="SYM", name="Name", **info):
    """Return an asset as ``getAssetBatch`` gives it."""
    metadata = {"symbol": symbol, "name": name}
    return {"id": mint, "interface": "FungibleToken", "content": {"metadata": metadata}, "token_info": info}
