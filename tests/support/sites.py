"""The federation of `examples/federation-sites.yaml`, with real services in the place of its addresses.

Both clouds are one: real OpenStack services with a project for each agreement. The cluster is an
emulator, where the IM can make nothing. Two sites are added where deployments end well: one of the
Infrastructure Manager's Dummy connector, and a second cluster.
"""

from pathlib import Path
from typing import Any

import yaml
from support.cluster import Cluster
from support.identity import ROOT, SECRET
from support.kubernetes_stub import TOKEN, KubernetesStub
from support.openstack import OpenStack

EXAMPLE = ROOT / "examples" / "federation-sites.yaml"
USER = "alice"
LOGINS = {
    "CLOUD_NORTH_USERNAME": USER,
    "CLOUD_NORTH_PASSWORD": SECRET,
    "CLOUD_SOUTH_USERNAME": USER,
    "CLOUD_SOUTH_PASSWORD": SECRET,
    "CLUSTER_TOKEN": TOKEN,
}
_DUMMY = """
name: dummy
type: dummy
endpoint: https://dummy.example.org/
projects: [{id: physics, sla: physics-dummy}]
flavors: [{name: large, vcpus: 4, ram: 8192, disk: 20}]
images: [{name: ubuntu, os_type: linux, os_distro: ubuntu, os_version: "24.04"}]
"""


def furnish(openstack: OpenStack) -> None:
    """Projects named as the agreements, two flavors, an image, networks; in the north of two cores one
    is taken.
    """
    for agreement in ("physics-north", "biology-north", "physics-south", "biology-south"):
        openstack.keystone.user(USER, agreement)
        project = openstack.keystone.place("projects", agreement)
        cores = 2 if agreement == "physics-north" else 20
        openstack.admin.compute.update_quota_set(project, cores=cores, ram=8192, instances=5)
        openstack.connection(USER, agreement).network.create_network(name="private")
    openstack.use(openstack.keystone.place("projects", "physics-north"), 1, 2048)
    openstack.flavor("tiny", 1, 2048, 10)
    openstack.flavor("medium", 2, 4096, 20)
    openstack.admin.image.create_image(
        "ubuntu-24.04",
        data=b"nothing",
        disk_format="raw",
        container_format="bare",
        visibility="public",
        tags=["federated"],
    )


def write(file: Path, openstack: OpenStack, cluster: Cluster, west: KubernetesStub) -> None:
    """The provider file."""
    federation: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    for provider in federation["openstack"]:
        provider["auth_url"] = openstack.keystone.url
        for project in provider["projects"]:
            project["id"] = openstack.keystone.place("projects", project["sla"])
    (first,) = federation["kubernetes"]
    first["auth_url"] = cluster.url
    second = [one | {"sla": "physics-west"} for one in first["projects"]]
    west_site = first | {"name": "cluster-west", "auth_url": west.url, "projects": second}
    federation["kubernetes"].append(west_site)
    (physics,) = [
        group
        for group in federation["trusted_idps"][0]["user_groups"]
        if group["name"] == "physics"
    ]
    physics["slas"].append(physics["slas"][0] | {"doc_uuid": "physics-dummy"})
    physics["slas"].append(physics["slas"][0] | {"doc_uuid": "physics-west"})
    federation["static"] = [yaml.safe_load(_DUMMY)]
    file.write_text(yaml.safe_dump(federation))
