"""The real Kafka and the real IM, started and stopped by the commands people use."""

import asyncio
import http.client
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from click.testing import CliRunner, Result
from support.ports import free_port

from paas_stream.cli import services
from paas_stream.errors import ConfigurationError
from paas_stream.local.im import EmbeddedIm, served_version
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.local.processes import wait_until
from paas_stream.settings import get_settings

TIMEOUT_S = 30.0
TEMPLATE = """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    node:
      type: tosca.nodes.Compute
      capabilities:
        host:
          properties: {num_cpus: 1, mem_size: 1 GB}
"""

Command = Callable[..., Result]


@pytest.fixture
def on_free_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of services that disturb nothing else on this machine."""
    for name in ("PAAS_KAFKA_URL", "PAAS_IM_URL"):
        monkeypatch.delenv(name, raising=False)
    port = free_port(2)
    monkeypatch.setenv("PAAS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("PAAS_KAFKA_PORT", str(port))
    monkeypatch.setenv("PAAS_IM_PORT", str(port))
    get_settings.cache_clear()
    yield
    EmbeddedKafka(get_settings()).stop()
    EmbeddedIm(get_settings()).stop()
    get_settings.cache_clear()


def commands(group: click.Group) -> Command:
    def call(*arguments: str, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(group, arguments, catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result

    return call


def pid_in(result: Result) -> int:
    found = re.search(r"\(pid (\d+)\)", result.output)
    assert found is not None, result.output
    return int(found[1])


async def write_to_new_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("letters", 1, 1)])
        await producer.start()
        await producer.send_and_wait("letters", b"hello")
    finally:
        await producer.stop()
        await admin.close()


async def first_record(bootstrap: str) -> bytes | None:
    consumer = AIOKafkaConsumer(
        "letters", bootstrap_servers=bootstrap, group_id="reader", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), TIMEOUT_S)).value
        return value
    finally:
        await consumer.stop()


def ask_im(method: str, path: str, user: tuple[str, str], body: str | None = None) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", get_settings().im.port, timeout=TIMEOUT_S)
    im = f"type = InfrastructureManager; username = {user[0]}; password = {user[1]}"
    headers = {
        "Authorization": rf"{im}\nid = dummy; type = Dummy",
        "Content-Type": "text/yaml",
        "Accept": "application/json",
    }
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text
    finally:
        connection.close()


@pytest.mark.kafka
@pytest.mark.usefixtures("on_free_ports")
def test_kafka_starts_once_takes_records_and_keeps_them_over_a_restart() -> None:
    kafka = commands(services.kafka)
    bootstrap = get_settings().kafka.bootstrap
    assert kafka("status", exit_code=services.NOT_RUNNING).output == "Kafka is not running\n"

    pid = pid_in(kafka("start"))
    again = kafka("start")
    assert pid_in(again) == pid
    assert again.output.endswith("already\n")
    assert pid_in(kafka("status")) == pid
    asyncio.run(write_to_new_topic(bootstrap))
    assert "Kafka Server started" in kafka("logs", "--lines", "1000").output

    assert kafka("stop").output == "Kafka was stopped\n"
    assert kafka("stop").output == "Kafka is not running\n"
    assert pid_in(kafka("start")) != pid
    assert asyncio.run(first_record(bootstrap)) == b"hello"


@pytest.mark.kafka
@pytest.mark.usefixtures("on_free_ports")
def test_a_killed_kafka_is_noticed_and_a_taken_port_is_named() -> None:
    kafka = commands(services.kafka)
    os.kill(pid_in(kafka("start")), signal.SIGKILL)
    embedded = EmbeddedKafka(get_settings())
    assert wait_until(lambda: not embedded.is_running(), TIMEOUT_S)
    kafka("status", exit_code=services.NOT_RUNNING)

    controller_port = get_settings().kafka.port + 1
    with (
        socket.create_server(("127.0.0.1", controller_port)),
        pytest.raises(ConfigurationError, match=f"port {controller_port} is taken"),
    ):
        kafka("start")
    kafka("start")


@pytest.mark.im
@pytest.mark.usefixtures("on_free_ports")
def test_im_starts_once_and_keeps_its_infrastructures_over_a_restart() -> None:
    im = commands(services.im)
    port = get_settings().im.port
    assert im("status", exit_code=services.NOT_RUNNING).output == "IM is not running\n"

    pid = pid_in(im("start"))
    again = im("start")
    assert pid_in(again) == pid
    assert again.output.endswith("already\n")
    assert served_version(port) == "2.0.0"
    ask_im("POST", "/infrastructures?async=true", ("somebody", "secret"), TEMPLATE)
    assert "Start Infrastructure Manager" in im("logs").output

    assert im("stop").output == "IM was stopped\n"
    im("status", exit_code=services.NOT_RUNNING)
    assert pid_in(im("start")) != pid
    administrator = EmbeddedIm(get_settings()).administrator()
    assert f":{port}/infrastructures/" in ask_im("GET", "/infrastructures", administrator)
    assert ask_im("GET", "/infrastructures", ("another", "secret")) == '{"uri-list":[]}'
