"""Sphinx configuration."""

import sys
from pathlib import Path

import pa_ringbuffer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE)]

project = "pa-ringbuffer"
copyright = "2026, the pa-ringbuffer developers"
version = release = pa_ringbuffer.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    # In _extensions.
    "c_headers",
    "docstrings",
    "drawings",
]
exclude_patterns = ["_build"]
# Each page shows a project in examples/callbacks.
exclude_patterns += [
    f"callbacks_in/{page.name}"
    for page in HERE.glob("callbacks_in/*.md")
    if not (HERE.parent / "examples" / "callbacks" / page.stem).is_dir()
]

html_theme = "pydata_sphinx_theme"
html_title = f"pa-ringbuffer {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "logo": {"text": "pa-ringbuffer"},
    "header_links_before_dropdown": 5,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_nav_level": 2,
    "show_toc_level": 2,
    # Pages with wide tables have the whole width.
    "secondary_sidebar_items": {"[!m]**": ["page-toc"], "measured/*": []},
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "search_bar_text": "Search the documentation",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Pages without others below them.
ALONE = [
    "changelog",
    "coming_from_0_1_4",
    "coming_from_sounddevice",
    "how_it_works",
    "index",
    "measured/*",
    "performance",
    "start_here",
    "troubleshooting",
    "trust",
    "why_sound_stutters",
]
html_sidebars = {name: [] for name in ALONE}
toc_object_entries_show_parents = "hide"
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

copybutton_exclude = ".linenos, .gp, .go"

# Small inventories, so that the documentation builds without a network: see write_inventories.py.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3/", "inventories/python.inv"),
    "numpy": ("https://numpy.org/doc/stable/", "inventories/numpy.inv"),
    "sounddevice": (
        "https://python-sounddevice.readthedocs.io/en/latest/",
        "inventories/sounddevice.inv",
    ),
}

autodoc_member_order = "bysource"
# The docstrings describe the parameters. See also _extensions/docstrings.py.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
# Importing it needs PortAudio.
autodoc_mock_imports = ["sounddevice"]
nitpicky = True
# Words of the docstrings' type fields that are not classes; users have these in their own lists.
nitpick_ignore = [
    ("py:class", "optional"),
    ("py:class", "buffer"),
    ("py:class", "callable"),
    ("py:class", "CData pointer"),
    ("c:identifier", "PaStreamCallbackTimeInfo"),
    ("c:identifier", "int32_t"),
    ("c:identifier", "size_t"),
    ("c:identifier", "uint32_t"),
    ("c:identifier", "uint64_t"),
]
