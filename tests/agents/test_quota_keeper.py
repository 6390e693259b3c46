"""Quota keeper: `quota-requests` -> granted or refused, with the row of each hold."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from support.bench import Bench, Clock, content
from support.lifecycle import T0

from agents import quota_keeper as module
from agents.provider_catalog import provider_catalog
from agents.quota_keeper import quota_keeper
from paas_stream.records import DispatchEvent, Feeder, Message, Quota, QuotaRequest
from tables import quota_holds


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def feeder(seconds: float, *, used: float = 0.0, limit: float = 4.0) -> Feeder:
    return Feeder(
        timestamp=at(seconds),
        provider_name="site-a",
        provider_type="openstack",
        provider_endpoint="https://site-a:5000/v3",
        region_name="north",
        project_id="p",
        user_group="demo",
        quotas=(
            Quota(type="compute", cores=limit),
            Quota(type="compute", usage=True, cores=used),
        ),
    )


def request(what: str, number: int = 1, *, seconds: float = 0.0, **fields: Any) -> QuotaRequest:
    return QuotaRequest.model_validate(
        {
            "uuid": uuid(number),
            "timestamp": at(seconds),
            "attempt": 1,
            "issue": 7,
            "request": what,
            "provider_name": "site-a",
            "region_name": "north",
            "project_id": "p",
            "demand": {"cores": 4.0},
            "expires_at": at(3600.0),
            **fields,
        }
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def line(bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(quota_holds, "_by_project", {})
    return bench


async def read(bench: Bench, message: Feeder, seconds: float) -> None:
    """The Feeder's message reaches the catalog."""
    await bench.give(provider_catalog, message, key="site-a/north/p", at=T0 + seconds)


async def ask(bench: Bench, *requests: QuotaRequest) -> list[Message]:
    """What is answered."""
    found = []
    for one in requests:
        found += await bench.give(quota_keeper, one, key=one.key)
    return found


def outcomes(answers: list[Message]) -> list[str]:
    return [one.outcome for one in answers if isinstance(one, DispatchEvent)]


async def test_an_answer_is_sent_and_then_the_hold_is_stored(line: Bench) -> None:
    await read(line, feeder(0.0), 0.0)
    line.journal.clear()
    (answer,) = await ask(line, request("hold"))
    assert line.order() == ["DispatchEvent", "quota_holds", "Acknowledged"]
    assert isinstance(answer, DispatchEvent)
    assert (answer.uuid, answer.attempt, answer.issue) == (uuid(1), 1, 7)
    assert (answer.event, answer.effect, answer.outcome) == ("effect", "hold", "granted")
    assert answer.cause is not None
    (row,) = line.rows("quota_holds").values()
    assert (row["project"], row["demand"]) == ("site-a/north/p", {"cores": 4.0})


async def test_of_many_requests_for_the_room_of_one_all_but_one_are_refused(line: Bench) -> None:
    await read(line, feeder(0.0), 0.0)
    answers = await ask(line, *(request("hold", number) for number in range(50)))
    assert outcomes(answers) == ["granted"] + ["refused"] * 49
    refused = answers[-1]
    assert isinstance(refused, DispatchEvent)
    assert refused.message is not None
    assert refused.message.startswith("4 vCPUs are needed, 0 of 4 are free")


async def test_a_release_makes_room_and_leaves_no_row(line: Bench) -> None:
    await read(line, feeder(0.0), 0.0)
    await ask(line, request("hold", 1), request("hold", 2), request("release", 1))
    assert line.rows("quota_holds") == {}
    assert outcomes(await ask(line, request("hold", 2))) == ["granted"]


async def test_a_reading_ends_the_holds_of_machines_that_were_there_when_it_began(
    line: Bench, clock: Clock
) -> None:
    await read(line, feeder(0.0, limit=8.0), 0.0)
    await ask(line, request("hold", 1), request("hold", 2), request("created", 1, seconds=10.0))
    await read(line, feeder(20.0, limit=8.0, used=4.0), 20.0)
    clock.now = T0 + 21.0
    assert outcomes(await ask(line, request("hold", 3))) == ["refused"], "one is used, one is held"
    assert set(line.rows("quota_holds")) == {f"{uuid(2)}/1"}


async def test_a_hold_expires(line: Bench, clock: Clock) -> None:
    await read(line, feeder(0.0), 0.0)
    await ask(line, request("hold", 1))
    clock.now = T0 + 3600.0
    assert outcomes(await ask(line, request("hold", 2, expires_at=at(9000.0)))) == ["granted"]
    assert set(line.rows("quota_holds")) == {f"{uuid(2)}/1"}


async def test_a_replay_after_a_kill_before_the_row_was_stored_answers_the_same(
    line: Bench,
) -> None:
    await read(line, feeder(0.0), 0.0)
    before = line.snapshot()
    first = await line.give(quota_keeper, request("hold", 1), key="site-a/north/p")
    line.restore(before)
    await quota_holds.rebuild()
    again = await line.give(
        quota_keeper, request("hold", 1), key="site-a/north/p", offset=line.last_offset
    )
    assert content(again) == content(first)
    assert len(line.rows("quota_holds")) == 1


async def test_another_worker_goes_on_with_the_holds_that_were_stored(line: Bench) -> None:
    await read(line, feeder(0.0), 0.0)
    await ask(line, request("hold", 1))
    quota_holds._by_project.clear()
    await quota_holds.rebuild()
    assert quota_holds.count() == 1
    assert outcomes(await ask(line, request("hold", 2), request("hold", 1))) == [
        "refused",
        "granted",
    ]
