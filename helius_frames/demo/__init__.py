"""The demo cluster: synthetic holdings, and an indexer that serves them as Photon does.

Everything here is made up from one seed; nothing is taken from a chain. ``cluster="demo"`` reads it in
process; ``python -m helius_frames.demo --port 8784`` serves it on a real port for any other client. The
package imports nothing of ours but `pubkey` and `program_address`.

Examples
--------
>>> from helius_frames import demo
>>> demo.app().holdings
Holdings(600 owners, 7948 mints, 13260 rows)
>>> demo.TOKENS[0].name, len(demo.OWNERS), len(demo.MINTS)
('Fair Drop', 600, 48)
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from helius_frames.demo import _story
from helius_frames.demo._serving import serve
from helius_frames.demo._story import Moment, Token
from helius_frames.demo.holdings import Holdings
from helius_frames.demo.indexer import Indexer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "DECIMALS",
    "MINTS",
    "OWNERS",
    "TOKENS",
    "WALLETS",
    "Holdings",
    "Indexer",
    "Moment",
    "Token",
    "app",
    "at",
    "serve",
]

# Made when first asked for, so that importing the package costs nothing of it.
OWNERS: tuple[str, ...]
MINTS: tuple[str, ...]
TOKENS: tuple[Token, ...]
DECIMALS: dict[str, int]
WALLETS: dict[str, str]

_LAZY: dict[str, Callable[[], Any]] = {
    "OWNERS": _story.owners,
    "MINTS": lambda: tuple(token.mint for token in _story.tokens()),
    "TOKENS": _story.tokens,
    "DECIMALS": lambda: {token.mint: token.decimals for token in _story.tokens()},
    "WALLETS": lambda: dict(_story.wallets()),
}

# A context variable, so that one thread or task at the later moment leaves all others where they are.
_moment: ContextVar[Moment] = ContextVar("moment", default="first")


def app() -> Indexer:
    """Make the indexer that ``cluster="demo"`` reads.

    Each call makes a new one that begins at the same slot, so two pulls at one moment give the same
    frame; within a pull a slot passes with each page.

    Examples
    --------
    >>> from helius_frames import demo
    >>> demo.app().slot
    345600000
    """
    moment = _moment.get()
    return Indexer(_story.holdings(moment), slot=_story.slot(moment), page_slots=1)


@contextmanager
def at(moment: Moment) -> Iterator[None]:
    """Set the moment of ``cluster="demo"``: ``"first"``, two weeks ``"later"``, or four weeks, ``"last"``.

    Between the first two some holders of the airdrop sell, the whale sells a third, the founders mint, and a
    token is launched; until the last, more of the airdrop is sold, and some buy a little back. As on the
    real chain no row is ever deleted: who sold out keeps a zero.

    Examples
    --------
    >>> from helius_frames import demo
    >>> with demo.at("later"):
    ...     demo.app().slot
    348624000
    """
    if moment not in ("first", "later", "last"):
        raise ValueError(f"moment must be 'first', 'later' or 'last', got {moment!r}")
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    make = _LAZY.get(name)
    if make is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = make()
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
