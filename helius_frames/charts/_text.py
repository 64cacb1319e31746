"""How amounts, shares and addresses are written in a chart.

Everything here gives plain text; what comes from outside becomes HTML only through `escape`.
"""

from __future__ import annotations

import math
from html import escape

import numpy as np

from helius_frames.analysis import shorten

_PREFIXES = ("", " k", " M", " G", " T", " P", " E", " Z", " Y", " R", " Q")
_THOUSAND = 1000.0
_SMALLEST = -3  # power of ten that is short to write


def short_html(address: str) -> str:
    """Shorten an address, safe in a label."""
    return escape(shorten(address))


def count_text(count: int) -> str:
    """Write a count with separators."""
    return f"{count:,}"


def amount_text(base_units: int, decimals: int | None = None) -> str:
    """Write an amount exactly: every digit, thousands separated; trailing zeros after the point left out.

    Examples
    --------
    >>> amount_text(18446744073709551615)
    '18,446,744,073,709,551,615'
    >>> amount_text(18446744073709551615, decimals=9)
    '18,446,744,073.709551615'
    """
    whole, rest = divmod(int(base_units), 10 ** (decimals or 0))
    digits = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole:,}.{digits}" if digits else f"{whole:,}"


def range_text(low: int, high: int, decimals: int | None = None) -> str:
    """Write from which amount to which, with every digit; one amount where both are the same."""
    first, last = amount_text(low, decimals), amount_text(high, decimals)
    return first if low == high else f"{first} to {last}"


def brief(amount: float, decimals: int | None = None) -> str:
    """Write an amount in about three digits with an SI prefix, as ``1.23 M``."""
    value = amount / 10 ** (decimals or 0)
    power = min(int(math.log10(max(value, 1)) / 3 + 1e-9), len(_PREFIXES) - 1)
    digits = np.format_float_positional(
        value / _THOUSAND**power, precision=3, unique=False, fractional=False, trim="-"
    )
    if float(digits) >= _THOUSAND and power + 1 < len(_PREFIXES):  # 999.9 k is written 1 M
        digits, power = "1", power + 1
    return digits + _PREFIXES[power]


def brief_label(amount: float) -> str:
    """Write an amount for an axis, as ``1.23M``."""
    return brief(amount).replace(" ", "")


def power_text(power: int) -> str:
    """Write a power of ten for an axis, as ``1M`` or ``0.01``, or as HTML where that is long."""
    return brief_label(10.0**power) if power >= _SMALLEST else f"10<sup>{power}</sup>"


def percent_text(share: float) -> str:
    """Write a share in percent to two decimals, for hover."""
    return f"{100 * share:.2f} %"


def about_percent(share: float, *, is_all: bool = False) -> str:
    """Write a share in percent in two digits, for titles; never 0 % or 100 % for what is not.

    Whether it is all the caller knows from counts: a share close to 1 may be 1 as a float.
    """
    if is_all:
        return "all"
    if 0 < share < 1e-4:  # noqa: PLR2004
        return "less than 0.01 %"
    return f"{100 * share:.2g} %" if share < 0.995 else "more than 99 %"  # noqa: PLR2004


def unit_text(decimals: int | None) -> str:
    """Name the unit of an amount."""
    if decimals is None:
        return "base units"
    return "tokens at 1 decimal" if decimals == 1 else f"tokens at {decimals} decimals"


def slots_text(first: int | None, last: int | None) -> str:
    """Name a range of slots; nothing where there is none."""
    if first is None or last is None:
        return ""
    return f"slot {first:,}" if first == last else f"slots {first:,}–{last:,}"
