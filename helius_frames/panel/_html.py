"""Texts of the panel. Whatever came from a server, a file or a person is escaped here, in one place."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from helius_frames._progress import PullProgress
    from helius_frames.panel._addresses import Entry, Table
    from helius_frames.panel._pulling import PullOutcome

# More lines than anybody reads; a page with a hundred thousand of them would stop to answer.
LISTED: Final = 1000
_HEADING_MAX: Final = 40


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def columns(headings: Sequence[str]) -> list[tuple[str, int]]:
    """Return the lines of the list of columns (a select's text is never HTML)."""
    return [(f"{place}: {name[:_HEADING_MAX]}", place - 1) for place, name in enumerate(headings, 1)]


def count_note(of_text: Sequence[Entry], of_file: Sequence[Entry], table: Table | None) -> str:
    """Return how many owners there are, from where, and what was made of a file's first line."""
    facts = [f"{count(len(of_text), 'owner')} pasted"]
    if table is not None:
        facts.append(f"{len(of_file):,} from {table.name!r}")
    if table is not None and table.has_headings:
        facts.append(f"its first line, {', '.join(table.headings)[:_HEADING_MAX]!r}, is used as headings")
    twice = len(of_text) + len(of_file) - len({entry.text for entry in (*of_text, *of_file)})
    if twice:
        facts.append(f"{count(twice, 'duplicate')}, fetched once")
    return f'<span class="helius-quiet">{escape(" · ".join(facts))}</span>'


def progress(progress: PullProgress) -> str:
    """Return bar and line of how far the pull is; credits are what requests to Helius's own hosts cost."""
    ended = progress.done + progress.failed
    bar = f'<progress aria-label="owners read" max="{max(progress.owners, 1)}" value="{ended}"></progress>'
    spent = _spent(progress)
    return f'<div class="helius-progress">{bar}<span>{ended:,} of {spent}</span></div>'


def _spent(progress: PullProgress) -> str:
    spent = f" = {progress.credits:,} credits" if progress.credits else ""
    facts = [
        count(progress.owners, "owner"),
        count(progress.pages, "page"),
        f"{count(progress.requests, 'request')}{spent}",
    ]
    if progress.waiting_s:
        facts.append(f"429 from the server, waiting {progress.waiting_s:.0f} s")
    elif progress.refused and progress.rate is not None:
        facts.append(f"{progress.rate:.3g} requests a second found")
    if progress.retries:
        facts.append("1 retry" if progress.retries == 1 else f"{progress.retries:,} retries")
    facts += [f"<b>{progress.failed:,} failed</b>"] if progress.failed else []
    return " · ".join(facts)


def status(text: str, *, is_error: bool = False) -> str:
    """Return one sentence on the pull, which a screen reader reads out when it changes."""
    kind = ' class="helius-error"' if is_error else ""
    return f'<div role="status"><p{kind}>{escape(text)}</p></div>'


def outcome(ended: PullOutcome) -> str:
    """Return one sentence on the result of a pull."""
    if ended.frame is None:
        what = "no owners were fetched."
    else:
        what = f"{ended.read:,} of {count(ended.asked, 'owner')} read, {count(len(ended.frame), 'row')}."
    if ended.is_cancelled:
        return f"Cancelled: {what}"
    if not ended.error:
        return f"Done: {what}"
    return f"{'Failed' if ended.frame is None else 'Ended early'}: {what}\n{ended.error}"


def problems(sentence: str, lines: Sequence[str]) -> str:
    """Return a sentence on the input, and below it what is wrong, line by line."""
    if not lines:
        return status(sentence, is_error=True)
    items = "".join(f"<li>{escape(line)}</li>" for line in lines[:LISTED])
    more = f"<li>… and {len(lines) - LISTED:,} more</li>" if len(lines) > LISTED else ""
    listed = f'<ul class="helius-list" tabindex="0" aria-label="what is wrong">{items}{more}</ul>'
    return status(sentence, is_error=True) + listed


def failures(failed: pd.DataFrame) -> str:
    """Return a table of the owners that could not be read, with the cause; empty where all were."""
    if failed.empty:
        return ""
    hidden = len(failed) - LISTED
    more = f" (the first {LISTED:,} are listed)" if hidden > 0 else ""
    head = "<tr><th>owner</th><th>page</th><th>cause</th></tr>"
    shown = failed.head(LISTED).astype({"page": "string"}).fillna({"page": ""})
    lines = "".join(_failure(failure) for failure in shown.itertuples())
    return (
        f'<p class="helius-error">{count(len(failed), "owner")} could not be read{more}:</p>'
        '<div class="helius-list" role="region" aria-label="owners that could not be read" tabindex="0">'
        f"<table>{head}{lines}</table></div>"
    )


def _failure(failure: Any) -> str:  # noqa: ANN401 - a row of a frame
    cells = (failure.owner, failure.page, f"{failure.kind}: {failure.message}")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
