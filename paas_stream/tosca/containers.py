"""Containers of a template that a provider's container platform is to run, and Kubernetes objects.

An application names its runtime as its host; the runtime says how much it needs. A runtime that is
hosted on a machine of the template is that machine's affair, not the provider's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import limits as limits_
from paas_stream.tosca import resolve, types

APPLICATION = "tosca.nodes.Container.Application"
RUNTIMES = ("tosca.nodes.Container.Runtime", "tosca.nodes.indigo.Container.Runtime.Docker")
KUBERNETES_OBJECT = "tosca.nodes.indigo.KubernetesObject"
IMAGE = "tosca.artifacts.Deployment.Image"


@dataclass(frozen=True)
class Container:
    """An application in a container."""

    name: str  # of its node
    node: types.Document
    runtime_name: str  # "" when it names none
    runtime: types.Document


def of(document: types.Document) -> Iterator[Container]:
    """The containers that a provider is to run."""
    runtimes = {
        name: node for kind in RUNTIMES for name, node in types.nodes_of(document, kind).items()
    }
    for name, node in types.nodes_of(document, APPLICATION).items():
        host = _host(node)
        if host not in runtimes:
            yield Container(name, node, "", {})
        elif _host(runtimes[host]) is None:
            yield Container(name, node, host, runtimes[host])


def image(document: Mapping[str, Any], node: Mapping[str, Any]) -> Any:
    """The image of an application: its property, or its artifact of an image type."""
    given = (node.get("properties") or {}).get("image")
    if given:
        return given
    for name, artifact in (node.get("artifacts") or {}).items():
        if isinstance(artifact, str) and name == "image":
            return artifact
        if isinstance(artifact, dict) and artifact.get("file"):
            kind = str(artifact.get("type") or "")
            if name == "image" or kind.startswith(IMAGE):
                return artifact["file"]
            if types.derives(document, "artifact_types", kind, IMAGE):
                return artifact["file"]
    return None


def volumes(document: types.Document, wanted: Any) -> Iterator[str]:
    """The storage nodes that a runtime's volumes name: "node:/path"."""
    storage = types.nodes_of(document, types.BLOCK_STORAGE)
    for volume in wanted if isinstance(wanted, list) else []:
        name = str(volume).partition(":")[0]
        if name in storage:
            yield name


def objects(document: types.Document, limits: limits_.Limits) -> tuple[list[str], list[str]]:
    """The objects that Kubernetes nodes specify, as "Kind/name", and what is wrong with them."""
    found, faults = [], []
    for name, node in types.nodes_of(document, KUBERNETES_OBJECT).items():
        spec = (node.get("properties") or {}).get("spec")
        if not isinstance(spec, str):
            continue  # known at run time only, or the TOSCA parser has told
        path = f"topology_template.node_templates.{name}.properties.spec"
        try:
            found += [_object(one) for one in limits_.load_all(spec, limits, "the text")]
        except InvalidTemplateError as exc:
            faults.append(f"{path}: {exc.details[0].message}")
        except ValueError as exc:
            faults.append(f"{path}: {exc}")
    return found, faults


def _object(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise ValueError("the map of a Kubernetes object with its kind is needed")
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{kind}/{name}" if isinstance(name, str) else kind


def _host(node: Mapping[str, Any]) -> Any:
    for requirement in node.get("requirements") or []:
        if "host" in requirement:
            return resolve.target(requirement)
    return None
