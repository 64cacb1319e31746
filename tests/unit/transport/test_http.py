"""One request on real connections: what goes out, what comes back, and everything that can break between."""

from __future__ import annotations

import asyncio
import errno
import gzip
import logging
import socket
import ssl
import struct
import sys
import time
from base64 import b64encode
from contextlib import contextmanager

import httpcore
import httpx
import pytest
import trustme
import uvloop

from helius_frames._transport import http
from helius_frames._transport.endpoint import resolve_endpoint
from helius_frames._transport.http import REPLY_BYTES_MAX, Http, LoopBackend, network
from helius_frames.errors import (
    EndpointError,
    HostUnreachableError,
    ProtocolError,
    RequestTimeout,
    TransportError,
)
from tests.support.key_search import KEY, has_key, texts_of_package
from tests.support.servers import RawServer, http_reply, listening, tls_context, unused_port

BODY = b'{"jsonrpc":"2.0","id":"1"}'
GOOD = b'{"result":"good"}'
OK = http_reply(GOOD)
GZIP = ["content-encoding: gzip"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def endpoint_of(url):
    return resolve_endpoint(
        api_key=KEY if url.startswith("https") or "127.0.0.1" in url else None, endpoint=url, environ={}
    )


def run(url, talk, timeout_s=5.0, connect=None):
    """Open a client of an endpoint, let ``talk(client)`` use it, and return what that returns."""

    async def main():
        endpoint = endpoint_of(url)
        async with Http(endpoint, timeout_s, connect or network(endpoint, timeout_s)) as client:
            return await talk(client)

    return asyncio.run(main())


def post(url, times=1, **options):
    async def talk(client):
        return [await client.post(BODY) for _ in range(times)][-1]

    return run(url, talk, **options)


def post_to(server, times=1, **options):
    with server.serve() as port:
        return post(f"http://127.0.0.1:{port}/", times, **options)


def error_of(kind, call, *arguments, **options):
    """Return the error of a call: of just this kind, without a cause, and without the key anywhere."""
    with pytest.raises(kind) as caught:
        call(*arguments, **options)
    error = caught.value
    assert type(error) is kind
    assert error.__cause__ is error.__context__ is None
    for text in texts_of_package(error):
        assert not has_key(text)
    return error


def close(stream):
    return False


def raw(data):
    """Send some bytes and close."""

    def reply(stream):
        stream.sendall(data)
        return False

    return reply


def reset_after(data=b""):
    def reply(stream):
        if data:
            stream.sendall(data)
            time.sleep(0.02)  # so that it arrives first
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return reply


def silence(stream):
    stream.recv(1)
    return False


def trickle(stream):
    stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        stream.sendall(b" ")
        time.sleep(0.005)


def unending(stream):
    stream.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        stream.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")


def zeros_after_gzip(stream):
    """A good reply, and then without end what unpacks to nothing."""
    stream.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-encoding: gzip\r\n\r\n")
    data = gzip.compress(GOOD)
    while True:
        stream.sendall(b"%x\r\n%b\r\n" % (len(data), data))
        data = bytes(0x100000)


# What goes out, what comes back


def test_the_request_on_the_wire():
    server = RawServer(OK)
    assert post_to(server).content == GOOD
    first, *lines = server.heads[0].lower().split("\r\n")
    assert first == f"post /?api-key={KEY} http/1.1"
    for line in ("accept-encoding: gzip", "content-type: application/json", f"content-length: {len(BODY)}"):
        assert line in lines
    assert any(line.startswith("host: 127.0.0.1:") for line in lines)
    assert any(line.startswith("user-agent: helius_frames/") for line in lines)
    assert not any(line.startswith(("cookie", "authorization")) for line in lines)


def test_path_query_and_user_part_go_out_as_they_were_written():
    server = RawServer(OK)
    with server.serve() as port:
        url = f"http://m%65:w%40rd@127.0.0.1:{port}/a%2Fb;c=d//f?x=%41+b"
        post(url)
    first, *lines = server.heads[0].split("\r\n")
    assert first == f"POST /a%2Fb;c=d//f?x=%41+b&api-key={KEY} HTTP/1.1"
    assert "Authorization: Basic bWU6d0ByZA==" in lines


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "404 Not Found", "500 Oops", "299 Odd"])
def test_a_whole_reply_is_returned_whatever_its_status(status):
    reply = post_to(RawServer(http_reply(b"" if "204" in status else b"text", status, ["retry-after: 7"])))
    assert reply == (int(status[:3]), b"" if "204" in status else b"text", "7", None)


def test_a_redirect_is_returned_and_not_followed():
    server = RawServer(http_reply(b"", "307 Temporary Redirect", ["location: http://127.0.0.1:1/"]))
    assert post_to(server)[0:4:3] == (307, "http://127.0.0.1:1/")
    assert len(server.heads) == 1


def test_cookies_are_not_kept():
    server = RawServer(http_reply(GOOD, headers=["set-cookie: a=b"]))
    post_to(server, times=2)
    assert "cookie" not in "".join(server.heads).lower()


def test_an_application_in_this_process_is_asked_without_a_port():
    async def app(scope, receive, send):
        assert (await receive())["body"] == BODY
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": GOOD})

    assert post("http://127.0.0.1:1/", connect=http.in_process(app)).content == GOOD


# Compression

WHOLE = {
    "one member": gzip.compress(GOOD),
    "two members": gzip.compress(GOOD[:5]) + gzip.compress(GOOD[5:]),
    "an empty member": gzip.compress(b"") + gzip.compress(GOOD) + gzip.compress(b""),
    "a hundred members": b"".join(gzip.compress(GOOD[i : i + 1]) for i in range(len(GOOD)))
    + gzip.compress(b"") * 80,
    "zeros at the end": gzip.compress(GOOD) + bytes(1000),
    "zeros between members": gzip.compress(GOOD[:5]) + bytes(9) + gzip.compress(GOOD[5:]),
}
NOT_WHOLE = {
    "not gzip": (b"no gzip at all", "gzip data is broken"),
    "cut": (gzip.compress(GOOD)[:-9], "ends in the middle"),
    "cut in the second member": (gzip.compress(GOOD) + gzip.compress(GOOD)[:12], "ends in the middle"),
    "text after the end": (gzip.compress(GOOD) + b"more", "gzip data is broken"),
    "wrong checksum": (gzip.compress(GOOD)[:-8] + bytes(8), "gzip data is broken"),
    "empty": (b"", "ends in the middle"),
    "too many members": (gzip.compress(b"") * 102, "too many members"),
    "a bomb": (gzip.compress(b" " * (REPLY_BYTES_MAX + 1)), "larger than 16 MiB"),
    "a bomb of two members": (gzip.compress(b" " * (REPLY_BYTES_MAX // 2 + 1)) * 2, "larger than 16 MiB"),
}


def in_pieces(data, size):
    """A chunked reply of pieces of one size, so that members end inside and at the end of a piece."""
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-encoding: gzip\r\n\r\n"]
        + [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
        + [b"0\r\n\r\n"]
    )


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_gzip_reply_is_whole_in_all_its_members(data):
    assert post_to(RawServer(http_reply(data, headers=GZIP))).content == GOOD
    for size in (1, 7, len(gzip.compress(GOOD[:5]))):
        assert post_to(RawServer(in_pieces(data, size))).content == GOOD


@pytest.mark.parametrize(("data", "words"), NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_gzip_data_that_is_not_whole_is_an_error(data, words):
    error = error_of(ProtocolError, post_to, RawServer(http_reply(data, headers=GZIP)))
    assert words in str(error)


@pytest.mark.parametrize("header", ["GZIP", "x-gzip", " gzip ", "identity", ""])
def test_other_names_of_gzip_and_of_nothing_are_known(header):
    data = gzip.compress(GOOD) if "gzip" in header.lower() else GOOD
    assert post_to(RawServer(http_reply(data, headers=[f"content-encoding: {header}"]))).content == GOOD


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "x" * 100])
def test_a_compression_that_was_not_asked_for_is_an_error(encoding):
    error = error_of(
        ProtocolError, post_to, RawServer(http_reply(GOOD, headers=[f"content-encoding: {encoding}"]))
    )
    assert encoding[:20] in str(error)
    assert "x" * 21 not in str(error)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Unavailable"])
def test_an_unreadable_body_of_an_error_leaves_the_status(status):
    reply = post_to(RawServer(http_reply(b"no gzip", status, [*GZIP, "retry-after: 3"])))
    assert reply == (int(status[:3]), b"", "3", None)


@pytest.mark.parametrize("behave", [unending, zeros_after_gzip])
def test_a_reply_without_end_is_cut_at_16_mib(behave):
    assert "larger than 16 MiB" in str(error_of(ProtocolError, post_to, RawServer(behave), timeout_s=30))


def test_a_reply_of_16_mib_is_taken_and_a_byte_more_is_not():
    assert len(post_to(RawServer(http_reply(b" " * REPLY_BYTES_MAX))).content) == REPLY_BYTES_MAX
    error_of(ProtocolError, post_to, RawServer(http_reply(b" " * (REPLY_BYTES_MAX + 1))))


# What breaks on the way

BROKEN = {
    "reset before": reset_after(),
    "reset in the head": reset_after(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "reset in the body": reset_after(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"),
    "closed before": close,
    "closed in the head": raw(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "closed in the body": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"),
    "closed in a chunk": raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a head without end": raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000),
    "two lengths": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"),
}


@pytest.mark.parametrize("behave", BROKEN.values(), ids=BROKEN)
def test_a_broken_connection_is_an_error_that_may_pass_and_the_next_request_is_whole(behave):
    assert error_of(TransportError, post_to, RawServer(behave)).is_transient

    async def talk(client):
        with pytest.raises(TransportError):
            await client.post(BODY)
        return await client.post(BODY)

    server = RawServer(behave, OK)
    with server.serve() as port:
        assert run(f"http://127.0.0.1:{port}", talk).content == GOOD


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        ("reset before", "reset"),
        ("reset in the head", "reset"),
        ("reset in the body", "reset"),
        ("closed in the body", "closed before the reply was whole"),
        ("not HTTP", "not valid HTTP"),
    ],
)
def test_the_error_says_how_it_broke(behave, words):
    assert words in str(error_of(TransportError, post_to, RawServer(BROKEN[behave])))


@pytest.mark.parametrize("behave", [silence, trickle])
def test_the_timeout_counts_the_whole_request_and_the_next_one_is_whole(behave):
    error = error_of(RequestTimeout, post_to, RawServer(behave), timeout_s=0.1)
    assert "no whole reply from http://127.0.0.1:" in str(error)
    assert "within 0.1 s" in str(error)

    async def talk(client):
        with pytest.raises(RequestTimeout):
            await client.post(BODY)
        return await client.post(BODY)

    with RawServer(behave, OK).serve() as port:
        assert run(f"http://127.0.0.1:{port}", talk, timeout_s=0.2).content == GOOD


def test_the_timeout_holds_for_an_application_in_this_process_too():
    async def app(scope, receive, send):
        await asyncio.sleep(60)

    error_of(RequestTimeout, post, "http://127.0.0.1:1", timeout_s=0.02, connect=http.in_process(app))


@pytest.mark.parametrize("behave", [silence, trickle])
def test_a_cancelled_request_is_closed_knows_no_key_and_leaves_the_client_usable(behave):
    server = RawServer(behave, OK)

    async def talk(client):
        task = asyncio.create_task(client.post(BODY))
        while not server.heads:  # noqa: ASYNC110 - the server runs in a thread
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        for text in texts_of_package(caught.value):
            assert not has_key(text)
        return await client.post(BODY)

    with server.serve() as port:
        assert run(f"http://127.0.0.1:{port}", talk).content == GOOD


# Connections


def test_requests_one_after_another_share_one_connection():
    server = RawServer(OK)
    post_to(server, times=5)
    assert (len(server.heads), server.connections) == (5, 1)


def test_requests_at_once_have_a_connection_each_and_all_are_closed_at_the_end():
    def slowly(stream):
        time.sleep(0.05)
        stream.sendall(OK)
        return True

    async def talk(client):
        for _ in range(2):
            await asyncio.gather(*(client.post(BODY) for _ in range(8)))

    server = RawServer(slowly)
    with server.serve() as port:
        run(f"http://127.0.0.1:{port}", talk)
    assert (len(server.heads), server.connections) == (16, 8)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again():
    def once(stream):
        stream.sendall(OK)
        return False

    async def talk(client):
        for _ in range(3):
            assert (await client.post(BODY)).content == GOOD
            await asyncio.sleep(0.02)

    server = RawServer(once)
    with server.serve() as port:
        run(f"http://127.0.0.1:{port}", talk)
    assert server.connections == 3


# No connection at all


def test_a_port_where_nothing_listens():
    with unused_port() as port:
        pass
    error = error_of(HostUnreachableError, post, f"http://127.0.0.1:{port}/")
    assert (
        str(error) == f"cannot connect to http://127.0.0.1:{port}: connection refused: nothing listens there"
    )
    assert error.is_transient


class Failing(httpx.AsyncBaseTransport):
    """A transport that raises."""

    def __init__(self, error, cause=None):
        self.error, self.cause = error, cause

    async def handle_async_request(self, _request):
        raise self.error from self.cause


def refused_with(error, cause=None):
    transport = Failing(error, cause)
    with pytest.raises(TransportError) as caught:
        post("https://rpc.example/secret", connect=lambda: transport)
    assert "secret" not in str(caught.value)
    return caught.value


CONNECTING = {
    "refused": (OSError(errno.ECONNREFUSED, "secret"), "connection refused: nothing listens there", True),
    "no network": (OSError(errno.ENETUNREACH, "secret"), "there is no route to it", True),
    "no route": (OSError(errno.EHOSTUNREACH, "secret"), "there is no route to it", True),
    "no name": (socket.gaierror(socket.EAI_NONAME, "secret"), "there is no host of that name", False),
    "no name now": (socket.gaierror(socket.EAI_AGAIN, "secret"), "cannot be looked up at the moment", True),
    "certificate": (ssl.SSLCertVerificationError(1, "secret"), "TLS certificate is not trusted", False),
    "handshake": (ssl.SSLError(1, "secret"), "the TLS handshake failed", True),
    "reset": (OSError(errno.ECONNRESET, "secret"), "the connection was reset", True),
    "unknown": (OSError(errno.EADDRNOTAVAIL, "secret"), "none of its addresses answers", True),
    "text alone": (OSError("all of them failed"), "none of its addresses answers", True),
    "nothing": (None, "none of its addresses answers", True),
}


@pytest.mark.parametrize(("cause", "words", "is_transient"), CONNECTING.values(), ids=CONNECTING)
def test_why_no_connection_came_about_is_known_by_type_and_number(cause, words, is_transient):
    ours = refused_with(httpx.ConnectError("secret"), cause)
    assert type(ours) is HostUnreachableError
    assert words in str(ours)
    assert ours.is_transient is is_transient


def test_a_host_that_does_not_answer_in_time():
    ours = refused_with(httpx.ConnectTimeout("secret"))
    assert "cannot connect to https://rpc.example: it does not answer" in str(ours)
    assert type(ours) is HostUnreachableError


@pytest.mark.parametrize(
    ("error", "cause", "words"),
    [
        (httpx.ReadError("secret"), OSError(errno.ECONNRESET, "secret"), "the connection was reset"),
        (httpx.WriteError("secret"), OSError(errno.EPIPE, "secret"), "the connection was reset"),
        (httpx.ReadError("secret"), None, "the connection was reset or closed"),
        (httpx.RemoteProtocolError("secret"), None, "not valid HTTP"),
        (RuntimeError("secret"), None, "RuntimeError"),
        (ValueError("secret"), KeyError("secret"), "ValueError"),
    ],
)
def test_what_broke_later_is_a_transport_error_without_foreign_text(error, cause, words):
    ours = refused_with(error, cause)
    assert type(ours) is TransportError
    assert words in str(ours)


def test_causes_that_go_round_in_a_circle_end():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert "ValueError" in str(refused_with(one, other))


@contextmanager
def busy_port():
    """A port whose queue is full, so that connecting to it never ends."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        try:
            yield server.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.slow
def test_connecting_has_a_timeout_of_its_own_which_says_that_nothing_is_there():
    with busy_port() as port:
        error = error_of(HostUnreachableError, post, f"http://127.0.0.1:{port}", timeout_s=2.0)
    assert str(error).endswith("it does not answer")


def test_with_a_short_timeout_a_slow_connection_is_a_slow_request():
    with busy_port() as port:
        error_of(RequestTimeout, post, f"http://127.0.0.1:{port}", timeout_s=0.1)


# TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusted(authority, tmp_path, monkeypatch):
    path = tmp_path / "own.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


@pytest.mark.usefixtures("trusted")
def test_an_authority_in_ssl_cert_file_is_trusted(authority):
    server = RawServer(OK, context=tls_context("localhost", authority=authority))
    with server.serve() as port:
        assert post(f"https://localhost:{port}/").content == GOOD
    assert server.heads[0].startswith(f"POST /?api-key={KEY} ")


def test_another_authority_is_not_trusted_and_gets_nothing(authority):
    server = RawServer(OK, context=tls_context("localhost", authority=authority))
    with server.serve() as port:
        error = error_of(HostUnreachableError, post, f"https://localhost:{port}/")
    assert "TLS certificate is not trusted" in str(error)
    assert "SSL_CERT_FILE" in str(error)
    assert not error.is_transient
    assert server.heads == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_not_trusted(authority):
    server = RawServer(OK, context=tls_context("other.example", authority=authority))
    with server.serve() as port:
        assert "not trusted" in str(error_of(HostUnreachableError, post, f"https://localhost:{port}/"))
    assert server.heads == []


def test_a_port_without_tls_fails_the_handshake():
    def plain(stream):
        stream.recv(65536)
        stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(plain) as port:
        error = error_of(HostUnreachableError, post, f"https://127.0.0.1:{port}/")
    assert "the TLS handshake failed" in str(error)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE"])
def test_certificates_that_cannot_be_read_are_an_error_before_anything_is_sent(name, monkeypatch, tmp_path):
    monkeypatch.setenv(name, str(tmp_path / "none.pem"))
    with pytest.raises(EndpointError, match="SSL_CERT_FILE"):
        network(endpoint_of("https://rpc.example"), 5.0)


# Proxies


def proxied(reply_of_proxy, name, monkeypatch, url="http://photon.invalid:8784/"):
    """Post through a proxy that a variable names; return the result, and the heads that the proxy saw."""
    server = RawServer(reply_of_proxy)
    with server.serve() as port:
        monkeypatch.setenv(name, f"http://me:pa%40ss-{KEY}@127.0.0.1:{port}")
        return post(url), server.heads


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
def test_the_proxy_of_the_environment_gets_the_whole_url_and_its_user(name, monkeypatch):
    reply, heads = proxied(OK, name, monkeypatch)
    assert reply.content == GOOD
    assert heads[0].startswith("POST http://photon.invalid:8784/ HTTP/1.1")
    user = b64encode(f"me:pa@ss-{KEY}".encode()).decode()
    assert f"proxy-authorization: basic {user}".lower() in heads[0].lower()


@pytest.mark.usefixtures("trusted")
def test_https_goes_through_a_tunnel_that_the_proxy_cannot_read(authority, monkeypatch):
    inside = []

    def tunnel(stream):
        stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = tls_context("photon.invalid", authority=authority)
        with context.wrap_socket(stream, server_side=True) as secure:
            inside.append(secure.recv(65536))
            secure.sendall(OK)
            secure.recv(1)
        return False

    reply, heads = proxied(tunnel, "HTTPS_PROXY", monkeypatch, "https://photon.invalid/")
    assert reply.content == GOOD
    assert heads[0].startswith("CONNECT photon.invalid:443 HTTP/1.1")
    assert "api-key" not in heads[0]
    assert inside[0].startswith(f"POST /?api-key={KEY} ".encode())


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
def test_a_proxy_that_refuses_is_named_without_its_password(status, monkeypatch):
    refusal, url = http_reply(b"no", status), "https://photon.invalid"
    error = error_of(HostUnreachableError, proxied, refusal, "HTTPS_PROXY", monkeypatch, url)
    assert "cannot connect to https://photon.invalid: the proxy of the environment" in str(error)


@pytest.mark.parametrize("url", ["http://photon.invalid:1", "https://photon.invalid"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_answer_is_named_and_the_request_never_goes_past_it(url, scheme, monkeypatch):
    with unused_port() as port:
        pass
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:{KEY}@127.0.0.1:{port}")
    assert "the proxy of the environment" in str(error_of(HostUnreachableError, post, url))


BAD_PROXIES = [
    "gopher://127.0.0.1:1",
    "socks4://127.0.0.1:1",
    "ftp://h",
    "http://",
    "http://[::1",
    "http://h:99999",
    "://",
]


@pytest.mark.parametrize("proxy", BAD_PROXIES)
def test_a_proxy_of_another_scheme_or_none_is_an_error_and_never_a_direct_connection(proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.replace("://", f"://me:{KEY}@", 1))
    error = error_of(EndpointError, network, endpoint_of("https://photon.invalid"), 5.0)
    assert "must be a URL that begins with http://, https://, socks5://, socks5h://" in str(error)


def test_a_socks_proxy_needs_a_package_that_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", f"socks5://me:{KEY}@127.0.0.1:1")
    error = error_of(EndpointError, network, endpoint_of("https://photon.invalid"), 5.0)
    assert "needs the package socksio" in str(error)


def test_a_proxy_may_be_written_without_a_scheme(monkeypatch):
    server = RawServer(OK)
    with server.serve() as port:
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{port}")
        assert post("http://photon.invalid").content == GOOD
    assert server.heads[0].startswith("POST http://photon.invalid/ ")


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("photon.invalid", True),
        ("*", True),
        (".invalid", True),
        ("other.example, photon.invalid", True),
        ("invalid.example", False),
        ("hoton.invalid", False),
        ("photon.invalid:80", True),
        ("photon.invalid:81", False),
    ],
)
def test_no_proxy_is_obeyed(no_proxy, is_direct, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (http._proxy_for(endpoint_of("http://photon.invalid")) is None) is is_direct


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_never_asked_through_a_proxy(host, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "gopher://x")
    monkeypatch.setenv("ALL_PROXY", "gopher://x")
    with RawServer(OK).serve() as port:
        assert post(f"http://{host}:{port}").content == GOOD


def test_a_proxy_shows_its_password_nowhere(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", f"http://me:{KEY}@127.0.0.1:1")
    proxy = http._proxy_for(endpoint_of("https://photon.invalid"))
    assert not has_key(f"{proxy!r} {proxy!s} {tuple(proxy)!r}")


# Logs


@pytest.fixture
def debug_logs(caplog):
    names = ["", "httpcore", "httpx", "asyncio", *(logger.name for logger in http._LOGGERS)]
    for name in names:
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def test_our_requests_are_in_no_log_and_those_of_others_are(debug_logs):
    echo = http_reply(GOOD, headers=[f"x-echo: {KEY}"])

    async def talk(client):
        await client.post(BODY)
        async with httpx.AsyncClient() as other:
            await other.post(url, headers={"x-other": "of another program"})

    with RawServer(echo.replace(KEY.encode(), b"an-echo")).serve() as port:
        url = f"http://127.0.0.1:{port}/"
        run(url, talk)
        others = [record for record in debug_logs.records if record.name.startswith("httpcore")]
        assert any("an-echo" in record.getMessage() for record in others)  # once, of the other program
        assert sum("receive_response_headers.complete" in record.getMessage() for record in others) == 1
    debug_logs.clear()
    post_to(RawServer(echo))
    assert not [record for record in debug_logs.records if record.name.startswith("httpcore")]


def test_the_last_client_takes_the_log_filter_away():
    def filters():
        return [logger.filters for logger in http._LOGGERS]

    async def nested():
        endpoint = endpoint_of("http://127.0.0.1:1")
        connect = http.in_process(None)
        async with Http(endpoint, 1.0, connect):
            async with Http(endpoint, 1.0, connect):
                assert all(filters())
            assert all(filters())
            assert all(len(each) == 1 for each in filters())

    assert not any(filters())
    asyncio.run(nested())
    assert not any(filters())


def test_a_client_shows_the_key_in_no_attribute():
    endpoint = endpoint_of("https://rpc.example/v1")
    client = Http(endpoint, 1.0, network(endpoint, 1.0))
    assert not has_key(f"{client!r} {vars(client)!r} {client._sign!r}")


# The network beneath httpcore

LOOPS = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def run_on(loop_factory, main):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


async def connected(answer):
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, await LoopBackend().connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1], timeout=5)


@LOOPS
def test_what_is_written_arrives_and_what_is_answered_is_read_to_the_end(loop_factory):
    large = b"x" * 5_000_000  # more than a socket takes at once

    async def answer(reader, writer):
        writer.write(await reader.readexactly(len(large)))
        writer.close()

    async def main():
        server, stream = await connected(answer)
        await stream.write(large)
        parts = []
        while part := await stream.read(1024):
            parts.append(part)
        await stream.aclose()
        server.close()
        return b"".join(parts)

    assert run_on(loop_factory, main()) == large


@LOOPS
def test_a_port_where_nothing_listens_is_a_connect_error(loop_factory):
    async def main():
        with unused_port() as port:
            pass
        with pytest.raises(httpcore.ConnectError):
            await LoopBackend().connect_tcp("127.0.0.1", port)

    run_on(loop_factory, main())


@LOOPS
def test_connecting_takes_no_longer_than_allowed(loop_factory):
    async def main():
        with busy_port() as port, pytest.raises(httpcore.ConnectTimeout):
            await LoopBackend().connect_tcp("127.0.0.1", port, timeout=0.05)

    run_on(loop_factory, main())


@LOOPS
def test_the_client_works_on_every_loop(loop_factory):
    async def main(port):
        endpoint = endpoint_of(f"http://127.0.0.1:{port}")
        async with Http(endpoint, 5.0, network(endpoint, 5.0)) as client:
            return [(await client.post(BODY)).content for _ in range(2)]

    with RawServer(OK).serve() as port:
        assert run_on(loop_factory, main(port)) == [GOOD, GOOD]


def test_a_name_with_several_addresses_is_tried_until_one_answers():
    async def main(port):
        stream = await LoopBackend().connect_tcp("localhost", port, timeout=5)
        await stream.aclose()

    with RawServer(OK).serve() as port:  # on 127.0.0.1 alone; localhost may be ::1 first
        asyncio.run(main(port))


def test_a_connection_that_the_other_side_closed_is_known_to_be():
    async def answer(_reader, writer):
        writer.close()

    async def main():
        server, stream = await connected(answer)
        assert await stream.read(1) == b""
        assert stream.get_extra_info("is_readable")
        assert stream.get_extra_info("peername")[0] == "127.0.0.1"
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"more")
        await stream.aclose()
        server.close()

    asyncio.run(main())


def test_a_reset_is_an_error_of_reading_or_writing():
    async def talk(stream):
        await stream.write(b"x" * 1_000_000)
        await stream.read(1024)
        await stream.write(b"more")

    async def answer(_reader, writer):
        writer.transport.abort()

    async def main():
        server, stream = await connected(answer)
        with pytest.raises((httpcore.ReadError, httpcore.WriteError)):
            await talk(stream)
        await stream.aclose()
        server.close()

    asyncio.run(main())


def test_a_stream_that_is_not_connected_says_so():
    async def main():
        with pytest.raises(RuntimeError, match="before it is connected"):
            await http.LoopStream().write(b"x")

    asyncio.run(main())


def test_what_nobody_reads_is_held_back_at_the_other_side_and_not_lost():
    sent = 20 * http._UNREAD_MAX

    async def answer(_reader, writer):
        writer.write(b"x" * sent)
        await writer.drain()
        writer.close()

    async def main():
        server, stream = await connected(answer)
        for _ in range(1000):
            if stream._is_paused:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # for what would come in spite of it
        held, read = stream._unread, 0
        while part := await stream.read(1024):
            read += len(part)
        await stream.aclose()
        server.close()
        return held, read

    held, read = asyncio.run(main())
    assert http._UNREAD_MAX < held < 2 * http._UNREAD_MAX
    assert read == sent
