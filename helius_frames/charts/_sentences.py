"""What the charts of airdrops, several mints and several pulls share: names, labels, an empty figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helius_frames.analysis import MintIndex, Source, amount_text, count_text, share_text
from helius_frames.charts._style import add_message
from helius_frames.charts._text import clean, short

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import plotly.graph_objects as go

    from helius_frames.charts._look import Theme

__all__ = [
    "amount_text",
    "count_text",
    "frame_of",
    "labels_of",
    "names_from",
    "nothing",
    "share_text",
]


def nothing(figure: go.Figure, theme: Theme, sentence: str) -> go.Figure:
    """Let a figure without data say so."""
    add_message(figure, theme, sentence)
    return figure


def frame_of(source: Source) -> pd.DataFrame:
    """Return the frame of a source."""
    return source.frame if isinstance(source, MintIndex) else source


def names_from(mints: Sequence[str], symbols: Sequence[str | None]) -> list[str]:
    """Return names of mints as plain text; of two mints with one symbol each has its address beside it."""
    used = [symbol.casefold() for symbol in symbols if symbol]
    return [
        short(mint)
        if not symbol
        else symbol
        if used.count(symbol.casefold()) == 1
        else f"{symbol} {short(mint)}"
        for mint, symbol in zip(mints, symbols, strict=True)
    ]


def labels_of(labels: Sequence[Hashable]) -> list[str]:
    """Write the labels of pulls as plain text; a date without a time is written as a date."""
    dates = [label for label in labels if isinstance(label, pd.Timestamp)]
    if len(dates) == len(labels) and all(date == date.normalize() for date in dates):
        return [f"{date:%Y-%m-%d}" for date in dates]
    return [clean(label) for label in labels]
