"""What the charts of airdrops, classes and pulls share: a head that wraps at any width, names, texts.

Imports the look and the texts of this package; knows plotly.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from helius_frames.analysis import MintIndex, Source, amount_text, count_text, share_text, shorten
from helius_frames.charts._style import Theme, add_message, new_figure, palette
from helius_frames.charts._text import short_html, slots_text, unit_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import plotly.graph_objects as go

__all__ = [
    "amount_text",
    "count_text",
    "frame_of",
    "labels_of",
    "legend",
    "names_of",
    "nothing",
    "share_text",
    "start",
    "subtitle_of",
]

_TITLE, _SUBTITLE = 34, 48  # characters of a line that a phone has room for
_TITLE_LINE, _SUBTITLE_LINE = 24, 18  # pixels
_ROOM = 44  # above and below the lines of the head
_FRAME = 12  # left of them


def start(theme: Theme, title: str | None, sentence: str, parts: Sequence[str], *, height: int) -> go.Figure:
    """Start a figure whose head wraps, so that it is whole at any width; ``parts`` are HTML already."""
    title_lines = _wrapped(sentence if title is None else title)
    subtitle_lines = _joined(parts)
    figure = new_figure(theme, "<br>".join(map(escape, title_lines)), "<br>".join(subtitle_lines))
    head = _TITLE_LINE * len(title_lines) + _SUBTITLE_LINE * len(subtitle_lines) + _ROOM
    figure.update_layout(
        height=height + head,
        margin={"t": head, "l": 40, "b": 40, "r": 24},
        title={"xref": "container", "pad": {"l": _FRAME}},
    )
    return figure


def nothing(figure: go.Figure, theme: Theme, sentence: str) -> go.Figure:
    """Let a figure without data say so."""
    add_message(figure, theme, "<br>".join(map(escape, _wrapped(sentence))))
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    return figure


def legend(theme: Theme) -> dict[str, object]:
    """Names of the colours below the chart, in as many lines as they need."""
    return {
        "orientation": "h",
        "x": 0,
        "xref": "container",
        "y": 0,
        "yref": "container",
        "yanchor": "bottom",
        "traceorder": "normal",
        "font": {"size": 13, "color": palette(theme).ink},
        "itemclick": False,
        "itemdoubleclick": False,
    }


def frame_of(source: Source) -> pd.DataFrame:
    """Return the frame of a source."""
    return source.frame if isinstance(source, MintIndex) else source


def names_of(frame: pd.DataFrame, mints: Sequence[str]) -> list[str]:
    """Return names of mints as plain text; of two mints with one symbol each has its address beside it."""
    symbols: dict[str, str] = {}
    if "symbol" in frame.columns:
        rows = frame.loc[frame["mint"].isin(list(mints)), ["mint", "symbol"]].dropna().drop_duplicates("mint")
        symbols = dict(zip(rows["mint"].astype("str"), rows["symbol"].astype("str"), strict=True))
    used = list(symbols.values())
    names = []
    for mint in mints:
        symbol, short = symbols.get(mint), shorten(mint)
        alone = used.count(symbol) == 1 if symbol else False
        names.append(short if not symbol else symbol if alone else f"{symbol} {short}")
    return names


def subtitle_of(frame: pd.DataFrame, mint: str, decimals: int | None) -> list[str]:
    """Name mint, unit and slots of a chart of one mint."""
    slots = frame.loc[frame["mint"] == mint, "slot"]
    span = slots_text(int(slots.min()), int(slots.max())) if len(slots) else ""
    return [part for part in (short_html(mint), unit_text(decimals), span) if part]


def labels_of(labels: Sequence[Hashable]) -> list[str]:
    """Write the labels of pulls; a date without a time is written as a date."""
    dates = [label for label in labels if isinstance(label, pd.Timestamp)]
    if len(dates) == len(labels) and all(date == date.normalize() for date in dates):
        return [f"{date:%Y-%m-%d}" for date in dates]
    return [escape(str(label)) for label in labels]


def _wrapped(sentence: str) -> list[str]:
    """Wrap a sentence into as few lines as fit, of about one length, so that no word stands alone."""
    lines = textwrap.wrap(sentence, _TITLE) or [""]
    for width in range(_TITLE - 1, 0, -1):
        narrower = textwrap.wrap(sentence, width)
        if len(narrower) > len(lines):
            break
        lines = narrower or lines
    return lines


def _joined(parts: Sequence[str]) -> list[str]:
    """Join parts by dots, in lines that fit."""
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and len(lines[-1]) + len(part) < _SUBTITLE:
            lines[-1] = f"{lines[-1]} · {part}"
        else:
            lines.append(part)
    return lines
