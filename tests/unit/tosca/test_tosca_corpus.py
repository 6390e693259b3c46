"""Real templates of the field, where they are at hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import template, vetted
from paas_stream.tosca.options import Options
from paas_stream.tosca.validated import Totals, Validated

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "tosca"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the templates are not at hand")

GRYCAP = "https://raw.githubusercontent.com/grycap/tosca/main/custom_types.yaml"
INDIGO = "https://raw.githubusercontent.com/indigo-dc/tosca-types/master/custom_types.yaml"

Check = Callable[..., Validated]


@pytest.fixture(params=["our types", "added types"], scope="module")
def check(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Check:
    """`check(path, **inputs)`: the template validated with our types, or with those it imports."""
    directory = tmp_path_factory.mktemp("types")
    if request.param == "added types":
        for url, name in ((GRYCAP, "grycap_main"), (INDIGO, "indigo_master")):
            vetted.add(directory, url, (CORPUS / "types" / f"{name}.yaml").read_bytes())

    def call(path: str, /, **inputs: object) -> Validated:
        return template.validate(
            (CORPUS / path).read_text("utf-8"), inputs, Options(types=directory)
        )

    return call


@pytest.mark.parametrize(
    ("path", "totals"),
    [
        (
            "grycap/simple-node-disk.yml",
            Totals(machines=1, cpus=2, memory_mib=3815, disk_gib=20, public_addresses=1),
        ),
        (
            "grycap/slurm_cluster.yml",
            Totals(machines=2, cpus=2, memory_mib=2048, public_addresses=1),
        ),
        (
            "grycap/kubernetes.yaml",
            Totals(
                machines=2,
                cpus=4,
                memory_mib=7630,
                disk_gib=20,
                volumes=1,
                volumes_gib=10,
                public_addresses=1,
            ),
        ),
        (
            "grycap/k8s_app.yaml",
            Totals(
                containers=1,
                cpus=1,
                memory_mib=489,
                volumes=1,
                volumes_gib=10,
                public_addresses=1,
            ),
        ),
        (
            "indigo/slurm_cluster.yaml",
            Totals(machines=2, cpus=2, memory_mib=1908, public_addresses=1),
        ),
        (
            "indigo/node_with_image.yaml",
            Totals(machines=1, cpus=1, memory_mib=954, public_addresses=1),
        ),
        (
            "indigo/kubernetes_cluster.yaml",
            Totals(machines=2, cpus=3, memory_mib=3816, public_addresses=1),
        ),
        (
            "orchestrator/tosca_inputs_default_replaced.yaml",
            Totals(machines=1, cpus=8, memory_mib=1954, disk_gib=10),
        ),
    ],
)
def test_good_templates_pass_with_what_they_need(check: Check, path: str, totals: Totals) -> None:
    made = check(path)
    assert made.totals == totals
    assert made.warnings == ()
    assert made.is_automatic
    assert "imports" not in made.document


def test_a_template_that_needs_its_inputs_passes_with_them(check: Check) -> None:
    assert check("orchestrator/compute_tosca.yaml", cpus="4").totals.cpus == 4
    with pytest.raises(InvalidTemplateError) as refused:
        check("orchestrator/compute_tosca.yaml", cpus=3)
    assert refused.value.faults == [
        "line 5: inputs.cpus: 3 is not accepted, valid_values [1, 2, 4, 8] is asked"
    ]


@pytest.mark.parametrize(
    ("path", "faults"),
    [
        (
            "indigo/simple-node.yml",
            [
                "line 65: topology_template.node_templates.simple_node.properties: "
                'contains unknown field "zabbix_server".',
                "line 66: topology_template.node_templates.simple_node.properties: "
                'contains unknown field "zabbix_server_metadata".',
            ],
        ),
        (
            "orchestrator/galaxy_tosca_clues_error.yaml",
            [
                "line 55: topology_template.node_templates.torque_wn: "
                'Type "tosca.nodes.indigo.Comput" is not a valid type.',
                "line 22: topology_template.node_templates.torque_front_end: "
                'Attribute "private_address" was not found in node template "torque_wn".',
                "line 14: topology_template.node_templates.elastic_cluster_front_end: "
                'the requirement "host" is there too seldom or too often',
            ],
        ),
        (
            "grycap/docker.yaml",
            [
                "line 56: topology_template.node_templates.docker: "
                'Node template "simple_node" was not found in "docker".'
            ],
        ),
        (
            "orchestrator/tosca_inputs_required_not_given.yaml",
            ["line 9: inputs.cpus: a value is needed (integer) and none is given"],
        ),
        (
            "orchestrator/compute_tosca.yaml",
            ["line 5: inputs.cpus: a value is needed (integer) and none is given"],
        ),
    ],
)
def test_bad_templates_are_refused_with_every_reason_and_its_line(
    check: Check, path: str, faults: list[str]
) -> None:
    with pytest.raises(InvalidTemplateError) as refused:
        check(path)
    assert refused.value.faults == faults


def test_a_template_alone_passes_in_the_template_that_it_belongs_to(check: Check) -> None:
    parent = yaml.safe_load((CORPUS / "grycap/simple-node-disk.yml").read_text("utf-8"))
    child = yaml.safe_load((CORPUS / "grycap/docker.yaml").read_text("utf-8"))
    for section in ("inputs", "node_templates"):
        parent["topology_template"][section] |= child["topology_template"][section]
    assert template.validate(yaml.safe_dump(parent), {}).totals.machines == 1
