"""The explorer's texts: the line above the chart, the table below it, and what a page without widgets shows.

Whatever came from a frame is escaped here, in one place.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
import uuid
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any

from plotly.offline import get_plotlyjs

from helius_frames.charts import amount_text, decimals_of, percent_text, shorten, slots_text, unit_text
from helius_frames.explorer._figure import CONFIG

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from helius_frames.analysis import MintIndex
    from helius_frames.charts import Decimals
    from helius_frames.explorer._points import PointHolders

TABLE_ROWS = 50
OWNERS_NAMED = 3
STATIC_MINTS = 20


def header(index: MintIndex, summary: pd.DataFrame, mint: str, drift: int) -> str:
    """Return one line on the mint and on the pull: holders, zeros, Gini, slots, drift, rows."""
    facts = [*_mint_facts(summary, mint), *_pull_facts(index, drift)]
    return f'<div class="helius-head">{" · ".join(facts)}</div>'


def _mint_facts(summary: pd.DataFrame, mint: str) -> list[str]:
    if not mint:
        return ["<b>no rows</b>"]
    known = summary.loc[mint].to_dict()
    facts = (
        _count(known["holders"], "holder"),
        f"{known['zero_balances']:,} at zero",
        f"Gini {known['gini']:.2f}" if known["holders"] else "no Gini",
    )
    name = f'<b title="{escape(mint)}">{escape(shorten(mint))}</b>'
    return [name, *(f"<span>{fact}</span>" for fact in facts)]


def _pull_facts(index: MintIndex, drift: int) -> list[str]:
    if not index.rows:
        return []
    slots = f"{slots_text(index.slot_first, index.slot_last)} (drift {drift:,})"
    rows = f"{_count(index.rows, 'row')} of {_count(len(index.mints), 'mint')}"
    return [f"<span>{slots}</span>", f"<span>{rows}</span>"]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def mint_label(mint: str, holders: int) -> str:
    """Return the line of the list of mints (a select's text is never HTML)."""
    return f"{shorten(mint)} · {_count(holders, 'holder')}"


def owners_note(wanted: str, found: pd.Index) -> str:
    """Return why a search for an owner marked nobody."""
    if not len(found):
        return _note(f"No owner of this frame contains {wanted!r}.")
    names = ", ".join(map(shorten, found[:OWNERS_NAMED])) + (", …" if len(found) > OWNERS_NAMED else "")
    return _note(f"{_count(len(found), 'owner')} match {wanted!r}: {names}. Type more of the address.")


def no_mint_note(wanted: str) -> str:
    """Return that a search for a mint found none."""
    return _note(f"No mint of this frame contains {wanted!r}.")


def selection_note(selection: PointHolders | None) -> str:
    """Return how many holders are behind the clicked point, and how many of them the table leaves out."""
    if selection is None:
        return _note("Click a bar, a point or a tile to list the holders behind it.")
    hidden = len(selection.holders) - TABLE_ROWS
    more = f": the first {TABLE_ROWS} are shown, {hidden:,} are not" if hidden > 0 else ""
    noun = "holder" if selection.holders["balance"].any() else "owner"  # who has nothing holds nothing
    return _note(
        f"{_count(len(selection.holders), noun)} of {shorten(selection.mint)} {selection.what}{more}"
    )


def _note(text: str) -> str:
    # A screen reader reads a status out when it changes.
    return f'<div class="helius-note" role="status">{escape(text)}</div>'


def decimals_note(mint: str) -> str:
    """Return the question for the decimals of a mint."""
    return _note(f"The decimals of {shorten(mint)} are not known: type them, or read base units.")


def bad_decimals_note(text: str, bounds: tuple[int, int]) -> str:
    """Return that a text is not a number of decimals."""
    return _note(f"Decimals must be a whole number from {bounds[0]} to {bounds[1]}, got {text!r}.")


def selection_table(selection: PointHolders | None, decimals: Decimals, marked: str | None) -> str:
    """Return the table of the first holders behind the clicked point; empty before a click."""
    if selection is None:
        return ""
    places = decimals_of(decimals, selection.mint)
    head = f"<tr><th>owner</th><th>{unit_text(places)}</th><th>share</th><th>slot</th></tr>"
    lines = (_row(holder, places, marked) for holder in selection.holders.head(TABLE_ROWS).itertuples())
    box = '<div class="helius-rows" role="region" aria-label="holders behind the point" tabindex="0">'
    return f"{box}<table>{head}{''.join(lines)}</table></div>"


def _row(holder: Any, decimals: int | None, marked: str | None) -> str:  # noqa: ANN401 - a row of a frame
    cells = (
        holder.owner,
        amount_text(holder.balance, decimals),
        percent_text(holder.share),
        f"{holder.slot:,}",
    )
    kind = ' class="helius-marked"' if holder.owner == marked else ""
    return f"<tr{kind}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def static_page(figure: go.Figure, summary: pd.DataFrame) -> str:
    """Write what a page shows that runs no widgets: the chart where scripts run, the table of mints always.

    plotly.js travels with it (compressed, two megabytes), so that the page needs no network.
    """
    place = f"helius-{uuid.uuid4().hex}"
    hidden = len(summary) - STATIC_MINTS
    more = f"<p>{_count(hidden, 'more mint')}</p>" if hidden > 0 else ""
    script = _DRAW.substitute(
        place=place,
        figure=figure.to_json().replace("<", "\\u003c"),  # the text is inside a script element
        config=json.dumps(CONFIG),
        plotly=_plotly_gz(),
    )
    table = summary.head(STATIC_MINTS).to_html(border=0, float_format="{:.3f}".format)
    chart = f'<div id="{place}" style="height:{figure.layout.height}px"></div>'
    return f"{chart}{table}{more}<script>{script}</script>"


@functools.cache
def _plotly_gz() -> str:
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


_DRAW = Template("""
(async () => {
  if (!window.Plotly) {
    const bytes = Uint8Array.from(atob("$plotly"), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(plain).text();
    document.head.append(script);
  }
  const figure = $figure;
  window.Plotly.newPlot("$place", figure.data, figure.layout, $config);
})();
""")
