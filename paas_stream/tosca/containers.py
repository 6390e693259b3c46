"""Containers of a template that a provider's container platform is to run, and Kubernetes objects.

An application names its runtime as its host; the runtime says how much it needs. A runtime that is
hosted on a machine of the template is that machine's affair, not the provider's.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import limits as limits_
from paas_stream.tosca import resolve, types, values

APPLICATION = "tosca.nodes.Container.Application"
RUNTIMES = ("tosca.nodes.Container.Runtime", "tosca.nodes.indigo.Container.Runtime.Docker")
KUBERNETES_OBJECT = "tosca.nodes.indigo.KubernetesObject"
IMAGE = "tosca.artifacts.Deployment.Image"
_IN_PLACE = frozenset({"image", "num_cpus", "mem_size"})
COUNTS = ("count", "default_instances", "min_instances")  # the IM takes the first that is given


# What the IM asks for where a runtime says nothing (measured on IM 2.0.0)
DEFAULT_CPUS = 1.0
DEFAULT_MEMORY = "512 MB"


@dataclass(frozen=True)
class Made:
    """What the IM makes of a container, as far as it can be looked at or changed there."""

    image: str | None  # None: known at run time only
    cpus: float
    memory_bytes: int
    volumes: int  # that are mounted
    has_ports: bool
    count: int  # instances: the IM makes one, or none


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


def made(document: types.Document) -> dict[str, Made]:
    """What the IM makes of each container of a validated document, by node."""
    return {one.name: _made(document, one) for one in of(document)}


def _made(document: types.Document, one: Container) -> Made:
    def said(name: str, capability: str = "host") -> Any:
        value = types.capability_property(document, one.runtime, capability, name)
        return None if isinstance(value, dict) else value

    counts = (said(name, "scalable") for name in COUNTS)
    found = image(document, one.node)
    memory = said("mem_size")
    return Made(
        image=found if isinstance(found, str) else None,
        cpus=float(said("num_cpus") or DEFAULT_CPUS),
        memory_bytes=int(values.size(DEFAULT_MEMORY if memory is None else memory, "B")),
        volumes=len(said("volumes") or ()),
        has_ports=has_ports(document, one),
        count=next((int(count) for count in counts if count is not None), 1),
    )


def fixed(document: types.Document) -> Iterator[tuple[str, str]]:
    """Of each container a digest of what the IM cannot change in place: all but image, CPUs, memory."""
    for one in of(document):
        host = ((one.runtime.get("capabilities") or {}).get("host") or {}).get("properties") or {}
        parts = {
            "properties": {k: v for k, v in (one.node.get("properties") or {}).items() if v},
            "host": {k: v for k, v in host.items() if v and k not in _IN_PLACE},
            "files": [
                artifact
                for artifact in (one.node.get("artifacts") or {}).values()
                if isinstance(artifact, dict) and artifact.get("deploy_path")
            ],
            "volumes": [
                types.nodes_of(document, types.BLOCK_STORAGE)[name].get("properties")
                for name in volumes(document, host.get("volumes"))
            ],
        }
        text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)
        yield one.name, hashlib.blake2b(text, digest_size=8).hexdigest()


def has_ports(document: types.Document, one: Container) -> bool:
    """Whether its runtime publishes or exposes a port."""
    names = ("publish_ports", "expose_ports")
    return any(types.capability_property(document, one.runtime, "host", name) for name in names)


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


def with_parts(document: types.Document, name: str) -> types.Document:
    """A container's node, with its runtime and its volumes, by name."""
    templates = document["topology_template"]["node_templates"]
    (one,) = (one for one in of(document) if one.name == name)
    mounted = types.capability_property(document, one.runtime, "host", "volumes")
    parts = [name, one.runtime_name, *volumes(document, mounted)]
    return {part: templates[part] for part in parts if part in templates}


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
