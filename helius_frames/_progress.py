"""How far a pull is, drawn from the caller's thread: a tqdm bar, or a plain callable.

It imports nothing of ours. `Tally` is written by the pull and read by whoever draws.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

CREDITS_PER_REQUEST: Final = 10  # Helius, Photon methods (docs of January 2026)
# A bar for a pull that ends within a moment would only flicker.
_MOMENT_S: Final = 1.0


@dataclass(slots=True)
class Tally:
    """How far a pull is."""

    owners: int = 0
    """Owners asked."""
    done: int = 0
    """Owners finished."""
    failed: int = 0
    """Owners that failed."""
    pages: int = 0
    """Pages of rows received."""
    rows: int = 0
    """Rows received."""
    requests: int = 0
    """Requests sent, those included that were tried again."""
    retries: int = 0
    """Requests that were tried again."""

    @property
    def credits(self) -> int:
        """Credits that the requests cost on Helius, at ten each."""
        return self.requests * CREDITS_PER_REQUEST


Choice: TypeAlias = "bool | Callable[[Tally], None] | None"
"""The reader's ``progress=``: where a person is watching, always or never, or a callable of one's own."""


class Progress:
    """Draws a tally each time it is called, and for the last time when it is closed."""

    def __init__(self, tally: Tally, draw: Callable[[Tally], None] | None, close: Callable[[], None]) -> None:
        self._tally = tally
        self._draw = draw
        self._close = close

    def __call__(self) -> None:
        """Draw how far the pull is now."""
        if self._draw is not None:
            self._draw(self._tally)

    def close(self) -> None:
        """Draw for the last time and let go of the bar."""
        self()
        self._close()


def start(
    tally: Tally,
    progress: Choice,
    *,
    is_local: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Begin to show progress: ``None`` where a person is watching, a bool, or a callable of one's own."""
    if callable(progress):
        return Progress(tally, lambda now: progress(replace(now)), _nothing)  # theirs to keep
    is_wanted = _is_watched() and not is_local if progress is None else bool(progress)
    if not is_wanted:
        return Progress(tally, None, _nothing)
    bar = _Bar(tally, clock, delay_s=0.0 if progress else _MOMENT_S)
    return Progress(tally, bar.draw, bar.close)


class _Bar:
    """A tqdm bar, made once the pull has taken a moment."""

    def __init__(self, tally: Tally, clock: Callable[[], float], *, delay_s: float) -> None:
        self._bar: Any = None
        self._total = tally.owners
        self._clock = clock
        self._begin = clock() + delay_s

    def draw(self, tally: Tally) -> None:
        if self._bar is None and self._clock() >= self._begin:
            self._bar = _new_bar(self._total)
        if self._bar is None:
            return
        spent = f"{tally.requests:,} requests = {tally.credits:,} credits"
        self._bar.set_postfix_str(f"{tally.pages:,} pages, {tally.rows:,} rows, {spent}", refresh=False)
        self._bar.n = tally.done + tally.failed
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _new_bar(total: int) -> Any:  # noqa: ANN401 - which tqdm it is depends on the front end
    from tqdm.auto import tqdm  # noqa: PLC0415 - loads ipywidgets inside a kernel

    return tqdm(total=total, unit=" owners", dynamic_ncols=True)


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", bool)())


def _nothing() -> None:
    return None
