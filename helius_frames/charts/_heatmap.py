"""Owners and mints as a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import MintIndex, Source, check_count
from helius_frames.charts._context import (
    Pull,
    decimals_of,
    pull_of,
    source_parts,
    token_of,
)
from helius_frames.charts._look import Look, Theme, chart
from helius_frames.charts._points import Point, PointHolders, holder_alone
from helius_frames.charts._sentences import names_from
from helius_frames.charts._style import (
    add_message,
    mark_label,
    new_figure,
    palette,
    shown_labels,
    theme_of,
)
from helius_frames.charts._text import (
    about_percent,
    amount_text,
    capital,
    count_text,
    count_words,
    html,
    percent_text,
    short,
    short_html,
    slots_text,
    unit_text,
)
from helius_frames.errors import InputError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MOST = 100  # owners, and mints: more are too small to see
_NOWHERE = -1
_LABEL_SIZE = 11
_ROW, _COLUMN = 15, 14  # pixels that a label takes
_BESIDE = 190  # pixels left and right of the grid
_USUAL = 800  # pixels, where the width is not known
_ALIKE = 0.01  # as a power of ten: a difference too small to be labelled
_POWERS = 6  # most labels of the colour bar
_SMALLEST_SHARE = -6  # as a power of ten: what is short to write as percent
_PAIR = "owner %{y}<br>mint %{x}<br>"  # the categories are the whole addresses


class HeatmapNumbers(NamedTuple):
    """Balances of ``owners`` (rows) in ``mints`` (columns); ``None`` where there is no row.

    ``shares`` are those of the mint's total, NaN where there is none. They are what the colours show, since
    base units of two mints are not the same unit. ``names`` are those of the mints, ``symbols`` and
    ``decimals`` are ``None`` where they are unknown; ``marked`` is the marked owner's row.
    ``is_whole`` says whether these owners have all of the first mint.
    """

    mint: str | None
    decimals: list[int | None]
    slot_first: int | None
    slot_last: int | None
    owners: list[str]
    mints: list[str]
    balances: list[list[int | None]]
    shares: np.ndarray
    hide_zeros: bool
    marked: int | None
    symbols: list[str | None]
    names: list[str]
    pull: Pull
    is_whole: bool

    def to_frame(self) -> pd.DataFrame:
        """Return the shares as a table, owners by mints; missing where there is no row."""
        return pd.DataFrame(self.shares, index=self.owners, columns=self.mints)


def heatmap_numbers(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 25,
    decimals: Mapping[str, int] | None = None,
    hide_zeros: bool = False,
    mark: str | None = None,
) -> HeatmapNumbers:
    """Compute what `plot_heatmap` draws; at most 100 owners and 100 mints."""
    check_count(n, "n")
    if decimals is not None and not isinstance(decimals, Mapping):
        raise InputError(
            f"decimals must be a mapping from mint to places for several mints, got {decimals!r}: "
            "their amounts may have different ones"
        )
    index, n = MintIndex.of(source), min(n, _MOST)
    owners = _heatmap_owners(index, mint, n, mark)
    mints = _heatmap_mints(index, mint, n, owners, hide_zeros=hide_zeros)
    balances = _matrix(index, owners, mints)
    symbols, places = zip(*(token_of(index, name) for name in mints), strict=True) if mints else ((), ())
    if decimals is not None:
        places = tuple(decimals_of(decimals, name) for name in mints)
    return HeatmapNumbers(
        mint=mint,
        decimals=list(places),
        slot_first=index.slot_first,
        slot_last=index.slot_last,
        owners=owners,
        mints=mints,
        balances=balances,
        shares=_shares(index, mints, balances),
        hide_zeros=hide_zeros,
        marked=owners.index(mark) if mark in owners else None,
        symbols=list(symbols),
        names=names_from(mints, list(symbols)),
        pull=pull_of(index.frame, mint),
        is_whole=bool(mints) and sum(row[0] or 0 for row in balances) == index.holders(mints[0]).total,
    )


@chart
def plot_heatmap(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 25,
    decimals: Mapping[str, int] | None = None,
    hide_zeros: bool = False,
    mark: str | None = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw which share of several mints owners hold: the darker or brighter, the more, on a log scale.

    A cell is coloured by its share of what is held here of the mint, so that mints of any decimals can be
    compared. Grey is a balance of zero, an empty cell is no row at all.

    Parameters
    ----------
    <source>
    mint
        The owners are the n largest holders of this mint, and the mints this one and those most of them
        hold; by default the owners that hold the most mints. A frame without any row gives a figure that
        says so.
    n
        Number of owners and of mints, at most 100 of each.
    decimals
        A mapping from mint to places: amounts in hover are divided by ``10**places``; those of a mint that
        it does not name are in base units. By default as the frame's column ``decimals`` says.
    hide_zeros
        Leave cells with a balance of zero empty, like those without a row.
    mark
        An owner to point out; where it has a row, it is among the owners drawn.
    <look>

    Returns
    -------
    A figure of one cell per owner and mint; whole addresses, exact balance and share are in hover.

    Raises
    ------
    <errors>

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_heatmap
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> figure = plot_heatmap(df, n=10)
    >>> len(figure.data[0].y)
    10
    """
    numbers = heatmap_numbers(source, mint, n=n, decimals=decimals, hide_zeros=hide_zeros, mark=mark)
    theme, slots = theme_of(look), slots_text(numbers.slot_first, numbers.slot_last)
    zeros = sum(1 for cell in _cells(numbers) if cell == 0)
    parts = [
        "" if mint is None else f"largest holders of {short(mint)}",
        "shares of each mint",
        slots,
        numbers.pull.whose,
        f"{count_text(zeros)} at zero {'left out' if hide_zeros else 'in grey'}" if zeros else "",
    ]
    symbol = None if mint is None or not numbers.symbols else numbers.symbols[0]
    figure = new_figure(
        look,
        _sentence(numbers),
        parts,
        kind="Heatmap of owners and mints",
        source=source_parts(numbers.pull, mint or "", symbol),
        height=max(_ROW * len(numbers.owners), 200),
        bottom=118,
        beside=100,
    )
    if _has_cells(numbers):
        _draw(figure, numbers, theme, look.get("width") or _USUAL)
    else:
        add_message(figure, theme, _nothing(numbers))
    figure.update_xaxes(title_text="mint")
    figure.update_yaxes(title_text="owner")
    return figure


def holders_of_cell(index: MintIndex, numbers: HeatmapNumbers, point: Point) -> PointHolders | None:
    """List the owner of the row, with what it has of the column's mint."""
    if not isinstance(point.place, list):
        return None
    row, column = point.place
    return holder_alone(index, numbers.mints[column], numbers.owners[row])


def _heatmap_owners(index: MintIndex, mint: str | None, n: int, mark: str | None) -> list[str]:
    owners = _widest_owners(index, n) if mint is None else _largest_owners(index, mint, n)
    if mark is None or mark in owners or not len(index.rows_of(mark)):
        return owners
    return [*owners[: n - 1], mark]


def _widest_owners(index: MintIndex, n: int) -> list[str]:
    """Return the owners that hold the most mints."""
    owners = index.columns.owners
    held = np.bincount(owners.codes[index.columns.balances > 0], minlength=len(owners.names))
    most = np.argsort(-held, kind="stable")[:n]
    return owners.names[most[held[most] > 0]].tolist()


def _largest_owners(index: MintIndex, mint: str, n: int) -> list[str]:
    largest = index.holders(mint).rows[::-1][:n]
    return index.owners_at(largest).tolist()


def _heatmap_mints(
    index: MintIndex, mint: str | None, n: int, owners: list[str], *, hide_zeros: bool
) -> list[str]:
    """Return the mints that most of these owners hold, else have at zero; the asked one first."""
    if not owners:
        return []
    rows = np.concatenate([index.rows_of(owner) for owner in owners])
    above_zero = index.columns.balances[rows] > 0
    rows = rows[above_zero] if above_zero.any() or hide_zeros else rows
    codes, held = np.unique(index.columns.mints.codes[rows], return_counts=True)
    names = index.columns.mints.names[codes[np.argsort(-held, kind="stable")]].tolist()
    first = [] if mint is None else [mint]
    return [*first, *(name for name in names[: n + 1] if name != mint)][:n]


def _matrix(index: MintIndex, owners: list[str], mints: list[str]) -> list[list[int | None]]:
    names, codes = index.columns.mints
    column = np.full(len(names), _NOWHERE)
    column[names.get_indexer(pd.Index(mints))] = np.arange(len(mints))
    matrix: list[list[int | None]] = [[None] * len(mints) for _ in owners]
    for cells, owner in zip(matrix, owners, strict=True):
        rows = index.rows_of(owner)
        rows = rows[column[codes[rows]] != _NOWHERE]
        for place, balance in zip(column[codes[rows]], index.columns.balances[rows], strict=True):
            cells[place] = int(balance)
    return matrix


def _shares(index: MintIndex, mints: list[str], balances: list[list[int | None]]) -> np.ndarray:
    totals = [max(index.holders(mint).total, 1) for mint in mints]
    return np.array(
        [
            [np.nan if cell is None else cell / total for cell, total in zip(row, totals, strict=True)]
            for row in balances
        ]
    )


def _cells(numbers: HeatmapNumbers) -> list[int | None]:
    return [cell for row in numbers.balances for cell in row]


def _has_cells(numbers: HeatmapNumbers) -> bool:
    """Return whether any cell is drawn: one above zero, or at zero unless these are hidden."""
    return any(cell is not None and (cell or not numbers.hide_zeros) for cell in _cells(numbers))


def _sentence(numbers: HeatmapNumbers) -> str:
    """Say which token most of these owners hold, beside the one that they were chosen for."""
    if not _has_cells(numbers):
        return "Nothing to draw"
    held = np.array([[bool(cell) for cell in row] for row in numbers.balances])
    if not held.any():
        return "None of these owners holds any of these tokens"
    if numbers.mint is None and len(numbers.owners) == 1:
        tokens = int(held.sum())
        things = "token" if tokens == 1 else "tokens"
        return f"{short(numbers.owners[0])} holds {count_words(tokens)} {things} of those shown"
    first = 0 if numbers.mint is None else 1
    others = held[:, first:].sum(axis=0)
    size = len(numbers.owners)
    if numbers.mint is None:
        whom = f"these {count_words(size)} owners"
    elif size == 1:
        is_largest = numbers.marked is None
        whom = f"the largest holder of {numbers.names[0]}" if is_largest else short(numbers.owners[0])
    else:
        which = (
            "these" if numbers.marked is not None else "the"
        )  # the marked one need not be among the largest
        largest = "" if numbers.marked is not None else "largest "
        whom = f"{which} {count_words(size)} {largest}holders of {numbers.names[0]}"
    if not others.any():
        share = about_percent(float(np.nansum(numbers.shares[:, 0])), is_all=numbers.is_whole)
        return capital(f"{whom} own{'s' if size == 1 else ''} {share} of what is held here")
    best = int(others.argmax())
    token, count = numbers.names[first + best], int(others[best])
    if size == 1:
        return capital(f"{whom} also holds {token}")
    also = "" if numbers.mint is None else "also "
    return f"Of {whom}, {count_words(count)} {also}hold{'s' if count == 1 else ''} {token}"


def _nothing(numbers: HeatmapNumbers) -> str:
    if numbers.mint is None or numbers.owners:
        return "No owner here has a balance above zero"
    return f"No holder of {short(numbers.mint)} has a balance above zero"


def _draw(figure: go.Figure, numbers: HeatmapNumbers, theme: Theme, width: int) -> None:
    logs = _logs(numbers)
    figure.add_heatmap(
        name="holders",
        x=[html(mint) for mint in numbers.mints],
        y=[html(owner) for owner in numbers.owners],
        z=logs,
        **_colour_scale(logs, theme),
        xgap=1,
        ygap=1,
        hovertext=_cell_texts(numbers),
        hovertemplate=_PAIR + "%{hovertext}<extra></extra>",
        hoverongaps=False,
    )
    if not numbers.hide_zeros:
        _draw_zeros(figure, numbers, theme)
    if numbers.marked is not None:
        _draw_mark(figure, numbers, numbers.marked, theme)
    columns = shown_labels(len(numbers.mints), max((width - _BESIDE) // _COLUMN, 4), None)
    rows = range(len(numbers.owners))
    figure.update_xaxes(
        type="category",
        tickvals=[html(numbers.mints[place]) for place in columns],
        ticktext=[html(numbers.names[place]) for place in columns],
        tickangle=-90,
        tickfont={"size": _LABEL_SIZE},
        showgrid=False,
    )
    figure.update_yaxes(
        type="category",
        tickvals=[html(numbers.owners[place]) for place in rows],
        ticktext=[_owner_label(numbers, place) for place in rows],
        tickfont={"size": _LABEL_SIZE},
        autorange="reversed",
        showgrid=False,
    )


def _logs(numbers: HeatmapNumbers) -> np.ndarray:
    """Return the logarithms of the shares above zero; NaN elsewhere."""
    logs: np.ndarray = np.log10(np.where(numbers.shares > 0, numbers.shares, np.nan))
    return logs


def _colour_scale(logs: np.ndarray, theme: Theme) -> dict[str, object]:
    """Return the colours of the shares, and their bar; none where nothing is above zero."""
    if np.isnan(logs).all():
        return {"showscale": False}
    low, high = _colour_range(logs)
    little, middle, much = palette(theme).ramp
    return {
        "colorscale": [[0, little], [0.5, middle], [1, much]],
        "zmin": low,
        "zmax": high,
        "colorbar": _colorbar(low, high, theme),
    }


def _colour_range(logs: np.ndarray) -> tuple[float, float]:
    """Return the lowest and the highest share; shares as good as equal get one colour."""
    low, high = float(np.nanmin(logs)), float(np.nanmax(logs))
    return (low, high) if high - low > _ALIKE else (low - 1, min(high + 1, 0.0))


def _colorbar(low: float, high: float, theme: Theme) -> dict[str, object]:
    colours = palette(theme)
    powers = range(int(np.ceil(low)), int(np.floor(high)) + 1)
    places = [float(power) for power in powers[:: len(powers) // _POWERS + 1]] or [low, high]
    return {
        "title": {
            "text": "share of<br>the mint",
            "side": "top",
            "font": {"size": 13, "color": colours.quiet},
        },
        "tickfont": {"size": 12, "color": colours.quiet},
        "tickvals": places,
        "ticktext": [_share_label(place) for place in places],
        "outlinewidth": 0,
        "thickness": 12,
    }


def _share_label(power: float) -> str:
    """Write ten to a power as percent: in two digits, or as a power of ten where that is long."""
    if power < _SMALLEST_SHARE:
        return f"10<sup>{power + 2:.0f}</sup>%"
    digits = np.format_float_positional(
        100 * 10.0**power, precision=2, unique=False, fractional=False, trim="-"
    )
    return f"{digits}%"


def _draw_zeros(figure: go.Figure, numbers: HeatmapNumbers, theme: Theme) -> None:
    colour = palette(theme).other
    figure.add_heatmap(
        name="zeros",
        x=[html(mint) for mint in numbers.mints],
        y=[html(owner) for owner in numbers.owners],
        z=[[1 if cell == 0 else None for cell in row] for row in numbers.balances],
        colorscale=[[0, colour], [1, colour]],
        showscale=False,
        opacity=0.8,
        xgap=1,
        ygap=1,
        hovertemplate=_PAIR + "a balance of zero<extra></extra>",
        hoverongaps=False,
    )


def _cell_texts(numbers: HeatmapNumbers) -> list[list[str]]:
    return [
        [
            f"{amount_text(cell, places)} {html(unit_text(places, symbol))}"
            f" · {percent_text(share)} of the mint"
            if cell
            else ""
            for cell, share, places, symbol in zip(
                row, shares, numbers.decimals, numbers.symbols, strict=True
            )
        ]
        for row, shares in zip(numbers.balances, numbers.shares.tolist(), strict=True)
    ]


def _owner_label(numbers: HeatmapNumbers, place: int) -> str:
    owner = numbers.owners[place]
    return mark_label(owner) if place == numbers.marked else short_html(owner)


def _draw_mark(figure: go.Figure, numbers: HeatmapNumbers, place: int, theme: Theme) -> None:
    figure.add_shape(
        type="rect",
        x0=-0.5,
        x1=len(numbers.mints) - 0.5,
        y0=place - 0.5,
        y1=place + 0.5,
        line={"color": palette(theme).mark, "width": 2},
    )
