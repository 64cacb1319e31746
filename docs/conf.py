"""Configuration of the documentation site; `make docs` builds it."""  # noqa: INP001

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

from helius_frames import __version__, _options, analysis, charts, explorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

project = "helius_frames"
author = "The helius_frames developers"
project_copyright = author
version = release = __version__

extensions = [
    "myst_nb",
    "notebook_pages",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 60
nb_execution_raise_on_error = True
nb_execution_show_tb = True
# What a page without a kernel can show: tables and figures as HTML, no widgets.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "text/html", 0),
]
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars
# Single backticks in docstrings name things of this package; what is no target is shown as code.
default_role = "py:obj"

autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
# Return values are described in free text and lists; napoleon would read them as a list of types.
napoleon_custom_sections = ["Returns", "Yields"]
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = f"helius_frames {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["charts.js"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "helius_frames"},
    "icon_links": [
        {
            "name": "GitHub",
            "url": "https://github.com/helius-frames/helius_frames",
            "icon": "fa-brands fa-github",
        },
    ],
    "show_prev_next": True,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}


def _without_arguments(_app: Sphinx, kind: str, *_rest: object) -> tuple[str, None] | None:
    return ("", None) if kind == "exception" else None


# Where the names in annotations are defined; most modules import them for type checkers only.
TYPES = {"analysis": analysis, **vars(analysis), **vars(explorer), **vars(charts), **vars(_options)}


def _with_types(_app: Sphinx, function: Callable[..., object], _bound: bool) -> None:  # noqa: FBT001
    """Replace the names of closed sets in a signature by what they stand for, such as ``Literal[…]``."""
    if not inspect.isfunction(function):
        return
    signature = inspect.signature(function)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            each.replace(annotation=_resolved(each.annotation)) for each in signature.parameters.values()
        ]
    )


def _resolved(annotation: Any) -> Any:  # noqa: ANN401
    if not isinstance(annotation, str) or "." in annotation.replace("analysis.", ""):
        return annotation
    try:
        return eval(annotation.replace("str | Secret", "str"), TYPES)  # noqa: S307 - our own source
    except NameError:
        return annotation


def setup(app: Sphinx) -> None:
    """Show each function with its options and their types, and exceptions without arguments."""
    app.connect("autodoc-process-signature", _without_arguments)
    app.connect("autodoc-before-process-signature", _with_types)
    # The overloads of the readers do not name the options; their signature does.
    overloads = ModuleAnalyzer.for_module("helius_frames.reader")
    overloads.analyze()
    overloads.overloads.clear()
