"""`docs/selection.md` is what the code says."""

from pathlib import Path

from paas_stream.cli.selection_rules import page
from paas_stream.selection.reasons import Code

PAGE = Path(__file__).resolve().parents[2] / "docs" / "selection.md"


def test_the_page_is_as_the_code_has_it() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_every_rule_stands_in_it_once() -> None:
    lines = PAGE.read_text().splitlines()
    for code in Code:
        assert sum(line.startswith(f"| `{code.value}` |") for line in lines) == 1
