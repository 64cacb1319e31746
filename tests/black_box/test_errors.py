"""What a caller sees when a pull fails: one short error, what was kept, and no secret."""

from __future__ import annotations

import json
import re
import sys

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

import helius_frames
from helius_frames import demo, errors, read_helius_balances
from helius_frames.demo import Holdings, Indexer, serve
from tests.fault_server import FaultRule, FaultyIndexer
from tests.support.frames import rows_held, rows_of
from tests.support.servers import ScriptedServer, page_body
from tests.support.subprocess_helpers import run_python
from tests.support.transport import use_transport

HOLDINGS = Holdings.uniform(12, 6, 30, seed=8)
OWNERS = list(HOLDINGS.owners)
KEY = "1f0e2d3c-aaaa-4bbb-8ccc-0123456789ab"
URL = "http://localhost"


def failing(owners, name="rpc-32000", **options):
    return FaultyIndexer(HOLDINGS, faults=[FaultRule(name, owner=owner) for owner in owners], **options)


# One error


def test_errors_in_flight_together_are_one_error_with_the_others():
    with use_transport("in process", failing(OWNERS)), pytest.raises(errors.RPCError) as caught:
        read_helius_balances(OWNERS, endpoint=URL, retries=0)
    error = caught.value
    assert error.owner == OWNERS[0]
    assert error.others
    assert all(isinstance(other, errors.RPCError) for other in error.others)
    owners = [other.owner for other in error.others]
    assert owners == [owner for owner in OWNERS if owner in owners]
    assert f"{len(owners)} more failed" in str(error)
    assert not isinstance(error, BaseExceptionGroup)


def test_a_wrong_key_is_one_error_that_names_no_owner():
    app = Indexer(HOLDINGS, api_key="right")
    with use_transport("in process", app), pytest.raises(errors.AuthenticationError) as caught:
        read_helius_balances(OWNERS, endpoint=URL, api_key="wrong")
    assert caught.value.owner is None
    assert caught.value.others == ()
    assert not any(owner in str(caught.value) for owner in OWNERS)


def test_an_rpc_error_says_what_to_do():
    with (
        use_transport("in process", failing(OWNERS[:1])),
        pytest.raises(errors.RPCError, match=r"; \w+") as caught,
    ):
        read_helius_balances(OWNERS[0], endpoint=URL, retries=0)
    assert "retrying does not help" in str(caught.value)


# What was kept


def test_the_message_says_what_was_kept_and_how_to_go_on():
    with use_transport("in process", failing(OWNERS[7:8])), pytest.raises(errors.RPCError) as caught:
        read_helius_balances(OWNERS, endpoint=URL, retries=0, max_concurrency=1)
    error = caught.value
    assert "7 of 12 owners" in str(error)
    assert "sys.last_value.partial" in str(error)
    assert ".open_owners" in str(error)
    assert rows_of(error.partial) == rows_held(HOLDINGS, OWNERS[:7])
    assert error.open_owners == tuple(OWNERS[7:])


def test_nothing_kept_is_said_too():
    with (
        use_transport("in process", failing(OWNERS)),
        pytest.raises(errors.RPCError, match="Nothing was kept"),
    ):
        read_helius_balances(OWNERS[0], endpoint=URL, retries=0)


def test_an_interrupt_says_what_was_kept():
    def interrupt(progress):
        if progress.done >= 5:
            raise KeyboardInterrupt

    with serve(Indexer(HOLDINGS, latency_s=0.15)) as url, pytest.raises(errors.PullInterrupted) as caught:
        read_helius_balances(OWNERS, endpoint=url, max_concurrency=1, progress=interrupt)
    assert re.search(r"Kept: \d+ of 12 owners", str(caught.value))
    assert rows_of(caught.value.partial) == rows_held(
        HOLDINGS, [owner for owner in OWNERS if owner not in caught.value.open_owners]
    )


# Who was read


def test_categories_are_the_owners_read_to_the_end():
    with use_transport("in process", failing([OWNERS[3]])):
        frame = read_helius_balances(OWNERS, endpoint=URL, retries=0, errors="collect")
        with pytest.raises(errors.RPCError) as caught:
            read_helius_balances(OWNERS, endpoint=URL, retries=0, max_concurrency=1)
    assert frame["owner"].cat.categories.tolist() == [*OWNERS[:3], *OWNERS[4:]]
    assert caught.value.partial["owner"].cat.categories.tolist() == OWNERS[:3]


def test_an_owner_without_rows_is_a_category():
    with use_transport("in process", Indexer(Holdings.from_dict({OWNERS[0]: {}}))):
        frame = read_helius_balances(OWNERS[:1], endpoint=URL)
    assert frame.empty
    assert frame["owner"].cat.categories.tolist() == OWNERS[:1]


@pytest.mark.parametrize("has_attrs", [True, False])
def test_open_owners_are_not_read_and_never_gone(has_attrs):
    with use_transport("in process", Indexer(HOLDINGS)):
        full = read_helius_balances(OWNERS, endpoint=URL)
    with use_transport("in process", failing([OWNERS[3]])), pytest.raises(errors.RPCError) as caught:
        read_helius_balances(OWNERS, endpoint=URL, retries=0, max_concurrency=1)
    partial = caught.value.partial
    if not has_attrs:
        full.attrs, partial.attrs = {}, {}
    status = full.helius.diff(partial)["status"].astype(str)
    assert set(status) == {"same", "not read"}
    assert (status == "not read").sum() == full["owner"].isin(OWNERS[3:]).sum()


# Short in a notebook


@pytest.fixture
def shell(monkeypatch):
    monkeypatch.delenv("HELIUS_API_KEY", raising=False)
    shell = InteractiveShell()
    shell.user_ns.update(pd=pd, helius_frames=helius_frames, demo=demo)
    yield shell
    sys.excepthook = sys.__excepthook__


@pytest.mark.parametrize(
    "call",
    [
        "pd.read_helius_balances(demo.OWNERS)",
        "pd.read_helius_balances(demo.OWNERS, endpoint=url, api_key='wrong')",
        "pd.read_helius_balances('0xAbC', cluster='demo')",
        "pd.Series(demo.OWNERS).helius.read_balances(endpoint=url, api_key='wrong')",
        "await helius_frames.aread_helius_balances(demo.OWNERS, endpoint=url, api_key='wrong')",
        "next(pd.read_helius_balances(demo.OWNERS, endpoint=url, api_key='wrong', chunksize=5))",
        "pd.read_helius_balances(demo.OWNERS, cluster='demo').helius.refresh(plan='gold')",
    ],
)
def test_an_expected_error_takes_at_most_sixteen_lines_in_a_notebook(shell, call, capsys):
    with serve(Indexer(HOLDINGS, api_key="right")) as url:
        shell.user_ns["url"] = url
        shell.run_cell(call)
    shown = capsys.readouterr().out.strip().splitlines()
    assert "Error" in shown[1]
    assert len(shown) <= 16, "\n".join(shown)


# A secret in the wrong place


@pytest.mark.parametrize(
    "options",
    [
        {"mint": KEY},
        {"plan": KEY},
        {"errors": KEY},
        {"cluster": KEY},
        {"event_loop": KEY},
        {"dtype_backend": KEY},
        {"consistency": KEY},
        {"chunksize": KEY},
        {"progress": KEY},
        {"timeout": KEY},
        {"owners": KEY},
        {"owners": f"https://mainnet.helius-rpc.com/?api-key={KEY}"},
        {"owners": [OWNERS[0], KEY]},
        {"cluster": f"https://mainnet.helius-rpc.com/?api-key={KEY}"},
        {"mint": f"https://mainnet.helius-rpc.com/?api-key={KEY}"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_key_in_the_wrong_argument_is_not_shown(options):
    arguments = {"owners": OWNERS[0], "cluster": "demo"} | options
    with pytest.raises(errors.InputError) as caught:
        read_helius_balances(**arguments)
    shown = f"{caught.value}{caught.value.args}{getattr(caught.value, 'problems', '')}"
    assert not any(KEY[place : place + 8] in shown for place in range(len(KEY) - 7))


@pytest.mark.parametrize(
    ("endpoint", "secret"),
    [
        ("http://us%2Der:p%40ss%2Fw0rd@localhost/", "p@ss/w0rd"),
        ("http://localhost/rpc%2Dsecret%2Dpath/", "rpc-secret-path"),
        ("http://localhost/v1;token=abc%3Ddefgh1234/", "abc=defgh1234"),
        ("http://localhost/?api-key=abc%2Bdef%2Fghi", "abc+def/ghi"),
        ("http://us%2Der:p%40ss%2Fw0rd@localhost/", "dXMtZXI6cEBzcy93MHJk"),
    ],
)
@pytest.mark.parametrize("written", [str, lambda text: "".join(f"\\u{ord(char):04x}" for char in text)])
def test_a_secret_that_the_server_echoes_in_another_form_is_hidden(endpoint, secret, written):
    def answer(call):
        text = '{"jsonrpc":"2.0","error":{"code":-32000,"message":"no %s here"},"id":"%s"}'
        return 200, [], (text % (written(secret), call["id"])).encode()

    with use_transport("in process", ScriptedServer(answer)):
        frame = read_helius_balances(OWNERS[0], endpoint=endpoint, errors="collect", retries=0)
    shown = json.dumps(frame.attrs) + frame.helius.failures().to_csv()
    assert secret not in shown
    assert "[hidden]" in shown


# Odd calls


@pytest.mark.parametrize("timeout", [1e9, 1e300, 2**70])
def test_a_huge_timeout_is_no_error(timeout):
    with use_transport("in process", Indexer(HOLDINGS)):
        assert rows_of(read_helius_balances(OWNERS, endpoint=URL, timeout=timeout)) == rows_held(HOLDINGS)


@pytest.mark.parametrize(
    "options",
    [
        {"drop_zero": "no"},
        {"drop_zero": 1},
        {"progress": "no"},
        {"plan": []},
        {"errors": None},
        {"retries": -1},
    ],
    ids=str,
)
def test_an_option_with_a_wrong_value_is_refused_in_one_wording(options):
    with pytest.raises(errors.InputError, match=rf"^{next(iter(options))} must be .*, got "):
        read_helius_balances(OWNERS, cluster="demo", **options)


def test_an_unknown_option_is_a_type_error():
    with pytest.raises(TypeError, match="pagesize"):
        read_helius_balances(OWNERS, cluster="demo", pagesize=5)


@pytest.mark.parametrize(
    "attrs", ["text", 5, [], {"cluster": 5}, {"mints": 7}, {"cluster": "demo", "mints": {1: 2}}]
)
def test_refresh_of_a_frame_with_foreign_attrs_is_an_error_of_ours_or_right(attrs):
    frame = read_helius_balances(demo.OWNERS[:3], cluster="demo")
    frame.attrs["helius"] = attrs
    try:
        again = frame.helius.refresh()
    except errors.HeliusError:
        return
    assert rows_of(again) == rows_of(frame)


# Progress


def test_a_callable_that_raises_stop_iteration_does_not_end_a_loop_over_chunks_early():
    def stop(_progress):
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(read_helius_balances(demo.OWNERS, cluster="demo", chunksize=100, progress=stop))


def test_a_callable_that_raised_is_not_called_again():
    calls = []

    def fail(_progress):
        calls.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_helius_balances(demo.OWNERS, cluster="demo", progress=fail)
    assert len(calls) == 1


def test_a_callable_cannot_hide_the_error_of_the_pull():
    def fail_at_the_end(progress):
        if progress.requests:
            raise ZeroDivisionError

    app = ScriptedServer(lambda call: (401, [], page_body(call)))
    with use_transport("in process", app), pytest.raises(errors.AuthenticationError) as caught:
        read_helius_balances(OWNERS, endpoint=URL, api_key="wrong", progress=fail_at_the_end)
    assert caught.value.partial is not None


# Forks

FORKING = """
import os, sys, threading, time
import helius_frames
url, after_s = sys.argv[1], float(sys.argv[2])
owners = helius_frames.demo.OWNERS[:5]
thread = threading.Thread(target=lambda: helius_frames.read_helius_balances(owners, endpoint=url))
thread.start()
time.sleep(after_s)
child = os.fork()
if not child:
    helius_frames.read_helius_balances(owners, endpoint=url)
    os._exit(0)
for _ in range(1000):
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        sys.exit(status != 0)
    time.sleep(0.01)
os.kill(child, 9)
sys.exit(2)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(helius_frames.demo, "app") or sys.platform == "win32", reason="there is no fork"
)
def test_a_fork_during_the_first_pull_leaves_a_child_that_can_pull():
    with serve(demo.app()) as url:
        for after_s in (0.003, 0.01, 0.025, 0.03, 0.05, 0.06, 0.08, 0.1):
            assert run_python("-W", "ignore", "-c", FORKING, url, str(after_s)).returncode == 0, after_s
