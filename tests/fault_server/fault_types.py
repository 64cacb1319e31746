"""Every type of fault, by name: how it changes a good reply, and what a careful client makes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from gzip import compress
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from helius_frames.demo import _rpc
from helius_frames.demo._asgi import JSON, TEXT, Headers, Reply
from tests.fault_server import breaks, mutations
from tests.fault_server.mutations import Mutation, RequestContext

Change: TypeAlias = Callable[[Reply, RequestContext], Reply]
ShowsOn: TypeAlias = Literal["any page", "a page with rows", "a page after a cursor"]

HTML: Final[Headers] = ((b"content-type", b"text/html; charset=utf-8"),)
_TOO_FAST: Final = -32005
_GZIP: Final = (b"content-encoding", b"gzip")
_RETRY_SECONDS: Final = 1


@dataclass(frozen=True)
class Fault:
    """One type of fault.

    Attributes
    ----------
    name
        The key of `FAULTS`.
    change
        What it makes of a good reply: another, or one that breaks on its way.
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
    change: Change
    error: str | None = None
    is_transient: bool = False
    needs_port: bool = False
    shows_on: ShowsOn = "any page"

    @property
    def is_legal(self) -> bool:
        """Whether the exact rows are expected all the same."""
        return self.error is None


def _always(status: int, headers: Headers, body: bytes) -> Change:
    return lambda _reply, _context: Reply(status, headers, body)


def _json_error(status: int, code: int, message: str, headers: Headers = ()) -> Change:
    body = _rpc.error_text(b'"1"', code, message)
    return _always(status, (*JSON, *headers), body)


def _rpc_error(code: int, message: str) -> Change:
    """JSON-RPC error inside HTTP 200, with the id that was asked."""

    def change(reply: Reply, _context: RequestContext) -> Reply:
        request_id = json.dumps(json.loads(reply.body)["id"]).encode()
        return Reply(200, JSON, _rpc.error_text(request_id, code, message))

    return change


def _html(status: int) -> Change:
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>"
    return _always(status, HTML, page.encode())


def _retry_date(_reply: Reply, _context: RequestContext) -> Reply:
    when = formatdate(time.time() + _RETRY_SECONDS, usegmt=True)
    headers = (*JSON, (b"retry-after", when.encode()))
    return Reply(429, headers, _rpc.error_text(b'"1"', _TOO_FAST, "Too many requests"))


def _echo(status: int, headers: Headers, before: str, after: str) -> Change:
    """Reply that shows the query of the URL, key and all."""

    def change(_reply: Reply, context: RequestContext) -> Reply:
        asked = context.url_query.decode("latin-1")
        return Reply(status, headers, f"{before}/?{asked}{after}".encode())

    return change


def _headers(headers: Headers) -> Change:
    return lambda reply, _context: replace(reply, headers=headers)


def _body(change: Callable[[bytes], bytes], *headers: tuple[bytes, bytes]) -> Change:
    return lambda reply, _context: replace(reply, body=change(reply.body), headers=(*reply.headers, *headers))


def _mutate(mutation: Mutation) -> Change:
    return lambda reply, context: replace(reply, body=mutations.mutated(reply.body, mutation, context))


def _break(send_broken: breaks.Break) -> Change:
    return lambda reply, _context: breaks.BrokenReply(reply.status, reply.headers, reply.body, send_broken)


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
        Fault(f"{status}-{kind}", change, "RPCError", is_transient=True)
        for status, code, message in (
            (500, -32603, "Internal error"),
            (502, -32603, "Bad gateway"),
            (503, -32002, "Service unavailable"),
            (504, -32003, "Gateway timeout"),
        )
        for kind, change in (
            ("json", _json_error(status, code, message)),
            ("html", _html(status)),
            ("empty", _always(status, (), b"")),
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
        "429-text": _always(429, TEXT, b"Too many connections. Please try again later."),
        "429-empty": _always(429, (), b""),
    }
    keys = {
        "401-json": _json_error(401, -32001, "Unauthorized"),
        "401-text": _always(401, TEXT, b"Unauthorized"),
        "403-json": _json_error(403, -32001, "Forbidden"),
        "echo-key": _echo(401, TEXT, "invalid api key in https://mainnet.helius-rpc.com", ""),
    }
    away = (*HTML, (b"location", b"https://elsewhere.example/?from=demo"))
    return [
        *(Fault(name, change, "RateLimitError", is_transient=True) for name, change in limited.items()),
        *(Fault(name, change, "AuthenticationError") for name, change in keys.items()),
        *(Fault(f"{n}-html", _html(n), "RPCError", is_transient=True) for n in (408, *range(520, 525))),
        Fault("400-json", _json_error(400, _rpc.INVALID_PARAMS, "Invalid params"), "RPCError"),
        Fault("404-html", _html(404), "RPCError"),
        Fault(
            "echo-key-html",
            _echo(500, HTML, "<h1>500</h1><p>upstream https://rpc.example", "</p>"),
            "RPCError",
            is_transient=True,
        ),
        Fault("redirect", _always(307, away, b""), "ProtocolError"),
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
        "html": _always(200, HTML, b"<!doctype html><title>Just a moment</title>"),
        "empty-body": _always(200, JSON, b""),
        "half-json": _body(lambda body: body[: len(body) // 2]),
        "json-and-more": _body(lambda body: body + b"{}"),
        "not-utf8": _body(_not_utf8),
        "gzip-broken": _body(lambda body: compress(body)[:-9] + b"\0" * 9, _GZIP),
        "gzip-not": _body(lambda body: body, _GZIP),
        "wrong-id": _mutate(mutations.put("id", value="somebody else's")),
        "no-id": _mutate(mutations.drop("id")),
        "null-result": _mutate(mutations.put("result", value=None)),
        "no-result": _mutate(mutations.drop("result")),
        "list-result": _mutate(mutations.put("result", value=[])),
        "no-context": _mutate(mutations.drop("result", "context")),
        "no-slot": _mutate(mutations.drop("result", "context", "slot")),
        "slot-text": _mutate(mutations.put("result", "context", "slot", value="345600000")),
        "slot-negative": _mutate(mutations.put("result", "context", "slot", value=-1)),
        "slot-2^64": _mutate(mutations.put("result", "context", "slot", value=1 << 64)),
        "no-value": _mutate(mutations.drop("result", "value")),
        "no-items": _mutate(mutations.drop_list),
        "cursor-number": _mutate(mutations.put("result", "value", "cursor", value=7)),
        "cursor-blank": _mutate(mutations.put("result", "value", "cursor", value="")),
    }
    return [Fault(name, change, "ProtocolError") for name, change in wrong.items()]


def _rows() -> list[Fault]:
    """Rows that are no rows."""
    wrong = {
        "mint-not-base58": mutations.last_item("mint", "0OIl" * 11),
        "mint-blank": mutations.last_item("mint", ""),
        "mint-31-bytes": mutations.last_mint(lambda raw: raw[:-1]),
        "mint-33-bytes": mutations.last_mint(lambda raw: raw + b"\1"),
        "mint-number": mutations.last_item("mint", 5),
        "mint-markup": mutations.last_item("mint", "<img src=x onerror=alert(1)>"),
        "no-mint": mutations.last_item_without("mint"),
        "balance-float": mutations.last_item("balance", 1.5),
        "balance-whole-float": mutations.last_item("balance", 5.0),
        "balance-negative": mutations.last_item("balance", -1),
        "balance-2^64": mutations.last_item("balance", 1 << 64),
        "balance-text-2^64": mutations.last_item("balance", str(1 << 64)),
        "balance-huge": mutations.last_item("balance", 10**400),
        "balance-words": mutations.last_item("balance", "many"),
        "balance-true": mutations.last_item("balance", value=True),
        "balance-null": mutations.last_item("balance", None),
        "no-balance": mutations.last_item_without("balance"),
    }
    return [
        Fault(name, _mutate(mutation), "ProtocolError", shows_on="a page with rows")
        for name, mutation in wrong.items()
    ]


def _walks() -> list[Fault]:
    """Cursors and rows that would make a walk loop, count twice or stop."""
    return [
        Fault("cursor-loops", _mutate(mutations.looping_cursor), "CursorError", shows_on="a page with rows"),
        Fault("mint-twice", _mutate(mutations.repeat_last), "CursorError", shows_on="a page with rows"),
        Fault(
            "mint-again", _mutate(mutations.repeat_previous), "CursorError", shows_on="a page after a cursor"
        ),
        Fault("cursor-31-bytes", _mutate(mutations.short_cursor), "RPCError"),
    ]


def _legal() -> list[Fault]:
    """List what is odd and right: the exact rows are expected."""
    odd = {
        "content-type": _headers(HTML),
        "gzip": _body(compress, _GZIP),
        "pretty-json": _body(_pretty),
        "escaped-json": _body(_escaped),
        "id-first": _mutate(mutations.id_first),
        "bare-body": _mutate(mutations.bare),
        "more-fields": _mutate(mutations.more_fields),
        "null-error": _mutate(mutations.put("error", value=None)),
        "other-list-name": _mutate(mutations.other_list_name),
        "older-slot": _mutate(mutations.older_slot),
        "balance-text": _mutate(mutations.balances_as_text),
        "balance-first": _mutate(mutations.balance_first),
        "out-of-order": _mutate(mutations.out_of_order),
        "cursor-opaque": _mutate(mutations.opaque_cursor),
        "empty-page": _mutate(mutations.empty_page),
        "short-page": _mutate(mutations.short_page),
    }
    return [Fault(name, change) for name, change in odd.items()]


def _connections() -> list[Fault]:
    """List what breaks on the way, or does not come."""
    broken = {
        "reset": breaks.reset_before,
        "reset-headers": breaks.reset_in_headers,
        "reset-body": breaks.reset_in_body,
        "cut-short": breaks.cut_short,
    }
    return [
        *(
            Fault(name, _break(send_broken), "TransportError", is_transient=True, needs_port=True)
            for name, send_broken in broken.items()
        ),
        Fault("trickle", _break(breaks.trickle), "RequestTimeout", is_transient=True, needs_port=True),
        Fault("stall", _break(breaks.stall), "RequestTimeout", is_transient=True),
        Fault("unending", _break(breaks.unending), "ProtocolError", needs_port=True),
    ]


_GROUPS: Final = (_edge, _statuses, _rpc_errors, _bodies, _rows, _walks, _legal, _connections)

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {fault.name: fault for group in _GROUPS for fault in group()}
)
