"""Where callbacks may go, however the address is written."""

import socket

import pytest

from paas_stream.clients.callback_guard import CallbackGuard, Door, RefusedTargetError

CLOSED = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",  # metadata of most clouds
    "168.63.129.16",  # of Azure
    "100.100.100.200",  # of Alibaba, in the carriers' range
    "192.0.0.192",  # of Oracle
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",  # Amazon's metadata
    "[ff02::1]",
    "[100::1]",
]
DISGUISED = [
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "0",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "134744072",  # a public one, in a form that only an attacker uses
    "localhost",
    "LocalHost",
    "localhost.",
    "service.localhost",
]
OPEN = ["8.8.8.8", "1.1.1.1", "[2606:4700::1111]", "[64:ff9b::808:808]", "client.example.org"]


@pytest.fixture
def guard() -> CallbackGuard:
    return CallbackGuard()


@pytest.mark.parametrize("host", [*CLOSED, *DISGUISED])
def test_what_is_not_public_is_refused(guard: CallbackGuard, host: str) -> None:
    for url in (f"http://{host}/", f"https://user:pass@{host}:8443/x?y#z"):
        with pytest.raises(RefusedTargetError):
            guard.check(url)


@pytest.mark.parametrize("host", OPEN)
def test_what_is_public_may_be_called(guard: CallbackGuard, host: str) -> None:
    assert str(guard.check(f"https://{host}/hook")) == f"https://{host}/hook"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http:",
        "http://",
        "http:///x",
        "http:8.8.8.8/",
        "https:client.example.org",
        "ftp://client.example.org/",
        "file:///etc/passwd",
        "gopher://client.example.org/",
        "//client.example.org/",
        "http://[::",
        "http://client.example.org:99999/",
        "http://client.example.org:x/",
        "https://xn--/",
        "http://client.example.org/" + "x" * 2048,
    ],
)
def test_what_is_no_url_of_the_web_is_refused(guard: CallbackGuard, url: str) -> None:
    with pytest.raises(RefusedTargetError):
        guard.check(url)


@pytest.mark.parametrize(
    ("ports", "port", "is_open"),
    [
        ((), 80, True),
        ((), 443, True),
        ((), 22, False),
        ((), 25, False),
        ((), 1023, False),
        ((), 1024, True),
        ((), 8443, True),
        ((443,), 443, True),
        ((443,), 8443, False),
        ((25,), 25, True),
    ],
)
def test_ports_of_other_services_are_closed(
    ports: tuple[int, ...], port: int, is_open: bool
) -> None:
    guard, url = CallbackGuard(ports=ports), f"http://client.example.org:{port}/"
    if is_open:
        guard.check(url)
    else:
        with pytest.raises(RefusedTargetError, match=f"port {port} "):
            guard.check(url)


@pytest.mark.parametrize(
    ("allow", "host", "is_open"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.0.1", False),
        ("10.1.0.0/16", "[::ffff:10.1.2.3]", True),
        ("10.1.2.3/16", "10.1.9.9", True),
        ("fd00::/8", "[fd12::1]", True),
        ("::1", "[::1]", True),
        ("hooks.internal", "hooks.internal", True),
        ("localhost", "LOCALHOST.", True),
        ("localhost", "127.0.0.1", False),
    ],
)
def test_the_operator_may_allow_more(allow: str, host: str, is_open: bool) -> None:
    guard, url = CallbackGuard([allow]), f"http://{host}/"
    if is_open:
        guard.check(url)
    else:
        with pytest.raises(RefusedTargetError):
            guard.check(url)


def through(door: Door, address: str) -> bool:
    """Whether a socket is made for an address to which a name has resolved."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        door((family, socket.SOCK_STREAM, 0, "", (address, 80))).close()
    except PermissionError:
        return False
    return True


@pytest.mark.parametrize("address", [one.strip("[]").replace("%25", "%") for one in CLOSED])
def test_a_name_that_leads_inside_is_noticed_when_the_socket_is_made(
    guard: CallbackGuard, address: str
) -> None:
    door = Door(guard, "client.example.org")
    assert not through(door, address)
    assert door.is_closed
    assert through(door, "8.8.8.8")
    assert not door.is_closed, "one of its addresses is public"


def test_a_name_leads_to_what_is_public_or_allowed(guard: CallbackGuard) -> None:
    assert through(Door(guard, "client.example.org"), "8.8.8.8")
    assert not through(Door(CallbackGuard(["hooks.internal"]), "client.example.org"), "10.0.0.1")
    assert through(Door(CallbackGuard(["hooks.internal"]), "hooks.internal"), "10.0.0.1")
    assert through(Door(CallbackGuard(["10.0.0.0/8"]), "client.example.org"), "10.0.0.1")
