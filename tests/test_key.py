"""The key: it reaches the one host it is for, and nothing else that can be read."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import logging
import pickle
import secrets
import socket
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import parse_qs, quote

import nbformat
import pytest
from IPython.core.ultratb import VerboseTB
from ipywidgets import Widget
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.traceback import Traceback

from helius_frames import _bridge, aread_helius_balances, errors, read_helius_balances
from helius_frames.demo import Holdings, Indexer, serve
from tests.fault_server import FaultRule, FaultyIndexer
from tests.faults import listening, switched, tls_context
from tests.pulling import PORTS, rows_held, rows_of, settled

# A key like Helius's own, new at each run, so that no stored text can hold it by chance.
KEY = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(8)}"
# Any part of so many characters counts: half a key is still a key, and chance does not find twelve.
PART = 12
PARTS = {text[i : i + PART] for text in (KEY, quote(KEY), KEY.upper()) for i in range(len(text) - PART + 1)}
HOLDINGS = Holdings.uniform(3, 9, 20, seed=8)
OWNERS = list(HOLDINGS.owners)

BOTH = pytest.mark.parametrize("transport", PORTS)


def leaks(text):
    """Whether any part of the key stands in a text."""
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return any(part in text for part in PARTS)


# The key never stands in a local of these tests, since their own frames are part of every traceback.
GIVEN = {
    "argument": lambda url: {"endpoint": url, "api_key": KEY},
    "url": lambda url: {"endpoint": f"{url}/?api-key={KEY}"},
    "path": lambda url: {"endpoint": f"{url}/v1/{KEY}/rpc"},
    "user": lambda url: {"endpoint": url.replace("://", f"://me:{KEY}@")},
}


class Recorder:
    """An app that keeps what reached it, before it is answered."""

    def __init__(self, app):
        self.app = app
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(dict(scope))
        await self.app(scope, receive, send)

    @property
    def keys(self):
        return [parse_qs(scope["query_string"].decode()).get("api-key") for scope in self.scopes]


class Listener(logging.Handler):
    """Everything any logger says, with what it was said about."""

    def __init__(self):
        super().__init__()
        self.text = []

    def emit(self, record):
        self.text.append(f"{record.getMessage()} {record.__dict__!r}")


@pytest.fixture
def heard():
    """All loggers at DEBUG, with one listener on the root."""
    listener, root = Listener(), logging.getLogger()
    loggers = [
        root,
        *map(logging.getLogger, list(root.manager.loggerDict)),
        logging.getLogger("httpcore.http11"),
    ]
    before = [(logger, logger.level, logger.disabled) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    root.addHandler(listener)
    yield listener
    root.removeHandler(listener)
    for logger, level, disabled in before:
        logger.setLevel(level)
        logger.disabled = disabled


def told(fault):
    """Every way to look at an exception: its texts and fields, plain with locals, each local, pickled."""
    yield from traceback.TracebackException.from_exception(fault, capture_locals=True).format()
    for one in _chain(fault):
        yield f"{one!s} {one!r} {one.args!r} {vars(one)!r}"
        yield from _frames(one)
    fields = {name: value for name, value in vars(fault).items() if name != "exceptions"}
    yield pickle.dumps((str(fault), fault.args, fields))


def drawn_by_shells(fault):
    """Tracebacks with locals as IPython's ``%xmode Verbose`` and rich draw them, which takes a second."""
    console = Console(file=io.StringIO(), width=200)
    look = {"show_locals": True, "locals_max_string": None, "max_frames": 0}
    console.print(Traceback.from_exception(type(fault), fault, fault.__traceback__, **look))
    verbose = VerboseTB(include_vars=True).structured_traceback(type(fault), fault, fault.__traceback__)
    return console.file.getvalue(), "\n".join(map(str, verbose))


def _frames(fault):
    for frame, _ in traceback.walk_tb(fault.__traceback__):
        for name, value in frame.f_locals.items():
            yield f"{name} = {value!r} {getattr(value, '__dict__', '')!r}"


def _chain(fault):
    pending = [fault]
    while pending:
        one = pending.pop()
        yield one
        pending += [
            other for other in (one.__cause__, one.__context__, *getattr(one, "exceptions", ())) if other
        ]


def assert_silent(fault, heard):
    for text in told(fault):
        assert not leaks(text), text
    assert not any(map(leaks, heard.text))


def caught(url, given, transport, form="sync", **options):
    """Exception of a pull that fails."""
    options = {"retries": 1, "timeout": 0.3, **options}
    with pytest.raises((errors.HeliusError, errors.PullInterrupted)) as info, settled(transport):
        pull(url, given, form, options, OWNERS[:1])
    return info.value


def failing(name):
    """An app with one fault, at every request."""
    return FaultyIndexer(HOLDINGS, faults=[FaultRule(name)])


def pull(url, given, form, options, owners=OWNERS):
    if form == "async":
        return asyncio.run(aread_helius_balances(owners, **GIVEN[given](url), **options))
    event_loop = "nested" if form == "nested" else "thread"
    return read_helius_balances(owners, **GIVEN[given](url), event_loop=event_loop, **options)


@pytest.fixture(scope="module")
def served():
    """A function that lets the one server be this app, and gives its URL."""
    with switched() as (switch, url):

        def become(app):
            switch.app = app
            return url

        yield become


@pytest.fixture
def fault_server(served):
    """A function that makes the one server have a fault, and gives its URL."""
    return lambda name: served(failing(name))


def no_page(quoted):
    """An app whose replies are no page, and quote so much of the key."""

    async def answer(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b'{"message":"no %b"}' % KEY[quoted].encode()})

    return answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "form", "transport"),
    [("401-text", "sync", "pyreqwest"), ("reset-body", "sync", "httpx"), ("stall", "async", "pyreqwest")],
)
def test_no_shell_draws_the_key(name, form, transport, fault_server):
    fault = caught(fault_server(name), "argument", transport, form)
    drawn = drawn_by_shells(fault)
    assert all("_schedule.py" in text for text in drawn)
    assert not any(map(leaks, drawn))


def test_the_search_finds_a_key_and_half_a_key():
    assert leaks(f"x{KEY}y")
    assert leaks(f"…{KEY[5:20]}…".encode())
    assert not leaks("a" * 50)


# What fails in another way each: refused, unreadable, echoed, late, broken, sent elsewhere, too fast.
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


@pytest.mark.parametrize(("name", "transport"), list(zip(FAILING, itertools.cycle(PORTS), strict=False)))
def test_no_fault_shows_the_key(name, transport, heard, fault_server):
    given = list(GIVEN)[FAILING.index(name) // 2 % len(GIVEN)]
    form = ("sync", "async")[FAILING.index(name) // 4 % 2]
    fault = caught(fault_server(name), given, transport, form)
    assert_silent(fault, heard)


@BOTH
@pytest.mark.parametrize("given", GIVEN)
def test_a_server_that_echoes_the_key_is_not_quoted(given, transport, heard, fault_server):
    fault = caught(fault_server("echo-key"), given, transport)
    assert isinstance(fault, errors.AuthenticationError)
    assert_silent(fault, heard)


@BOTH
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("quoted", [slice(None), slice(30)], ids=["the whole", "a part"])
def test_a_reply_that_is_no_page_and_quotes_the_key_is_not_quoted(quoted, given, transport, heard, served):
    fault = caught(served(no_page(quoted)), given, transport)
    assert isinstance(fault, errors.ProtocolError)
    assert "[hidden]" in str(fault)
    assert_silent(fault, heard)


def test_a_short_key_in_a_reply_that_is_no_page_is_in_no_exception_and_no_note(monkeypatch):
    monkeypatch.setitem(GIVEN, "short", lambda url: {"endpoint": url, "api_key": KEY[:PART]})
    with settled("in process", no_page(slice(PART))):
        df = pull("http://localhost", "short", "sync", {"errors": "collect", "retries": 0}, OWNERS[:1])
    assert "[hidden]" in df.attrs["helius"]["failures"]
    assert not leaks(str(df.attrs))


@BOTH
@pytest.mark.parametrize("given", GIVEN)
def test_a_host_that_is_not_there_does_not_show_the_key(given, transport, heard):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fault = caught(f"http://127.0.0.1:{unused.getsockname()[1]}", given, transport)
    assert isinstance(fault, errors.HostUnreachableError)
    assert_silent(fault, heard)


@BOTH
def test_a_certificate_that_is_not_trusted_gets_no_key(transport, heard):
    asked = []
    with listening(lambda stream: asked.append(stream.recv(4096)), tls_context("127.0.0.1")) as port:
        fault = caught(f"https://127.0.0.1:{port}", "argument", transport)
    assert not any(map(leaks, asked))
    assert_silent(fault, heard)


@BOTH
def test_a_redirect_takes_the_key_nowhere(transport, heard, served):
    elsewhere = []
    with listening(lambda stream: elsewhere.append(stream.recv(4096))) as port:

        async def away(scope, receive, send):
            await receive()
            location = b"http://127.0.0.1:%d/?%b" % (port, scope["query_string"])
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", location)]})
            await send({"type": "http.response.body", "body": b""})

        fault = caught(served(away), "argument", transport)
    assert isinstance(fault, errors.ProtocolError)
    assert not elsewhere
    assert_silent(fault, heard)


@BOTH
@pytest.mark.parametrize("way", ["raise", "collect", "chunks"])
def test_an_interrupt_does_not_show_the_key(way, transport, heard, fault_server):
    ticks = []

    def interrupt(tally):
        ticks.append(tally)
        if len(ticks) == 1:
            raise KeyboardInterrupt

    url = fault_server("stall")
    if way == "chunks":
        with settled(transport), pytest.raises(errors.PullInterrupted) as info:
            next(read_helius_balances(OWNERS, **GIVEN["argument"](url), chunksize=3, progress=interrupt))
        fault = info.value
    else:
        fault = caught(url, "argument", transport, timeout=5, errors=way, progress=interrupt)
    assert isinstance(fault, errors.PullInterrupted)
    assert_silent(fault, heard)


def test_a_key_that_cannot_be_used_is_not_shown_either(heard):
    for options in (
        lambda: {"api_key": KEY + " "},
        lambda: {"api_key": "\n".join(KEY)},
        lambda: {"endpoint": f"ftp://{KEY}.example"},
        lambda: {"endpoint": f"http://rpc.example/?api-key={KEY}"},
        lambda: {"endpoint": f"https://rpc.example:{KEY}"},
        lambda: {"api_key": KEY, "cluster": "main"},
        lambda: {"api_key": KEY, "owners_are": "wrong"},
    ):
        owners = ["not an address"] if "owners_are" in options() else OWNERS
        with pytest.raises(errors.InputError) as info:
            read_helius_balances(
                owners, **{name: value for name, value in options().items() if name != "owners_are"}
            )
        assert_silent(info.value, heard)


def test_a_key_given_as_cluster_is_not_in_the_message():
    with pytest.raises(errors.EndpointError) as info:
        read_helius_balances(OWNERS, cluster=KEY)
    assert not leaks(str(info.value))


@BOTH
def test_a_pull_that_succeeds_shows_the_key_nowhere(transport, heard, capfd, tmp_path, served):
    drawn = []
    recorder = Recorder(Indexer(HOLDINGS, api_key=KEY))
    url = served(recorder)
    with settled(transport):
        frame = pull(url, "argument", "sync", {"progress": drawn.append})
        chunks = read_helius_balances(OWNERS, **GIVEN["argument"](url), chunksize=5)
        parts = list(chunks)
        asyncio.run(aread_helius_balances(OWNERS, **GIVEN["url"](url), progress=True))
        again = frame.helius.refresh(**GIVEN["argument"](url))
    assert rows_of(frame) == rows_held(HOLDINGS) == rows_of(again)
    assert recorder.keys == [[KEY]] * len(recorder.keys)
    frame.to_parquet(tmp_path / "balances.parquet")
    shown = (
        repr(frame),
        frame.to_html(),
        frame.to_json(),
        frame.to_csv(),
        repr(frame.attrs),
        json.dumps(frame.attrs),
        repr(frame.helius),
        repr(chunks),
        repr(vars(chunks)),
        repr(parts[0].attrs),
        repr(drawn),
        pickle.dumps(frame),
        (tmp_path / "balances.parquet").read_bytes(),
        *capfd.readouterr(),
    )
    for text in (*shown, *heard.text):
        assert not leaks(text), text


def test_the_tasks_of_a_running_pull_do_not_show_the_key(served):
    seen = []

    def look(_tally):
        tasks = asyncio.all_tasks(_bridge._private.loop())
        seen.extend(f"{task!r} {task.get_coro()!r}" for task in tasks)
        seen.extend(repr(thread) for thread in threading.enumerate())

    pull(served(Indexer(HOLDINGS, latency_s=0.15)), "argument", "sync", {"progress": look})
    assert seen
    assert not any(map(leaks, seen))


@BOTH
def test_the_key_goes_to_the_one_host_in_the_query_alone(transport, monkeypatch, served):
    proxied = []
    recorder = Recorder(Indexer(HOLDINGS, api_key=KEY))
    url = served(recorder)
    with listening(lambda stream: proxied.append(stream.recv(4096))) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        with settled(transport):
            pull(url, "argument", "sync", {})
    assert recorder.keys == [[KEY]] * len(OWNERS)
    for scope in recorder.scopes:
        assert scope["path"] == "/"
        assert not any(leaks(value) for _, value in scope["headers"])
    assert not proxied


@pytest.mark.parametrize(
    ("options", "host", "is_sent"),
    [
        ({"cluster": "mainnet"}, "mainnet.helius-rpc.com", True),
        ({"cluster": "devnet"}, "devnet.helius-rpc.com", True),
        ({}, "mainnet.helius-rpc.com", True),
        ({"endpoint": "https://fast-mainnet.helius-rpc.com"}, "fast-mainnet.helius-rpc.com", True),
        ({"endpoint": "https://rpc.example"}, "rpc.example", False),
        ({"endpoint": "https://mainnet.helius-rpc.com.example"}, "mainnet.helius-rpc.com.example", False),
        ({"endpoint": "https://nothelius-rpc.com"}, "nothelius-rpc.com", False),
        ({"endpoint": "https://mainnet.helius-rpc.com@rpc.example"}, "rpc.example", False),
    ],
)
def test_the_key_of_the_environment_goes_to_helius_alone(options, host, is_sent, monkeypatch):
    monkeypatch.setenv("HELIUS_API_KEY", KEY)
    recorder = Recorder(Indexer(HOLDINGS))
    with settled("in process", recorder):
        read_helius_balances(OWNERS, **options)
    assert {scope["server"][0] for scope in recorder.scopes} == {host}
    assert recorder.keys == [[KEY] if is_sent else None] * len(OWNERS)


@pytest.mark.slow
def test_charts_and_the_explorer_do_not_carry_the_key(monkeypatch):
    with serve(Indexer(HOLDINGS, api_key=KEY)) as url:
        frame = pull(url, "argument", "sync", {})
    mint = frame["mint"].iloc[0]
    explorer = frame.helius.explore(mint=mint)
    saved = (
        [explorer.download(kind) for kind in ("html", "csv", "parquet")]
        if hasattr(explorer, "download")
        else []
    )
    figures = [
        frame.helius.plot.histogram(mint),
        frame.helius.plot.treemap(mint),
        frame.helius.plot.heatmap(),
    ]
    texts = [figure.to_html() for figure in figures] + [figure.to_json() for figure in figures]
    texts += [
        repr(explorer),
        repr(explorer._repr_mimebundle_()),
        json.dumps(Widget.get_manager_state(), default=str),
    ]
    assert not any(map(leaks, [*texts, *(item.data for item in saved)]))


def notebook(*cells):
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return book


SHOUT = """
import logging
import pandas as pd, helius_frames
logging.basicConfig(level=logging.DEBUG, force=True)
%xmode Verbose
"""
READ = "df = pd.read_helius_balances({owners}, endpoint={url!r}, progress=True)"
SHOW = ("df.helius.explore()", "df", "df.attrs")


def executed(app):
    """Run a notebook that reads from an app, and give it as it is saved, widget state and all."""
    with serve(app) as url:
        book = notebook(SHOUT, READ.format(owners=OWNERS, url=url), *SHOW)
        client = NotebookClient(book, timeout=60, store_widget_state=True)
        with suppress(CellExecutionError):
            asyncio.run(client.async_execute())  # its own form without a loop leaves one open
    return nbformat.writes(book)


@pytest.mark.notebook
def test_saved_notebooks_do_not_hold_the_key(monkeypatch, tmp_path):
    monkeypatch.setenv("HELIUS_API_KEY", KEY)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    apps = (Indexer(HOLDINGS, api_key=KEY), Indexer(HOLDINGS, api_key="another"))
    with ThreadPoolExecutor() as threads:
        shown, refused = threads.map(executed, apps)
    assert "application/vnd.jupyter.widget-state+json" in shown
    assert "AuthenticationError" not in shown
    assert "AuthenticationError" in refused
    assert not leaks(shown)
    assert not leaks(refused)
