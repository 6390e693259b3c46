"""What the IM makes of a container, and what of it can be changed in place."""

from collections.abc import Callable
from typing import Any

import pytest

from paas_stream.tosca import containers
from paas_stream.tosca.validated import Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]
MakeOne = Callable[..., Validated]

WEB = """
node_templates:
  web:
    type: tosca.nodes.Container.Application.Docker
    properties: {environment: {MODE: production}}
    requirements: [{host: runtime}]
    artifacts:
      image: {file: "nginx:1.29", type: tosca.artifacts.Deployment.Image.Container.Docker}
      page:
        file: https://example.org/index.html
        type: tosca.artifacts.File
        deploy_path: /usr/share/nginx/html/index.html
  runtime:
    type: tosca.nodes.Container.Runtime.Docker
    capabilities:
      scalable: {properties: {min_instances: 0, max_instances: 1, default_instances: 1}}
      host:
        properties:
          num_cpus: 0.5
          mem_size: 256 MiB
          publish_ports: [{target: 80, source: 30080, endpoint: web}]
          volumes: ["pages:/pages"]
  pages: {type: tosca.nodes.BlockStorage, properties: {size: 1 GiB}}
"""
BARE = """
node_templates:
  web:
    type: tosca.nodes.Container.Application.Docker
    requirements: [{host: runtime}]
    artifacts:
      image: {file: nginx, type: tosca.artifacts.Deployment.Image.Container.Docker}
  runtime: {type: tosca.nodes.Container.Runtime.Docker}
"""


@pytest.fixture
def web(topology: Text, validate: Validate) -> MakeOne:
    """`web(old, new)`: the validated template, with `new` in the place of each `old`."""

    def call(*changes: tuple[str, str], text: str = WEB) -> Validated:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return validate(topology(text))

    return call


def made(validated: Validated) -> containers.Made:
    return containers.made(validated.document)["web"]


class TestWhatIsMade:
    def test_is_what_the_template_says(self, web: MakeOne) -> None:
        assert made(web()) == containers.Made(
            image="nginx:1.29",
            cpus=0.5,
            memory_bytes=256 * 1024**2,
            volumes=1,
            files=1,
            has_ports=True,
            has_name=True,
            count=1,
        )

    def test_has_a_cpu_and_512_mb_where_the_template_says_nothing(self, web: MakeOne) -> None:
        validated = web(text=BARE)
        one = made(validated)
        assert (one.cpus, one.memory_bytes) == (1.0, 512 * 10**6)
        (required,) = validated.requirements
        assert (required.cpus, required.memory_mib) == (1.0, 489)

    def test_has_nothing_else_then(self, web: MakeOne) -> None:
        one = made(web(text=BARE))
        assert (one.volumes, one.files, one.has_ports, one.has_name, one.count) == (
            *(0, 0, False, False),
            1,
        )

    @pytest.mark.parametrize(
        ("given", "count"),
        [
            ({}, 1),
            ({"default_instances": 0}, 0),
            ({"min_instances": 0}, 0),
            ({"min_instances": 0, "default_instances": 1}, 1),
            ({"count": 0, "default_instances": 1}, 0),
        ],
    )
    def test_is_as_many_as_the_runtime_says(
        self, web: MakeOne, given: dict[str, int], count: int
    ) -> None:
        validated = web()
        said = validated.document["topology_template"]["node_templates"]["runtime"]
        said["capabilities"]["scalable"]["properties"] = given
        assert made(validated).count == count

    @pytest.mark.parametrize("volume", ["/tmp:/tmp", "another:/srv"])
    def test_has_no_volume_that_is_no_storage_of_the_template(
        self, web: MakeOne, volume: str
    ) -> None:
        listed = f'["pages:/pages", "{volume}"]'
        assert made(web(('["pages:/pages"]', listed))).volumes == 1

    def test_exposes_ports_or_publishes_them(self, web: MakeOne) -> None:
        inside = ("publish_ports: [{target: 80, source: 30080, endpoint: web}]",)
        one = made(web((*inside, "expose_ports: [{target: 80}]")))
        assert (one.has_ports, one.has_name) == (True, False)

    def test_has_an_image_that_is_not_known_when_a_repository_comes_before_it(
        self, topology: Text, validate: Validate
    ) -> None:
        text = WEB.replace('{file: "nginx:1.29",', '{file: "nginx:1.29", repository: hub,')
        top = "repositories: {hub: {url: https://hub.example.org/}}\n"
        assert made(validate(topology(text, top))).image is None


class TestWhatIsFixed:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("nginx:1.29", "nginx:1.30"),
            ("num_cpus: 0.5", "num_cpus: 2"),
            ("256 MiB", "1 GB"),
        ],
    )
    def test_is_the_same_with_another_image_cpus_and_memory(
        self, web: MakeOne, old: str, new: str
    ) -> None:
        assert fixed(web((old, new))) == fixed(web())

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("production", "testing"),
            ("30080", "30081"),
            ("target: 80", "target: 81"),
            ("1 GiB", "2 GiB"),
            ("pages:/pages", "pages:/srv"),
            ("endpoint: web", "endpoint: site"),
            ("index.html\n        type", "other.html\n        type"),
        ],
    )
    def test_is_another_one_with_anything_else(self, web: MakeOne, old: str, new: str) -> None:
        assert fixed(web((old, new))) != fixed(web())

    def test_is_told_of_each_node_and_whether_it_stores_anything(self, web: MakeOne) -> None:
        validated = web()
        (node, runtime, storage) = validated.nodes
        assert (node.fixed, node.has_volumes) == (fixed(validated), True)
        for other in (runtime, storage):
            assert (other.fixed, other.has_volumes) == ("", False)


def fixed(validated: Validated) -> str:
    return dict(containers.fixed(validated.document))["web"]


def test_the_parts_of_a_container_are_its_node_runtime_and_volumes(web: MakeOne) -> None:
    document: dict[str, Any] = web().document
    assert set(containers.with_parts(document, "web")) == {"web", "runtime", "pages"}
    assert set(containers.with_parts(web(text=BARE).document, "web")) == {"web", "runtime"}
