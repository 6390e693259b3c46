"""Containers: what a Kubernetes cluster must offer besides quotas.

Pods have no flavors, and any image that a registry has will do. A volume needs a storage class, and
GPUs must be of a kind that the namespace's quota speaks of.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from paas_stream.records import NodeRequirement
from paas_stream.selection.quotas import maker_of
from paas_stream.selection.reasons import Code, Reason, some
from paas_stream.selection.rows import ProviderRow

# A Service's name: 63 characters, of which the IM adds nine, and as many for a volume's number.
_NAME = re.compile(r"[a-z]([a-z0-9_-]{0,48}[a-z0-9])?")


def reasons(node: NodeRequirement, row: ProviderRow) -> Iterator[Reason]:
    """Why this container cannot run in this namespace, quotas aside."""
    who = f"node {node.name!r}"
    if node.count > 1:
        text = f"{who}: {node.count} containers are asked for, 1 can be made of a node"
        yield Reason(Code.CONTAINER_COUNT, lambda: text)
    if not _NAME.fullmatch(node.name):
        wanted = "at most 50 small letters, digits, '-' and '_', a letter first"
        yield Reason(Code.CONTAINER_NAME, lambda: f"{who}: a cluster cannot name it so ({wanted})")
    if node.volumes_gib and row.storage_class is None and row.knows("storage_classes"):
        names = [one.name for one in row.feeder.storage_classes]
        yield Reason(
            Code.STORAGE_CLASS,
            lambda: (
                f"{who}: a volume is needed, no storage class is the default "
                f"(classes: {some(names)})"
            ),
        )
    kinds = _gpu_kinds(row)
    if node.gpus and kinds and not any(_is_asked(node, kind) for kind in kinds):
        asked = " ".join(filter(None, (node.gpu_vendor, node.gpu_model))) or "any"
        yield Reason(
            Code.GPU,
            lambda: f"{who}: GPUs of the kind {asked} are needed (offered: {some(kinds)})",
        )


def name_clashes(nodes: Iterable[NodeRequirement]) -> Iterator[Reason]:
    """Containers that would have one name in a cluster, where the IM writes `_` as `-`."""
    known: dict[str, str] = {}
    for node in nodes:
        other = known.setdefault(node.name.replace("_", "-"), node.name)
        if node.kind == "container" and other != node.name:
            text = f"nodes {other!r} and {node.name!r}: a cluster has one name for both"
            yield Reason(Code.CONTAINER_NAME, partial(str, text))


def _gpu_kinds(row: ProviderRow) -> list[str]:
    """What the quotas call the GPUs: models, or names of Kubernetes as `nvidia.com/gpu`."""
    limits = (q.gpus for q in row.feeder.quotas if q.gpus and not q.usage and not q.per_user)
    return sorted({kind for gpus in limits for kind, number in gpus.items() if number})


def _is_asked(node: NodeRequirement, kind: str) -> bool:
    """Whether GPUs of this kind may be those asked for; what a name does not tell is no obstacle."""
    maker, model = maker_of(kind), kind.casefold().rpartition("/")[2]
    if maker and node.gpu_vendor and maker != node.gpu_vendor.casefold():
        return False
    generic = maker and model == "gpu"
    return bool(generic) or not node.gpu_model or model == node.gpu_model.casefold()
