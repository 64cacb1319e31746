"""``getMultipleAccounts``: accounts of the chain, and the layouts of mints and token accounts in them.

Pure functions. A mint of any of three programs begins with the same 82 bytes: mint authority (a tag of four
bytes and a key), supply (u64) at 36, decimals (u8) at 44, initialised (u8) at 45, freeze authority (tag and
key) at 46. What is longer says at byte 165 what it is, since a token account of Token-2022 or of the Light
token program could have the same first 82 bytes. A plain token account has 165 bytes: mint at 0, owner at
32, amount (u64) at 64, state (u8) at 108.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import msgspec

from helius_frames._protocol import jsonrpc, pubkey
from helius_frames._protocol.program_address import find_program_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helius_frames._protocol.jsonrpc import Clean

METHOD: Final = "getMultipleAccounts"
BATCH_MAX: Final = 100

TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - an address
TOKEN_2022_PROGRAM: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105
LIGHT_PROGRAM: Final = "cTokenmWW8bLPjZEBAUgYy3zKxQZW6VKi7bqNFEVv3m"
PROGRAMS: Final = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM, LIGHT_PROGRAM)

MINT_BYTES: Final = 82
TOKEN_ACCOUNT_BYTES: Final = 165
# So many bytes of each account are asked for: up to its kind, the one after a token account's layout.
SLICE_BYTES: Final = TOKEN_ACCOUNT_BYTES + 1
_KIND_MINT, _KIND_TOKEN_ACCOUNT = 1, 2
_TAGS: Final = (b"\0\0\0\0", b"\1\0\0\0")  # of an optional key: absent, present
_INITIALISED, _FROZEN = 1, 2

# SPL tokens behind compressed balances lie in at most this many accounts of the Light token program.
POOLS_MAX: Final = 5
_PROGRAM_SHOWN: Final = 44


class Account(NamedTuple):
    """One account: the program that owns it, the first bytes of its data, and how many there are in all."""

    program: str
    data: bytes
    size: int


class Accounts(NamedTuple):
    """One reply: the accounts in the order asked, ``None`` where there is none."""

    slot: int
    accounts: list[Account | None]


class Mint(NamedTuple):
    """What the account of a mint says."""

    program: str
    decimals: int
    supply: int
    size: int = MINT_BYTES


class _Account(msgspec.Struct):
    data: Annotated[list[str], msgspec.Meta(min_length=2, max_length=2)]
    owner: str
    space: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)] | None = None


class _Context(msgspec.Struct):
    slot: jsonrpc.Slot


class _Result(msgspec.Struct):
    context: _Context
    value: list[_Account | None]


class _Reply(msgspec.Struct):
    result: _Result
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_replies = msgspec.json.Decoder(_Reply)
_NULL: Final = msgspec.Raw(b"null")


def params(addresses: Sequence[str]) -> list[Any]:
    """Return the parameters that ask for these accounts, at most `BATCH_MAX` of them."""
    data_slice = {"offset": 0, "length": SLICE_BYTES}
    return [list(addresses), {"encoding": "base64", "dataSlice": data_slice, "commitment": "confirmed"}]


def parse_accounts(request_id: str, asked: int, clean: Clean, status: int, content: bytes) -> Accounts:
    """Decode one reply to a request for ``asked`` accounts, strictly.

    Raises
    ------
    HeliusError
        The error that the reply reports, or a `ProtocolError` that shows the reply in place of accounts.
    """
    try:
        reply = _replies.decode(content)
        if 200 <= status < 300 and reply.error in (msgspec.UNSET, _NULL):  # noqa: PLR2004
            jsonrpc.check_id(reply.id, request_id, clean)
            accounts = [None if each is None else _account(each) for each in reply.result.value]
            if len(accounts) == asked:
                return Accounts(reply.result.context.slot, accounts)
            raise ValueError(f"it has {len(accounts):,} accounts, {asked:,} were asked for")  # noqa: TRY301
        why: object = "it holds an error"
    except (*jsonrpc.UNREADABLE, ValueError) as error:
        why = error
    # Outside of `except`, so that nothing is chained to the error: its frames hold the reply.
    raise jsonrpc.reported_error(status, content, clean) or jsonrpc.not_a_reply(
        "a list of accounts", why, content, clean
    )


def _account(each: _Account) -> Account:
    text, encoding = each.data
    if encoding != "base64":
        raise ValueError("the data of an account must be base64")
    data = b64decode(text, validate=True)
    return Account(each.owner, data[:SLICE_BYTES], max(each.space or 0, len(data)))


def parse_mint(account: Account | None) -> Mint | str:
    """Return what a mint's account says, or why it is not the account of a mint."""
    if account is None:
        return "no account on chain (a mint may be compressed itself, or its account closed)"
    program, data, size = account
    if program not in PROGRAMS:
        owner = program[:_PROGRAM_SHOWN] if program.isalnum() else "another program"
        return f"not a mint: the account belongs to {owner}"
    if len(data) < MINT_BYTES:
        return f"not a mint: its account has {size:,} bytes, a mint has at least {MINT_BYTES}"
    if size > MINT_BYTES:
        kind = data[TOKEN_ACCOUNT_BYTES] if len(data) > TOKEN_ACCOUNT_BYTES else None
        if kind == _KIND_TOKEN_ACCOUNT or size == TOKEN_ACCOUNT_BYTES:
            return "not a mint: it is a token account"
        # A mint of the first token program has no more than the 82 bytes.
        if kind != _KIND_MINT or program == TOKEN_PROGRAM:
            return f"not a mint: an account of {size:,} bytes that does not say it is one"
    if data[:4] not in _TAGS or data[46:50] not in _TAGS or data[45] > 1:
        return "not a mint: its first 82 bytes are not laid out as a mint's"
    if not data[45]:
        return "not a mint yet: its account is not initialised"
    return Mint(program, data[44], int.from_bytes(data[36:44], "little"), size)


def pool_addresses(mint: str, program: str, size: int) -> list[str]:
    """Derive where the SPL tokens behind a mint's compressed balances may lie.

    A mint of the Light token program has no pool. The pools of a Token-2022 mint whose extensions restrict
    transfers are derived with a third seed; which extensions a mint has is not read, so both are looked up.
    """
    if program not in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM):
        return []
    seeds = [b"pool", pubkey.parse(mint)]
    paths = [seeds] if size == MINT_BYTES else [seeds, [*seeds, b"restricted"]]
    indexes = [[], *([bytes([index])] for index in range(1, POOLS_MAX))]
    return [
        pubkey.encode(find_program_address([*path, *index], _LIGHT_KEY))
        for path in paths
        for index in indexes
    ]


_LIGHT_KEY: Final = pubkey.parse(LIGHT_PROGRAM)


def pool_amount(mint: str, account: Account | None) -> int:
    """Return the tokens of a mint in what may be one of its pools: 0 where there is no such token account."""
    if account is None or account.program not in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM):
        return 0
    data = account.data
    is_account = account.size == TOKEN_ACCOUNT_BYTES or (
        len(data) > TOKEN_ACCOUNT_BYTES and data[TOKEN_ACCOUNT_BYTES] == _KIND_TOKEN_ACCOUNT
    )
    if not is_account or data[:32] != pubkey.parse(mint) or data[108] not in (_INITIALISED, _FROZEN):
        return 0
    return int.from_bytes(data[64:72], "little")
