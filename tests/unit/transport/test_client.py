"""One request and its retries: what is tried again, how long is waited, what is counted, what is shown."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from helius_frames._progress import PullProgress
from helius_frames._protocol import jsonrpc
from helius_frames._transport.client import Client, Environment
from helius_frames._transport.endpoint import resolve_endpoint
from helius_frames._transport.rate_limit import Permit, shared_limiter
from helius_frames.errors import (
    AuthenticationError,
    HeliusError,
    HostUnreachableError,
    ProtocolError,
    RateLimitError,
    RPCError,
    TransportError,
)
from tests.support.clients import scripted_client
from tests.support.clocks import FakeClock
from tests.support.key_search import KEY, has_key, texts_of_package

BODY = b'{"jsonrpc":"2.0","id":"1","method":"m","params":{}}'
GOOD = b'{"result":"good"}'


def as_result(status, content):
    """Return the body of a good reply; raise what another reports."""
    error = jsonrpc.reported_error(status, content, lambda text: text)
    if error is not None:
        raise error
    return content


def rpc_error(code, message="no"):
    return b'{"jsonrpc":"2.0","error":{"code":%d,"message":"%s"},"id":"1"}' % (code, message.encode())


MAINNET = resolve_endpoint(KEY, None, None, {})


def call(client, times=1, parse=as_result):
    async def main():
        async with client:
            return [await client.call(BODY, parse) for _ in range(times)][-1]

    return asyncio.run(main())


def error_of(kind, client, **options):
    """Return the error of a call: of just this kind, without a cause."""
    with pytest.raises(kind) as caught:
        call(client, **options)
    assert type(caught.value) is kind
    assert caught.value.__cause__ is caught.value.__context__ is None
    return caught.value


def counts(client):
    return client.progress.requests, client.progress.retries


# One try


def test_what_parse_makes_of_the_reply_is_returned():
    client, connection, _ = scripted_client((200, GOOD))
    assert call(client, parse=lambda status, content: (status, content.upper())) == (200, GOOD.upper())
    assert connection.requests[0].content == BODY
    assert counts(client) == (1, 0)


@pytest.mark.parametrize(
    ("reply", "kind", "status", "code"),
    [
        ((401, b"Unauthorized"), AuthenticationError, 401, None),
        ((403, rpc_error(-32001)), AuthenticationError, 403, -32001),
        ((200, rpc_error(-32602)), RPCError, 200, -32602),
        ((400, b"<html>bad</html>"), RPCError, 400, None),
        ((404, b""), RPCError, 404, None),
    ],
)
def test_what_cannot_pass_is_raised_at_once(reply, kind, status, code):
    client, *_ = scripted_client(reply)
    error = error_of(kind, client)
    assert (error.status, error.code) == (status, code)
    assert counts(client) == (1, 0)
    assert "tried" not in str(error)


PASSING = [(status, b"") for status in (408, 429, 500, 502, 503, 504, 520, 524)]
PASSING += [(200, rpc_error(code)) for code in (-32603, -32002, -32003, -32005)]
PASSING += [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("cut")]


@pytest.mark.parametrize("reply", PASSING, ids=range(len(PASSING)))
def test_what_may_pass_is_tried_again_and_every_request_is_counted_when_it_is_sent(reply):
    client, _, _ = scripted_client(reply, reply, (200, GOOD))
    assert call(client) == GOOD
    assert counts(client) == (3, 2)


def test_an_error_of_the_parser_is_tried_again_only_where_it_may_pass():
    def refuse(_status, _content):
        raise ProtocolError("not a page")

    client, *_ = scripted_client((200, GOOD))
    error_of(ProtocolError, client, parse=refuse)
    assert counts(client) == (1, 0)


@pytest.mark.parametrize(
    ("retries", "words"), [(0, "tried once"), (1, "tried 2 times"), (2, "tried 3 times")]
)
def test_the_last_error_says_how_often_it_was_tried(retries, words):
    client, *_ = scripted_client((503, b"first"), (503, b"down"), retries=retries)
    assert str(error_of(RPCError, client)).endswith(f"({words})")
    assert counts(client) == (retries + 1, retries)


def test_the_error_is_that_of_the_last_try():
    client, *_ = scripted_client((503, b"down"), (400, b"bad"), retries=5)
    assert error_of(RPCError, client).status == 400
    client, *_ = scripted_client((503, b"down"), httpx.ReadError("x"), retries=1)
    error_of(TransportError, client)


def test_what_a_bug_raises_goes_through_untouched():
    def broken(_status, _content):
        raise KeyError("a bug")

    client, *_ = scripted_client((200, GOOD))
    with pytest.raises(KeyError, match="a bug"):
        call(client, parse=broken)


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 399])
def test_a_redirect_is_an_error_that_names_the_host_alone(status):
    client, *_ = scripted_client(
        (status, b"", {"location": f"http://other.example/secret-path?api-key={KEY}"})
    )
    error = error_of(ProtocolError, client)
    assert f"{client.label} redirects to other.example (HTTP {status})" in str(error)
    assert "pass the final address as endpoint=" in str(error)
    assert "secret-path" not in str(error)
    assert (error.status, counts(client)) == (status, (1, 0))


@pytest.mark.parametrize("location", [None, "", "/elsewhere", "http://[::1", "http://" + "a" * 500 + "/"])
def test_a_redirect_to_nowhere_is_an_error_too(location):
    client, *_ = scripted_client((302, b"", {} if location is None else {"location": location}))
    message = str(error_of(ProtocolError, client))
    assert "redirects to " + ("aaa" if location and "aaa" in location else "another address") in message
    assert len(message) < 300


# Waiting


def waits(*replies, random=lambda: 1.0, **options):
    """Return the pauses between the tries."""
    client, _, clock = scripted_client(*replies, random=random, **options)
    try:
        call(client)
    except (RPCError, TransportError):
        assert len(clock.slept) == client.progress.retries
    return clock.slept


def test_each_wait_is_twice_the_one_before_up_to_a_bound():
    assert waits((500, b""), retries=7) == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_jitter_takes_off_up_to_half():
    assert waits((500, b""), retries=3, random=lambda: 0.0) == [0.125, 0.25, 0.5]


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("500", 120.0),
        ("-3", 0.25),
        ("soon", 0.25),
        ("nan", 0.25),
        ("inf", 0.25),
        ("1e999", 0.25),
        ("", 0.25),
        ("Wed, 99 Foo 2026 99:99:99 GMT", 0.25),
        ("Wed, 21 Oct 2026 07:28:00", 0.25),  # without a zone
    ],
)
def test_retry_after_in_seconds_is_obeyed_and_bounded(header, waited):
    assert sum(waits((503, b"", {"retry-after": header}), (200, GOOD))) == waited


@pytest.mark.parametrize(("ahead", "low", "high"), [(30, 28, 30), (3600, 120, 120), (-3600, 0.25, 0.25)])
def test_retry_after_may_be_a_date(ahead, low, high):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    (waited,) = waits((503, b"", {"retry-after": date}), (200, GOOD))
    assert low <= waited <= high


def test_an_error_carries_what_the_server_asked_to_wait():
    client, *_ = scripted_client((503, b"", {"retry-after": "7"}), retries=0)
    assert error_of(RPCError, client).retry_after_s == 7.0


def test_no_retry_begins_later_than_five_minutes_after_the_first_failure():
    client, _, clock = scripted_client((503, b"", {"retry-after": "100"}), retries=50)
    assert "tried 4 times" in str(error_of(RPCError, client))
    assert clock.now == 300.0


def test_the_five_minutes_are_each_requests_own():
    failures = [(503, b"", {"retry-after": "100"})] * 3
    client, _, clock = scripted_client(*failures, (200, GOOD), *failures, (200, GOOD))
    assert call(client, times=2) == GOOD
    assert clock.now == 600.0


# The rate limit


class Recorder:
    """A rate limit that notes what it is told, and lets a request wait so often."""

    rate = None
    paused_s = silent_s = 0.0

    def __init__(self, waits=()):
        self.told = []
        self._waits = list(waits)

    def __getattr__(self, name):
        return lambda _permit, *more: self.told.append((name, *more))

    def claim(self, _permit):
        self.told.append("claim")
        return self._waits.pop(0) if self._waits else 0.0

    def at_most(self, rate):
        self.told.append(("at_most", rate))
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.told.append("closed")


def told(*replies, waits=(), retries=0, rate=None):
    client, _, clock = scripted_client(*replies, retries=retries, rate=rate)
    client.limiter = Recorder(waits)
    with suppress(HeliusError):
        call(client)
    return client.limiter.told, clock.slept


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ((200, GOOD), ("accepted",)),
        ((400, b""), ("accepted",)),
        ((401, b""), ("accepted",)),
        ((503, b""), ("accepted",)),
        ((302, b""), ("accepted",)),
        ((429, b""), ("refused", None)),
        ((429, b"", {"retry-after": "3"}), ("refused", 3.0)),
        ((200, rpc_error(-32005), {"retry-after": "2"}), ("refused", 2.0)),
        (httpx.ReadError("reset"), ("failed",)),
        (httpx.ConnectError("refused"), ("failed",)),
    ],
)
def test_the_rate_limit_learns_every_outcome_once(reply, outcome):
    assert told(reply)[0] == [("at_most", None), "claim", outcome, "closed"]


def test_a_request_waits_as_long_as_the_rate_limit_says_and_asks_again():
    assert told((200, GOOD), waits=[0.5, 0.25])[0].count("claim") == 3
    assert told((200, GOOD), waits=[0.5, 0.25])[1] == [0.5, 0.25]


def test_every_try_claims_for_itself():
    assert told((503, b""), retries=2)[0].count("claim") == 3


def test_after_a_refusal_only_the_rate_limit_makes_a_request_wait():
    assert told((429, b"", {"retry-after": "9"}), (200, GOOD), retries=1)[1] == []


def test_the_rate_that_was_given_holds_as_long_as_the_client_is_open():
    assert told((200, GOOD), rate=10.0)[0][0] == ("at_most", 10.0)


def test_a_request_that_is_cancelled_while_it_waits_gives_its_permit_back_and_was_not_sent():
    client, connection, _ = scripted_client((200, GOOD))
    client.limiter = Recorder([1.0] * 100)

    async def never(_seconds):
        await asyncio.Event().wait()

    client._environment = client._environment._replace(sleep=never)

    async def main():
        async with client:
            task = asyncio.create_task(client.call(BODY, as_result))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert client.limiter.told == [("at_most", None), "claim", ("give_back",), "closed"]
    assert connection.requests == []
    assert counts(client) == (0, 0)


def test_a_request_that_is_cancelled_on_its_way_is_counted_and_failed():
    client, connection, _ = scripted_client((200, GOOD))
    client.limiter = Recorder()

    async def main():
        async with client:
            task = asyncio.create_task(client.call(BODY, as_result))
            while not connection.requests:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert ("failed",) in client.limiter.told
    assert counts(client) == (1, 0)


BOTH_CAUSES = ("plan=", "requests_per_second=", "credits")


@pytest.mark.parametrize(("retries", "words"), [(0, "tried once"), (3, "tried 4 times")])
def test_refusals_to_the_end_name_both_causes(retries, words):
    client, *_ = scripted_client((429, b"Too many requests"), retries=retries)
    message = str(error_of(RateLimitError, client))
    assert all(part in message for part in (words, "Too many requests", *BOTH_CAUSES))
    assert "accepted" not in message


def test_refusals_while_nothing_else_is_accepted_for_long_look_like_the_credits():
    client, *_ = scripted_client((429, b"", {"retry-after": "9"}), retries=3)
    message = str(error_of(RateLimitError, client))
    assert "Nothing was accepted for 27 s" in message
    assert [part for part in BOTH_CAUSES if part in message] == ["credits"]


def test_refusals_while_others_are_accepted_look_like_the_rate():
    client, *_ = scripted_client((429, b"", {"retry-after": "9"}), retries=3)
    now = client._environment.clock

    class Accepting(Recorder):
        """Another request was accepted a second ago."""

        def claim(self, permit):
            now.now += 9.0
            self.silent_s = 1.0
            return super().claim(permit)

    client.limiter = Accepting()
    message = str(error_of(RateLimitError, client))
    assert "Other requests were accepted meanwhile" in message
    assert [part for part in BOTH_CAUSES if part in message] == ["plan=", "requests_per_second="]


@pytest.mark.parametrize(
    ("options", "family", "cost"),
    [
        ({"api_key": KEY}, "photon", 10),
        ({"api_key": KEY}, "das", 10),
        ({"api_key": KEY}, "rpc", 1),
        ({"endpoint": "https://x-fast-mainnet.helius-rpc.com"}, "photon", 10),
        ({"endpoint": "https://rpc.example"}, "photon", 0),
        ({"endpoint": "http://localhost:9"}, "rpc", 0),
    ],
)
def test_only_requests_to_helius_cost_credits_and_each_does_when_it_is_sent(options, family, cost):
    endpoint = resolve_endpoint(**options, environ={})
    client, *_ = scripted_client((503, b""), (200, GOOD), endpoint=endpoint, family=family)
    assert client.progress.credits == 0
    call(client, times=2)
    assert counts(client) == (3, 1)
    assert client.progress.credits == 3 * cost


def test_a_refusal_holds_back_every_request_of_the_client():
    client, _, clock = scripted_client((429, b"", {"retry-after": "5"}), (200, GOOD))
    times = []

    async def one():
        await client.call(BODY, as_result)
        times.append(clock.now)

    async def main():
        async with client:
            await client.call(BODY, as_result)
            await asyncio.gather(one(), one())

    asyncio.run(main())
    assert min(times) >= 5.0


def test_a_rate_that_was_given_is_kept():
    client, _, clock = scripted_client((200, GOOD), rate=10.0)
    call(client, times=21)
    assert 1.9 <= clock.now <= 2.3


def test_clients_of_one_host_and_key_share_their_limit_and_those_with_connections_of_their_own_do_not():
    endpoint = resolve_endpoint("a-key", None, "http://127.0.0.1:9", {})
    mine = Client(endpoint, PullProgress())
    assert (
        mine.limiter is Client(endpoint, PullProgress()).limiter is shared_limiter(endpoint.account("photon"))
    )
    client, *_ = scripted_client((200, GOOD), endpoint=endpoint)
    assert client.limiter is not mine.limiter
    assert client.limiter.claim(Permit()) == 0.0


# What is shown


ECHO = rpc_error(-32602, f"{'x' * 190} key {KEY} of /?api-key={KEY}")
LEAKS = {
    "401": ((401, f"no such key {KEY}".encode()), {}),
    "a key that shortening would cut": ((200, ECHO), {}),
    "503 to the end": ((503, KEY.encode()), {"retries": 1}),
    "429 to the end": ((429, KEY.encode(), {"x": KEY}), {"retries": 1}),
    "redirect": ((302, b"", {"location": f"https://{KEY}.example/?k={KEY}"}), {}),
    "foreign": (httpx.ReadError(f"of https://x/?api-key={KEY}"), {"retries": 0}),
    "unreachable": (httpx.ConnectError(f"of https://x/?api-key={KEY}"), {"retries": 1}),
}


@pytest.mark.parametrize(("reply", "options"), LEAKS.values(), ids=LEAKS)
def test_no_error_shows_the_key_in_text_attributes_or_frames(reply, options):
    client, connection, _ = scripted_client(reply, endpoint=MAINNET, **options)

    def parse(status, content):
        error = jsonrpc.reported_error(status, content, client.clean)
        raise error or AssertionError

    with pytest.raises(HeliusError) as caught:
        call(client, parse=parse)
    assert has_key(str(connection.requests[0].url))
    for text in texts_of_package(caught.value):
        assert not has_key(text)


def test_a_message_that_was_not_cleaned_by_the_parser_is_cleaned_by_the_client():
    client, *_ = scripted_client((401, f"no such key {KEY}".encode()), endpoint=MAINNET)
    error = error_of(AuthenticationError, client)
    assert "[hidden]" in str(error)
    assert not has_key(str(error))


def test_a_client_shows_the_key_in_no_attribute():
    client, *_ = scripted_client((200, GOOD), endpoint=MAINNET)
    assert not has_key(f"{client!r} {vars(client)!r} {vars(client._http)!r} {vars(client.limiter)!r}")


def test_an_environment_of_its_own_makes_the_connections():
    made = []

    def connect(endpoint, timeout_s):
        made.append((endpoint.label, timeout_s))
        return lambda: None

    Client(resolve_endpoint(endpoint="http://127.0.0.1:9", environ={}), PullProgress(), timeout=7.0,
           environment=Environment(connect, FakeClock().sleep, FakeClock()))  # fmt: skip
    assert made == [("http://127.0.0.1:9", 7.0)]


def test_a_host_that_cannot_be_reached_is_tried_again_as_often_as_any():
    client, *_ = scripted_client(httpx.ConnectError("x"), retries=2)
    assert "(tried 3 times)" in str(error_of(HostUnreachableError, client))
