"""Faults say on which line of the template's text they are."""

from collections.abc import Callable

import pytest

from paas_stream.errors import Fault, InvalidTemplateError
from paas_stream.tosca import lines, template

TEXT = """\
metadata:
  a: 1
node_types:
  my.Vm:
    derived_from: x
  my.Vm.Big:
    derived_from: y
topology_template:
  inputs:
    cpus:
      type: integer
  node_templates:
    node: &node
      requirements:
        - host: a
        - host:
            node: b
      properties: {a: 1, b: 2}
    copy: *node
  policies:
    - p:
        type: t
    - q:
        type: u
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("metadata", 1),
        ("metadata.a", 2),
        ("node_types.my.Vm", 4),
        ("node_types.my.Vm.derived_from", 5),
        ("node_types.my.Vm.Big.derived_from", 7),
        ("inputs.cpus", 10),
        ("topology_template.inputs.cpus.default", 10),
        ("topology_template.node_templates.node.requirements[1].host.node", 17),
        ("topology_template.node_templates.node.requirements[9]", 14),
        ("topology_template.node_templates.node.properties.b", 18),
        ("topology_template.node_templates.nod", 12),
        ("topology_template.node_templates.copy", 19),
        ("topology_template.policies[1].q.type", 24),
        ("topology_template.policies.q.type", 24),
        ("topology_template.policies.none", 20),
        ("relationship_types.x", None),
        ("inputs.other", None),
        ("topology_template.inputs.other", 9),
        ("", None),
    ],
)
def test_the_line_is_that_of_the_deepest_part_that_is_there(path: str, line: int | None) -> None:
    (found,) = lines.located(TEXT, [Fault("it is wrong", path)])
    assert found.line == line


def test_an_unknown_field_has_the_line_of_the_field() -> None:
    path = "topology_template.node_templates.node"
    (found,) = lines.located(TEXT, [Fault('contains unknown field "requirements".', path)])
    assert (found.line, found.path) == (14, path)


def test_a_line_that_is_known_stays() -> None:
    assert lines.located(TEXT, [Fault("x", "metadata", 7)])[0].line == 7


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("inputs.a: it: is", Fault("it: is", "inputs.a")),
        (
            "topology_template.node_templates.my node: x",
            Fault("x", "topology_template.node_templates.my node"),
        ),
        ("imports[0]: x", Fault("x", "imports[0]")),
        ("something: else", Fault("something: else")),
        ("the template is wrong", Fault("the template is wrong")),
    ],
)
def test_a_sentence_is_parted_into_path_and_message(text: str, fault: Fault) -> None:
    assert Fault.of(text) == fault
    assert str(fault) == text


def test_a_refused_template_tells_the_lines(one_node: Callable[..., str]) -> None:
    text = one_node("properties:\n  a: 1\n  b: 2", inputs="n:\n  type: integer")
    with pytest.raises(InvalidTemplateError) as caught:
        template.validate(text, {})
    assert [fault.line for fault in caught.value.details] == [5, 11, 12]
    assert caught.value.faults[0].startswith("line 5: inputs.n: a value is needed")
    with pytest.raises(InvalidTemplateError) as caught:
        template.validate("a: 1\nb: [\n", {})
    assert caught.value.details[0].line == 3
