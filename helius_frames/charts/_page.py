"""One page that holds a figure and all it needs."""

from __future__ import annotations

import re

import plotly.graph_objects as go
import plotly.io as pio

from helius_frames.charts._style import Theme, palette

_MARKUP = re.compile(r"<[^>]*>")


def standalone_html(figure: go.Figure) -> str:
    """Write a figure as one page that needs no kernel and no network: it contains plotly.js.

    The page takes the colours of the figure's theme, and the chart its whole width.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_lorenz, standalone_html
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> standalone_html(plot_lorenz(df, df["mint"].mode()[0])).startswith("<!doctype html>")
    True
    """
    colours = palette(_theme(figure))
    chart = pio.to_html(
        figure,
        full_html=False,
        include_plotlyjs=True,
        include_mathjax=False,
        config={"responsive": True, "displaylogo": False, "showSendToCloud": False},
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_plain(figure)}</title>"
        f"<style>body{{margin:16px;background:{colours.surface};color:{colours.ink}}}</style>"
        f"</head><body>{chart}</body></html>\n"
    )


def _theme(figure: go.Figure) -> Theme:
    meta = figure.layout.meta
    return meta["theme"] if isinstance(meta, dict) and "theme" in meta else "light"


def _plain(figure: go.Figure) -> str:
    title = figure.layout.title.text or "chart"
    return _MARKUP.sub("", title)
