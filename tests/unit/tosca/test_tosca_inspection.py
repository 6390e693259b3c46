"""What a form is told of a template."""

from collections.abc import Callable

import pytest

from paas_stream.errors import InvalidTemplateError
from paas_stream.settings import ParserSettings
from paas_stream.tosca import pool
from paas_stream.tosca.inspection import inspect

Text = Callable[..., str]


@pytest.fixture
def text(topology: Text) -> str:
    return topology(
        """
        inputs:
          cpus:
            type: integer
            description: How many
            constraints: [in_range: [1, 4]]
          names: {type: list, entry_schema: {type: string}, default: []}
          flavor: {type: string, required: false}
          debug: {type: boolean, default: false}
        node_templates:
          vm:
            type: tosca.nodes.indigo.Compute
            capabilities: {host: {properties: {num_cpus: {get_input: cpus}, mem_size: 1 GiB}}}
        outputs:
          ip: {description: Address, value: {get_attribute: [vm, private_address, 0]}}
        policies:
          - there: {type: tosca.policies.indigo.SlaPlacement, properties: {sla_id: s}, targets: [vm]}
        """,
        "metadata: {template_name: form}\ndescription: For a form",
    )


def test_all_that_a_form_needs_is_told_without_the_required_inputs(text: str) -> None:
    made = inspect(text, {})
    assert (made["templateName"], made["description"]) == ("form", "For a form")
    assert made["inputs"] == [
        {
            "name": "cpus",
            "type": "integer",
            "required": True,
            "description": "How many",
            "constraints": [{"in_range": [1, 4]}],
        },
        {
            "name": "names",
            "type": "list",
            "required": False,
            "default": [],
            "entry_schema": {"type": "string"},
        },
        {"name": "flavor", "type": "string", "required": False},
        {"name": "debug", "type": "boolean", "required": False, "default": False},
    ]
    assert made["nodes"] == [{"name": "vm", "type": "tosca.nodes.indigo.Compute"}]
    assert made["outputs"] == [{"name": "ip", "description": "Address"}]
    assert made["policies"] == [
        {
            "name": "there",
            "type": "tosca.policies.indigo.SlaPlacement",
            "properties": {"sla_id": "s"},
            "targets": ["vm"],
        }
    ]
    assert not made["automatic"]
    assert made["requirements"][0]["memory_mib"] == 1024
    assert made["warnings"] == [
        "topology_template.node_templates.vm.capabilities.host.properties.num_cpus: known only at "
        "run time, providers are chosen without it"
    ]


def test_the_needs_follow_the_values_that_are_given(text: str) -> None:
    made = inspect(text, {"cpus": "3"})
    assert made["requirements"][0]["cpus"] == 3
    assert made["totals"]["cpus"] == 3
    assert made["warnings"] == []


@pytest.mark.parametrize(
    ("inputs", "says"), [({"cpus": 9}, "in_range"), ({"cpus": "many"}, "a whole number")]
)
def test_values_that_are_given_are_checked(text: str, inputs: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidTemplateError, match=says):
        inspect(text, inputs)


def test_other_faults_are_told(text: str) -> None:
    with pytest.raises(InvalidTemplateError, match=r"line 15: .*is not a valid type"):
        inspect(text.replace("tosca.nodes.indigo.Compute", "x.y"), {})


async def test_the_pool_inspects_too(text: str) -> None:
    made = pool.ParserPool(ParserSettings())
    try:
        assert await made.inspect(text, {}) == inspect(text, {})
        with pytest.raises(InvalidTemplateError):
            await made.inspect("[]", {})
    finally:
        await made.close()
