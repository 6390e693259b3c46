"""What a project of an OpenStack cloud offers, out of what its APIs answer (JSON of the SDK's resources).

GPUs and InfiniBand are in a flavor's extra specs, as the field writes them: `gpu_number`, `gpu_model`,
`gpu_vendor`, `infiniband`. A GPU driver and CUDA are in an image's properties: `gpu_driver`,
`gpu_driver_version`, `cuda_support`, `cuda_version`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from paas_stream.records import Flavor, Image, Network, Quota
from paas_stream.selection.provider_schema import Proxy

Json = Mapping[str, Any]

_COMPUTE: Final = {"cores": "cores", "ram": "ram", "instances": "instances"}
_STORAGE: Final = {
    "gigabytes": "gigabytes",
    "volumes": "volumes",
    "per_volume_gigabytes": "per_volume_gigabytes",
}
_NETWORKING: Final = {"floating_ips": "public_ips"}
_TRUE: Final = ("true", "yes", "1")


def flavors(listed: Iterable[Json]) -> tuple[Flavor, ...]:
    """All flavors that the project may see, private ones too."""
    return tuple(_flavor(one) for one in listed if not one.get("is_disabled"))


def _flavor(one: Json) -> Flavor:
    specs = one.get("extra_specs") or {}
    gpus = _whole(specs.get("gpu_number"))
    return Flavor(
        name=one["name"],
        iaas_uuid=one["id"],
        vcpus=one["vcpus"],
        ram=one["ram"],
        disk=one["disk"],
        gpus=gpus,
        gpu_vendor=specs.get("gpu_vendor") if gpus else None,
        gpu_model=specs.get("gpu_model") if gpus else None,
        infiniband=_is_true(specs.get("infiniband")),
        is_shared=one.get("is_public") is not False,
    )


def images(listed: Iterable[Json], tags: Iterable[str] = ()) -> tuple[Image, ...]:
    """Active images; with `tags` those that have one of them."""
    wanted = set(tags)
    return tuple(
        _image(one)
        for one in listed
        if str(one.get("status", "active")).casefold() == "active"
        and (not wanted or wanted & set(one.get("tags") or ()))
    )


def _image(one: Json) -> Image:
    extra = one.get("properties") or {}
    return Image(
        name=one["name"] or one["id"],
        iaas_uuid=one["id"],
        os_type=one.get("os_type"),
        os_distro=one.get("os_distro"),
        os_version=one.get("os_version"),
        architecture=one.get("architecture"),
        is_shared=one.get("visibility") in ("public", "community"),
        created_at=one.get("created_at"),
        gpu_driver=_is_true(extra.get("gpu_driver")),
        gpu_driver_version=extra.get("gpu_driver_version"),
        cuda_support=_is_true(extra.get("cuda_support")),
        cuda_version=extra.get("cuda_version"),
        tags=tuple(one.get("tags") or ()),
    )


def networks(
    listed: Iterable[Json],
    tags: Iterable[str] = (),
    *,
    public: str | None = None,
    private: str | None = None,
    proxy: Proxy | None = None,
) -> tuple[Network, ...]:
    """Active networks; with `tags` those that have one of them, and those that the file names.

    `public` and `private` are the names of the defaults, `proxy` the way to machines in private ones.
    A default is what the file makes it, whatever else it is. For readers that do not know our `role`,
    a shared default network is a public one: the private one is marked as default unless it is shared.
    """
    wanted, named = set(tags), {public, private} - {None}
    roles = {} if public == private else {public: "public", private: "private"}
    return tuple(
        _network(one, one["name"] in named, roles.get(one["name"]), proxy)
        for one in listed
        # Neutron writes ACTIVE, and some databases find it by any case
        if str(one.get("status", "")).casefold() == "active"
        and (not wanted or one["name"] in named or wanted & set(one.get("tags") or ()))
    )


def _network(one: Json, is_named: bool, role: str | None, proxy: Proxy | None) -> Network:
    is_external, is_shared = bool(one.get("is_router_external")), bool(one.get("is_shared"))
    is_private = role == "private" if role else not is_external
    through = proxy if is_private else None
    is_default = is_named or bool(one.get("is_default"))
    return Network(
        name=one["name"] or one["id"],
        iaas_uuid=one["id"],
        is_router_external=is_external,
        is_default=is_default and not (role == "private" and is_shared),
        is_shared=is_shared,
        role=role,
        proxy_host=through.host if through else None,
        proxy_user=through.user if through else None,
        tags=tuple(one.get("tags") or ()),
    )


def compute_quotas(found: Json) -> tuple[Quota, Quota]:
    """Limits and usage out of Nova's quota set."""
    return _pair("compute", _COMPUTE, found, found.get("usage") or {})


def storage_quotas(found: Json) -> tuple[Quota, Quota]:
    """Limits and usage out of Cinder's quota set."""
    return _pair("block-storage", _STORAGE, found, found.get("usage") or {})


def networking_quotas(found: Json) -> tuple[Quota, Quota]:
    """Limits and usage out of Neutron's quota with details."""
    details = {name: found.get(name) for name in _NETWORKING}
    limits = {name: one.get("limit") for name, one in details.items() if isinstance(one, Mapping)}
    usage = {name: one.get("used") for name, one in details.items() if isinstance(one, Mapping)}
    return _pair("networking", _NETWORKING, limits, usage)


def _pair(kind: str, fields: Mapping[str, str], limits: Json, usage: Json) -> tuple[Quota, Quota]:
    def row(found: Json, *, is_usage: bool) -> Quota:
        known = {
            ours: found[theirs] for theirs, ours in fields.items() if _is_number(found.get(theirs))
        }
        return Quota(type=kind, usage=is_usage, **known)

    return row(limits, is_usage=False), row(usage, is_usage=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> int:
    try:
        return max(0, int(value))
    except (OverflowError, TypeError, ValueError):
        return 0


def _is_true(value: Any) -> bool:
    return str(value).casefold() in _TRUE
