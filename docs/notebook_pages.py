"""Notebooks and live charts as pages of the site: executed at the build, offline, on the demo cluster."""  # noqa: INP001

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plotly.offline import get_plotlyjs

import helius_frames

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

DOCS: Final = Path(__file__).parent
NOTEBOOKS: Final = DOCS.parent / "notebooks"
PLOTLY_JS: Final = "_static/plotly.min.js"

# Figures as HTML that loads one copy of plotly.js, the site's own; of an explorer its chart. Widgets have no
# state that would be stored in a page, and progress bars go to stderr, which is left out.
SETUP: Final = f"""\
import comm
import plotly.io as pio
import tqdm.auto
from plotly.io.base_renderers import MimetypeRenderer

from helius_frames.explorer import Explorer


class SiteRenderer(MimetypeRenderer):
    def to_mimebundle(self, figure):
        options = dict(full_html=False, include_plotlyjs="../{PLOTLY_JS}", include_mathjax=False)
        config = dict(displayModeBar=False, responsive=True)
        return {{"text/html": pio.to_html(figure, config, validate=False, **options)}}


comm.create_comm = comm.DummyComm
tqdm.auto.tqdm = tqdm.std.tqdm
pio.renderers["site"] = SiteRenderer()
pio.renderers.default = "site"
Explorer._repr_mimebundle_ = lambda explorer, **_: pio.renderers["site"].to_mimebundle(explorer.figure)
"""


def copy_notebooks(_app: Sphinx, _config: Config) -> None:
    """Copy the notebooks into the sources of the site, each with a hidden first cell."""
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        notebook = json.loads(path.read_text("utf-8"))
        hidden = {
            "cell_type": "code",
            "execution_count": None,
            "id": "setup",
            "metadata": {"tags": ["remove-cell"]},
            "outputs": [],
            "source": SETUP.splitlines(keepends=True),
        }
        notebook["cells"].insert(0, hidden)
        _write(DOCS / "notebooks" / path.name, json.dumps(notebook))


def write_live_chart(_app: Sphinx, _config: Config) -> None:
    """Write the chart of the landing page, light and dark."""
    frame = helius_frames.read_helius_balances(helius_frames.demo.OWNERS, cluster="demo")
    token = next(token for token in helius_frames.demo.TOKENS if token.name == "Whale Song")
    parts = []
    for theme in ("light", "dark"):
        figure = frame.helius.plot.top_holders(token.mint, n=12, decimals=token.decimals, theme=theme)
        html = figure.to_html(
            full_html=False,
            include_plotlyjs=PLOTLY_JS if not parts else False,
            include_mathjax=False,
            config={"displayModeBar": False, "responsive": True},
            div_id=f"live-{theme}",
        )
        parts.append(f'<div class="only-{theme}">{html}</div>')
    _write(DOCS / "_generated" / "live.html", "\n".join(parts))


def write_plotly(app: Sphinx, error: Exception | None) -> None:
    """Put plotly.js beside the site's other static files."""
    if error is None and app.builder.format == "html":
        _write(Path(app.outdir) / PLOTLY_JS, get_plotlyjs())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the steps to the build."""
    app.connect("config-inited", copy_notebooks)
    app.connect("config-inited", write_live_chart)
    app.connect("build-finished", write_plotly)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
