"""Training data: a ranking and the attempts that follow from it -> one row each in `training`."""

from support.bench import Bench, Sent, content
from support.lifecycle import T0, UUID, an_attempt, at, command, ranked

from agents.training_data import training_data
from paas_stream.lifecycle.reports import attempt_failed, attempt_succeeded
from paas_stream.records import AttemptStatus, DeploymentResult, Message, Training


def failed(number: int) -> DeploymentResult:
    one = an_attempt(number=number, provider_name=f"p{number}", failure="failed", reason="full")
    return attempt_failed(UUID, one, T0 + 30)


def succeeded(number: int) -> DeploymentResult:
    one = an_attempt(number=number, provider_name=f"p{number}")
    return attempt_succeeded(UUID, one, T0 + 60)


def final() -> DeploymentResult:
    return DeploymentResult(uuid=UUID, timestamp=at(T0 + 61), kind="final", success=True)


async def give(bench: Bench, *messages: Message) -> None:
    for message in messages:
        await bench.give(training_data, message)


async def test_each_attempt_has_a_row_under_its_own_key(bench: Bench) -> None:
    await give(bench, ranked(2), failed(1), succeeded(2), final())
    rows = bench.sent(Training)
    assert [(one.attempt, one.provider_name, one.status) for one in rows] == [
        (1, "p1", AttemptStatus.FAILED),
        (2, "p2", AttemptStatus.COMPLETE),
    ]
    keys = [one.key for one in bench.journal if isinstance(one, Sent)]
    assert keys == [f"{UUID}/1", f"{UUID}/2"]
    assert bench.rows("training_rows") == {}


async def test_the_row_is_sent_before_what_is_awaited_is_stored(bench: Bench) -> None:
    await give(bench, ranked(2), failed(1))
    assert bench.order() == [
        "training_rows",
        "Acknowledged",
        "Training",
        "training_rows",
        "Acknowledged",
    ]


async def test_after_a_kill_between_both_the_row_is_sent_again_and_is_the_same(
    bench: Bench,
) -> None:
    await give(bench, ranked(2))
    before = bench.snapshot()
    first = await bench.give(training_data, failed(1))
    bench.restore(before)
    again = await bench.give(training_data, failed(1), offset=bench.last_offset)
    assert content(again) == content(first)
    assert len(again) == 1


async def test_a_replay_of_what_was_stored_sends_nothing(bench: Bench) -> None:
    await give(bench, ranked(2), failed(1))
    assert await bench.give(training_data, failed(1), offset=bench.last_offset) == []


async def test_an_attempt_waits_for_its_ranking(bench: Bench) -> None:
    await give(bench, failed(1), final())
    assert bench.sent(Training) == []
    await give(bench, ranked(2))
    assert [one.attempt for one in bench.sent(Training)] == [1]
    assert bench.rows("training_rows") == {}


async def test_what_is_forgotten_leaves_nothing(bench: Bench) -> None:
    await give(bench, ranked(2), command("forget", T0))
    assert bench.rows("training_rows") == {}


async def test_what_concerns_no_attempt_touches_no_table(bench: Bench) -> None:
    await give(bench, command("delete", T0), final())
    assert bench.order() == ["Acknowledged", "Acknowledged"]


async def test_a_result_without_provider_goes_to_errors(bench: Bench) -> None:
    await give(bench, ranked(1), failed(1).model_copy(update={"provider_name": None}))
    error = bench.error()
    assert (error.component, error.code, error.uuid) == ("training-data", "invalid_message", UUID)
