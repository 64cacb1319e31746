"""JSON-RPC 2.0 over HTTP: requests to bytes, and the errors that a reply reports.

Pure functions. Everything a message quotes of a reply goes through ``clean`` first and is shortened after
that: half a key is still a key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec

from helius_frames.errors import AuthenticationError, HeliusError, ProtocolError, RateLimitError, RPCError

if TYPE_CHECKING:
    from collections.abc import Callable

    Clean: TypeAlias = Callable[[str], str]

METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
_UNAUTHORIZED: Final = -32001
_RATE_LIMITED: Final = frozenset({-32005, -32029})
_TRANSIENT_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504, *range(520, 525)})
_TRANSIENT_CODES: Final = _RATE_LIMITED | {-32603, -32002, -32003}

_I64_MAX: Final = (1 << 63) - 1
_READ: Final = 4096  # bytes of a reply that a message is made from
_SHOWN: Final = 200  # characters of them that it shows
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")

# A reply that is nested too deeply ends in RecursionError.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# Bounded, since an integer of thousands of digits would stand in messages.
_Code: TypeAlias = Annotated[int, msgspec.Meta(ge=-_I64_MAX, le=_I64_MAX)]
Slot: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_I64_MAX)]


class Error(msgspec.Struct):
    """The ``error`` member of a reply."""

    code: _Code | None = None
    message: str | None = None


class _ErrorReply(msgspec.Struct):
    error: Error | str | None = None


_error_replies = msgspec.json.Decoder(_ErrorReply)


def build_request(method: str, params: Any, request_id: str) -> bytes:  # noqa: ANN401 - what JSON can hold
    """Encode one call, without the parameters that are ``None``: Photon refuses unknown fields."""
    if isinstance(params, dict):
        params = {name: value for name, value in params.items() if value is not None}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def reported_error(status: int, content: bytes, clean: Clean) -> HeliusError | None:
    """Return the error that a reply reports, by HTTP status or JSON-RPC error: either suffices."""
    try:
        error = _error_replies.decode(content).error
    except UNREADABLE:
        error = None
    if isinstance(error, str):
        error = Error(message=error)
    if 200 <= status < 300 and error is None:  # noqa: PLR2004
        return None
    code = error.code if error else None
    where = f"HTTP {status}" if code is None else f"HTTP {status}, JSON-RPC {code}"
    text = error.message.encode() if error and error.message else content
    return classify(status, code, where, quote_reply(text, clean))


def classify(status: int, code: int | None, where: str, quoted: str) -> HeliusError:
    """Return the exception that stands for a status and an error code, with what to do about it."""
    if status in (401, 403) or code == _UNAUTHORIZED:
        reason = (
            f"the server refuses the key, or needs one ({where}): {quoted}; check api_key= or HELIUS_API_KEY"
        )
        return AuthenticationError(reason, status=status, code=code)
    if status == 429 or code in _RATE_LIMITED:  # noqa: PLR2004
        return RateLimitError(f"too many requests ({where}): {quoted}", status=status, code=code)
    if code == METHOD_NOT_FOUND:
        advice = "this endpoint does not serve the method: use a Helius endpoint or another Photon server"
    elif code == INVALID_PARAMS:
        advice = "the server does not accept the request: check that it is a Photon server, and its version"
    elif status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES:
        advice = "the server has a problem of its own: try again later"
    else:
        advice = "retrying does not help; ask the provider of the endpoint if it stays"
    is_transient = status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES
    reason = f"the server returned an error ({where}): {quoted}; {advice}"
    return RPCError(reason, status=status, code=code, is_transient=is_transient)


def check_id(raw: object, request_id: str, clean: Clean) -> None:
    """Raise `ValueError` where a reply answers another request."""
    if not isinstance(raw, msgspec.Raw) or bytes(raw) != f'"{request_id}"'.encode():
        came = quote_reply(bytes(raw), clean) if isinstance(raw, msgspec.Raw) else "none"
        raise ValueError(f"its id must be {request_id!r}, got {came}")


def not_a_reply(what: str, why: object, content: bytes, clean: Clean) -> ProtocolError:
    """Return the error of a reply that is not what was asked for."""
    return ProtocolError(f"the reply is not {what} ({clean(str(why))}): {quote_reply(content, clean)}")


def quote_reply(content: bytes, clean: Clean) -> str:
    """Return the start of a reply as printable text without secrets, for a message."""
    text = content.lstrip()[:_READ].decode("utf-8", errors="replace")
    # Escapes are resolved first: a server could spell a key with them.
    text = clean(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\\/", "/"))
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not text:
        return "a body without text" if content.strip() else "an empty body"
    return repr(text[:_SHOWN] + "…") if len(text) > _SHOWN else repr(text)
