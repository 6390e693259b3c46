"""TLS: who is let in, and certificates that change while the server runs."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError
from support.certificates import Authority, Pair
from support.ports import free_port

from paas_stream.client import Client, Tls
from paas_stream.errors import ConfigurationError
from paas_stream.tls import Certificates, certificates, client_context
from paas_stream.web_settings import TlsSettings

Serve = Callable[..., Awaitable["Server"]]


class Server:
    """A server with certificates; each request is a connection of its own."""

    def __init__(self, port: int, certificates: Certificates) -> None:
        self.port = port
        self.certificates = certificates

    async def ask(self, context: ssl.SSLContext) -> str:
        """The subject of the client's certificate, as the server sees it."""
        connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"https://127.0.0.1:{self.port}/") as answer,
        ):
            return await answer.text()


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(ca: Authority) -> Pair:
    return ca.sign("worker")


@pytest.fixture
async def serve(pair: Pair) -> AsyncIterator[Serve]:
    """`await serve(clients="required", client_ca=...)`: a server with these settings."""

    async def who(request: web.Request) -> web.Response:
        assert request.transport is not None
        shown: Any = request.transport.get_extra_info("peercert") or {}
        return web.Response(text=str(dict(one[0] for one in shown.get("subject", ()))))

    runners: list[web.AppRunner] = []

    async def start(**settings: Any) -> Server:
        made = Certificates(TlsSettings(cert=pair.cert, key=pair.key, **settings))
        application = web.Application()
        application.router.add_get("/{path:.*}", who)
        runner = web.AppRunner(application)
        runners.append(runner)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=made.server).start()
        return Server(port, made)

    yield start
    for runner in runners:
        await runner.cleanup()


class TestAClient:
    async def test_that_knows_the_authority_is_answered(self, serve: Serve, ca: Authority) -> None:
        server = await serve()
        assert await server.ask(client_context(ca.file, None, None)) == "{}"

    async def test_that_knows_another_authority_refuses(self, serve: Serve, tmp_path: Path) -> None:
        server = await serve()
        stranger = Authority(tmp_path, "stranger")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await server.ask(client_context(stranger.file, None, None))

    async def test_of_an_old_protocol_is_refused(self, serve: Serve, ca: Authority) -> None:
        server = await serve()
        old = client_context(ca.file, None, None)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.raises(aiohttp.ClientConnectionError):
            await server.ask(old)


class TestTheClientOfTheCommands:
    async def test_shows_its_certificate_and_checks_the_worker_s(
        self, serve: Serve, ca: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path, "of-the-machine").file))
        server = await serve(clients="required", client_ca=ca.file)
        url, mine = f"https://127.0.0.1:{server.port}", ca.sign("ada")
        settings = TlsSettings(ca=ca.file, cert=mine.cert, key=mine.key)
        shown = Client(url, tls=Tls.of(settings))
        assert await asyncio.to_thread(shown.is_ready)
        for tls in (None, Tls(ca=str(ca.file)), Tls(pair=mine.files)):
            refused = Client(url, tls=tls)
            assert not await asyncio.to_thread(refused.is_ready)


class TestAClientS:
    """Certificates of clients."""

    async def test_certificate_is_required(
        self, serve: Serve, ca: Authority, pair: Pair, tmp_path: Path
    ) -> None:
        server = await serve(clients="required", client_ca=ca.file)
        mine = ca.sign("ada")
        answer = await server.ask(client_context(ca.file, mine.cert, mine.key))
        assert answer == "{'commonName': 'ada'}"
        theirs = Authority(tmp_path, "stranger").sign("eve")
        for shown in (None, theirs):
            cert, key = (shown.cert, shown.key) if shown else (None, None)
            with pytest.raises(aiohttp.ClientConnectionError):
                await server.ask(client_context(ca.file, cert, key))

    async def test_certificate_is_optional_but_checked(
        self, serve: Serve, ca: Authority, tmp_path: Path
    ) -> None:
        server = await serve(clients="optional", client_ca=ca.file)
        assert await server.ask(client_context(ca.file, None, None)) == "{}"
        theirs = Authority(tmp_path, "stranger").sign("eve")
        with pytest.raises(aiohttp.ClientConnectionError):
            await server.ask(client_context(ca.file, theirs.cert, theirs.key))


class TestChangedFiles:
    async def test_are_in_force_for_the_next_connection(
        self, serve: Serve, ca: Authority, pair: Pair, tmp_path: Path
    ) -> None:
        server = await serve()
        before = client_context(ca.file, None, None)
        await server.ask(before)
        other = Authority(tmp_path, "next")
        renewed = other.sign("renewed")
        shutil.copyfile(renewed.cert, pair.cert)
        shutil.copyfile(renewed.key, pair.key)
        assert await asyncio.to_thread(server.certificates.refresh)
        assert await server.ask(client_context(other.file, None, None)) == "{}"
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await server.ask(before)

    async def test_take_an_authority_of_clients_out_of_force(
        self, serve: Serve, ca: Authority, tmp_path: Path
    ) -> None:
        allowed = tmp_path / "allowed.pem"
        old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
        shutil.copyfile(old.file, allowed)
        server = await serve(clients="required", client_ca=allowed)
        with_old, with_new = (
            client_context(ca.file, one.cert, one.key)
            for one in (old.sign("of-old"), new.sign("of-new"))
        )
        assert "of-old" in await server.ask(with_old)
        shutil.copyfile(new.file, allowed)
        assert server.certificates.refresh()
        assert "of-new" in await server.ask(with_new)
        with pytest.raises(aiohttp.ClientConnectionError):
            await server.ask(with_old)

    async def test_that_are_half_written_change_nothing_yet(
        self, serve: Serve, ca: Authority, pair: Pair, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = await serve()
        renewed = ca.sign("renewed")
        shutil.copyfile(renewed.cert, pair.cert)
        assert not server.certificates.refresh()
        assert "stay in use" in caplog.text
        assert await server.ask(client_context(ca.file, None, None)) == "{}"
        shutil.copyfile(renewed.key, pair.key)
        assert server.certificates.refresh()

    async def test_that_are_gone_change_nothing(
        self, serve: Serve, ca: Authority, pair: Pair
    ) -> None:
        server = await serve()
        pair.cert.unlink()
        assert not server.certificates.refresh()
        assert await server.ask(client_context(ca.file, None, None)) == "{}"

    def test_are_not_read_while_they_stay_the_same(self, pair: Pair) -> None:
        made = Certificates(TlsSettings(cert=pair.cert, key=pair.key))
        before = made.client
        assert not made.refresh()
        assert made.client is before

    def test_are_shown_to_other_workers_too(self, ca: Authority, pair: Pair) -> None:
        made = Certificates(TlsSettings(cert=pair.cert, key=pair.key, ca=ca.file))
        before = made.client
        ca.sign("worker")
        assert made.refresh()
        assert made.client is not before


class TestSettings:
    def test_without_a_certificate_there_is_no_tls(self) -> None:
        assert certificates(TlsSettings()) is None
        assert TlsSettings().scheme == "http"

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"cert": "a"}, "PAAS_TLS_KEY"),
            ({"key": "a"}, "PAAS_TLS_CERT"),
            ({"clients": "required"}, "PAAS_TLS_CLIENT_CA"),
            ({"clients": "optional", "cert": "a", "key": "a"}, "PAAS_TLS_CLIENT_CA"),
        ],
    )
    def test_that_are_half_given_are_refused(self, given: dict[str, str], named: str) -> None:
        with pytest.raises(ValidationError, match=named):
            TlsSettings.model_validate(given)

    def test_that_name_other_files_are_refused_in_a_sentence(
        self, tmp_path: Path, pair: Pair, ca: Authority
    ) -> None:
        text = tmp_path / "text.pem"
        text.write_text("no certificate")
        stranger = ca.sign("stranger")
        wrong: list[dict[str, Path]] = [
            {"cert": tmp_path / "missing", "key": pair.key},
            {"cert": text, "key": pair.key},
            {"cert": pair.cert, "key": stranger.key},
            {"cert": pair.cert, "key": pair.key, "ca": text},
            {"cert": pair.cert, "key": pair.key, "client_ca": text, "clients": "required"},  # type: ignore[dict-item]
        ]
        for given in wrong:
            with pytest.raises(ConfigurationError) as caught:
                Certificates(TlsSettings.model_validate(given))
            assert str(tmp_path) in caught.value.message

    def test_an_encrypted_key_is_refused_without_a_question(
        self, tmp_path: Path, pair: Pair
    ) -> None:
        from cryptography.hazmat.primitives import serialization

        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
        with pytest.raises(ConfigurationError, match="encrypted"):
            Certificates(TlsSettings(cert=pair.cert, key=pair.key))
