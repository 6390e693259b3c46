"""The template of one attempt, as IM gets it."""

from collections.abc import Callable
from typing import Any

import pytest

from paas_stream.records import NodeTarget
from paas_stream.tosca import limits, merge, parser, types
from paas_stream.tosca.validated import Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]
Made = Callable[..., dict[str, Any]]


@pytest.fixture
def made(validate: Validate) -> Made:
    """`made(text, target, tags, metadata)`: the merged document, which the TOSCA parser accepts."""

    def call(
        text: str,
        target: NodeTarget | None = None,
        tags: dict[str, str] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        document = validate(text).document
        nodes = {"node": target} if target else {}
        merged = merge.for_provider(document, nodes, tags=tags or {}, metadata=metadata or {})
        loaded: dict[str, Any] = limits.load(merged, limits.Limits())
        assert parser.faults(limits.load(merged, limits.Limits())) == []
        return loaded

    return call


def node(document: dict[str, Any], name: str = "node") -> dict[str, Any]:
    found: dict[str, Any] = document["topology_template"]["node_templates"][name]
    return found


def properties(document: dict[str, Any], capability: str) -> dict[str, Any]:
    found: dict[str, Any] = node(document)["capabilities"][capability]["properties"]
    return found


COMPUTES = ["tosca.nodes.Compute", "tosca.nodes.indigo.Compute"]


@pytest.mark.parametrize("kind", COMPUTES)
class TestComputeNodes:
    def test_flavor_image_and_network_are_filled_in(
        self, one_node: Text, made: Made, kind: str
    ) -> None:
        target = NodeTarget(flavor="m1.small", image="ost://site/abc", network="lan")
        document = made(one_node(kind=kind), target)
        assert properties(document, "host")["instance_type"] == "m1.small"
        assert properties(document, "os")["image"] == "ost://site/abc"
        assert properties(document, "endpoint")["network_name"] == "lan.PRIVATE"

    def test_a_provider_that_names_nothing_leaves_the_template_as_it_is(
        self, one_node: Text, made: Made, kind: str
    ) -> None:
        document = made(one_node(kind=kind))
        assert "host" not in node(document)["capabilities"]
        assert "image" not in properties(document, "os")
        assert properties(document, "endpoint") == {"network_name": "PRIVATE"}

    def test_tags_and_metadata_are_added(self, one_node: Text, made: Made, kind: str) -> None:
        document = made(one_node(kind=kind), tags={"uuid": "u"}, metadata={"paas_uuid": "u"})
        assert node(document)["properties"]["tags"] == {"uuid": "u"}
        assert document["metadata"] == {"paas_uuid": "u"}

    def test_a_value_of_a_tag_cannot_add_another_one(
        self, one_node: Text, made: Made, kind: str
    ) -> None:
        tags = {"user": "cn=me,o=us; '\"\n", "url": "https://paas.example.org:8080/a"}
        found = node(made(one_node(kind=kind), tags=tags))["properties"]["tags"]
        assert found == {"user": "cn%3Dme%2Co%3Dus%3B%20%27%22%0A", "url": tags["url"]}

    def test_the_type_has_a_place_for_all_of_it(
        self, one_node: Text, made: Made, kind: str
    ) -> None:
        assert node(made(one_node(kind=kind)))["type"] == "tosca.nodes.indigo.Compute"

    def test_a_null_section_is_no_obstacle(self, one_node: Text, made: Made, kind: str) -> None:
        text = one_node("capabilities:\nproperties:\n", kind=kind)
        assert made(text, NodeTarget(flavor="f"), {"a": "b"})


class TestWhatTheTemplateSaid:
    def test_its_tags_and_metadata_stay_and_ours_win(
        self, one_node: Text, made: Made, topology: Text
    ) -> None:
        text = topology(
            "node_templates: {node: {type: tosca.nodes.indigo.Compute, "
            "properties: {tags: {a: '1', b: '2'}}}}",
            "metadata: {template_name: x, by: me}",
        )
        document = made(text, tags={"b": "3"}, metadata={"by": "us"})
        assert node(document)["properties"]["tags"] == {"a": "1", "b": "3"}
        assert document["metadata"] == {"template_name": "x", "by": "us"}

    def test_its_image_name_is_replaced_by_the_provider_s(self, one_node: Text, made: Made) -> None:
        text = one_node("capabilities: {os: {properties: {image: ubuntu, type: linux}}}")
        document = made(text, NodeTarget(image="ost://site/abc"))
        assert properties(document, "os") == {"image": "ost://site/abc", "type": "linux"}

    def test_its_outputs_stay(self, topology: Text, made: Made) -> None:
        text = topology("""
            node_templates: {node: {type: tosca.nodes.Compute}}
            outputs: {ip: {value: {get_attribute: [node, private_address]}}}
        """)
        assert made(text)["topology_template"]["outputs"] == {
            "ip": {"value": {"get_attribute": ["node", "private_address"]}}
        }

    def test_the_document_given_is_not_changed(self, one_node: Text, validate: Validate) -> None:
        text = one_node(kind="tosca.nodes.Compute")
        document = validate(text).document
        merge.for_provider(document, {"node": NodeTarget(flavor="f")}, tags={}, metadata={"a": "b"})
        assert document == validate(text).document

    def test_default_instances_are_not_overruled_by_the_other_type(
        self, one_node: Text, made: Made
    ) -> None:
        body = """
            capabilities:
              scalable:
                properties: {min_instances: 1, max_instances: 5, default_instances: 3}
        """
        document = made(one_node(body, kind="tosca.nodes.Compute"))
        scalable = document["capability_types"]["tosca.capabilities.indigo.Scalable"]
        assert "default" not in scalable["properties"]["count"]


class TestNetworks:
    @pytest.mark.parametrize(
        ("asked", "network", "sent"),
        [
            ("PUBLIC", None, "PUBLIC"),
            ("PUBLIC", "ext", "ext.PUBLIC"),
            ("PUBLIC", "ext.PUBLIC", "ext.PUBLIC"),
            ("PUBLIC", "lan,pool", "lan,pool"),
            ("old.PUBLIC", "ext", "ext.PUBLIC"),
            ("PRIVATE", None, "PRIVATE"),
            ("PRIVATE", "lan", "lan.PRIVATE"),
            ("PRIVATE", "PRIVATE", "PRIVATE"),
        ],
    )
    def test_the_provider_s_network_keeps_the_kind_that_was_asked(
        self, one_node: Text, made: Made, asked: str, network: str | None, sent: str
    ) -> None:
        text = one_node(f"capabilities: {{endpoint: {{properties: {{network_name: {asked}}}}}}}")
        document = made(text, NodeTarget(network=network))
        assert properties(document, "endpoint")["network_name"] == sent

    def test_an_output_that_reads_the_public_address_gets_one(
        self, topology: Text, made: Made
    ) -> None:
        text = topology("""
            node_templates: {node: {type: tosca.nodes.Compute}}
            outputs: {ip: {value: {get_attribute: [node, public_address]}}}
        """)
        assert properties(made(text), "endpoint")["network_name"] == "PUBLIC"

    def test_a_node_with_ports_keeps_the_networks_of_the_template(
        self, topology: Text, made: Made
    ) -> None:
        text = topology("""
            node_templates:
              node: {type: tosca.nodes.Compute}
              net: {type: tosca.nodes.network.Network, properties: {network_type: public}}
              port:
                type: tosca.nodes.network.Port
                requirements: [binding: node, link: net]
        """)
        assert "endpoint" not in node(made(text, NodeTarget(network="ext")))["capabilities"]


class TestTypes:
    def test_only_what_is_needed_is_sent(self, one_node: Text, made: Made) -> None:
        document = made(one_node())
        names = {name for section in types.SECTIONS for name in document.get(section, {})}
        assert "tosca.nodes.indigo.Compute" in names
        assert "tosca.relationships.indigo.AttachesTo" not in names
        assert "imports" not in document

    def test_types_of_the_template_get_our_compute_type_as_parent(
        self, topology: Text, made: Made
    ) -> None:
        text = topology(
            "node_templates: {node: {type: my.Vm}}",
            "node_types: {my.Vm: {derived_from: my.Base}, "
            "my.Base: {derived_from: tosca.nodes.Compute}}",
        )
        document = made(text, NodeTarget(image="ost://site/abc", flavor="f"), {"a": "b"})
        assert document["node_types"]["my.Base"]["derived_from"] == "tosca.nodes.indigo.Compute"
        assert node(document)["type"] == "my.Vm"

    def test_text_that_looks_like_something_else_stays_text(
        self, topology: Text, made: Made
    ) -> None:
        text = topology(
            "node_templates: {node: {type: tosca.nodes.indigo.Compute}}",
            'metadata: {date: 2030-01-31, no: "no", version: "1.10", null_: "null", time: "22:22"}',
        )
        assert made(text)["metadata"] == {
            "date": "2030-01-31",
            "no": "no",
            "version": "1.10",
            "null_": "null",
            "time": "22:22",
        }
