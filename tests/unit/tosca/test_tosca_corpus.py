"""Real templates of the field, where they are at hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from paas_stream.tosca.validated import Validated

CORPUS = Path(__file__).parents[4] / "shared" / "data" / "tosca"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the templates are not at hand")

Faults = Callable[..., list[str]]
TYPES = {"grycap": "grycap_main", "indigo": "indigo_master", "orchestrator": "indigo_master"}


def with_types(path: str) -> str:
    """A template with the type definitions that it imports merged in."""
    template = yaml.safe_load((CORPUS / path).read_text("utf-8"))
    template.pop("imports", None)
    source = CORPUS / "types" / f"{TYPES[path.split('/')[0]]}.yaml"
    for section, definitions in yaml.safe_load(source.read_text("utf-8")).items():
        if section.endswith("_types"):
            template[section] = definitions | (template.get(section) or {})
    return yaml.safe_dump(template)


@pytest.mark.parametrize(
    "path",
    [
        "grycap/simple-node-disk.yml",
        "grycap/slurm_cluster.yml",
        "indigo/slurm_cluster.yaml",
        "indigo/node_with_image.yaml",
        "indigo/kubernetes_cluster.yaml",
        "orchestrator/tosca_inputs_default_replaced.yaml",
    ],
)
def test_what_the_tosca_parser_accepts_is_accepted(
    path: str, validate: Callable[..., Validated]
) -> None:
    made = validate(with_types(path))
    assert made.requirements
    assert all(node.memory_mib for node in made.requirements)


@pytest.mark.parametrize("path", ["grycap/simple-node-disk.yml", "indigo/node_with_image.yaml"])
def test_our_own_types_serve_for_single_machines(
    path: str, validate: Callable[..., Validated]
) -> None:
    template = yaml.safe_load((CORPUS / path).read_text("utf-8"))
    del template["imports"]
    (node,) = validate(yaml.safe_dump(template)).requirements
    assert node.public_address


def test_imports_are_refused_by_name(faults: Faults) -> None:
    (fault,) = faults((CORPUS / "grycap" / "k8s_app.yaml").read_text("utf-8"))
    assert "https://raw.githubusercontent.com/grycap/tosca/main/custom_types.yaml" in fault


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (
            "indigo/simple-node.yml",
            'simple_node.properties: contains unknown field "zabbix_server"',
        ),
        ("orchestrator/galaxy_tosca_clues_error.yaml", "tosca.nodes.indigo.Comput"),
        ("orchestrator/tosca_inputs_required_not_given.yaml", "inputs.cpus: a value is needed"),
        ("orchestrator/compute_tosca.yaml", "inputs.cpus: a value is needed"),
    ],
)
def test_real_faults_are_found(faults: Faults, path: str, fault: str) -> None:
    assert any(fault in found for found in faults(with_types(path)))
