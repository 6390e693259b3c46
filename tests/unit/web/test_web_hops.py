"""Requests between workers: signed for one request, one caller and a short time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import OctKey
from yarl import URL

from paas_stream.access import Caller
from paas_stream.secrets import Vault, load_vault
from paas_stream.settings import Settings
from web import hops

ANNA = Caller("https://iam.example.org/", "anna", "Anna", ("physics", "übung"), is_admin=False)
PATH = "/deployments/u?a=1&b=%2C%40%26"

Ask = Callable[..., Awaitable[Caller | str]]


@pytest.fixture(autouse=True)
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    made = load_vault(Settings.model_validate({"state": {"dir": tmp_path}}))
    monkeypatch.setattr(hops, "vault", lambda: made)
    return made


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Sends a request to another worker; whom that takes for the caller, or why it refuses."""
    found: list[Caller | str] = []

    async def other(request: web.Request) -> web.Response:
        try:
            found.append(await hops.verify(request))
        except hops.ForgedHopError as exc:
            found.append(str(exc))
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", other)
    async with TestClient(TestServer(app)) as client:

        async def send(
            header: str, method: str = "GET", path: str = PATH, body: bytes = b""
        ) -> Caller | str:
            url = URL(path, encoded=True)
            await client.request(method, url, data=body, headers={hops.HOP: header})
            return found.pop()

        yield send


def signed(
    method: str = "GET", path: str = PATH, body: bytes = b"", caller: Caller | None = ANNA
) -> str:
    """The header as a worker makes it for this caller."""
    before = hops.current.set(caller)
    try:
        return hops.sign(method, URL(f"http://w1{path}", encoded=True), body)
    finally:
        hops.current.reset(before)


def claims(vault: Vault) -> dict[str, Any]:
    """The claims of a good header."""
    key = OctKey.import_key(vault.hop_key())
    return dict(jwt.decode(signed(), key, algorithms=["HS256"]).claims)


async def test_a_request_of_a_worker_brings_its_caller(ask: Ask) -> None:
    assert await ask(signed()) == ANNA


async def test_a_caller_without_login_stays_one(ask: Ask) -> None:
    someone = Caller("urn:x", "a", groups=None, is_admin=True)
    assert await ask(signed(caller=someone)) == someone


async def test_a_request_of_nobody_is_refused(ask: Ask) -> None:
    assert await ask(signed(caller=None)) == "the request is nobody's"


async def test_a_body_is_signed_too(ask: Ask) -> None:
    header = signed("PUT", body=b"{}")
    assert await ask(header, "PUT", body=b"{}") == ANNA
    assert await ask(header, "PUT", body=b"[]") == "the signature is for another request"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", PATH),
        ("GET", PATH.replace("/u", "/v")),
        ("GET", PATH.replace("a=1", "a=2")),
        ("GET", "/deployments/u"),
    ],
)
async def test_a_signature_is_good_for_one_request_only(ask: Ask, method: str, path: str) -> None:
    assert await ask(signed(), method, path) == "the signature is for another request"


async def test_a_signature_is_soon_too_old(ask: Ask) -> None:
    header, now = signed(), time.time()
    with time_machine.travel(now + hops.LIFE_S + 25, tick=False):
        assert await ask(header) == ANNA  # clocks of workers may differ
    with time_machine.travel(now + hops.LIFE_S + 35, tick=False):
        assert await ask(header) == "the request does not come from a worker"


@pytest.mark.parametrize("missing", ["iat", "exp"])
async def test_a_signature_without_a_time_is_refused(ask: Ask, vault: Vault, missing: str) -> None:
    given = claims(vault)
    del given[missing]
    header = jwt.encode({"alg": "HS256"}, given, OctKey.import_key(vault.hop_key()))
    assert await ask(header) == "the request does not come from a worker"


async def test_a_request_that_is_signed_with_another_key_is_refused(ask: Ask, vault: Vault) -> None:
    for key in (b"another key of thirty-two bytes!", vault.service_key):
        header = jwt.encode({"alg": "HS256"}, claims(vault), OctKey.import_key(key))
        assert await ask(header) == "the request does not come from a worker"


@pytest.mark.parametrize("header", ["w0", "", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_signature_is_refused(ask: Ask, header: str) -> None:
    assert await ask(header) == "the request does not come from a worker"
