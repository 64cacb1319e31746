"""One request and all that can befall it, on both transports and without a network."""

from __future__ import annotations

import asyncio
import copy
import gzip
import importlib.util
import logging
import pickle
import secrets
import socket
import ssl
import struct
import traceback
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
import trustme

from helius_frames import _client
from helius_frames._client import REPLY_BYTES_MAX, Client, fast_transport, plain_transports
from helius_frames._endpoint import resolve_endpoint
from helius_frames._transport.rate_limit import Turn, shared_budget
from helius_frames.errors import (
    AuthenticationError,
    EndpointError,
    HostUnreachableError,
    InputError,
    ProtocolError,
    RateLimitError,
    RequestTimeout,
    RPCError,
    TransportError,
)
from tests.support.clocks import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

KEY = "5ad0c1de-77aa-4b0e-9d3c-" + secrets.token_hex(6)
BODY = b'{"jsonrpc":"2.0","id":"1","method":"m","params":{}}'
GOOD = b'{"jsonrpc":"2.0","result":{"context":{"slot":1},"value":{"items":[],"cursor":null}},"id":"1"}'
TRANSPORTS = {
    "httpx": lambda endpoint, timeout=30.0: plain_transports(endpoint, timeout),
    "pyreqwest": lambda endpoint, timeout=30.0: fast_transport(endpoint, timeout),
}
if importlib.util.find_spec("pyreqwest") is None:  # the extra `fast` is not installed
    del TRANSPORTS["pyreqwest"]
BOTH = pytest.mark.parametrize("transport", TRANSPORTS)


def rpc_error(code, message="no"):
    return b'{"jsonrpc":"2.0","error":{"code":%d,"message":"%s"},"id":"1"}' % (code, message.encode())


def mocked(*replies, endpoint=None, clock=None, **options):
    """Client whose server gives these replies in turn, the last one for ever."""
    left = list(replies)
    seen = []

    def handle(request):
        seen.append(request)
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        status, content, *headers = reply
        return httpx.Response(status, content=content, headers=headers[0] if headers else None)

    clock = clock or FakeClock()
    client = Client(
        endpoint or resolve_endpoint(api_key=KEY, environ={}),
        transport=httpx.MockTransport(handle),
        sleep=clock.sleep,
        clock=clock,
        random=lambda: 1.0,
        **options,
    )
    client.seen, client.clock = seen, clock
    return client


def ask(client, times=1):
    async def main():
        async with client:
            return [await client.call(BODY) for _ in range(times)][-1]

    return asyncio.run(main())


class Wire:
    """A server on a real port that answers each connection with raw bytes, as told."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.heads = []
        self.asked = asyncio.Event()
        self.open = 0

    @asynccontextmanager
    async def serve(self, context=None):
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def answer(self, reader, writer):
        self.open += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            self.heads.append(head.decode())
            self.asked.set()
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()


def raw(data):
    async def script(_reader, writer):
        writer.write(data)
        await writer.drain()

    return script


def reply(content=GOOD, status="200 OK", headers=()):
    head = [f"HTTP/1.1 {status}", f"content-length: {len(content)}", "connection: close", *headers]
    return raw("\r\n".join(head).encode() + b"\r\n\r\n" + content)


def reset_after(data):
    async def script(_reader, writer):
        if data:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.01)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return script


async def silence(reader, _writer):
    await reader.read()


async def trickle(_reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def announced(length):
    async def script(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length + b" " * 100_000)
        await reader.read()

    return script


async def unending(_reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


def on_wire(transport, *scripts, during=None, **options):
    """Ask a real port once; returns the reply, what the server saw, and the client."""

    async def main():
        async with Wire(*scripts).serve() as wire:
            endpoint = resolve_endpoint(endpoint=f"http://127.0.0.1:{wire.port}/", api_key=KEY, environ={})
            made = TRANSPORTS[transport](endpoint, options.get("timeout", 30.0))
            clock = FakeClock()
            client = Client(endpoint, transport=made, sleep=clock.sleep, clock=clock, **options)
            try:
                async with client:
                    content = await (during(client, wire) if during else client.call(BODY))
            finally:
                for _ in range(100):
                    if not wire.open:
                        break
                    await asyncio.sleep(0.01)
                assert wire.open == 0
            return content, wire, client

    return asyncio.run(main())


class Tls(NamedTuple):
    """An authority of the test's own, and a server certificate it signed for localhost."""

    authority: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    own, path = trustme.CA(), tmp_path_factory.mktemp("tls") / "own.pem"
    own.cert_pem.write_to_path(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.issue_cert("localhost").configure_cert(context)
    return Tls(path, context)


async def ask_over_tls(transport, tls):
    async with Wire(reply()).serve(tls.context) as wire:
        endpoint = resolve_endpoint(endpoint=f"https://localhost:{wire.port}", api_key=KEY, environ={})
        async with Client(
            endpoint, transport=TRANSPORTS[transport](endpoint), sleep=FakeClock().sleep
        ) as client:
            return await client.call(BODY)


class TestAsking:
    def test_posts_the_body_to_the_endpoint_with_its_key(self):
        client = mocked((200, GOOD))
        assert ask(client) == GOOD
        (request,) = client.seen
        assert (request.method, request.content) == ("POST", BODY)
        assert str(request.url) == f"https://mainnet.helius-rpc.com/?api-key={KEY}"
        assert request.headers["content-type"] == "application/json"
        assert client.requests == 1

    def test_the_user_part_of_an_endpoint_is_sent_as_basic_authentication(self):
        client = mocked(
            (200, GOOD), endpoint=resolve_endpoint(endpoint="https://me:word@rpc.example/x", environ={})
        )
        ask(client)
        (request,) = client.seen
        assert request.headers["authorization"] == "Basic bWU6d29yZA=="
        assert str(request.url) == "https://rpc.example/x"

    @BOTH
    def test_the_request_is_the_same_on_every_transport(self, transport):
        content, wire, _ = on_wire(transport, reply())
        (head,) = wire.heads
        lines = head.lower().split("\r\n")
        assert content == GOOD
        assert lines[0] == f"post /?api-key={KEY} http/1.1"
        for line in (f"host: 127.0.0.1:{wire.port}", "accept-encoding: gzip", f"content-length: {len(BODY)}"):
            assert line in lines
        assert not any(line.startswith("cookie") for line in lines)

    @BOTH
    def test_a_compressed_reply_is_inflated(self, transport):
        content, _, _ = on_wire(transport, reply(gzip.compress(GOOD), headers=["content-encoding: gzip"]))
        assert content == GOOD

    @BOTH
    def test_the_content_type_does_not_matter(self, transport):
        assert on_wire(transport, reply(headers=["content-type: text/html"]))[0] == GOOD

    @BOTH
    def test_cookies_are_not_kept(self, transport):
        async def twice(client, _wire):
            await client.call(BODY)
            return await client.call(BODY)

        _, wire, _ = on_wire(transport, reply(headers=["set-cookie: a=b"]), during=twice)
        assert len(wire.heads) == 2
        assert "cookie" not in "".join(wire.heads).lower()

    def test_an_asgi_application_is_asked_in_this_process(self):
        async def app(scope, receive, send):
            message = await receive()
            assert message["body"] == BODY
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": GOOD})

        client = Client(resolve_endpoint(cluster="demo", environ={}), app=app)
        assert ask(client) == GOOD

    def test_no_more_requests_are_in_flight_than_allowed(self):
        now, most = 0, 0

        async def handle(_request):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.002)
            now -= 1
            return httpx.Response(200, content=GOOD)

        async def main():
            endpoint = resolve_endpoint(api_key=KEY, environ={})
            async with Client(endpoint, transport=httpx.MockTransport(handle), max_concurrency=3) as client:
                await asyncio.gather(*[client.call(BODY) for _ in range(12)])

        asyncio.run(main())
        assert most == 3

    def test_each_lane_has_a_transport_of_its_own_and_all_are_closed(self):
        made, closed = [], []

        class Counting(httpx.MockTransport):
            async def aclose(self):
                closed.append(self)

        async def handle(_request):
            await asyncio.sleep(0.001)
            return httpx.Response(200, content=GOOD)

        def make():
            made.append(Counting(handle))
            return made[-1]

        async def main():
            async with Client(
                resolve_endpoint(api_key=KEY, environ={}), transport=make, max_concurrency=4
            ) as client:
                await asyncio.gather(*[client.call(BODY) for _ in range(20)])

        asyncio.run(main())
        assert len(made) == 4
        assert set(closed) == set(made)


class TestTellingFaults:
    @pytest.mark.parametrize(
        ("answer", "kind", "status", "code"),
        [
            ((401, b"Unauthorized"), AuthenticationError, 401, None),
            ((403, rpc_error(-32001)), AuthenticationError, 403, -32001),
            ((200, rpc_error(-32602)), RPCError, 200, -32602),
            ((400, b"<html>bad</html>"), RPCError, 400, None),
            ((404, b""), RPCError, 404, None),
        ],
    )
    def test_what_will_not_heal_is_raised_at_once(self, answer, kind, status, code):
        client = mocked(answer)
        with pytest.raises(kind) as caught:
            ask(client)
        assert (caught.value.status, caught.value.code) == (status, code)
        assert client.requests == 1
        assert "tried" not in str(caught.value)

    @pytest.mark.parametrize(
        "answer",
        [
            *[(status, b"") for status in (408, 500, 502, 503, 504, 520, 521, 522, 523, 524)],
            *[(200, rpc_error(code)) for code in (-32603, -32002, -32003)],
            httpx.ConnectError("Connection refused"),
            httpx.ReadError("reset"),
            httpx.ReadTimeout("late"),
            httpx.RemoteProtocolError("disconnected"),
        ],
    )
    def test_what_heals_is_tried_again(self, answer):
        client = mocked(answer, answer, (200, GOOD))
        assert ask(client) == GOOD
        assert (client.requests, client.retries) == (3, 2)

    def test_the_last_fault_says_how_often_it_was_tried(self):
        client = mocked((503, b"down"), retries=2)
        with pytest.raises(RPCError, match=r"HTTP 503.*\(tried 3 times\)"):
            ask(client)
        assert client.retries == 2

    def test_without_retries_there_is_one_try(self):
        client = mocked((503, b"down"), retries=0)
        with pytest.raises(RPCError, match="tried once"):
            ask(client)
        assert client.clock.slept == []

    @BOTH
    @pytest.mark.parametrize(
        ("script", "words"),
        [
            (reset_after(b""), "reset|closed"),
            (reset_after(b"HTTP/1.1 200 OK\r\ncontent-le"), "reset|closed"),
            (reset_after(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"), "reset|cut short"),
            (raw(b""), "closed before a reply"),
            (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"), "cut short"),
            (raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"), "cut short"),
            (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "not HTTP|closed"),
        ],
    )
    def test_a_broken_connection_is_tried_again_and_told(self, transport, script, words):
        assert on_wire(transport, script, reply())[0] == GOOD
        with pytest.raises(TransportError, match=words) as caught:
            on_wire(transport, script, retries=1)
        assert not isinstance(caught.value, (HostUnreachableError, RequestTimeout))
        assert "tried 2 times" in str(caught.value)

    @BOTH
    @pytest.mark.parametrize("script", [silence, trickle])
    def test_the_timeout_counts_the_whole_request(self, transport, script):
        with pytest.raises(RequestTimeout, match=r"no whole reply .* within 0\.1 s"):
            on_wire(transport, script, timeout=0.1, retries=0)
        assert on_wire(transport, script, reply(), timeout=0.1)[0] == GOOD

    def test_the_timeout_holds_for_an_application_in_this_process_too(self):
        async def app(scope, receive, send):
            await asyncio.sleep(60)

        client = Client(resolve_endpoint(cluster="demo", environ={}), app=app, timeout=0.02, retries=0)
        with pytest.raises(RequestTimeout, match="demo"):
            ask(client)

    @BOTH
    @pytest.mark.parametrize(
        ("script", "words"),
        [
            (unending, "larger than 16 MiB"),
            (announced(REPLY_BYTES_MAX + 1), "larger than 16 MiB"),
            (
                reply(gzip.compress(b" " * (REPLY_BYTES_MAX + 1)), headers=["content-encoding: gzip"]),
                "larger than",
            ),
            (reply(b"no gzip at all", headers=["content-encoding: gzip"]), "gzip data is broken"),
            (reply(gzip.compress(GOOD)[:-20], headers=["content-encoding: gzip"]), "ends in the middle"),
            (reply(GOOD, headers=["content-encoding: br"]), "'br'"),
        ],
    )
    def test_a_reply_that_cannot_be_read_is_a_protocol_error(self, transport, script, words):
        with pytest.raises(ProtocolError, match=words):
            on_wire(transport, script)

    @BOTH
    def test_a_redirect_is_not_followed(self, transport):
        elsewhere = f"location: http://other.example/secret-path?api-key={KEY}"
        with pytest.raises(ProtocolError, match=r"redirects to other\.example \(HTTP 307\)") as caught:
            on_wire(transport, reply(b"", "307 Temporary Redirect", [elsewhere]))
        assert "secret-path" not in str(caught.value)
        assert caught.value.status == 307

    @BOTH
    def test_a_host_that_refuses_is_unreachable(self, transport):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        endpoint = resolve_endpoint(endpoint=f"http://127.0.0.1:{port}", api_key=KEY, environ={})
        client = Client(
            endpoint, transport=TRANSPORTS[transport](endpoint), sleep=FakeClock().sleep, retries=2
        )
        with pytest.raises(HostUnreachableError, match=f"127.0.0.1:{port}: connection refused.*3 times"):
            ask(client)

    @BOTH
    def test_a_host_without_a_name_is_unreachable_and_not_tried_again(self, transport):
        endpoint = resolve_endpoint(endpoint="https://nowhere.invalid", api_key=KEY, environ={})
        client = Client(endpoint, transport=TRANSPORTS[transport](endpoint), sleep=FakeClock().sleep)
        with pytest.raises(HostUnreachableError, match=r"https://nowhere\.invalid: .*name"):
            ask(client)

    @pytest.mark.parametrize(
        ("error", "words", "tries"),
        [
            (httpx.ConnectError("[Errno -2] Name or service not known"), "no host of that name", 1),
            (
                httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
                "SSL_CERT_FILE",
                1,
            ),
            (httpx.ConnectError("certificate is not valid for 'rpc-proxy.test'"), "SSL_CERT_FILE", 1),
            (httpx.ConnectError("[Errno 61] Connect call failed ('::1', 1)"), "nothing listens", 3),
            (httpx.ConnectError("[Errno 113] Connect call failed ('::1', 1)"), "no route", 3),
            (httpx.ConnectError("[Errno -3] Temporary failure in name resolution"), "at the moment", 3),
            (httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), "TLS handshake", 3),
            (httpx.ConnectTimeout(""), "does not answer", 3),
            (httpx.ProxyError("407 Proxy Authentication Required"), "proxy", 3),
        ],
    )
    def test_causes_are_told_in_words(self, error, words, tries):
        client = mocked(error, retries=2)
        with pytest.raises(HostUnreachableError, match=words):
            ask(client)
        assert client.requests == tries

    @BOTH
    def test_a_certificate_that_is_not_trusted_is_told(self, transport, tls):
        with pytest.raises(HostUnreachableError, match=r"TLS certificate is not trusted.*SSL_CERT_FILE"):
            asyncio.run(ask_over_tls(transport, tls))

    @BOTH
    def test_ssl_cert_file_is_trusted(self, transport, tls, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority))
        assert asyncio.run(ask_over_tls(transport, tls)) == GOOD

    @BOTH
    def test_a_missing_ssl_cert_file_is_told(self, transport, monkeypatch, tmp_path):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(EndpointError, match="SSL_CERT_FILE"):
            TRANSPORTS[transport](resolve_endpoint(api_key=KEY, environ={}))

    def test_a_wrong_pace_is_refused_before_anything_is_sent(self):
        for options in ({"plan": "gold"}, {"requests_per_second": 0}):
            with pytest.raises(InputError):
                mocked((200, GOOD), **options)


class TestWaiting:
    def test_backs_off_longer_each_time_with_jitter_up_to_a_bound(self):
        client = mocked((500, b""), retries=7)
        with pytest.raises(RPCError):
            ask(client)
        assert client.clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]

    def test_jitter_takes_off_up_to_half(self):
        client = mocked((500, b""), retries=2)
        client._random = lambda: 0.0
        with pytest.raises(RPCError):
            ask(client)
        assert client.clock.slept == [0.125, 0.25]

    @pytest.mark.parametrize(
        ("header", "waited"),
        [
            ("7", 7.0),
            ("1.5", 1.5),
            ("500", 120.0),
            ("-3", 0.25),
            ("soon", 0.25),
            ("nan", 0.25),
            ("1e999", 0.25),
        ],
    )
    def test_retry_after_in_seconds_is_obeyed_and_bounded(self, header, waited):
        client = mocked((503, b"", {"retry-after": header}), (200, GOOD))
        ask(client)
        assert client.clock.slept == [waited]

    @pytest.mark.parametrize(("ahead", "low", "high"), [(30, 28, 30), (3600, 120, 120), (-3600, 0.25, 0.25)])
    def test_retry_after_as_a_date_too(self, ahead, low, high):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
        client = mocked((503, b"", {"retry-after": date}), (200, GOOD))
        ask(client)
        (waited,) = client.clock.slept
        assert low <= waited <= high

    def test_one_request_is_not_tried_for_ever(self):
        client = mocked((503, b"", {"retry-after": "100"}), retries=50)
        with pytest.raises(RPCError, match="tried 4 times"):
            ask(client)
        assert client.clock.now == 300.0

    @pytest.mark.parametrize("refusal", [(429, b"slow down"), (200, rpc_error(-32005))])
    def test_too_many_requests_hold_every_request_back(self, refusal):
        client = mocked((refusal[0], refusal[1], {"retry-after": "3"}), (200, GOOD))

        async def main():
            async with client:
                await client.call(BODY)
                return client.clock.now, client._budget.claim(Turn())

        waited, next_wait = asyncio.run(main())
        assert waited >= 3.0
        assert next_wait == 0.0

    def test_a_refusal_to_one_task_is_felt_by_the_others(self):
        client = mocked((429, b"", {"retry-after": "5"}), (200, GOOD))
        times = []

        async def one():
            await client.call(BODY)
            times.append(client.clock.now)

        async def main():
            async with client:
                await client.call(BODY)
                await asyncio.gather(one(), one())

        asyncio.run(main())
        assert min(times) >= 5.0

    def test_refusals_without_end_name_both_causes(self):
        client = mocked((429, b"Too many requests"), retries=3)
        with pytest.raises(RateLimitError) as caught:
            ask(client)
        message = str(caught.value)
        for words in ("tried 4 times", "requests_per_second=", "credits", "Too many requests"):
            assert words in message

    def test_the_rate_given_is_kept(self):
        client = mocked((200, GOOD), requests_per_second=10)
        ask(client, times=21)
        assert client.clock.now == pytest.approx(20 * 0.102)

    def test_clients_of_one_key_share_its_budget(self):
        endpoint = resolve_endpoint(endpoint="http://127.0.0.1:9", api_key=KEY, environ={})
        assert Client(endpoint)._budget is Client(endpoint)._budget is shared_budget(endpoint.account)

    def test_a_rate_ends_with_its_client(self):
        endpoint = resolve_endpoint(endpoint="http://127.0.0.1:9", api_key="another-key", environ={})

        async def main():
            async with Client(endpoint, plan="free") as client:
                assert client._budget.rate == 2.0
            return client._budget.rate

        assert asyncio.run(main()) is None


class TestCancelling:
    @BOTH
    @pytest.mark.parametrize("script", [silence, trickle])
    def test_a_cancelled_request_is_closed_and_the_client_goes_on(self, transport, script):
        async def cancel_then_ask(client, wire):
            task = asyncio.create_task(client.call(BODY))
            await wire.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await client.call(BODY)

        assert on_wire(transport, script, reply(), during=cancel_then_ask, timeout=0.4)[0] == GOOD

    def test_a_cancelled_wait_gives_its_turn_back(self):
        async def main():
            client = Client(
                resolve_endpoint(api_key=KEY, environ={}),
                transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=GOOD)),
                requests_per_second=1,
            )
            async with client:
                await client.call(BODY)
                waiting = [asyncio.create_task(client.call(BODY)) for _ in range(8)]
                await asyncio.sleep(0)
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                turn = Turn()
                client._budget.claim(turn)
                return turn.slot - client._clock()

        assert asyncio.run(main()) <= 1.02

    def test_a_client_works_only_inside_its_block(self):
        client = mocked((200, GOOD))
        client._lanes._transport = None
        with pytest.raises(RuntimeError, match="async with"):
            asyncio.run(client.call(BODY))


class TestProxies:
    @staticmethod
    def through_proxy(transport, **options):
        async def main():
            async with Wire(reply()).serve() as wire:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("HTTP_PROXY", f"http://me:{KEY}@127.0.0.1:{wire.port}")
                    for name, value in options.items():
                        patch.setenv(name, value)
                    endpoint = resolve_endpoint(endpoint="http://photon.invalid:8784/", environ={})
                    client = Client(
                        endpoint,
                        transport=TRANSPORTS[transport](endpoint),
                        sleep=FakeClock().sleep,
                        retries=0,
                    )
                    async with client:
                        return await client.call(BODY), wire.heads

        return asyncio.run(main())

    @BOTH
    def test_the_environments_proxy_is_used(self, transport):
        content, heads = self.through_proxy(transport)
        assert content == GOOD
        assert heads[0].startswith("POST http://photon.invalid:8784/ HTTP/1.1")

    @BOTH
    def test_no_proxy_is_obeyed(self, transport):
        with pytest.raises(HostUnreachableError):
            self.through_proxy(transport, NO_PROXY="photon.invalid")

    @BOTH
    def test_loopback_is_never_proxied(self, transport, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        assert on_wire(transport, reply())[0] == GOOD

    @BOTH
    def test_a_proxy_that_cannot_be_used_is_told_without_its_password(self, transport, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"gopher://me:{KEY}@[::1")
        with pytest.raises(EndpointError, match="HTTPS_PROXY") as caught:
            TRANSPORTS[transport](resolve_endpoint(api_key=KEY, environ={}))
        assert KEY not in told_by(caught.value)


def told_by(fault):
    """An exception and its whole chain, with the locals and attributes in every frame but the tests'."""
    seen, texts = [], []
    pending = [fault]
    while pending:
        error = pending.pop()
        if error is None or error in seen:
            continue
        seen.append(error)
        texts += [repr(error), str(error), repr(vars(error))]
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                texts += [shown(value) for value in frame.f_locals.values()]
        pending += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    return "\n".join(texts)


def shown(value):
    """What debuggers and verbose tracebacks print of a value."""
    inside = getattr(value, "__dict__", {})
    return f"{value!r} {value!s} {inside!r} " + " ".join(
        repr(getattr(one, "__dict__", "")) for one in inside.values()
    )


ECHO = rpc_error(-32602, f"{'x' * 190} key {KEY} of /?api-key={KEY}")

LEAKS = {
    "401": (reply(f"no such key {KEY}".encode(), "401 Unauthorized"), {}),
    "a key that the shortening would cut": (reply(ECHO), {}),
    "503 to the end": (reply(KEY.encode(), "503 Service Unavailable"), {"retries": 1}),
    "429 to the end": (reply(KEY.encode(), "429 Too Many Requests", [f"x: {KEY}"]), {"retries": 1}),
    "redirect": (reply(b"", "302 Found", [f"location: https://{KEY}.example/?k={KEY}"]), {}),
    "reset": (reset_after(b""), {"retries": 1}),
    "cut short": (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), {"retries": 0}),
    "broken gzip": (reply(KEY.encode(), headers=["content-encoding: gzip"]), {}),
    "timeout": (silence, {"timeout": 0.05, "retries": 0}),
}


class TestTheKeyStaysHidden:
    @BOTH
    @pytest.mark.parametrize("case", LEAKS)
    def test_in_faults_their_chains_frames_and_logs(self, transport, case, caplog):
        caplog.set_level(1)
        for name in list(logging.root.manager.loggerDict):
            caplog.set_level(1, logger=name)
        script, options = LEAKS[case]
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is told elsewhere
            on_wire(transport, script, **options)
        told = told_by(caught.value) + caplog.text + "".join(repr(vars(record)) for record in caplog.records)
        assert KEY not in told
        assert KEY[:12] not in told

    @BOTH
    def test_when_no_connection_is_made(self, transport, caplog):
        caplog.set_level(1)
        for name in list(logging.root.manager.loggerDict):
            caplog.set_level(1, logger=name)
        for url in ("http://127.0.0.1:1", "https://nowhere.invalid", "https://127.0.0.1:1"):
            endpoint = resolve_endpoint(endpoint=url, api_key=KEY, environ={})
            client = Client(
                endpoint, transport=TRANSPORTS[transport](endpoint), sleep=FakeClock().sleep, retries=1
            )
            with pytest.raises(HostUnreachableError) as caught:
                ask(client)
            assert KEY not in told_by(caught.value) + caplog.text

    @BOTH
    def test_in_a_cancellation(self, transport):
        async def cancel(client, wire):
            task = asyncio.create_task(client.call(BODY))
            await wire.asked.wait()
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as cancelled:
                return told_by(cancelled)

        assert KEY not in on_wire(transport, trickle, during=cancel, timeout=0.4)[0]

    @BOTH
    def test_in_a_good_reply_that_echoes_it(self, transport):
        echo = GOOD.replace(b"}}", b'},"asked":"%s"}' % KEY.encode(), 1)
        content, _, _ = on_wire(transport, reply(echo))
        assert KEY.encode() not in content
        assert b"[hidden]" in content

    def test_in_the_client_and_what_it_is_made_of(self):
        client = mocked((200, GOOD))
        ask(client)
        del client.seen  # the test's own: the signed requests
        lane = _client._Lane(client._endpoint, httpx.MockTransport(lambda _: None), 1.0, set())
        for thing in (client, client._lanes, lane, client._endpoint, client._budget):
            assert KEY not in shown(thing)

    def test_no_pickle_holds_it(self):
        client = mocked((200, GOOD))
        for thing in (client._endpoint, client):
            with pytest.raises((TypeError, AttributeError)):
                pickle.dumps(thing)
        assert copy.deepcopy(client._endpoint) == client._endpoint

    def test_httpcore_still_logs_for_others(self, caplog):
        _client._mute_httpcore()
        caplog.set_level(logging.DEBUG, logger="httpcore.http11")
        logging.getLogger("httpcore.http11").debug("of another program")
        assert "of another program" in caplog.text
