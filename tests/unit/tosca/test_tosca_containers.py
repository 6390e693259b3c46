"""Containers, networks of ports, policies, sums: what else a template needs."""

from collections.abc import Callable

import pytest

from paas_stream.tosca.validated import Totals, Validated

Text = Callable[..., str]
Validate = Callable[..., Validated]
Faults = Callable[..., list[str]]

WEB = """
web:
  type: tosca.nodes.Container.Application.Docker
  properties: {environment: {A: b}}
  requirements: [host: runtime]
  artifacts:
    image: {file: nginx:1.29, type: tosca.artifacts.Deployment.Image.Container.Docker}
runtime:
  type: tosca.nodes.Container.Runtime.Docker
  capabilities:
    host:
      properties:
        num_cpus: 1
        mem_size: 2 GiB
        num_gpus: 1
        publish_ports: [{target: 80, source: 8080}, {target: 53, protocol: udp}]
        volumes: ["data:/srv", "/tmp:/tmp"]
    scalable: {properties: {min_instances: 2, max_instances: 4}}
data: {type: tosca.nodes.BlockStorage, properties: {size: 5 GB}}
"""


def nodes(text: str, more: str = "") -> str:
    body = "\n".join(f"  {line}" for line in text.strip().splitlines())
    return f"node_templates:\n{body}\n{more}"


class TestContainers:
    def test_a_template_of_containers_alone_is_valid(
        self, topology: Text, validate: Validate
    ) -> None:
        (web,) = validate(topology(nodes(WEB))).requirements
        assert (web.name, web.kind, web.count) == ("web", "container", 2)
        assert (web.cpus, web.memory_mib, web.gpus) == (1.0, 2048, 1)
        assert web.image == "nginx:1.29"
        assert web.ports == ("8080:80/tcp", "53/udp")
        assert web.volumes_gib == (5,)
        assert web.public_address

    @pytest.mark.parametrize("catalogue", ["tosca.nodes.", "tosca.nodes.indigo."])
    def test_gpus_have_a_vendor_and_a_model_as_those_of_machines_do(
        self, topology: Text, validate: Validate, catalogue: str
    ) -> None:
        text = WEB.replace("num_gpus: 1", "num_gpus: 1\n        gpu_vendor: NVIDIA").replace(
            "num_gpus: 1", "num_gpus: 1\n        gpu_model: A100"
        )
        text = text.replace("tosca.nodes.Container", f"{catalogue}Container")
        text = text.replace("  properties: {environment: {A: b}}\n", "")
        (web,) = validate(topology(nodes(text))).requirements
        assert (web.gpus, web.gpu_vendor, web.gpu_model) == (1, "NVIDIA", "A100")

    def test_the_types_of_the_older_catalogue_are_containers_too(
        self, topology: Text, validate: Validate
    ) -> None:
        text = WEB.replace("tosca.nodes.Container", "tosca.nodes.indigo.Container")
        text = text.replace("  properties: {environment: {A: b}}\n", "")
        (web,) = validate(topology(nodes(text))).requirements
        assert (web.kind, web.cpus) == ("container", 1.0)

    def test_a_container_on_a_machine_of_the_template_is_that_machine_s_affair(
        self, topology: Text, validate: Validate
    ) -> None:
        text = WEB.replace(
            "  type: tosca.nodes.Container.Runtime.Docker\n",
            "  type: tosca.nodes.Container.Runtime.Docker\n  requirements: [host: vm]\n",
        )
        text += "vm: {type: tosca.nodes.indigo.Compute}\n"
        (vm,) = validate(topology(nodes(text))).requirements
        assert (vm.name, vm.kind) == ("vm", "compute")

    def test_machines_and_containers_stand_side_by_side(
        self, topology: Text, validate: Validate
    ) -> None:
        made = validate(topology(nodes(WEB + "vm: {type: tosca.nodes.indigo.Compute}\n")))
        assert [one.kind for one in made.requirements] == ["compute", "container"]

    def test_amounts_are_checked(self, topology: Text, faults: Faults) -> None:
        found = faults(
            topology(nodes(WEB.replace("2 GiB", "much").replace("num_gpus: 1", "num_gpus: -1")))
        )
        places = [fault.split(": ")[0].rpartition(".")[2] for fault in found]
        assert sorted(places) == ["mem_size", "num_gpus"]

    @pytest.mark.parametrize("given", ["2", "0.5"])
    def test_whole_and_broken_numbers_are_cpus(
        self, topology: Text, validate: Validate, given: str
    ) -> None:
        (web,) = validate(
            topology(nodes(WEB.replace("num_cpus: 1", f"num_cpus: {given}")))
        ).requirements
        assert web.cpus == float(given)

    def test_a_boolean_is_no_number(self, topology: Text, faults: Faults) -> None:
        (fault,) = faults(topology(nodes(WEB.replace("num_cpus: 1", "num_cpus: true"))))
        assert '"True" is not a float' in fault


class TestKubernetesObjects:
    CLUSTER = """
o: {type: tosca.nodes.indigo.KubernetesObject, properties: {spec: "SPEC"}, requirements: [host: fe]}
fe: {type: tosca.nodes.indigo.LRMS.FrontEnd.Kubernetes, requirements: [host: vm]}
vm: {type: tosca.nodes.indigo.Compute}
"""

    def test_they_are_told_by_kind_and_name(self, topology: Text, validate: Validate) -> None:
        spec = "kind: Deployment\\nmetadata: {name: web}\\n---\\nkind: Service\\n"
        made = validate(topology(nodes(self.CLUSTER.replace("SPEC", spec))))
        assert made.objects == ("Deployment/web", "Service")

    @pytest.mark.parametrize(
        ("spec", "says"),
        [("[a", "is not valid YAML"), ("text", "with its kind is needed"), ("{}", "is needed")],
    )
    def test_what_is_no_object_is_refused(
        self, topology: Text, faults: Faults, spec: str, says: str
    ) -> None:
        (fault,) = faults(topology(nodes(self.CLUSTER.replace("SPEC", spec))))
        assert fault.startswith("topology_template.node_templates.o.properties.spec: ")
        assert says in fault


class TestNetworksAndPorts:
    def test_the_kinds_of_networks_that_ports_bind_to(
        self, topology: Text, validate: Validate
    ) -> None:
        text = """
vm: {type: tosca.nodes.indigo.Compute}
out: {type: tosca.nodes.indigo.network.Network, properties: {network_type: public}}
lan: {type: tosca.nodes.network.Network, properties: {network_type: isolated}}
p1: {type: tosca.nodes.indigo.network.Port, requirements: [binding: vm, link: out]}
p2: {type: tosca.nodes.network.Port, requirements: [binding: vm, link: lan]}
"""
        (vm,) = validate(topology(nodes(text))).requirements
        assert vm.networks == ("public", "isolated")
        assert vm.public_address

    def test_ports_of_the_machine_and_of_the_software_on_it(
        self, topology: Text, validate: Validate
    ) -> None:
        text = """
vm:
  type: tosca.nodes.indigo.Compute
  capabilities:
    endpoint:
      properties:
        ports: {ssh: {source: 22}, many: {source_range: [2000, 2100], protocol: udp}}
fe:
  type: tosca.nodes.indigo.LRMS.FrontEnd.Kubernetes
  requirements: [host: vm]
  capabilities: {endpoint: {properties: {ports: {api: {source: 6443}, ssh: {source: 22}}}}}
chart:
  type: tosca.nodes.indigo.Helm.Chart
  properties: {name: c}
  requirements: [host: fe]
  capabilities: {endpoint: {properties: {ports: {http: {source: 80}}}}}
"""
        (vm,) = validate(topology(nodes(text))).requirements
        assert vm.ports == ("22/tcp", "2000-2100/udp", "6443/tcp", "80/tcp")


class TestPolicies:
    def test_agreements_are_named(self, topology: Text, validate: Validate) -> None:
        policies = """policies:
  - place: {type: tosca.policies.indigo.SlaPlacement, properties: {sla_id: s1}, targets: [vm]}
  - again: {type: tosca.policies.indigo.SlaPlacement, properties: {sla_id: s1}, targets: [vm]}
  - more:
      type: tosca.policies.indigo.CredentialsAwareSlaPlacement
      properties: {sla_id: s2, username: u, password: p}
      targets: [vm]
"""
        made = validate(topology(nodes("vm: {type: tosca.nodes.indigo.Compute}", policies)))
        assert made.sla_ids == ("s1", "s2")
        assert not made.is_automatic

    def test_an_agreement_without_its_id_is_refused(self, topology: Text, faults: Faults) -> None:
        policies = "policies: [p: {type: tosca.policies.indigo.SlaPlacement, targets: [vm]}]"
        found = faults(topology(nodes("vm: {type: tosca.nodes.indigo.Compute}", policies)))
        assert any("sla_id" in fault for fault in found)


def test_sums_count_every_instance(topology: Text, validate: Validate) -> None:
    text = """
a:
  type: tosca.nodes.indigo.Compute
  capabilities:
    scalable: {properties: {count: 3}}
    host: {properties: {num_cpus: 2, mem_size: 1 GiB, disk_size: 10 GiB, num_gpus: 1}}
    endpoint: {properties: {network_name: PUBLIC}}
  requirements: [local_storage: disk, local_storage: disk2]
b: {type: tosca.nodes.Compute, capabilities: {host: {properties: {mem_size: 1 TB}}}}
disk: {type: tosca.nodes.BlockStorage, properties: {size: 5 GiB}}
disk2: {type: tosca.nodes.BlockStorage, properties: {size: 1 GiB}}
"""
    assert validate(topology(nodes(text.replace(", local_storage: disk2", "")))).totals == Totals(
        machines=4,
        cpus=6,
        memory_mib=3 * 1024 + 953675,
        disk_gib=30,
        gpus=3,
        volumes=3,
        volumes_gib=15,
        public_addresses=3,
    )
