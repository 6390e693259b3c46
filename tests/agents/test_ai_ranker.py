"""AI-ranker: `inference` -> `ranked-providers`, between the begin and the end of its step."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.bench import Acknowledged, Bench, Sent, content
from support.events import uuid_number
from support.lifecycle import UUID

from agents.ai_ranker import ai_ranker
from agents.ranker_memory import ranker_memory
from paas_stream.records import (
    AttemptStatus,
    Candidate,
    Discarded,
    ErrorRecord,
    Inference,
    ProcedureStatus,
    RankedProviders,
    Target,
    Training,
)

DISCARDED = Discarded(provider_name="c", region_name="north", code="quota", reason="is full")


def candidate(name: str, used: float, **fields: Any) -> Candidate:
    return Candidate(
        provider_name=name,
        region_name="north",
        vcpus_requ=2,
        vcpus_quota=100,
        vcpus_usage=used,
        target=Target(type="openstack", endpoint=f"https://{name}:5000/v3", project="p"),
        **fields,
    )


def inference(*providers: Candidate, revision: int = 1) -> Inference:
    return Inference(
        uuid=UUID,
        revision=revision,
        template_name="vm",
        submission_time=datetime(2026, 3, 1, tzinfo=UTC),
        user_group="demo",
        providers=providers,
        discarded=(DISCARDED,),
    )


async def test_the_emptiest_provider_comes_first_and_all_stay_in(bench: Bench) -> None:
    await bench.give(ai_ranker, inference(candidate("a", 90), candidate("b", 10)))
    (ranked,) = bench.sent(RankedProviders)
    assert [one.provider_name for one in ranked.ranked_providers] == ["b", "a"]
    assert ranked.ranked_providers[0].score > ranked.ranked_providers[1].score
    assert ranked.fallback == "rule"


async def test_what_the_dispatcher_needs_is_passed_on(bench: Bench) -> None:
    given = candidate("a", 10, overbooking_cpu=2.0)
    await bench.give(ai_ranker, inference(given, revision=3))
    (ranked,) = bench.sent(RankedProviders)
    assert ranked.revision == 3
    assert ranked.discarded == (DISCARDED,)
    assert Candidate.model_validate(ranked.ranked_providers[0].model_dump()) == given


async def test_the_ranking_is_sent_within_its_step_and_then_the_event_is_acknowledged(
    bench: Bench,
) -> None:
    await bench.give(ai_ranker, inference(candidate("a", 90), candidate("b", 10)))
    assert bench.order() == [
        "ProcedureStatus",
        "RankedProviders",
        "ProcedureStatus",
        "Acknowledged",
    ]
    assert {one.key for one in bench.journal if isinstance(one, Sent)} == {UUID}
    begin, end = bench.sent(ProcedureStatus)
    assert (begin.component, begin.step, begin.status) == ("ai-ranker", "rank", "begin")
    assert (end.component, end.step, end.status) == ("ai-ranker", "rank", "end")
    assert end.message == (
        "order by free quota and health (rule: 0 attempts in 30 days, rates need 20): "
        "b (north), a (north)"
    )
    assert end.duration_s is not None


async def test_from_twenty_attempts_on_the_order_follows_what_became_of_them(bench: Bench) -> None:
    now = datetime.now(UTC)
    for number in range(20):
        good = number % 2 == 0
        row = Training(
            uuid=uuid_number(number),
            provider_name="a" if good else "b",
            region_name="north",
            template_name="vm",
            status=AttemptStatus.COMPLETE if good else AttemptStatus.FAILED,
            completion_time_s=100.0 * good,
            submission_time=now,
            ended_at=now,
        )
        await bench.give(ranker_memory, row, at=now.timestamp())
    await bench.give(ai_ranker, inference(candidate("a", 90), candidate("b", 10)))
    (ranked,) = bench.sent(RankedProviders)
    assert ranked.fallback == "rates"
    assert [one.provider_name for one in ranked.ranked_providers] == ["a", "b"]
    assert ranked.ranked_providers[0].reasons[0] == (
        "10 of 10 attempts succeeded in 30 days, 100 s on average"
    )
    assert bench.sent(ProcedureStatus)[-1].message == (
        "order by expected time to success (rates: from 20 attempts in 30 days): "
        "a (north), b (north)"
    )


async def test_a_replay_says_the_same_again(bench: Bench) -> None:
    message = inference(candidate("a", 90), candidate("b", 10))
    first = await bench.give(ai_ranker, message)
    again = await bench.give(ai_ranker, message, offset=bench.last_offset)
    assert content(again) == content(first)


async def test_each_revision_has_steps_of_its_own(bench: Bench) -> None:
    await bench.give(ai_ranker, inference(candidate("a", 90), revision=1))
    await bench.give(ai_ranker, inference(candidate("a", 90), revision=2))
    causes = [one.cause for one in bench.sent(ProcedureStatus)]
    assert len(set(causes)) == 4


async def test_without_any_provider_the_ranking_is_empty(bench: Bench) -> None:
    await bench.give(ai_ranker, inference())
    assert bench.sent(RankedProviders)[0].ranked_providers == ()
    assert bench.sent(ErrorRecord) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"{not json", "not JSON"),
        (b"[1]", "a JSON object was expected"),
        (None, "not JSON"),
        (b"{}", "uuid: Field required"),
        (b'{"msg_version": "2.0.0"}', "version 2.0.0 is unknown"),
        (inference(candidate("a", 10)).encode().replace(b":10.0", b":NaN"), "not JSON"),
        (inference(candidate("a", 10)).encode().replace(b":10.0", b":null"), "vcpus_usage"),
    ],
)
async def test_a_record_that_cannot_be_read_goes_to_errors(
    bench: Bench, value: bytes | None, says: str
) -> None:
    await bench.give(ai_ranker, value, topic="inference", key=UUID)
    error = bench.error()
    assert (error.component, error.step, error.code) == ("ai-ranker", "decode", "invalid_message")
    assert says in error.message
    assert not error.retriable
    assert bench.order() == ["ErrorRecord", "Acknowledged"]


async def test_a_ranking_that_is_too_large_goes_to_errors_and_ends_the_step(bench: Bench) -> None:
    bench.refused = {RankedProviders}
    await bench.give(ai_ranker, inference(candidate("a", 90)))
    assert [one.status for one in bench.sent(ProcedureStatus)] == ["begin", "failed"]
    error = bench.error()
    assert (error.step, error.code, error.uuid) == ("handle", "record_too_large", UUID)
    assert error.source is not None
    assert error.source.topic == "inference"
    assert isinstance(bench.journal[-1], Acknowledged)
