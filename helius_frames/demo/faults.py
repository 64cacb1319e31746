"""Faults to order: what goes wrong, by name, and when.

It imports `_kinds`. `order` says when a fault strikes, and `Faults` puts several together. All is
deterministic: a fault with a probability depends on the seed, the page and its try alone, not on the
order of requests.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from helius_frames.demo._kinds import FAULTS, Fault

if TYPE_CHECKING:
    from helius_frames.demo._edits import Occasion

PageOf: TypeAlias = int | Literal["middle", "last"]


@dataclass(frozen=True)
class Order:
    """When a fault strikes: where all that is set holds. Made by `order`."""

    fault: Fault
    request: int | range | None = None
    owner: str | None = None
    page: PageOf | None = None
    p: float = 1.0
    times: int | None = None

    def strikes(self, occasion: Occasion, seed: str) -> bool:
        """Whether it strikes this read of a page."""
        return (
            self._is_asked(occasion)
            and (self.times is None or occasion.tries <= self.times)
            and (self.p >= 1 or _chance(seed, occasion) < self.p)
        )

    def _is_asked(self, occasion: Occasion) -> bool:
        if self.owner is not None and self.owner != occasion.query.owner:
            return False
        return _is_number(self.request, occasion.number) and _is_page(self.page, occasion)


def order(
    name: str,
    *,
    request: int | range | None = None,
    owner: str | None = None,
    page: PageOf | None = None,
    p: float = 1.0,
    times: int | None = None,
) -> Order:
    """Order a fault of `FAULTS` by name; each option narrows when it strikes.

    Parameters
    ----------
    name
        A key of `FAULTS`.
    request
        Only the n-th read of the server, counted from 1 over all owners, or a range of them.
    owner
        Only this owner's pages.
    page
        Only this page of an owner, counted from 1 by the rows before it; ``"last"`` is the page
        without a cursor, ``"middle"`` any between.
    p
        With this probability, drawn anew for each try of each page.
    times
        Only the first so many tries of a page; then it heals.

    Raises
    ------
    ValueError
        There is no fault of that name, or an option is out of range.

    Examples
    --------
    >>> from helius_frames.demo import Faults, order
    >>> Faults(order("503-html", p=0.02), order("429-seconds", page=2, times=1), seed=7)
    Faults(503-html, 429-seconds)
    """
    if name not in FAULTS:
        raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    if not 0 <= p <= 1:
        raise ValueError(f"p {p!r} is no probability; give a number from 0 to 1")
    if page not in (None, "middle", "last") and not (isinstance(page, int) and page > 0):
        raise ValueError(f"page {page!r}; give a number from 1, 'middle' or 'last'")
    return Order(FAULTS[name], request, owner, page, p, times)


class Faults:
    """Several orders together; the first that strikes a read acts on it.

    Attributes
    ----------
    struck
        How often each fault has acted so far, by name.
    """

    def __init__(self, *orders: Order, seed: int = 0) -> None:
        self.orders = orders
        self.struck: Counter[str] = Counter()
        self._seed = seed

    def pick(self, occasion: Occasion) -> Fault | None:
        """Fault that strikes this read, if any, counted as struck."""
        for place, each in enumerate(self.orders):
            if each.strikes(occasion, f"{self._seed}/{place}"):
                self.struck[each.fault.name] += 1
                return each.fault
        return None

    def __repr__(self) -> str:
        return f"Faults({', '.join(each.fault.name for each in self.orders)})"


def _is_number(wanted: int | range | None, number: int) -> bool:
    if wanted is None:
        return True
    return number in wanted if isinstance(wanted, range) else number == wanted


def _is_page(wanted: PageOf | None, occasion: Occasion) -> bool:
    if wanted is None:
        return True
    if wanted == "last":
        return occasion.is_last
    if wanted == "middle":
        return occasion.page > 1 and not occasion.is_last
    return occasion.page == wanted


def _chance(seed: str, occasion: Occasion) -> float:
    query = occasion.query
    draw = f"{seed}/{query.owner}/{query.mint}/{query.cursor}/{occasion.tries}"
    return random.Random(draw).random()  # noqa: S311
