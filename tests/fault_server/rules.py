"""When a fault is injected.

All is deterministic: a rule with a probability depends on the seed, the page and its try alone, not on
the order of requests.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from tests.fault_server.fault_types import FAULTS, Fault

if TYPE_CHECKING:
    from tests.fault_server.mutations import RequestContext

WhichPage: TypeAlias = int | Literal["middle", "last"]


@dataclass(frozen=True)
class FaultRule:
    """Inject a fault of `FAULTS` where all that is set holds.

    Parameters
    ----------
    name
        A key of `FAULTS`.
    request
        Only the n-th read of the server, counted from 1 over all owners, or a range of them.
    owner, mint
        Only this owner's pages; only pages that are asked for with this mint.
    page
        Only this page of an owner, counted from 1 by the rows before it; ``"last"`` is the page
        without a cursor, ``"middle"`` any between.
    p
        With this probability, drawn anew for each try of each page.
    times
        Only the first so many tries of a page; then it heals.
    """

    name: str
    request: int | range | None = None
    owner: str | None = None
    mint: str | None = None
    page: WhichPage | None = None
    p: float = 1.0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"unknown fault {self.name!r}; there are {', '.join(FAULTS)}")
        if not 0 <= self.p <= 1:
            raise ValueError(f"p must be between 0 and 1, got {self.p!r}")
        if self.page not in (None, "middle", "last") and not (isinstance(self.page, int) and self.page > 0):
            raise ValueError(f"page must be a number from 1, 'middle' or 'last', got {self.page!r}")

    @property
    def fault(self) -> Fault:
        return FAULTS[self.name]

    def matches(self, context: RequestContext, seed: str) -> bool:
        """Whether the fault is injected into this read of a page."""
        return (
            (self.owner is None or self.owner == context.query.owner)
            and (self.mint is None or self.mint == context.query.mint)
            and self._is_request(context.number)
            and self._is_page(context)
            and (self.times is None or context.tries <= self.times)
            and (self.p >= 1 or _draw(seed, context) < self.p)
        )

    def _is_request(self, number: int) -> bool:
        if self.request is None:
            return True
        return number in self.request if isinstance(self.request, range) else number == self.request

    def _is_page(self, context: RequestContext) -> bool:
        if self.page is None:
            return True
        if self.page == "last":
            return context.is_last
        if self.page == "middle":
            return context.page > 1 and not context.is_last
        return context.page == self.page


def _draw(seed: str, context: RequestContext) -> float:
    query = context.query
    return random.Random(f"{seed}/{query.owner}/{query.mint}/{query.cursor}/{context.tries}").random()
