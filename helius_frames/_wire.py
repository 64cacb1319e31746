"""The JSON-RPC of ``getCompressedTokenBalancesByOwnerV2``: requests to bytes, replies to columns.

Pure protocol, no I/O; it may import `errors` and `pubkey`. A reply in the compact layout of Photon is
read by `_columns` without a Python object per row; any other layout goes through the typed reader, with
the same result and the same errors. Which of the two a page takes is decided by checking every byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np

from helius_frames import _columns
from helius_frames._protocol import pubkey
from helius_frames.errors import (
    AuthenticationError,
    HeliusError,
    ProtocolError,
    RateLimitError,
    RPCError,
    TransportError,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD_V2: Final = "getCompressedTokenBalancesByOwnerV2"
METHOD_V1: Final = "getCompressedTokenBalancesByOwner"

# Photon's PAGE_LIMIT: more is refused, and 0 answers an empty page that looks like the end.
PAGE_MAX: Final = 1000

# A cursor goes back to the server and is remembered for each page of a walk; Photon's has 44 characters.
CURSOR_MAX: Final = 4096

METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
_UNAUTHORIZED: Final = -32001
_RATE_LIMITED: Final = -32005
_TRANSIENT_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504, *range(520, 525)})
_TRANSIENT_CODES: Final = frozenset({_RATE_LIMITED, -32603, -32002, -32003})

_I64_MAX: Final = (1 << 63) - 1
_U64_MAX: Final = (1 << 64) - 1
# Below some eighty rows the typed reader is faster than two dozen calls of numpy.
_COLUMNS_PAY: Final = 6_000
_SHOWN: Final = 200
_VALUE_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one owner, as columns: aligned keys (see `pubkey`) and exact balances."""

    mints: pubkey.Keys
    balances: NDArray[np.uint64]
    slot: int
    cursor: str | None

    @property
    def is_ascending(self) -> bool:
        """Whether the mints stand in strictly ascending byte order, as Photon sends them."""
        return bool((self.mints[1:] > self.mints[:-1]).all())


class Query(NamedTuple):
    """What one request asks; what is not set is not sent, since Photon refuses unknown fields."""

    owner: str
    mint: str | None = None
    cursor: str | None = None
    limit: int | None = None


def build_request(query: Query, *, method: str = METHOD_V2, request_id: str) -> bytes:
    """Encode the JSON-RPC request of one page."""
    params = {name: value for name, value in query._asdict().items() if value is not None}
    call = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return msgspec.json.encode(call)


def parse_page(content: bytes, *, request_id: str) -> Page:
    """Decode one reply, strictly; `ProtocolError` shows what came where it is not a page."""
    columns = _columns.read(content, request_id) if len(content) > _COLUMNS_PAY else None
    if columns is not None:
        return Page(*columns)
    return _typed_page(content, request_id)


def fault_in(status: int, content: bytes, *, has_key: bool = True) -> HeliusError | None:
    """Fault that a reply reports, by its HTTP status or its JSON-RPC error: either alone suffices."""
    is_success = 200 <= status < 300  # noqa: PLR2004
    if is_success and content.startswith(_columns.SUCCESS):
        return None
    error = _rpc_error(content)
    if is_success and error is None:
        return None
    return _as_fault(status, error, content, has_key=has_key)


def is_transient(fault: HeliusError) -> bool:
    """Whether the same request may well succeed a moment later."""
    if isinstance(fault, (TransportError, RateLimitError)):
        return True
    if isinstance(fault, AuthenticationError | ProtocolError):
        return False
    return fault.status in _TRANSIENT_STATUS or fault.code in _TRANSIENT_CODES


def shown(content: bytes) -> str:
    """Start of a reply as printable text, for a message."""
    text = content.lstrip()[: 4 * _SHOWN].decode("utf-8", errors="replace")
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not text:
        return "a body without text" if content.strip() else "an empty body"
    return repr(text[:_SHOWN] + "…") if len(text) > _SHOWN else repr(text)


# Bounded, since an integer of thousands of digits would stand in messages.
_Code: TypeAlias = Annotated[int, msgspec.Meta(ge=-_I64_MAX, le=_I64_MAX)]
_Slot: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_I64_MAX)]


class _Error(msgspec.Struct):
    code: _Code | None = None
    message: str | None = None


class _ErrorReply(msgspec.Struct):
    error: _Error | str | None = None


class _Item(msgspec.Struct):
    mint: str
    balance: msgspec.Raw


class _Context(msgspec.Struct):
    slot: _Slot


class _Value(msgspec.Struct):
    items: list[_Item] | msgspec.UnsetType = msgspec.UNSET
    token_balances: list[_Item] | msgspec.UnsetType = msgspec.UNSET
    cursor: str | None = None


class _Result(msgspec.Struct):
    context: _Context
    value: _Value


class _Envelope(msgspec.Struct):
    jsonrpc: str | msgspec.UnsetType = msgspec.UNSET
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    result: _Result | msgspec.UnsetType | None = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    context: _Context | msgspec.UnsetType = msgspec.UNSET
    value: _Value | msgspec.UnsetType = msgspec.UNSET


_errors = msgspec.json.Decoder(_ErrorReply)
_envelopes = msgspec.json.Decoder(_Envelope)
# A reply that is nested too deep ends in RecursionError.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_INTEGER = re.compile(rb'(?:0|[1-9][0-9]{0,19})|"[0-9]{1,20}"')


def _rpc_error(content: bytes) -> _Error | None:
    try:
        error = _errors.decode(content).error
    except _UNREADABLE:
        return None
    return _Error(message=error) if isinstance(error, str) else error


def _as_fault(status: int, error: _Error | None, content: bytes, *, has_key: bool) -> HeliusError:
    code = error.code if error else None
    said = shown(error.message.encode()) if error and error.message else shown(content)
    if status in (401, 403) or code == _UNAUTHORIZED:
        what = "refuses the key" if has_key else "refuses, and no key was sent"
        advice = "check api_key= or HELIUS_API_KEY" if has_key else "pass api_key="
        reason = f"the server {what} ({_where(status, code)}): {said}; {advice}"
        return AuthenticationError(reason, status=status, code=code)
    if status == 429 or code == _RATE_LIMITED:  # noqa: PLR2004
        reason = f"too many requests ({_where(status, code)}): {said}"
        return RateLimitError(reason, status=status, code=code)
    return RPCError(f"the server answers {_where(status, code)}: {said}", status=status, code=code)


def _where(status: int, code: int | None) -> str:
    return f"HTTP {status}" if code is None else f"HTTP {status}, JSON-RPC {code}"


def _typed_page(content: bytes, request_id: str) -> Page:
    try:
        result = _result(_envelopes.decode(content), request_id)
        items = _items(result.value)
        return Page(_mints(items), _balances(items), result.context.slot, _cursor(result.value))
    except (*_UNREADABLE, ValueError) as fault:
        reason = f"the reply is not a page of balances ({fault}): {shown(content)}"
    raise ProtocolError(reason)


def _result(reply: _Envelope, request_id: str) -> _Result:
    """Take the inside of the JSON-RPC envelope, or the bare body that the published page shows."""
    if isinstance(reply.error, msgspec.Raw) and bytes(reply.error) != b"null":
        raise ValueError("it holds an error")
    if reply.result is None:
        raise ValueError("the result is null")
    if isinstance(reply.result, _Result):
        _check_id(reply.id, request_id)
        return reply.result
    if isinstance(reply.context, _Context) and isinstance(reply.value, _Value):
        return _Result(reply.context, reply.value)
    raise ValueError("no result in it")


def _check_id(raw: msgspec.Raw | msgspec.UnsetType, request_id: str) -> None:
    came = b"none" if isinstance(raw, msgspec.UnsetType) else bytes(raw)
    if came != f'"{request_id}"'.encode():
        raise ValueError(f"id {request_id!r} was asked and {shown(came[:_VALUE_SHOWN])} came")


def _items(value: _Value) -> list[_Item]:
    for items in (value.items, value.token_balances):
        if isinstance(items, list):
            return items
    raise ValueError("neither items nor token_balances in it")


def _mints(items: list[_Item]) -> pubkey.Keys:
    texts = [item.mint for item in items]
    keys = pubkey.align_texts(texts)
    if keys is None:
        raise ValueError(_first_bad_mint(texts))
    return keys


def _first_bad_mint(texts: list[str]) -> str:
    for number, text in enumerate(texts):
        try:
            pubkey.parse(text)
        except ValueError as fault:
            return f"mint {text[:_VALUE_SHOWN]!r} of item {number}: {fault}"
    raise AssertionError(texts)  # the two readers of base58 disagree


def _balances(items: list[_Item]) -> NDArray[np.uint64]:
    return np.array([_balance(bytes(item.balance), n) for n, item in enumerate(items)], dtype=np.uint64)


def _balance(raw: bytes, number: int) -> int:
    balance = int(raw.strip(b'"')) if _INTEGER.fullmatch(raw) else -1
    if not 0 <= balance <= _U64_MAX:
        raise ValueError(
            f"balance {shown(raw[:_VALUE_SHOWN])} of item {number} is no unsigned 64-bit integer"
        )
    return balance


def _cursor(value: _Value) -> str | None:
    if value.cursor == "":
        raise ValueError("the cursor is empty")
    if value.cursor is not None and len(value.cursor) > CURSOR_MAX:
        raise ValueError(f"the cursor has {len(value.cursor):,} characters, more than {CURSOR_MAX:,}")
    return value.cursor
