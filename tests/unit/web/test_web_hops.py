"""Requests between workers: nobody else can make one, change one, or keep one for later."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from paas_stream.access import Caller
from web import hops
from web.forwarded import Origin

TARGET = URL("http://w1:6066/deployments?page=1&q=%26", encoded=True)
ORIGIN = Origin("192.0.2.7", "https", "paas.example.org")
ANNA = Caller("https://iam.example.org/", "anna", "Anna", ("physics", "übung"), is_admin=False)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hops, "vault", lambda: SimpleNamespace(hop_key=b"of all workers"))


@pytest.fixture(autouse=True)
def anna() -> Iterator[None]:
    """The caller whose request is being answered."""
    before = hops.current.set(ANNA)
    yield
    hops.current.reset(before)


def received(
    headers: dict[str, str],
    method: str = "GET",
    path: str = TARGET.raw_path_qs,
    body: bytes = b"",
) -> Any:
    request = make_mocked_request(method, path, headers=headers)
    request._read_bytes = body
    return request


def test_what_a_worker_asks_is_a_hop() -> None:
    assert hops.is_hop(received(hops.headers("GET", TARGET)))
    assert hops.is_hop(received(hops.headers("GET", TARGET, ORIGIN)))


def test_what_others_ask_is_none() -> None:
    assert not hops.is_hop(received({}))


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Paas-Stream-Hop": "another"},
        {"X-Paas-Stream-Proof": ""},
        {"X-Paas-Stream-Proof": "1"},
        {"X-Paas-Stream-Proof": f"{int(time.time())}.{'0' * 64}"},
        {"X-Paas-Stream-Proof": "é.é"},
        {"X-Paas-Stream-Caller": "e30="},
        {"X-Paas-Stream-Body": "0" * 64},
        {"X-Forwarded-For": "10.0.0.1"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "http"},
    ],
    ids="".join,
)
def test_what_was_changed_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(PermissionError):
        hops.is_hop(received(hops.headers("GET", TARGET, ORIGIN) | changed))


@pytest.mark.parametrize(("method", "path"), [("DELETE", TARGET.raw_path_qs), ("GET", "/other")])
def test_a_proof_is_for_one_request_only(method: str, path: str) -> None:
    with pytest.raises(PermissionError):
        hops.is_hop(received(hops.headers("GET", TARGET), method, path))


@pytest.mark.parametrize("later_s", [-200, 200])
def test_a_proof_is_for_a_short_time_only(monkeypatch: pytest.MonkeyPatch, later_s: int) -> None:
    made, now = hops.headers("GET", TARGET), time.time()
    monkeypatch.setattr(time, "time", lambda: now + later_s)
    with pytest.raises(PermissionError, match="clocks"):
        hops.is_hop(received(made))


def test_another_application_s_proof_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = hops.headers("GET", TARGET)
    monkeypatch.setattr(hops, "vault", lambda: SimpleNamespace(hop_key=b"of others"))
    with pytest.raises(PermissionError):
        hops.is_hop(received(made))


class TestTheCaller:
    @pytest.mark.parametrize("caller", [ANNA, Caller("urn:x", "a", groups=None, is_admin=True)])
    async def test_comes_with_the_request(self, caller: Caller) -> None:
        hops.current.set(caller)
        assert await hops.caller(received(hops.headers("GET", TARGET))) == caller

    async def test_is_needed(self) -> None:
        hops.current.set(None)
        with pytest.raises(hops.ForgedHopError, match="nobody"):
            await hops.caller(received(hops.headers("GET", TARGET)))

    async def test_is_not_taken_with_another_body(self) -> None:
        made = hops.headers("PUT", TARGET, body=b"{}")
        assert await hops.caller(received(made, "PUT", body=b"{}")) == ANNA
        with pytest.raises(hops.ForgedHopError, match="body"):
            await hops.caller(received(made, "PUT", body=b"[]"))
