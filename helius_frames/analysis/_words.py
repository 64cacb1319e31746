"""Counts, shares and amounts as a sentence has them: exact where they are short, never rounded to a lie."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_LEAST: Final = Fraction(1, 1000)  # a tenth of a percent
_HEAD, _TAIL = 4, 4


def count_text(count: int, thing: str, things: str | None = None) -> str:
    """Write a number of things.

    Examples
    --------
    >>> from helius_frames.analysis import count_text
    >>> count_text(1, "owner"), count_text(12_431, "owner")
    ('1 owner', '12,431 owners')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def share_text(part: int, whole: int) -> str:
    """Write a share in percent, to a tenth; never 0% or 100% for what is not none or all.

    Examples
    --------
    >>> from helius_frames.analysis import share_text
    >>> share_text(1, 3), share_text(1, 10**9)
    ('33.3%', 'less than 0.1%')
    """
    if not whole:
        return "nothing"
    share = Fraction(part, whole)
    if 0 < share < _LEAST:
        return "less than 0.1%"
    if 1 - _LEAST < share < 1:
        return "more than 99.9%"
    tenths = round(share * 1000)
    return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths / 10:.1f}%"


def amount_text(base_units: int, decimals: int | None) -> str:
    """Write an amount to its last digit: in tokens where the decimals are known, else in base units.

    Examples
    --------
    >>> from helius_frames.analysis import amount_text
    >>> amount_text(1_074_530_581_966, 5), amount_text(1_500, None)
    ('10,745,305.81966', '1,500')
    """
    whole, part = divmod(base_units, 10 ** (decimals or 0))
    digits = f"{part:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole:,}.{digits}" if digits else f"{whole:,}"


def short_address(address: str) -> str:
    """Shorten an address to both its ends."""
    return address if len(address) <= _HEAD + _TAIL + 1 else f"{address[:_HEAD]}…{address[-_TAIL:]}"
