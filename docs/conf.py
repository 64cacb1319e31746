"""Configuration of the documentation site; `make docs` builds it."""  # noqa: INP001

from __future__ import annotations

from typing import TYPE_CHECKING

from helius_frames import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "helius_frames"
author = "The helius_frames developers"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Single backticks in docstrings name things of this package; what is no target is shown as code.
default_role = "py:obj"

autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # signatures are read in the editor; here the words count
napoleon_google_docstring = False
# What a function gives is told in free text and lists; napoleon would read it as a list of types.
napoleon_custom_sections = ["Returns", "Yields"]
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = f"helius_frames {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_sidebars = {"tutorial": [], "faults": []}
html_theme_options = {
    "logo": {"text": "helius_frames"},
    "icon_links": [
        {
            "name": "GitHub",
            "url": "https://github.com/helius-frames/helius_frames",
            "icon": "fa-brands fa-github",
        },
    ],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}


def _without_arguments(_app: Sphinx, kind: str, *_rest: object) -> tuple[str, None] | None:
    return ("", None) if kind == "exception" else None


def setup(app: Sphinx) -> None:
    """Leave out how an exception is made: nobody but the package does."""
    app.connect("autodoc-process-signature", _without_arguments)
