"""How balances are spread over holders: measures of one mint, or of many at once.

Every measure is over *holders*, the owners with a balance above zero; a zero balance is not a holder.
Sums are exact integers, only the final ratio is a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from helius_frames.analysis._exact import (
    F64,
    I64,
    U64,
    Wide,
    as_floats,
    below,
    minus,
    plus,
    running,
)
from helius_frames.analysis._schema import balance_values
from helius_frames.errors import InputError

Balances: TypeAlias = pd.Series | NDArray[np.integer] | list[int]

TOP = 10


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """Balances sorted within each group, and where each group begins and ends.

    No group is empty, so that ``reduceat`` means what it says. Zeros come first within a group.
    """

    balances: U64
    starts: I64
    firsts: I64  # the first holder of each group
    ends: I64
    running: Wide

    @classmethod
    def of(cls, balances: U64, starts: I64) -> Groups:
        """Take balances that are sorted already, and where each group starts."""
        ends = np.append(starts, len(balances))[1:].astype(np.int64)
        zeros = np.flatnonzero(balances == 0)
        zero_balances = np.searchsorted(zeros, ends) - np.searchsorted(zeros, starts)
        return cls(balances, starts, starts + zero_balances, ends, running(balances))

    @property
    def holders(self) -> I64:
        """Number of holders."""
        return self.ends - self.firsts

    @property
    def zero_balances(self) -> I64:
        """Number of zero balances."""
        return self.firsts - self.starts

    @property
    def totals(self) -> Wide:
        """Sum of the balances."""
        return minus(self.running.at(self.ends), self.running.at(self.starts))

    @property
    def largest(self) -> U64:
        """Largest balance."""
        return self.balances[self.ends - 1]


def medians(groups: Groups) -> U64:
    """Return the largest balance of each group's poorer half; without meaning where nobody holds any."""
    places = np.minimum(groups.firsts + (groups.holders - 1) // 2, groups.ends - 1)
    balances: U64 = groups.balances[places]
    return balances


def top_shares(groups: Groups, n: int) -> F64:
    """Return the share of the total that the largest n holders have."""
    cut = np.maximum(groups.ends - n, groups.firsts)
    top = minus(groups.running.at(groups.ends), groups.running.at(cut))
    return _ratio(as_floats(top), as_floats(groups.totals))


def ginis(groups: Groups) -> F64:
    """Return the Gini coefficient of each group."""
    if not len(groups.starts):
        return np.empty(0)
    weights = np.arange(len(groups.balances), dtype=np.float64)
    weights *= 2
    weights -= np.repeat(2 * groups.firsts + groups.holders - 1, groups.ends - groups.starts)  # 2i - n - 1
    weights *= groups.balances
    sums = np.add.reduceat(weights, groups.starts)
    return np.maximum(_ratio(sums, groups.holders * as_floats(groups.totals)), 0.0)


def hhis(groups: Groups) -> F64:
    """Return the Herfindahl-Hirschman index of each group."""
    if not len(groups.starts):
        return np.empty(0)
    squares = groups.balances.astype(np.float64)
    squares *= squares
    return np.minimum(_ratio(np.add.reduceat(squares, groups.starts), as_floats(groups.totals) ** 2), 1.0)


def nakamotos(groups: Groups) -> I64:
    """Return the Nakamoto coefficient of each group."""
    base, totals = groups.running.at(groups.starts), groups.totals
    low, high = groups.starts.copy(), groups.ends.copy()
    # The last place at which twice the sum of everything smaller is still below the total.
    while (open_ := low < high - 1).any():
        middle = np.where(open_, (low + high) // 2, low)
        smaller = minus(groups.running.at(middle), base)
        fits = below(plus(smaller, smaller), totals)
        low = np.where(open_ & fits, middle, low)
        high = np.where(open_ & ~fits, middle, high)
    return np.where(groups.holders > 0, groups.ends - low, 0)


def gini(balances: Balances) -> float:
    """Return the Gini coefficient of the holders among these balances.

    With the n balances above zero in ascending order,
    ``G = sum((2 i - n - 1) x_i for i = 1 … n) / (n * sum(x_i))``: twice the area between the Lorenz
    curve and the diagonal. 0 where all holders have the same, ``1 - 1/n`` where one of n has nearly all.
    One holder gives 0, no holder NaN. Zero balances do not count.

    Raises
    ------
    InputError
        The balances are not exact, or one is missing or negative.

    Examples
    --------
    >>> from helius_frames.analysis import gini
    >>> gini([5, 5, 5])
    0.0
    >>> gini([1, 1, 1, 97, 0])
    0.72
    """
    return _only(ginis(_one_group(balances)))


def hhi(balances: Balances) -> float:
    """Return the Herfindahl-Hirschman index of the holders among these balances.

    ``sum((x_i / total)**2)``, from ``1/n`` where n holders have the same to 1 where one has all.
    One holder gives 1, no holder NaN.

    Raises
    ------
    InputError
        The balances are not exact, or one is missing or negative.

    Examples
    --------
    >>> from helius_frames.analysis import hhi
    >>> hhi([5, 5])
    0.5
    """
    return _only(hhis(_one_group(balances)))


def nakamoto(balances: Balances) -> int:
    """Return the Nakamoto coefficient: the fewest holders that together have more than half of the total.

    The comparison is exact, so two holders of one half each count 2. No holder gives 0.

    Raises
    ------
    InputError
        The balances are not exact, or one is missing or negative.

    Examples
    --------
    >>> from helius_frames.analysis import nakamoto
    >>> nakamoto([50, 50]), nakamoto([51, 49]), nakamoto([0])
    (2, 1, 0)
    """
    return int(nakamotos(_one_group(balances)).sum())


def top_share(balances: Balances, n: int = TOP) -> float:
    """Return the share of the total that the n largest balances have.

    In (0, 1]; 1 where there are n holders or fewer, NaN where there is none.

    Raises
    ------
    InputError
        ``n`` is below 1, or the balances are not exact, or one is missing or negative.

    Examples
    --------
    >>> from helius_frames.analysis import top_share
    >>> top_share([60, 30, 10], n=1)
    0.6
    """
    check_count(n, "n")
    return _only(top_shares(_one_group(balances), n))


def check_count(count: int, name: str) -> None:
    """Raise unless a number is an integer of at least 1."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"{name} must be an integer of at least 1, got {count!r}")


def _only(measures: F64) -> float:
    return float(measures[0]) if len(measures) else float("nan")


def _one_group(balances: Balances) -> Groups:
    values = np.sort(balance_values(pd.Series(balances, name="balance")))
    return Groups.of(values, np.zeros(min(len(values), 1), dtype=np.int64))


def _ratio(part: F64, whole: F64) -> F64:
    """Return the quotient; NaN where the whole is zero."""
    quotient = np.full(len(part), np.nan)
    np.divide(part, whole, out=quotient, where=whole != 0)
    return quotient
