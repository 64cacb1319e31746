"""The demo indexer: one bare ASGI app that answers as Photon does.

It imports the rest of `demo` but `_serving`. A request goes through the gateway (latency, key,
rate), then JSON-RPC, then the pages.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import parse_qs

from helius_frames.demo import _asgi, _rpc, _tokens
from helius_frames.demo._asgi import Receive, Reply, Scope, Send
from helius_frames.demo._pages import Cursor, Pages, ServerPanic, pages_of, token_of
from helius_frames.demo.limits import Limiter, SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from helius_frames.demo._pages import PageSlice
    from helius_frames.demo.holdings import Holdings

_LISTS: Final = {_rpc.METHOD_V2: b"items", _rpc.METHOD_V1: b"token_balances"}
_JSON_TYPES: Final = frozenset(
    {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
)
_ALIVE: Final = ("/liveness", "/readiness")
_WRONG_METHOD: Final = b"Used HTTP Method is not allowed. POST or OPTIONS is required\n"
_WRONG_TYPE: Final = b"Supplied content type is not allowed. Content-Type: application/json is required\n"


class Gateway(NamedTuple):
    """The gateway in front of the indexer, as at Helius: the key, the latency, the rate limit."""

    api_key: str | None
    latency_s: float
    limiter: Limiter | None
    retry_after: Literal["seconds", "date"] | None


class PageRead(NamedTuple):
    """One read of a page, as `Indexer.page_reply` sees it.

    Attributes
    ----------
    number
        The n-th read of this server, from 1.
    query
        What was asked.
    page
        Which page of the owner (or mint) it is, from 1, by the number of rows before it.
    is_last
        Whether it is the page without a cursor.
    url_query
        Query of the URL that was asked.
    """

    number: int
    query: _rpc.Query
    page: int
    is_last: bool
    url_query: bytes


class Indexer:
    """ASGI app that serves `Holdings` by the Photon API, and the mints in it as an RPC node does.

    Parameters
    ----------
    holdings
        What it serves. The attribute of that name may be set to another `Holdings` at any time.
    slot
        Newest slot indexed when the first request comes.
    page_slots
        How many slots pass with each page read.
    version
        ``"v1"`` or ``"v2"``: the server knows only that method; ``None``: both.
    cursor
        ``"mint"``: as Photon, base58 of the page's last mint (of holders: of the last balance and owner).
        ``"opaque"``: a token, and any other cursor is refused. ``"opaque-lenient"``: a token, and any
        other cursor is ignored.
    api_key
        Key that every request must carry as ``?api-key=``; otherwise 401.
    latency_s
        Seconds that every request takes.
    rate
        Requests per second answered in any second that slides along; the rest get 429.
    limiter
        Another limit than ``rate``: one of `demo.limits`, such as ``TokenBucket(50, burst=5)``.
    retry_after
        Form of the ``Retry-After`` header of those 429s; ``None``: without.
    on_read
        Called with the number of each read (from 1) after its slot is taken and before its rows are,
        so that ``holdings`` and ``slot`` may change as they do at a real server.
    sleep, clock
        Stand-ins for `asyncio.sleep` and `time.monotonic`.

    Attributes
    ----------
    requests, refused, reads
        Requests so far, those of them refused for the rate, and pages read.

    Examples
    --------
    >>> from helius_frames.demo import Holdings, Indexer, OWNERS
    >>> Indexer(Holdings.from_dict({OWNERS[0]: {}}), rate=50)
    Indexer(Holdings(1 owners, 0 mints, 0 rows))
    """

    def __init__(
        self,
        holdings: Holdings,
        *,
        slot: int = 100,
        page_slots: int = 0,
        version: Literal["v1", "v2"] | None = None,
        cursor: Cursor = "mint",
        api_key: str | None = None,
        latency_s: float = 0.0,
        rate: float | None = None,
        limiter: Limiter | None = None,
        retry_after: Literal["seconds", "date"] | None = None,
        on_read: Callable[[int], None] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if rate is not None and not (rate > 0 and math.isfinite(rate)):
            raise ValueError(f"rate {rate!r}; give a positive number of requests per second, or None")
        if rate is not None:
            limiter = SlidingWindow(max(1, math.floor(rate)), max(1, math.floor(rate)) / rate)
        self.holdings = holdings
        self.slot = slot
        self.requests = self.refused = self.reads = 0
        self._page_slots = page_slots
        self._methods = _methods(version)
        self._cursor: Cursor = cursor
        self._gateway = Gateway(api_key, latency_s, limiter, retry_after)
        self._on_read = on_read
        self._sleep = sleep
        self._clock = clock

    @property
    def holdings(self) -> Holdings:
        """What it serves now."""
        return self._holdings

    @holdings.setter
    def holdings(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._pages: Pages = pages_of(holdings)
        self._tokens = _tokens.tokens_of(holdings)

    def warm(self) -> None:
        """Encode all rows now, so that no request pays for it."""
        self._pages.warm()

    def warm_holders(self, mint: str) -> None:
        """Sort and encode the holders of a mint now, so that no request pays for it."""
        self._pages.warm_holders(mint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await _asgi.answer_lifespan(receive, send)
            return
        body = await _asgi.read_body(receive)
        try:
            reply = await self._reply(scope, body)
        except ServerPanic:
            await _asgi.break_off(send)
        await reply(scope, receive, send)

    def page_reply(self, reply: Reply, read: PageRead) -> Reply:  # noqa: ARG002 - for those who override it
        """Return the reply to send for one read of a page: here the good one.

        A subclass may return another, as a test server does that breaks replies on purpose. The pages of a
        batch do not come by.
        """
        return reply

    def __repr__(self) -> str:
        return f"Indexer({self.holdings!r})"

    async def _reply(self, scope: Scope, body: bytes) -> Reply:
        self.requests += 1
        if self._gateway.latency_s:
            await self._sleep(self._gateway.latency_s)
        refusal = self._refusal(scope) or _not_rpc(scope, body)
        if refusal is not None:
            return refusal
        return self._answer(body, scope["query_string"])

    def _refusal(self, scope: Scope) -> Reply | None:
        """Return the gateway's own answer to a request that it does not let through."""
        gateway = self._gateway
        if gateway.api_key is not None and not _has_key(scope, gateway.api_key):
            return _gateway_error(401, -32001, "Unauthorized")
        if gateway.limiter is not None and gateway.limiter.allow(self._clock()) is not None:
            self.refused += 1
            return _gateway_error(429, -32005, "Too many requests", _retry_header(gateway.retry_after))
        return None

    def _answer(self, body: bytes, url_query: bytes) -> Reply:
        try:
            message = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return _ok(_rpc.error_text(b"null", _rpc.PARSE_ERROR, "Parse error"))
        if isinstance(message, list):
            return self._batch(message)
        return self._call(message, url_query)

    def _batch(self, messages: list[object]) -> Reply:
        """Answer a batch, which Photon takes and Helius does not document."""
        texts = [reply.body for message in messages if (reply := self._call(message, None)).body]
        if not messages:
            return _ok(_rpc.error_text(b"null", _rpc.INVALID_REQUEST, "Invalid request"))
        return _ok(b"[" + b",".join(texts) + b"]" if texts else b"")

    def _call(self, message: object, url_query: bytes | None) -> Reply:
        try:
            call = _rpc.parse_call(message)
            return _ok(b"") if call.id is None else self._method(call, call.id, url_query)
        except _rpc.Refused as refused:
            request_id = _rpc.id_text(message) or b"null"
            return _ok(_rpc.error_text(request_id, refused.code, refused.message))

    def _method(self, call: _rpc.Call, request_id: bytes, url_query: bytes | None) -> Reply:
        if call.method in self._methods:
            query = _rpc.parse_query(call.params)
            return self._read(query, _LISTS[call.method], request_id, url_query)
        if call.method == _tokens.ACCOUNTS:
            return _ok(_rpc.result_text(request_id, self._tokens.accounts(call.params, self.slot)))
        if call.method == _tokens.ASSETS:
            return _ok(_rpc.result_text(request_id, self._tokens.assets(call.params, self.slot)))
        if call.method == _rpc.METHOD_HOLDERS:
            return self._read(_rpc.parse_holders_query(call.params), b"items", request_id, url_query)
        if call.method == "getIndexerSlot":
            return _ok(_rpc.result_text(request_id, b"%d" % self.slot))
        if call.method == "getIndexerHealth":
            return _ok(_rpc.result_text(request_id, b'"ok"'))
        raise _rpc.Refused(_rpc.METHOD_NOT_FOUND, "Method not found")

    def _read(self, query: _rpc.Query, name: bytes, request_id: bytes, url_query: bytes | None) -> Reply:
        """Read one page: the slot first and the rows after it, as Photon's two queries do."""
        self.reads += 1
        slot = self.slot
        if self._on_read is not None:
            self._on_read(self.reads)
        cut = self._pages.cut(query, self._cursor)
        self.slot += self._page_slots
        reply = _ok(_rpc.page_text(request_id, slot, name, cut.items, self._cursor_text(cut)))
        if url_query is None:
            return reply
        page = cut.begin // max(query.limit, 1) + 1
        return self.page_reply(reply, PageRead(self.reads, query, page, cut.cursor is None, url_query))

    def _cursor_text(self, cut: PageSlice) -> bytes:
        if cut.cursor is None:
            return b"null"
        text = cut.cursor if self._cursor == "mint" else token_of(cut.cursor)
        return b'"%b"' % text.encode("ascii")


def _methods(version: Literal["v1", "v2"] | None) -> tuple[str, ...]:
    by_version = {"v1": (_rpc.METHOD_V1,), "v2": (_rpc.METHOD_V2,)}
    return tuple(_LISTS) if version is None else by_version[version]


def _ok(body: bytes) -> Reply:
    return Reply(200, _asgi.JSON, body)


def _gateway_error(status: int, code: int, message: str, headers: _asgi.Headers = ()) -> Reply:
    return Reply(status, (*_asgi.JSON, *headers), _rpc.error_text(b'"1"', code, message))


def _retry_header(form: Literal["seconds", "date"] | None) -> _asgi.Headers:
    if form is None:
        return ()
    value = "1" if form == "seconds" else formatdate(time.time() + 1, usegmt=True)
    return ((b"retry-after", value.encode("ascii")),)


def _has_key(scope: Scope, api_key: str) -> bool:
    return parse_qs(scope["query_string"].decode("latin-1")).get("api-key") == [api_key]


def _not_rpc(scope: Scope, body: bytes) -> Reply | None:
    """Answer to a request that is no JSON-RPC at all, as the server beneath Photon gives it."""
    if scope["method"] == "GET" and scope["path"] in _ALIVE:
        return _ok(b"null")
    if scope["method"] != "POST":
        return Reply(405, _asgi.TEXT, _WRONG_METHOD)
    sent = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if sent.lower() not in _JSON_TYPES:
        return Reply(415, _asgi.TEXT, _WRONG_TYPE)
    if len(body) > _rpc.BODY_MAX:
        return Reply(413, _asgi.JSON, _rpc.too_big())
    if body.lstrip()[:1] not in (b"{", b"["):
        return Reply(400, _asgi.JSON, _rpc.error_text(b"null", _rpc.PARSE_ERROR, "Parse error"))
    return None


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python's reader takes and JSON does not know."""
    raise ValueError(f"{name} is no JSON")
