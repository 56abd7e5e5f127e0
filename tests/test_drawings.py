"""The drawings in the documentation."""

import runpy
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def test_every_drawing_is_what_its_program_draws(monkeypatch, tmp_path):
    if not DOCS.is_dir():
        pytest.skip("the documentation is not beside the tests")
    monkeypatch.syspath_prepend(DOCS)
    import drawing

    monkeypatch.setattr(drawing, "FOLDER", tmp_path)
    for program in DOCS.glob("draw_*.py"):
        runpy.run_path(str(program), run_name="__main__")
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    kept = {
        path.name: path.read_text(encoding="utf-8") for path in (DOCS / "drawings").glob("*.svg")
    }
    assert drawn
    assert drawn == kept
    sys.modules.pop("drawing")
