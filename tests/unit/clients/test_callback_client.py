"""What the callback client sends, and what it makes of receivers that misbehave."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.certificates import Authority
from support.ports import free_port
from support.receiver import Receiver

from paas_stream import __version__
from paas_stream.clients import callbacks
from paas_stream.clients.callback_guard import RefusedTargetError
from paas_stream.clients.callbacks import CallbackClient, signature
from paas_stream.errors import ConfigurationError, PermanentError, TemporaryError
from paas_stream.web_settings import CallbackSettings

NOW = 1_800_000_000.5
BODY = b'{"uuid":"u"}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def client(**settings: Any) -> CallbackClient:
    """A client that may call loopback."""
    return CallbackClient(
        CallbackSettings.model_validate({"allow": ["127.0.0.0/8"], "timeout_s": 10.0} | settings)
    )


async def post(to: str, **settings: Any) -> None:
    await client(**settings).post(to, "u.1", BODY, NOW)


async def test_the_body_comes_with_its_event_and_a_signature(receiver: Receiver) -> None:
    await post(receiver.url + "?token=mine", secret="key")
    (came,) = receiver.came
    assert (came.path, came.body) == ("/hook?token=mine", BODY)
    assert came.headers["Content-Type"] == "application/json"
    assert came.headers["User-Agent"] == f"paas-stream/{__version__}"
    assert came.event == "u.1"
    assert came.headers["X-Paas-Stream-Timestamp"] == "1800000000"
    assert came.headers["X-Paas-Stream-Signature"] == signature(b"key", "u.1", 1800000000, BODY)


async def test_without_a_secret_there_is_no_signature(receiver: Receiver) -> None:
    await post(receiver.url)
    assert "X-Paas-Stream-Signature" not in receiver.came[0].headers


def test_the_signature_covers_all_that_matters() -> None:
    parts: list[Any] = [b"key", "u.1", 1, b"body"]
    others: list[Any] = [b"other", "u.2", 2, b"ody"]
    made = {signature(*parts)}
    for place in range(4):
        changed = [*parts[:place], others[place], *parts[place + 1 :]]
        made.add(signature(*changed))
    assert len(made) == 5


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success_is_enough(receiver: Receiver, status: int) -> None:
    receiver.status = status
    await post(receiver.url)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
async def test_a_refusal_is_final(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(PermanentError, match=f"it answered {status}"):
        await post(receiver.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504])
async def test_other_answers_may_pass_and_no_redirect_is_followed(
    receiver: Receiver, status: int
) -> None:
    receiver.status = status
    receiver.headers["Location"] = receiver.url + "/elsewhere"
    with pytest.raises(TemporaryError, match=f"it answered {status}"):
        await post(receiver.url)
    assert len(receiver.came) == 1


@pytest.mark.parametrize(
    ("said", "waited"),
    [("120", 120.0), ("999999", 3600.0), ("-1", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
async def test_the_receiver_says_when_to_come_again_within_bounds(
    receiver: Receiver, said: str, waited: float | None
) -> None:
    receiver.status = 503
    receiver.headers["Retry-After"] = said
    with pytest.raises(TemporaryError) as caught:
        await post(receiver.url)
    assert caught.value.delay_s == waited


async def test_a_receiver_that_hangs_is_left_after_the_time_out(receiver: Receiver) -> None:
    receiver.status = 0
    begun = time.monotonic()
    with pytest.raises(TemporaryError, match=r"did not answer within 0\.3 s"):
        await post(receiver.url, timeout_s=0.3)
    assert time.monotonic() - begun < 5


async def test_a_long_answer_is_not_read(receiver: Receiver) -> None:
    receiver.content = b"x" * 50_000_000
    begun = time.monotonic()
    await post(receiver.url)
    assert time.monotonic() - begun < 5


async def test_nobody_there_may_pass() -> None:
    with pytest.raises(TemporaryError, match="it cannot be connected to"):
        await post(f"http://127.0.0.1:{free_port()}/")


async def test_a_name_that_does_not_exist_may_pass() -> None:
    with pytest.raises(TemporaryError, match="its name cannot be resolved"):
        await post("http://there-is-none.invalid/")
    with pytest.raises(TemporaryError, match="its name cannot be resolved"):
        await post(f"http://{'x' * 70}.invalid/")


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    async def test_a_target_with_a_certificate_of_a_known_authority_is_called(
        self, authority: Authority
    ) -> None:
        with Receiver(certificate=authority.sign("target")) as receiver:
            await post(receiver.url, ca=str(authority.file))
            assert receiver.came[0].body == BODY

    @pytest.mark.parametrize("fault", ["authority", "address"])
    async def test_any_other_is_not_told_anything(
        self, authority: Authority, tmp_path: Path, fault: str
    ) -> None:
        address = "127.0.0.2" if fault == "address" else "127.0.0.1"
        known = authority if fault == "address" else Authority(tmp_path, "another")
        with Receiver(certificate=authority.sign("target", address=address)) as receiver:
            with pytest.raises(TemporaryError, match="its certificate is not valid"):
                await post(receiver.url, ca=str(known.file))
            assert receiver.came == []

    def test_a_file_without_authorities_is_a_fault_of_the_configuration(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigurationError):
            client(ca=str(tmp_path / "nothing.pem"))


async def test_what_speaks_no_tls_may_pass(receiver: Receiver) -> None:
    with pytest.raises(TemporaryError, match=r"TLS|connect"):
        await post(receiver.url.replace("http:", "https:"))
    assert receiver.came == []


async def test_an_inner_address_is_refused_before_anything_is_sent(receiver: Receiver) -> None:
    with pytest.raises(RefusedTargetError):
        await post(receiver.url, allow=[])
    assert receiver.came == []


async def test_a_name_that_resolves_to_the_inside_is_refused_at_connect_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server says what it likes, and something else each time: DNS rebinding."""
    asked: list[str] = []

    def resolve(host: str, port: int, family: int, kind: int) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(callbacks.socket, "getaddrinfo", resolve)
    url = receiver.url.replace("127.0.0.1", "rebinding.example.org")
    with pytest.raises(RefusedTargetError, match="leads to an address that is not public"):
        await post(url, allow=[])
    assert asked == ["rebinding.example.org"]
    assert receiver.came == []
    await post(url, allow=["rebinding.example.org"])
    assert len(receiver.came) == 1


async def test_a_proxy_is_used_only_when_it_is_set(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        await post(receiver.url)
        assert (len(receiver.came), len(proxy.came)) == (1, 0)
        await post("http://client.example.org/x", proxy=f"http://127.0.0.1:{proxy.port}")
        assert proxy.came[0].path == "http://client.example.org/x"


def test_a_network_that_is_none_is_refused_with_the_settings() -> None:
    with pytest.raises(ValidationError):
        CallbackSettings(allow=["10.0.0.0/99"])
