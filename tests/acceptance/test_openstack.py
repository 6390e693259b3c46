"""Machines at real OpenStack services: with every kind of login, through all that is done with them,
and what is told when a cloud does not take them.

Nova builds them on its own fake of a hypervisor; everything up to it is real.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openstack.connection import Connection
from support import openstack_cases as cases
from support.identity import OidcProvider, claims, has_openid_provider, openid_provider
from support.openstack import OpenStack
from support.openstack_cases import Case, password
from support.stack import Stack, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.openstack,
    pytest.mark.timeout(600),
]

READ_S = 60.0
SETTLED_S = 120.0
NO_ISSUER = "https://iam.example.org/"  # where there is no OpenID provider


def possible(name: str) -> bool:
    """Whether there is what this case needs: tokens need an OpenID provider."""
    return "token" not in name or has_openid_provider()


LOGINS = tuple(
    filter(possible, ("by-project-id", "application-credential", "token", "hostile-password"))
)


def template(count: int = 1, network: str = "PRIVATE") -> str:
    """`count` machines with a private address, or with a public one besides."""
    public = "public: {value: {get_attribute: [node, public_address]}}"
    return f"""\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    node:
      type: tosca.nodes.indigo.Compute
      capabilities:
        scalable: {{properties: {{count: {count}}}}}
        host: {{properties: {{num_cpus: 1, mem_size: 2 GB}}}}
        endpoint: {{properties: {{network_name: {network}}}}}
        os: {{properties: {{image: {cases.IMAGE}, type: linux}}}}
  outputs:
    private: {{value: {{get_attribute: [node, private_address]}}}}
    {public if network == "PUBLIC" else ""}
"""


@dataclass(frozen=True)
class Cloud:
    """The services, and the images by name."""

    openstack: OpenStack
    images: dict[str, str]

    def user(self, project: str = cases.PROJECT) -> Connection:
        """Our user in a project."""
        return self.openstack.connection(cases.USER, project)

    def servers(self, uuid: str) -> list[Any]:
        """What Nova has of a deployment."""
        return [
            one
            for one in self.user().compute.servers()
            if one.metadata.get("PAAS_DEP_UUID") == uuid
        ]

    def leftovers(self, project: str) -> dict[str, list[str]]:
        """What the IM has left in a project."""
        user = self.user(project)
        groups = [one.name for one in user.network.security_groups() if one.name != "default"]
        ports = [one.id for one in user.network.ports() if one.device_owner.startswith("compute")]
        return {
            "servers": [one.id for one in user.compute.servers()],
            "security groups": groups,
            "ports": ports,
            "floating addresses": [one.id for one in user.network.ips()],
            "keys": [one.name for one in user.compute.keypairs()],
        }


@pytest.fixture(scope="module")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider | None]:
    """An OpenID provider, where there can be one."""
    if not has_openid_provider():
        yield None
        return
    users = {"member": {"claims": {"groups": [cases.PROJECT]}}}
    with openid_provider(tmp_path_factory.mktemp("oidc"), users) as made:
        yield made


@pytest.fixture(scope="module")
def cloud(oidc: OidcProvider | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The services."""
    issuer = oidc.issuer if oidc is not None else None
    openstack = OpenStack(tmp_path_factory.mktemp("openstack"), issuer, builds=True)
    try:
        openstack.start()
        if issuer is not None:
            openstack.keystone.federate("iam", issuer, cases.PROJECT, cases.PROJECT)
        yield Cloud(openstack, cases.furnish(openstack))
    finally:
        openstack.close()


def successes(cloud: Cloud, oidc: OidcProvider | None) -> tuple[Case, ...]:
    """A case for each kind of login."""
    user = cloud.openstack.keystone.place("users", cases.USER)
    made = cloud.user().identity.create_application_credential(user=user, name="paas")
    secret = {"username": made.id, "password": made.secret}
    hostile = {"username": cases.HOSTILE_USER, "password": cases.HOSTILE}
    token = oidc.token("member") if oidc is not None else "none"
    by_id = {"username": cases.USER, "password": password()["password"]}
    return (
        Case("by-project-id", by_id, is_read=True),
        Case("application-credential", secret | {"method": "application_credential"}),
        Case("token", {"method": "token", "token": token}),
        Case("hostile-password", password(**hostile)),
    )


LOGIN = (
    "the cloud refuses the login: user, password, project or token is wrong, "
    "or the token has expired"
)
FAILURES = {  # what a user is told of the attempt
    "wrong-password": LOGIN,
    "wrong-project": LOGIN,
    "expired-token": LOGIN,
    "garbage-token": LOGIN,
    "unreachable": "the cloud at 127.0.0.1:9 cannot be reached: Connection refused",
    "no-quota": "the IM reports failed: 403 Forbidden Quota exceeded for instances: "
    "Requested 1, but already used 0 of 0 instances",
    "no-image": f"the IM reports failed: 404 Not Found No image found with ID {cases.NO_IMAGE}",
    "no-flavor": "the IM reports failed: No flavor found for the specified VM requirements.",
}


def failures(oidc: OidcProvider | None) -> tuple[Case, ...]:
    """A case for each thing that may be wrong."""
    past = int(time.time()) - 3600
    expired = "none"
    if oidc is not None:
        expired = oidc.signed(claims(oidc.token("member")) | {"iat": past - 60, "exp": past})
    gone = [{"name": cases.IMAGE, "os_type": "linux", "iaas_uuid": cases.NO_IMAGE}]
    flavor = [{"name": "huge", "vcpus": 1, "ram": 2048, "disk": 20}]
    return (
        Case("wrong-password", password(password="wrong")),
        Case("wrong-project", password(tenant="no-such-project")),
        Case("expired-token", {"method": "token", "token": expired}),
        Case("garbage-token", {"method": "token", "token": "no.token.at.all"}),
        Case("unreachable", password(), provider={"endpoint": cases.NOWHERE}),
        Case("no-quota", password(tenant=cases.FULL), cases.FULL),
        Case("no-image", password(), provider={"images": gone}),
        Case("no-flavor", password(), provider={"flavors": flavor}),
    )


@pytest.fixture(scope="module")
def stack(
    cloud: Cloud,
    oidc: OidcProvider | None,
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """One worker that knows all cases."""
    folder = tmp_path_factory.mktemp("openstack-stack")
    wanted = (*successes(cloud, oidc), *failures(oidc))
    known = tuple(one for one in wanted if possible(one.name))
    issuer = oidc.issuer if oidc is not None else NO_ISSUER
    file = folder / "providers.yaml"
    credentials = cases.write(file, cloud.openstack, issuer, cloud.images, known)
    made = Stack(kafka, im, folder)
    try:
        made.worker.run(
            PAAS_FEEDER_FILES=json.dumps([str(file)]),
            PAAS_IM_CALL_TIMEOUT_S="20",  # the IM deletes a machine in one call
            **credentials,
        )
        entries = 2 * len(known)  # beside each case there is the Dummy
        until(lambda: len(list(made.client.providers())) == entries, READ_S, "all are read")
        yield made
    finally:
        made.close()


def submitted(stack: Stack, group: str, text: str | None = None) -> str:
    """The uuid of a new deployment."""
    return str(stack.client.submit(text or template(), {}, userGroup=group)["uuid"])


@pytest.fixture(scope="module")
def made(stack: Stack) -> dict[str, dict[str, Any]]:
    """A deployment with each kind of login, side by side."""
    uuids = {name: submitted(stack, name) for name in LOGINS}
    return {name: stack.settled(uuid, SETTLED_S) for name, uuid in uuids.items()}


class TestLogins:
    @pytest.mark.parametrize("login", LOGINS)
    def test_a_machine_is_made_with_this_login(
        self, stack: Stack, cloud: Cloud, made: dict[str, dict[str, Any]], login: str
    ) -> None:
        ended = made[login]
        told = [one["message"] for one in stack.client.events(ended["uuid"])]
        assert ended["status"] == "CREATE_COMPLETE", told
        assert ended["cloudProviderName"] == login, told
        (server,) = cloud.servers(ended["uuid"])
        assert server.status == "ACTIVE"
        assert server.flavor["original_name"] == cases.FLAVOR
        assert server.image.id == cloud.images[cases.IMAGE]
        ((network, addresses),) = server.addresses.items()
        assert network == cases.NETWORK
        assert ended["outputs"]["private"] == [addresses[0]["addr"]]
        assert server.metadata["PAAS_URL"]
        assert server.metadata["PAAS_DEP_USER"] == ended["createdBy"]["subject"]

    @pytest.mark.parametrize("login", LOGINS)
    def test_nothing_else_was_made(
        self, stack: Stack, made: dict[str, dict[str, Any]], login: str
    ) -> None:
        uuid = made[login]["uuid"]
        stack.keeps_one(uuid)


class TestChanges:
    """What is done with some of them."""

    def test_a_second_one_comes_with_an_update(
        self, stack: Stack, cloud: Cloud, made: dict[str, dict[str, Any]]
    ) -> None:
        uuid = made["application-credential"]["uuid"]
        stack.client.update(uuid, template(2), {})
        ended = stack.settled(uuid, SETTLED_S)
        assert ended["status"] == "UPDATE_COMPLETE"
        servers = cloud.servers(uuid)
        assert [one.status for one in servers] == ["ACTIVE", "ACTIVE"]
        addresses = {one.addresses[cases.NETWORK][0]["addr"] for one in servers}
        assert set(ended["outputs"]["private"]) == addresses

    def test_it_is_stopped_and_started(
        self, stack: Stack, cloud: Cloud, made: dict[str, dict[str, Any]]
    ) -> None:
        uuid = made["by-project-id"]["uuid"]
        (resource,) = stack.client.resources(uuid)
        for action, state, status in (
            ("stop", "STOPPED", "SHUTOFF"),
            ("start", "STARTED", "ACTIVE"),
        ):
            stack.client.act(uuid, resource["uuid"], action)

            def reached(state: str = state) -> bool:
                return stack.client.resource(uuid, resource["uuid"])["state"] == state

            until(reached, SETTLED_S, f"it is {state}")
            assert [one.status for one in cloud.servers(uuid)] == [status]

    def test_one_with_a_public_address_gets_a_floating_one(
        self, stack: Stack, cloud: Cloud, made: dict[str, dict[str, Any]]
    ) -> None:
        uuid = submitted(stack, "hostile-password", template(network="PUBLIC"))
        ended = stack.settled(uuid, SETTLED_S)
        assert ended["status"] == "CREATE_COMPLETE", stack.client.events(uuid)
        (floating,) = cloud.user().network.ips()
        assert ended["outputs"]["public"] == [floating.floating_ip_address]
        assert ended["outputs"]["private"] == [floating.fixed_ip_address]
        stack.client.delete(uuid)
        assert stack.settled(uuid, SETTLED_S)["status"] == "DELETE_COMPLETE"
        assert list(cloud.user().network.ips()) == []


def test_after_the_deletes_nothing_is_left_in_the_cloud_and_in_the_im(
    stack: Stack, cloud: Cloud, made: dict[str, dict[str, Any]]
) -> None:
    uuids = [one["uuid"] for one in made.values()]
    for uuid in uuids:
        stack.client.delete(uuid)
    for uuid in uuids:
        assert stack.settled(uuid, SETTLED_S)["status"] == "DELETE_COMPLETE"
        stack.keeps(uuid)
    until(lambda: not cloud.leftovers(cases.PROJECT)["servers"], READ_S, "the servers are gone")
    assert not any(cloud.leftovers(cases.PROJECT).values()), cloud.leftovers(cases.PROJECT)


@pytest.fixture(scope="module")
def failed(stack: Stack) -> dict[str, dict[str, Any]]:
    """A deployment for each thing that is wrong, side by side."""
    uuids = {name: submitted(stack, name) for name in filter(possible, FAILURES)}
    return {name: stack.settled(uuid, SETTLED_S) for name, uuid in uuids.items()}


@pytest.mark.parametrize("case", [one for one in FAILURES if possible(one)])
class TestFailures:
    def test_the_reason_is_told_and_the_next_provider_is_used(
        self, stack: Stack, failed: dict[str, dict[str, Any]], case: str
    ) -> None:
        ended = failed[case]
        told = [
            one["message"]
            for one in stack.client.events(ended["uuid"])
            if (one["step"], one["status"]) == ("attempt", "failed")
        ]
        assert told == [f"attempt 1: {case} (RegionOne) failed: {FAILURES[case]}"]
        assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", cases.DUMMY)

    def test_nothing_of_the_attempt_is_left(
        self, stack: Stack, cloud: Cloud, failed: dict[str, dict[str, Any]], case: str
    ) -> None:
        ended = failed[case]
        stack.keeps_one(ended["uuid"])
        assert cloud.servers(ended["uuid"]) == []
        assert not any(cloud.leftovers(cases.FULL).values())
