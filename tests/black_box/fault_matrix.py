"""The fault matrix: every fault × place × crowd × way × transport × form × course, and what comes of it.

``python -m tests.black_box.fault_matrix`` runs the whole product and prints the counts; `test_faults` runs a
part in which every pair of values meets.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import NamedTuple

import pandas as pd

from helius_frames import aread_helius_balances, errors, read_helius_balances
from helius_frames.demo import Holdings, Indexer
from tests.fault_server import FAULTS, FaultRule, FaultyIndexer
from tests.support.frames import rows_held, rows_of
from tests.support.servers import listening, swappable_server, tls_context, unused_port
from tests.support.transport import TRANSPORTS, use_transport

PAGE_SIZE = 4
HOLDINGS = Holdings.uniform(3, 14, 30, seed=5)
OWNERS = tuple(HOLDINGS.owners)
STRUCK = OWNERS[1]
# Long enough for a busy machine; short where a timeout is what is waited for.
PATIENT_S = 5.0
TIMEOUT_S = 0.2
RETRIES = 1
# The longest a case may take: each try may time out, and a busy machine adds its own.
BOUND_S = 10.0

PLACES = (1, "middle", "last")
CROWDS = ("one owner", "one of many")
WAYS = ("raise", "collect", "chunks")
FORMS = ("sync", "async")
COURSES = ("stays", "heals")
_LISTED = 40
_ENDS_PULL = ("AuthenticationError", "RateLimitError", "HostUnreachableError")


class Case(NamedTuple):
    """One cell of the matrix."""

    fault: str
    place: int | str
    crowd: str
    way: str
    transport: str
    form: str
    course: str

    @property
    def owners(self):
        return OWNERS if self.crowd == "one of many" else (STRUCK,)

    @property
    def error(self):
        """Name of the exception that is due; ``None`` where the exact frame is."""
        fault = FAULTS[self.fault]
        if fault.is_legal:
            return "ProtocolError" if self._comes_out_of_order_too_late else None
        is_shown = fault.shows_on != "a page after a cursor" or self.place != 1
        return fault.error if is_shown and self.course == "stays" else None

    @property
    def ends_pull(self):
        return self.way != "collect" or self.error in _ENDS_PULL or self.fault == "rpc-32601"

    @property
    def may_pass_by(self):
        """A page asked for with a made cursor has no mint to repeat."""
        return self.fault == "mint-again" and self.way != "chunks"

    @property
    def _comes_out_of_order_too_late(self):
        """Rows that went out in a chunk cannot be put in order any more."""
        return self.fault == "out-of-order" and self.way == "chunks" and self.place != 1


def product():
    """Every case that makes sense: breaks inside a reply need a port, and only what may pass can heal."""
    for fault in FAULTS.values():
        transports = ("httpx",) if fault.needs_port else TRANSPORTS
        courses = COURSES if fault.is_transient else COURSES[:1]
        for values in itertools.product(PLACES, CROWDS, WAYS, transports, FORMS, courses):
            yield Case(fault.name, *values)


def pairwise():
    """Few cases in which any two values of two columns meet, if they meet anywhere in the product."""
    wanted = {pair for case in product() for pair in pairs(case)}
    for fault, group in itertools.groupby(product(), key=lambda case: case.fault):
        cases = list(group)
        while open_pairs := {pair for pair in wanted if pair[0] == ("fault", fault)}:
            best = max(cases, key=lambda case: (len(open_pairs & pairs(case)), len(wanted & pairs(case))))
            wanted -= pairs(best)
            yield best


def pairs(case):
    return set(itertools.combinations(zip(Case._fields, case, strict=True), 2))


def check(case, server, url):
    """Run one case and assert its outcome; gives the outcome's name."""
    rule = FaultRule(
        case.fault, owner=STRUCK, page=case.place, times=RETRIES if case.course == "heals" else None
    )
    server.app = FaultyIndexer(HOLDINGS, slot=500, faults=[rule])
    begin = time.monotonic()
    with use_transport(case.transport, server):
        outcome = pull(case.owners, url, case.way, case.form, timeout=_timeout(FAULTS[case.fault].error))
    assert time.monotonic() - begin < BOUND_S, "the pull took too long"
    if case.error is None or (case.may_pass_by and outcome.error is None and not _failed(outcome)):
        assert_exact(outcome, case.owners)
        return "exact frame"
    if case.ends_pull:
        assert_raised(outcome, case)
        server.app = Indexer(HOLDINGS, slot=500)
        assert_goes_on(outcome, case.owners, url)
        return outcome.error.kind
    assert_collected(outcome, case)
    return f"{case.error}, collected"


def _timeout(error):
    return TIMEOUT_S if error == "RequestTimeout" else PATIENT_S


class Outcome(NamedTuple):
    """What a pull gave: frames, failures and the exception, where there was one."""

    frames: list[pd.DataFrame]
    failures: pd.DataFrame | None
    error: errors.HeliusError | None


def pull(owners, url, way, form="sync", **options):
    """Read in one of the ways, in one of the forms."""
    options = {
        "endpoint": url,
        "page_size": PAGE_SIZE,
        "timeout": PATIENT_S,
        "retries": RETRIES,
        "errors": "collect" if way == "collect" else "raise",
        "chunksize": 7 if way == "chunks" else None,
        **options,
    }
    frames = []
    try:
        if form == "async":
            asyncio.run(_async_pull(frames, owners, options))
        else:
            _sync_pull(frames, owners, options)
    except errors.HeliusError as error:
        return Outcome(frames, None, error)
    return Outcome(frames, frames[0].helius.failures() if way == "collect" else None, None)


def _failed(outcome):
    return outcome.failures is not None and len(outcome.failures)


def _sync_pull(frames, owners, options):
    if options["chunksize"] is None:
        frames.append(read_helius_balances(owners, **options))
    else:
        frames.extend(read_helius_balances(owners, **options))


async def _async_pull(frames, owners, options):
    if options["chunksize"] is None:
        frames.append(await aread_helius_balances(owners, **options))
    else:
        async for frame in aread_helius_balances(owners, **options):
            frames.append(frame)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "tasks are left over"


def assert_exact(outcome, owners):
    assert outcome.error is None, outcome.error
    together = pd.concat(outcome.frames)
    assert [row for frame in outcome.frames for row in rows_of(frame)] == rows_held(HOLDINGS, owners)
    assert (together["slot"] >= 450).all()
    assert together["balance"].dtype == "uint64"
    assert outcome.failures is None or not len(outcome.failures)


def assert_raised(outcome, case):
    error = outcome.error
    assert error is not None, "no exception"
    assert type(error) is getattr(errors, case.error)
    is_about_everyone = isinstance(error, errors.AuthenticationError | errors.HostUnreachableError)
    assert error.owner == (None if is_about_everyone else STRUCK)
    assert is_about_everyone or error.page >= 1
    assert (STRUCK in str(error)) is not is_about_everyone
    assert STRUCK in error.open_owners
    assert error.__cause__ is None


def assert_goes_on(outcome, owners, url):
    """What had arrived, and a second call for the open owners, are the whole."""
    error = outcome.error
    frames = [*outcome.frames, error.partial]
    closed = [frame[~frame["owner"].isin(error.open_owners)] for frame in frames]
    rest = pull(error.open_owners, url, "raise").frames
    got = sorted(row for frame in (*closed, *rest) for row in rows_of(frame))
    assert got == sorted(rows_held(HOLDINGS, owners))
    assert not set(error.partial["owner"]) & set(error.open_owners)


def assert_collected(outcome, case):
    assert outcome.error is None, outcome.error
    assert rows_of(outcome.frames[0]) == rows_held(HOLDINGS, [o for o in case.owners if o != STRUCK])
    (failure,) = outcome.failures.itertuples()
    assert (failure.owner, failure.kind) == (STRUCK, case.error)
    assert failure.page >= 1
    assert outcome.frames[0].attrs["helius"]["failed"] == 1


# Hosts that fail before a reply is begun, which no ASGI app can: what a connection meets, and what is due.


def _reset(connection):
    time.sleep(0.01)  # else the client may not even have been connected
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _say(data):
    return lambda connection: (connection.recv(4096), connection.sendall(data))


def _say_for_ever(begin, again, pause_s=0.0):
    def behave(connection):
        connection.recv(4096)
        connection.sendall(begin)
        while True:
            connection.sendall(again)
            time.sleep(pause_s)

    return behave


def _silent(connection):
    connection.recv(4096)
    while connection.recv(4096):
        pass


_OK = b"HTTP/1.1 200 OK\r\n"
CONNECTIONS = {
    "reset unheard": (_reset, "TransportError"),
    "closed unheard": (lambda _: None, "TransportError"),
    "not HTTP": (_say(b"SSH-2.0-OpenSSH_9.6\r\n"), "TransportError"),
    "headers without end": (_say_for_ever(_OK, b"x-more: " + b"m" * 500 + b"\r\n"), "TransportError"),
    "headers that trickle": (_say_for_ever(_OK, b"x", 0.01), "RequestTimeout"),
    "interim replies without end": (
        _say_for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        "RequestTimeout",
    ),
    "a wrong length": (_say(_OK + b"content-length: many\r\n\r\n{}"), "TransportError"),
    "silence": (_silent, "RequestTimeout"),
}


@contextmanager
def _refused():
    with unused_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _no_such_host():
    yield "https://no-such-host.invalid"


@contextmanager
def _tls_on_a_plain_port():
    with listening(_say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def _untrusted():
    with listening(_silent, tls_context("127.0.0.1")) as port:
        yield f"https://127.0.0.1:{port}"


HOSTS = {
    "refused": _refused,
    "no such host": _no_such_host,
    "TLS asked of a plain port": _tls_on_a_plain_port,
    "certificate of nobody": _untrusted,
}


@contextmanager
def broken_host(name):
    """URL of a host that is broken in this way."""
    if name in HOSTS:
        with HOSTS[name]() as url:
            yield url
    else:
        with listening(CONNECTIONS[name][0]) as port:
            yield f"http://127.0.0.1:{port}"


def host_error(name):
    return "HostUnreachableError" if name in HOSTS else CONNECTIONS[name][1]


def host_product():
    return itertools.product((*HOSTS, *CONNECTIONS), WAYS, FORMS)


def check_host(name, way, form):
    """Pull from a broken host, and assert what came of it."""
    due, begin = host_error(name), time.monotonic()
    with broken_host(name) as url, use_transport("httpx"):
        outcome = pull(OWNERS[:1], url, way, form, timeout=_timeout(due))
    assert time.monotonic() - begin < BOUND_S, "the pull took too long"
    if way == "collect" and due not in _ENDS_PULL:
        assert outcome.failures["kind"].tolist() == [due]
        return f"{due}, collected"
    assert type(outcome.error) is getattr(errors, due), repr(outcome.error)
    assert outcome.error.open_owners == OWNERS[:1]
    assert not len(outcome.error.partial)
    return due


def main():
    """Run the whole product, print the table of counts, and tell whether all was as expected."""
    counts, wrong, begin = Counter(), [], time.monotonic()
    with swappable_server() as (server, url):
        for case in product():
            _try(counts, wrong, f"page {case.place}", case, check, case, server, url)
    for values in host_product():
        _try(counts, wrong, "no reply", values, check_host, *values)
    _print(counts, wrong, time.monotonic() - begin)
    return not wrong


def _try(counts, wrong, place, case, run, *arguments):
    try:
        counts[run(*arguments), place] += 1
    except Exception as error:  # noqa: BLE001 - the table lists what went wrong
        counts["not as expected", place] += 1
        wrong.append(f"{tuple(case)}: {type(error).__name__}: {str(error)[:300]}")


def _print(counts, wrong, seconds):
    hosts = len(HOSTS) + len(CONNECTIONS)
    cases = f"{counts.total():,} cases in {seconds:,.0f} s"
    print(f"{len(FAULTS)} faults, {hosts} broken hosts: {cases}")
    table = pd.Series(counts).unstack(fill_value=0).assign(all=lambda table: table.sum(axis=1))
    print(table.rename_axis("outcome").to_string())
    print(f"as expected: {counts.total() - len(wrong):,} of {counts.total():,}")
    print(*wrong[:_LISTED], sep="\n")


if __name__ == "__main__":
    sys.exit(not main())
