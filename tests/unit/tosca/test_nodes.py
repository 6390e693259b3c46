"""The nodes of a template, and what its removal lists name."""

import pytest

from paas_stream.records import NodeRequirement
from paas_stream.tosca import merge, nodes, template
from paas_stream.tosca.limits import Limits
from paas_stream.tosca.options import Options

LIMITS = Limits()
TEXT = """\
tosca_definitions_version: tosca_simple_yaml_1_0  # a comment
node_types:
  my.Machine:
    derived_from: tosca.nodes.indigo.Compute
topology_template:
  inputs:
    gone: {type: list, entry_schema: {type: string}, default: [r3]}
  node_templates:
    worker:
      type: my.Machine
      capabilities:
        scalable: {properties: {count: 2, removal_list: [r1, r2, r1]}}
    other:
      type: tosca.nodes.indigo.Compute
      capabilities:
        scalable: {properties: {removal_list: {get_input: gone}}}
"""


def test_nodes_have_their_types_and_counts() -> None:
    validated = template.validate(TEXT, {}, Options())
    worker, other = validated.nodes
    assert (worker.name, worker.count, worker.has_machines) == ("worker", 2, True)
    assert worker.types[:2] == ("my.Machine", "tosca.nodes.indigo.Compute")
    assert "tosca.nodes.Compute" in worker.types
    assert (other.name, other.count) == ("other", 1)


def test_a_node_without_machines_is_one_too() -> None:
    document = {"topology_template": {"node_templates": {"s": {"type": "my.Software"}}}}
    (found,) = nodes.of(document, [NodeRequirement(name="another")])
    assert (found.types, found.count, found.has_machines) == (("my.Software",), 1, False)


def test_what_removal_lists_name_is_taken_out_of_what_the_im_gets() -> None:
    validated = template.validate(TEXT, {}, Options())
    assert validated.removals == ("r1", "r2", "r3")
    sent = merge.filled_in(validated.document, {}, tags={}, metadata={})
    assert "removal_list" not in str(sent["topology_template"])


class TestTheText:
    def test_is_kept_without_removal_lists(self) -> None:
        text = nodes.without_removals(TEXT, LIMITS)
        assert "removal_list" not in text
        assert template.validate(text, {}, Options()).removals == ()

    @pytest.mark.parametrize("text", [TEXT.replace("removal_list", "x"), "removal_list: [1]"])
    def test_is_not_touched_when_it_has_none(self, text: str) -> None:
        assert nodes.without_removals(text, LIMITS) == text


class TestNodesThatAreGone:
    def sent(self, kind: str) -> dict:
        document = template.validate(TEXT, {}, Options()).document
        made = merge.filled_in(merge.with_empty(document, {"old": kind}), {}, tags={}, metadata={})
        return made["topology_template"]["node_templates"]["old"]

    @pytest.mark.parametrize(
        ("kind", "sent"),
        [
            ("tosca.nodes.indigo.Compute", "tosca.nodes.indigo.Compute"),
            ("my.Machine", "my.Machine"),
            ("not.Known", "tosca.nodes.indigo.Compute"),
            ("", "tosca.nodes.indigo.Compute"),
        ],
    )
    def test_are_sent_without_an_instance(self, kind: str, sent: str) -> None:
        node = self.sent(kind)
        assert node["type"] == sent
        assert node["capabilities"]["scalable"]["properties"]["count"] == 0
