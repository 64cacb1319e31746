"""A key made for this run, the places where a caller may put it, and the search for it in what others see.

The key never stands in a local variable of these functions or of the tests, since their own frames are part
of every traceback that is searched.
"""

from __future__ import annotations

import asyncio
import pickle
import secrets
import traceback
from urllib.parse import quote

import pytest

from helius_frames import aread_helius_balances, errors, read_helius_balances
from helius_frames.demo import Holdings
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.transport import use_transport

# A key like Helius's own, new at each run, so that no stored text can hold it by chance.
KEY = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(8)}"
# Any part of so many characters counts: half a key is still a key, and chance does not find twelve.
PART = 12
PARTS = {text[i : i + PART] for text in (KEY, quote(KEY), KEY.upper()) for i in range(len(text) - PART + 1)}
HOLDINGS = Holdings.uniform(3, 9, 20, seed=8)
OWNERS = list(HOLDINGS.owners)

KEY_PLACES = {
    "argument": lambda url: {"endpoint": url, "api_key": KEY},
    "url": lambda url: {"endpoint": f"{url}/?api-key={KEY}"},
    "path": lambda url: {"endpoint": f"{url}/v1/{KEY}/rpc"},
    "user": lambda url: {"endpoint": url.replace("://", f"://me:{KEY}@")},
}
# Each fails in another way: refused, unreadable, echoed, late, broken, sent elsewhere, too fast.
FAILING = [
    "401-json",
    "401-text",
    "echo-key",
    "echo-key-html",
    "html",
    "half-json",
    "redirect",
    "429-seconds",
    "rpc-32000",
    "wrong-id",
    "gzip-broken",
    "balance-2^64",
    "stall",
    "reset",
    "reset-body",
    "cut-short",
    "unending",
]


def has_key(text):
    """Whether any part of the key stands in a text."""
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return any(part in text for part in PARTS)


def failing_server(name):
    """Return an app with one fault, at every request."""
    return FaultyIndexer(HOLDINGS, faults=[FaultRule(name)])


def pull(url, place, form="sync", options=None, owners=OWNERS):
    """Pull with the key in one place, in one form: sync, nested or async."""
    options = options or {}
    if form == "async":
        return asyncio.run(aread_helius_balances(owners, **KEY_PLACES[place](url), **options))
    event_loop = "nested" if form == "nested" else "thread"
    return read_helius_balances(owners, **KEY_PLACES[place](url), event_loop=event_loop, **options)


def error_of_pull(url, place, form="sync", **options):
    """Return the exception of a pull of one owner that fails."""
    options = {"retries": 1, "timeout": 0.3, **options}
    with pytest.raises((errors.HeliusError, errors.PullInterrupted)) as info, use_transport("httpx"):
        pull(url, place, form, options, OWNERS[:1])
    return info.value


def all_texts(error):
    """Yield an exception in every way: its texts and fields, plain with locals, each local, pickled."""
    yield from traceback.TracebackException.from_exception(error, capture_locals=True).format()
    for one in _chain(error):
        yield f"{one!s} {one!r} {one.args!r} {vars(one)!r}"
        yield from _locals(one)
    fields = {name: value for name, value in vars(error).items() if name not in ("exceptions", "others")}
    yield pickle.dumps((str(error), error.args, fields))


def texts_of_package(error):
    """Yield an exception and its chain as texts, with the locals of the package's own frames alone."""
    for one in _chain(error):
        yield f"{one!s} {one!r} {one.args!r} {vars(one)!r}"
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_globals.get("__name__", "").startswith("helius_frames"):
                for name, value in frame.f_locals.items():
                    yield f"{name} = {value!r} {getattr(value, '__dict__', '')!r}"


def _locals(error):
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for name, value in frame.f_locals.items():
            yield f"{name} = {value!r} {getattr(value, '__dict__', '')!r}"


def _chain(error):
    pending = [error]
    while pending:
        one = pending.pop()
        yield one
        inner = (*getattr(one, "exceptions", ()), *getattr(one, "others", ()))
        pending += [other for other in (one.__cause__, one.__context__, *inner) if other]
