"""The template of one attempt, as far as it is about containers."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from paas_stream.tosca import limits, merge, parser
from paas_stream.tosca.validated import Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]

WEB = """
node_templates:
  web:
    type: my.Web
    requirements: [{host: runtime}]
    artifacts:
      image: {file: nginx, type: tosca.artifacts.Deployment.Image.Container.Docker}
  runtime:
    type: tosca.nodes.Container.Runtime.Docker
    capabilities:
      scalable: {properties: {min_instances: 0, max_instances: 1, default_instances: 1}}
      host: {properties: {num_cpus: 1, mem_size: 1 GB, volumes: ["pages:/pages"]}}
  pages: {type: tosca.nodes.BlockStorage, properties: {size: 1 GiB}}
"""
TYPE = "node_types: {my.Web: {derived_from: tosca.nodes.Container.Application.Docker}}\n"
API = """
node_templates:
  api:
    type: tosca.nodes.Container.Application.Docker
    requirements: [{host: runtime}]
    artifacts:
      image: {file: api, type: tosca.artifacts.Deployment.Image.Container.Docker}
  runtime:
    type: tosca.nodes.Container.Runtime.Docker
    capabilities: {host: {properties: {num_cpus: 2, mem_size: 2 GB}}}
"""


@pytest.fixture
def web(topology: Text, validate: Validate) -> dict[str, Any]:
    """A validated container of a type that its template defines."""
    return validate(topology(WEB, TYPE)).document


@pytest.fixture
def api(topology: Text, validate: Validate) -> dict[str, Any]:
    """Another one, on a runtime of the same name."""
    return validate(topology(API)).document


def sent(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the IM gets, which the TOSCA parser accepts."""
    text = merge.for_provider(document, {}, tags={}, metadata={})
    assert parser.faults(limits.load(text, limits.Limits())) == []
    loaded: dict[str, Any] = limits.load(text, limits.Limits())
    return loaded


def said(document: Mapping[str, Any], node: str, capability: str) -> dict[str, Any]:
    found = document["topology_template"]["node_templates"][node]["capabilities"]
    properties: dict[str, Any] = found[capability]["properties"]
    return properties


class TestOfAContainer:
    @pytest.mark.parametrize("count", [0, 1])
    def test_the_application_says_how_many_there_are_to_be(
        self, web: dict[str, Any], count: int
    ) -> None:
        said(web, "runtime", "scalable")["default_instances"] = count
        assert said(sent(web), "web", "scalable") == {"count": count}

    def test_whole_cpus_are_a_float_as_the_im_wants_it(self, web: dict[str, Any]) -> None:
        cpus = said(sent(web), "runtime", "host")["num_cpus"]
        assert (type(cpus), cpus) == (float, 1.0)

    def test_whole_cpus_of_an_input_are_a_float_too(
        self, topology: Text, validate: Validate
    ) -> None:
        inputs = "inputs:\n  cpus: {type: integer, default: 2}\n"
        text = inputs + WEB.strip().replace("num_cpus: 1", "num_cpus: {get_input: cpus}")
        cpus = said(sent(validate(topology(text, TYPE)).document), "runtime", "host")["num_cpus"]
        assert (type(cpus), cpus) == (float, 2.0)

    def test_one_without_ports_exposes_one_where_nobody_listens(self, web: dict[str, Any]) -> None:
        assert said(sent(web), "runtime", "host")["expose_ports"] == [{"target": 65535}]

    @pytest.mark.parametrize("ports", ["publish_ports", "expose_ports"])
    def test_one_with_ports_has_no_other(
        self, topology: Text, validate: Validate, ports: str
    ) -> None:
        text = WEB.replace("num_cpus: 1,", f"num_cpus: 1, {ports}: [{{target: 80}}],")
        host = said(sent(validate(topology(text, TYPE)).document), "runtime", "host")
        assert [one["target"] for one in host[ports]] == [80]
        assert {"publish_ports", "expose_ports"} & host.keys() == {ports}

    def test_the_validated_document_stays_as_it_is(self, web: dict[str, Any]) -> None:
        before = str(web)
        sent(web)
        assert str(web) == before


class TestOfAnUpdate:
    def test_a_container_that_is_gone_stands_as_it_was_and_there_is_none_of_it(
        self, web: dict[str, Any], api: dict[str, Any]
    ) -> None:
        document = sent(merge.with_empty(api, {"web": "my.Web"}, [api, web]))
        nodes = document["topology_template"]["node_templates"]
        assert set(nodes) == {"web", "api", "runtime", "pages"}
        assert nodes["web"]["artifacts"]["image"]["file"] == "nginx"
        assert said(document, "web", "scalable") == {"count": 0}
        assert said(document, "api", "scalable") == {"count": 1}

    def test_its_type_is_told_where_only_the_old_template_has_it(
        self, web: dict[str, Any], api: dict[str, Any]
    ) -> None:
        document = sent(merge.with_empty(api, {"web": "my.Web"}, [web]))
        assert "my.Web" in document["node_types"]

    def test_what_the_new_template_says_of_a_runtime_counts(
        self, web: dict[str, Any], api: dict[str, Any]
    ) -> None:
        document = sent(merge.with_empty(api, {"web": "my.Web"}, [web]))
        assert said(document, "runtime", "host")["num_cpus"] == 2.0

    def test_a_node_that_no_template_has_any_more_is_told_as_a_machine(
        self, api: dict[str, Any]
    ) -> None:
        document = merge.with_empty(api, {"web": "my.Web"}, [])
        web = document["topology_template"]["node_templates"]["web"]
        assert web["type"] == "tosca.nodes.indigo.Compute"
