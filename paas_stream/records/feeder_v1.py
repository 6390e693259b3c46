"""`feeder` 1.2.0, 1.3.0 and 1.4.0: services that hold quotas, flavors, images and networks.

Works on JSON data, before it is validated and after it was dumped. 1.3.0 added `timestamp` to
1.2.0, 1.4.0 added `issuer_audience`. The fields of ours that 1.4.0 does not have stand beside its own:
readers of 1.4.0 skip them, and we lose nothing.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from paas_stream.errors import InvalidMessageError

Json = dict[str, Any]


class _Service(NamedTuple):
    """A kind of service in 1.x, and what it holds besides quotas."""

    field: str
    kind: str
    name: str
    quota_type: str  # in 2.0.0
    lists: tuple[str, ...] = ()


_SERVICES: Final = (
    _Service("block_storage_services", "block-storage", "org.openstack.cinder", "block-storage"),
    _Service("compute_services", "compute", "org.openstack.nova", "compute", ("flavors", "images")),
    _Service("network_services", "network", "org.openstack.neutron", "networking", ("networks",)),
    _Service("object_store_services", "object-store", "org.openstack.swift", "object-store"),
)
_MOVED: Final = {service.field for service in _SERVICES} | {"identity_endpoint", "msg_version"}
_LISTS: Final = ("quotas", "flavors", "images", "networks")
# Fields that readers of 1.x look up without asking whether they are there.
_EXPECTED: Final[dict[str, Json]] = {
    "flavors": {
        "description": "",
        "ephemeral": 0,
        "swap": 0,
        "gpu_model": None,
        "gpu_vendor": None,
        "local_storage": "false",
    },
    "images": dict.fromkeys(
        ("architecture", "created_at", "kernel_id", "os_distro", "os_type", "os_version")
    )
    | {"description": ""},
    "networks": {"description": "", "mtu": None, "proxy_host": None, "proxy_user": None},
    "quotas": {"description": ""},
}


def to_2_0_0(data: Json) -> Json:
    """A 1.x message in the form of 2.0.0.

    Several services of a kind are merged. A list that is null or missing is unknown; at a Kubernetes
    cluster, which has no such services, only one that is null. Raises InvalidMessageError where
    there is no list of objects.
    """
    message = {name: value for name, value in data.items() if name not in _MOVED}
    message["msg_version"] = "2.0.0"
    message["provider_endpoint"] = data.get("identity_endpoint")
    has_services = str(data.get("provider_type", "")).casefold() != "kubernetes"
    told = data.get("unknown")
    unknown = set(filter(_is_text, told)) if isinstance(told, list) else set()
    found: dict[str, list[Json]] = {name: [] for name in _LISTS}
    for service in _SERVICES:
        parts = {name: name for name in service.lists} | {"quotas": f"quotas/{service.quota_type}"}
        entries = _objects(data, service.field)
        if entries is None:
            if has_services or service.field in data:
                unknown.update(parts.values())
            continue
        for number, entry in enumerate(entries):
            for name, part in parts.items():
                rows = _objects(entry, name, f"{service.field}.{number}.")
                if rows is None:
                    unknown.add(part)
                else:
                    found[name].extend(_current(name, row, service) for row in rows)
    return message | found | {"unknown": sorted(unknown)}


def _objects(data: Json, field: str, where: str = "") -> list[Json] | None:
    value = data.get(field)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InvalidMessageError(f"{where}{field}: a list of objects was expected")
    return value


def _current(name: str, row: Json, service: _Service) -> Json:
    """A flavor, image, network or row of quotas as 2.0.0 names its fields."""
    current = dict(row)
    if name != "quotas":
        current["iaas_uuid"] = current.pop("uuid", None)
    elif current.get("type") in (None, service.kind):
        current["type"] = service.quota_type
    return current


def from_2_0_0(data: Json) -> Json:
    """A 2.0.0 message in the form of 1.4.0.

    The endpoints of the services are not known: the provider's stands for them. What is not known of
    a service is null in it.
    """
    message = {
        name: value
        for name, value in data.items()
        if name not in (*_LISTS, "msg_version", "provider_endpoint")
    }
    message |= {"msg_version": "1.4.0", "identity_endpoint": data["provider_endpoint"]}
    message.setdefault("issuer_audience", None)
    message.setdefault("issuer_protocol", None)
    for service in _SERVICES:
        quotas = [row for row in data["quotas"] if _belongs(row, service)]
        lists = {"quotas": quotas} | {name: data[name] for name in service.lists}
        parts = {"quotas": f"quotas/{service.quota_type}"}
        unknown = {name for name in lists if parts.get(name, name) in data["unknown"]}
        rows = {
            name: list(_older(name, rows, data)) if rows or name not in unknown else None
            for name, rows in lists.items()
        }
        needed = service.quota_type != "object-store" or rows["quotas"] != []
        entry = {
            "description": "",
            "endpoint": data["provider_endpoint"],
            "name": service.name,
            "type": service.kind,
        }
        message[service.field] = [entry | rows] if needed else []
    return message


def _belongs(quota: Json, service: _Service) -> bool:
    kinds = {one.quota_type for one in _SERVICES}
    kind = quota["type"] if quota["type"] in kinds else "block-storage"  # storage classes
    return kind == service.quota_type


def _older(name: str, rows: list[Json], message: Json) -> Iterator[Json]:
    for row in rows:
        older = _EXPECTED[name] | {field: _number(value) for field, value in row.items()}
        if name == "quotas":
            older["project"] = message["project_id"]
            older["type"] = "network" if row["type"] == "networking" else row["type"]
        else:
            older["uuid"] = older.pop("iaas_uuid", None)
        if name == "networks":
            older["projects"] = [message["project_id"]]
        yield older


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> Any:
    """1.x has whole numbers where 2.0.0 allows fractions."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
