"""Frame to figures: six charts of who holds how much, drawn with plotly.

Each chart has two functions: ``…_numbers`` computes exactly what is drawn, without plotly, and ``plot_…``
draws it. All take a balance frame or a `MintIndex`. Amounts in hover are exact text, because JavaScript
rounds above 2**53.
"""

from helius_frames.analysis import shorten
from helius_frames.charts._context import ChartContext, Decimals, Mark, decimals_of
from helius_frames.charts._ecdf import EcdfNumbers, ecdf_numbers, plot_ecdf
from helius_frames.charts._heatmap import HeatmapNumbers, heatmap_numbers, plot_heatmap
from helius_frames.charts._histogram import HistogramNumbers, histogram_numbers, plot_histogram
from helius_frames.charts._lorenz import LorenzNumbers, lorenz_numbers, plot_lorenz
from helius_frames.charts._page import standalone_html
from helius_frames.charts._style import Theme
from helius_frames.charts._text import amount_text, percent_text, range_text, slots_text, unit_text
from helius_frames.charts._top_holders import TopHoldersNumbers, plot_top_holders, top_holders_numbers
from helius_frames.charts._treemap import TreemapNumbers, plot_treemap, treemap_numbers

__all__ = [
    "ChartContext",
    "Decimals",
    "EcdfNumbers",
    "HeatmapNumbers",
    "HistogramNumbers",
    "LorenzNumbers",
    "Mark",
    "Theme",
    "TopHoldersNumbers",
    "TreemapNumbers",
    "amount_text",
    "decimals_of",
    "ecdf_numbers",
    "heatmap_numbers",
    "histogram_numbers",
    "lorenz_numbers",
    "percent_text",
    "plot_ecdf",
    "plot_heatmap",
    "plot_histogram",
    "plot_lorenz",
    "plot_top_holders",
    "plot_treemap",
    "range_text",
    "shorten",
    "slots_text",
    "standalone_html",
    "top_holders_numbers",
    "treemap_numbers",
    "unit_text",
]
