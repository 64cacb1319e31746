"""Progress: whom it is shown to, when, and what it says."""

from __future__ import annotations

import io
import sys
import types

import pytest

from helius_frames import _progress
from helius_frames._progress import CREDITS_PER_REQUEST, Tally, start
from tests.support.clocks import FakeClock


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock():
    return FakeClock(100.0)


@pytest.fixture(autouse=True)
def no_kernel(monkeypatch):
    """Take out the kernel modules that other tests may have loaded."""
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)


@pytest.fixture
def use_stderr(monkeypatch):
    """Put a stream in the place of standard error, as late as in the test: pytest sets its own before."""

    def use(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return use


def tally():
    return Tally(owners=4, done=2, failed=1, pages=1200, rows=34567, requests=1300, retries=5)


def test_a_tally_begins_at_nothing_and_counts_credits():
    assert Tally().credits == 0
    assert Tally(requests=7).credits == 70 == 7 * CREDITS_PER_REQUEST


# A callable


def test_a_callable_gets_the_tally_at_each_look_and_at_the_end(use_stderr):
    stderr = use_stderr(io.StringIO())
    seen = []
    now = Tally(owners=2)
    progress = start(now, seen.append)
    progress()
    now.done = 1
    progress()
    now.done = 2
    progress.close()
    assert [tally.done for tally in seen] == [0, 1, 2]  # each its own, so that they can be kept
    assert stderr.getvalue() == ""


def test_a_callable_is_called_on_the_demo_too(use_stderr):
    use_stderr(io.StringIO())
    seen = []
    start(tally(), seen.append, is_local=True).close()
    assert len(seen) == 1


def test_what_a_callable_raises_reaches_the_caller():
    def broken(_):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        start(tally(), broken)()


# Nothing


@pytest.mark.parametrize("choice", [False, 0], ids=repr)
def test_false_draws_nothing_even_where_a_person_watches(choice, use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = start(tally(), choice, clock=clock)
    clock.now += 60
    progress()
    progress.close()
    assert terminal.getvalue() == ""


def test_none_draws_nothing_where_nobody_watches(use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    progress = start(tally(), None, clock=clock)
    clock.now += 60
    progress()
    progress.close()
    assert stderr.getvalue() == ""


def test_none_draws_nothing_on_the_demo(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = start(tally(), None, is_local=True, clock=clock)
    clock.now += 60
    progress()
    progress.close()
    assert terminal.getvalue() == ""


def test_a_program_without_a_standard_error_is_not_watched(use_stderr, clock):
    use_stderr(None)
    progress = start(tally(), None, clock=clock)
    clock.now += 60
    progress()
    progress.close()


def test_a_pull_that_ends_within_a_moment_draws_nothing(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = start(tally(), None, clock=clock)
    progress()
    clock.now += 0.9
    progress()
    progress.close()
    assert terminal.getvalue() == ""


# A bar


def test_none_draws_a_bar_for_a_person_once_it_takes_more_than_a_moment(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = start(tally(), None, clock=clock)
    clock.now += 1.0
    progress()
    assert "3/4" in terminal.getvalue()
    progress.close()


def test_a_kernel_counts_as_a_person_watching(use_stderr, clock, monkeypatch):
    use_stderr(io.StringIO())
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    made = []
    monkeypatch.setattr(_progress, "_new_bar", lambda total: made.append(total) or Bar())
    progress = start(tally(), None, clock=clock)
    clock.now += 2
    progress()
    assert made == [4]


class Bar:
    """What a front end's bar has to have."""

    n = 0

    def set_postfix_str(self, text, *, refresh):
        self.text = (text, refresh)

    def refresh(self):
        self.drawn = True

    def close(self):
        self.closed = True


@pytest.mark.parametrize("is_local", [True, False])
def test_true_draws_a_bar_at_once_and_everywhere(is_local, use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    progress = start(tally(), True, is_local=is_local, clock=clock)
    progress()
    assert "3/4" in stderr.getvalue()
    progress.close()


def test_a_bar_says_owners_pages_rows_requests_and_credits(use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    progress = start(tally(), True, clock=clock)
    progress()
    progress.close()
    drawn = stderr.getvalue()
    assert "3/4" in drawn
    assert "owners" in drawn
    assert "1,200 pages, 34,567 rows, 1,300 requests = 13,000 credits" in drawn


def test_a_bar_follows_the_tally_and_shows_its_last_state_at_the_end(use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    now = Tally(owners=4)
    progress = start(now, True, clock=clock)
    progress()
    assert "0/4" in stderr.getvalue()
    now.done, now.requests = 4, 9
    progress.close()
    assert "4/4" in stderr.getvalue()
    assert "9 requests = 90 credits" in stderr.getvalue()


def test_a_bar_is_made_once_and_closed(use_stderr, clock, monkeypatch):
    use_stderr(io.StringIO())
    made = []
    monkeypatch.setattr(_progress, "_new_bar", lambda _: made.append(Bar()) or made[-1])
    progress = start(tally(), True, clock=clock)
    progress()
    progress()
    progress.close()
    (bar,) = made
    assert bar.closed
    assert bar.n == 3
