"""What a project of a cloud offers, out of what its APIs answer."""

from typing import Any

import pytest

from paas_stream.selection import networks
from paas_stream.selection import openstack_parts as parts
from paas_stream.selection.provider_schema import Proxy


def flavor(**more: Any) -> dict[str, Any]:
    return {"id": "1", "name": "f", "vcpus": 1, "ram": 1024, "disk": 10, "extra_specs": {}} | more


def image(**more: Any) -> dict[str, Any]:
    return {"id": "1", "name": "i", "status": "active", "visibility": "public", "tags": []} | more


def network(**more: Any) -> dict[str, Any]:
    return {"id": "1", "name": "n", "status": "ACTIVE", "tags": []} | more


class TestFlavors:
    def test_that_are_disabled_are_left_out(self) -> None:
        assert parts.flavors([flavor(is_disabled=True)]) == ()

    @pytest.mark.parametrize("number", [None, "", "none", "-1", "0"])
    def test_without_a_number_of_gpus_have_none_whatever_else_is_told(self, number: Any) -> None:
        specs = {"gpu_number": number, "gpu_model": "A100", "gpu_vendor": "NVIDIA"}
        (found,) = parts.flavors([flavor(extra_specs=specs)])
        assert (found.gpus, found.gpu_model, found.gpu_vendor) == (0, None, None)

    @pytest.mark.parametrize(
        ("told", "is_there"), [("true", True), ("True", True), (True, True), ("no", False)]
    )
    def test_have_infiniband_where_it_is_told(self, told: Any, is_there: bool) -> None:
        (found,) = parts.flavors([flavor(extra_specs={"infiniband": told})])
        assert found.infiniband is is_there

    def test_without_extra_specs_are_plain_and_shared(self) -> None:
        (found,) = parts.flavors([flavor(extra_specs=None, is_public=None)])
        assert (found.gpus, found.is_shared) == (0, True)


class TestImages:
    @pytest.mark.parametrize("status", ["queued", "deactivated", "killed"])
    def test_that_are_not_active_are_left_out(self, status: str) -> None:
        assert parts.images([image(status=status)]) == ()

    @pytest.mark.parametrize(
        ("visibility", "is_shared"),
        [("public", True), ("community", True), ("shared", False), ("private", False)],
    )
    def test_are_shared_by_their_visibility(self, visibility: str, is_shared: bool) -> None:
        assert parts.images([image(visibility=visibility)])[0].is_shared is is_shared

    def test_without_a_name_have_their_id(self) -> None:
        assert parts.images([image(name=None)])[0].name == "1"

    def test_are_chosen_by_any_of_the_tags(self) -> None:
        listed = [
            image(id="1", tags=["a"]),
            image(id="2", tags=["b", "c"]),
            image(id="3", tags=None),
        ]
        assert [one.iaas_uuid for one in parts.images(listed, ["a", "c"])] == ["1", "2"]


class TestNetworks:
    @pytest.mark.parametrize(("status", "number"), [("active", 1), ("ACTIVE", 1), ("DOWN", 0)])
    def test_are_those_that_are_active_in_any_case(self, status: str, number: int) -> None:
        assert len(parts.networks([network(status=status)])) == number

    def test_that_the_file_names_need_no_tag(self) -> None:
        listed = [network(id="1", name="mine"), network(id="2", name="other")]
        (found,) = parts.networks(listed, ["tag"], private="mine")
        assert (found.name, found.is_default) == ("mine", True)

    def test_that_are_private_are_reached_by_the_proxy(self) -> None:
        listed = [network(name="in"), network(name="out", is_router_external=True)]
        inner, outer = parts.networks(listed, proxy=Proxy(host="h", user="u"))
        assert (inner.proxy_host, inner.proxy_user, outer.proxy_host) == ("h", "u", None)

    def test_the_files_default_private_network_is_private_though_shared(self) -> None:
        listed = [
            network(id="1", name="lan", is_shared=True, is_default=True),
            network(id="2", name="own"),
            network(id="3", name="wan", is_router_external=True),
        ]
        found = parts.networks(listed, private="lan", proxy=Proxy(host="h"))
        offer = networks.offer(found, "openstack")
        assert (offer.public, offer.private, offer.proxy_host) == ("wan", "lan", "h")
        # whoever takes a shared default network for a public one is not told that it is one
        assert [one.is_default for one in found] == [False, False, False]

    def test_the_files_default_public_network_is_public_though_neither_external_nor_shared(
        self,
    ) -> None:
        listed = [
            network(id="1", name="routed"),
            network(id="2", name="own"),
            network(id="3", name="wan", is_router_external=True, is_default=True),
        ]
        offer = networks.offer(parts.networks(listed, public="routed"), "openstack")
        assert (offer.public, offer.private) == ("routed", "own")

    def test_that_the_file_names_for_both_are_what_they_are(self) -> None:
        listed = [network(name="net"), network(id="2", name="wan", is_router_external=True)]
        offer = networks.offer(parts.networks(listed, public="net", private="net"), "openstack")
        assert (offer.public, offer.private) == ("wan", "net")

    def test_that_are_private_by_the_file_are_reached_by_the_proxy_though_external(self) -> None:
        listed = [network(name="net", is_router_external=True)]
        (found,) = parts.networks(listed, private="net", proxy=Proxy(host="h"))
        assert found.proxy_host == "h"

    def test_that_say_nothing_of_a_default_are_none(self) -> None:
        assert parts.networks([network(is_default=None)])[0].is_default is False


class TestQuotas:
    def test_are_limits_and_usage(self) -> None:
        found = {"cores": 40, "ram": -1, "instances": None, "usage": {"cores": 6, "ram": 1024}}
        limits, usage = parts.compute_quotas(found)
        assert (limits.cores, limits.ram, limits.instances, limits.usage) == (40, -1, None, False)
        assert (usage.cores, usage.ram, usage.usage) == (6, 1024, True)

    def test_of_networks_have_details(self) -> None:
        limits, usage = parts.networking_quotas({"floating_ips": {"limit": 5, "used": 2}})
        assert (limits.public_ips, usage.public_ips) == (5, 2)

    @pytest.mark.parametrize("found", [{}, {"floating_ips": 5}, {"floating_ips": None}])
    def test_without_details_bound_nothing(self, found: dict[str, Any]) -> None:
        limits, usage = parts.networking_quotas(found)
        assert (limits.public_ips, usage.public_ips) == (None, None)
