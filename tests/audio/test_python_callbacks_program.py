"""The benchmark `comparison/python_callbacks`, briefly: that it measures, and what it writes."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "comparison" / "python_callbacks"


def test_all_streams_are_measured_with_both_modules(jack_turn, numpy, tmp_path):
    result = subprocess.run(
        [
            *(sys.executable, FOLDER, "--rounds=1", "--seconds=0.3", "--blocksize=1024"),
            *("--output", tmp_path),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )
    assert (result.returncode, result.stderr) == (0, "")
    table = (tmp_path / "python_callbacks.md").read_text(encoding="utf-8")
    assert table in result.stdout
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert [row[:2] for row in rows[2:]] == [[k, "1024"] for k in ("input", "output", "duplex")]
    for row in rows[2:]:
        assert all(float(cell.split()[0]) > 0 for cell in row[2:5])
