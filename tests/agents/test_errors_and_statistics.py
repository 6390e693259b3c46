"""`GET /errors` and `GET /statistics`: what the tracker keeps, as users and admins see it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support import lifecycle as make
from support.bench import Bench, Stored
from support.lifecycle import T0, UUID
from support.rest import Rest

from agents.deployment_tracker import deployment_tracker
from agents.ranker_memory import ranker_memory
from paas_stream.access import Caller
from paas_stream.records import (
    REPLAYED,
    AttemptStatus,
    DeploymentResult,
    ErrorRecord,
    Source,
    Training,
)
from tables import error_records
from web import callers, merged

OTHER = "0a1b2c3d-4e5f-4c55-9d7e-6f0d4c9e3b1a"


def as_user(monkeypatch: pytest.MonkeyPatch, subject: str, *groups: str) -> None:
    async def caller(request: Any) -> Caller:
        return Caller("https://issuer", subject, groups=groups)

    monkeypatch.setattr(callers, "caller", caller)


def error(uuid: str | None = UUID, after_s: float = 1.0, **fields: Any) -> ErrorRecord:
    given = {
        "uuid": uuid,
        "timestamp": make.at(T0 + after_s),
        "component": "im-dispatcher",
        "step": "handle",
        "code": "internal",
        "message": "it broke",
        "source": Source(topic="inference", partition=0, offset=7, key="k"),
        "payload_base64": "c2VjcmV0",
    }
    return ErrorRecord.model_validate(given | fields)


async def give(bench: Bench, message: ErrorRecord, offset: int | None = None) -> None:
    await bench.give(deployment_tracker, message, key=message.uuid or "feeder", offset=offset)


async def asked(rest: Rest, path: str) -> dict[str, Any]:
    async with rest.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())


async def ids(rest: Rest, query: str = "") -> list[str]:
    return [one["id"] for one in (await asked(rest, f"/errors{query}"))["content"]]


class TestErrors:
    async def test_are_shown_with_their_place_and_without_the_record(
        self, bench: Bench, rest: Rest
    ) -> None:
        await give(bench, error(), offset=17)
        page = await asked(rest, "/errors")
        assert page["content"] == [
            {
                "id": "0-17",
                "time": "2027-01-15T08:00:01.000+00:00",
                "uuid": UUID,
                "component": "im-dispatcher",
                "step": "handle",
                "code": "internal",
                "message": "it broke",
                "retriable": False,
                "replayed": False,
                "source": {"topic": "inference", "partition": 0, "offset": 7},
            }
        ]
        assert page["page"] == {"size": 10, "totalElements": 1, "totalPages": 1, "number": 0}

    async def test_are_in_pages_newest_first(self, bench: Bench, rest: Rest) -> None:
        for offset, after_s in enumerate((3, 1, 2, 2), start=1):
            await give(bench, error(after_s=after_s), offset=offset)
        assert await ids(rest) == ["0-1", "0-4", "0-3", "0-2"]
        found, path = [], "/errors?size=1"
        while path:
            page = await asked(rest, path)
            found += [one["id"] for one in page["content"]]
            links = {one["rel"]: one["href"] for one in page["links"]}
            path = links.get("next", "").partition(str(rest.make_url("")))[2]
        assert found == await ids(rest)
        assert await ids(rest, "?page=1&size=3") == ["0-2"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (f"uuid={UUID}", ["0-1"]),
            (f"uuid={OTHER}", []),
            ("component=feeder", ["0-2"]),
            ("code=x", ["0-2"]),
            ("createdAfter=2027-01-15T08:00:02Z", ["0-2"]),
            ("createdBefore=2027-01-15T08:00:02Z", ["0-1"]),
            ("component=&code=", ["0-2", "0-1"]),
        ],
    )
    async def test_can_be_selected(
        self, bench: Bench, rest: Rest, query: str, found: list[str]
    ) -> None:
        await give(bench, error(), offset=1)
        await give(bench, error(None, 2, component="feeder", code="x"), offset=2)
        assert await ids(rest, f"?{query}") == found

    async def test_are_those_of_deployments_that_the_caller_may_look_at(
        self, bench: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await bench.give(deployment_tracker, make.template())
        for offset, uuid in enumerate((UUID, OTHER, None), start=100):
            await give(bench, error(uuid, retriable=True), offset=offset)
        assert len(await ids(rest)) == 3
        for subject, groups, found in (
            ("alice", (), ["0-100"]),
            ("bob", ("physics",), ["0-100"]),
            ("bob", ("biology",), []),
        ):
            as_user(monkeypatch, subject, *groups)
            assert await ids(rest) == found
            assert (await asked(rest, "/errors"))["page"]["totalElements"] == len(found)

    async def test_say_when_their_record_was_sent_again(self, bench: Bench, rest: Rest) -> None:
        await give(bench, error(), offset=1)
        place = Source(topic="errors", partition=0, offset=1)
        note = error(component="operator", code=REPLAYED, source=place)
        await give(bench, note, offset=2)
        (one,) = (await asked(rest, "/errors"))["content"]
        assert (one["id"], one["replayed"]) == ("0-1", True)

    async def test_that_come_again_are_stored_once(self, bench: Bench) -> None:
        for _ in range(2):
            await give(bench, error(None), offset=1)
        stored = [one for one in bench.journal if isinstance(one, Stored)]
        assert [one.table for one in stored] == ["error_records"]
        assert "c2VjcmV0" not in str(stored)

    async def test_of_a_topic_that_was_made_anew_take_the_place_of_older_ones(
        self, bench: Bench, rest: Rest
    ) -> None:
        await give(bench, error(None, 1), offset=1)
        await give(bench, error(None, 99, message="newer"), offset=1)
        assert [one["message"] for one in (await asked(rest, "/errors"))["content"]] == ["newer"]

    async def test_are_kept_in_a_bounded_number(
        self, bench: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(error_records, "ERRORS_MOST", 2)
        for offset in (8, 9, 10):
            await give(bench, error(None, offset), offset=offset)
        assert bench.rows("error_records").keys() == {"0-9", "0-10"}
        assert await ids(rest) == ["0-10", "0-9"]

    async def test_outlast_a_restart(self, bench: Bench, rest: Rest) -> None:
        for offset in (9, 10):
            await give(bench, error(None, offset), offset=offset)
        error_records.index.clear()
        await error_records.rebuild()
        assert list(error_records.index[0]) == ["0-9", "0-10"], "the oldest first"
        assert await ids(rest) == ["0-10", "0-9"]

    @pytest.mark.parametrize("query", ["size=0", "page=x", "after=x", "createdAfter=x"])
    async def test_refuse_a_parameter_that_cannot_be_read(self, rest: Rest, query: str) -> None:
        async with rest.get(f"/errors?{query}") as answer:
            assert answer.status == 400
            assert {"code", "title", "message"} <= (await answer.json()).keys()

    async def test_deep_in_the_middle_are_refused(
        self, bench: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(merged, "WINDOW", 1)
        for offset in range(1, 6):
            await give(bench, error(None, offset), offset=offset)
        async with rest.get("/errors?page=2&size=1") as answer:
            assert answer.status == 400


def final(uuid: str, after_s: float, *, success: bool) -> DeploymentResult:
    return DeploymentResult(
        uuid=uuid,
        timestamp=make.at(T0 + after_s),
        kind="final",
        success=success,
        provider_name="site-a" if success else None,
    )


class TestStatistics:
    @pytest.fixture(autouse=True)
    async def three(self, bench: Bench) -> None:
        """Two that are complete, after 100 and 200 s, and one that has failed."""
        for number, (after_s, success) in enumerate(((100, True), (200, True), (50, False))):
            uuid = f"{number:08x}-0000-4000-8000-000000000000"
            message = make.template().model_copy(update={"uuid": uuid})
            await bench.give(deployment_tracker, message)
            await bench.give(deployment_tracker, final(uuid, after_s, success=success))

    async def test_count_by_state_provider_and_template(self, rest: Rest) -> None:
        found = await asked(rest, "/statistics")
        assert found["deployments"] == 3
        assert found["byStatus"] == {"CREATE_COMPLETE": 2, "CREATE_FAILED": 1}
        assert found["byProvider"] == {"site-a": 2}
        assert found["byTemplate"] == {"one machine": 3}

    async def test_tell_how_creates_go(self, rest: Rest) -> None:
        creates = (await asked(rest, "/statistics"))["creates"]
        assert (creates["completed"], creates["failed"]) == (2, 1)
        assert creates["successRate"] == 0.6667
        assert creates["p50Seconds"] == pytest.approx(100, rel=0.05)
        assert creates["p95Seconds"] == pytest.approx(200, rel=0.05)

    async def test_take_the_filters_of_lists(self, rest: Rest) -> None:
        found = await asked(rest, "/statistics?status=CREATE_FAILED")
        assert found["byStatus"] == {"CREATE_FAILED": 1}
        assert "p50Seconds" not in found["creates"]

    async def test_are_those_of_deployments_that_the_caller_may_look_at(
        self, rest: Rest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        as_user(monkeypatch, "bob")
        found = await asked(rest, "/statistics")
        assert found["deployments"] == 0
        assert found["creates"] == {"completed": 0, "failed": 0}
        as_user(monkeypatch, "alice")
        assert (await asked(rest, "/statistics"))["deployments"] == 3

    async def test_tell_of_the_attempts_at_providers(self, bench: Bench, rest: Rest) -> None:
        assert (await asked(rest, "/statistics"))["attempts"] == []
        for attempt, status in enumerate((AttemptStatus.COMPLETE, AttemptStatus.FAILED), start=1):
            now = datetime.now(UTC)
            message = Training(
                uuid=UUID,
                attempt=attempt,
                status=status,
                provider_name="site-a",
                region_name="north",
                submission_time=now,
                ended_at=now,
            )
            await bench.give(ranker_memory, message, at=now.timestamp())
        (one,) = (await asked(rest, "/statistics"))["attempts"]
        assert (one["attempts"], one["successes"], one["successRate"]) == (2, 1, 0.5)
        assert one["provider"] == "site-a/north"
