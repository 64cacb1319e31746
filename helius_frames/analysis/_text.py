"""Addresses shortened for reading."""

from __future__ import annotations

import pandas as pd

_SHORT = 4


def shorten(address: str, characters: int = _SHORT) -> str:
    """Shorten an address to its first and last characters, as ``7xKX…p2Qe``.

    Examples
    --------
    >>> from helius_frames.analysis import shorten
    >>> shorten("7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosp2Qe")
    '7xKX…p2Qe'
    """
    address = str(address)
    if len(address) <= 2 * characters + 1:
        return address
    return f"{address[:characters]}…{address[-characters:]}"


def short_names(names: pd.Index) -> pd.Index:
    """Shorten different addresses to different texts: those that would look alike keep more characters."""
    texts = pd.Series(names.tolist(), dtype="object")
    short, characters = texts.map(shorten), _SHORT
    while (alike := short.duplicated(keep=False)).any():
        characters *= 2
        short[alike] = [shorten(text, characters) for text in texts[alike]]
    index: pd.Index = pd.Index(short, dtype="str", name=names.name)
    return index
