"""Secrets that a template leaves at a published default."""

from typing import Any

import pytest

from paas_stream.tosca.known_secrets import warnings

TYPES = {
    "a.nodes.Base": {"properties": {"admin_password": {"type": "string", "default": "changeme"}}},
    "a.nodes.Service": {
        "derived_from": "a.nodes.Base",
        "properties": {"token": {"type": "string"}, "port": {"type": "integer", "default": 80}},
    },
}


def document(**properties: Any) -> dict[str, Any]:
    """A template with one node."""
    node = {"type": "a.nodes.Service", "properties": properties}
    return {"node_types": TYPES, "topology_template": {"node_templates": {"web": node}}}


def test_a_secret_that_is_left_at_its_default_is_warned_of() -> None:
    assert warnings(document(port=81)) == [
        "topology_template.node_templates.web.properties.admin_password: the secret is left at the"
        " published default of a.nodes.Service; anybody may know it"
    ]


@pytest.mark.parametrize("given", ["own", ""])
def test_a_secret_that_is_given_is_not(given: str) -> None:
    assert warnings(document(admin_password=given)) == []
