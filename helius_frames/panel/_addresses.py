"""Addresses as people paste or upload them: text and files, each entry with its place.

Pure text. What is wrong is said by line, as an editor or a
spreadsheet counts, and nothing is left out in silence.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from helius_frames._protocol import pubkey
from helius_frames.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SEPARATORS: Final = re.compile(r"[\s,;]+")
_QUOTES: Final = "\"'`[]()"
_DELIMITERS: Final = ",;\t|"
# Rows looked at to find out which column holds addresses.
_SAMPLE: Final = 1000
_SHOWN: Final = 60
# More than any table of wallets has; each is a line in a list and is searched for addresses.
MAX_COLUMNS: Final = 1000


class Entry(NamedTuple):
    """One address as given, and where it is."""

    place: str
    text: str


class Line(NamedTuple):
    """One row of a file, with the number of the line it ends on."""

    number: int
    cells: list[str]


class Table(NamedTuple):
    """A file of addresses: its name, the names of its columns, its rows without the headings."""

    name: str
    headings: tuple[str, ...]
    has_headings: bool
    rows: list[Line]


def pasted(text: str) -> list[Entry]:
    """Return the addresses of pasted text, which commas, semicolons, spaces or line ends separate."""
    return [
        Entry(f"line {number}", word)
        for number, line in enumerate(text.splitlines(), 1)
        for part in _SEPARATORS.split(line)
        if (word := part.strip(_QUOTES))
    ]


def read_table(name: str, content: bytes) -> Table:
    """Return the rows and columns of an uploaded file: CSV, or one address a line.

    Raises
    ------
    InputError
        It is not a text file, holds nothing, or has too many columns.
    """
    rows = _rows(name, _decode(content))
    if not rows:
        raise InputError(f"the file {name!r} is empty: choose one with an address a line, or a CSV")
    width = max(len(row.cells) for row in rows)
    first = rows[0].cells
    # A heading is never as long as an address, so a mistyped address is never taken for one.
    has_headings = any(first) and max(map(len, first)) < pubkey.KEY_BYTES
    names = first if has_headings else []
    headings = tuple(names[place] if place < len(names) else "" for place in range(width))
    return Table(name, headings, has_headings, rows[has_headings:])


def address_column(table: Table) -> int:
    """Place of the first column that holds an address; the first column where none does."""
    sample = table.rows[:_SAMPLE]
    holding = (
        place
        for place in range(len(table.headings))
        if any(_why_not(_cell(row, place)) is None for row in sample)
    )
    return next(holding, 0)


def column(table: Table, place: int) -> list[Entry]:
    """Return the addresses of one column of a file."""
    return [Entry(f"{table.name}, line {row.number}", _cell(row, place)) for row in table.rows]


def problems_in(entries: Sequence[Entry]) -> list[str]:
    """Return what is wrong with the entries that are not addresses, each with its place."""
    if pubkey.align_texts([entry.text for entry in entries]) is not None:
        return []
    return [
        f"{entry.place}: {entry.text[:_SHOWN]!r} is not a Solana address: {why}"
        if entry.text
        else f"{entry.place}: {why}"
        for entry in entries
        if (why := _why_not(entry.text)) is not None
    ]


def _why_not(text: str) -> str | None:
    if not text:
        return "no address in this line"
    try:
        pubkey.parse(text)
    except ValueError as error:
        return str(error)
    return None


def _cell(row: Line, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _decode(content: bytes) -> str:
    """Return the text of a file; addresses are ASCII, so an odd letter in another column may be lost."""
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_wide else "utf-8-sig", errors="replace")


def _rows(name: str, text: str) -> list[Line]:
    if "\0" in text:
        raise InputError(f"the file {name!r} is not text: save the table as CSV and choose that")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        lines = [Line(reader.line_num, _cells(name, cells)) for cells in reader]
    except csv.Error as error:
        raise InputError(
            f"the file {name!r} cannot be read as CSV at line {reader.line_num}: {error}"
        ) from None
    return [line for line in lines if any(line.cells)]


def _cells(name: str, cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise InputError(
            f"the file {name!r} has a line of {len(cells):,} columns, at most {MAX_COLUMNS:,} can be read: "
            "choose a file with one address a line, or a smaller table"
        )
    return [cell.strip() for cell in cells]


def _delimiter(text: str) -> str:
    first: Iterable[str] = text.lstrip().splitlines()[:1]
    return max(_DELIMITERS, key="".join(first).count)
