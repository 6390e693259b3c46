"""Training rows: each attempt joined once with what was known before it, in any order of arrival."""

import ast
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from support.lifecycle import OVERALL_S, T0, UUID, an_attempt, at, command, ranked

from paas_stream import lifecycle
from paas_stream.errors import InvalidMessageError
from paas_stream.lifecycle.reports import attempt_failed, attempt_succeeded
from paas_stream.ranking import training
from paas_stream.ranking.training import ABORTED, TrainingRow
from paas_stream.records import (
    AttemptStatus,
    DeploymentResult,
    Operation,
    RankedProviders,
    Training,
)
from paas_stream.records.training import LONGEST_S

LIFECYCLE = Path(lifecycle.__file__).parent
COUNTED = ["refused", "failed", "unconfigured", "pending", "starting", "incomplete"]
COUNTED += ["unknown", "timeout"]
PLACES = 3


def ranking(providers: int = PLACES, **fields: Any) -> RankedProviders:
    message = ranked(providers)
    rows = tuple(
        one.model_copy(update={"vcpus_usage": 10.0 * place, "p_success": 0.9, "score": 0.5})
        for place, one in enumerate(message.ranked_providers, start=1)
    )
    given_fields = {
        "ranked_providers": rows,
        "template_name": "vm",
        "submission_time": at(T0),
        "deadline": at(T0 + OVERALL_S),
        "fallback": "rates",
    }
    return message.model_copy(update=given_fields | fields)


def attempt(number: int, success: bool = False, **fields: Any) -> DeploymentResult:
    """The result of attempt `number` at p<number>, as the dispatcher writes it."""
    begun = an_attempt(
        number=number, provider_name=f"p{number}", failure="failed", reason="no machine"
    )
    tell = attempt_succeeded if success else attempt_failed
    return tell(UUID, begun, T0 + 60.0).model_copy(update=fields)


def final(success: bool = False, operation: Operation = Operation.CREATE) -> DeploymentResult:
    return DeploymentResult(
        uuid=UUID, timestamp=at(T0 + 99), kind="final", operation=operation, success=success
    )


def run(*events: Any) -> tuple[TrainingRow | None, list[Training]]:
    """The row as the table gives it back, and all training rows."""
    adapter = TypeAdapter(TrainingRow)
    row: TrainingRow | None = None
    told: list[Training] = []
    for event in events:
        row, rows = training.step(row or TrainingRow(), event)
        told += rows
        if row is not None:
            stored = adapter.dump_python(row, mode="json", exclude_none=True)
            assert adapter.validate_python(stored) == row
    return row, told


class TestARow:
    def test_has_the_numbers_that_were_known_when_the_ranking_was_made(self) -> None:
        _, (row,) = run(ranking(), attempt(2))
        assert (row.provider_name, row.region_name, row.vcpus_usage) == ("p2", "default", 20.0)
        assert (row.template_name, row.user_group, row.fallback) == ("vm", None, "rates")
        assert (row.p_success, row.score) == (0.9, 0.5)
        assert row.submission_time == at(T0)
        assert row.key == f"{UUID}/2"

    def test_of_a_failure_has_its_time_and_its_reason(self) -> None:
        _, (row,) = run(ranking(), attempt(1))
        assert (row.status, row.status_reason, row.failure) == (
            AttemptStatus.FAILED,
            "no machine",
            "failed",
        )
        assert (row.n_failures, row.tot_failure_time_s, row.completion_time_s) == (1, 60.0, 0.0)
        assert (row.started_at, row.ended_at) == (at(T0), at(T0 + 60))
        assert row.timestamp == row.ended_at

    def test_of_a_success_has_its_time(self) -> None:
        _, (row,) = run(ranking(), attempt(1, success=True))
        assert row.status is AttemptStatus.COMPLETE
        assert (row.n_failures, row.tot_failure_time_s, row.completion_time_s) == (0, 0.0, 60.0)

    def test_of_two_projects_at_one_site_is_about_the_one_that_was_tried(self) -> None:
        one, other = ranking(2).ranked_providers
        other = other.model_copy(update={"provider_name": "p1"})
        message = ranking(ranked_providers=(one, other))
        _, (row,) = run(message, attempt(2, provider_name="p1"))
        assert row.vcpus_usage == 20.0

    def test_of_a_provider_that_was_not_ranked_knows_nothing(self) -> None:
        _, (row,) = run(ranking(), attempt(1, provider_name="elsewhere"))
        assert (row.provider_name, row.vcpus_usage, row.p_success) == ("elsewhere", 0.0, None)

    def test_is_not_made_of_a_result_that_names_no_provider(self) -> None:
        with pytest.raises(InvalidMessageError, match="names its number, provider and region"):
            run(ranking(), attempt(1, provider_name=None))


class TestWhatCounts:
    @pytest.mark.parametrize("failure", sorted(ABORTED))
    def test_a_failure_that_is_not_the_providers_is_aborted(self, failure: str) -> None:
        _, (row,) = run(ranking(), attempt(1, failure=failure))
        assert row.status is AttemptStatus.ABORTED
        assert (row.n_failures, row.tot_failure_time_s, row.failure) == (0, 0.0, failure)

    @pytest.mark.parametrize("failure", COUNTED)
    def test_a_failure_that_may_be_the_providers_counts(self, failure: str) -> None:
        _, (row,) = run(ranking(), attempt(1, failure=failure))
        assert row.status is AttemptStatus.FAILED

    def test_every_class_that_the_dispatcher_knows_is_decided_upon(self) -> None:
        found = set()
        for file in sorted(LIFECYCLE.glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and getattr(node.func, "attr", getattr(node.func, "id", "")) == "fail"
                ):
                    failure = node.args[2]
                    found |= {failure.value} if isinstance(failure, ast.Constant) else set()
        assert len(found) >= 5
        assert found - ABORTED <= set(COUNTED)

    def test_a_time_out_at_the_overall_deadline_does_not_count(self) -> None:
        late = attempt(1, failure="timeout", ended_at=at(T0 + OVERALL_S))
        _, (row,) = run(ranking(), late)
        assert row.status is AttemptStatus.ABORTED


class TestTheEnd:
    def test_the_final_result_deletes_the_row(self) -> None:
        row, _ = run(ranking(), attempt(1), attempt(2, success=True), final(success=True))
        assert row is None

    def test_the_final_result_waits_for_the_ranking_of_the_attempts(self) -> None:
        row, told = run(attempt(1), final())
        assert row is not None
        assert told == []
        row, told = run(attempt(1), final(), ranking())
        assert row is None
        assert [one.attempt for one in told] == [1]

    @pytest.mark.parametrize("event", [final(), final(operation=Operation.DELETE)])
    def test_nothing_is_kept_of_a_deployment_without_ranking_and_attempts(
        self, event: DeploymentResult
    ) -> None:
        assert run(event) == (None, [])

    @pytest.mark.parametrize(
        "event", [command("forget", T0), final(True, operation=Operation.DELETE)]
    )
    def test_a_deployment_that_never_ends_is_forgotten_with_it(self, event: Any) -> None:
        assert run(ranking(), attempt(1), event)[0] is None
        assert run(attempt(1), event)[0] is None

    @pytest.mark.parametrize("name", ["delete", "cancel"])
    def test_other_commands_change_nothing(self, name: str) -> None:
        assert run(ranking(), command(name, T0))[0] == run(ranking())[0]

    def test_results_of_other_kinds_change_nothing(self) -> None:
        accepted = DeploymentResult(uuid=UUID, kind="accepted", attempt=1)
        assert run(ranking(), accepted) == run(ranking())


EVENTS = [ranking(), attempt(1), attempt(2), attempt(3, success=True)]


@pytest.mark.parametrize("events", permutations(EVENTS))
def test_in_any_order_each_attempt_has_its_row_once(events: tuple[Any, ...]) -> None:
    row, told = run(*events, final(success=True))
    assert row is None
    assert sorted(one.attempt for one in told) == [1, 2, 3]
    assert {one.attempt: one.vcpus_usage for one in told} == {1: 10.0, 2: 20.0, 3: 30.0}


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_whatever_comes_twice_is_told_once(events: list[Any]) -> None:
    row, told = run(*events)
    numbers = [one.attempt for one in told]
    assert len(numbers) == len(set(numbers))
    if EVENTS[0] in events:
        assert set(numbers) == {one.attempt for one in events if one is not EVENTS[0]}
    assert row is not None or not events
    for one in told:
        assert Training.decode(one.encode()) == one


def test_the_row_of_a_hundred_candidates_stays_below_100_kb() -> None:
    row, _ = run(ranking(100))
    assert len(TypeAdapter(TrainingRow).dump_json(row)) < 100_000


def test_a_reason_without_end_is_cut() -> None:
    row, told = run(ranking(), attempt(1, reason="x" * 100_000))
    assert row is not None
    assert len(told[0].status_reason or "") == training.REASON_MAX


def test_a_clock_that_was_set_during_an_attempt_loses_no_row() -> None:
    ages = attempt(1, started_at=at(0.0), ended_at=at(T0))
    back = attempt(2, started_at=at(T0), ended_at=at(0.0))
    _, told = run(ranking(), ages, back)
    assert [one.tot_failure_time_s for one in told] == [LONGEST_S, 0.0]


def test_a_row_of_another_program_is_read() -> None:
    written = (
        b'{"msg_version":"1.1.0","uuid":"%b","provider_name":"a","region_name":"r",'
        b'"status":"CREATE_FAILED","status_reason":null,"n_failures":2,"tot_failure_time_s":9.5,'
        b'"completion_time_s":0.0,"submission_time":"2025-01-31 10:20:30","exact_flavors":1.0}'
    ) % UUID.encode()
    row = Training.decode(written)
    assert row.submission_time.utcoffset() == timedelta(0)
    assert (row.attempt, row.n_failures) == (1, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("completion_time_s", -1),
        ("completion_time_s", 1e300),
        ("tot_failure_time_s", 1e300),
        ("n_failures", -1),
        ("n_failures", 9 * 10**18),
        ("attempt", 0),
        ("status", "DONE"),
        ("submission_time", "soon"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_the_field(field: str, value: Any) -> None:
    _, (row,) = run(ranking(), attempt(1))
    body = row.model_dump(mode="json", exclude_none=True) | {field: value}
    with pytest.raises(InvalidMessageError, match=field):
        Training.decode(orjson.dumps(body))
