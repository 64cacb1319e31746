"""Every kind of fault the demo indexer can be told to have, by name.

It imports `_delivery`, `_edits` and `_rpc`. A kind is a function from the good reply to the bad one, with
what a careful client makes of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from gzip import compress
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from helius_frames.demo import _delivery, _edits, _rpc
from helius_frames.demo._delivery import Delivery, Headers, Reply
from helius_frames.demo._edits import Edit, Occasion

Act: TypeAlias = Callable[[Reply, Occasion], Reply]
ShowsOn: TypeAlias = Literal["any page", "a page with rows", "a page after a cursor"]

_TOO_FAST: Final = -32005
_GZIP: Final = (b"content-encoding", b"gzip")
_RETRY_SECONDS: Final = 1


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes
    ----------
    name
        Name it is ordered by, the key of `FAULTS`.
    act
        What it makes of a good reply.
    error
        Name of the exception class that a client raises where the fault does not end; ``None`` where
        the reply is odd and legal, and the exact rows are expected.
    is_transient
        Whether the same request is worth another try.
    needs_port
        Whether it breaks a reply on its way, which only a real port can do.
    shows_on
        Pages on which it makes a difference; elsewhere the reply stays good.
    """

    name: str
    act: Act
    error: str | None = None
    is_transient: bool = False
    needs_port: bool = False
    shows_on: ShowsOn = "any page"

    @property
    def is_legal(self) -> bool:
        """Whether the exact rows are expected all the same."""
        return self.error is None


def _replace(status: int, headers: Headers, body: bytes) -> Act:
    return lambda _reply, _occasion: Reply(status, headers, body)


def _json_error(status: int, code: int, message: str, headers: Headers = ()) -> Act:
    body = _rpc.error_text(b'"1"', code, message)
    return _replace(status, (*_delivery.JSON, *headers), body)


def _rpc_error(code: int, message: str) -> Act:
    """JSON-RPC error inside HTTP 200, with the id that was asked."""

    def act(reply: Reply, _occasion: Occasion) -> Reply:
        request_id = json.dumps(json.loads(reply.body)["id"]).encode()
        return Reply(200, _delivery.JSON, _rpc.error_text(request_id, code, message))

    return act


def _html(status: int) -> Act:
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>"
    return _replace(status, _delivery.HTML, page.encode())


def _retry_date(_reply: Reply, _occasion: Occasion) -> Reply:
    when = formatdate(time.time() + _RETRY_SECONDS, usegmt=True)
    headers = (*_delivery.JSON, (b"retry-after", when.encode()))
    return Reply(429, headers, _rpc.error_text(b'"1"', _TOO_FAST, "Too many requests"))


def _echo(status: int, headers: Headers, before: str, after: str) -> Act:
    """Reply that shows the query of the URL, key and all."""

    def act(_reply: Reply, occasion: Occasion) -> Reply:
        asked = occasion.url_query.decode("latin-1")
        return Reply(status, headers, f"{before}/?{asked}{after}".encode())

    return act


def _headers(headers: Headers) -> Act:
    return lambda reply, _occasion: reply._replace(headers=headers)


def _body(change: Callable[[bytes], bytes], *headers: tuple[bytes, bytes]) -> Act:
    return lambda reply, _occasion: reply._replace(
        body=change(reply.body), headers=(*reply.headers, *headers)
    )


def _edit(edit: Edit) -> Act:
    return lambda reply, occasion: reply._replace(body=_edits.edited(reply.body, edit, occasion))


def _by(delivery: Delivery) -> Act:
    return lambda reply, _occasion: reply._replace(delivery=delivery)


def _pretty(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=2).encode()


def _escaped(body: bytes) -> bytes:
    """Each mint with its first character as an escape: the same JSON in other words."""
    head, *rest = body.split(b'"mint":"')
    return b'"mint":"'.join([head, *(b"\\u%04x" % part[0] + part[1:] for part in rest)])


def _not_utf8(body: bytes) -> bytes:
    """Two bytes in the cursor that are no UTF-8."""
    head, name, tail = body.partition(b'"cursor":')
    is_null = tail.startswith(b"null")
    return head + name + b'"\xff\xfe' + (b'"' + tail[4:] if is_null else tail[1:])


def _statuses() -> list[Fault]:
    return [
        Fault(f"{status}-{kind}", act, "RPCError", is_transient=True)
        for status, code, message in (
            (500, -32603, "Internal error"),
            (502, -32603, "Bad gateway"),
            (503, -32002, "Service unavailable"),
            (504, -32003, "Gateway timeout"),
        )
        for kind, act in (
            ("json", _json_error(status, code, message)),
            ("html", _html(status)),
            ("empty", _replace(status, (), b"")),
        )
    ]


def _edge() -> list[Fault]:
    """Faults of the edge before the server: rate, key, and statuses of proxies."""
    seconds = ((b"retry-after", str(_RETRY_SECONDS).encode()),)
    too_fast = (429, _TOO_FAST, "Too many requests")
    limited = {
        "429": _json_error(*too_fast),
        "429-seconds": _json_error(*too_fast, seconds),
        "429-date": _retry_date,
        "429-garbage": _json_error(*too_fast, ((b"retry-after", b"soon"),)),
        "429-negative": _json_error(*too_fast, ((b"retry-after", b"-5"),)),
        "429-text": _replace(429, _delivery.TEXT, b"Too many connections. Please try again later."),
        "429-empty": _replace(429, (), b""),
    }
    keys = {
        "401-json": _json_error(401, -32001, "Unauthorized"),
        "401-text": _replace(401, _delivery.TEXT, b"Unauthorized"),
        "403-json": _json_error(403, -32001, "Forbidden"),
        "echo-key": _echo(401, _delivery.TEXT, "invalid api key in https://mainnet.helius-rpc.com", ""),
    }
    away = (*_delivery.HTML, (b"location", b"https://elsewhere.example/?from=demo"))
    return [
        *(Fault(name, act, "RateLimitError", is_transient=True) for name, act in limited.items()),
        *(Fault(name, act, "AuthenticationError") for name, act in keys.items()),
        *(Fault(f"{n}-html", _html(n), "RPCError", is_transient=True) for n in (408, *range(520, 525))),
        Fault("400-json", _json_error(400, _rpc.INVALID_PARAMS, "Invalid params"), "RPCError"),
        Fault("404-html", _html(404), "RPCError"),
        Fault(
            "echo-key-html",
            _echo(500, _delivery.HTML, "<h1>500</h1><p>upstream https://rpc.example", "</p>"),
            "RPCError",
            is_transient=True,
        ),
        Fault("redirect", _replace(307, away, b""), "ProtocolError"),
    ]


def _rpc_errors() -> list[Fault]:
    """JSON-RPC errors inside HTTP 200."""
    codes = (
        (-32000, "Internal server error", "RPCError", False),
        (_rpc.INVALID_PARAMS, "Invalid params", "RPCError", False),
        (_rpc.METHOD_NOT_FOUND, "Method not found", "RPCError", False),
        (-32001, "Unauthorized", "AuthenticationError", False),
        (_TOO_FAST, "Too many requests", "RateLimitError", True),
        (-32603, "Internal error", "RPCError", True),
        (-32002, "Service unavailable", "RPCError", True),
        (-32003, "Gateway timeout", "RPCError", True),
    )
    return [
        Fault(f"rpc{code}", _rpc_error(code, message), error, is_transient)
        for code, message, error, is_transient in codes
    ]


def _bodies() -> list[Fault]:
    """Bodies that are no JSON, or not the message that was asked."""
    wrong = {
        "html": _replace(200, _delivery.HTML, b"<!doctype html><title>Just a moment</title>"),
        "empty-body": _replace(200, _delivery.JSON, b""),
        "half-json": _body(lambda body: body[: len(body) // 2]),
        "json-and-more": _body(lambda body: body + b"{}"),
        "not-utf8": _body(_not_utf8),
        "gzip-broken": _body(lambda body: compress(body)[:-9] + b"\0" * 9, _GZIP),
        "gzip-not": _body(lambda body: body, _GZIP),
        "wrong-id": _edit(_edits.put("id", value="somebody else's")),
        "no-id": _edit(_edits.drop("id")),
        "null-result": _edit(_edits.put("result", value=None)),
        "no-result": _edit(_edits.drop("result")),
        "list-result": _edit(_edits.put("result", value=[])),
        "no-context": _edit(_edits.drop("result", "context")),
        "no-slot": _edit(_edits.drop("result", "context", "slot")),
        "slot-text": _edit(_edits.put("result", "context", "slot", value="345600000")),
        "slot-negative": _edit(_edits.put("result", "context", "slot", value=-1)),
        "slot-2^64": _edit(_edits.put("result", "context", "slot", value=1 << 64)),
        "no-value": _edit(_edits.drop("result", "value")),
        "no-items": _edit(_edits.drop_list),
        "cursor-number": _edit(_edits.put("result", "value", "cursor", value=7)),
        "cursor-blank": _edit(_edits.put("result", "value", "cursor", value="")),
    }
    return [Fault(name, act, "ProtocolError") for name, act in wrong.items()]


def _rows() -> list[Fault]:
    """Rows that are no rows."""
    wrong = {
        "mint-not-base58": _edits.last_item("mint", "0OIl" * 11),
        "mint-blank": _edits.last_item("mint", ""),
        "mint-31-bytes": _edits.last_mint(lambda raw: raw[:-1]),
        "mint-33-bytes": _edits.last_mint(lambda raw: raw + b"\1"),
        "mint-number": _edits.last_item("mint", 5),
        "mint-markup": _edits.last_item("mint", "<img src=x onerror=alert(1)>"),
        "no-mint": _edits.last_item_without("mint"),
        "balance-float": _edits.last_item("balance", 1.5),
        "balance-whole-float": _edits.last_item("balance", 5.0),
        "balance-negative": _edits.last_item("balance", -1),
        "balance-2^64": _edits.last_item("balance", 1 << 64),
        "balance-text-2^64": _edits.last_item("balance", str(1 << 64)),
        "balance-huge": _edits.last_item("balance", 10**400),
        "balance-words": _edits.last_item("balance", "many"),
        "balance-true": _edits.last_item("balance", value=True),
        "balance-null": _edits.last_item("balance", None),
        "no-balance": _edits.last_item_without("balance"),
    }
    return [
        Fault(name, _edit(edit), "ProtocolError", shows_on="a page with rows") for name, edit in wrong.items()
    ]


def _walks() -> list[Fault]:
    """Cursors and rows that would make a walk loop, count twice or stop."""
    return [
        Fault("cursor-loops", _edit(_edits.looping_cursor), "CursorError", shows_on="a page with rows"),
        Fault("mint-twice", _edit(_edits.repeat_last), "CursorError", shows_on="a page with rows"),
        Fault("mint-again", _edit(_edits.repeat_previous), "CursorError", shows_on="a page after a cursor"),
        Fault("cursor-31-bytes", _edit(_edits.short_cursor), "RPCError"),
    ]


def _legal() -> list[Fault]:
    """List what is odd and right: the exact rows are expected."""
    odd = {
        "content-type": _headers(_delivery.HTML),
        "gzip": _body(compress, _GZIP),
        "pretty-json": _body(_pretty),
        "escaped-json": _body(_escaped),
        "id-first": _edit(_edits.id_first),
        "bare-body": _edit(_edits.bare),
        "more-fields": _edit(_edits.more_fields),
        "null-error": _edit(_edits.put("error", value=None)),
        "other-list-name": _edit(_edits.other_list_name),
        "older-slot": _edit(_edits.older_slot),
        "balance-text": _edit(_edits.balances_as_text),
        "balance-first": _edit(_edits.balance_first),
        "out-of-order": _edit(_edits.out_of_order),
        "cursor-opaque": _edit(_edits.opaque_cursor),
        "empty-page": _edit(_edits.empty_page),
        "short-page": _edit(_edits.short_page),
    }
    return [Fault(name, act) for name, act in odd.items()]


def _connections() -> list[Fault]:
    """List what breaks on the way, or does not come."""
    broken = {
        "reset": _delivery.reset_before,
        "reset-headers": _delivery.reset_in_headers,
        "reset-body": _delivery.reset_in_body,
        "cut-short": _delivery.cut_short,
    }
    return [
        *(
            Fault(name, _by(delivery), "TransportError", is_transient=True, needs_port=True)
            for name, delivery in broken.items()
        ),
        Fault("trickle", _by(_delivery.trickle), "RequestTimeout", is_transient=True, needs_port=True),
        Fault("stall", _by(_delivery.stall), "RequestTimeout", is_transient=True),
        Fault("unending", _by(_delivery.unending), "ProtocolError", needs_port=True),
    ]


_GROUPS: Final = (_edge, _statuses, _rpc_errors, _bodies, _rows, _walks, _legal, _connections)

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.name: fault for group in _GROUPS for fault in group()}
)
