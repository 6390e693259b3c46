"""Who writes and who reads each topic, as the registry says and as the boxes do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas_stream.app import app
from paas_stream.topics import EVERY_BOX, TOPICS, TopicSpec

ROOT = Path(__file__).resolve().parents[2]
BY_MODEL = {spec.model.__name__: spec for spec in TOPICS.values() if spec.has_messages}
BY_BROKER_NAME = {spec.broker_name(app.settings): spec for spec in TOPICS.values()}
# Boxes for which code that is not in a module of their own makes messages.
MADE_FOR = {
    "paas_stream/lifecycle/deployment.py": "deployment-tracker",
    "paas_stream/lifecycle/dispatch.py": "im-dispatcher",
    "paas_stream/lifecycle/reports.py": "im-dispatcher",
    "paas_stream/lifecycle/room.py": "im-dispatcher",
    "paas_stream/ranking/chain.py": "ai-ranker",
    "paas_stream/ranking/models.py": "ai-ranker-training",
    "paas_stream/ranking/training.py": "training-data",
    "paas_stream/selection/provider_files.py": "feeder",
    "paas_stream/selection/readings.py": "feeder",
    "paas_stream/selection/rally_report.py": "rally",
    "paas_stream/selection/select.py": "provider-selector",
    "paas_stream/tosca/validated.py": "template-parser",
}
SOURCES = [
    file.relative_to(ROOT)
    for folder in ("agents", "web", "paas_stream")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if "records" not in file.parts
]


@pytest.fixture(scope="module")
def reads() -> set[tuple[str, str]]:
    """Every agent with every topic that it is on."""
    app.discover()
    return {
        (name, BY_BROKER_NAME[topic].name)
        for name, agent in app.agents.items()
        for topic in agent.channel.topics
    }


def test_every_agent_is_named_as_reader_of_its_topics_and_of_no_other(
    reads: set[tuple[str, str]],
) -> None:
    agents = {name for name, _ in reads}
    told = {
        (name, spec.name) for spec in TOPICS.values() if spec.has_messages for name in spec.read_by
    }
    assert {(name, topic) for name, topic in told if name in agents} == reads


def made(tree: ast.AST) -> Iterator[TopicSpec]:
    """The topics whose messages a module makes: `Model(...)` or `Model.model_validate(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr.startswith("model_"):
                called = called.value
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in BY_MODEL:
                yield BY_MODEL[name]


def box(file: Path, tree: ast.AST) -> str:
    """The box that a module belongs to; empty for code that several use."""
    if file.parts[0] == "web":
        return "rest-api"
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="COMPONENT")], value=ast.Constant(value=name)):
                return str(name)
    return MADE_FOR.get(file.as_posix(), "")


def test_every_box_is_named_as_writer_of_what_it_makes_and_of_nothing_else() -> None:
    found = set()
    for file in SOURCES:
        tree = ast.parse((ROOT / file).read_text())
        found |= {
            (box(file, tree) or f"?, see {file}", spec.name)
            for spec in made(tree)
            if spec.written_by != EVERY_BOX
        }
    told = {
        (name, spec.name)
        for spec in TOPICS.values()
        if spec.has_messages and spec.written_by != EVERY_BOX
        for name in spec.written_by
    }
    assert found == told
