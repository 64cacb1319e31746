"""A server that refuses: the pull ends within its patience, and says what it looks like."""

from __future__ import annotations

import pytest

from helius_frames import demo, errors, read_helius_balances
from helius_frames.demo import Holdings, Indexer, serve
from tests.support.frames import rows_held, rows_of
from tests.support.servers import ScriptedServer
from tests.support.transport import use_transport

HOLDINGS = Holdings.uniform(60, 2, 20, seed=4)


@pytest.mark.parametrize("retry_after", [b"120", b"1", None])
@pytest.mark.parametrize("owners", [1, 200])
def test_a_pull_that_is_refused_for_good_ends_within_its_patience(retry_after, owners):
    headers = [] if retry_after is None else [(b"retry-after", retry_after)]
    app = ScriptedServer(lambda _call: (429, headers, b"{}"))
    with use_transport("in process", app) as clock, pytest.raises(errors.RateLimitError) as caught:
        read_helius_balances(demo.OWNERS[:owners], endpoint="http://localhost", retries=500)
    assert 250 < clock.now < 300 + 2 * 120
    assert "credits" in str(caught.value)
    assert "plan=" not in str(caught.value)


def test_refusals_among_accepted_requests_look_like_the_rate():
    calls = iter(range(10**9))
    holdings = Indexer(HOLDINGS)
    refusing = ScriptedServer(lambda _call: (429, [], b"{}"))

    async def app(scope, receive, send):
        await (refusing if next(calls) % 2 else holdings)(scope, receive, send)

    with use_transport("in process", app), pytest.raises(errors.RateLimitError) as caught:
        read_helius_balances(HOLDINGS.owners, endpoint="http://localhost", retries=0)
    assert "plan=" in str(caught.value)
    assert "requests_per_second=" in str(caught.value)


def test_progress_says_how_many_were_refused_and_which_rate_was_found():
    seen = []
    app = Indexer(HOLDINGS, rate=40)
    with serve(app) as url:
        frame = read_helius_balances(HOLDINGS.owners, endpoint=url, retries=50, progress=seen.append)
    assert rows_of(frame) == rows_held(HOLDINGS)
    last = seen[-1]
    assert last.refused == app.refused > 0
    assert last.requests == app.requests == last.pages + last.refused
    assert last.rate > 0
