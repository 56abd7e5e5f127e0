"""The common part of the pictures.

No background, and colours of medium brightness, for white and for dark pages.
"""

import matplotlib

matplotlib.use("svg")

TEXT = "#7a818a"
LINE = "#a0a6ad"
# These colours are also distinguishable without red or without green.
OWN = "#2b8cdb"
OTHERS = "#e07b00"

#: Inches. At 96 pixels per inch, about as wide as a page of the documentation: wider ones would be
#: made smaller there, and their text with them.
WIDTH = 7.6


def style(name):
    """Settings for the picture of that name, whose bytes are the same for the same values."""
    return {
        "svg.hashsalt": name,
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": TEXT,
    }
