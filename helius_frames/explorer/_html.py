"""The explorer's texts: the line above the chart, the table below it, and what a page without widgets shows.

Whatever came from a frame is escaped here, in one place.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from helius_frames.charts import percent_text, shorten, slots_text
from helius_frames.explorer._svg import svg_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import plotly.graph_objects as go

    from helius_frames.analysis import MintIndex
    from helius_frames.explorer._points import PointHolders
    from helius_frames.explorer._tokens import Tokens

OWNERS_NAMED = 3
STATIC_MINTS = 20
MINTS_OFFERED = 200


def header(
    index: MintIndex, summary: pd.DataFrame, tokens: Tokens, mint: str, *, drift: int, asked: int | None
) -> str:
    """Return one line on the mint and on the pull: holders, zeros, Gini, slots, drift, rows, owners asked."""
    facts = [*_mint_facts(summary, tokens, mint), *_pull_facts(index, drift, asked)]
    return f'<div class="helius-head">{" · ".join(facts)}</div>'


def _mint_facts(summary: pd.DataFrame, tokens: Tokens, mint: str) -> list[str]:
    if not mint:
        return ["<b>no rows</b>"]
    known = summary.loc[mint].to_dict()
    facts = [
        count(known["holders"], "holder"),
        f"{known['zero_balances']:,} at zero",
        f"Gini {known['gini']:.2f}" if known["holders"] else "no Gini",
    ]
    if mint in tokens.symbols:
        facts.insert(0, escape(shorten(mint)))
    share = known.get("share_of_supply")
    if isinstance(share, float) and share == share:  # noqa: PLR0124 - not NaN
        facts.append(f"{percent_text(share)} of the supply")
    name = f'<b title="{escape(mint)}">{escape(tokens.name(mint))}</b>'
    return [name, *(f"<span>{fact}</span>" for fact in facts)]


def _pull_facts(index: MintIndex, drift: int, asked: int | None) -> list[str]:
    if not index.rows:
        return []
    facts = [
        f"{slots_text(index.slot_first, index.slot_last)} (drift {drift:,})",
        f"{count(index.rows, 'row')} of {count(len(index.mints), 'mint')}",
    ]
    if asked:
        facts.append(f"of {count(asked, 'owner')} asked")
    return [f"<span>{fact}</span>" for fact in facts]


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def mint_label(tokens: Tokens, mint: str, holders: int) -> str:
    """Return the line of the list of mints (a select's text is never HTML)."""
    return f"{tokens.label(mint)} · {count(holders, 'holder')}"


def count_note(wanted: str, found: int, every: int) -> str:
    """Return how many mints a search found, and how many of them the list has."""
    listed = f"{MINTS_OFFERED} of {found:,} listed" if found > MINTS_OFFERED else ""
    facts = [f"{found:,} of {every:,} match", listed] if wanted else [listed or count(every, "mint")]
    return f'<span class="helius-count" role="status">{", ".join(filter(None, facts))}</span>'


def owners_note(wanted: str, found: pd.Index) -> str:
    """Return why a search for an owner marked nobody."""
    if not len(found):
        return _note(f"No owner of this frame contains {wanted!r}.")
    names = ", ".join(map(shorten, found[:OWNERS_NAMED])) + (", …" if len(found) > OWNERS_NAMED else "")
    return _note(f"{count(len(found), 'owner')} match {wanted!r}: {names}. Type more of the address.")


def no_mint_note(wanted: str) -> str:
    """Return that a search for a mint found none."""
    return _note(f"No mint of this frame contains {wanted!r}.")


def selection_note(selection: PointHolders | None, tokens: Tokens, mint: str, holders: int) -> str:
    """Return whom the table lists: the holders behind the selection, else all of the mint."""
    return _note(selection_text(selection, tokens, mint, holders))


def selection_text(selection: PointHolders | None, tokens: Tokens, mint: str, holders: int) -> str:
    """Return whom the table lists, as plain text."""
    if selection is None:
        if not holders:
            return "Nobody holds any."
        everybody = "The one holder" if holders == 1 else f"All {holders:,} holders"
        return f"{everybody} of {tokens.name(mint)}. Click a bar or a point to list who is behind it."
    noun = "holder" if selection.holders["balance"].any() else "owner"  # who has nothing holds nothing
    return f"{count(len(selection.holders), noun)} of {tokens.name(selection.mint)} {selection.what}"


def _note(text: str) -> str:
    # A screen reader reads a status out when it changes.
    return f'<div class="helius-note" role="status">{escape(text)}</div>'


def decimals_note(name: str) -> str:
    """Return the question for the decimals of a mint."""
    return _note(f"The decimals of {name} are not known: type them, or read base units.")


def bad_decimals_note(text: str, bounds: tuple[int, int]) -> str:
    """Return that a text is not a number of decimals."""
    return _note(f"Decimals must be a whole number from {bounds[0]} to {bounds[1]}, got {text!r}.")


def static_page(
    head: str, figure: go.Figure, rows: Sequence[Sequence[str]], unit: str, summary: pd.DataFrame
) -> str:
    """Write what a page shows that runs neither widgets nor scripts: the chart, its holders, the mints."""
    # Spaced by attributes: where no script runs, styles are often taken away as well.
    table = '<table border="0" cellpadding="4">'
    headings = "".join(f'<th align="left">{escape(name)}</th>' for name in ("owner", unit, "share", "slot"))
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    hidden = len(summary) - STATIC_MINTS
    more = f"<p>{count(hidden, 'more mint')}</p>" if hidden > 0 else ""
    shown = summary.head(STATIC_MINTS)[["holders", "total", "top10_share", "gini"]]
    mints = shown.to_html(border=0, float_format="{:.3f}".format).replace(
        "<table ", '<table cellpadding="4" '
    )
    return f"{head}{svg_of(figure)}{table}<tr>{headings}</tr>{lines}</table>{mints}{more}"
