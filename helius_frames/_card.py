"""What a frame of balances is, in three lines for a terminal and on a card for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from helius_frames import analysis
from helius_frames.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_FAILURES_SHOWN = 5
_MESSAGE_MAX = 300
# The colours of JupyterLab where it is there; elsewhere the page's own ink on its own paper.
_STYLE = (
    "display:inline-block;max-width:100%;box-sizing:border-box;padding:10px 16px;margin:2px 0;"
    "line-height:1.6;"
    "border:1px solid var(--jp-border-color2,rgba(128,128,128,.5));"
    "border-left:4px solid #0072b2;border-radius:4px;"
    "color:var(--jp-ui-font-color1,inherit);font-size:13px;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere"
)


class Facts(NamedTuple):
    """Three lines on a frame: whose holdings, mints and rows; slots; zero balances."""

    what: str
    slots: str
    zeros: str


def described(frame: pd.DataFrame) -> str:
    """Return whose holdings a frame has, its slots and its zero balances, in three lines."""
    try:
        return "\n".join(_facts(frame))
    except InputError as error:
        return _unusable(frame, error)


def card(frame: pd.DataFrame) -> str:
    """Return the same as HTML, with the owners that failed and why."""
    try:
        facts = _facts(frame)
    except InputError as error:
        return _box([escape(_unusable(frame, error))])
    first, *rest = map(escape, facts)
    return _box([f"<b>{first}</b>", *rest, *_failures(frame)])


def _unusable(frame: pd.DataFrame, error: InputError) -> str:
    return f"{_count(len(frame), 'row')} that cannot be used: {error}"


def _facts(frame: pd.DataFrame) -> Facts:
    found = analysis.pull_summary(frame)
    owners = _count(found.owners, "owner")
    if found.is_whole:
        asked = found.owners_read + found.owners_failed
        owners = f"{_count(asked, 'owner')} asked, {found.owners:,} with rows"
    elif found.owners_read > found.owners:
        owners = f"{_count(found.owners_read, 'owner')} read, {found.owners:,} with rows"
    slots = "none"
    if found.slot_first is not None and found.slot_last is not None:
        drift = found.slot_last - found.slot_first
        slots = f"{found.slot_first:,} to {found.slot_last:,} (drift {drift:,})"
    failed = f"; {_count(found.owners_failed, 'owner')} failed" if found.owners_failed else ""
    return Facts(
        f"{owners}, {_count(found.mints, 'mint')}, {_count(found.rows, 'row')}{failed}",
        f"slots {slots}",
        _count(found.zero_balances, "zero balance"),
    )


def _failures(frame: pd.DataFrame) -> list[str]:
    """Return one line for each owner that failed, of many for the first."""
    failed = analysis.failures(frame)
    lines = [
        f"{failure.owner}: {failure.message}"[:_MESSAGE_MAX]
        for failure in failed.head(_FAILURES_SHOWN).itertuples()
    ]
    if len(failed) > _FAILURES_SHOWN:
        lines.append(f"… and {len(failed) - _FAILURES_SHOWN:,} more: df.helius.failures()")
    if not lines:
        return []
    text = "<br>".join(map(escape, lines))
    return [f'<div role="note" style="border-left:4px solid #d55e00;padding-left:8px">{text}</div>']


def _box(lines: list[str]) -> str:
    return f'<div style="{_STYLE}">{"".join(f"<div>{line}</div>" for line in lines)}</div>'


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
