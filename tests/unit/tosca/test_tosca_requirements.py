"""What the provider selector is told about each compute node."""

from collections.abc import Callable
from typing import Any

import pytest

from paas_stream.records import NodeRequirement
from paas_stream.tosca.validated import Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]


@pytest.fixture
def requirement(one_node: Text, validate: Validate) -> Callable[..., NodeRequirement]:
    """The requirement of a template's only compute node."""

    def call(body: str = "", **kwargs: Any) -> NodeRequirement:
        (found,) = validate(one_node(body, **kwargs)).requirements
        return found

    return call


Requirement = Callable[..., NodeRequirement]


def host(properties: str) -> str:
    return f"capabilities: {{host: {{properties: {{{properties}}}}}}}"


class TestAmounts:
    def test_a_bare_node_needs_one_instance_of_anything(self, requirement: Requirement) -> None:
        assert requirement(kind="tosca.nodes.Compute") == NodeRequirement(name="node")

    def test_everything_that_can_be_asked_is_read(self, requirement: Requirement) -> None:
        body = """
            capabilities:
              host:
                properties:
                  num_cpus: 4
                  mem_size: 8 GiB
                  disk_size: 20 GiB
                  num_gpus: 1
                  gpu_vendor: NVIDIA
                  gpu_model: A100
                  instance_type: large
                  infiniband_support: true
              os:
                properties:
                  type: linux
                  architecture: x86_64
                  distribution: ubuntu
                  version: 24.04
                  image: ubuntu-24.04
                  gpu_driver: true
                  cuda_support: true
                  cuda_min_version: 12.2
              scalable:
                properties:
                  count: 3
        """
        assert requirement(body) == NodeRequirement(
            name="node",
            count=3,
            cpus=4,
            memory_mib=8192,
            disk_gib=20,
            gpus=1,
            gpu_vendor="NVIDIA",
            gpu_model="A100",
            instance_type="large",
            infiniband=True,
            os_type="linux",
            os_architecture="x86_64",
            os_distribution="ubuntu",
            os_version="24.04",
            image="ubuntu-24.04",
            gpu_driver=True,
            cuda_support=True,
            cuda_version="12.2",
        )

    @pytest.mark.parametrize(
        ("size", "mib"),
        [
            ("1 GiB", 1024),
            ("1 GB", 954),
            ("512 MB", 489),
            ("1 TB", 953_675),
            ("1 B", 1),
            ("0 B", 0),
        ],
    )
    def test_memory_is_rounded_up_to_mib(
        self, requirement: Requirement, size: str, mib: int
    ) -> None:
        assert requirement(host(f"mem_size: {size}")).memory_mib == mib

    def test_disk_is_rounded_up_to_gib(self, requirement: Requirement) -> None:
        assert requirement(host("disk_size: 10 GB")).disk_gib == 10
        assert requirement(host("disk_size: 1025 MiB")).disk_gib == 2

    def test_empty_text_asks_for_nothing(self, requirement: Requirement) -> None:
        found = requirement(host("num_gpus: 0, gpu_vendor: '', instance_type: ''"))
        assert (found.gpus, found.gpu_vendor, found.instance_type) == (0, None, None)

    def test_amounts_may_come_from_inputs(self, requirement: Requirement) -> None:
        inputs = "n: {type: integer, default: 4}"
        body = "capabilities: {scalable: {properties: {count: {get_input: n}}}}"
        assert requirement(body, inputs=inputs).count == 4

    def test_what_is_known_at_run_time_is_a_warning(
        self, one_node: Text, validate: Validate
    ) -> None:
        body = host("mem_size: {concat: [{get_attribute: [SELF, tosca_id]}, ' GB']}")
        made = validate(one_node(body))
        assert made.requirements[0].memory_mib == 0
        assert made.warnings == (
            "topology_template.node_templates.node.capabilities.host.properties.mem_size: "
            "known only at run time, providers are chosen without it",
        )


class TestCount:
    @pytest.mark.parametrize(
        ("properties", "count"),
        [
            ("count: 5, min_instances: 2", 5),
            ("min_instances: 1, max_instances: 9, default_instances: 4", 4),
            ("min_instances: 2, max_instances: 3", 2),
        ],
    )
    def test_the_first_of_count_default_and_minimum_counts(
        self, requirement: Requirement, properties: str, count: int
    ) -> None:
        body = f"capabilities: {{scalable: {{properties: {{{properties}}}}}}}"
        assert requirement(body).count == count

    def test_none_of_one_node_is_fine_none_of_all_is_refused(
        self, topology: Text, validate: Validate, faults: Callable[..., list[str]]
    ) -> None:
        none = (
            "{type: tosca.nodes.indigo.Compute, capabilities: {scalable: {properties: {count: 0}}}}"
        )
        made = validate(
            topology(f"node_templates: {{a: {none}, b: {{type: tosca.nodes.Compute}}}}")
        )
        assert [node.count for node in made.requirements] == [0, 1]
        assert faults(topology(f"node_templates: {{a: {none}}}")) == [
            "topology_template.node_templates: there is no machine or container to deploy"
        ]

    @pytest.mark.parametrize("count", [-1, 10_001, 10**12])
    def test_an_absurd_count_is_refused(
        self, one_node: Text, faults: Callable[..., list[str]], count: int
    ) -> None:
        body = f"capabilities: {{scalable: {{properties: {{count: {count}}}}}}}"
        (fault,) = faults(one_node(body))
        assert fault.startswith(
            "topology_template.node_templates.node.capabilities.scalable.properties.count: "
        )

    @pytest.mark.parametrize("amount", ["mem_size: 99999999999 TB", "num_gpus: 999999999"])
    def test_other_absurd_amounts_are_refused(
        self, one_node: Text, faults: Callable[..., list[str]], amount: str
    ) -> None:
        assert len(faults(one_node(host(amount)))) == 1


class TestVolumes:
    @pytest.fixture
    def volumes(self, topology: Text, validate: Validate) -> Callable[..., tuple[int, ...]]:
        def call(requirements: str, properties: str = "size: 10 GB") -> tuple[int, ...]:
            text = topology(f"""
                node_templates:
                  node:
                    type: tosca.nodes.indigo.Compute
                    requirements: {requirements}
                  disk:
                    type: tosca.nodes.BlockStorage
                    properties: {{{properties}}}
            """)
            return validate(text).requirements[0].volumes_gib

        return call

    @pytest.mark.parametrize(
        "requirements",
        [
            "[local_storage: disk]",
            "[local_storage: {node: disk}]",
            "[local_storage: {node: disk, relationship: tosca.relationships.AttachesTo}]",
            "[local_storage: {node: disk, relationship: {type: tosca.relationships.AttachesTo,"
            " properties: {location: /data}}}]",
            "[local_storage: {node: disk, relationship: {type: "
            "tosca.relationships.indigo.AttachesTo, properties: {location: /d, fs_type: xfs}}}]",
        ],
    )
    def test_every_spelling_of_an_attachment_counts(
        self, volumes: Callable[..., tuple[int, ...]], requirements: str
    ) -> None:
        assert volumes(requirements) == (10,)

    def test_sizes_are_rounded_up_to_gib(self, volumes: Callable[..., tuple[int, ...]]) -> None:
        assert volumes("[local_storage: disk]", "size: 1 TB") == (932,)
        assert volumes("[local_storage: disk]", "size: 1 MB") == (1,)

    def test_a_volume_of_size_0_is_none(self, volumes: Callable[..., tuple[int, ...]]) -> None:
        assert volumes("[local_storage: disk]", "size: 0 GB") == ()

    def test_an_existing_volume_is_no_new_one(
        self, volumes: Callable[..., tuple[int, ...]]
    ) -> None:
        assert volumes("[local_storage: disk]", "size: 5 GB, volume_id: v-1") == ()

    def test_a_volume_that_is_not_attached_does_not_count(
        self, volumes: Callable[..., tuple[int, ...]]
    ) -> None:
        assert volumes("[dependency: disk]") == ()


class TestPublicAddress:
    @pytest.mark.parametrize(
        ("network", "public"),
        [
            ("PUBLIC", True),
            ("PRIVATE", False),
            ("ext-net.PUBLIC", True),
            ("lan.PRIVATE", False),
            ('"lan,pool"', True),
            ("lan", False),
        ],
    )
    def test_the_endpoint_asks_for_it(
        self, requirement: Requirement, network: str, public: bool
    ) -> None:
        body = f"capabilities: {{endpoint: {{properties: {{network_name: {network}}}}}}}"
        assert requirement(body).public_address is public

    @pytest.mark.parametrize(
        "value",
        [
            "{get_attribute: [node, public_address, 0]}",
            '{concat: ["http://", {get_attribute: [node, public_address, 0]}]}',
        ],
    )
    def test_an_output_that_reads_it_asks_for_it(
        self, topology: Text, validate: Validate, value: str
    ) -> None:
        text = topology(f"""
            node_templates:
              node: {{type: tosca.nodes.indigo.Compute}}
              other: {{type: tosca.nodes.indigo.Compute}}
            outputs:
              address: {{value: {value}}}
        """)
        found = {r.name: r.public_address for r in validate(text).requirements}
        assert found == {"node": True, "other": False}

    @pytest.mark.parametrize(("kind", "public"), [("public", True), ("private", False)])
    def test_a_port_to_a_public_network_asks_for_it(
        self, topology: Text, validate: Validate, kind: str, public: bool
    ) -> None:
        text = topology(f"""
            node_templates:
              node: {{type: tosca.nodes.Compute}}
              net: {{type: tosca.nodes.network.Network, properties: {{network_type: {kind}}}}}
              port:
                type: tosca.nodes.network.Port
                requirements: [binding: node, link: net]
        """)
        assert validate(text).requirements[0].public_address is public


def test_every_type_derived_from_compute_is_a_compute_node(
    topology: Text, validate: Validate
) -> None:
    text = topology(
        "node_templates: {a: {type: my.Small}, b: {type: tosca.nodes.Compute}}",
        top="""
            node_types:
              my.Vm:
                derived_from: tosca.nodes.indigo.Compute
                capabilities: {host: {type: my.Host}}
              my.Small: {derived_from: my.Vm}
            capability_types:
              my.Host:
                derived_from: tosca.capabilities.indigo.Container
                properties: {num_cpus: {type: integer, default: 2}}
        """,
    )
    assert {r.name: r.cpus for r in validate(text).requirements} == {"a": 2, "b": 0}
