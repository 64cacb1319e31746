"""The panel's texts. Whatever came from a server, a file or a person is escaped here, in one place."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from helius_frames._progress import Tally

# More lines than anybody reads; a page with a hundred thousand of them would stop to answer.
LISTED: Final = 1000


def count(number: int, noun: str) -> str:
    """Give a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def progress(tally: Tally) -> str:
    """Bar and line of how far the pull is."""
    ended = tally.done + tally.failed
    bar = f'<progress aria-label="owners read" max="{max(tally.owners, 1)}" value="{ended}"></progress>'
    return f'<div class="helius-progress">{bar}<span>{ended:,} of {_spent(tally)}</span></div>'


def _spent(tally: Tally) -> str:
    facts = [
        count(tally.owners, "owner"),
        count(tally.pages, "page"),
        f"{count(tally.requests, 'request')} = {tally.credits:,} credits on Helius",
    ]
    facts += [f"{count(tally.retries, 'time')} tried again"] if tally.retries else []
    facts += [f"<b>{tally.failed:,} failed</b>"] if tally.failed else []
    return " · ".join(facts)


def status(text: str, *, is_fault: bool = False) -> str:
    """One sentence on the pull, which a screen reader reads out when it changes."""
    kind = ' class="helius-fault"' if is_fault else ""
    return f'<div role="status"><p{kind}>{escape(text)}</p></div>'


def faults(sentence: str, lines: Sequence[str]) -> str:
    """Sentence on the input, and below it what is wrong, line by line."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines[:LISTED])
    more = f"<li>… and {len(lines) - LISTED:,} more</li>" if len(lines) > LISTED else ""
    listed = f'<ul class="helius-list" tabindex="0" aria-label="what is wrong">{items}{more}</ul>'
    return status(sentence, is_fault=True) + listed


def failures(failed: pd.DataFrame) -> str:
    """Table of the owners that could not be read, with the cause; empty where all were."""
    if failed.empty:
        return ""
    hidden = len(failed) - LISTED
    more = f" (the first {LISTED:,} are listed)" if hidden > 0 else ""
    head = "<tr><th>owner</th><th>page</th><th>cause</th></tr>"
    lines = "".join(_failure(failure) for failure in failed.head(LISTED).itertuples())
    return (
        f'<p class="helius-fault">{count(len(failed), "owner")} could not be read{more}:</p>'
        '<div class="helius-list" role="region" aria-label="owners that could not be read" tabindex="0">'
        f"<table>{head}{lines}</table></div>"
    )


def _failure(failure: Any) -> str:  # noqa: ANN401 - a row of a frame
    page = f"{failure.page:,}" if failure.page == failure.page else ""  # noqa: PLR0124 - missing where none was sent
    cells = (failure.owner, page, f"{failure.kind}: {failure.message}")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
