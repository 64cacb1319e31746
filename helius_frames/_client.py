"""Requests to one endpoint: pace, key, timeout, retries and faults around a POST of bytes.

The only module that imports httpx. It may import `_endpoint`, `_clean`, `_pace`, `_wire` and `errors`.
The key, path and query of the endpoint are known to a `_Lane` alone, below httpx's client: it builds
each request for the one host, reads the whole reply, and hands a fault back instead of letting an
exception through, whose traceback and causes would show them.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import re
import ssl
import time
import zlib
from contextlib import AsyncExitStack, aclosing
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import tenacity

from helius_frames import _wire
from helius_frames._clean import conceal, shorten
from helius_frames._endpoint import Secret, is_loopback
from helius_frames._network import LoopBackend
from helius_frames._transport.rate_limit import RETRY_AFTER_MAX_S, Budget, Turn, check_pace, shared_budget
from helius_frames._version import __version__
from helius_frames.errors import (
    EndpointError,
    HeliusError,
    HostUnreachableError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
    from types import TracebackType

    from pyreqwest.client import ClientBuilder

    from helius_frames._endpoint import Endpoint

# A page of 1,000 rows has under 100 kB; sixteen MiB leave 16 kB a row for a server that says more, and
# sixteen such replies at once still fit a small machine.
REPLY_BYTES_MAX: Final = 16 * 2**20
# Connecting takes a second at worst; a host that has not answered by then is not there.
CONNECT_S: Final = 10.0
# With a shorter timeout than this, a slow connection and a slow reply are not told apart.
_CONNECT_TOLD_S: Final = 2.0
# No try of a request begins later than this after its first has failed, whatever the server asks to wait.
PATIENCE_S: Final = 300.0
BACKOFF_S: Final = 0.25
BACKOFF_MAX_S: Final = 8.0

# An echo of a shorter secret inside a good reply would be chance, and hiding it would change the rows.
_ECHO_MIN: Final = 16
_HOST_SHOWN: Final = 80

Transports: TypeAlias = "httpx.AsyncBaseTransport | Callable[[], httpx.AsyncBaseTransport]"


class Client:
    """Asks one endpoint; for use in one event loop, as an async context manager.

    Parameters
    ----------
    plan, requests_per_second
        The rate to keep to; with neither it is learned (see `_pace`).
    max_concurrency
        Most requests in flight at once.
    timeout
        Seconds for one whole request, from connecting to the last byte.
    retries
        How often one request is tried again.
    app
        An ASGI application asked in this process instead of the network.
    transport
        An httpx transport, or what makes one, instead of the network.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        plan: str | None = None,
        requests_per_second: float | None = None,
        max_concurrency: int = 16,
        timeout: float = 30.0,
        retries: int = 6,
        app: Any = None,  # noqa: ANN401 - an ASGI application
        transport: Transports | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.requests = 0
        self.retries = 0
        self._endpoint = endpoint
        self._rate = check_pace(plan, requests_per_second)
        self._tries = retries + 1
        self._sleep = sleep
        self._clock = clock
        self._random = random
        is_own = app is not None or transport is not None
        self._budget = Budget(clock) if is_own else shared_budget(endpoint.account)
        self._free = asyncio.Semaphore(max_concurrency)
        if app is not None:
            transport = httpx.ASGITransport(app)
        self._lanes = _Lanes(endpoint, timeout, transport)
        self._echoes = [Secret(text) for text in endpoint.secret_texts() if len(text) >= _ECHO_MIN]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._lanes)
        self._stack.enter_context(self._budget.at_most(self._rate))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def call(self, body: bytes) -> bytes:
        """Post a JSON-RPC request and return the body of a reply that reports no error.

        Raises
        ------
        HeliusError
            What the server reported, or why no whole reply arrived, after the last try.
        """
        outcome = await self._try(body)
        if isinstance(outcome, _Failure):
            outcome = await self._try_again(body, outcome)
        if isinstance(outcome, _Failure):
            raise outcome.fault
        return outcome

    async def _try_again(self, body: bytes, first: _Failure) -> bytes | _Failure:
        """Retry after a first failure; a request that needs no retry pays nothing for the machinery."""
        deadline = self._clock() + PATIENCE_S
        retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            retry=_deserves_another_try,
            wait=self._pause,
            stop=lambda state: self._is_over(state, deadline),
            before_sleep=self._count_retry,
            retry_error_callback=_last_outcome,
        )
        failures = [first]

        async def attempt() -> bytes | _Failure:
            return failures.pop() if failures else await self._try(body)

        return await retrying(attempt)

    def rate_binds(self) -> bool:
        """Whether the allowed rate, not latency, is what limits this pull now."""
        return self._budget.rate_binds()

    async def _try(self, body: bytes) -> bytes | _Failure:
        """Send once, in turn; a fault is a result, so that no retry chains it to another."""
        async with self._free:
            turn = await self._turn()
            self.requests += 1
            reply = await self._lanes.exchange(body)
        if isinstance(reply, _Failure):
            return reply
        fault = self._fault_in(reply)
        if isinstance(fault, RateLimitError):
            self._budget.refused(turn, fault.retry_after_s)
        else:
            self._budget.accepted(turn)
        if fault is not None:
            return _Failure(fault, may_heal=_wire.is_transient(fault))
        return self._without_echo(reply.content)

    async def _turn(self) -> Turn:
        turn = Turn()
        try:
            while (wait := self._budget.claim(turn)) > 0:
                await self._sleep(wait)
        except BaseException:  # cancelled while waiting
            self._budget.give_back(turn)
            raise
        return turn

    def _fault_in(self, reply: _Reply) -> HeliusError | None:
        if 300 <= reply.status < 400:  # noqa: PLR2004
            return self._redirect(reply)
        fault = _wire.fault_in(reply.status, reply.content)
        if fault is None:
            return None
        # Told again from the cleaned body: the message shortens it, and half a key is still a key.
        secrets = self._endpoint.secret_texts()
        fault = _wire.fault_in(reply.status, conceal(reply.content, secrets), has_key=bool(secrets)) or fault
        fault.retry_after_s = _retry_after_s(reply.retry_after)
        return fault.reworded(self._endpoint.clean(fault.reason))

    def _redirect(self, reply: _Reply) -> HeliusError:
        host = shorten(self._endpoint.clean(_host_of(reply.location)), _HOST_SHOWN)
        reason = (
            f"{self._endpoint.label} redirects to {host} (HTTP {reply.status}), which is not followed,"
            " since the key goes to one host only: give the final address as endpoint="
        )
        return ProtocolError(reason, status=reply.status)

    def _without_echo(self, content: bytes) -> bytes:
        found = [echo.reveal() for echo in self._echoes if echo.reveal().encode() in content]
        return conceal(content, found) if found else content

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds before the next try: what the server asked for, else backoff with jitter."""
        fault = _failure(state).fault
        if isinstance(fault, RateLimitError):
            return 0.0  # the budget holds everyone back, this request among them
        if fault.retry_after_s is not None:
            return min(fault.retry_after_s, RETRY_AFTER_MAX_S)
        longest = min(BACKOFF_S * 2.0 ** (state.attempt_number - 1), BACKOFF_MAX_S)
        return longest * (1 + self._random()) / 2

    def _is_over(self, state: tenacity.RetryCallState, deadline: float) -> bool:
        return state.attempt_number >= self._tries or self._clock() + state.upcoming_sleep > deadline

    def _count_retry(self, _state: tenacity.RetryCallState) -> None:
        self.retries += 1


class _Reply(NamedTuple):
    """A whole reply, decompressed, and the two headers that matter."""

    status: int
    content: bytes
    retry_after: str | None
    location: str | None


class _Failure(NamedTuple):
    """A try that brought no page, and whether another may."""

    fault: HeliusError
    may_heal: bool


class _UnusableReplyError(Exception):
    """A reply that came whole and cannot be read; its text is ours."""


class _Lanes:
    """As many lanes as there are requests in flight, the last one used first.

    httpx's pool rescans its connections at every request, so each lane has a transport, and with it a
    connection, of its own.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float, transport: Transports | None) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._transport = transport
        self._free: list[_Lane] = []
        self._stack = AsyncExitStack()
        self._left: set[asyncio.Task[_Reply]] = set()

    async def __aenter__(self) -> Self:
        given = self._transport or _network_transport(self._endpoint, self._timeout_s)
        if isinstance(given, httpx.AsyncBaseTransport):
            self._stack.push_async_callback(given.aclose)
        self._transport = given
        _mute_httpcore()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        if self._left:
            await asyncio.wait(self._left)  # closing has ended them
        while self._free:
            self._free.pop().forget()
        self._transport = None

    async def exchange(self, body: bytes) -> _Reply | _Failure:
        lane = self._free.pop() if self._free else self._new_lane()
        try:
            return await lane.exchange(body)
        finally:
            self._free.append(lane)

    def _new_lane(self) -> _Lane:
        if isinstance(self._transport, httpx.AsyncBaseTransport):
            return _Lane(self._endpoint, self._transport, self._timeout_s, self._left)
        if self._transport is None:
            raise RuntimeError("the client is used before `async with` or after it")
        transport = self._transport()
        self._stack.push_async_callback(transport.aclose)
        return _Lane(self._endpoint, transport, self._timeout_s, self._left)


class _Lane:
    """One transport to the one host, and the only place that puts the key on a request."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: httpx.AsyncBaseTransport,
        timeout_s: float,
        left: set[asyncio.Task[_Reply]],
    ) -> None:
        self._label = endpoint.label
        self._timeout_s = timeout_s
        self._left = left
        self._post = _poster(endpoint, transport)
        if type(transport).__module__.startswith("pyreqwest"):
            self._post = self._detached(self._post)

    async def exchange(self, body: bytes) -> _Reply | _Failure:
        """Send once and read the whole reply; a fault comes back bare, without traceback or causes."""
        outcome = await self._try(body)
        if isinstance(outcome, _Failure):
            # A task of pure Python, as nest-asyncio makes them, is woken inside the `except` of what it
            # waited for: all that is raised before its next pause would drag that along as context.
            await asyncio.sleep(0)
        return outcome

    def forget(self) -> None:
        """Let go of the transport, for good.

        pyreqwest keeps its connections open for as long as anyone knows its client, and the traceback of
        an interrupt, which a kernel keeps, knows the lane.
        """
        del self._post

    async def _try(self, body: bytes) -> _Reply | _Failure:
        _is_ours.set(True)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(body)
        except TimeoutError:
            late = RequestTimeout(f"no whole reply from {self._label} within {self._timeout_s:g} s")
            return _Failure(late, may_heal=True)
        except _UnusableReplyError as error:
            return _Failure(ProtocolError(f"{self._label}: {error}"), may_heal=False)
        except Exception as error:  # noqa: BLE001 - whatever a transport raises, its frames hold the key
            return _transport_failure(error, self._label)
        except BaseException as error:  # noqa: BLE001 - a cancellation goes on, without the frames below
            raise _bare(error)  # noqa: B904 - the same exception
        finally:
            _is_ours.set(False)

    def _detached(self, post: Callable[[bytes], Awaitable[_Reply]]) -> Callable[[bytes], Awaitable[_Reply]]:
        """Post in a task of its own, which is left alone when the caller is cancelled.

        pyreqwest loses a cancellation that meets a reply: whoever awaits it hangs, or goes on. Closing its
        client ends what is in flight at once.
        """

        async def detached(body: bytes) -> _Reply:
            task = asyncio.ensure_future(post(body))
            self._left.add(task)
            task.add_done_callback(self._forget)
            return await asyncio.shield(task)

        return detached

    def _forget(self, task: asyncio.Task[_Reply]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # seen: a request that nobody waits for may fail


def _poster(endpoint: Endpoint, transport: httpx.AsyncBaseTransport) -> Callable[[bytes], Awaitable[_Reply]]:
    """Make the function that posts to the endpoint; the signed URL lives in it alone."""
    url = httpx.URL(endpoint.url.reveal())
    headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("User-Agent", f"helius_frames/{__version__}"),
    ]
    if endpoint.authorization is not None:
        headers.append(("Authorization", endpoint.authorization.reveal()))

    async def post(body: bytes) -> _Reply:
        request = httpx.Request("POST", url, headers=headers, content=body)
        response = await transport.handle_async_request(request)
        try:
            return await _read(response)
        finally:
            await response.aclose()

    return post


async def _read(response: httpx.Response) -> _Reply:
    try:
        content = await _content(response)
    except _UnusableReplyError:
        if response.is_success:
            raise
        content = b""  # the status alone says what the fault is, and whether it may pass
    headers = response.headers
    return _Reply(response.status_code, content, headers.get("retry-after"), headers.get("location"))


async def _content(response: httpx.Response) -> bytes:
    """Read the body, decompressed here, where its size is bounded while it grows."""
    if int(response.headers.get("content-length", "0")) > REPLY_BYTES_MAX:
        raise _UnusableReplyError(_too_large())
    inflate = _inflater(response.headers.get("content-encoding", "").strip().lower())
    parts, size = [], 0
    stream = cast("httpx.AsyncByteStream", response.stream)
    async with aclosing(cast("AsyncGenerator[bytes]", aiter(stream))) as chunks:
        async for chunk in chunks:
            part = chunk if inflate is None else _inflated(inflate, chunk, REPLY_BYTES_MAX - size + 1)
            size += len(part)
            if size > REPLY_BYTES_MAX:
                raise _UnusableReplyError(_too_large())
            parts.append(part)
    if inflate is not None and not inflate.eof:
        raise _UnusableReplyError("the reply's gzip data ends in the middle")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _inflater(encoding: str) -> zlib._Decompress | None:
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip"):
        raise _UnusableReplyError(
            f"the reply is compressed in a way that was not asked for ({encoding[:20]!r})"
        )
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _inflated(inflate: zlib._Decompress, chunk: bytes, most: int) -> bytes:
    try:
        return inflate.decompress(chunk, most)
    except zlib.error:
        raise _UnusableReplyError("the reply's gzip data is broken") from None


def _too_large() -> str:
    return f"the reply is larger than {REPLY_BYTES_MAX // 2**20} MiB; a page of 1,000 rows has under 0.1"


def _connect_s(timeout_s: float) -> float | None:
    """Seconds for connecting alone, so that a host that is not there is told from one that is slow."""
    return min(CONNECT_S, 0.9 * timeout_s) if timeout_s >= _CONNECT_TOLD_S else None


def _deserves_another_try(state: tenacity.RetryCallState) -> bool:
    if state.outcome is None or state.outcome.failed:  # cancelled, or a mistake of ours
        return False
    outcome = state.outcome.result()
    return isinstance(outcome, _Failure) and outcome.may_heal


def _failure(state: tenacity.RetryCallState) -> _Failure:
    if state.outcome is None:
        raise RuntimeError("no try has been made yet")
    return cast("_Failure", state.outcome.result())


def _last_outcome(state: tenacity.RetryCallState) -> _Failure:
    """Failure of the last try; it says how many there were."""
    failure, tries = _failure(state), state.attempt_number
    tried = "tried once" if tries == 1 else f"tried {tries} times"
    advice = _RATE_ADVICE if isinstance(failure.fault, RateLimitError) else ""
    failure.fault.reworded(f"{failure.fault.reason} ({tried}){advice}")
    return failure


_RATE_ADVICE: Final = (
    ". Either requests come faster than the plan allows: pass plan= or a lower requests_per_second=, and see"
    " whether something else uses the same key; or the credits are used up: look at the key's dashboard"
)


class _Cause(NamedTuple):
    """What the texts of an exception and its causes mean."""

    pattern: re.Pattern[str]
    words: str
    is_unreachable: bool = False
    is_final: bool = False


_ANY: Final = re.compile("")
# asyncio tells the number of an error of the system, which Linux and macOS count differently.
_REFUSED: Final = r"connection ?refused|actively refused|refused the network|errno (?:111|61)\b"
_NO_NAME: Final = "name or service not known|nodename nor servname|getaddrinfo failed|no address associated"

# In this order: the first that matches is told. Both transports phrase the same faults differently.
_CAUSES: Final = tuple(
    _Cause(re.compile(pattern), *rest)
    for pattern, *rest in (
        (
            "certificate",  # its text may name any host
            "its TLS certificate is not trusted (for an authority of your own set SSL_CERT_FILE)",
            True,
            True,
        ),
        ("proxy|tunnel", "the proxy (HTTPS_PROXY, ALL_PROXY) refuses or does not answer", True),
        (_NO_NAME, "there is no host of that name", True, True),
        ("name resolution|lookup|dns error", "its name cannot be looked up at the moment", True),
        (_REFUSED, "connection refused: nothing listens there", True),
        (r"unreachable|no route|errno (?:101|113|51|65)\b", "there is no route to it", True),
        (r"\[ssl|tls|handshake|corrupt message", "the TLS handshake failed", True),
        ("reset|broken ?pipe|brokenresource", "the connection was reset"),
        ("incomplete|complete message body|end of file before", "the reply was cut short"),
        ("disconnected|closed before message", "the connection was closed before a reply"),
        ("invalid|illegal|malformed|parse", "the reply is not HTTP"),
    )
)


def _transport_failure(error: Exception, label: str) -> _Failure:
    """Tell in our words what a transport raised: its own texts quote the URL."""
    text = _texts(error)
    cause = next(
        (cause for cause in _CAUSES if cause.pattern.search(text)), _Cause(_ANY, type(error).__name__)
    )
    if isinstance(error, httpx.ConnectTimeout):
        cause = _Cause(_ANY, "it does not answer", is_unreachable=True)
    if cause.is_unreachable or _is_connecting(error, text):
        unreachable = HostUnreachableError(f"cannot connect to {label}: {cause.words}")
        return _Failure(unreachable, may_heal=not cause.is_final)
    return _Failure(TransportError(f"no whole reply from {label}: {cause.words}"), may_heal=True)


def _is_connecting(error: Exception, text: str) -> bool:
    """Whether no connection was made; pyreqwest says so in its text alone."""
    if "client error (" in text:
        return "client error (connect)" in text
    return isinstance(error, (httpx.ConnectError, httpx.ProxyError))


def _texts(error: BaseException) -> str:
    texts = (f"{type(cause).__name__} {cause}" for cause in _chain(error))
    return re.sub(r"url \([^)]*\)", "", " ".join(texts)).lower()


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Walk an exception, its causes, and the members of groups among them."""
    pending, seen = [error], set[int]()
    while pending:
        cause = pending.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        members = cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
        pending += [one for one in (cause.__context__, cause.__cause__, *members) if one is not None]


def _bare(error: BaseException) -> BaseException:
    """Cut off what an exception drags along: frames and causes below the lane know the key."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _retry_after_s(header: str | None) -> float | None:
    """Seconds of a ``Retry-After`` in either form; ``None`` where there is none, or none of sense."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        seconds = _seconds_until(header)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(date: str) -> float:
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):  # no date, or one without a zone
        return math.nan


def _host_of(location: str | None) -> str:
    try:
        return urlsplit(location or "").hostname or "another address"
    except ValueError:
        return "another address"


class _PlainTransport(httpx.AsyncHTTPTransport):
    """httpx's transport with a bound on connecting, which it reads from each request.

    It is not set on the request outside, since pyreqwest's transport takes it for the whole request's.
    """

    def __init__(self, connect_s: float | None, **options: Any) -> None:
        super().__init__(**options)
        self._connect_s = connect_s
        # httpx has no argument for it.
        self._pool._network_backend = LoopBackend()  # noqa: SLF001

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = {"connect": self._connect_s}
        return await super().handle_async_request(request)


def _network_transport(endpoint: Endpoint, timeout_s: float) -> Transports:
    """Choose pyreqwest's transport where the extra ``fast`` is installed, else httpx's own."""
    try:
        return fast_transport(endpoint, timeout_s)
    except (ImportError, RuntimeError):  # not installed, or begun before a fork, which it does not survive
        return plain_transports(endpoint, timeout_s)


def plain_transports(endpoint: Endpoint, timeout_s: float) -> Callable[[], httpx.AsyncBaseTransport]:
    """Make httpx's own transports, all with one TLS context: it takes 20 ms to load."""
    context = _tls_context() if endpoint.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    proxy = _proxy_for(endpoint)
    limits = httpx.Limits(max_keepalive_connections=1, keepalive_expiry=60.0)

    def make() -> httpx.AsyncBaseTransport:
        url = None if proxy is None else proxy.reveal()
        return _PlainTransport(_connect_s(timeout_s), verify=context, limits=limits, proxy=url)

    _with_usable_proxy(make)
    return make


def fast_transport(endpoint: Endpoint, timeout_s: float) -> httpx.AsyncBaseTransport:
    """Make pyreqwest's transport, whose one pool does not slow down: every lane shares it.

    A cancelled request runs on in pyreqwest's own thread until the client is closed. Its own timeout, a
    little above ours, ends one that is given up for its lateness alone.
    """
    from pyreqwest.client import ClientBuilder  # noqa: PLC0415 - an extra
    from pyreqwest.compatibility.httpx import HttpxTransport  # noqa: PLC0415
    from pyreqwest.proxy import ProxyBuilder  # noqa: PLC0415

    builder = ClientBuilder().http1_only().follow_redirects(enable=False).default_cookie_store(enable=False)
    builder = builder.gzip(enable=False).brotli(enable=False).zstd(enable=False).deflate(enable=False)
    builder = builder.timeout(timedelta(seconds=1.05 * timeout_s + 0.05))
    if (connect_s := _connect_s(timeout_s)) is not None:
        builder = builder.connect_timeout(timedelta(seconds=connect_s))
    builder = _with_own_certificates(builder, endpoint)
    # Its own reading of the environment would send loopback through a proxy.
    proxy = _proxy_for(endpoint)
    if proxy is None:
        return HttpxTransport(builder.no_proxy().build())
    return _with_usable_proxy(lambda: HttpxTransport(builder.proxy(ProxyBuilder.all(proxy.reveal())).build()))


def _proxy_for(endpoint: Endpoint) -> Secret | None:
    """Proxy that the environment names for the endpoint; sealed, since its URL may hold a password."""
    if is_loopback(endpoint.host) or proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        return None
    proxies = getproxies()
    proxy = proxies.get(endpoint.scheme) or proxies.get("all")
    if not proxy:
        return None
    return Secret(proxy if "://" in proxy else f"http://{proxy}")


def _with_usable_proxy(make: Callable[[], httpx.AsyncBaseTransport]) -> httpx.AsyncBaseTransport:
    """Make one transport; a proxy that cannot be used is told without its URL, which may hold a password."""
    try:
        return make()
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        words = (
            "needs the package socksio"
            if isinstance(error, ImportError)
            else "is no proxy URL that can be used"
        )
    raise EndpointError(f"the proxy of the environment (HTTPS_PROXY, ALL_PROXY) {words}")


def _tls_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise _certificates_unreadable(error) from None


def _with_own_certificates(builder: ClientBuilder, endpoint: Endpoint) -> ClientBuilder:
    path = os.environ.get("SSL_CERT_FILE")
    if endpoint.scheme != "https" or not path:
        return builder
    try:
        return builder.add_root_certificate_pem(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise _certificates_unreadable(error) from None


def _certificates_unreadable(error: Exception) -> EndpointError:
    return EndpointError(f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be read: {error}")


_is_ours: ContextVar[bool] = ContextVar("_is_ours", default=False)


def _is_not_ours(_record: logging.LogRecord) -> bool:
    return not _is_ours.get()


def _mute_httpcore() -> None:
    """Keep httpcore from logging our requests: at DEBUG it prints whole reply headers, which may echo a key.

    Requests of others in the same process are logged as before.
    """
    for part in ("connection", "http11", "http2", "proxy", "socks"):
        logging.getLogger(f"httpcore.{part}").addFilter(_is_not_ours)
