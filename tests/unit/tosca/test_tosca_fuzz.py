"""No template, however strange, ends in anything but a document or sentences."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paas_stream.errors import InvalidTemplateError
from paas_stream.records import NodeTarget
from paas_stream.tosca import limits, merge, parser, template, yamltext
from paas_stream.tosca.validated import Validated

EXAMPLES = Path(__file__).parents[3] / "examples"
SEEDS = [
    yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    for name in ("vm", "cluster", "containers", "invalid")
]
SEEDS.append(
    yaml.safe_load("""
tosca_definitions_version: tosca_simple_yaml_1_0
metadata: {template_name: mixed}
node_types:
  my.Vm:
    derived_from: tosca.nodes.indigo.Compute
    properties: {level: {type: integer, default: 1, constraints: [{in_range: [0, 3]}]}}
    capabilities: {host: {type: my.Host}}
    requirements: [peer: {capability: tosca.capabilities.Node, occurrences: [0, 1]}]
capability_types:
  my.Host:
    derived_from: tosca.capabilities.indigo.Container
    properties: {num_cpus: {type: integer, default: 2}}
topology_template:
  inputs: {ports: {type: map, entry_schema: {type: PortSpec}, default: {a: {source: 22}}}}
  node_templates:
    a:
      type: my.Vm
      properties: {level: 2, tags: {a: b}}
      capabilities: {endpoint: {properties: {ports: {get_input: ports}}}}
      interfaces: {Standard: {configure: {implementation: x.yml, inputs: {a: {get_input: ports}}}}}
      requirements:
        - local_storage:
            node: disk
            relationship: {type: tosca.relationships.AttachesTo, properties: {location: /d}}
    disk: {type: tosca.nodes.BlockStorage, properties: {size: 1 GB}}
    net: {type: tosca.nodes.network.Network, properties: {network_type: public}}
    port: {type: tosca.nodes.network.Port, requirements: [binding: a, link: net]}
  policies: [p: {type: tosca.policies.Placement, targets: [a]}]
  groups: {g: {type: tosca.groups.Root, members: [a]}}
  outputs: {o: {value: {concat: [x, {get_attribute: [a, public_address, 0]}]}}}
""")
)

SEEDS.append(
    yaml.safe_load("""
tosca_definitions_version: tosca_simple_yaml_1_3
imports: [{types: {file: custom_types.yaml}}]
repositories: {r: {url: "https://r.example.org/"}}
topology_template:
  inputs: {n: {type: map, entry_schema: {type: string}, default: {a: b}}}
  node_templates:
    vm:
      type: tosca.nodes.indigo.Compute
      properties: {instance_name: {concat: [x, {get_property: [SELF, tags, a]}]}, tags: {a: b}}
      capabilities: {scalable: {properties: {count: 2}}}
    fe:
      type: tosca.nodes.indigo.LRMS.FrontEnd.Kubernetes
      properties:
        version: {get_property: [HOST, instance_name]}
        tls_certificates: {get_attribute: [HOST, endpoint, tls_certificates]}
      capabilities: {endpoint: {properties: {ports: {api: {source: 6443}}}}}
      requirements: [host: vm]
    object:
      type: tosca.nodes.indigo.KubernetesObject
      properties: {spec: "{kind: Pod, metadata: {name: p}}"}
      requirements: [host: {node: fe, relationship: tosca.relationships.HostedOn}]
  policies:
    - p: {type: tosca.policies.indigo.SlaPlacement, properties: {sla_id: s}, targets: [vm]}
  outputs:
    o: {value: {token: [{get_property: [vm, instance_name]}, ":", 0]}}
    p: {value: {get_input: [n, a]}}
""")
)

TARGET = NodeTarget(flavor="small", image="ost://site/abc", network="lan")
STRANGE = [
    None,
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    "a",
    [],
    {},
    [None],
    [1, 2],
    ["a"],
    {"a": 1},
    [{"a": {}}],
    {"a": {"type": "x"}},
    {"get_input": "ports"},
    {"get_input": ["a", 1]},
    {"get_property": ["SELF", "level"]},
    {"get_property": ["vm", "instance_name"]},
    {"get_property": ["vm", "tags"]},
    {"get_input": ["n", "a"]},
    {"get_attribute": ["a", "b"]},
    {"concat": ["a", "b"]},
    "tosca.nodes.Compute",
    "tosca.nodes.BlockStorage",
    "tosca.capabilities.Container",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside `value`."""
    if isinstance(value, dict):
        return [
            p for key, item in value.items() for p in [(*path, key), *places(item, (*path, key))]
        ]
    if isinstance(value, list):
        return [p for n, item in enumerate(value) for p in [(*path, n), *places(item, (*path, n))]]
    return []


def changed(tree: Any, place: tuple[Any, ...], value: Any) -> None:
    """Put `value` at `place`, or take away what is there when it is `...`; if it is still there."""
    for step in place[:-1]:
        if not isinstance(tree, dict | list) or isinstance(tree, list) != isinstance(step, int):
            return
        if step not in tree and isinstance(tree, dict):
            return
        if isinstance(tree, list) and step >= len(tree):
            return
        tree = tree[step]
    last = place[-1]
    if (isinstance(tree, dict) and isinstance(last, str)) or (
        isinstance(tree, list) and isinstance(last, int) and last < len(tree)
    ):
        if value is not ...:
            tree[last] = copy.deepcopy(value)
        elif last in tree or isinstance(tree, list):
            del tree[last]


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    tree: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for place in draw(st.lists(st.sampled_from(places(tree)), min_size=1, max_size=3)):
        changed(tree, place, draw(st.sampled_from([..., *STRANGE])))
    return tree


@pytest.mark.filterwarnings("ignore")
@settings(
    deadline=None, max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(spoiled())
def test_a_spoiled_template_is_validated_or_refused_with_sentences(tree: dict[str, Any]) -> None:
    try:
        made = template.validate(yamltext.dump(tree), {})
    except InvalidTemplateError as exc:
        faults = exc.faults
    else:
        check_that_it_can_be_sent(made)
        return
    assert faults
    assert all(isinstance(fault, str) and fault for fault in faults)
    assert ".py" not in " ".join(faults)


def check_that_it_can_be_sent(made: Validated) -> None:
    orjson.dumps(made.document)
    nodes = dict.fromkeys((node.name for node in made.requirements), TARGET)
    sent = merge.for_provider(made.document, nodes, tags={"a": "b"}, metadata={"c": "d"})
    assert parser.faults(limits.load(sent, limits.Limits())) == []
