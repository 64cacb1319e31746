"""JSON-RPC as Photon speaks it: calls out of request bodies, and the text of its answers.

Pure, no I/O; it imports `pubkey` alone. Photon's words are those of its crate ``photon-indexer`` 0.50
and of the JSON-RPC server beneath it, without the line and column that its parser adds.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

import base58

from helius_frames._protocol import pubkey

METHOD_V2: Final = "getCompressedTokenBalancesByOwnerV2"
METHOD_V1: Final = "getCompressedTokenBalancesByOwner"
METHOD_HOLDERS: Final = "getCompressedMintTokenHolders"
PAGE_LIMIT: Final = 1000

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
CALL_FAILED: Final = -32000
TOO_BIG: Final = -32701
BODY_MAX: Final = 10 << 20

_U64_MAX: Final = (1 << 64) - 1
_FIELDS: Final = ("owner", "mint", "cursor", "limit")
_STRUCT: Final = "struct GetCompressedTokenBalancesByOwnerRequest"
_HOLDERS_FIELDS: Final = ("mint", "cursor", "limit")
_HOLDERS_STRUCT: Final = "struct GetCompressedMintTokenHoldersRequest"
_KINDS: Final = {type(None): "null", dict: "map", list: "sequence"}
_JSON_KINDS: Final = {str: "string", bool: "boolean", int: "integer", float: "floating point"}


class Refused(Exception):
    """A call that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Call(NamedTuple):
    """One JSON-RPC call; ``id`` is JSON text, ``None`` where there is none to answer to (a notification)."""

    method: str
    params: Any
    id: bytes | None


class Query(NamedTuple):
    """What one call asks: the balances of ``owner``, or, where that is ``None``, the holders of ``mint``."""

    owner: str | None
    mint: str | None = None
    cursor: str | None = None
    limit: int = PAGE_LIMIT


def parse_call(message: object) -> Call:
    """Take one decoded message as a call; `Refused` where it is none."""
    if not isinstance(message, dict):
        raise Refused(INVALID_REQUEST, "Invalid request")
    method, request_id = message.get("method"), id_text(message)
    if message.get("jsonrpc") == "2.0" and isinstance(method, str):
        return Call(method, message.get("params"), request_id)
    if request_id is None:
        raise Refused(PARSE_ERROR, "Parse error")
    raise Refused(INVALID_REQUEST, "Invalid request")


def id_text(message: object) -> bytes | None:
    """JSON text of the id of a decoded message, to be sent back; ``None`` where it has none.

    What is no id (a negative number, a list) counts as none, so such a call is not answered.
    """
    if not isinstance(message, dict):
        return b"null"
    if "id" not in message or not _is_id(message["id"]):
        return None
    return _json_text(message["id"])


def parse_query(params: object) -> Query:
    """Check the parameters of a call for balances; addresses are checked when they are looked up.

    Besides an object, the server takes a list of all four in their order.
    """
    fields = _fields(params, _FIELDS, _STRUCT)
    return Query(
        _text(fields["owner"], "a base58 encoded string"),
        _optional_text(fields.get("mint"), "a base58 encoded string"),
        _optional_text(fields.get("cursor"), "a string"),
        _limit(fields.get("limit")),
    )


def parse_holders_query(params: object) -> Query:
    """Check the parameters of a call for the holders of a mint, as `parse_query` does."""
    fields = _fields(params, _HOLDERS_FIELDS, _HOLDERS_STRUCT)
    return Query(
        None,
        _text(fields["mint"], "a base58 encoded string"),
        _optional_text(fields.get("cursor"), "a string"),
        _limit(fields.get("limit")),
    )


def _fields(params: object, names: tuple[str, ...], struct: str) -> dict[str, Any]:
    """Return the parameters by name, the first of which must be there."""
    if isinstance(params, list):
        if len(params) != len(names):
            raise invalid(f"invalid length {len(params)}, expected {struct} with {len(names)} elements")
        params = dict(zip(names, params, strict=True))
    if not isinstance(params, dict):
        raise _wrong_type(params, struct)
    unknown = next((name for name in params if name not in names), None)
    if unknown is not None:
        raise invalid(
            f"unknown field `{unknown}`, expected one of {', '.join(f'`{name}`' for name in names)}"
        )
    if names[0] not in params:
        raise invalid(f"missing field `{names[0]}`")
    return params


def invalid(message: str) -> Refused:
    """Refusal of parameters that do not fit."""
    return Refused(INVALID_PARAMS, message)


def check_address(text: str) -> None:
    """Refuse what is not a base58 address of 32 bytes."""
    if not 0 < len(text.encode("utf-8", "replace")) <= pubkey.TEXT_MAX:
        raise invalid("String is the wrong size")
    raw = base58_bytes(text)
    if raw is None:
        raise invalid("Invalid Base58 string")
    if len(raw) != pubkey.KEY_BYTES:
        raise invalid("String is the wrong size")


def base58_bytes(text: str) -> bytes | None:
    """Bytes of base58 text; ``None`` where it is none (base58's own decoder lets white space pass)."""
    try:
        return base58.b58decode(text) if text.isalnum() or not text else None
    except ValueError:
        return None


def page_text(request_id: bytes, slot: int, name: bytes, items: bytes, cursor: bytes) -> bytes:
    """Reply with one page, in Photon's compact layout; ``cursor`` is JSON text."""
    layout = b'{"jsonrpc":"2.0","result":{"context":{"slot":%d},"value":{"%b":[%b],"cursor":%b}},"id":%b}'
    return layout % (slot, name, items, cursor, request_id)


def result_text(request_id: bytes, result: bytes) -> bytes:
    """Reply with any other result, given as JSON text."""
    return b'{"jsonrpc":"2.0","result":%b,"id":%b}' % (result, request_id)


def error_text(request_id: bytes, code: int, message: str) -> bytes:
    """Reply with a JSON-RPC error."""
    layout = b'{"jsonrpc":"2.0","error":{"code":%d,"message":%b},"id":%b}'
    return layout % (code, _json_text(message), request_id)


def too_big() -> bytes:
    """Reply to a body that is longer than the server reads."""
    said = b'"Request is too big","data":"Exceeded max limit of %d"' % BODY_MAX
    return b'{"jsonrpc":"2.0","error":{"code":%d,"message":%b},"id":null}' % (TOO_BIG, said)


def _json_text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _is_id(request_id: object) -> bool:
    if isinstance(request_id, bool):
        return False
    is_u64 = isinstance(request_id, int) and 0 <= request_id <= _U64_MAX
    return request_id is None or isinstance(request_id, str) or is_u64


def _text(value: object, expected: str) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, expected)
    return value


def _optional_text(value: object, expected: str) -> str | None:
    return None if value is None else _text(value, expected)


def _limit(value: object) -> int:
    if value is None:
        return PAGE_LIMIT
    if not isinstance(value, int) or isinstance(value, bool) or not -(1 << 63) <= value <= _U64_MAX:
        raise _wrong_type(value, "u64")
    if value < 0:
        raise invalid(f"invalid value: integer `{value}`, expected u64")
    if value > PAGE_LIMIT:
        raise invalid(f"invalid value: integer `{value}`, expected a value less than or equal to 1000")
    return value


def _wrong_type(value: object, expected: str) -> Refused:
    kind = _KINDS.get(type(value))
    quote = "" if isinstance(value, str) else "`"
    came = kind or f"{_JSON_KINDS[type(value)]} {quote}{json.dumps(value)}{quote}"
    return invalid(f"invalid type: {came}, expected {expected}")
