"""How far a pull is, drawn from the caller's thread: a tqdm bar, or a callable."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

# A bar for a pull that ends within a moment would only flicker.
_MOMENT_S: Final = 1.0
# It fits 80 columns with a bar of a dozen or more.
_BAR: Final = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{unit} [{elapsed}<{remaining}{postfix}]"


@dataclass(slots=True)
class PullProgress:
    """How far a pull is."""

    owners: int = 0
    """Owners asked; where holders are read those that are wanted, 0 for all of them."""
    mints: int = 0
    """Mints asked, for their holders or their metadata; 0 where owners are."""
    done: int = 0
    """Owners (or mints) finished."""
    failed: int = 0
    """Owners (or mints) that failed."""
    pages: int = 0
    """Pages of rows received."""
    received: int = 0
    """Rows on these pages, those of unfinished owners (or mints) included."""
    rows: int = 0
    """Rows of the frame so far."""
    requests: int = 0
    """Requests sent, retries included."""
    retries: int = 0
    """Requests that were sent again."""
    refused: int = 0
    """Requests that the server refused for its rate limit (HTTP 429)."""
    rate: float | None = None
    """Requests a second in force now, given or found; ``None`` where nothing limits them yet."""
    waiting_s: float = 0.0
    """Seconds that requests wait after a refusal; 0 while they are sent."""
    credits: int = 0
    """Credits that the requests cost on Helius; 0 for any other server."""


ProgressOption: TypeAlias = "bool | Callable[[PullProgress], object] | None"
"""The reader's ``progress=``: where a person is watching, always, never, or a callable."""


class ProgressDisplay:
    """Shows progress each time it is called, and for the last time when it is closed.

    ``option`` is the reader's ``progress=``. A callable that has raised is not called again: its exception
    ends the pull, and `close` raises nothing that could take the place of another.
    """

    def __init__(
        self,
        progress: PullProgress,
        option: ProgressOption,
        *,
        is_local: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._clock = clock
        self._call = option if callable(option) else None
        is_wanted = _is_watched() and not is_local if option is None else option is True
        self._begin_s = clock() + (0.0 if option else _MOMENT_S) if is_wanted else None
        self._bar: Any = None

    def __call__(self) -> None:
        """Show how far the pull is now."""
        if self._call is not None:
            call, self._call = self._call, None
            try:
                call(replace(self._progress))  # a copy, theirs to keep
            except StopIteration as error:  # it would end a loop over chunks as if all rows had come
                raise RuntimeError("the progress callable raised StopIteration") from error
            self._call = call
        elif self._begin_s is not None and self._clock() >= self._begin_s:
            self._draw()

    def close(self, *, is_failed: bool = False) -> None:
        """Show it for the last time and let go of the bar; a pull's own error goes before one raised here."""
        with suppress(Exception) if is_failed else nullcontext():
            self()
        self._call = self._begin_s = None
        if self._bar is not None:
            self._bar.close()

    def _draw(self) -> None:
        progress = self._progress
        if self._bar is None:
            from tqdm.auto import tqdm  # noqa: PLC0415 - loads ipywidgets inside a kernel

            total, noun = (progress.mints, "mint") if progress.mints else (progress.owners, "owner")
            self._bar = tqdm(total=total, unit=f" {noun}s", bar_format=_BAR, dynamic_ncols=True)
        # What is happening comes before what has happened.
        facts = [f"429, waiting {progress.waiting_s:.0f} s"] if progress.waiting_s else []
        # One mint may take minutes: its holders are counted as they come.
        rows = progress.received if progress.mints else progress.rows
        if rows and not facts:
            facts.append(f"{_short(rows)} {'holders' if progress.mints else 'rows'}")
        is_paid = progress.credits > 0
        facts.append(
            f"{_short(progress.credits)} credits" if is_paid else f"{_short(progress.requests)} requests"
        )
        if progress.failed:
            facts.append(f"{progress.failed:,} failed")
        self._bar.set_postfix_str(", ".join(facts), refresh=False)
        self._bar.n = progress.done + progress.failed
        self._bar.refresh()


def _short(number: int) -> str:
    """Return a number in at most five characters."""
    for unit, size, least in (("M", 10**6, 999_500), ("k", 10**3, 10**4)):  # 999,500 is 1,000k
        if number >= least:
            return f"{number / size:.3g}{unit}"
    return f"{number:,}"


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", bool)())
