"""`docs/messages` is what the code says."""

from support.messages import DOCS

from paas_stream.cli.topic_schemas import faults_of
from paas_stream.topics import TOPICS


def test_schemas_examples_and_page_are_as_the_code_has_them() -> None:
    assert faults_of(DOCS) == [], "run `make docs`"


def test_the_page_names_every_topic_with_those_who_write_and_read_it() -> None:
    page = (DOCS / "README.md").read_text()
    for spec in TOPICS.values():
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{spec.name}`")]
        for party in (*spec.written_by, *spec.read_by, spec.key):
            assert party in row
