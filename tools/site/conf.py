"""Sphinx' settings for the documentation's site; `make site` builds it from docs/.

Furo looks well in light and dark, works from a folder on disk, and fetches nothing: no fonts, no scripts of others.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from desktop import __version__  # noqa: E402 - the path comes first

project = "Fovea"
version = release = __version__
author = "The Fovea authors"
copyright = "The Fovea authors; Apache License 2.0"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["evidence", "results.json", "help/*/*"]  # the site is English; the program has the others
myst_heading_anchors = 4
# Tables and headings of pages that GitHub shows as well; nothing that only this site would understand.
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_title = f"Fovea {__version__}"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_opensearch = ""
html_baseurl = ""
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#2B6CE6", "color-brand-content": "#2B6CE6"},
    "dark_css_variables": {"color-brand-primary": "#6EA0FF", "color-brand-content": "#6EA0FF"},
}
