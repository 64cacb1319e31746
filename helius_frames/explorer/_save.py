"""Downloads in the person's browser: a menu, the bytes behind its lines, and a safe name for each file.

The kernel's disk may be on another machine (Voila, Binder), so nothing is written there: the bytes
travel to the page that asked, and the page saves them.
"""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

import anywidget
import pandas as pd
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FileFormat: TypeAlias = Literal["html", "csv", "parquet"]

# About 25 MB of CSV: what a websocket and a browser take without a pause that looks like an error.
MAX_ROWS = 200_000

# At the beginning, or where another reader of CSV begins a cell: before what a spreadsheet runs, be it behind
# quotes and spaces, in a wide letter of East Asia, or behind white space that it drops.
_RUN = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA_STARTS = re.compile(rf"""(?:\A(?=[\t\r\n])|(?:\A|(?<=[;,|\t\r\n]))(?=["'\s]*{_RUN}))""")
_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")


class Download(NamedTuple):
    """One file for the browser: its name and what it holds."""

    name: str
    data: bytes


class SaveItem(NamedTuple):
    """One line of the menu: what it saves, in which format, in words with the number of rows."""

    what: str
    format: FileFormat
    label: str


class SaveMenu(anywidget.AnyWidget):
    """A menu of downloads, or a button for each, and one that copies a line of Python where there is one."""

    _esm = Path(__file__).with_name("save.js")
    _css = Path(__file__).with_name("explorer.css")

    items: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    python = traitlets.Unicode().tag(sync=True)
    has_python = traitlets.Bool(default_value=True).tag(sync=True)
    is_menu = traitlets.Bool(default_value=True).tag(sync=True)

    def __init__(
        self, make: Callable[[FileFormat, str], Download], *, has_python: bool = True, is_menu: bool = True
    ) -> None:
        super().__init__(has_python=has_python, is_menu=is_menu)
        self._make = make
        self.on_msg(self._answer)

    def offer(self, items: Sequence[SaveItem], python: str = "") -> None:
        """Offer what there is now."""
        self.items, self.python = [item._asdict() for item in items], python

    def _answer(self, _widget: SaveMenu, message: dict[str, str], _buffers: list[memoryview]) -> None:
        asked = {"ticket": message["ticket"], "format": message["format"]}
        try:
            download = self._make(file_format(message["format"]), message.get("what", ""))
        except Exception as error:  # noqa: BLE001 - whatever it is, the person who clicked reads it
            self.send(asked | {"error": f"not saved: {error}"})
        else:
            self.send(asked | {"name": download.name}, [download.data])


def file_format(text: str) -> FileFormat:
    """Check a format that came from outside."""
    for known in get_args(FileFormat):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise ValueError(f"format {text!r} is not one of {', '.join(get_args(FileFormat))}")


def file_name(mint: str, what: str, suffix: FileFormat) -> str:
    """Name for a download: the mint is in it only if it is an address, since a name is not escaped."""
    place = f"-{mint[:8]}" if _ADDRESS.fullmatch(mint) else ""
    return f"helius{place}-{what}.{suffix}"


def csv_bytes(rows: pd.DataFrame) -> bytes:
    """Return the rows as UTF-8 CSV, every digit kept, no cell that a spreadsheet would run as a formula."""
    # With this end of a line, as RFC 4180 has it, a cell with either of its characters is put into quotes.
    return without_formulas(_bounded(rows)).to_csv(index=False, lineterminator="\r\n").encode()


def parquet_bytes(rows: pd.DataFrame) -> bytes:
    """Return the rows as Parquet, with the dtypes of the frame."""
    buffer = io.BytesIO()
    _without_other_addresses(_bounded(rows)).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _bounded(rows: pd.DataFrame) -> pd.DataFrame:
    if len(rows) > MAX_ROWS:
        raise ValueError(
            f"{len(rows):,} rows are too many for a download (at most {MAX_ROWS:,}): "
            "click a bar or hide zeros for fewer, or use to_parquet on the frame"
        )
    return rows


def _without_other_addresses(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the categories that no row has: of a few rows they may be a million addresses."""
    named = [name for name, dtype in rows.dtypes.items() if dtype.type is pd.CategoricalDtype.type]
    return rows.assign(**{str(name): _own_categories(rows[name]) for name in named})


def _own_categories(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    # A dictionary of Arrow's: pandas writes it to Parquet, but cannot read it back as it is.
    names = column.astype(object)
    return names.astype(pd.CategoricalDtype(names.dropna().drop_duplicates()))


def without_formulas(rows: pd.DataFrame) -> pd.DataFrame:
    """Put a quote before each text, column names too, that a spreadsheet would take for a formula.

    A spreadsheet splits at the separator of its country, not at ours, and knows nothing of our quotes then.
    So a quote is put behind each character that might begin a cell for it, where a formula follows.
    """
    guarded = pd.concat([_guard(rows.iloc[:, place]) for place in range(rows.shape[1])], axis="columns")
    return guarded.set_axis([_guard_cell(name) for name in rows.columns], axis="columns")


def _guard(column: pd.Series) -> pd.Series:
    is_machine_number = pd.api.types.is_any_real_numeric_dtype(column) and column.dtype.type is not Decimal
    return column if is_machine_number else column.astype(object).map(_guard_cell)


def _guard_cell(cell: object) -> object:
    if isinstance(cell, Decimal):
        return format(cell, "f")  # its own text may be 1E-9
    return _FORMULA_STARTS.sub("'", cell) if isinstance(cell, str) else cell
