"""`docs/ranking.md` is what the code and the kept figures say."""

import json
from pathlib import Path

from benchmarks.ranking import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_features_and_the_figures_are_up_to_date() -> None:
    text = (DOCS / page.PAGE).read_text()
    results = json.loads((DOCS / page.RESULTS).read_text())
    assert text == page.filled(text, results), "run benchmarks/ranking/compare.py"
    assert page.features() in text
