"""The explorer itself: traits that are the state, controls linked to them, one figure drawn from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import ipywidgets as widgets
import traitlets

from helius_frames import analysis, charts
from helius_frames.errors import InputError, MintError, OwnerError
from helius_frames.explorer import _html
from helius_frames.explorer._code import python_line
from helius_frames.explorer._controls import BINS, DECIMALS, TOP, build_controls
from helius_frames.explorer._figure import BOX_TOOLS, SELECTABLE, CurrentFigure
from helius_frames.explorer._keys import ChartKeys
from helius_frames.explorer._points import (
    Point,
    PointHolders,
    holders_of_bar,
    holders_of_cell,
    holders_of_ecdf_point,
    holders_of_lorenz_point,
    holders_of_tile,
    holders_of_top,
    rows_of,
    together,
)
from helius_frames.explorer._save import (
    Download,
    FileFormat,
    SaveItem,
    SaveMenu,
    csv_bytes,
    file_name,
    parquet_bytes,
)
from helius_frames.explorer._search import matching
from helius_frames.explorer._stops import outline, plain_text, stops_of, text_of
from helius_frames.explorer._table import HolderList, HolderTable
from helius_frames.explorer._tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import plotly.graph_objects as go
    from traitlets import Bunch

# What `Explorer.download` saves.
What: TypeAlias = Literal["chart", "selection", "mint", "all", "summary"]


class Chart(NamedTuple):
    """One kind of chart: how it is drawn, from which numbers, whom a point stands for, its options."""

    label: str
    plot: Callable[..., go.Figure]
    numbers: Callable[..., Any]
    holders_of: Callable[[analysis.MintIndex, Any, Point], PointHolders | None]
    options: Mapping[str, str]  # trait of the explorer → keyword of the chart
    most: int = TOP[1]  # holders that may be drawn


CHARTS: Mapping[str, Chart] = {
    "histogram": Chart(
        "Histogram",
        charts.plot_histogram,
        charts.histogram_numbers,
        holders_of_bar,
        {"scale": "scale", "bins": "bins", "hide_zeros": "hide_zeros"},
    ),
    "ecdf": Chart("ECDF", charts.plot_ecdf, charts.ecdf_numbers, holders_of_ecdf_point, {"scale": "scale"}),
    "lorenz": Chart("Lorenz", charts.plot_lorenz, charts.lorenz_numbers, holders_of_lorenz_point, {}),
    "top_holders": Chart(
        "Top holders", charts.plot_top_holders, charts.top_holders_numbers, holders_of_top, {"top": "n"}
    ),
    "treemap": Chart("Treemap", charts.plot_treemap, charts.treemap_numbers, holders_of_tile, {"top": "n"}),
    "heatmap": Chart(
        "Heatmap",
        charts.plot_heatmap,
        charts.heatmap_numbers,
        holders_of_cell,
        {"top": "n", "hide_zeros": "hide_zeros"},
        most=30,  # each has as many cells, and each cell its text
    ),
}
LINKED = ("chart", "scale", "bins", "units", "hide_zeros")
DRAWN = ("mint", *LINKED, "top", "decimals", "owner", "theme")
MOVES_POINTS = frozenset({"mint", "chart", "scale", "bins", "top", "hide_zeros"})


# traitlets takes back changes that were held together only for an error of its own.
class _UnknownMintError(MintError, traitlets.TraitError):
    """The mint has no rows in the frame."""


class _UnknownOwnerError(OwnerError, traitlets.TraitError):
    """The owner is not in the frame."""


class _DecimalsError(InputError, traitlets.TraitError):
    """The decimals are no mapping from mint to places."""


class _Decimals(traitlets.Dict):
    """A mapping from mint to places."""

    def __init__(self) -> None:
        super().__init__(traitlets.Int(min=DECIMALS[0], max=DECIMALS[1]), traitlets.Unicode())

    def validate(self, obj: Explorer, value: object) -> dict[str, int] | None:
        if not isinstance(value, Mapping):
            raise _DecimalsError(
                f"decimals must be a mapping from mint to places such as {{mint: 6}}, got {value!r}: "
                "each mint has its own"
            )
        return super().validate(obj, dict(value))


class Explorer(widgets.VBox):  # type: ignore[misc]
    """Controls and one chart of the balances of a frame.

    Every attribute below is state: set it and the controls and the chart follow; move a control and
    the attribute follows.

    Attributes
    ----------
    mint
        Mint whose holders are shown; empty only where the frame has no rows.
    chart
        ``"histogram"``, ``"ecdf"``, ``"lorenz"``, ``"top_holders"``, ``"treemap"`` or ``"heatmap"``.
    scale
        ``"log"`` or ``"linear"``.
    bins
        Number of bars of the histogram, 5 to 200.
    top
        Number of holders in bars, tiles and heatmap, 3 to 100; a heatmap shows at most 30.
    units
        ``"base"`` for base units, ``"decimals"`` for amounts with as many places as ``decimals`` says, which
        is the default where any are known. A mint that it does not name is in base units, and its field asks
        for a number.
    decimals
        A mapping from mint to the places of its amounts, 0 to 18; by default what the frame's column
        ``decimals`` says. It is kept when another mint is shown.
    hide_zeros
        Whether zero balances are left out.
    owner
        Owner marked in every chart; ``None`` for none.
    theme
        ``"light"``, ``"dark"``, or ``"auto"``: as the page is, light where it does not say.
    """

    mint = traitlets.Unicode()
    chart = traitlets.Enum(tuple(CHARTS), default_value="histogram")
    scale = traitlets.Enum(("log", "linear"), default_value="log")
    bins = traitlets.Int(60, min=BINS[0], max=BINS[1])
    top = traitlets.Int(20, min=TOP[0], max=TOP[1])
    units = traitlets.Enum(("base", "decimals"), default_value="base")
    decimals = _Decimals()
    hide_zeros = traitlets.Bool(default_value=False)
    owner = traitlets.Unicode(None, allow_none=True)
    theme = traitlets.Enum(("auto", "light", "dark"), default_value="auto")

    _parts: tuple[widgets.Widget, ...] = ()  # what is closed with it

    def __init__(self, frame: pd.DataFrame, **initial: Any) -> None:
        self._index = analysis.MintIndex.of(frame)
        self._tokens = Tokens.of(self._index)
        self._summary = analysis.by_mint(self._index)
        self._holder_counts = self._summary["holders"].to_dict()
        self._zero_counts = self._summary["zero_balances"].to_dict()
        self._drift = analysis.drift(self._index.frame)
        asked = analysis.pull_attrs(self._index.frame).get("owners")
        self._asked: int | None = asked if isinstance(asked, int) else None
        self._matches = self._index.mints  # by the search for a mint
        self._cursor: Point | None = None  # where the keys are
        self._selected: list[Point] = []
        self._selection: PointHolders | None = None
        self._listed: HolderList | None = None
        self._controls = build_controls({chart.label: kind for kind, chart in CHARTS.items()})
        self._keys = ChartKeys(self._on_key)
        self._table = HolderTable(self._toggle_mark)
        self._save = SaveMenu(self._saved)
        self._clear = widgets.Button(description="× clear", tooltip="clear the selection (Escape)")
        self._header, self._note, self._count = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(**self._first_values(initial))
        # Drawn before there is a figure widget, whose constructor takes the first chart whole.
        self._figure = CurrentFigure(self._drawn(), self._on_points)
        self._lay_out()
        self._link()

    def _first_values(self, initial: dict[str, Any]) -> dict[str, Any]:
        """Add what the frame knows: the mint that most hold, decimals, and with them amounts in tokens."""
        values = {"mint": next(iter(self._index.mints), "")} | initial
        given = initial.get("decimals", {})
        if isinstance(given, Mapping) and (known := self._tokens.decimals | dict(given)):
            values = {"units": "decimals"} | values | {"decimals": known}
        return values

    @property
    def figure(self) -> go.FigureWidget:
        """The figure widget: always the same one, whatever it shows."""
        return self._figure

    @property
    def state(self) -> dict[str, Any]:
        """What is shown, by attribute: ``explore(df, **explorer.state)`` shows it again."""
        return {name: getattr(self, name) for name in DRAWN} | {"decimals": dict(self.decimals)}

    @property
    def selection(self) -> pd.DataFrame:
        """Holders behind what is selected, columns as of `top_holders`; no row where nothing is."""
        if self._selection is not None:
            return self._selection.holders.copy()
        holders = self._index.holders(self.mint)
        return self._index.holder_table(holders, 0, 0)

    def as_python(self) -> str:
        """Return the line of Python that draws the chart that is shown: ``df.helius.plot.…``."""
        if not self.mint:
            return ""
        options = self._options()
        known = options.pop("decimals") or {}
        if self.chart == "heatmap" and not known:
            decimals = None
        elif self.chart == "heatmap":
            drawn = charts.heatmap_numbers(self._index, self.mint, **self._options()).mints
            decimals = {mint: known[mint] for mint in drawn if mint in known} or None
        else:
            decimals = known.get(self.mint)
        options |= {"decimals": decimals, "theme": self._theme_now}
        return python_line(self.chart, CHARTS[self.chart].plot, self.mint, options)

    @traitlets.validate("mint")
    def _known_mint(self, proposal: Bunch) -> str:
        mint: str = proposal["value"]
        if mint in self._index.mints or not (mint or self._index.rows):
            return mint
        raise _UnknownMintError(
            f"mint {mint!r} has no rows in this frame; df.helius.by_mint() lists those that have"
        )

    @traitlets.validate("owner")
    def _known_owner(self, proposal: Bunch) -> str | None:
        owner: str | None = proposal["value"]
        if owner is None or owner in self._index.owners:
            return owner
        raise _UnknownOwnerError(f"owner {owner!r} is not in this frame; give a whole address of it, or None")

    def close(self) -> None:
        """Close every widget of the explorer, so that the kernel forgets its state."""
        for widget in self._parts:
            widget.close()
        super().close()

    # Putting together

    def _lay_out(self) -> None:
        controls = self._controls.lines(self._count, self._save)
        chart = widgets.Box((self._figure, self._keys))
        chart.add_class("helius-chart")
        foot = widgets.Box((self._note, self._clear))
        foot.add_class("helius-foot")
        self.children = (self._header, *controls, chart, foot, self._table)
        inner = (self._count, self._save, self._figure, self._keys, self._note, self._clear)
        self._parts = (*self._controls, *inner, *self.children)
        self.add_class("helius-explorer")

    def _link(self) -> None:
        for name in LINKED:
            traitlets.link((self, name), (getattr(self._controls, name), "value"))
        self._controls.top.observe(self._choose_top, "value")
        self._controls.mint.observe(self._choose_mint, "value")
        self._refresh_texts()
        self._controls.find.observe(self._find_mint, "value")
        self._controls.decimals.observe(self._type_decimals, "value")
        self._controls.owner.observe(self._find_owner, "value")
        self._keys.observe(self._draw, "page_theme")
        self._clear.on_click(lambda _button: self._select([]))
        self.observe(self._changed, DRAWN)

    # Drawing

    def _changed(self, change: Bunch) -> None:
        if change["name"] in MOVES_POINTS:
            self._cursor, self._selected, self._selection = None, [], None
        if change["name"] in MOVES_POINTS | {"mint"}:
            self._listed = None
        self._draw()
        self._refresh_texts()
        if change["name"] == "units" and self.units == "decimals" and self._decimals_or_none is None:
            self._ask_for_decimals()

    def _draw(self, _change: Bunch | None = None) -> None:
        self._figure.replace(self._drawn())

    def _drawn(self) -> go.Figure:
        """Return the chart, with what is selected outlined."""
        figure = self._plain()
        self._stops = stops_of(figure)
        points = self._selected if self._cursor is None else [self._cursor]
        if points:
            outline(figure, points, figure.layout.template.layout.font.color)
        if not any(trace.type in SELECTABLE for trace in figure.data):
            figure.layout.modebar.remove = list(BOX_TOOLS)
        return figure

    def _plain(self) -> go.Figure:
        return CHARTS[self.chart].plot(self._index, self.mint, theme=self._theme_now, **self._options())

    def _options(self) -> dict[str, Any]:
        chart = CHARTS[self.chart]
        own = {keyword: getattr(self, name) for name, keyword in chart.options.items()}
        if "n" in own:
            own["n"] = min(own["n"], chart.most)
        return {"decimals": self._shown_decimals, "mark": self.owner, **own}

    @property
    def _shown_decimals(self) -> dict[str, int] | None:
        """Decimals of all mints where they are wanted; ``None`` for base units."""
        return self.decimals if self.units == "decimals" else None

    @property
    def _decimals_or_none(self) -> int | None:
        """Decimals of the mint that is shown, where they are wanted and known."""
        return charts.decimals_of(self._shown_decimals, self.mint)

    @property
    def _theme_now(self) -> str:
        return (self._keys.page_theme or "light") if self.theme == "auto" else self.theme

    def _refresh_texts(self) -> None:
        """Bring the texts and the visible controls up to date."""
        self._header.value = _html.header(
            self._index, self._summary, self._tokens, self.mint, drift=self._drift, asked=self._asked
        )
        self._show_mint()
        self._show_top()
        self._controls.owner.value = self.owner or ""
        self._controls.decimals.value = str(self.decimals.get(self.mint, ""))
        self._controls.hide_useless(self._useful())
        self._show_count()
        self._show_rows()
        self._show_keys()

    def _useful(self) -> frozenset[str]:
        places = {"decimals"} if self.units == "decimals" and self.mint else set()
        return frozenset({*CHARTS[self.chart].options, "units", *places})

    # The slider of the number of holders has the limit of the chart, the attribute that of all

    def _show_top(self) -> None:
        slider, most = self._controls.top, CHARTS[self.chart].most
        slider.unobserve(self._choose_top, "value")
        slider.max, slider.value = most, min(self.top, most)
        slider.observe(self._choose_top, "value")

    def _choose_top(self, change: Bunch) -> None:
        self.top = change["new"]

    # The selection: by a click, a box, or the keys

    def _on_click(self, point: Point) -> None:
        self._on_points([point])

    def _on_points(self, points: list[Point]) -> None:
        """Select points; what is selected alone and chosen again is let go."""
        self._select([] if points == self._selected else points)

    def _select(self, points: list[Point]) -> None:
        chart = CHARTS[self.chart]
        numbers = chart.numbers(self._index, self.mint, **self._options()) if points else None
        found = [(point, chart.holders_of(self._index, numbers, point)) for point in points]
        self._selected = [point for point, behind in found if behind is not None]
        self._selection = together([behind for _, behind in found if behind is not None])
        self._cursor, self._listed = None, None
        self._draw()
        self._show_rows()
        self._show_keys()

    def _on_key(self, key: str) -> None:
        if key == "Escape":
            self._select([])
        elif key == "Enter":
            if self._cursor is not None:
                self._on_points([self._cursor])
        else:
            self._move(key)

    def _move(self, key: str) -> None:
        here = self._cursor or next(iter(self._selected), None)
        point = self._stops.after(key, here)
        if point is not None and point != self._cursor:
            self._cursor = point
            self._draw()
            self._show_keys()

    def _show_keys(self) -> None:
        here = self._cursor or next(iter(self._selected), None)
        stops = self._stops
        self._keys.view = {
            "title": plain_text(self._figure.layout.title.text or ""),
            "text": "" if here is None else text_of(self._figure, here),
            "number": stops.number(here),
            "count": stops.size,
            "has_selection": bool(self._selected) or self._cursor is not None,
        }

    # The table of holders

    def _show_rows(self) -> None:
        self._note.value = self._selection_note()
        self._clear.layout.visibility = "visible" if self._selection is not None else "hidden"
        if self._listed is None:
            holders = self._index.holders(self.mint)
            frame = None if self._selection is None else self._selection.holders
            self._listed = HolderList(self._index, holders, frame)
        self._table.show(
            self._listed,
            unit=self._unit,
            what=plain_text(self._note.value),
            marked=self.owner,
            texts=self._row_texts,
        )
        self._save.offer(self._save_items(), self.as_python())

    def _selection_note(self) -> str:
        count = self._holder_counts.get(self.mint, 0)
        return _html.selection_note(self._selection, self._tokens, self.mint, count)

    @property
    def _listed_mint(self) -> str:
        return self.mint if self._selection is None else self._selection.mint

    @property
    def _unit(self) -> str:
        """Unit of the amounts in the table."""
        if charts.decimals_of(self._shown_decimals, self._listed_mint) is None:
            return "base units"
        return self._tokens.symbols.get(self._listed_mint, "tokens")

    def _row_texts(self, row: tuple[str, int, float, int]) -> list[str]:
        owner, balance, share, slot = row
        places = charts.decimals_of(self._shown_decimals, self._listed_mint)
        return [str(owner), charts.amount_text(balance, places), charts.percent_text(share), f"{slot:,}"]

    def _toggle_mark(self, owner: str) -> None:
        self.owner = None if owner == self.owner else owner

    # Decimals of the mint that is shown

    def _ask_for_decimals(self) -> None:
        self._note.value = _html.decimals_note(self._tokens.name(self.mint))
        self._controls.decimals.focus()

    def _type_decimals(self, change: Bunch) -> None:
        text = change["new"].strip()
        others = {mint: places for mint, places in self.decimals.items() if mint != self.mint}
        if not text:
            self.decimals = others
        elif text.isdecimal() and DECIMALS[0] <= int(text[:3]) <= DECIMALS[1]:
            self.decimals = others | {self.mint: int(text[:3])}
        else:
            self._note.value = _html.bad_decimals_note(text, DECIMALS)

    # Searching

    def _choose_mint(self, change: Bunch) -> None:
        self.mint = change["new"]

    def _find_mint(self, _change: Bunch) -> None:
        wanted = self._controls.find.value.strip()
        self._matches = self._tokens.matching(wanted)
        if len(self._matches) == 1:
            self.mint = self._matches[0]
        self._offer_mints()
        self._show_count()
        self._note.value = self._selection_note() if len(self._matches) else _html.no_mint_note(wanted)

    def _show_count(self) -> None:
        wanted = self._controls.find.value.strip()
        self._count.value = _html.count_note(wanted, len(self._matches), len(self._index.mints))

    def _show_mint(self) -> None:
        if self.mint in {mint for _, mint in self._controls.mint.options}:
            self._controls.mint.value = self.mint
        elif self.mint:
            self._offer_mints()

    def _offer_mints(self) -> None:
        """Fill the list of mints."""
        box = self._controls.mint
        # A new list makes the dropdown choose a line, of which nobody should hear.
        box.unobserve(self._choose_mint, "value")
        box.options = self._mint_options()
        box.value = self.mint or None
        box.observe(self._choose_mint, "value")

    def _mint_options(self) -> list[tuple[str, str]]:
        """Return the mints that match the search, most holders first, and in any case the chosen one."""
        offered = self._matches[: _html.MINTS_OFFERED]
        if self.mint and self.mint not in offered:
            offered = offered.insert(0, self.mint)
        return [(_html.mint_label(self._tokens, mint, self._holder_counts[mint]), mint) for mint in offered]

    def _find_owner(self, change: Bunch) -> None:
        wanted = change["new"].strip()
        found = matching(self._index.owners, wanted) if wanted else self._index.owners[:0]
        if wanted and len(found) != 1:
            self._note.value = _html.owners_note(wanted, found)
        else:
            self.owner = next(iter(found), None)

    # Saving

    def download(self, file_format: FileFormat, what: What | None = None) -> Download:
        """Return what is shown as a file: the chart as a page, or rows as CSV or Parquet.

        Parameters
        ----------
        file_format
            ``"html"`` for one page with plotly.js in it, which needs neither kernel nor network;
            ``"csv"`` or ``"parquet"`` for rows.
        what
            ``"chart"``, which is a page; ``"selection"``, the rows of the selected holders; ``"mint"``, those
            of the mint; ``"all"``, everything pulled; ``"summary"``, one row for each mint. By default the
            chart for a page, else the selection where there is one, everything for a heatmap, or the mint.

        Raises
        ------
        ValueError
            The rows are too many for a download, or the format does not fit what is saved.
        """
        what = what or self._what_is_shown(file_format)
        if (what == "chart") != (file_format == "html"):
            raise ValueError(f"a {what} cannot be saved as {file_format}")
        if what == "chart":
            page = charts.standalone_html(self._plain())
            return Download(file_name(self.mint, self.chart, file_format), page.encode())
        to_bytes = csv_bytes if file_format == "csv" else parquet_bytes
        if what == "summary":
            backend: Literal["pyarrow"] | None = "pyarrow" if file_format == "parquet" else None
            table = analysis.by_mint(self._index, dtype_backend=backend).reset_index()
            return Download(file_name("", f"by-mint-{len(table)}-mints", file_format), to_bytes(table))
        rows = self._rows(what)
        kind = {"selection": "selected-rows", "mint": "rows"}.get(what, "rows-of-everything")
        mint = {"selection": self._listed_mint, "mint": self.mint}.get(what, "")
        return Download(file_name(mint, f"{len(rows)}-{kind}", file_format), to_bytes(rows))

    def _saved(self, file_format: FileFormat, what: str) -> Download:
        """Answer the page, whose words are not trusted."""
        known: dict[str, What] = {item.what: item.what for item in self._save_items()}  # type: ignore[misc]
        if what and what not in known:
            raise ValueError(f"{what!r} is not on the menu")
        return self.download(file_format, known.get(what))

    def _save_items(self) -> list[SaveItem]:
        """Return the lines of the menu: what each saves, and how many rows it has."""
        everything = f"Everything pulled: {_html.count(self._index.rows, 'row')}"
        rows = [
            ("all", everything),
            ("summary", f"Summary by mint: {_html.count(len(self._summary), 'mint')}"),
        ]
        if self.mint:
            # Nobody waits for a mask over millions of rows to read a number on a menu.
            size = self._holder_counts[self.mint]
            size += 0 if self._hides_zeros else int(self._zero_counts[self.mint])
            rows.insert(0, ("mint", f"All {_html.count(size, 'row')} of {self._tokens.name(self.mint)}"))
        if self._selection is not None:
            selected = _html.count(len(self._selection.holders), "selected holder")
            rows.insert(0, ("selection", f"{'These ' if len(self._selection.holders) > 1 else ''}{selected}"))
        chart = SaveItem("chart", "html", f"This chart: {CHARTS[self.chart].label} (HTML)")
        formats: tuple[tuple[FileFormat, str], ...] = (("csv", "CSV"), ("parquet", "Parquet"))
        return [
            chart,
            *(SaveItem(what, kind, f"{text} ({name})") for what, text in rows for kind, name in formats),
        ]

    def _what_is_shown(self, file_format: FileFormat) -> What:
        if file_format == "html":
            return "chart"
        if self._selection is not None:
            return "selection"
        return "all" if self.chart == "heatmap" or not self.mint else "mint"

    @property
    def _hides_zeros(self) -> bool:
        return self.hide_zeros and "hide_zeros" in CHARTS[self.chart].options

    def _rows(self, what: What) -> pd.DataFrame:
        if what == "selection":
            wanted = rows_of(self._index, self._listed_mint, self.selection["owner"])
        elif what == "mint":
            wanted = rows_of(self._index, self.mint, hide_zeros=self._hides_zeros)
        else:
            wanted = rows_of(self._index, None)
        rows = self._index.frame[wanted]
        places = self._shown_decimals or {}
        known = {mint: places[mint] for mint in rows["mint"].unique() if mint in places}
        return analysis.with_decimals(rows, known, exact=True) if known else rows

    # Where no widget runs

    def __repr__(self) -> str:
        return f"Explorer(mint={self.mint!r}, chart={self.chart!r}, owner={self.owner!r})"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        figure = self._plain()
        bundle["application/vnd.plotly.v1+json"] = json.loads(figure.to_json())
        bundle["text/html"] = _html.static_page(
            self._header.value, figure, self._table.view["rows"], self._unit, summary=self._summary
        )
        return bundle


def explore(frame: pd.DataFrame, **initial: Any) -> Explorer:
    """Show a frame of balances with controls.

    Parameters
    ----------
    frame
        A frame with the columns owner, mint, balance, slot. It is not changed.
    **initial
        First values of the explorer's attributes, such as ``mint``, ``chart`` or ``theme``.

    Returns
    -------
    A widget. Show it as the last line of a cell; its attributes steer it from code.

    Raises
    ------
    TypeError
        There is no attribute of that name to begin with.
    AttributeError
        A column of the balance schema is missing.
    MintError, OwnerError
        The mint or the owner to begin with is not in the frame.
    InputError
        The decimals to begin with are no mapping, or the frame cannot be used.
    TraitError
        Another first value is out of its range.

    Examples
    --------
    >>> import helius_frames
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> ex = explore(df, chart="lorenz")
    >>> ex.chart = "top_holders"
    >>> ex.figure.data[0].type
    'bar'
    """
    unknown = initial.keys() - set(DRAWN)
    if unknown:
        raise TypeError(
            f"the explorer has no {', '.join(sorted(unknown))!r}; begin with any of {', '.join(DRAWN)}"
        )
    return Explorer(frame, **initial)
