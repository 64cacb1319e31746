"""Progress: whom it is shown to, when, and what it says."""

from __future__ import annotations

import io
import sys
import types
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from helius_frames._progress import _BAR, ProgressDisplay, PullProgress, _short
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


def halfway(**changes):
    """Return the progress of a pull that is under way."""
    counts = {
        "owners": 4,
        "done": 2,
        "failed": 1,
        "pages": 1200,
        "rows": 34567,
        "requests": 1300,
        "retries": 5,
        "credits": 13000,
    }
    return PullProgress(**counts | changes)


def test_progress_begins_at_nothing():
    counts = asdict(PullProgress())
    assert counts.pop("rate") is None
    assert set(counts.values()) == {0}


# A callable


def test_a_callable_gets_a_copy_of_the_progress_at_each_call_and_at_the_end(use_stderr):
    stderr = use_stderr(io.StringIO())
    seen = []
    now = PullProgress(owners=2)
    display = ProgressDisplay(now, seen.append)
    display()
    now.done = 1
    display()
    now.done = 2
    display.close()
    assert [progress.done for progress in seen] == [0, 1, 2]
    assert stderr.getvalue() == ""


def test_a_callable_is_called_on_the_demo_too():
    seen = []
    ProgressDisplay(halfway(), seen.append, is_local=True).close()
    assert len(seen) == 1


def test_a_callable_is_not_called_after_the_end():
    seen = []
    display = ProgressDisplay(halfway(), seen.append)
    for _ in range(3):
        display.close()
    display()
    assert len(seen) == 1


class Broken:
    """A callable that raises, and counts its calls."""

    def __init__(self, error):
        self.error = error
        self.calls = 0

    def __call__(self, _progress):
        self.calls += 1
        raise self.error


def test_what_a_callable_raises_reaches_the_caller_and_it_is_not_called_again():
    broken = Broken(RuntimeError("no more"))
    display = ProgressDisplay(halfway(), broken)
    with pytest.raises(RuntimeError, match="no more"):
        display()
    display()
    display.close()
    assert broken.calls == 1


def test_a_callable_that_raises_at_the_end_of_a_good_pull_is_heard():
    with pytest.raises(RuntimeError, match="no more"):
        ProgressDisplay(halfway(), Broken(RuntimeError("no more"))).close()


def test_the_error_of_the_pull_goes_before_that_of_the_callable():
    broken = Broken(RuntimeError("no more"))
    ProgressDisplay(halfway(), broken).close(is_failed=True)
    assert broken.calls == 1


@pytest.mark.parametrize("is_failed", [True, False])
def test_an_interrupt_in_a_callable_goes_through_at_the_end_too(is_failed):
    with pytest.raises(KeyboardInterrupt):
        ProgressDisplay(halfway(), Broken(KeyboardInterrupt())).close(is_failed=is_failed)


def test_a_stop_iteration_cannot_end_a_loop_over_chunks():
    with pytest.raises(RuntimeError, match="the progress callable raised StopIteration"):
        ProgressDisplay(halfway(), Broken(StopIteration()))()


# Nothing


def test_false_draws_nothing_even_where_a_person_watches(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = ProgressDisplay(halfway(), False, clock=clock)
    clock.now += 60
    progress()
    progress.close()
    assert terminal.getvalue() == ""


def test_none_draws_nothing_where_nobody_watches(use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    progress = ProgressDisplay(halfway(), None, clock=clock)
    clock.now += 60
    progress()
    progress.close()
    assert stderr.getvalue() == ""


def test_none_draws_nothing_on_the_demo(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = ProgressDisplay(halfway(), None, is_local=True, clock=clock)
    clock.now += 60
    progress()
    progress.close()
    assert terminal.getvalue() == ""


def test_a_program_without_a_standard_error_is_not_watched(use_stderr, clock):
    use_stderr(None)
    progress = ProgressDisplay(halfway(), None, clock=clock)
    clock.now += 60
    progress()
    progress.close()


def test_a_pull_that_ends_within_a_moment_draws_nothing(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = ProgressDisplay(halfway(), None, clock=clock)
    progress()
    clock.now += 0.9
    progress()
    progress.close()
    assert terminal.getvalue() == ""


# A bar


def test_none_draws_a_bar_for_a_person_once_it_takes_more_than_a_moment(use_stderr, clock):
    terminal = use_stderr(Terminal())
    progress = ProgressDisplay(halfway(), None, clock=clock)
    clock.now += 1.0
    progress()
    assert "3/4" in terminal.getvalue()
    progress.close()


def test_a_kernel_counts_as_a_person_watching(use_stderr, clock, monkeypatch):
    use_stderr(io.StringIO())
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    bars = use_bars(monkeypatch)
    progress = ProgressDisplay(halfway(), None, clock=clock)
    clock.now += 2
    progress()
    assert [bar.total for bar in bars] == [4]


class Bar:
    """What a front end's bar has to have."""

    n = 0

    def __init__(self, total):
        self.total = total
        self.drawn = self.closed = 0

    def set_postfix_str(self, text, *, refresh):
        self.text = (text, refresh)

    def refresh(self):
        self.drawn += 1

    def close(self):
        self.closed += 1


def use_bars(monkeypatch):
    """Put `Bar` in the place of tqdm's; return those that are made."""
    bars = []
    front_end = types.ModuleType("tqdm.auto")
    front_end.tqdm = lambda *, total, **_: bars.append(Bar(total)) or bars[-1]
    monkeypatch.setitem(sys.modules, "tqdm.auto", front_end)
    return bars


@pytest.mark.parametrize("is_local", [True, False])
def test_true_draws_a_bar_at_once_and_everywhere(is_local, use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    progress = ProgressDisplay(halfway(), True, is_local=is_local, clock=clock)
    progress()
    assert "3/4" in stderr.getvalue()
    progress.close()


def drawn(stderr, progress, **options):
    """Return what a bar draws."""
    ProgressDisplay(progress, True, **options).close()
    return stderr.getvalue()


def test_a_bar_says_owners_rows_credits_and_failures(use_stderr, clock):
    text = drawn(use_stderr(io.StringIO()), halfway(), clock=clock)
    assert "3/4 owners [" in text
    assert ", 34.6k rows, 13k credits, 1 failed]" in text


def test_a_bar_of_holders_counts_mints_and_the_holders_of_those_that_are_not_read_to_the_end(
    use_stderr, clock
):
    progress = halfway(owners=9, mints=5, received=40_000, rows=7)
    text = drawn(use_stderr(io.StringIO()), progress, clock=clock)
    assert "3/5 mints [" in text
    assert ", 40k holders, 13k credits, 1 failed]" in text


def test_a_bar_says_that_it_waits_after_a_refusal_in_the_place_of_rows(use_stderr, clock):
    text = drawn(use_stderr(io.StringIO()), halfway(waiting_s=4.6, refused=2), clock=clock)
    assert ", 429, waiting 5 s, 13k credits, 1 failed]" in text
    assert "rows" not in text


@pytest.mark.parametrize("rows", [99_900_000, 999_999])
def test_a_bar_of_ten_thousand_owners_fits_80_columns_and_has_a_dozen_of_its_own(
    rows, use_stderr, clock, monkeypatch
):
    use_stderr(io.StringIO())
    bars = use_bars(monkeypatch)
    progress = PullProgress(owners=10_000, done=9999, rows=rows, credits=99_900_000)
    ProgressDisplay(progress, True, clock=clock).close()
    (words, _), n, owners = bars[0].text, bars[0].n, bars[0].total
    line = tqdm.format_meter(
        n, owners, 3599, ncols=80, unit=" owners", bar_format=_BAR, postfix=words, ascii=True, rate=n / 3599
    )
    assert len(line) == 80
    assert line.endswith("]")
    assert len(line.split("|")[1]) >= 12


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (9999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (123_456, "123k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (999_999, "1M"),
        (1_000_000, "1M"),
        (1_234_567, "1.23M"),
        (123_456_789, "123M"),
    ],
)
def test_a_number_takes_five_characters_at_most(number, text):
    assert _short(number) == text


@given(st.integers(0, 999_499_999) | st.integers(999_000, 1_001_000))
def test_a_short_number_is_right_to_half_a_percent_and_reads_as_a_number(number):
    text = _short(number)
    unit = {"k": 10**3, "M": 10**6}.get(text[-1], 1)
    value = float(text.rstrip("kM").replace(",", "")) * unit
    assert len(text) <= 5
    assert value == pytest.approx(number, rel=0.005)


def test_a_bar_follows_the_progress_and_shows_its_last_state_at_the_end(use_stderr, clock):
    stderr = use_stderr(io.StringIO())
    now = PullProgress(owners=4)
    progress = ProgressDisplay(now, True, clock=clock)
    progress()
    assert "0/4" in stderr.getvalue()
    now.done, now.requests, now.credits = 4, 9, 90
    progress.close()
    assert "4/4" in stderr.getvalue()
    assert ", 90 credits]" in stderr.getvalue()


def test_a_bar_is_made_once_and_closed(use_stderr, clock, monkeypatch):
    use_stderr(io.StringIO())
    bars = use_bars(monkeypatch)
    progress = ProgressDisplay(halfway(), True, clock=clock)
    progress()
    progress()
    progress.close()
    (bar,) = bars
    assert (bar.drawn, bar.closed) == (3, 1)
    assert bar.n == 3


def test_a_bar_counts_requests_where_they_cost_no_credits_and_speaks_of_no_failures_without_any(
    use_stderr, clock
):
    text = drawn(use_stderr(io.StringIO()), halfway(credits=0, failed=0), clock=clock)
    assert ", 34.6k rows, 1,300 requests]" in text
    assert "credits" not in text
    assert "failed" not in text


def test_a_pull_that_failed_before_a_bar_was_drawn_closes_quietly(use_stderr, clock):
    stderr = use_stderr(Terminal())
    ProgressDisplay(halfway(), None, clock=clock).close(is_failed=True)
    assert stderr.getvalue() == ""
