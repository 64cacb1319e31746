"""Families of methods: Helius limits and charges each for itself.

Figures of its documentation of January 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from helius_frames._transport.rate_limit import PLANS

if TYPE_CHECKING:
    from collections.abc import Mapping

FamilyName: TypeAlias = Literal["photon", "das", "rpc"]


class Family(NamedTuple):
    """Requests a second by plan, and what a request costs."""

    rates: Mapping[str, float]
    credits: int


FAMILIES: Final[dict[FamilyName, Family]] = {
    "photon": Family(PLANS, 10),
    "das": Family({"free": 2.0, "developer": 10.0, "business": 50.0, "professional": 100.0}, 10),
    "rpc": Family({"free": 10.0, "developer": 50.0, "business": 200.0, "professional": 500.0}, 1),
}
