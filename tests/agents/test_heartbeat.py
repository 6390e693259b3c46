"""Heartbeats of all boxes of this worker, and the register that keeps the last ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from support.bench import Bench

from agents import heartbeat, reference
from agents.reference import component_register
from paas_stream.app import app
from paas_stream.durable.boxes import Boxes
from paas_stream.errors import TemporaryError
from paas_stream.records import ComponentStatus
from tables import components

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RETENTION = timedelta(hours=1)


@pytest.fixture(autouse=True)
def retention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "_retention", RETENTION)


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> Boxes:
    """Two boxes, one of them at work."""
    made = Boxes()
    made.box("ai-ranker").begin("inference")
    made.box("feeder").errors = 2
    monkeypatch.setattr(app, "boxes", made)
    return made


def status(
    component: str = "feeder", instance: str = "w0", after: timedelta = timedelta(), **fields: Any
) -> ComponentStatus:
    given = {"component": component, "instance": instance, "timestamp": AT + after}
    return ComponentStatus.model_validate(given | fields)


class TestHeartbeats:
    async def test_tell_of_every_box(self, bench: Bench, boxes: Boxes) -> None:
        told = {one.component: one for one in await bench.run(heartbeat.heartbeat)}
        assert set(told) == {"ai-ranker", "feeder"}
        ranker, feeder = told["ai-ranker"], told["feeder"]
        assert (ranker.doing, feeder.doing) == ("inference", None)
        assert ranker.doing_since is not None
        assert feeder.errors == 2
        assert {one.instance for one in told.values()} == {app.settings.web.worker}

    async def test_have_a_key_of_box_and_worker(self, bench: Bench, boxes: Boxes) -> None:
        await bench.run(heartbeat.heartbeat)
        keys = [one.key for one in bench.journal]
        assert keys == [f"{box.component}/{app.settings.web.worker}" for box in boxes]

    async def test_wait_for_kafka(self, bench: Bench, boxes: Boxes) -> None:
        bench.ready.broker = "Kafka does not answer"
        assert await bench.run(heartbeat.heartbeat) == []
        await heartbeat.stopped()
        assert bench.journal == []

    async def test_never_end_the_worker(
        self,
        bench: Bench,
        boxes: Boxes,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        async def broken(*_: Any) -> None:
            raise TemporaryError("no")

        monkeypatch.setattr(app, "emit", broken)
        assert await bench.run(heartbeat.heartbeat) == []
        assert "no heartbeats were sent" in caplog.text

    async def test_of_a_worker_that_is_asked_to_stop_say_so(
        self, bench: Bench, boxes: Boxes
    ) -> None:
        await heartbeat.stopped()
        assert [one.status for one in bench.sent(ComponentStatus)] == ["stopped"] * 2


class TestTheRegister:
    async def test_keeps_the_last_heartbeat_of_each_box_and_worker(self, bench: Bench) -> None:
        later = timedelta(seconds=10)
        for one in (status(), status(instance="w1"), status(after=later, events=7)):
            await bench.give(component_register, one, key=one.key)
        assert set(components.rows()) == {"feeder/w0", "feeder/w1"}
        assert components.rows()["feeder/w0"].events == 7

    async def test_is_not_put_back_by_an_older_one(self, bench: Bench) -> None:
        for one in (status(status="stopped"), status(after=timedelta(seconds=-10))):
            await bench.give(component_register, one)
        assert components.rows()["feeder/w0"].status == "stopped"

    async def test_says_the_same_when_a_heartbeat_comes_twice(self, bench: Bench) -> None:
        await bench.give(component_register, status())
        before = bench.snapshot()["components"]
        await bench.give(component_register, status())
        assert bench.snapshot()["components"] == before

    async def test_forgets_workers_that_have_been_silent_for_long(self, bench: Bench) -> None:
        old = [status(instance=f"gone-{number}") for number in range(30)]
        for one in old:
            await bench.give(component_register, one)
        await bench.give(component_register, status(after=RETENTION))
        assert len(components.rows()) == 31
        longer = RETENTION + timedelta(seconds=1)
        for seconds in (0, 1, 2):  # some at each event
            at = longer + timedelta(seconds=seconds)
            await bench.give(component_register, status("rally", after=at))
        assert set(components.rows()) == {"feeder/w0", "rally/w0"}
        assert set(bench.rows("components")) == {"feeder/w0", "rally/w0"}

    async def test_is_not_misled_by_a_heartbeat_from_the_future(self, bench: Bench) -> None:
        """Not even to take all others for gone, or its own box's later ones for older ones."""
        await bench.give(component_register, status())
        far = status(instance="w1", after=timedelta(days=300_000))
        await bench.give(component_register, far)
        await bench.give(component_register, status(instance="w2"))
        assert set(components.rows()) >= {"feeder/w1", "feeder/w2"}
        assert components.rows()["feeder/w1"].timestamp <= datetime.now(UTC)

    async def test_takes_no_more_boxes_than_there_can_be(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(components, "_MOST", 1)
        for one in (status(), status(instance="w1"), status(after=timedelta(seconds=1), events=3)):
            await bench.give(component_register, one)
        assert "feeder/w1 would be one more" in bench.error().message
        assert [one.events for one in components.rows().values()] == [3]

    @pytest.mark.parametrize(
        "fault", [{"component": ""}, {"instance": "w" * 201}, {"interval_s": 0}, {"status": "ill"}]
    )
    async def test_refuses_what_is_no_heartbeat(self, bench: Bench, fault: dict[str, Any]) -> None:
        body = status().model_dump(mode="json", exclude_none=True) | fault
        await bench.give(component_register, orjson.dumps(body), topic="component-status")
        assert next(iter(fault)) in bench.error().message
        assert components.rows() == {}
