"""Sphinx configuration."""

import pa_ringbuffer

project = "pa-ringbuffer"
copyright = "2026, the pa-ringbuffer developers"
version = release = pa_ringbuffer.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
html_theme = "furo"
html_title = f"pa-ringbuffer {version}"
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
# The docstrings say it in words.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
# It can only be imported where PortAudio is.
autodoc_mock_imports = ["sounddevice"]
nitpicky = True
# Other projects' documentation, and words of the docstrings' type fields that are no classes; users
# have these in their own lists.
nitpick_ignore = [
    ("py:class", "numpy.ndarray"),
    ("py:exc", "sounddevice.PortAudioError"),
    ("py:mod", "asyncio"),
    ("py:mod", "sounddevice"),
    ("py:class", "optional"),
    ("py:class", "buffer"),
    ("py:class", "CData pointer"),
]
