"""Where a request came from: only trusted proxies are believed, and only their own part of the chain."""

import ipaddress

import pytest

from web import forwarded
from web.forwarded import Origin

DIRECT = Origin("10.0.0.1", "http", "paas:6066")
PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


def asked(direct: Origin = DIRECT, *, is_hop: bool = False, **headers: str) -> Origin:
    given = {f"X-Forwarded-{name}": value for name, value in headers.items()}
    return forwarded.origin(direct, given, PROXIES, is_hop=is_hop)


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.9.9.9", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7, 10.9.9.9, fd00::1", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("10.2.2.2", "10.2.2.2"),
        ("", "10.0.0.1"),
        ("nonsense", "10.0.0.1"),
        ("192.0.2.7, nonsense, 10.9.9.9", "10.9.9.9"),
        ("192.0.2.7\n", "192.0.2.7"),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_caller(chain: str, address: str) -> None:
    assert asked(For=chain).address == address


def test_the_url_is_the_one_that_the_proxy_was_asked_by() -> None:
    found = asked(For="192.0.2.7", Proto="https", Host="paas.example.org")
    assert found.base_url == "https://paas.example.org"


@pytest.mark.parametrize(
    "host", ["a/b", "a b", "", "a@b", "a" * 300, "a:123456", "[::1", "a\r\nX: y"]
)
def test_a_host_that_is_none_is_not_believed(host: str) -> None:
    assert asked(Host=host).host == DIRECT.host


@pytest.mark.parametrize("host", ["paas.example.org", "paas.example.org:8443", "[2001:db8::1]:443"])
def test_a_host_may_have_a_port(host: str) -> None:
    assert asked(Host=host).host == host


@pytest.mark.parametrize("scheme", ["ftp", "javascript", "", "https://x"])
def test_another_scheme_is_not_believed(scheme: str) -> None:
    assert asked(Proto=scheme).scheme == "http"


def test_of_several_proxies_the_nearest_one_is_believed() -> None:
    assert asked(Proto="http, https", Host="evil.example, paas.example.org").base_url == (
        "https://paas.example.org"
    )


def test_a_stranger_is_not_believed() -> None:
    stranger = Origin("192.0.2.7", "http", "paas:6066")
    assert asked(stranger, For="1.2.3.4", Proto="https", Host="evil.example") == stranger


def test_another_worker_is_believed_wherever_it_is() -> None:
    worker = Origin("192.0.2.7", "http", "w1:6066")
    found = asked(worker, is_hop=True, For="10.0.0.5", Proto="https", Host="paas.example.org")
    assert found == Origin("10.0.0.5", "https", "paas.example.org")


def test_an_ipv4_address_in_ipv6_form_is_the_same_proxy() -> None:
    mapped = Origin("::ffff:10.0.0.1", "http", "paas")
    assert asked(mapped, For="192.0.2.7").address == "192.0.2.7"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_limits_count_an_ipv6_network_as_one_caller(address: str, key: str) -> None:
    assert forwarded.network_key(address) == key
