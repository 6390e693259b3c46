"""A worker of the product on changelogs with rows that it cannot read."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
import requests
from support.broker import Broker
from support.events import uuid_number
from support.processes import ROOT, WorkerProcess
from support.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("clean_topics")]

UUID = uuid_number(1)
HISTORY = b'{"days": {"20000": "none"}, "recent": [], "keys": [], "offset": 0, "newest": 0.0}'
DEPLOYMENT = json.dumps({"uuid": UUID, "first_seen": "long ago", "updated": 0.0}).encode()


async def test_a_worker_recovers_whatever_some_of_its_rows_are(
    broker: Broker, worker: Callable[..., WorkerProcess]
) -> None:
    stream = f"recovery-{uuid4().hex[:8]}"

    async def fill(table: str, key: str, value: bytes, partitions: int) -> None:
        name = f"{stream}-{table}-changelog"
        await broker.create(name, partitions=partitions, cleanup_policy="compact")
        for partition in range(partitions):
            await broker.send(name, value, json.dumps(key), partition)

    await fill("provider_history", "site-a/north", HISTORY, 1)
    await fill("deployments", UUID, DEPLOYMENT, 2)
    settings = {
        "PAAS_STREAM_ID": stream,
        # as in production: the whole product takes its time to start on a busy machine
        "PAAS_KAFKA_SESSION_TIMEOUT_S": "10",
        "PAAS_KAFKA_HEARTBEAT_S": "2",
        "PAAS_FEEDER_FILES": json.dumps([str(ROOT / "examples" / "federation.yaml")]),
        "DEMO_UNREACHABLE_USERNAME": "nobody",
        "DEMO_UNREACHABLE_PASSWORD": "nothing",
    }
    started = worker(settings=settings).start()
    await wait_until(lambda: started.is_ready, 90)

    told = [line for line in started.log.splitlines() if "cannot be read" in line]
    assert len(told) == 2
    assert any(f"the row {UUID} of deployments cannot be read: first_seen" in one for one in told)
    assert any("the row site-a/north of provider_history cannot be read" in one for one in told)
    metrics = requests.get(f"http://127.0.0.1:{started.port}/metrics", timeout=10).text
    for table, number in (("provider_history", 1), ("deployments", 1), ("dispatches", 0)):
        assert f'paas_stream_unreadable_rows{{table="{table}"}} {number}.0' in metrics
    status, _, body = started.get(f"/deployments/{UUID}")
    assert (status, body["title"]) == (500, "Internal Server Error")
    assert body["message"] == f"the row {UUID} of deployments cannot be read: first_seen"
    assert started.get("/deployments")[2]["content"] == []
