"""How amounts, shares, names and addresses are written in a chart.

Everything here gives plain text but `html`, through which all that a chart writes goes last.
"""

from __future__ import annotations

import math
import unicodedata
from html import escape

import numpy as np

from helius_frames.analysis import shorten

_PREFIXES = ("", "k", "M", "B", "T")
_THOUSAND = 1000.0
_SMALLEST, _LARGEST = -3, 14  # powers of ten that are short to write
_SYMBOL = 20  # characters of a symbol that are shown
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_HIDDEN = ("C", "Zl", "Zp")  # categories: controls, direction marks, surrogates, ends of lines


def clean(text: object) -> str:
    """Return a text on one line, without the characters that nobody sees and that turn others around."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(each for each in plain if not unicodedata.category(each).startswith(_HIDDEN))


def html(text: object) -> str:
    """Return a text as plotly may have it: never a tag, never a formula between two dollar signs."""
    return escape(clean(text)).replace("$", "&#36;")


def symbol_text(symbol: object) -> str | None:
    """Return a symbol as it may stand in a sentence; ``None`` where nothing of it can be seen."""
    text = clean(symbol).strip()
    return (text if len(text) <= _SYMBOL else f"{text[: _SYMBOL - 1]}…") or None


def short(address: str) -> str:
    """Shorten an address, on one line."""
    return shorten(clean(address))


def short_html(address: str) -> str:
    """Shorten an address, safe to stand in a label."""
    return html(short(address))


def count_text(count: int) -> str:
    """Write a count with separators."""
    return f"{count:,}"


def count_words(count: int) -> str:
    """Write a count as a sentence has it: up to ten in a word."""
    return _WORDS[count] if count < len(_WORDS) else count_text(count)


def capital(sentence: str) -> str:
    """Begin a sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


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
    """Write an amount in about three digits: k is a thousand, then M, B and T as in finance, ``1.23M``."""
    value = amount / 10 ** (decimals or 0)
    power = min(int(math.log10(max(value, 1)) / 3 + 1e-9), len(_PREFIXES) - 1)
    digits = np.format_float_positional(
        value / _THOUSAND**power, precision=3, unique=False, fractional=False, trim="-"
    )
    if float(digits) >= _THOUSAND and power + 1 < len(_PREFIXES):  # 999.9k is written 1M
        digits, power = "1", power + 1
    return f"{int(digits):,}{_PREFIXES[power]}" if digits.isdecimal() else digits + _PREFIXES[power]


def power_text(power: int) -> str:
    """Write a power of ten for an axis, as ``1M`` or ``0.01``, or as HTML where that is long."""
    return brief(10.0**power) if _SMALLEST <= power <= _LARGEST else f"10<sup>{power}</sup>"


def percent_text(share: float) -> str:
    """Write a share in percent to two decimals, for hover."""
    return f"{100 * share:.2f}%"


def about_percent(share: float, *, is_all: bool = False) -> str:
    """Write a share in percent in two digits, for titles; never 0% or 100% for what is not.

    Whether it is all the caller knows from counts: a share close to 1 may be 1 as a float.
    """
    if is_all:
        return "all"
    if 0 < share < 1e-4:  # noqa: PLR2004
        return "less than 0.01%"
    return f"{100 * share:.2g}%" if share < 0.995 else "more than 99%"  # noqa: PLR2004


def unit_text(decimals: int | None, symbol: str | None = None) -> str:
    """Name the unit of an amount: the token, where its decimals are known."""
    return "base units" if decimals is None else symbol or "tokens"


def slots_text(first: int | None, last: int | None) -> str:
    """Name a range of slots; nothing where there is none."""
    if first is None or last is None:
        return ""
    return f"slot {first:,}" if first == last else f"slots {first:,}–{last:,}"
