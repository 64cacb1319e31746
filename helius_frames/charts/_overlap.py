"""Which mints are held by the same owners, as a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from helius_frames.analysis import overlap
from helius_frames.charts._context import Pull, pull_of, source_parts, symbols_in
from helius_frames.charts._look import Look, chart
from helius_frames.charts._sentences import count_text, frame_of, names_from, nothing, share_text
from helius_frames.charts._style import new_figure, palette, theme_of
from helius_frames.charts._text import html, slots_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import plotly.graph_objects as go

    from helius_frames.analysis import Exclude, Source

_ROW, _LEAST = 30, 240
_TEXTS = 9  # mints whose cells still have room for a text
_TWO = 2


class OverlapNumbers(NamedTuple):
    """Cells of the grid: ``common[i, j]`` owners hold both ``mints[i]`` and ``mints[j]``."""

    mints: list[str]
    names: list[str]
    common: np.ndarray
    jaccard: np.ndarray
    slots: tuple[int, int] | None
    pull: Pull

    def to_frame(self) -> pd.DataFrame:
        """Return the holders in common as a table, mints by mints."""
        return pd.DataFrame(self.common, index=self.mints, columns=self.mints)


def overlap_numbers(
    source: Source, mints: Iterable[str] | None = None, *, n: int = 12, exclude: Exclude = None
) -> OverlapNumbers:
    """Compute what `plot_overlap` draws."""
    chosen = None if mints is None else list(mints)
    common = overlap(source, chosen, n=n, exclude=exclude)
    jaccard = overlap(source, list(common.index), measure="jaccard", exclude=exclude)
    frame, names = frame_of(source), common.index.tolist()
    slots = frame["slot"]
    return OverlapNumbers(
        mints=names,
        names=names_from(names, symbols_in(frame, names)),
        common=common.to_numpy(),
        jaccard=jaccard.to_numpy(),
        slots=(int(slots.min()), int(slots.max())) if len(slots) else None,
        pull=pull_of(frame),
    )


@chart
def plot_overlap(
    source: Source,
    mints: Iterable[str] | None = None,
    *,
    n: int = 12,
    exclude: Exclude = None,
    **look: Unpack[Look],
) -> go.Figure:
    """Draw for each two mints which share of the holders of either holds both (the Jaccard index).

    Parameters
    ----------
    <source>
    mints
        Which mints, in this order; by default the ``n`` that most owners hold.
    n
        The most mints, where ``mints`` does not say which.
    <exclude>
    <look>

    Returns
    -------
    A figure of one cell for each two mints; whole addresses and the holders in common are in hover.

    Raises
    ------
    AttributeError, InputError
        As of `overlap`, or the theme is neither of the two.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames import demo
    >>> from helius_frames.charts import plot_overlap
    >>> df = helius_frames.read_helius_balances(demo.OWNERS, cluster="demo")
    >>> figure = plot_overlap(df, n=5)
    >>> figure.data[0].z.shape
    (4, 4)
    """
    numbers = overlap_numbers(source, mints, n=n, exclude=exclude)
    theme, slots = theme_of(look), slots_text(*numbers.slots) if numbers.slots else ""
    parts = [
        count_text(len(numbers.mints), "mint"),
        "share of the holders of either that hold both",
        slots,
        numbers.pull.whose,
    ]
    figure = new_figure(
        look,
        _sentence(numbers),
        parts,
        kind="Heatmap of holders in common",
        source=source_parts(numbers.pull),
        height=max(_ROW * len(numbers.mints), _LEAST),
        bottom=112,
        beside=0 if len(numbers.mints) <= _TEXTS else 70,
    )
    if len(numbers.mints) < _TWO:
        return nothing(figure, theme, "It takes two mints with holders to compare them")
    # Each two mints once: the first against all but itself. There is nothing below the diagonal.
    shares = np.where(np.tri(len(numbers.mints), dtype=bool), np.nan, numbers.jaccard)[:-1, 1:]
    is_text = len(numbers.mints) <= _TEXTS
    colours = palette(theme)
    little, much = colours.text_ramp
    figure.add_heatmap(
        name="overlap",
        x=[html(mint) for mint in numbers.mints[1:]],
        y=[html(mint) for mint in numbers.mints[:-1]],
        z=shares,
        zmin=0,
        zmax=max(float(np.nanmax(shares, initial=0)), 1e-9),
        colorscale=[[0, little], [1, much]],
        xgap=2,
        ygap=2,
        text=_cell_labels(numbers) if is_text else None,
        texttemplate="%{text}" if is_text else None,
        textfont={"color": colours.ink},
        hovertext=_hover(numbers),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        showscale=not is_text,
        colorbar={
            "tickformat": ".0%",
            "outlinewidth": 0,
            "thickness": 10,
            "nticks": 5,
            "tickfont": {"color": colours.quiet},
        },
    )
    for axis, places in (("xaxis", slice(1, None)), ("yaxis", slice(None, -1))):
        figure.update_layout(
            {
                axis: {
                    "type": "category",
                    "tickvals": [html(mint) for mint in numbers.mints[places]],
                    "ticktext": [html(name) for name in numbers.names[places]],
                    "showgrid": False,
                    "tickfont": {"size": 12 if is_text else 11},
                }
            }
        )
    figure.update_xaxes(tickangle=-90)
    figure.update_yaxes(autorange="reversed", ticksuffix=" ")
    figure.update_layout(margin={"l": 40})
    return figure


def _sentence(numbers: OverlapNumbers) -> str:
    size = len(numbers.mints)
    if size < _TWO:
        return "Nothing to draw"
    above = np.triu(np.nan_to_num(numbers.jaccard), 1)
    one, other = np.unravel_index(int(above.argmax()), above.shape)
    common = int(numbers.common[one, other])
    if not common:
        return "No two of these mints have a holder in common"
    either = int(numbers.common[one, one] + numbers.common[other, other] - common)
    names = f"{numbers.names[one]} and {numbers.names[other]}"
    return f"{names} have the most holders in common: {share_text(common, either)} hold both"


def _cell_labels(numbers: OverlapNumbers) -> list[list[str]]:
    return [
        ["" if column < row else _share(numbers, row, column + 1) for column in range(len(numbers.mints) - 1)]
        for row in range(len(numbers.mints) - 1)
    ]


def _share(numbers: OverlapNumbers, one: int, other: int) -> str:
    common = int(numbers.common[one, other])
    either = int(numbers.common[one, one] + numbers.common[other, other] - common)
    return share_text(common, either) if either else ""


def _hover(numbers: OverlapNumbers) -> list[list[str]]:
    return [
        [
            f"{html(numbers.mints[row])}<br>{html(numbers.mints[column + 1])}"
            f"<br>{count_text(int(numbers.common[row, column + 1]), 'holder')} of both,"
            f" {_share(numbers, row, column + 1)} of those of either"
            for column in range(len(numbers.mints) - 1)
        ]
        for row in range(len(numbers.mints) - 1)
    ]
