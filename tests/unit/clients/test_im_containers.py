"""Containers as the IM shows them, and how they are changed in place."""

from dataclasses import replace
from typing import Any

import pytest

from paas_stream.clients import im_containers
from paas_stream.clients.cluster_access import Workload
from paas_stream.clients.im import ImRefusedError
from paas_stream.clients.im_containers import Container
from paas_stream.lifecycle.machine_info import machine, node_of
from paas_stream.tosca.containers import Made

NODES = frozenset({"web", "web_server", "api"})
RADL: list[dict[str, Any]] = [
    {"class": "network", "id": "web-1a2b3c4d_pub"},
    {
        "class": "system",
        "id": "web-1a2b3c4d",
        "state": "configured",
        "instance_id": "physics/web-1a2b3c4d",
        "disk.0.image.url": "docker://registry.example.org/web:1",
        "cpu.count": 0.5,
        "memory.size": 268435456,
    },
]
ONE = Container(
    machine="0",
    node="web",
    state="configured",
    namespace="physics",
    name="web-1a2b3c4d",
    system="web-1a2b3c4d",
    image="registry.example.org/web:1",
    cpus=0.5,
    memory_bytes=268435456,
)
WANTED = Made(
    image="registry.example.org/web:1",
    cpus=0.5,
    memory_bytes=268435456,
    volumes=0,
    files=0,
    has_ports=False,
    has_name=False,
    count=1,
)


class TestTheNode:
    @pytest.mark.parametrize(
        ("name", "node"),
        [
            ("web", "web"),
            ("web-1a2b3c4d", "web"),
            ("web-server-1a2b3c4d", "web_server"),
            ("other-1a2b3c4d", "other-1a2b3c4d"),  # of no node that is known
            ("web-1a2b3c4", "web-1a2b3c4"),  # too short
            ("web-1a2b3c4z", "web-1a2b3c4z"),  # no identifier
            ("", ""),
        ],
    )
    def test_is_what_the_im_has_made_the_name_of(self, name: str, node: str) -> None:
        assert node_of(name, NODES) == node

    def test_may_itself_end_as_a_container_does(self) -> None:
        assert node_of("web-1a2b3c4d", {"web", "web-1a2b3c4d"}) == "web-1a2b3c4d"

    def test_is_what_users_see(self) -> None:
        assert machine("0", RADL, NODES).node == "web"
        assert machine("0", RADL).node == "web-1a2b3c4d"


class TestAContainer:
    def test_is_read_from_what_the_im_tells(self) -> None:
        assert im_containers.of("0", RADL, NODES) == ONE

    def test_is_not_in_the_cluster_without_an_identifier_there(self) -> None:
        system = {name: value for name, value in RADL[1].items() if name != "instance_id"}
        found = im_containers.of("0", [system], NODES)
        assert (found.namespace, found.name) == (None, None)

    def test_of_which_nothing_is_told_is_one_all_the_same(self) -> None:
        found = im_containers.of("7", [], NODES)
        assert (found.machine, found.node, found.state, found.image) == ("7", "", "unknown", "")


class TestADeployment:
    def test_has_what_the_im_was_to_make(self) -> None:
        made = replace(WANTED, volumes=2, files=1, has_ports=True)
        wanted = Workload("physics", "web-1a2b3c4d", claims=2, files=1, has_service=True)
        assert im_containers.workload(ONE, made) == wanted
        named = im_containers.workload(ONE, replace(WANTED, has_name=True))
        assert named == Workload("physics", "web-1a2b3c4d", has_ingress=True)

    def test_of_a_node_that_is_not_known_is_itself_all_that_is_looked_for(self) -> None:
        assert im_containers.workload(ONE) == Workload("physics", "web-1a2b3c4d")

    @pytest.mark.parametrize("unknown", ["namespace", "name"])
    def test_is_none_where_the_cluster_has_nothing_of_the_container(self, unknown: str) -> None:
        assert im_containers.workload(replace(ONE, **{unknown: None}), WANTED) is None


class TestAChange:
    def test_is_none_where_all_is_as_wanted(self) -> None:
        assert im_containers.change(ONE, WANTED) is None

    @pytest.mark.parametrize("given", ["docker://", ""])
    def test_is_none_however_the_image_is_named(self, given: str) -> None:
        made = replace(WANTED, image=f"{given}{WANTED.image}")
        assert im_containers.change(ONE, made) is None

    @pytest.mark.parametrize(
        ("wanted", "says"),
        [
            ({"cpus": 1.0}, "cpu.count = 1 "),
            ({"memory_bytes": 10**9}, "memory.size = 1000000000B "),
            ({"image": "web:2"}, "disk.0.image.url = 'docker://web:2' "),
            ({"image": f"web@sha256:{'0' * 64}"}, "docker://web@sha256:000"),
            ({"image": "registry:5000/a_b/web:2"}, "docker://registry:5000/a_b/web:2'"),
        ],
    )
    def test_tells_all_of_the_three_in_one_line(self, wanted: dict[str, Any], says: str) -> None:
        text = im_containers.change(ONE, replace(WANTED, **wanted)) or ""
        assert says in text
        assert text.startswith("system web-1a2b3c4d (")
        for part in ("cpu.count = ", "memory.size = ", "disk.0.image.url = '", " )"):
            assert part in text
        assert "\n" not in text

    def test_keeps_an_image_that_is_known_at_run_time_only(self) -> None:
        text = im_containers.change(ONE, replace(WANTED, image=None, cpus=2.0)) or ""
        assert f"'docker://{ONE.image}'" in text
        assert im_containers.change(ONE, replace(WANTED, image=None)) is None

    @pytest.mark.parametrize(
        "image",
        [
            "web' )\nsystem other ( cpu.count = 64",
            "web'",
            "web )",
            "web\n",
            "wéb",
            "-web",
            "",
            "docker://docker://web'",
        ],
    )
    def test_is_refused_for_an_image_that_no_registry_can_have(self, image: str) -> None:
        with pytest.raises(ImRefusedError, match="is no name of an image"):
            im_containers.change(ONE, replace(WANTED, image=image))
