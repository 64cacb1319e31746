"""Pages that hold figures and all they need: one chart, or a small report on a frame."""

from __future__ import annotations

import json
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any, Final, get_args

import pandas as pd

from helius_frames.analysis import MintIndex, by_mint, pull_summary
from helius_frames.charts._context import Decimals, Pull, look_up, symbols_in
from helius_frames.charts._histogram import plot_histogram
from helius_frames.charts._look import Theme
from helius_frames.charts._lorenz import plot_lorenz
from helius_frames.charts._style import palette
from helius_frames.charts._text import clean, count_text, percent_text, slots_text
from helius_frames.charts._top_holders import plot_top_holders

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONFIG: Final = {
    "responsive": True,
    "displaylogo": False,
    "showSendToCloud": False,
    "toImageButtonOptions": {"scale": 2},
}
_TOP = 16  # pixels above the data, where the page has title and subtitle
_MINTS = 12
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


def standalone_html(figure: go.Figure, table: pd.DataFrame | None = None) -> str:
    """Write a figure as one page that needs no kernel and no network: plotly.js stands inside.

    The page takes the colours of the figure's theme, and the chart its whole width. Title, subtitle and
    source are texts of the page, so that they break at any width and a screen reader reads them.

    Parameters
    ----------
    figure
        A chart of this package.
    table
        The numbers of the chart, as ``to_frame()`` of its numbers gives them; they can be folded out.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import plot_lorenz, standalone_html
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> standalone_html(plot_lorenz(df, df["mint"].mode()[0])).startswith("<!doctype html>")
    True
    """
    meta = figure.layout.meta
    meta = meta if isinstance(meta, dict) else {}
    theme: Theme = meta.get("theme") if meta.get("theme") in get_args(Theme) else "light"  # type: ignore[assignment]
    title = str(meta.get("title") or escape(figure.layout.title.text or "chart"))
    body = _section(0, meta, "h1") if "title" in meta else '<div class="chart" id="chart-0"></div>'
    if table is not None:
        body += f"<details><summary>The numbers</summary>{_table(table)}</details>"
    themes = {theme: [_bare(figure) if "title" in meta else figure]}
    return _page(title, body, themes)


def report_html(
    source: pd.DataFrame | MintIndex, mint: str | None = None, *, decimals: Decimals = None
) -> str:
    """Write a small report on a frame as one page: three charts of a mint, and the summary by mint.

    The page is light or dark as the browser is, and says whose holdings it shows, of which token, read when,
    and whether the data are made up. It needs no kernel and no network.

    Parameters
    ----------
    source
        A balance frame, or its `MintIndex`.
    mint
        The mint of the charts; by default the one that most hold.
    decimals
        As of `plot_histogram`.

    Raises
    ------
    AttributeError
        A column of the balance schema is missing.
    InputError
        The mint is not in the frame, or its balances are not exact or are there twice.

    Examples
    --------
    >>> import helius_frames
    >>> from helius_frames.charts import report_html
    >>> df = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    >>> "made-up data" in report_html(df)
    True
    """
    index = MintIndex.of(source)
    mint = next(iter(index.mints), "") if mint is None else mint
    _, _, context = look_up(index, mint, decimals)
    plots = (plot_histogram, plot_top_holders, plot_lorenz)
    themes = {
        theme: [plot(index, mint, decimals=decimals, theme=theme) for plot in plots]
        for theme in get_args(Theme)
    }
    wide, *others = [
        _section(place, figure.layout.meta, "h2") for place, figure in enumerate(themes["light"])
    ]
    name = context.symbol or context.name
    title = f"Who holds {name}?" if mint else "Who holds what?"
    body = (
        f"<header><h1>{escape(title)}</h1>{_facts(index, context.pull, mint, context.symbol)}</header>"
        f'<main>{wide}<div class="side">{"".join(others)}</div>{_by_mint(index)}</main>'
    )
    return _page(escape(title), body, {theme: list(map(_bare, figures)) for theme, figures in themes.items()})


def _facts(index: MintIndex, pull: Pull, mint: str, symbol: str | None) -> str:
    """Say what the report is about, in three lines."""
    found = pull_summary(index.frame)
    rows = f"{count_text(found.rows)} balances of {count_text(found.mints)} tokens"
    asked = (
        f"{count_text(found.owners_read + found.owners_failed)} owners asked, "
        f"{count_text(found.owners)} with rows"
        if found.is_whole
        else f"{count_text(found.owners)} owners with rows"
    )
    facts = {
        "Compressed-token balances on Solana": f"{asked}; {rows}",
        "Token": " · ".join(filter(None, [symbol, clean(mint)])),
        "State of the chain": slots_text(index.slot_first, index.slot_last),
        "Read": pull.read_at,
        "Data": "made-up data of the demo cluster: no such owner or token exists" if pull.is_made_up else "",
    }
    lines = [f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items() if fact]
    return f"<dl>{''.join(lines)}</dl>"


def _by_mint(index: MintIndex) -> str:
    """Return the summary of the tokens that most owners hold."""
    summary = by_mint(index).head(_MINTS)
    shown = by_mint(index, short=True).head(_MINTS)
    if "symbol" not in shown:
        symbols = symbols_in(index.frame, summary.index.tolist())
        if any(symbols):
            shown.insert(0, "symbol", [symbol or "" for symbol in symbols])
    hidden = len(index.mints) - len(summary)
    more = f"<p>{count_text(hidden)} more tokens are left out here.</p>" if hidden > 0 else ""
    return f"<section><h2>The tokens that most of these owners hold</h2>{_table(shown)}{more}</section>"


def _section(place: int, meta: dict[str, str], head: str) -> str:
    texts = {name: str(meta.get(name, "")) for name in ("title", "subtitle", "source", "description")}
    return (
        f"<section><{head}>{texts['title']}</{head}><p>{texts['subtitle']}</p>"
        f'<div class="chart" id="chart-{place}" role="img" aria-label="{texts["description"]}"></div>'
        f'<p class="source">{texts["source"]}</p></section>'
    )


def _bare(figure: go.Figure) -> go.Figure:
    """Return a figure without the texts that stand on the page."""
    import plotly.graph_objects as go  # noqa: PLC0415 - half a second, and only a figure needs it

    bare = go.Figure(figure)
    sources = [each for each in bare.layout.annotations if each.name == "source"]
    lost = bare.layout.margin.t - _TOP
    bare.layout.annotations = [each for each in bare.layout.annotations if each.name != "source"]
    bottom = sum(15 * (each.text.count("<br>") + 1) + 8 for each in sources)
    bare.update_layout(
        title={"text": None, "subtitle": {"text": None}},
        margin={"t": _TOP, "b": bare.layout.margin.b - bottom},
        height=bare.layout.height - lost - bottom,
        legend={"y": 0} if bare.layout.showlegend else {},
    )
    return bare


def _table(table: pd.DataFrame) -> str:
    texts = pd.DataFrame(
        {
            name: [
                percent_text(cell) if "share" in str(name) and pd.notna(cell) else _cell(cell)
                for cell in table[name]
            ]
            for name in table
        },
        index=[clean(label) for label in table.index],
    )
    return f'<div class="table" tabindex="0">{texts.to_html(border=0, escape=True)}</div>'


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever stands in a table
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if pd.api.types.is_integer(value) else clean(value)


def _page(title: str, body: str, themes: dict[Theme, list[go.Figure]]) -> str:
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 - with plotly

    first, *others = themes
    scheme = "".join(
        f"@media (prefers-color-scheme:{theme}){{:root{{{_colours(theme)}}}}}" for theme in others
    )
    figures = {theme: [json.loads(figure.to_json()) for figure in each] for theme, each in themes.items()}
    return _PAGE.substitute(
        title=title,
        scheme="light dark" if others else first,
        colours=f":root{{{_colours(first)}}}{scheme}",
        font=_FONT,
        body=body,
        plotly=get_plotlyjs(),
        # As text of a script element: nothing in it can end the element.
        figures=json.dumps(figures).replace("<", "\\u003c"),
        config=json.dumps(CONFIG),
        first=json.dumps(first),
    )


def _colours(theme: Theme) -> str:
    colours = palette(theme)
    return f"--paper:{colours.surface};--ink:{colours.ink};--quiet:{colours.quiet};--line:{colours.grid}"


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="$scheme">
<title>$title</title>
<style>
$colours
body{margin:0 auto;padding:16px;max-width:1240px;min-height:calc(100vh - 32px);box-sizing:border-box;
background:var(--paper);color:var(--ink);font:15px/1.45 $font}
h1{font-size:22px;margin:0 0 6px}h2{font-size:18px;margin:24px 0 2px}p{margin:0 0 4px;color:var(--quiet)}
h1,h2,p,dd{overflow-wrap:anywhere;text-wrap:balance}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0;font-size:14px}
dt{color:var(--quiet)}dd{margin:0}
.source{font-size:12px}.chart{width:100%}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:0 32px}
section{min-width:0}
.table{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,tbody th{text-align:left;padding-left:0}
@media (max-width:600px){dl{grid-template-columns:1fr}dd{margin-bottom:6px}}
</style></head>
<body>
$body
<script>$plotly</script>
<script>
{
  const figures = $figures, config = $config;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const shown = figures[dark.matches ? "dark" : "light"] || figures[$first];
    shown.forEach((each, place) => Plotly.react("chart-" + place, each.data, each.layout, config));
  };
  dark.addEventListener("change", draw);
  draw();
}
</script>
</body></html>
""")
