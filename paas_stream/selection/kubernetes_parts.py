"""What a namespace of a Kubernetes cluster offers, out of what its API answers.

| ResourceQuota | row |
|---|---|
| `limits.cpu`, `requests.cpu` or `cpu` | `compute` |
| `limits.memory`, `requests.memory` or `memory` | `compute` |
| `pods`, `count/pods` | `compute` |
| `requests.nvidia.com/gpu` and other makers' | `compute`, `gpus` by the resource's name |
| `requests.storage`, `persistentvolumeclaims` | `block-storage` |
| `limits.ephemeral-storage`, `requests.ephemeral-storage` or `ephemeral-storage` | `block-storage` |
| `CLASS.storageclass.storage.k8s.io/requests.storage`, `/persistentvolumeclaims` | `storageclass` |

A quota with scopes bounds some of the pods only, and is passed over. Amounts stay Kubernetes quantities:
the record turns them into MiB and GiB.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from paas_stream.records import Quota, StorageClass
from paas_stream.records.quantity import parse

_FIELDS: Final = {
    "limits.cpu": ("compute", "limits_cpu"),
    "requests.cpu": ("compute", "requests_cpu"),
    "cpu": ("compute", "requests_cpu"),
    "limits.memory": ("compute", "limits_memory"),
    "requests.memory": ("compute", "requests_memory"),
    "memory": ("compute", "requests_memory"),
    "pods": ("compute", "pods"),
    "count/pods": ("compute", "pods"),
    "requests.storage": ("block-storage", "storage"),
    "persistentvolumeclaims": ("block-storage", "pvcs"),
    "count/persistentvolumeclaims": ("block-storage", "pvcs"),
    "limits.ephemeral-storage": ("block-storage", "limits_ephemeral_storage"),
    "requests.ephemeral-storage": ("block-storage", "requests_ephemeral_storage"),
    "ephemeral-storage": ("block-storage", "requests_ephemeral_storage"),
}
_OF_CLASS: Final = ".storageclass.storage.k8s.io/"
_OF_CLASSES: Final = {"requests.storage": "storage", "persistentvolumeclaims": "pvcs"}
_GPU_MAKERS: Final = ("nvidia.com", "amd.com", "gpu.intel.com", "habana.ai")
_DEFAULT: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def quotas(listed: Iterable[Mapping[str, Any]]) -> tuple[Quota, ...]:
    """The rows of all ResourceQuotas of a namespace (JSON): limits, and what is used of them.

    Raises ValueError for an amount that is no quantity.
    """
    return tuple(row for one in listed if not _is_scoped(one) for row in _rows(one))


def storage_classes(listed: Iterable[Mapping[str, Any]]) -> tuple[StorageClass, ...]:
    """The StorageClasses of a cluster (JSON), the default one marked."""
    found = []
    for one in listed:
        metadata = one.get("metadata") or {}
        notes = metadata.get("annotations") or {}
        found.append(
            StorageClass(
                name=metadata["name"],
                is_default=any(notes.get(name) == "true" for name in _DEFAULT),
                provisioner=one.get("provisioner"),
            )
        )
    return tuple(found)


def _is_scoped(quota: Mapping[str, Any]) -> bool:
    spec = quota.get("spec") or {}
    return bool(spec.get("scopes") or spec.get("scopeSelector"))


def _rows(quota: Mapping[str, Any]) -> Iterator[Quota]:
    status, spec = quota.get("status") or {}, quota.get("spec") or {}
    hard = status.get("hard") or spec.get("hard") or {}
    yield from _parts(hard, is_usage=False)
    used = {name: amount for name, amount in (status.get("used") or {}).items() if name in hard}
    yield from _parts(used, is_usage=True)


def _parts(amounts: Mapping[str, str], *, is_usage: bool) -> Iterator[Quota]:
    """A row for each kind of quota, and for each storage class."""
    rows: dict[tuple[str, str | None], dict[str, Any]] = defaultdict(dict)
    for name, amount in amounts.items():
        if name in _FIELDS:
            kind, field = _FIELDS[name]
            rows[kind, None][field] = str(amount)
        elif _OF_CLASS in name:
            its_class, _, what = name.partition(_OF_CLASS)
            if what in _OF_CLASSES:
                rows["storageclass", its_class][_OF_CLASSES[what]] = str(amount)
        elif (resource := name.partition(".")[2]).startswith(_GPU_MAKERS):
            rows["compute", None].setdefault("gpus", {})[resource] = int(parse(str(amount)))
    for (kind, storage_class), fields in rows.items():
        yield Quota(type=kind, name=storage_class, usage=is_usage, **fields)
