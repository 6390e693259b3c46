"""`paas-stream up`: Kafka, IM and workers under one supervisor, and what it does when one is lost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.ports import free_port
from support.processes import Process
from support.stack import ROOT, until

from paas_stream.client import ApiError, Client
from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.local.supervisor import Worker
from paas_stream.settings import ImSettings, KafkaSettings, Settings, StateSettings
from paas_stream.web_settings import WebSettings

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

START_S = 150.0


class Up:
    """One `paas-stream up` in the foreground, with services of its own."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            state=StateSettings(dir=folder / "state"),
            kafka=KafkaSettings(port=free_port(2)),
            im=ImSettings(port=free_port()),
            web=WebSettings(port=free_port()),
        )
        environment = {
            "PAAS_STATE_DIR": str(self.settings.state.dir),
            "PAAS_KAFKA_PORT": str(self.settings.kafka.port),
            "PAAS_KAFKA_REQUEST_TIMEOUT_S": "10",
            "PAAS_WEB_SEND_TIMEOUT_S": "3",
            "PAAS_IM_PORT": str(self.settings.im.port),
            "PAAS_WEB_PORT": str(self.settings.web.port),
            "PAAS_STREAM_PARTITIONS": "2",
            "PAAS_FEEDER_FILES": f'["{ROOT / "examples" / "federation.yaml"}"]',
        }
        program = ["-m", "paas_stream.cli.main", "up"]
        self.process = Process("up", program, folder, environment)
        self.kafka = EmbeddedKafka(self.settings)
        self.im = EmbeddedIm(self.settings)
        self.worker = Worker(self.settings, 0)
        self.url = f"http://127.0.0.1:{self.settings.web.port}"
        self.client = Client(self.url)

    def submit(self) -> str:
        text = (ROOT / "examples" / "vm.yaml").read_text()
        return str(self.client.submit(text, {}, userGroup="demo")["uuid"])

    def status(self, uuid: str) -> str:
        try:
            return str(self.client.deployment(uuid)["status"])
        except ApiError:
            return ""

    def complete(self, uuid: str) -> None:
        until(lambda: self.status(uuid) == "CREATE_COMPLETE", 90, f"{uuid} is complete")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Everything is up."""
    made = Up(tmp_path_factory.mktemp("up"))
    made.process.start()
    try:
        until(made.client.is_ready, START_S, "everything is ready")
        yield made
    finally:
        if made.process.is_running:
            made.process.sigterm()
            made.process.wait_exit(120)
        print(made.process.log)


def killed(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_killed_worker_is_started_again_and_goes_on(up) -> None:
    uuid = up.submit()
    before = up.worker.process.pid()
    killed(before)
    until(lambda: up.worker.process.pid() not in (None, before), 30, "a new worker runs")
    up.complete(uuid)


def test_a_killed_im_is_started_again_and_deployments_go_on(up) -> None:
    killed(up.im.process.pid())
    uuid = up.submit()
    up.complete(uuid)


def test_a_lost_kafka_makes_a_post_answer_503_and_nothing_accepted_is_lost(up) -> None:
    accepted = [up.submit() for _ in range(3)]
    killed(up.kafka.process.pid())
    text = (ROOT / "examples" / "vm.yaml").read_text()
    try:
        answer = requests.post(f"{up.url}/deployments", json={"template": text}, timeout=30)
    except requests.ConnectionError:
        pass  # the worker has ended already, and is started again
    else:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert answer.json()["message"]
    for uuid in accepted:
        up.complete(uuid)
    until(up.client.is_ready, START_S, "everything is ready again")
    up.complete(up.submit())


def test_ctrl_c_stops_all_of_it(up) -> None:
    up.process.child.send_signal(signal.SIGINT)
    assert up.process.wait_exit(120) == 0
    assert up.worker.process.pid() is None
    assert not up.im.is_running()
    assert not up.kafka.is_running()
