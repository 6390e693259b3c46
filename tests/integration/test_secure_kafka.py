"""Every Kafka client with TLS and a login, and workers with TLS: against one real broker."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from support.certificates import Authority, Pair
from support.ports import free_port
from support.processes import ROOT, Process, WorkerProcess
from support.secure_kafka import PASSWORD, PORTS, USER, SecureKafka
from support.waiting import wait_until

from paas_stream.clients import kafka as clients
from paas_stream.secrets import new_key
from paas_stream.settings import KafkaSettings, Settings

pytestmark = pytest.mark.kafka

READY_S = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secure")


@pytest.fixture(scope="module")
def ca(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return Authority(folder, "stranger")


@pytest.fixture(scope="module")
def pair(ca: Authority) -> Pair:
    return ca.sign("worker")


@pytest.fixture(scope="module")
def broker(folder: Path, ca: Authority) -> Iterator[SecureKafka]:
    settings = Settings(
        state={"dir": folder / "state"}, kafka={"url": None, "port": free_port(PORTS)}
    )
    made = SecureKafka(settings, ca)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(broker: SecureKafka, ca: Authority, pair: Pair) -> Callable[..., KafkaSettings]:
    """`settings(listener, ...)`: what a client needs there, unless it is said otherwise."""

    def make(listener: str, **other: Any) -> KafkaSettings:
        given: dict[str, Any] = {
            "url": broker.address(listener),
            "security": "SSL" if listener == "MTLS" else listener,
            "ca": ca.file,
            "username": USER,
            "password": PASSWORD,
        }
        if listener == "MTLS":
            given |= {"cert": pair.cert, "key": pair.key}
        return KafkaSettings.model_validate(given | other)

    return make


def environment(settings: KafkaSettings) -> dict[str, str]:
    """The same settings for a process."""
    password = settings.password.get_secret_value() if settings.password else ""
    return {
        "PAAS_KAFKA_URL": settings.bootstrap,
        "PAAS_KAFKA_SECURITY": settings.security,
        "PAAS_KAFKA_CA": str(settings.ca or ""),
        "PAAS_KAFKA_CERT": str(settings.cert or ""),
        "PAAS_KAFKA_KEY": str(settings.key or ""),
        "PAAS_KAFKA_MECHANISM": settings.mechanism,
        "PAAS_KAFKA_USERNAME": settings.username or "",
        "PAAS_KAFKA_PASSWORD": password,
    }


ACCEPTED = [
    ("SSL", {}),
    ("MTLS", {}),
    ("SASL_SSL", {"mechanism": "PLAIN"}),
    ("SASL_SSL", {"mechanism": "SCRAM-SHA-256"}),
    ("SASL_SSL", {"mechanism": "SCRAM-SHA-512"}),
    ("SASL_PLAINTEXT", {"mechanism": "SCRAM-SHA-512"}),
    ("SASL_PLAINTEXT", {"mechanism": "PLAIN"}),
]


@pytest.mark.parametrize(("listener", "other"), ACCEPTED, ids=str)
async def test_a_client_that_has_what_the_broker_wants_is_let_in(
    settings: Callable[..., KafkaSettings], listener: str, other: dict[str, str]
) -> None:
    made = settings(listener, **other)
    assert await clients.refusal(made) is None
    options = clients.connection(made)
    producer, consumer = AIOKafkaProducer(**options), AIOKafkaConsumer(**options)
    for one in (producer, consumer):
        await asyncio.wait_for(one.start(), 20)
        await one.stop()


REFUSED = [
    ("SSL", "stranger", {}, "certificate.*PAAS_KAFKA_CA"),
    ("SASL_SSL", "stranger", {}, "certificate.*PAAS_KAFKA_CA"),
    ("SASL_SSL", "ca", {"password": "wrong"}, "login of 'paas' by SCRAM-SHA-512"),
    ("SASL_SSL", "ca", {"password": "wrong", "mechanism": "PLAIN"}, "login of 'paas' by PLAIN"),
    ("SASL_PLAINTEXT", "ca", {"username": "eve"}, "login of 'eve'"),
]


@pytest.mark.parametrize(("listener", "authority", "other", "why"), REFUSED, ids=str)
async def test_a_client_that_has_not_is_told_why(
    settings: Callable[..., KafkaSettings],
    request: pytest.FixtureRequest,
    listener: str,
    authority: str,
    other: dict[str, str],
    why: str,
) -> None:
    made = settings(listener, ca=request.getfixturevalue(authority).file, **other)
    found = await clients.fault(made, OSError())
    assert isinstance(found, clients.KafkaRefusedError)
    with pytest.raises(clients.KafkaRefusedError, match=why):
        raise found
    assert "wrong" not in found.message


async def test_a_broker_that_is_away_is_no_refusal(
    settings: Callable[..., KafkaSettings],
) -> None:
    """Nor is a port that does not speak TLS: a proxy whose broker is away looks alike."""
    for made in (
        settings("SSL", url=f"127.0.0.1:{free_port()}"),
        settings("SASL_PLAINTEXT", security="SASL_SSL"),
    ):
        found = await clients.fault(made, OSError())
        assert not isinstance(found, clients.KafkaRefusedError)
        assert "does not answer" in found.message
        assert f"does it speak {made.security}" in found.message


@pytest.mark.parametrize(
    "command",
    [
        ("topics", "tail", "template", "--no-follow"),
        ("topics", "describe", "template"),
        ("errors", "list"),
    ],
    ids=" ".join,
)
def test_commands_tell_a_refusal_in_a_sentence(
    settings: Callable[..., KafkaSettings], tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "paas_stream.cli.main", *command],
        env=dict(os.environ)
        | environment(settings("SASL_SSL", password="wrong"))
        | {"PAAS_STATE_DIR": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    text = done.stdout + done.stderr
    assert "login of 'paas'" in text
    assert "Traceback" not in text
    assert "wrong" not in text


class TestAWorker:
    """Its producer, consumer and admin client; and its REST API with TLS."""

    @pytest.fixture
    def make(self, tmp_path: Path, processes: list[Process]) -> Callable[..., WorkerProcess]:
        def worker(name: str, kafka: KafkaSettings, **more: str) -> WorkerProcess:
            own = environment(kafka) | {"PAAS_STREAM_ID": tmp_path.name, **more}
            made = WorkerProcess(name, tmp_path, kafka.bootstrap, own)
            processes.append(made)
            return made

        return worker

    async def test_whose_login_is_refused_says_so_and_ends(
        self, make: Callable[..., WorkerProcess], settings: Callable[..., KafkaSettings]
    ) -> None:
        worker = make("w0", settings("SASL_SSL", password="wrong-one"), PAAS_KAFKA_REFUSED_S="6")
        worker.start()

        def reason() -> str:
            status, _, body = worker.get("/readyz")
            return str(body["message"]) if status == 503 else ""

        told = await wait_until(lambda: "login" in reason() and reason(), 30, "/readyz tells why")
        assert "login of 'paas' by SCRAM-SHA-512" in str(told)
        assert await worker.exited(60) == 78
        assert "(REFUSED)" in worker.log
        assert "login of 'paas'" in worker.log
        assert "wrong-one" not in worker.log

    async def test_with_logins_and_mutual_tls_forwards_to_its_peer(
        self,
        make: Callable[..., WorkerProcess],
        settings: Callable[..., KafkaSettings],
        ca: Authority,
        tmp_path: Path,
    ) -> None:
        (tmp_path / "jwe.json").write_text(json.dumps({"keys": [new_key().as_dict(private=True)]}))
        tls = {"PAAS_TLS_CLIENTS": "required", "PAAS_TLS_LOOK_S": "0.2"}
        files = {"CA": ca.file, "CLIENT_CA": ca.file}
        workers = []
        for number, listener in enumerate(("SASL_SSL", "MTLS")):
            own = ca.sign(f"w{number}-of-{tmp_path.name}")
            files |= {"CERT": own.cert, "KEY": own.key}
            paths = {f"PAAS_TLS_{name}": str(file) for name, file in files.items()}
            worker = make(
                f"w{number}",
                settings(listener),
                PAAS_FEEDER_FILES=str(ROOT / "examples" / "federation.yaml"),
                DEMO_UNREACHABLE_USERNAME="nobody",
                DEMO_UNREACHABLE_PASSWORD="nothing",
                PAAS_IM_URL="http://127.0.0.1:9",
                PAAS_SECRET_SERVICE_KEY="of all workers",
                PAAS_SECRET_KEYS_FILE=str(tmp_path / "jwe.json"),
                **tls,
                **paths,
            )
            workers.append(worker)
            worker.start()
        mine = ca.sign("ada")
        session = requests.Session()
        session.trust_env = False  # authorities of the environment would be put before ours
        session.verify, session.cert = str(ca.file), mine.files
        urls = [f"https://127.0.0.1:{worker.port}" for worker in workers]

        def ready(url: str) -> bool:
            assert all(worker.is_running for worker in workers)
            try:
                return session.get(f"{url}/readyz", timeout=5).ok
            except requests.RequestException:
                return False

        for url in urls:
            await wait_until(lambda url=url: ready(url), READY_S, f"{url} is ready")
        with pytest.raises(requests.RequestException):
            requests.get(f"{urls[0]}/healthz", verify=str(ca.file), timeout=5)

        template = (ROOT / "examples" / "vm.yaml").read_text()
        uuids = []
        for number in range(6):
            answer = session.post(
                f"{urls[number % 2]}/deployments", json={"template": template, "parameters": {}}
            )
            assert answer.status_code == 201, answer.text
            assert answer.headers["Strict-Transport-Security"]
            uuids.append(answer.json()["uuid"])
        for uuid in uuids:
            for url in urls:  # the one that has it, and the one that forwards
                headers = {"X-Request-Id": f"{uuid}-{url[-5:]}"}
                answer = session.get(f"{url}/deployments/{uuid}", headers=headers)
                assert answer.status_code == 200, answer.text
                assert answer.headers["X-Request-Id"] == headers["X-Request-Id"]
                assert answer.json()["links"][0]["href"] == f"{url}/deployments/{uuid}"
        page = session.get(f"{urls[0]}/deployments").json()
        assert {one["uuid"] for one in page["content"]} == set(uuids)
        forged = session.get(f"{urls[0]}/deployments", headers={"X-Paas-Stream-Hop": "w1"})
        assert forged.status_code == 403

        def lines() -> list[dict[str, Any]]:
            texts = [line for worker in workers for line in worker.log.splitlines()]
            return [json.loads(one) for one in texts if one.startswith("{") and one.endswith("}")]

        def hops() -> list[dict[str, Any]]:
            found = [line for line in lines() if "hop" in line and line["status"] == 200]
            routes = {line["route"] for line in found}
            return found if routes >= {"/deployments/{uuid}", "/deployments"} else []

        # a line is written when its answer is already on its way
        forwarded = await wait_until(hops, 10, "both kinds of hop are in the access log")
        first = next(line for line in forwarded if line["route"] == "/deployments/{uuid}")

        def told_by() -> set[str]:
            return {one["worker"] for one in lines() if one["requestId"] == first["requestId"]}

        await wait_until(lambda: told_by() == {"w0", "w1"}, 10, "both workers name the request")

        probe = subprocess.run(
            [sys.executable, "-m", "k8s.probe", "/readyz"],
            env=dict(os.environ) | workers[0].environment,
            cwd=ROOT,
            check=False,
            timeout=20,
        )
        assert probe.returncode == 0
        command = subprocess.run(
            [sys.executable, "-m", "paas_stream.cli.main", "list"],
            env=dict(os.environ) | workers[1].environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert command.returncode == 0, command.stderr
        assert uuids[0] in command.stdout

        renewed = Authority(tmp_path, "next").sign(f"w0-of-{tmp_path.name}")
        own_cert, own_key = (
            Path(workers[0].environment[f"PAAS_TLS_{name}"]) for name in ("CERT", "KEY")
        )
        own_cert.write_bytes(renewed.cert.read_bytes())
        own_key.write_bytes(renewed.key.read_bytes())

        def renewed_is_shown() -> bool:
            try:
                fresh = requests.get(
                    f"{urls[0]}/healthz",
                    verify=str(tmp_path / "next.pem"),
                    cert=mine.files,
                    timeout=5,
                )
            except requests.RequestException:
                return False
            return fresh.ok

        await wait_until(renewed_is_shown, 30, "the new certificate is in force")
        for worker in workers:
            worker.sigterm()
        for worker in workers:
            assert await worker.exited(90) == 0
            assert PASSWORD not in worker.log
