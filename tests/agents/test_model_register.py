"""Model register: what may be live becomes live, all else is told, and the live model stays."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from faust.types import TP
from support import played
from support.bench import Bench
from support.events import uuid_number

import tables.serving
from agents import model_register as module
from agents.ai_ranker import ai_ranker
from agents.model_register import live_model, model_register
from paas_stream.durable.metrics import MODEL_AGE, REGISTRY
from paas_stream.ranking import models
from paas_stream.ranking.boosters import ModelError
from paas_stream.records import ErrorRecord, ModelPart, RankedProviders

MADE_AT = datetime(2025, 6, 1, tzinfo=UTC)
Records = dict[str, ModelPart]


@pytest.fixture(scope="module")
def first() -> Records:
    """A model's records by part."""
    return {one.part: one for one in played.model(played.rows(200), now=MADE_AT)[1]}


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of these tests may be opened in this process."""

    async def check(parts: Any) -> None:
        models.unpack(parts)

    monkeypatch.setattr(module.model_check, "check", check)


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`restart()`: of the live model the worker knows what a new process of it does."""
    return lambda: monkeypatch.setattr(tables.serving, "live", tables.serving.Serving())


def again(records: Records, hours: float) -> Records:
    """The same model as if it had been made later, or before."""
    card = json.loads(records["card"].content)
    created = MADE_AT + timedelta(hours=hours)
    version = f"{created:%Y%m%dT%H%M%SZ}-{card['version'][-8:]}"
    card |= {"version": version, "created_at": created.isoformat()}
    made = {part: one.model_copy(update={"version": version}) for part, one in records.items()}
    return made | {"card": made["card"].model_copy(update={"content": json.dumps(card)})}


def version(records: Records) -> str:
    return records["card"].version


async def give(bench: Bench, *records: ModelPart) -> None:
    for one in records:
        await bench.give(model_register, one, key=one.key)


async def publish(bench: Bench, records: Records, **fields: Any) -> None:
    """All of a model, and that it is to be live."""
    live = ModelPart(version=version(records), part="live", **fields)
    await give(bench, *records.values(), live)
    await bench.run(live_model)


async def ranking(bench: Bench) -> RankedProviders:
    await bench.give(ai_ranker, played.Asked(0.0, uuid_number(1), {"a": (True, 1.0)}).message)
    return bench.sent(RankedProviders)[-1]


def served() -> str | None:
    model = tables.serving.live.model
    return None if model is None else model.card.version


async def test_the_live_model_ranks_from_then_on(bench: Bench, first: Records) -> None:
    assert (await ranking(bench)).fallback == "rule"
    await publish(bench, first)
    found = await ranking(bench)
    assert (found.fallback, found.model_version) == ("model", version(first))
    newer = again(first, 1)
    await publish(bench, newer, previous=version(first))
    assert (await ranking(bench)).model_version == version(newer)
    assert bench.sent(ErrorRecord) == []


async def test_one_that_is_only_published_does_not_rank(bench: Bench, first: Records) -> None:
    await give(bench, *first.values())
    await bench.run(live_model)
    assert served() is None


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        ({"p": None}, "its part p is missing"),
        ({"card": None}, "its card is missing"),
        ({"p": "AAAA"}, "its part p is not what its card says"),
        ({"card": "{}"}, "its card cannot be read"),
    ],
)
async def test_a_broken_one_is_refused_and_the_live_one_stays(
    bench: Bench, first: Records, breaks: dict[str, str | None], says: str
) -> None:
    await publish(bench, first)
    broken = again(first, 1)
    for part, content in breaks.items():
        one = broken.pop(part)
        if content is not None:
            broken[part] = one.model_copy(update={"content": content})
    refused = next(iter(broken.values())).version
    live = ModelPart(version=refused, part="live", previous=version(first))
    await give(bench, *broken.values(), live)
    await bench.run(live_model)
    error = bench.error()
    assert (error.component, error.code) == ("model-register", "ranking_model")
    assert error.message == f"the model {refused} is refused: {says}"
    assert served() == version(first)
    assert (await ranking(bench)).model_version == version(first)


async def test_everyone_is_told_what_counts_after_a_refusal(bench: Bench, first: Records) -> None:
    await give(bench, ModelPart(version="v9", part="live"))
    (told,) = bench.sent(ModelPart)
    assert (told.key, told.deleted) == ("live", True)
    await publish(bench, first, by="ai-ranker-training")
    await give(bench, ModelPart(version="v9", part="live"))
    told = bench.sent(ModelPart)[-1]
    assert (told.version, told.by) == (version(first), "model-register")
    before = len(bench.journal)
    await give(bench, told)  # it comes back
    assert [one for one in bench.journal[before:] if hasattr(one, "message")] == []
    assert served() == version(first)


async def test_other_features_are_refused(bench: Bench, first: Records) -> None:
    card = json.loads(first["card"].content) | {"features_schema": "0123456789abcdef"}
    other = first | {"card": first["card"].model_copy(update={"content": json.dumps(card)})}
    await publish(bench, other)
    assert "it was made from other features" in bench.error().message
    assert (await ranking(bench)).fallback == "rule"


async def test_an_older_one_is_live_only_by_a_rollback(bench: Bench, first: Records) -> None:
    older, newer = first, again(first, 1)
    await publish(bench, newer)
    await publish(bench, older)
    assert "only a rollback goes back" in bench.error().message
    assert served() == version(newer)
    await publish(bench, older, rollback=True, previous=version(newer))
    assert served() == version(older)
    assert len(bench.sent(ErrorRecord)) == 1


async def test_one_of_a_time_to_come_is_not_live_so_that_later_ones_may_be(
    bench: Bench, first: Records
) -> None:
    await publish(bench, again(first, 24 * 365 * 1000))
    assert "the clock that dated it is ahead" in bench.error().message
    assert served() is None
    await publish(bench, first)
    assert served() == version(first)


async def test_what_is_live_is_neither_changed_nor_deleted(
    bench: Bench, first: Records, restart: Callable[[], None]
) -> None:
    await publish(bench, first)
    await give(bench, first["p"].model_copy(update={"content": "AAAA"}))
    await give(bench, first["p"].model_copy(update={"content": "", "deleted": True}))
    assert [one.code for one in bench.sent(ErrorRecord)] == ["ranking_model"] * 2
    # the commands read the topic, where the refused record has the key of the one that counts
    assert bench.sent(ModelPart) == [first["p"]] * 2
    await give(bench, first["p"])  # it comes back
    assert len(bench.sent(ModelPart)) == 2
    restart()
    await tables.serving.rebuild()
    assert served() == version(first)


async def test_old_ones_are_deleted(bench: Bench, first: Records) -> None:
    await give(bench, *first.values())
    assert len(bench.rows("models")) == 4
    await give(
        bench,
        *(one.model_copy(update={"content": "", "deleted": True}) for one in first.values()),
    )
    assert bench.rows("models") == {}


async def test_without_a_live_model_the_others_rank(bench: Bench, first: Records) -> None:
    await publish(bench, first)
    assert tables.serving.live.since is not None
    await give(bench, ModelPart(version="", part="live", deleted=True))
    await bench.run(live_model)
    assert (await ranking(bench)).fallback == "rule"
    assert tables.serving.live.since is None


async def test_after_a_restart_it_ranks_before_streams_go_on(
    bench: Bench, first: Records, restart: Callable[[], None]
) -> None:
    await publish(bench, first)
    restart()
    assert served() is None
    await tables.serving.rebuild()
    assert served() == version(first)


async def test_a_model_of_the_table_that_cannot_be_used_is_told_once_and_in_rankings(
    bench: Bench, first: Records, restart: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(bench, first)
    restart()
    bench.consumer.assigned = {TP("models", 0)}

    def of_another_version(parts: Any) -> None:
        raise ModelError("it was made from other features")

    monkeypatch.setattr(models, "unpack", of_another_version)
    for _ in range(3):
        tables.serving.live.is_stale = True
        await bench.run(live_model)
    assert bench.error().message == (
        f"the model {version(first)} cannot be used: it was made from other features"
    )
    found = await ranking(bench)
    assert found.fallback == "rule"
    assert "cannot be used: it was made from other features" in found.explanation


async def test_a_worker_without_the_partition_only_logs(
    bench: Bench, first: Records, restart: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(bench, first)
    restart()
    monkeypatch.setattr(models, "unpack", lambda parts: 1 / 0)
    await bench.run(live_model)
    assert bench.sent(ErrorRecord) == []
    assert tables.serving.live.fault.endswith("cannot be used: ZeroDivisionError")


async def test_loading_leaves_the_event_loop_to_others_and_ends_with_the_newest(
    bench: Bench, first: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = again(first, 1)
    await publish(bench, first)
    unpack, loop = models.unpack, asyncio.get_running_loop()
    begun, may_end = asyncio.Event(), asyncio.Event()

    def slow(parts: Any) -> models.Model:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(5)
        return unpack(parts)

    await give(bench, *newer.values(), ModelPart(version=version(newer), part="live"))
    monkeypatch.setattr(models, "unpack", slow)
    loading = asyncio.create_task(tables.serving.live.refresh())
    await asyncio.wait_for(begun.wait(), 5)
    assert (await ranking(bench)).model_version == version(first)  # meanwhile
    monkeypatch.setattr(module.model_check, "check", AsyncMock())
    await give(bench, ModelPart(version=version(first), part="live", rollback=True))
    may_end.set()
    await asyncio.wait_for(loading, 10)
    assert served() == version(first)


async def test_metrics_tell_the_model_and_which_step_ranked(bench: Bench, first: Records) -> None:
    def rankings(step: str) -> float:
        return REGISTRY.get_sample_value("paas_stream_rankings_total", {"step": step}) or 0.0

    before = rankings("model"), rankings("rule")
    await ranking(bench)
    await publish(bench, first)
    await ranking(bench)
    assert (rankings("model"), rankings("rule")) == (before[0] + 1, before[1] + 1)
    (age,) = MODEL_AGE.collect()
    assert [one.labels for one in age.samples] == [{"version": version(first)}]
