"""The explorer itself: traits that are the state, controls linked to them, one figure drawn from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import ipywidgets as widgets
import plotly.graph_objects as go
import traitlets

from helius_frames import analysis, charts
from helius_frames.errors import InputError, MintError, OwnerError
from helius_frames.explorer import _html
from helius_frames.explorer._controls import BINS, DECIMALS, TOP, build_controls
from helius_frames.explorer._figure import CurrentFigure
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
)
from helius_frames.explorer._save import (
    Download,
    FileFormat,
    SaveButtons,
    csv_bytes,
    file_name,
    parquet_bytes,
)
from helius_frames.explorer._search import matching

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from traitlets import Bunch

MINTS_OFFERED = 200


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
LINKED = ("chart", "scale", "bins", "top", "units", "hide_zeros")
DRAWN = ("mint", *LINKED, "decimals", "owner", "theme")
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
        ``"base"`` for base units, ``"decimals"`` for amounts with as many places as ``decimals`` says. A mint
        that it does not name is in base units, and its field asks for a number.
    decimals
        A mapping from mint to the places of its amounts, 0 to 18. It is kept when another mint is shown.
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
        self._summary = analysis.by_mint(self._index)
        self._holders = self._summary["holders"].to_dict()
        self._drift = analysis.drift(self._index.frame)
        self._matches = self._index.mints  # by the search for a mint
        self._selection: PointHolders | None = None
        self._controls = build_controls({chart.label: kind for kind, chart in CHARTS.items()})
        self._save = SaveButtons(self.download)
        self._header, self._note, self._table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(**({"mint": next(iter(self._index.mints), "")} | initial))
        # Drawn before there is a figure widget, whose constructor takes the first chart whole.
        self._figure = CurrentFigure(self._drawn(), self._on_click)
        self._lay_out()
        self._link()

    @property
    def figure(self) -> go.FigureWidget:
        """The figure widget: always the same one, whatever it shows."""
        return self._figure

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
        foot = widgets.Box((self._note, self._save))
        foot.add_class("helius-foot")
        self.children = (self._header, self._controls.box(), self._figure, foot, self._table)
        self._parts = (*self._controls, *foot.children, *self.children)
        self.add_class("helius-explorer")

    def _link(self) -> None:
        for name in LINKED:
            traitlets.link((self, name), (getattr(self._controls, name), "value"))
        self._controls.mint.observe(self._choose_mint, "value")
        self._refresh_texts()
        self._controls.find.observe(self._find_mint, "value")
        self._controls.decimals.observe(self._type_decimals, "value")
        self._controls.owner.observe(self._find_owner, "value")
        self._save.observe(self._draw, "page_theme")
        self.observe(self._changed, DRAWN)

    # Drawing

    def _changed(self, change: Bunch) -> None:
        if change["name"] in MOVES_POINTS:
            self._selection = None
        self._draw()
        self._refresh_texts()
        if change["name"] == "units" and self.units == "decimals" and self._decimals_or_none is None:
            self._ask_for_decimals()

    def _draw(self, _change: Bunch | None = None) -> None:
        self._figure.replace(self._drawn())

    def _drawn(self) -> go.Figure:
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
        return (self._save.page_theme or "light") if self.theme == "auto" else self.theme

    def _refresh_texts(self) -> None:
        """Bring the texts and the visible controls up to date."""
        self._header.value = _html.header(self._index, self._summary, self.mint, self._drift)
        self._show_mint()
        self._controls.owner.value = self.owner or ""
        self._controls.decimals.value = str(self.decimals.get(self.mint, ""))
        self._controls.hide_useless(self._useful())
        self._show_rows()

    def _useful(self) -> frozenset[str]:
        places = {"decimals"} if self.units == "decimals" and self.mint else set()
        return frozenset({*CHARTS[self.chart].options, "units", *places})

    # The holders behind a click

    def _on_click(self, point: Point) -> None:
        chart = CHARTS[self.chart]
        numbers = chart.numbers(self._index, self.mint, **self._options())
        self._selection = chart.holders_of(self._index, numbers, point)
        self._show_rows()

    def _show_rows(self) -> None:
        self._note.value = _html.selection_note(self._selection)
        self._table.value = _html.selection_table(self._selection, self._shown_decimals, self.owner)

    # Decimals of the mint that is shown

    def _ask_for_decimals(self) -> None:
        self._note.value = _html.decimals_note(self.mint)
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
        self._matches = matching(self._index.mints, wanted)
        if len(self._matches) == 1:
            self.mint = self._matches[0]
        self._offer_mints()
        is_none = not len(self._matches)
        self._note.value = _html.no_mint_note(wanted) if is_none else _html.selection_note(self._selection)

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
        offered = self._matches[:MINTS_OFFERED]
        if self.mint and self.mint not in offered:
            offered = offered.insert(0, self.mint)
        return [(_html.mint_label(mint, self._holders[mint]), mint) for mint in offered]

    def _find_owner(self, change: Bunch) -> None:
        wanted = change["new"].strip()
        found = matching(self._index.owners, wanted) if wanted else self._index.owners[:0]
        if wanted and len(found) != 1:
            self._note.value = _html.owners_note(wanted, found)
        else:
            self.owner = next(iter(found), None)

    # Saving

    def download(self, file_format: FileFormat) -> Download:
        """Return what is shown as a file: the chart as a page, or the rows behind it as CSV or Parquet.

        Parameters
        ----------
        file_format
            ``"html"`` for one page with plotly.js in it, which needs neither kernel nor network;
            ``"csv"`` or ``"parquet"`` for the rows of the frame that belong to the mint, or to the
            clicked point, or all of them for a heatmap.

        Raises
        ------
        ValueError
            The rows are too many for a download.
        """
        if file_format == "html":
            page = charts.standalone_html(go.Figure(self._figure))
            return Download(file_name(self.mint, self.chart, file_format), page.encode())
        to_bytes = csv_bytes if file_format == "csv" else parquet_bytes
        is_all = self._selection is None and self.chart == "heatmap"
        shown = ("", "all-rows") if is_all else (self.mint, self.chart)
        return Download(file_name(*shown, file_format), to_bytes(self._rows_shown()))

    def _rows_shown(self) -> pd.DataFrame:
        rows = self._index.frame[self._wanted_rows()]
        wanted = self._shown_decimals or {}
        known = {mint: wanted[mint] for mint in rows["mint"].unique() if mint in wanted}
        return analysis.with_decimals(rows, known, exact=True) if known else rows

    def _wanted_rows(self) -> NDArray[np.bool_]:
        if self._selection is not None:
            return rows_of(self._index, self._selection.mint, self._selection.holders["owner"])
        mint = None if self.chart == "heatmap" or not self.mint else self.mint
        hide_zeros = self.hide_zeros and "hide_zeros" in CHARTS[self.chart].options
        return rows_of(self._index, mint, hide_zeros=hide_zeros)

    # Where no widget runs

    def __repr__(self) -> str:
        return f"Explorer(mint={self.mint!r}, chart={self.chart!r}, owner={self.owner!r})"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        figure = go.Figure(self._figure)
        bundle["application/vnd.plotly.v1+json"] = figure.to_plotly_json()
        bundle["text/html"] = _html.static_page(figure, self._summary)
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
