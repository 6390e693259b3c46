"""The templates in `examples/` are what the documentation says they are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from paas_stream.records import NodeTarget
from paas_stream.tosca import limits, merge, parser
from paas_stream.tosca.validated import Validated

EXAMPLES = Path(__file__).parents[3] / "examples"
GOOD = ["vm", "cluster", "failover", "containers"]

Validate = Callable[..., Validated]


def text(name: str) -> str:
    return (EXAMPLES / f"{name}.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", GOOD)
def test_they_are_valid_as_they_are(name: str, validate: Validate) -> None:
    made = validate(text(name))
    assert made.template_name == name
    assert made.warnings == ()
    assert made.is_automatic


@pytest.mark.parametrize("name", GOOD)
def test_they_can_be_sent_to_any_provider(name: str, validate: Validate) -> None:
    made = validate(text(name))
    target = NodeTarget(flavor="small", image="ost://site/abc", network="lan")
    nodes = {requirement.name: target for requirement in made.requirements}
    sent = merge.for_provider(made.document, nodes, tags={"a": "b"}, metadata={"c": "d"})
    assert parser.faults(limits.load(sent, limits.Limits())) == []


@pytest.mark.parametrize("name", [*GOOD, "invalid"])
def test_they_are_short(name: str) -> None:
    assert len(text(name).encode()) < 2048


def test_the_cluster_has_as_many_workers_as_asked_for(validate: Validate) -> None:
    made = validate(text("cluster"), workers=5, volume_size="0 GB")
    front_end, workers = made.requirements
    assert (front_end.count, front_end.volumes_gib, workers.count) == (1, (), 5)
    assert validate(text("cluster")).requirements[0].volumes_gib == (10,)


def test_no_example_but_the_cluster_asks_for_more_than_one_machine(validate: Validate) -> None:
    for name in ("vm", "failover"):
        (requirement,) = validate(text(name)).requirements
        assert (requirement.count, requirement.image, requirement.public_address) == (
            1,
            None,
            False,
        )


def test_the_container_one_needs_no_machine(validate: Validate) -> None:
    (web,) = validate(text("containers"), volume_size="2 GiB").requirements
    assert (web.kind, web.image, web.memory_mib, web.volumes_gib, web.ports) == (
        "container",
        "nginx:1.29",
        256,
        (2,),
        ("30080:80/tcp",),
    )


def test_the_invalid_one_shows_faults_of_every_kind(faults: Callable[..., list[str]]) -> None:
    assert [fault.split(": ")[0] for fault in faults(text("invalid"))] == [
        "inputs.cpus",
        "topology_template.inputs.memory.default",
        "topology_template.inputs.workers.default",
        "topology_template.node_templates.node.capabilities.scalable.properties.count",
        "topology_template.node_templates.node.capabilities.host.properties",
        "topology_template.node_templates.disk.properties",
        "topology_template.node_templates.database",
        "topology_template.outputs.address",
    ]
