"""Templates in a few lines."""

from collections.abc import Callable
from textwrap import dedent, indent
from typing import Any

import pytest

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import template
from paas_stream.tosca.validated import Validated


def _topology(body: str, top: str = "") -> str:
    return (
        "tosca_definitions_version: tosca_simple_yaml_1_0\n"
        + dedent(top)
        + "\ntopology_template:\n"
        + indent(dedent(body), "  ")
    )


def _node(body: str = "", inputs: str = "", kind: str = "tosca.nodes.indigo.Compute") -> str:
    parts = [f"inputs:\n{indent(dedent(inputs), '  ')}\n" if inputs else ""]
    parts.append(f"node_templates:\n  node:\n    type: {kind}\n{indent(dedent(body), '    ')}\n")
    return _topology("".join(parts))


@pytest.fixture
def topology() -> Callable[..., str]:
    """`topology(body, top="")`: a template with this topology, `top` beside it."""
    return _topology


@pytest.fixture
def one_node() -> Callable[..., str]:
    """`one_node(body, inputs="", kind=...)`: a template with one compute node called "node"."""
    return _node


@pytest.fixture
def validate() -> Callable[..., Validated]:
    """`validate(text, **inputs)`: the validated template."""

    def call(text: str, **inputs: Any) -> Validated:
        return template.validate(text, inputs)

    return call


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """`faults(text, **inputs)`: why the template is refused, without lines; [] when it is not."""

    def call(text: str, **inputs: Any) -> list[str]:
        try:
            template.validate(text, inputs)
        except InvalidTemplateError as exc:
            return [fault.text for fault in exc.details]
        return []

    return call
