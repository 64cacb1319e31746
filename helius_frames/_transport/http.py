"""POST bytes to the one endpoint and read the whole reply: connections, TLS, proxies, errors by type.

The only module that imports httpx and httpcore, and the only one that sees the signed URL. Each request in
flight has a connection of its own, a pool of one: httpx's shared pool rescans all its connections at every
request (600 requests a second one at a time, 200 with 32 in flight).

What leaves `Http.post` is a reply or an error of ours. Foreign exceptions, their causes and the frames below
know the key, so they are dropped here.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
import threading
import zlib
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, TypeVar, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from helius_frames._transport.endpoint import Secret, is_loopback
from helius_frames._version import __version__
from helius_frames.errors import (
    EndpointError,
    HeliusError,
    HostUnreachableError,
    ProtocolError,
    RequestTimeout,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

    from helius_frames._transport.endpoint import Endpoint

    Connect: TypeAlias = Callable[[], httpx.AsyncBaseTransport]

T = TypeVar("T")

# A page of 1,000 rows has under 100 kB; sixteen MiB leave 16 kB a row for a server that says more, and
# sixteen such replies at once still fit a small machine.
REPLY_BYTES_MAX: Final = 16 * 2**20
# Connecting takes a second at worst; a host that has not answered by then is not there.
CONNECT_S: Final = 10.0
# With a shorter timeout than this, a slow connection and a slow reply are not distinguished.
_CONNECT_APART_S: Final = 2.0
_IDLE_S: Final = 60.0
_MEMBERS_MAX: Final = 100  # of one reply's gzip data; an honest server sends one
_RACE_S: Final = 0.25  # before the next address of a host is tried too
_UNREAD_MAX: Final = 2**20  # bytes that have arrived and are not read yet
_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")


class Reply(NamedTuple):
    """A whole reply, decompressed, and the two headers that matter."""

    status: int
    content: bytes
    retry_after: str | None
    location: str | None


class _UnusableReplyError(Exception):
    """A reply that came whole and cannot be read; its text is ours."""


class Http:
    """Posts to one endpoint; for use in one event loop, as an async context manager.

    Parameters
    ----------
    timeout_s
        Seconds for one whole request, from connecting to the last byte.
    connect
        Makes the transport of one connection.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float, connect: Connect) -> None:
        self._label = endpoint.label
        self._timeout_s = timeout_s
        self._connect = connect
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._stack = AsyncExitStack()
        self._sign = _signer(endpoint)

    async def __aenter__(self) -> Self:
        _mute_httpcore(on=True)
        self._stack.callback(_mute_httpcore, on=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        _is_ours.set(True)
        try:
            await self._stack.aclose()
        finally:
            _is_ours.set(False)
        self._idle.clear()

    async def post(self, body: bytes) -> Reply:
        """Send once and return the whole reply.

        Raises
        ------
        TransportError, ProtocolError
            No whole reply arrived, or none that can be read; the error carries no cause and no frames from
            below.
        """
        transport = self._idle.pop() if self._idle else self._open()
        _is_ours.set(True)
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await transport.handle_async_request(self._sign(body))
                return await _read(response)
        except TimeoutError:
            error: HeliusError = RequestTimeout(
                f"no whole reply from {self._label} within {self._timeout_s:g} s"
            )
        except _UnusableReplyError as unusable:
            error = ProtocolError(f"{self._label}: {unusable}")
        except Exception as foreign:  # noqa: BLE001 - whatever a transport raises, its frames hold the key
            error = _as_error(foreign, self._label)
        except BaseException as cancelled:  # noqa: BLE001 - it is raised again, without the frames below
            cancelled.__cause__ = cancelled.__context__ = None
            raise cancelled.with_traceback(None)  # noqa: B904 - the same exception
        finally:
            _is_ours.set(False)
            self._idle.append(transport)
        # nest-asyncio wakes a task inside the `except` of what it waited for: all that is raised before its
        # next pause would carry that as its context.
        await asyncio.sleep(0)
        raise error

    def _open(self) -> httpx.AsyncBaseTransport:
        transport = self._connect()
        self._stack.push_async_callback(transport.aclose)
        return transport


def _signer(endpoint: Endpoint) -> Callable[[bytes], httpx.Request]:
    """Return the function that builds the request; the signed URL and the password live in it alone."""
    parts = urlsplit(endpoint.url.reveal())
    target = (parts.path + (f"?{parts.query}" if parts.query else "")).encode("ascii")
    url = httpx.URL(scheme=endpoint.scheme, host=endpoint.host, port=endpoint.port, raw_path=target)
    headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("User-Agent", f"helius_frames/{__version__}"),
    ]
    if endpoint.authorization is not None:
        headers.append(("Authorization", endpoint.authorization.reveal()))
    return lambda body: httpx.Request("POST", url, headers=headers, content=body)


async def _read(response: httpx.Response) -> Reply:
    headers = response.headers
    try:
        content = await _content(response)
    except _UnusableReplyError:
        if response.is_success:
            raise
        content = b""  # the status alone says what the error is, and whether it may pass
    finally:
        await response.aclose()
    return Reply(response.status_code, content, headers.get("retry-after"), headers.get("location"))


async def _content(response: httpx.Response) -> bytes:
    """Read the body, decompressed here, where its size is bounded while it grows."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise _UnusableReplyError(f"the reply has a compression that was not asked for ({encoding[:20]!r})")
    inflate = _Inflate() if encoding.endswith("gzip") else None
    parts, sent, size = [], 0, 0
    stream = cast("httpx.AsyncByteStream", response.stream)
    async with aclosing(cast("AsyncGenerator[bytes]", aiter(stream))) as chunks:
        async for chunk in chunks:
            sent += len(chunk)
            part = chunk if inflate is None else inflate(chunk, REPLY_BYTES_MAX - size + 1)
            size += len(part)
            # What comes after the end of the gzip data counts too, though it unpacks to nothing.
            if max(size, sent) > REPLY_BYTES_MAX:
                raise _UnusableReplyError(
                    f"the reply is larger than {REPLY_BYTES_MAX // 2**20} MiB; a full page has under 0.1"
                )
            parts.append(part)
    if inflate is not None and not inflate.is_whole:
        raise _UnusableReplyError("the reply's gzip data ends in the middle")
    return parts[0] if len(parts) == 1 else b"".join(parts)


class _Inflate:
    """Unpacks gzip data of one or several members, at most a given number of bytes at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._members = 0

    def __call__(self, data: bytes, most: int) -> bytes:
        parts = []
        while data and most > 0:
            if self._member.eof:  # another member may follow; zeros may pad
                data = data.lstrip(b"\0")
                if not data:
                    break
                self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
                self._members += 1
                if self._members > _MEMBERS_MAX:
                    raise _UnusableReplyError("the reply's gzip data is cut into too many members")
            try:
                part = self._member.decompress(data, most)
            except zlib.error:
                raise _UnusableReplyError("the reply's gzip data is broken") from None
            parts.append(part)
            most -= len(part)
            data = self._member.unused_data
        return b"".join(parts)

    @property
    def is_whole(self) -> bool:
        """Whether the last member has ended."""
        return self._member.eof


# Errors


class _Cause(NamedTuple):
    """What an exception of the system means for the person who asked."""

    text: str
    is_connecting: bool = True
    is_transient: bool = True


_BY_ERRNO: Final = {
    errno.ECONNREFUSED: _Cause("connection refused: nothing listens there"),
    errno.ECONNRESET: _Cause("the connection was reset", is_connecting=False),
    errno.EPIPE: _Cause("the connection was reset", is_connecting=False),
    **dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH), _Cause("there is no route to it")),
}


def _as_error(foreign: Exception, label: str) -> HeliusError:
    """Return our error for what a transport raised, by type and causes: its own texts quote the URL."""
    chain: list[BaseException] = [foreign]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    found = next((text for error in chain if (text := _cause_of(error)) is not None), None)
    if isinstance(foreign, _ProxyFailed):
        found = _Cause("the proxy of the environment (HTTPS_PROXY, ALL_PROXY) refuses or does not answer")
    is_connecting = isinstance(foreign, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
    if found is not None and (found.is_connecting or is_connecting):
        return HostUnreachableError(
            f"cannot connect to {label}: {found.text}", is_transient=found.is_transient
        )
    if is_connecting:
        what = (
            "it does not answer"
            if isinstance(foreign, httpx.TimeoutException)
            else "none of its addresses answers"
        )
        return HostUnreachableError(f"cannot connect to {label}: {what}")
    if found is None and isinstance(foreign, httpx.RemoteProtocolError | httpx.LocalProtocolError):
        found = _Cause("the connection was closed before the reply was whole, or the reply is not valid HTTP")
    if found is None and isinstance(foreign, httpx.NetworkError):  # httpcore drops the cause
        found = _Cause("the connection was reset or closed")
    return TransportError(f"no whole reply from {label}: {found.text if found else type(foreign).__name__}")


def _cause_of(error: BaseException) -> _Cause | None:
    if isinstance(error, ssl.SSLCertVerificationError):  # its text may name any host
        authority = "its TLS certificate is not trusted (for an authority of your own set SSL_CERT_FILE)"
        return _Cause(authority, is_transient=False)
    if isinstance(error, ssl.SSLError):
        return _Cause("the TLS handshake failed")
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return _Cause("its name cannot be looked up at the moment")
        return _Cause("there is no host of that name", is_transient=False)
    if isinstance(error, OSError) and error.errno is not None:
        return _BY_ERRNO.get(error.errno)
    return None


# Connections


def network(endpoint: Endpoint, timeout_s: float) -> Connect:
    """Return what makes connections to the endpoint, all with one TLS context: it takes 20 ms to load."""
    context = _tls_context() if endpoint.scheme == "https" else None
    proxy = _proxy_for(endpoint)
    # Seconds for connecting alone, so that a host that is not there is distinguished from one that is slow.
    connect_s = min(CONNECT_S, 0.9 * timeout_s) if timeout_s >= _CONNECT_APART_S else None
    return lambda: _Connection(context, proxy, connect_s)


def in_process(app: Any) -> Connect:  # noqa: ANN401 - an ASGI application
    """Return what "connects" to an application in this process."""
    transport = httpx.ASGITransport(app)
    return lambda: transport


class _ProxyFailed(httpx.ProxyError):
    """The proxy could not be reached, or refused."""


class _Connection(httpx.AsyncBaseTransport):
    """One connection, kept open between requests; errors come out as httpx's."""

    def __init__(self, context: ssl.SSLContext | None, proxy: _Proxy | None, connect_s: float | None) -> None:
        self._has_proxy = proxy is not None
        self._timeouts = {"connect": connect_s}
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=None if proxy is None else proxy.open(),
            max_connections=1,
            keepalive_expiry=_IDLE_S,
            network_backend=LoopBackend(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the response with its body still to be read."""
        url = request.url
        try:
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions={"timeout": self._timeouts},
                )
            )
        except httpcore.ProxyError as error:
            raise _ProxyFailed("proxy") from error
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            kind: type[httpx.TransportError] = (
                httpx.ConnectTimeout if isinstance(error, httpcore.ConnectTimeout) else httpx.ConnectError
            )
            raise (_ProxyFailed if self._has_proxy else kind)("connecting") from error
        except httpcore.ProtocolError as error:
            raise httpx.RemoteProtocolError("reply") from error
        except httpcore.NetworkError as error:
            raise httpx.NetworkError("reply") from error
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in cast("AsyncGenerator[bytes]", self._response.stream):
                yield part
        except httpcore.ProtocolError as error:
            raise httpx.RemoteProtocolError("body") from error
        except httpcore.NetworkError as error:
            raise httpx.NetworkError("body") from error

    async def aclose(self) -> None:
        await self._response.aclose()


class _Proxy(NamedTuple):
    """The proxy that the environment names; its URL and password are sealed."""

    url: Secret
    user: Secret | None

    def open(self) -> httpcore.Proxy:
        if self.user is None:
            return httpcore.Proxy(self.url.reveal())
        name, _, password = self.user.reveal().partition(":")
        return httpcore.Proxy(self.url.reveal(), auth=(unquote(name), unquote(password)))


def _proxy_for(endpoint: Endpoint) -> _Proxy | None:
    """Return the proxy that the environment names for the endpoint.

    Raises
    ------
    EndpointError
        It cannot be used: a request never goes past a proxy that was asked for.
    """
    if is_loopback(endpoint.host) or proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        return None
    proxies = getproxies()
    text = Secret(proxies.get(endpoint.scheme) or proxies.get("all") or "")
    del proxies  # a traceback with locals would show its password
    if not text.reveal():
        return None
    proxy = _parse_proxy(text)
    if proxy is None:
        raise EndpointError(
            "the proxy of the environment (HTTPS_PROXY, ALL_PROXY) must be a URL that begins with"
            f" {', '.join(f'{name}://' for name in _PROXY_SCHEMES)}"
        )
    if proxy.url.reveal().startswith("socks") and find_spec("socksio") is None:
        raise EndpointError("the proxy of the environment (ALL_PROXY) needs the package socksio")
    return proxy


def _parse_proxy(sealed: Secret) -> _Proxy | None:
    """Return the proxy of a URL, or ``None`` where it is not one that can be used; it never raises."""
    text = sealed.reveal()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in _PROXY_SCHEMES:
        return None
    name = f"[{host}]" if ":" in host else host
    user = parts.netloc.rpartition("@")[0]
    default = {"http": 80, "https": 443}.get(parts.scheme, 1080)
    return _Proxy(Secret(f"{parts.scheme}://{name}:{port or default}"), Secret(user) if user else None)


def _tls_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise EndpointError(
            f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be read: {error}"
        ) from None


# httpcore's network on asyncio itself. Its own goes through anyio, which enters a cancel scope for each read
# and each write; one timeout around the whole request is enough, and 30 to 40 % of the processor time of full
# pages.


class LoopStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection as both asyncio and httpcore know it: one pushes bytes into it, the other reads them."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._arrived: list[bytes] = []
        self._unread = 0
        self._is_paused = False
        self._has_ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._unsent: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what arrives until it is read; a sender that is far ahead of the reader has to wait."""
        self._arrived.append(data)
        self._unread += len(data)
        if self._unread > _UNREAD_MAX and not self._is_paused and self._transport is not None:
            self._transport.pause_reading()
            self._is_paused = True
        _wake(self._reader)

    def eof_received(self) -> None:
        """Note that nothing more will arrive."""
        self._has_ended = True
        _wake(self._reader)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing more will arrive, and why."""
        self._has_ended, self._error = True, exc
        _wake(self._reader)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        """Return what has arrived, waiting for it; nothing at the end."""
        if self._unsent:
            self._connection().write(b"".join(self._unsent))
            self._unsent.clear()
        while not (self._arrived or self._has_ended):
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = b"".join(self._arrived)
        self._arrived.clear()
        self._unread = 0
        if self._is_paused and not self._has_ended:
            self._connection().resume_reading()
        self._is_paused = False
        if not data and self._error is not None:
            raise httpcore.ReadError(str(self._error)) from self._error
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Keep it until the reply is read: head and body of a request, small both, go out together."""
        if self._connection().is_closing():
            raise httpcore.WriteError("the connection is closed") from self._error
        self._unsent.append(buffer)

    async def aclose(self) -> None:
        """Close at once: nothing that is left unsent matters."""
        self._connection().abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> LoopStream:
        """Encrypt the connection from here on."""
        stream = LoopStream()
        try:
            async with _connecting(timeout):
                stream._transport = await asyncio.get_running_loop().start_tls(
                    self._connection(), stream, ssl_context, server_hostname=server_hostname
                )
        except BaseException:
            await self.aclose()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        """Return whether an idle connection has been closed by the other side, and what TLS knows."""
        if info == "is_readable":
            return bool(self._arrived) or self._has_ended
        return self._connection().get_extra_info(info)

    def _connection(self) -> asyncio.Transport:
        if self._transport is None:
            raise RuntimeError("the stream is used before it is connected")
        return self._transport


class LoopBackend(httpcore.AsyncNetworkBackend):
    """Connections of the running event loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.BaseEventLoop):  # uvloop cannot race addresses; httpcore's own can
            own = httpcore.AnyIOBackend()
            return await own.connect_tcp(host, port, timeout, local_address, socket_options)
        # The addresses of a name race, so that a broken IPv6 costs no timeout. A race that is cancelled may
        # leave a socket to the garbage collector, so an address alone runs none.
        race_s = None if _is_address(host) else _RACE_S
        async with _connecting(timeout):
            _, stream = await loop.create_connection(LoopStream, host, port, happy_eyeballs_delay=race_s)
        return stream


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@asynccontextmanager
async def _connecting(timeout_s: float | None) -> AsyncIterator[None]:
    """Bound the time of connecting; what goes wrong comes out as httpcore's error."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


# Logs

_is_ours: ContextVar[bool] = ContextVar("_is_ours", default=False)
_LOGGERS: Final = [
    logging.getLogger(f"httpcore.{part}") for part in ("connection", "http11", "proxy", "socks")
]
_lock = threading.Lock()
_muted = 0


def _is_not_ours(_record: logging.LogRecord) -> bool:
    return not _is_ours.get()


def _mute_httpcore(*, on: bool) -> None:
    """Keep httpcore from logging our requests: at DEBUG it prints whole reply headers, which may echo a key.

    Requests of others in the same process are logged as before; the last client to close takes the filter
    away.
    """
    global _muted  # noqa: PLW0603
    with _lock:
        _muted += 1 if on else -1
        for logger in _LOGGERS:
            (logger.addFilter if _muted else logger.removeFilter)(_is_not_ours)
