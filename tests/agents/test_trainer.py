"""The scheduled trainer: when a run is begun, on which worker, and that its faults are told once."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from faust.types import TP
from support import played
from support.bench import Bench, Clock

import tables.models
from agents import trainer as module
from agents.model_register import model_register
from agents.trainer import Runs, trainer
from paas_stream.clients.training import RunNotLoggedError, Said, TrainingRunError
from paas_stream.records import ErrorRecord, ModelPart

INTERVAL_S = 3600.0
NEW_ROWS = 200


class Program:
    """In the place of `paas-stream train`: how often it was begun, and when it ends."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = False
        self.fault: Exception | None = None
        self.is_trained = False  # whether it has made a model
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def run(self) -> Said:
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.fault is not None:
            raise self.fault
        return Said("what it says", self.is_trained)


@pytest.fixture
async def program(bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A worker that holds the partition of `training`, in which 1000 records stand."""
    made = Program()
    clock.now = datetime(2027, 6, 2, tzinfo=UTC).timestamp()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "runs", Runs(made, INTERVAL_S, NEW_ROWS))  # type: ignore[arg-type]
    bench.consumer.assigned = {TP("training", 0)}
    ends(bench, 1000)
    return made


def ends(bench: Bench, offset: int | None) -> None:
    bench.consumer.highwater = lambda tp: offset  # type: ignore[attr-defined]


async def turn(bench: Bench) -> None:
    """One turn of the timer, and what follows from it."""
    await bench.run(trainer)
    for _ in range(200):
        await asyncio.sleep(0.001)
        if module.runs.running is None:
            return


async def card(bench: Bench, created: float, read_to: int) -> None:
    """A model that is there, made at `created` from the records before `read_to`."""
    model, _ = played.model(played.rows(200), now=datetime.fromtimestamp(created, UTC))
    text = model.card.model_copy(update={"read_to": read_to}).model_dump_json()
    record = ModelPart(version=model.card.version, part="card", content=text)
    await bench.give(model_register, record, key=record.key)


async def test_it_looks_once_in_an_interval(bench: Bench, program: Program, clock: Clock) -> None:
    for _ in range(3):
        await turn(bench)
    assert program.begun == 1
    clock.now += INTERVAL_S - 1
    await turn(bench)
    assert program.begun == 1
    clock.now += 1
    await turn(bench)
    assert program.begun == 2


async def test_one_run_is_under_way_at_a_time(bench: Bench, program: Program, clock: Clock) -> None:
    program.may_end.clear()
    await turn(bench)
    clock.now += 10 * INTERVAL_S
    await turn(bench)
    assert program.begun == 1
    program.may_end.set()


@pytest.mark.parametrize(("end", "begun"), [(0, 0), (None, 0), (49, 0), (50, 1), (5000, 1)])
async def test_without_a_model_fifty_records_are_worth_a_look(
    bench: Bench, program: Program, end: int | None, begun: int
) -> None:
    ends(bench, end)
    await turn(bench)
    assert program.begun == begun


@pytest.mark.parametrize(("end", "begun"), [(1049, 0), (1050, 1), (60, 1)])
async def test_what_is_new_follows_from_the_newest_card_and_so_after_a_restart_too(
    bench: Bench, program: Program, clock: Clock, end: int, begun: int
) -> None:
    await card(bench, clock.now - 2 * INTERVAL_S, read_to=1000)
    ends(bench, end)
    await turn(bench)
    assert program.begun == begun


async def test_a_model_that_was_just_made_is_not_followed_by_another(
    bench: Bench, program: Program, clock: Clock
) -> None:
    await card(bench, clock.now - INTERVAL_S + 10, read_to=1)
    await turn(bench)
    assert program.begun == 0
    assert tables.models.newest() is not None
    clock.now += 10
    await turn(bench)
    assert program.begun == 1


async def test_nothing_runs_elsewhere_or_before_the_tables_are_filled_or_when_it_is_off(
    bench: Bench, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.ready.tables_ready = False
    await turn(bench)
    bench.ready.tables_ready = True
    bench.consumer.assigned = {TP("models", 0)}
    await turn(bench)
    bench.consumer.assigned = {TP("training", 0)}
    off: Any = Runs(program, 0.0, NEW_ROWS)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "runs", off)
    await turn(bench)
    assert program.begun == 0


async def test_a_fault_is_told_once_for_as_long_as_it_is_the_same(
    bench: Bench, program: Program, clock: Clock
) -> None:
    program.fault = TrainingRunError("it ended with 1: no broker")
    for _ in range(3):
        await turn(bench)
        clock.now += INTERVAL_S
    assert program.begun == 3
    (told,) = bench.sent(ErrorRecord)
    assert (told.component, told.step, told.code) == ("ai-ranker-training", "train", "training_run")
    assert told.retriable
    program.fault = None
    await turn(bench)
    clock.now += INTERVAL_S
    program.fault = TrainingRunError("it ended with 1: no broker")
    await turn(bench)
    assert len(bench.sent(ErrorRecord)) == 2


async def test_what_mlflow_has_not_taken_is_told_once_until_it_takes_a_run_again(
    bench: Bench, program: Program, clock: Clock
) -> None:
    away = RunNotLoggedError("paas-stream: MLflow does not answer", "the model, and that")
    # it is down, no model is due, it is still down
    for fault in (away, None, away):
        program.fault = fault
        await turn(bench)
        clock.now += INTERVAL_S
    (told,) = bench.sent(ErrorRecord)
    assert (told.component, told.step, told.code) == ("ai-ranker-training", "train", "mlflow")
    assert told.message == "paas-stream: MLflow does not answer"
    program.fault, program.is_trained = None, True  # it has taken one
    await turn(bench)
    clock.now += INTERVAL_S
    program.fault = away
    await turn(bench)
    assert len(bench.sent(ErrorRecord)) == 2


async def test_a_run_is_ended_with_the_worker(bench: Bench, program: Program) -> None:
    program.may_end.clear()
    await turn(bench)
    await module.close()
    assert program.cancelled
    assert bench.sent(ErrorRecord) == []
