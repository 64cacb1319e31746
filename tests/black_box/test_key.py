"""The key: it reaches the one host it is for, and nothing else that can be read."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import nbformat
import pytest
from IPython.core.ultratb import VerboseTB
from ipywidgets import Widget
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.traceback import Traceback

from helius_frames import aread_helius_balances, errors, read_helius_balances
from helius_frames.demo import Indexer, serve
from tests.support.frames import rows_held, rows_of
from tests.support.key_search import (
    FAILING,
    HOLDINGS,
    KEY,
    KEY_PLACES,
    OWNERS,
    PART,
    all_texts,
    error_of_pull,
    failing_server,
    has_key,
    pull,
)
from tests.support.library_loop import library_tasks
from tests.support.servers import (
    RecordingServer,
    listening,
    send_reply,
    swappable_server,
    tls_context,
    unused_port,
)
from tests.support.transport import use_transport

by_place = pytest.mark.parametrize("place", KEY_PLACES)


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


def drawn_by_shells(error):
    """Tracebacks with locals as IPython's ``%xmode Verbose`` and rich draw them, which takes a second."""
    console = Console(file=io.StringIO(), width=200)
    look = {"show_locals": True, "locals_max_string": None, "max_frames": 0}
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, **look))
    verbose = VerboseTB(include_vars=True).structured_traceback(type(error), error, error.__traceback__)
    return console.file.getvalue(), "\n".join(map(str, verbose))


def assert_silent(error, heard):
    for text in all_texts(error):
        assert not has_key(text), text
    assert not any(map(has_key, heard.text))


@pytest.fixture(scope="module")
def served():
    """A function that lets the one server be this app, and gives its URL."""
    with swappable_server() as (server, url):

        def become(app):
            server.app = app
            return url

        yield become


@pytest.fixture
def fault_server(served):
    """A function that makes the one server have a error, and gives its URL."""
    return lambda name: served(failing_server(name))


def no_page(quoted):
    """An app whose replies are no page, and quote so much of the key."""

    async def answer(_scope, _receive, send):
        await send_reply(send, 200, [], b'{"message":"no %b"}' % KEY[quoted].encode())

    return answer


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form"), [("401-text", "sync"), ("reset-body", "sync"), ("stall", "async")])
def test_no_shell_draws_the_key(name, form, fault_server):
    error = error_of_pull(fault_server(name), "argument", form)
    drawn = drawn_by_shells(error)
    assert all(type(error).__name__ in text for text in drawn)
    assert not any(map(has_key, drawn))


def test_the_search_finds_a_key_and_half_a_key():
    assert has_key(f"x{KEY}y")
    assert has_key(f"…{KEY[5:20]}…".encode())
    assert not has_key("a" * 50)


@by_place
@pytest.mark.parametrize("name", FAILING)
def test_no_fault_shows_the_key(name, place, heard, fault_server):
    form = ("sync", "async")[(FAILING.index(name) + list(KEY_PLACES).index(place)) % 2]
    error = error_of_pull(fault_server(name), place, form)
    assert_silent(error, heard)


@by_place
def test_a_server_that_echoes_the_key_is_not_quoted(place, heard, fault_server):
    error = error_of_pull(fault_server("echo-key"), place)
    assert isinstance(error, errors.AuthenticationError)
    assert_silent(error, heard)


@by_place
@pytest.mark.parametrize("quoted", [slice(None), slice(30)], ids=["the whole", "a part"])
def test_a_reply_that_is_no_page_and_quotes_the_key_is_not_quoted(quoted, place, heard, served):
    error = error_of_pull(served(no_page(quoted)), place)
    assert isinstance(error, errors.ProtocolError)
    assert "[hidden]" in str(error)
    assert_silent(error, heard)


def test_a_short_key_in_a_reply_that_is_no_page_is_in_no_exception_and_no_note(monkeypatch):
    monkeypatch.setitem(KEY_PLACES, "short", lambda url: {"endpoint": url, "api_key": KEY[:PART]})
    with use_transport("in process", no_page(slice(PART))):
        df = pull("http://localhost", "short", "sync", {"errors": "collect", "retries": 0}, OWNERS[:1])
    assert "[hidden]" in df.attrs["helius"]["failures"]
    assert not has_key(str(df.attrs))


@by_place
def test_a_host_that_is_not_there_does_not_show_the_key(place, heard):
    with unused_port() as port:
        error = error_of_pull(f"http://127.0.0.1:{port}", place)
    assert isinstance(error, errors.HostUnreachableError)
    assert_silent(error, heard)


def test_a_certificate_that_is_not_trusted_gets_no_key(heard):
    asked = []
    with listening(lambda stream: asked.append(stream.recv(4096)), tls_context("127.0.0.1")) as port:
        error = error_of_pull(f"https://127.0.0.1:{port}", "argument")
    assert not any(map(has_key, asked))
    assert_silent(error, heard)


def test_a_redirect_takes_the_key_nowhere(heard, served):
    elsewhere = []
    with listening(lambda stream: elsewhere.append(stream.recv(4096))) as port:

        async def away(scope, receive, send):
            await receive()
            location = b"http://127.0.0.1:%d/?%b" % (port, scope["query_string"])
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", location)]})
            await send({"type": "http.response.body", "body": b""})

        error = error_of_pull(served(away), "argument")
    assert isinstance(error, errors.ProtocolError)
    assert not elsewhere
    assert_silent(error, heard)


@pytest.mark.parametrize("way", ["raise", "collect", "chunks"])
def test_an_interrupt_does_not_show_the_key(way, heard, fault_server):
    ticks = []

    def interrupt(tally):
        ticks.append(tally)
        if len(ticks) == 1:
            raise KeyboardInterrupt

    url = fault_server("stall")
    if way == "chunks":
        with use_transport("httpx"), pytest.raises(errors.PullInterrupted) as info:
            next(read_helius_balances(OWNERS, **KEY_PLACES["argument"](url), chunksize=3, progress=interrupt))
        error = info.value
    else:
        error = error_of_pull(url, "argument", timeout=5, errors=way, progress=interrupt)
    assert isinstance(error, errors.PullInterrupted)
    assert_silent(error, heard)


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
    assert not has_key(str(info.value))


def test_a_pull_that_succeeds_shows_the_key_nowhere(heard, capfd, tmp_path, served):
    drawn = []
    recorder = RecordingServer(Indexer(HOLDINGS, api_key=KEY))
    url = served(recorder)
    with use_transport("httpx"):
        frame = pull(url, "argument", "sync", {"progress": drawn.append})
        chunks = read_helius_balances(OWNERS, **KEY_PLACES["argument"](url), chunksize=5)
        parts = list(chunks)
        asyncio.run(aread_helius_balances(OWNERS, **KEY_PLACES["url"](url), progress=True))
        again = frame.helius.refresh(**KEY_PLACES["argument"](url))
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
        assert not has_key(text), text


def test_the_tasks_of_a_running_pull_do_not_show_the_key(served):
    seen = []

    def look(_tally):
        seen.extend(f"{task!r} {task.get_coro()!r}" for task in library_tasks())
        seen.extend(repr(thread) for thread in threading.enumerate())

    pull(served(Indexer(HOLDINGS, latency_s=0.15)), "argument", "sync", {"progress": look})
    assert seen
    assert not any(map(has_key, seen))


def test_the_key_goes_to_the_one_host_in_the_query_alone(monkeypatch, served):
    proxied = []
    recorder = RecordingServer(Indexer(HOLDINGS, api_key=KEY))
    url = served(recorder)
    with listening(lambda stream: proxied.append(stream.recv(4096))) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        with use_transport("httpx"):
            pull(url, "argument", "sync", {})
    assert recorder.keys == [[KEY]] * len(OWNERS)
    for scope in recorder.scopes:
        assert scope["path"] == "/"
        assert not any(has_key(value) for _, value in scope["headers"])
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
    recorder = RecordingServer(Indexer(HOLDINGS))
    with use_transport("in process", recorder):
        read_helius_balances(OWNERS, **options)
    assert {scope["server"][0] for scope in recorder.scopes} == {host}
    assert recorder.keys == [[KEY] if is_sent else None] * len(OWNERS)


@pytest.mark.slow
def test_charts_and_the_explorer_do_not_carry_the_key(monkeypatch):
    with serve(Indexer(HOLDINGS, api_key=KEY)) as url:
        frame = pull(url, "argument", "sync", {})
    mint = frame["mint"].iloc[0]
    explorer = frame.helius.explore(mint=mint)
    saved = [explorer.download(kind) for kind in ("html", "csv", "parquet")]
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
    assert not any(map(has_key, [*texts, *(item.data for item in saved)]))


def notebook(*cells):
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return book


SHOUT = """
import logging
import pickle
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
    assert not has_key(shown)
    assert not has_key(refused)
