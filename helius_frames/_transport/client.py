"""Requests to one endpoint: rate limit, retries, and the errors that replies report.

A `Client` lives in one event loop. What it takes from outside (connections, sleep, clock, randomness) is an
argument, see `Environment`.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import threading
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

import anyio

from helius_frames._transport.families import FAMILIES, FamilyName
from helius_frames._transport.rate_limit import RETRY_AFTER_MAX_S, Permit, RateLimiter, shared_limiter
from helius_frames._transport.redact import shorten
from helius_frames.errors import HeliusError, ProtocolError, RateLimitError, TransportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from helius_frames._progress import PullProgress
    from helius_frames._transport.endpoint import Endpoint
    from helius_frames._transport.http import Connect, Reply

    # Turns status and body into what was asked for, or raises what the reply reports; see `_protocol`.
    Parse: TypeAlias = Callable[[int, bytes], "T"]

T = TypeVar("T")

# A child that is forked while another thread imports a module can never import it, so a fork waits for ours.
importing = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release
    )

# No retry begins later than this after a request has failed first, whatever the server asks to wait.
PATIENCE_S: Final = 300.0
BACKOFF_S: Final = 0.25
BACKOFF_MAX_S: Final = 8.0
_HOST_SHOWN: Final = 80

# A single request at a time is refused for so long by no plan's rate; what is left is the credits.
_SILENCE_S: Final = 20.0


class Environment(NamedTuple):
    """What a client takes from outside, so that tests are fast and exact."""

    connect: Callable[[Endpoint, float], Connect] | None = None
    """Makes the connections to an endpoint; by default the network."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random


class Client:
    """Asks one endpoint; for use in one event loop, as an async context manager.

    Parameters
    ----------
    progress
        Where requests and retries are counted.
    rate
        Requests a second to keep to; with ``None`` the limit is learned from refusals.
    timeout
        Seconds for one whole request, from connecting to the last byte.
    retries
        How often one request is retried.
    family
        The methods that it asks for; Helius limits the rate of each family for itself.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        progress: PullProgress,
        *,
        rate: float | None = None,
        timeout: float = 30.0,
        retries: int = 6,
        family: FamilyName = "photon",
        environment: Environment = Environment(),  # noqa: B008 - it is immutable
    ) -> None:
        with importing:  # httpx takes as long to load as all of this package
            from helius_frames._transport import http  # noqa: PLC0415

        self.progress = progress
        self.clean = endpoint.clean
        self.label = endpoint.label
        self._rate = rate
        self._credits = FAMILIES[family].credits if endpoint.is_helius else 0
        self._retries = retries
        self._environment = environment
        connect = environment.connect
        # Connections of one's own have a limit of their own.
        self.limiter = RateLimiter(environment.clock) if connect else shared_limiter(endpoint.account(family))
        self._http = http.Http(endpoint, timeout, (connect or http.network)(endpoint, timeout))
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        with importing:
            anyio.Event()  # the first one imports anyio's backend
        await self._stack.enter_async_context(self._http)
        self._stack.enter_context(self.limiter.at_most(self._rate))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(self, body: bytes, parse: Parse[T]) -> T:
        """Post a request and return what ``parse`` makes of the reply, retrying what may pass.

        Raises
        ------
        HeliusError
            Of the last try: what the server reported, or why no whole reply arrived.
        """
        failed_at = math.inf
        for tries in count(1):
            try:
                return await self._send(body, parse)
            except HeliusError as error:
                # The frames below hold the reply unchanged, and the message quotes it.
                failure = error.with_traceback(None).with_reason(self.clean(error.reason))
            # Outside of `except`, so that no retry chains its error to the one before.
            now = self._environment.clock()
            failed_at = min(failed_at, now)
            wait_s = self._wait_s(failure, tries)
            # Of refusals the patience is the pull's, counted while nothing at all is accepted: the pause is
            # shared, and so hundreds of requests in a row would each wait for minutes.
            is_over = self.limiter.silent_s > PATIENCE_S or now + wait_s > failed_at + PATIENCE_S
            if not failure.is_transient or tries > self._retries or is_over:
                break
            self.progress.retries += 1
            await self._environment.sleep(wait_s)
        if failure.is_transient:
            tried = "tried once" if tries == 1 else f"tried {tries} times"
            advice = self._rate_advice(now - failed_at) if isinstance(failure, RateLimitError) else ""
            failure.with_reason(f"{failure.reason} ({tried}){advice}")
        raise failure

    async def _send(self, body: bytes, parse: Parse[T]) -> T:
        """Send once, when the rate limit allows it, and tell the rate limit what became of it."""
        permit, limiter, progress = Permit(), self.limiter, self.progress
        try:
            while (wait_s := limiter.claim(permit)) > 0:
                progress.rate, progress.waiting_s = limiter.rate, limiter.paused_s
                await self._environment.sleep(wait_s)
        except BaseException:  # cancelled while waiting
            limiter.give_back(permit)
            raise
        progress.requests += 1
        progress.credits += self._credits
        progress.waiting_s = 0.0
        reply: Reply | None = None
        try:
            reply = await self._http.post(body)
            if 300 <= reply.status < 400:  # noqa: PLR2004
                raise self._redirect(reply)  # noqa: TRY301 - an error like those of `parse`
            result = parse(reply.status, reply.content)
        except TransportError:  # no answer
            limiter.failed(permit)
            raise
        except HeliusError as error:
            error.retry_after_s = None if reply is None else _retry_after_s(reply.retry_after)
            if isinstance(error, RateLimitError):
                progress.refused += 1
                limiter.refused(permit, error.retry_after_s)
            else:
                limiter.accepted(permit)
            raise
        except BaseException:  # cancelled
            limiter.failed(permit)
            raise
        limiter.accepted(permit)
        return result

    def _wait_s(self, error: HeliusError, tries: int) -> float:
        """Return the pause before the next try: what the server asked for, else backoff with jitter."""
        if isinstance(error, RateLimitError):
            return 0.0  # the rate limit holds everyone back, this request among them
        if error.retry_after_s is not None:
            return min(error.retry_after_s, RETRY_AFTER_MAX_S)
        longest = min(BACKOFF_S * 2.0 ** (tries - 1), BACKOFF_MAX_S)
        return longest * (1 + self._environment.random()) / 2

    def _rate_advice(self, refused_s: float) -> str:
        """Return which of the two causes of a 429 it looks like, and what to do.

        Parameters
        ----------
        refused_s
            How long this request has been refused.
        """
        silent_s = self.limiter.silent_s
        if silent_s > _SILENCE_S:
            return (
                f". Nothing was accepted for {silent_s:.0f} s, though requests went one at a time: the key's"
                " credits look used up, see its dashboard; else something else uses the key, or it is blocked"
            )
        if silent_s < refused_s:
            return (
                ". Other requests were accepted meanwhile, so the rate looks too high: pass plan= or a lower"
                " requests_per_second=, and see whether something else uses the same key"
            )
        return (
            ". Either requests come faster than the plan allows: pass plan= or a lower requests_per_second=,"
            " and see whether something else uses the same key; or the key's credits are used up, see its"
            " dashboard"
        )

    def _redirect(self, reply: Reply) -> ProtocolError:
        try:
            host = urlsplit(reply.location or "").hostname or "another address"
        except ValueError:
            host = "another address"
        return ProtocolError(
            f"{self.label} redirects to {shorten(self.clean(host), _HOST_SHOWN)} (HTTP {reply.status});"
            " this is not followed, since the key goes to one host only: pass the final address as endpoint=",
            status=reply.status,
        )


def _retry_after_s(header: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` in either form; ``None`` where it cannot be used."""
    try:
        seconds = float(header or math.nan)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header or "") - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):  # no date, or one without a zone
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
