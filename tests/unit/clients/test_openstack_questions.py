"""What is asked of a cloud: the provider file's wishes for a project in a region."""

from datetime import date
from types import SimpleNamespace
from typing import Any

from paas_stream.clients.openstack_site import questions
from paas_stream.selection import networks
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_schema import OpenStackProvider, Sla
from paas_stream.selection.readings import Site

PROJECT = {
    "id": "p",
    "sla": "s",
    "default_public_net": "wan",
    "default_private_net": "lan",
    "private_net_proxy": {"host": "proxy"},
    "per_region_props": [
        {
            "region_name": "south",
            "default_public_net": "sea",
            "private_net_proxy": {"host": "southern", "user": "me"},
        }
    ],
}


def site(region: str) -> Site:
    provider = OpenStackProvider.model_validate(
        {
            "name": "site",
            "auth_url": "https://keystone",
            "identity_providers": [{"endpoint": "https://iam/", "name": "iam"}],
            "regions": [{"name": "north"}, {"name": "south"}],
            "projects": [PROJECT],
        },
        strict=False,
    )
    sla = Sla(doc_uuid="s", start_date=date(2025, 1, 1), end_date=date(2099, 12, 31))
    chosen = next(one for one in provider.regions if one.name == region)
    return Site(provider, chosen, provider.projects[0], Agreement(sla, "physics", "https://iam/"))


def offer(region: str) -> networks.Offer:
    def network(name: str, *, is_external: bool) -> Any:
        found = {"id": name, "name": name, "status": "ACTIVE", "is_router_external": is_external}
        return SimpleNamespace(to_dict=lambda: found)

    listed = [network(name, is_external=name != "lan") for name in ("any", "lan", "sea", "wan")]
    cloud: Any = SimpleNamespace(network=SimpleNamespace(networks=lambda: listed))
    (call,) = [one for one in questions(site(region), cloud, "p") if one.parts == ("networks",)]
    return networks.offer(call.ask()["networks"], "openstack")


def test_the_defaults_of_a_region_go_before_those_of_the_project() -> None:
    north, south = offer("north"), offer("south")
    assert (north.public, north.private, north.proxy_host) == ("wan", "lan", "proxy")
    assert (south.public, south.private) == ("sea", "lan")
    assert (south.proxy_host, south.proxy_user) == ("southern", "me")
