"""A record whose handler failed is sent again when the fault is mended, and is handled once."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from support.broker import Broker
from support.events import event, uuid_number
from support.waiting import wait_until

from paas_stream.topics import DISPATCH_EVENTS, ERRORS

pytestmark = pytest.mark.kafka


async def command(worker: Any, *words: str) -> str:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "paas_stream.cli.main", "errors", *words],
            env=os.environ | worker.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    ended = await asyncio.to_thread(run)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


async def test_a_record_that_failed_is_handled_once_after_the_fault_is_mended(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps, uuid = application("steps"), uuid_number(7)
    await steps.create_topics()
    worker = steps.worker().start()
    await steps.send(event(uuid, effect="raise"))

    async def errors() -> list[dict[str, Any]]:
        return [json.loads(one) for one in (await command(worker, "list", "--json")).splitlines()]

    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)), 60)
    [error] = await errors()
    assert (error["uuid"], error["code"], error["replayed"]) == (uuid, "internal", False)
    shown = json.loads(await command(worker, "show", error["id"]))
    assert shown["record"]["uuid"] == uuid

    worker.sigterm()
    await asyncio.to_thread(worker.wait_exit)
    worker.start(MENDED="1")
    assert "was sent again" in await command(worker, "replay", "--uuid", uuid)
    await wait_until(lambda: [one for one in steps.journal("handled") if one["uuid"] == uuid], 60)
    assert "before" in await command(worker, "replay", error["id"])
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))
    assert [one["count"] for one in steps.journal("handled") if one["uuid"] == uuid] == [1]
    assert [one["replayed"] for one in await errors()] == [True]
    records = await broker.records(steps.topic(ERRORS))
    assert len(records) == 2, "the error, and the note that it was sent again"
