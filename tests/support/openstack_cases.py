"""Providers for deployments at real OpenStack services: each case has a provider and a user group.

Every group may also use a site of the Infrastructure Manager's Dummy connector, which comes second.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.identity import SECRET
from support.openstack import OpenStack

PROJECT = "physics"
USER = "alice"
FLAVOR = "small"
OTHER_FLAVOR = "tiny"  # the cheaper one, which the IM would take were it not told
IMAGE = "ubuntu-24.04"
NETWORK = "private"
PUBLIC = "public"
FULL = "full"  # a project in which no machine may be made
DUMMY = "dummy"
HOSTILE = "a;b = c\\nd\"e'f\ng, file(/etc/hostname)"  # a password that looks like the IM's format
HOSTILE_USER = "mallory"
NOWHERE = "http://127.0.0.1:9/v3"
NO_IMAGE = "00000000-0000-0000-0000-000000000000"
_FREE = {"type": "compute", "cores": 1000, "ram": 4096000, "instances": 1000}
_FULLER = _FREE | {"usage": True, "cores": 500, "ram": 2048000, "instances": 500}
_FLAVOR = {"name": FLAVOR, "vcpus": 1, "ram": 2048, "disk": 20}


@dataclass(frozen=True)
class Case:
    """One provider: how one logs in there, and what is else about it."""

    name: str
    login: dict[str, str]  # username, password or token; `tenant`, `method`
    project: str = PROJECT
    provider: dict[str, Any] = field(default_factory=dict)
    is_read: bool = False  # by the Feeder, rather than described


def password(**more: str) -> dict[str, str]:
    """The login of our user."""
    return {"username": USER, "password": SECRET, "tenant": PROJECT} | more


def furnish(openstack: OpenStack) -> dict[str, str]:
    """Users, projects, flavors, an image, networks; identifiers of images by name."""
    keystone, admin = openstack.keystone, openstack.admin
    for project in (PROJECT, FULL):
        keystone.user(USER, project)
    keystone.user(HOSTILE_USER, PROJECT, password=HOSTILE)
    openstack.flavor(OTHER_FLAVOR, 1, 1024, 10)
    openstack.flavor(FLAVOR, 1, 2048, 20)
    admin.compute.update_quota_set(keystone.place("projects", FULL), instances=0)
    # the cheapest network and image to take are others, so that what is taken was told
    names = ("another", IMAGE)
    images = {}
    for name in names:
        made = admin.image.create_image(
            name, data=b"x", disk_format="raw", container_format="bare", visibility="public"
        )
        images[name] = str(made.id)
    external = admin.network.create_network(name=PUBLIC, is_router_external=True)
    admin.network.create_subnet(network_id=external.id, ip_version=4, cidr="192.0.2.0/24")
    for number, project in enumerate((PROJECT, FULL)):
        network = openstack.connection(USER, project).network
        for second, name in enumerate(("another", NETWORK)):
            made = network.create_network(name=name)
            subnet = network.create_subnet(
                network_id=made.id, ip_version=4, cidr=f"10.{number}.{second}.0/24"
            )
        router = network.create_router(external_gateway_info={"network_id": external.id})
        network.add_interface_to_router(router, subnet_id=subnet.id)
    return images


def write(
    file: Path, openstack: OpenStack, issuer: str, images: dict[str, str], cases: tuple[Case, ...]
) -> dict[str, str]:
    """The provider file; the environment with the credentials that it names."""
    environment: dict[str, str] = {}
    providers: dict[str, list[dict[str, Any]]] = {"openstack": [], "static": []}
    for case in cases:
        project = openstack.keystone.place("projects", case.project)
        common = {
            "name": case.name,
            "identity_providers": [{"endpoint": issuer, "name": "iam", "protocol": "openid"}],
            "regions": [{"name": "RegionOne"}],
            "projects": [{"id": project, "sla": case.name, "credentials": case.name}],
        }
        if case.is_read:
            common["projects"][0] |= {"default_private_net": NETWORK, "default_public_net": PUBLIC}
            common["auth_url"] = openstack.keystone.url
            providers["openstack"].append(common | case.provider)
            continue
        described = {
            "type": "openstack",
            "endpoint": openstack.keystone.url,
            "flavors": [_FLAVOR],
            "images": [{"name": IMAGE, "os_type": "linux", "iaas_uuid": images[IMAGE]}],
            "networks": [{"name": NETWORK}, {"name": PUBLIC, "is_router_external": True}],
        }
        providers["static"].append(common | described | case.provider)
    providers["static"].append(
        {
            "name": DUMMY,
            "type": "dummy",
            "endpoint": "https://dummy.example.org/",
            "projects": [{"id": one.name, "sla": f"{one.name}-dummy"} for one in cases],
            "flavors": [_FLAVOR],
            "images": [{"name": IMAGE, "os_type": "linux"}],
            "quotas": [_FREE, _FULLER],
        }
    )
    told = {
        "trusted_idps": [{"issuer": issuer, "user_groups": [_group(one.name) for one in cases]}],
        "credentials": {one.name: _credentials(one, environment) for one in cases},
    }
    file.write_text(yaml.safe_dump(told | providers))
    return environment


def _group(name: str) -> dict[str, Any]:
    days = {"start_date": "2025-01-01", "end_date": "2099-12-31"}
    return {"name": name, "slas": [{"doc_uuid": one} | days for one in (name, f"{name}-dummy")]}


def _credentials(case: Case, environment: dict[str, str]) -> dict[str, str]:
    """Names of variables in the place of the values."""
    named = {}
    for what, value in case.login.items():
        if what in ("username", "password", "token"):
            variable = f"OST_{case.name}_{what}".upper().replace("-", "_")
            environment[variable] = value
            named[f"{what}_env"] = variable
        else:
            named[what] = value
    return named
