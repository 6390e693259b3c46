"""The network of a machine, in the words of the Infrastructure Manager."""

import pytest

from paas_stream.records import Network, NodeRequirement
from paas_stream.selection import networks
from paas_stream.selection.reasons import Code, Reason

EXTERNAL = Network(name="ext", is_router_external=True)
DEFAULT_EXTERNAL = Network(name="ext-default", is_router_external=True, is_default=True)
DEFAULT_SHARED = Network(name="shared-default", is_default=True)
SHARED = Network(name="shared")
OWN = Network(name="own", is_shared=False)
DEFAULT_OWN = Network(name="own-default", is_default=True, is_shared=False)


@pytest.mark.parametrize(
    ("offered", "public", "private"),
    [
        ([], None, None),
        ([EXTERNAL], "ext", None),
        ([EXTERNAL, DEFAULT_EXTERNAL], "ext-default", None),
        ([DEFAULT_SHARED], "shared-default", None),
        ([SHARED], None, "shared"),
        ([SHARED, OWN], None, "own"),
        ([SHARED, OWN, DEFAULT_OWN], None, "own-default"),
        ([OWN, EXTERNAL], "ext", "own"),
        ([DEFAULT_EXTERNAL, OWN.model_copy(update={"role": "public"})], "own", None),
        ([DEFAULT_OWN, EXTERNAL.model_copy(update={"role": "private"})], None, "ext"),
        ([DEFAULT_SHARED.model_copy(update={"role": "private"}), OWN], None, "shared-default"),
        ([DEFAULT_OWN, OWN.model_copy(update={"role": "storage"})], None, "own-default"),
    ],
)
def test_default_networks_come_first_then_those_of_the_project(
    offered: list[Network], public: str | None, private: str | None
) -> None:
    assert networks.offer(offered, "openstack") == networks.Offer(public, private)


@pytest.mark.parametrize(
    ("provider_type", "offered", "public_address", "chosen"),
    [
        ("dummy", [], False, "PRIVATE"),
        ("dummy", [], True, "PUBLIC"),
        ("dummy", [EXTERNAL, OWN], True, "own,ext"),
        ("openstack", [OWN], False, "own.PRIVATE"),
        ("openstack", [EXTERNAL, OWN], False, "own.PRIVATE"),
        ("openstack", [EXTERNAL, OWN], True, "own,ext"),
        ("openstack", [EXTERNAL], True, "ext.PUBLIC"),
        ("openstack", [], False, Code.PRIVATE_NETWORK),
        ("openstack", [EXTERNAL], False, Code.PRIVATE_NETWORK),
        ("openstack", [], True, Code.PUBLIC_NETWORK),
        ("openstack", [OWN], True, Code.PUBLIC_NETWORK),
        ("dummy", [OWN], True, Code.PUBLIC_NETWORK),
    ],
)
def test_a_machine_gets_the_network_that_its_address_needs(
    provider_type: str, offered: list[Network], public_address: bool, chosen: str
) -> None:
    node = NodeRequirement(name="server", public_address=public_address)
    choice = networks.choose(node, networks.offer(offered, provider_type))
    if isinstance(choice, Reason):
        assert choice.code == chosen
        assert choice.sentence.startswith("node 'server': ")
    else:
        assert choice == chosen


def test_a_machine_whose_ports_are_bound_to_a_private_network_needs_one() -> None:
    node = NodeRequirement(name="server", public_address=True, networks=("public", "private"))
    choice = networks.choose(node, networks.offer([EXTERNAL], "openstack"))
    assert isinstance(choice, Reason)
    assert choice.code == Code.PRIVATE_NETWORK
    assert networks.choose(node, networks.offer([EXTERNAL, OWN], "openstack")) == "own,ext"


def test_the_proxy_is_that_of_the_private_network() -> None:
    proxied = OWN.model_copy(update={"proxy_host": "bastion", "proxy_user": "jump"})
    offer = networks.offer([EXTERNAL, proxied], "openstack")
    assert (offer.proxy_host, offer.proxy_user) == ("bastion", "jump")
    assert networks.offer([EXTERNAL], "openstack").proxy_host is None


@pytest.mark.parametrize(
    ("name", "public"),
    [
        (None, False),
        ("PRIVATE", False),
        ("net.PRIVATE", False),
        ("PUBLIC", True),
        ("ext.PUBLIC", True),
        ("net,ext", True),
    ],
)
def test_the_networks_name_tells_whether_there_is_a_public_address(
    name: str | None, public: bool
) -> None:
    assert networks.has_public(name) is public
