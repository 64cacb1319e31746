"""The charts: what there is, read by ``df.helius.plot``, the explorer and the documentation.

A further chart is one module with three functions, and one entry here.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from helius_frames.charts._airdrop import airdrop_numbers, plot_airdrop
from helius_frames.charts._classes import (
    classes_numbers,
    equal_balances_numbers,
    plot_classes,
    plot_equal_balances,
)
from helius_frames.charts._ecdf import ecdf_numbers, holders_of_ecdf_point, plot_ecdf
from helius_frames.charts._heatmap import heatmap_numbers, holders_of_cell, plot_heatmap
from helius_frames.charts._histogram import histogram_numbers, holders_of_bar, plot_histogram
from helius_frames.charts._lorenz import holders_of_lorenz_point, lorenz_numbers, plot_lorenz
from helius_frames.charts._overlap import overlap_numbers, plot_overlap
from helius_frames.charts._through_time import (
    cohorts_numbers,
    plot_cohorts,
    plot_timeline,
    timeline_numbers,
)
from helius_frames.charts._top_holders import holders_of_top, plot_top_holders, top_holders_numbers
from helius_frames.charts._treemap import holders_of_tile, plot_treemap, treemap_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import plotly.graph_objects as go

    from helius_frames.analysis import MintIndex
    from helius_frames.charts._points import Point, PointHolders

_SHARED: Final = frozenset({"source", "frame", "pulls", "expected", "mint", "decimals", "mark"})


class Chart(NamedTuple):
    """One kind of chart.

    Attributes
    ----------
    label
        What a control calls it.
    plot, numbers
        Draws it; computes what is drawn, without plotly.
    holders_of
        Returns the holders behind a point of the figure, from the numbers that were drawn; ``None`` where
        points are no holders of one mint, and then the explorer does not offer the chart.
    most
        The most owners that may be drawn in a page that has to react at once; ``None`` for any number.
    """

    label: str
    plot: Callable[..., go.Figure]
    numbers: Callable[..., Any]
    holders_of: Callable[[MintIndex, Any, Point], PointHolders | None] | None = None
    most: int | None = None

    @property
    def name(self) -> str:
        """Name of the method of ``df.helius.plot``."""
        return self.plot.__name__.removeprefix("plot_")

    @property
    def subject(self) -> str:
        """First argument of the chart: a ``source`` or a ``frame``, or several ``pulls``."""
        return next(iter(inspect.signature(self.plot).parameters))

    @property
    def options(self) -> tuple[str, ...]:
        """Keywords that change what is drawn, beside those that all charts of a mint share."""
        return tuple(name for name in inspect.signature(self.numbers).parameters if name not in _SHARED)

    @property
    def question(self) -> str:
        """What the chart draws, in one line."""
        return (inspect.getdoc(self.plot) or "").partition("\n")[0]


CHARTS: Final[Mapping[str, Chart]] = {
    chart.name: chart
    for chart in (
        Chart("Histogram", plot_histogram, histogram_numbers, holders_of_bar),
        Chart("ECDF", plot_ecdf, ecdf_numbers, holders_of_ecdf_point),
        Chart("Lorenz", plot_lorenz, lorenz_numbers, holders_of_lorenz_point),
        Chart("Top holders", plot_top_holders, top_holders_numbers, holders_of_top, most=100),
        Chart("Treemap", plot_treemap, treemap_numbers, holders_of_tile, most=100),
        Chart("Heatmap", plot_heatmap, heatmap_numbers, holders_of_cell, most=30),
        Chart("Classes", plot_classes, classes_numbers),
        Chart("Equal balances", plot_equal_balances, equal_balances_numbers),
        Chart("Overlap", plot_overlap, overlap_numbers),
        Chart("Airdrop", plot_airdrop, airdrop_numbers),
        Chart("Timeline", plot_timeline, timeline_numbers),
        Chart("Cohorts", plot_cohorts, cohorts_numbers),
    )
}
"""Every chart by its name."""
