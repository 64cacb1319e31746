"""Mint accounts and assets of the demo: made-up names, decimals, supplies and prices.

It imports `holdings`, `_rpc`, `_story`, `pubkey` and `program_address`. What an indexer holds decides which
mints there are: those of the story have names, all others are mints of the Light token program without. Each
supply holds all balances of its mint, as far as 64 bits allow, and each pool a little more than they are.
"""

from __future__ import annotations

import base64
import json
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from helius_frames._protocol import pubkey
from helius_frames._protocol.program_address import find_program_address
from helius_frames.demo import _rpc, _story
from helius_frames.demo.holdings import U64_MAX

if TYPE_CHECKING:
    from helius_frames.demo.holdings import Holdings

ACCOUNTS: Final = "getMultipleAccounts"
ASSETS: Final = "getAssetBatch"
ACCOUNTS_MAX: Final = 100
ASSETS_MAX: Final = 1000

_SPL: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
_TOKEN_2022: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105 - an address
_LIGHT: Final = "cTokenmWW8bLPjZEBAUgYy3zKxQZW6VKi7bqNFEVv3m"
_LIGHT_KEY: Final = pubkey.parse(_LIGHT)
_RENT_EPOCH: Final = U64_MAX


class _Fiction(NamedTuple):
    """What is made up of one token: its supply is so many times what its pools hold."""

    symbol: str
    program: str = _SPL
    price: float | None = None
    times: int = 2


_FICTIONS: Final[dict[str, _Fiction]] = {
    "Fair Drop": _Fiction("FAIR", price=0.012),
    "Points": _Fiction("PTS", _LIGHT, times=1),
    "Stable Unit": _Fiction("STU", price=0.9998, times=32),
    "Whale Song": _Fiction("SONG", price=4.2, times=3),
    "Staked": _Fiction("stSEA", _TOKEN_2022, price=151.37, times=5),
    "Game Gold": _Fiction("GOLD", times=3),
    "Founders": _Fiction("FNDR", _TOKEN_2022, price=0.31, times=1),
    "Ghost Town": _Fiction("BOO", times=40),
    "Ticket": _Fiction("TIX", _LIGHT, times=1),
    "Two Camps": _Fiction("CAMP", times=4),
    "Big Numbers": _Fiction("BIG", times=1),
    "Sold Out": _Fiction("GONE"),
    "One of One": _Fiction("UNO", times=1),
    "Late Arrival": _Fiction("LATE", price=0.0000071),
    # The second of its symbol, and one whose maker means harm.
    "Small Cap 01": _Fiction("GOLD", times=8),
    "Small Cap 30": _Fiction("=1+1\u202eNUOC", times=1),
}
_HOSTILE: Final = "Small Cap 30"
_HOSTILE_NAME: Final = "<img src=x onerror=alert(1)>\u202egnp.$\\href{javascript:alert(1)}{free}$\r\n\x1b[2J"
_COLD: Final = "Small Cap 31"  # a mint without an account: it is compressed itself


class TokenTable:
    """Accounts and assets of the mints of one `Holdings`."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def accounts(self, params: object, slot: int) -> bytes:
        """Return the result of ``getMultipleAccounts`` as JSON text; `Refused` where a node would refuse."""
        addresses, begin, end = _accounts_query(params)
        value = [self._account(address, begin, end) for address in addresses]
        result = {"context": {"apiVersion": "3.0.6", "slot": slot}, "value": value}
        return json.dumps(result, separators=(",", ":")).encode()

    def assets(self, params: object, slot: int) -> bytes:
        """Return the result of ``getAssetBatch`` as JSON text."""
        ids = params.get("ids") if isinstance(params, dict) else None
        if not isinstance(ids, list):
            raise _rpc.invalid("missing field `ids`")
        if len(ids) > ASSETS_MAX:
            raise _rpc.Refused(_rpc.CALL_FAILED, f"Batch Size Error: {ASSETS_MAX} is the most")
        for mint in ids:
            _rpc.check_address(str(mint))
        return json.dumps([self._asset(mint, slot) for mint in ids], separators=(",", ":")).encode()

    def _account(self, address: str, begin: int, end: int | None) -> dict[str, Any] | None:
        found = self._mint_data(address) or self._pools.get(address)
        if found is None:
            return None
        program, data = found
        return {
            "data": [base64.b64encode(data[begin:end]).decode(), "base64"],
            "executable": False,
            "lamports": 6960 * (len(data) + 128),
            "owner": program,
            "rentEpoch": _RENT_EPOCH,
            "space": len(data),
        }

    def _asset(self, mint: str, slot: int) -> dict[str, Any] | None:
        token = _named().get(mint)
        if token is None or self._holdings.code(mint) is None or token.name == _COLD:
            return None
        fiction = _fiction(token)
        info: dict[str, Any] = {
            "symbol": fiction.symbol,
            "supply": self._supply(mint),
            "decimals": token.decimals,
            "token_program": fiction.program,
        }
        if fiction.price is not None:
            info["price_info"] = {"price_per_token": fiction.price, "currency": "USDC"}
        name = _HOSTILE_NAME if token.name == _HOSTILE else token.name
        return {
            "interface": "FungibleToken",
            "id": mint,
            "content": {"metadata": {"name": name, "symbol": fiction.symbol}, "links": {}},
            "burnt": False,
            "last_indexed_slot": slot,
            "token_info": info,
        }

    def _mint_data(self, mint: str) -> tuple[str, bytes] | None:
        if self._holdings.code(mint) is None:
            return None
        token = _named().get(mint)
        if token is None:
            # A mint that came unasked: decimals by its address.
            return _LIGHT, _mint_bytes(
                _LIGHT, pubkey.parse(mint), self._supply(mint), pubkey.parse(mint)[-1] % 10
            )
        if token.name == _COLD:
            return None
        program = _fiction(token).program
        return program, _mint_bytes(program, pubkey.parse(mint), self._supply(mint), token.decimals)

    def _supply(self, mint: str) -> int:
        token = _named().get(mint)
        return min(self._locked(mint) * (1 if token is None else _fiction(token).times), U64_MAX)

    def _locked(self, mint: str) -> int:
        """Tokens behind the compressed balances: their total, and a little in accounts that are not."""
        code = self._holdings.code(mint)
        total = 0 if code is None else self._totals[code]
        return min(total + total // 300, U64_MAX)

    @cached_property
    def _totals(self) -> list[int]:
        """Exact total of each mint."""
        holdings = self._holdings
        halves = [
            np.bincount(holdings.codes, weights=half.astype(np.float64), minlength=len(holdings.mints))
            for half in (holdings.balances >> np.uint64(32), holdings.balances & np.uint64(0xFFFF_FFFF))
        ]
        return [(int(high) << 32) + int(low) for high, low in zip(*halves, strict=True)]

    @cached_property
    def _pools(self) -> dict[str, tuple[str, bytes]]:
        """Pool accounts of the story's mints: one of each, of every fifth a second with a tenth of it."""
        pools = {}
        for place, (mint, token) in enumerate(_named().items()):
            program = _fiction(token).program
            if program == _LIGHT or token.name == _COLD or self._holdings.code(mint) is None:
                continue
            locked, key = self._locked(mint), pubkey.parse(mint)
            second = locked // 10 if place % 5 == 0 else 0
            pools[_pool(mint, b"")] = program, _token_account(key, locked - second)
            if second:
                pools[_pool(mint, b"\1")] = program, _token_account(key, second)
        return pools


_known: WeakKeyDictionary[Holdings, TokenTable] = WeakKeyDictionary()


def tokens_of(holdings: Holdings) -> TokenTable:
    """Accounts and assets of a `Holdings`, shared by all indexers that serve it."""
    table = _known.get(holdings)
    if table is None:
        table = _known[holdings] = TokenTable(holdings)
    return table


@cache
def _named() -> dict[str, _story.Token]:
    return {token.mint: token for token in _story.tokens()}


def _fiction(token: _story.Token) -> _Fiction:
    number = token.name.rpartition(" ")[2]
    return _FICTIONS.get(token.name) or _Fiction(f"SC{number}", times=1 + int(number) % 7)


@cache
def _pool(mint: str, index: bytes) -> str:
    seeds = [b"pool", pubkey.parse(mint), *([index] if index else [])]
    return pubkey.encode(find_program_address(seeds, _LIGHT_KEY))


def _mint_bytes(program: str, key: bytes, supply: int, decimals: int) -> bytes:
    """Build the data of an initialised mint without a freeze authority; its maker is its own key."""
    base = (1).to_bytes(4, "little") + key + supply.to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)
    if program == _SPL:
        return base
    if program == _TOKEN_2022:  # with a metadata pointer
        return (
            base.ljust(165, b"\0")
            + b"\1"
            + (18).to_bytes(2, "little")
            + (64).to_bytes(2, "little")
            + bytes(64)
        )
    metadata = bytes([3, 1]) + key + key + b"\xff"
    return (base + metadata).ljust(165, b"\0") + b"\1" + bytes(96)


def _token_account(mint: bytes, amount: int) -> bytes:
    return (mint + _LIGHT_KEY + amount.to_bytes(8, "little") + bytes(36) + b"\1").ljust(165, b"\0")


def _accounts_query(params: object) -> tuple[list[str], int, int | None]:
    """Addresses and the slice of their data that is asked for."""
    if not isinstance(params, list) or not params or not isinstance(params[0], list):
        raise _rpc.invalid("`params` should have at least 1 argument(s)")
    addresses, config = params[0], params[1] if len(params) > 1 else {}
    if len(addresses) > ACCOUNTS_MAX:
        raise _rpc.invalid(f"Too many inputs provided; max {ACCOUNTS_MAX}")
    for address in addresses:
        _rpc.check_address(str(address))
    if not isinstance(config, dict) or config.get("encoding") != "base64":
        raise _rpc.invalid("the demo serves accounts as base64 alone")
    cut = config.get("dataSlice")
    if cut is None:
        return addresses, 0, None
    edges: list[Any] = [cut.get(name) for name in ("offset", "length")] if isinstance(cut, dict) else []
    if not edges or not all(isinstance(edge, int) and edge >= 0 for edge in edges):
        raise _rpc.invalid("dataSlice needs offset and length")
    return addresses, edges[0], edges[0] + edges[1]
