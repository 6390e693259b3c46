"""What is read of a project through the APIs of real OpenStack services, with their own SDK."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from support.identity import SECRET, OidcProvider, has_openid_provider, openid_provider
from support.openstack import OpenStack
from support.ports import free_port

from paas_stream.clients.sites import SiteReader
from paas_stream.errors import TemporaryError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_schema import OpenStackProvider, Sla
from paas_stream.selection.readings import Reading, Site

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(300)]

PROJECT = "physics"
USER = "alice"
ISSUER = "https://iam.example.org/"  # where there is no OpenID provider
GPU = {"gpu_number": "2", "gpu_vendor": "NVIDIA", "gpu_model": "A100", "infiniband": "true"}


class Cloud:
    """The services with what a site has; `issuer` is the OpenID provider whose users it lets in."""

    def __init__(self, openstack: OpenStack, issuer: str) -> None:
        self.openstack, self.issuer = openstack, issuer
        self.keystone = keystone = openstack.keystone
        keystone.user(USER, PROJECT)
        keystone.user("bob", "biology")
        self.project = keystone.place("projects", PROJECT)
        self.other = keystone.place("projects", "biology")

    def furnish(self) -> None:
        """Flavors, images, networks, quotas, and what is used of them."""
        openstack, admin = self.openstack, self.openstack.admin
        openstack.flavor("small", 1, 2048, 20)
        openstack.flavor("gpu", 8, 32768, 160, specs=GPU)
        openstack.flavor("own", 2, 4096, 40, project=self.project)
        openstack.flavor("others", 4, 8192, 80, project=self.other)
        for name, more in (
            (
                "ubuntu-24.04",
                {"os_distro": "ubuntu", "os_version": "24.04", "visibility": "public"},
            ),
            ("cuda", {"os_distro": "ubuntu", "cuda_support": "true", "cuda_version": "12.4"}),
        ):
            maker = admin if "visibility" in more else openstack.connection(USER, PROJECT)
            maker.image.create_image(
                name,
                data=b"nothing",
                disk_format="raw",
                container_format="bare",
                tags=["vetted"],
                **more,
            )
        public = admin.network.create_network(name="public", is_router_external=True)
        admin.network.create_subnet(network_id=public.id, ip_version=4, cidr="192.0.2.0/24")
        user = openstack.connection(USER, PROJECT)
        user.network.create_network(name="private")
        admin.compute.update_quota_set(self.project, cores=40, ram=81920, instances=15)
        admin.block_storage.update_quota_set(self.project, gigabytes=500, volumes=20)
        admin.network.update_quota(self.project, floating_ips=5)
        user.network.create_ip(floating_network_id=public.id)
        user.block_storage.create_volume(size=3)
        openstack.use(self.project, 6, 12288)


@pytest.fixture(scope="module")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """An OpenID provider."""
    groups = {"member": ["physics"], "stranger": ["chemistry"]}
    users = {name: {"claims": {"groups": own}} for name, own in groups.items()}
    with openid_provider(tmp_path_factory.mktemp("oidc"), users) as made:
        yield made


@pytest.fixture(scope="module")
def cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    """It lets users of the OpenID provider in where there is one: only tokens need it."""
    issuer = request.getfixturevalue("oidc").issuer if has_openid_provider() else None
    openstack = OpenStack(tmp_path_factory.mktemp("openstack"), issuer)
    try:
        openstack.start()
        made = Cloud(openstack, issuer or ISSUER)
        if issuer is not None:
            made.keystone.federate("iam", issuer, "physics", PROJECT)
        made.furnish()
        yield made
    finally:
        openstack.close()


def site(cloud: Cloud, **more: Any) -> Site:
    idp = {"endpoint": cloud.issuer, "name": "iam", "protocol": "openid"}
    project = {"id": cloud.project, "sla": "s"} | more.pop("project", {})
    provider = OpenStackProvider.model_validate(
        {
            "name": "site",
            "auth_url": cloud.keystone.url,
            "identity_providers": [idp],
            "projects": [project],
        }
        | more,
        strict=False,
    )
    sla = Sla(doc_uuid="s", start_date=date(2025, 1, 1), end_date=date(2099, 12, 31))
    agreement = Agreement(sla, PROJECT, cloud.issuer)
    return Site(provider, provider.regions[0], provider.projects[0], agreement)


async def read(
    one: Site,
    credentials: Credentials | None = None,
    *,
    timeout_s: float = 60.0,
    call_timeout_s: float = 20.0,
) -> Reading:
    reader = SiteReader(2, timeout_s, call_timeout_s)
    try:
        return await reader.read(one, credentials or Credentials("password", USER, SECRET))
    finally:
        reader.close()


async def test_a_project_is_read_with_the_rights_of_its_member(cloud: Cloud) -> None:
    found = await read(site(cloud))
    assert found.fault is None
    assert found.project_name == PROJECT
    flavors = {one.name: one for one in found.parts["flavors"]}
    assert set(flavors) == {"small", "gpu", "own"}
    assert (flavors["small"].vcpus, flavors["small"].ram, flavors["small"].disk) == (1, 2048, 20)
    gpu = flavors["gpu"]
    assert (gpu.gpus, gpu.gpu_vendor, gpu.gpu_model, gpu.infiniband) == (2, "NVIDIA", "A100", True)
    assert [flavors[name].is_shared for name in ("small", "own")] == [True, False]
    images = {one.name: one for one in found.parts["images"]}
    assert set(images) == {"ubuntu-24.04", "cuda"}
    assert (images["ubuntu-24.04"].os_distro, images["ubuntu-24.04"].os_version) == (
        "ubuntu",
        "24.04",
    )
    assert (images["cuda"].cuda_support, images["cuda"].cuda_version) == (True, "12.4")
    assert [images[name].is_shared for name in ("ubuntu-24.04", "cuda")] == [True, False]
    networks = {one.name: one for one in found.parts["networks"]}
    assert networks["public"].is_router_external
    assert not networks["private"].is_router_external
    limits, usage = found.parts["quotas/compute"]
    assert (limits.cores, limits.ram, limits.instances) == (40, 81920, 15)
    assert (usage.cores, usage.ram, usage.instances) == (6, 12288, 1)
    limits, usage = found.parts["quotas/block-storage"]
    assert (limits.gigabytes, limits.volumes) == (500, 20)
    assert (usage.gigabytes, usage.volumes) == (3, 1)
    limits, usage = found.parts["quotas/networking"]
    assert (limits.public_ips, usage.public_ips) == (5, 1)


async def test_the_files_defaults_and_tags_count(cloud: Cloud) -> None:
    proxy = {"host": "proxy.example.org", "user": "me"}
    project = {
        "default_public_net": "public",
        "default_private_net": "private",
        "private_net_proxy": proxy,
    }
    found = await read(site(cloud, project=project, image_tags=("vetted",), network_tags=("none",)))
    networks = {one.name: one for one in found.parts["networks"]}
    assert all(one.is_default for one in networks.values())
    assert {name: one.role for name, one in networks.items()} == {
        "public": "public",
        "private": "private",
    }
    assert networks["private"].proxy_host == "proxy.example.org"
    assert networks["public"].proxy_host is None
    assert len(found.parts["images"]) == 2
    none = await read(site(cloud, image_tags=("another",), network_tags=("none",)))
    assert (none.parts["images"], none.parts["networks"]) == ((), ())


async def test_an_application_credential_is_a_login(cloud: Cloud) -> None:
    user = cloud.openstack.connection(USER, PROJECT)
    made = user.identity.create_application_credential(user.current_user_id, name="feeder")
    login = Credentials("application_credential", made.id, made.secret)
    assert (await read(site(cloud), login)).fault is None


async def test_a_token_of_the_agreements_issuer_is_a_login(
    cloud: Cloud, oidc: OidcProvider
) -> None:
    found = await read(site(cloud), Credentials("token", token=oidc.token("member")))
    assert found.fault is None
    assert {one.name for one in found.parts["flavors"]} == {"small", "gpu", "own"}


@pytest.mark.parametrize("who", ["stranger", "nobody"])
async def test_a_token_that_the_cloud_does_not_take_is_told(
    cloud: Cloud, oidc: OidcProvider, who: str
) -> None:
    token = "a.b.c" if who == "nobody" else oidc.token(who)
    with pytest.raises(TemporaryError, match="the login failed"):
        await read(site(cloud), Credentials("token", token=token))


@pytest.mark.parametrize(
    ("login", "project"),
    [
        (Credentials("password", USER, "wrong"), None),
        (Credentials("password", "bob", SECRET), None),
        (Credentials("password", USER, SECRET), "0" * 32),
    ],
)
async def test_a_login_that_is_refused_is_told(
    cloud: Cloud, login: Credentials, project: str | None
) -> None:
    more = {"project": {"id": project}} if project else {}
    with pytest.raises(TemporaryError, match="the login failed: 401"):
        await read(site(cloud, **more), login)


async def test_a_service_that_is_down_costs_its_parts_only(cloud: Cloud) -> None:
    glance = cloud.openstack.services["glance"]
    glance.kill9()
    try:
        found = await read(site(cloud))
    finally:
        glance.run(f"http://127.0.0.1:{glance.port}/")
    assert set(found.faults) == {"images"}
    assert {one.name for one in found.parts["flavors"]} == {"small", "gpu", "own"}


@contextmanager
def hanging(cloud: Cloud, name: str) -> Iterator[None]:
    """A service that takes connections and answers none."""
    service = cloud.openstack.services[name]
    service.child.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.child.send_signal(signal.SIGCONT)


async def test_a_service_that_hangs_costs_its_parts_only(cloud: Cloud) -> None:
    with hanging(cloud, "glance"):
        found = await read(site(cloud), timeout_s=120.0, call_timeout_s=5.0)
    assert set(found.faults) == {"images"}
    assert {one.name for one in found.parts["flavors"]} == {"small", "gpu", "own"}
    assert {one.name for one in found.parts["networks"]} == {"public", "private"}
    assert len(found.parts["quotas/networking"]) == 2
    assert (await read(site(cloud))).fault is None


async def test_what_was_read_before_the_time_of_a_reading_is_up_is_kept(cloud: Cloud) -> None:
    begun = time.monotonic()
    with hanging(cloud, "glance"):
        found = await read(site(cloud), timeout_s=20.0, call_timeout_s=60.0)
        assert time.monotonic() - begun < 40
    assert {one.name for one in found.parts["flavors"]} == {"small", "gpu", "own"}
    assert set(found.parts) == {"flavors"}
    assert found.faults["images"] == found.faults["networks"] == "not read within 20 s"


async def test_a_cloud_that_is_not_there_is_not_read(cloud: Cloud) -> None:
    with pytest.raises(TemporaryError, match="the login failed"):
        await read(site(cloud, auth_url=f"http://127.0.0.1:{free_port()}/v3"))


async def test_a_region_that_is_not_there_is_not_read(cloud: Cloud) -> None:
    with pytest.raises(TemporaryError, match="nothing could be read"):
        await read(site(cloud, regions=({"name": "Nowhere"},)))
