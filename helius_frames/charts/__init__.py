"""Frame to figures: charts of who holds how much, who kept an airdrop, and who left, drawn with plotly.

Each chart has two functions: ``…_numbers`` computes exactly what is drawn, without plotly, and ``plot_…``
draws it. All take a balance frame or a `MintIndex`. Amounts in hover are exact text, because JavaScript
rounds above 2**53. `CHARTS` lists them; plotly is loaded with the first figure.
"""

from helius_frames.analysis import shorten
from helius_frames.charts._airdrop import AirdropNumbers, airdrop_numbers, plot_airdrop
from helius_frames.charts._classes import (
    ClassesNumbers,
    EqualBalancesNumbers,
    classes_numbers,
    equal_balances_numbers,
    plot_classes,
    plot_equal_balances,
)
from helius_frames.charts._context import ChartContext, Decimals, Mark, Pull, decimals_of
from helius_frames.charts._ecdf import EcdfNumbers, ecdf_numbers, plot_ecdf
from helius_frames.charts._heatmap import HeatmapNumbers, heatmap_numbers, plot_heatmap
from helius_frames.charts._histogram import Bins, HistogramNumbers, histogram_numbers, plot_histogram
from helius_frames.charts._look import Look, Theme
from helius_frames.charts._lorenz import LorenzNumbers, lorenz_numbers, plot_lorenz
from helius_frames.charts._overlap import OverlapNumbers, overlap_numbers, plot_overlap
from helius_frames.charts._page import report_html, standalone_html
from helius_frames.charts._points import Point, PointHolders
from helius_frames.charts._registry import CHARTS, Chart
from helius_frames.charts._text import amount_text, percent_text, range_text, slots_text, unit_text
from helius_frames.charts._through_time import (
    CohortsNumbers,
    TimelineNumbers,
    cohorts_numbers,
    plot_cohorts,
    plot_timeline,
    timeline_numbers,
)
from helius_frames.charts._top_holders import TopHoldersNumbers, plot_top_holders, top_holders_numbers
from helius_frames.charts._treemap import TreemapNumbers, plot_treemap, treemap_numbers

__all__ = [
    "CHARTS",
    "AirdropNumbers",
    "Bins",
    "Chart",
    "ChartContext",
    "ClassesNumbers",
    "CohortsNumbers",
    "Decimals",
    "EcdfNumbers",
    "EqualBalancesNumbers",
    "HeatmapNumbers",
    "HistogramNumbers",
    "Look",
    "LorenzNumbers",
    "Mark",
    "OverlapNumbers",
    "Point",
    "PointHolders",
    "Pull",
    "Theme",
    "TimelineNumbers",
    "TopHoldersNumbers",
    "TreemapNumbers",
    "airdrop_numbers",
    "amount_text",
    "classes_numbers",
    "cohorts_numbers",
    "decimals_of",
    "ecdf_numbers",
    "equal_balances_numbers",
    "heatmap_numbers",
    "histogram_numbers",
    "lorenz_numbers",
    "overlap_numbers",
    "percent_text",
    "plot_airdrop",
    "plot_classes",
    "plot_cohorts",
    "plot_ecdf",
    "plot_equal_balances",
    "plot_heatmap",
    "plot_histogram",
    "plot_lorenz",
    "plot_overlap",
    "plot_timeline",
    "plot_top_holders",
    "plot_treemap",
    "range_text",
    "report_html",
    "shorten",
    "slots_text",
    "standalone_html",
    "timeline_numbers",
    "top_holders_numbers",
    "treemap_numbers",
    "unit_text",
]
