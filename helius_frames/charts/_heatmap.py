"""Owners and mints as a grid."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from helius_frames.analysis import MintIndex, Source, check_count
from helius_frames.charts._context import decimals_of, title_text
from helius_frames.charts._style import (
    Theme,
    add_message,
    mark_label,
    new_figure,
    palette,
    shown_labels,
)
from helius_frames.charts._text import (
    amount_text,
    count_text,
    percent_text,
    short_html,
    slots_text,
    unit_text,
)
from helius_frames.errors import InputError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MOST = 100  # owners, and mints: more are too small to see
_NOWHERE = -1
_LABEL_SIZE = 9
_LABELLED = 30  # rows and columns that still have room for a label each
_ALIKE = 0.01  # as a power of ten: a difference too small to be labelled
_POWERS = 6  # most labels of the colour bar
_SMALLEST_SHARE = -6  # as a power of ten: what is short to write as percent
_PAIR = "owner %{y}<br>mint %{x}<br>"  # the categories are the whole addresses


class HeatmapNumbers(NamedTuple):
    """Balances of ``owners`` (rows) in ``mints`` (columns); ``None`` where there is no row.

    ``shares`` are those of the mint's total, NaN where there is none. They are what the colours show, since
    base units of two mints are not the same unit. ``decimals`` has the places of each mint, ``None`` where
    they are unknown; ``marked`` is the marked owner's row.
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
    return HeatmapNumbers(
        mint=mint,
        decimals=[decimals_of(decimals, name) for name in mints],
        slot_first=index.slot_first,
        slot_last=index.slot_last,
        owners=owners,
        mints=mints,
        balances=balances,
        shares=_shares(index, mints, balances),
        hide_zeros=hide_zeros,
        marked=owners.index(mark) if mark in owners else None,
    )


def plot_heatmap(
    source: Source,
    mint: str | None = None,
    *,
    n: int = 25,
    decimals: Mapping[str, int] | None = None,
    hide_zeros: bool = False,
    mark: str | None = None,
    theme: Theme = "light",
    title: str | None = None,
) -> go.Figure:
    """Draw which share of several mints owners hold: the darker or brighter, the more, on a log scale.

    A cell is coloured by its share of what is held here of the mint, so that mints of any decimals can be
    compared. Grey is a balance of zero, an empty cell is no row at all.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`, which draws any mint in milliseconds.
    mint
        The owners are the n largest holders of this mint, and the mints this one and those most of them
        hold; by default the owners that hold the most mints. A frame without any row gives a figure that
        says so.
    n
        Number of owners and of mints, at most 100 of each.
    decimals
        A mapping from mint to places: amounts in hover are divided by ``10**places``; those of a mint that
        it does not name are in base units.
    hide_zeros
        Leave cells with a balance of zero empty, like those without a row.
    mark
        An owner to point out; where it has a row, it is among the owners drawn.
    theme
        ``"light"`` or ``"dark"``; the paper is transparent in both.
    title
        Instead of the sentence that the chart writes itself.

    Returns
    -------
    A figure of one cell per owner and mint; whole addresses, exact balance and share are in hover.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        An option is out of its range, the mint is not in the frame, or its balances are not exact or are
        there twice.

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
    figure = new_figure(theme, title_text(title, _sentence(numbers)), _subtitle(numbers))
    if _has_cells(numbers):
        _draw(figure, numbers, theme)
    else:
        add_message(figure, theme, _nothing(numbers))
    figure.update_xaxes(title_text="mint")
    figure.update_yaxes(title_text="owner")
    return figure


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
    if not _has_cells(numbers):
        return "Nothing to draw"
    cells = _cells(numbers)
    held = sum(1 for cell in cells if cell)
    grid = f"{_number(len(numbers.owners), 'owner')} and {_number(len(numbers.mints), 'mint')}"
    return f"{grid}: {count_text(held)} of {count_text(len(cells))} pairs have a balance"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _subtitle(numbers: HeatmapNumbers) -> str:
    zeros = sum(1 for cell in _cells(numbers) if cell == 0)
    parts = ["shares of each mint", slots_text(numbers.slot_first, numbers.slot_last)]
    if numbers.mint is not None:
        parts.insert(0, f"largest holders of {short_html(numbers.mint)}")
    line = " · ".join(filter(None, parts))
    if not zeros:
        return line
    return f"{line}<br>{count_text(zeros)} at zero {'left out' if numbers.hide_zeros else 'in grey'}"


def _nothing(numbers: HeatmapNumbers) -> str:
    if numbers.mint is None or numbers.owners:
        return "No owner here has a balance above zero"
    return f"No holder of {short_html(numbers.mint)} has a balance above zero"


def _draw(figure: go.Figure, numbers: HeatmapNumbers, theme: Theme) -> None:
    logs = _logs(numbers)
    figure.add_heatmap(
        name="holders",
        x=[escape(mint) for mint in numbers.mints],
        y=[escape(owner) for owner in numbers.owners],
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
    columns = shown_labels(len(numbers.mints), _LABELLED, None)
    rows = shown_labels(len(numbers.owners), _LABELLED, numbers.marked)
    figure.update_xaxes(
        type="category",
        tickvals=[escape(numbers.mints[place]) for place in columns],
        ticktext=[short_html(numbers.mints[place]) for place in columns],
        tickangle=-60,
        tickfont={"size": _LABEL_SIZE},
        showgrid=False,
    )
    figure.update_yaxes(
        type="category",
        tickvals=[escape(numbers.owners[place]) for place in rows],
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
        "thickness": 14,
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
        x=[escape(mint) for mint in numbers.mints],
        y=[escape(owner) for owner in numbers.owners],
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
            f"{amount_text(cell, places)} {unit_text(places)} · {percent_text(share)} of the mint"
            if cell
            else ""
            for cell, share, places in zip(row, shares, numbers.decimals, strict=True)
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
