"""Properties that are made of others are put in place where they are known."""

from collections.abc import Callable
from typing import Any

import pytest

from paas_stream.tosca.validated import Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]
Faults = Callable[..., list[str]]


@pytest.fixture
def output(topology: Text, validate: Validate) -> Callable[[str], Any]:
    """`output(value)`: what an output of this value is, for the nodes below."""

    def call(value: str) -> Any:
        text = topology(f"""
            inputs: {{n: {{type: integer, default: 2}}, none: {{type: string, required: false}}}}
            node_templates:
              vm:
                type: tosca.nodes.indigo.Compute
                properties:
                  instance_name: {{concat: [vm-, {{get_input: n}}]}}
                  tags: {{a: x, b: {{get_attribute: [vm, private_address, 0]}}}}
                capabilities:
                  host: {{properties: {{num_cpus: {{get_input: n}}, mem_size: 1 GB}}}}
                  endpoint: {{properties: {{additional_dns_names: [one, two]}}}}
              fe:
                type: tosca.nodes.indigo.LRMS.FrontEnd.Slurm
                requirements: [host: vm]
            outputs: {{o: {{value: {value}}}}}
        """)
        return validate(text).document["topology_template"]["outputs"]["o"]["value"]

    return call


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("{get_property: [vm, instance_name]}", "vm-2"),
        ("{get_property: [vm, host, num_cpus]}", 2),
        ("{get_property: [vm, tags, a]}", "x"),
        ("{get_property: [vm, endpoint, additional_dns_names, 1]}", "two"),
        ("{get_property: [fe, version]}", "20.11.9"),
        ("{get_property: [fe, lrms, type]}", "slurm"),
        ("{concat: ['http://', {get_property: [vm, instance_name]}, ':80']}", "http://vm-2:80"),
        ("{token: [{get_property: [vm, instance_name]}, '-', 1]}", "2"),
        (
            "[{get_property: [vm, instance_name]}, {a: {get_property: [vm, host, mem_size]}}]",
            ["vm-2", {"a": "1 GB"}],
        ),
    ],
)
def test_what_is_known_is_put_in_place(
    output: Callable[[str], Any], value: str, known: Any
) -> None:
    assert output(value) == known


@pytest.mark.parametrize(
    "value",
    [
        "{get_property: [vm, tags, b]}",
        "{concat: [x, {get_attribute: [vm, private_address, 0]}]}",
    ],
)
def test_what_is_known_at_run_time_stays_a_function(
    output: Callable[[str], Any], value: str
) -> None:
    assert isinstance(output(value), dict)


def test_a_node_reads_itself_and_its_host(topology: Text, validate: Validate) -> None:
    text = topology("""
        node_templates:
          vm:
            type: tosca.nodes.indigo.Compute
            properties: {instance_name: n, tags: {me: {get_property: [SELF, instance_name]}}}
          fe:
            type: tosca.nodes.indigo.LRMS.FrontEnd.Slurm
            properties: {version: {get_property: [HOST, instance_name]}}
            requirements: [host: vm]
    """)
    nodes = validate(text).document["topology_template"]["node_templates"]
    assert nodes["vm"]["properties"]["tags"] == {"me": "n"}
    assert nodes["fe"]["properties"]["version"] == "n"


def test_what_is_put_in_place_is_checked(topology: Text, faults: Faults) -> None:
    found = faults(
        topology("""
        node_templates:
          vm:
            type: tosca.nodes.indigo.Compute
            properties: {instance_name: many}
            capabilities: {host: {properties: {num_cpus: {get_property: [vm, instance_name]}}}}
    """)
    )
    assert len(found) == 1
    assert 'num_cpus: "many" is not an integer' in found[0]


def test_a_property_that_nobody_has_is_told(topology: Text, faults: Faults) -> None:
    found = faults(
        topology("""
        node_templates: {vm: {type: tosca.nodes.indigo.Compute}}
        outputs:
          a: {value: {get_property: [vm, nothing]}}
          b: {value: {get_property: [nobody, instance_name]}}
          c: {value: {concat: [x, {get_property: [SELF, instance_name]}]}}
    """)
    )
    assert found == [
        'topology_template.outputs.b.value: there is no node "nobody"',
        'topology_template.outputs.c.value.concat[1]: there is no node "SELF"',
        'topology_template.outputs.a: Property "nothing" was not found in node template "vm".',
    ]


def test_a_property_cannot_bring_a_part_out_of_shape(topology: Text, faults: Faults) -> None:
    found = faults(
        topology("""
        node_templates:
          vm: {type: tosca.nodes.indigo.Compute, properties: {instance_name: x}}
          other: {type: tosca.nodes.indigo.Compute, properties: {get_property: [vm, instance_name]}}
    """)
    )
    assert found == ["topology_template.node_templates.other.properties: a map is needed, not text"]
