"""Rows that this version cannot read: they stay as they are, and stop nothing that needs no such row."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from support import lifecycle as make
from support.bench import Bench, Clock, Runner
from support.dispatching import creating
from support.lifecycle import T0, UUID, at
from support.rest import Line, Rest, answered

import tables.ranker
import tables.serving
from agents import deployment_tracker as tracker
from agents import im_dispatcher as dispatcher
from agents import im_effects, im_limits
from agents.model_register import live_model, model_register
from agents.provider_catalog import provider_catalog, provider_health
from agents.quota_keeper import quota_keeper
from agents.rally import reader
from agents.ranker_memory import ranker_memory
from agents.reference import component_register, key_register, template_register
from agents.training_data import training_data
from paas_stream.access import NOBODY
from paas_stream.app import app
from paas_stream.durable.metrics import REGISTRY
from paas_stream.errors import UnreadableRowError
from paas_stream.lifecycle.attempt import Outcome
from paas_stream.records import (
    AttemptStatus,
    Command,
    ComponentStatus,
    ErrorRecord,
    Feeder,
    Flavor,
    Message,
    ModelPart,
    QuotaRequest,
    Rally,
    StoredTemplate,
    Training,
    UserKey,
)
from tables import components, deployments, health, providers, quota_holds, stored_templates

OTHER = "0a1b2c3d-4e5f-4c55-9d7e-6f0d4c9e3b1a"
TEXT = "tosca_definitions_version: tosca_simple_yaml_1_3"
NOW = datetime.fromtimestamp(T0, UTC)


def feeder(**fields: Any) -> Feeder:
    return Feeder(
        timestamp=at(T0),
        provider_name="a",
        provider_type="openstack",
        provider_endpoint="https://a:5000/v3",
        region_name="north",
        project_id="p",
        user_group="demo",
        **fields,
    )


def report() -> Rally:
    return Rally(
        timestamp=at(T0), status="finished", provider="a", region_name="north", test_result="True"
    )


def attempt() -> Training:
    return Training(
        uuid=UUID,
        provider_name="a",
        region_name="north",
        status=AttemptStatus.COMPLETE,
        completion_time_s=60.0,
        submission_time=at(T0),
        ended_at=at(T0),
    )


def quota(what: str) -> QuotaRequest:
    return QuotaRequest.model_validate(
        {
            "uuid": UUID,
            "timestamp": at(T0),
            "attempt": 1,
            "request": what,
            "provider_name": "a",
            "region_name": "north",
            "project_id": "p",
        }
    )


@dataclass(frozen=True)
class Case:
    """A message, and the row without which nothing can be said of it."""

    table: str
    key: str
    agent: Any
    message: Message

    def __str__(self) -> str:
        return f"{type(self.message).__name__} and {self.table}"


NEEDED = [
    Case("deployments", UUID, tracker.deployment_tracker, make.validated()),
    Case("timelines", UUID, tracker.deployment_tracker, make.template()),
    Case("resources", UUID, tracker.deployment_tracker, make.validated()),
    Case("template_texts", UUID, tracker.deployment_tracker, make.template()),
    Case("dispatches", UUID, dispatcher.im_dispatcher, make.validated()),
    Case("dispatch_inputs", UUID, dispatcher.im_dispatcher, make.validated()),
    Case("training_rows", UUID, training_data, make.ranked()),
    Case("quota_holds", f"{UUID}/1", quota_keeper, quota("hold")),
    Case("quota_holds", f"{UUID}/1", quota_keeper, quota("created")),
    Case("quota_holds", f"{UUID}/1", quota_keeper, quota("release")),
    Case("provider_history", "a/north", ranker_memory, attempt()),
    Case("provider_health", "a/north", provider_health, report()),
    Case("providers", "a/north/p", provider_catalog, feeder(unknown=("flavors",))),
    Case("models", "live", model_register, ModelPart(version="m1", part="live")),
    Case("models", "m1/p", model_register, ModelPart.of_bytes("m1", "p", b"{}")),
    Case(
        "stored_templates",
        StoredTemplate.id_of(TEXT),
        template_register,
        StoredTemplate(id=StoredTemplate.id_of(TEXT), template=TEXT, name="one"),
    ),
]


class TestAMessageThatNeedsOne:
    @pytest.mark.parametrize("case", NEEDED, ids=str)
    async def test_goes_to_errors_and_the_row_stays(
        self, bench: Bench, clock: Clock, runner: Runner, case: Case
    ) -> None:
        bench.spoil(case.table, case.key)
        await quota_holds.rebuild()
        key = getattr(case.message, "key", None) or UUID
        await bench.give(case.agent, case.message, key=key, at=T0)
        error = bench.error()
        assert f"the row {case.key} of {case.table} cannot be read" in error.message
        assert error.code in ("unreadable_row", "ranking_model")
        assert not error.retriable
        assert bench.rows(case.table)[case.key] == []

    @pytest.mark.parametrize("table", ["timelines", "resources"])
    async def test_has_followed_the_deployment_if_it_needs_one_only_to_tell_of_it(
        self, bench: Bench, clock: Clock, table: str
    ) -> None:
        bench.spoil(table, UUID)
        await bench.give(tracker.deployment_tracker, make.template())
        row = deployments.index[UUID]
        assert (row.created, len(tracker.ticks)) == (make.template().timestamp.timestamp(), 1)

    async def test_of_errors_leads_to_no_other_error(self, bench: Bench, clock: Clock) -> None:
        bench.spoil("deployments", UUID)
        told = ErrorRecord(uuid=UUID, component="ai-ranker", step="handle", code="x", message="y")
        assert await bench.give(tracker.deployment_tracker, told) == []

    async def test_is_handled_when_it_comes_again_and_the_row_can_be_read(
        self, bench: Bench, clock: Clock
    ) -> None:
        await bench.give(tracker.deployment_tracker, make.template())
        kept = bench.snapshot()
        bench.spoil("deployments", UUID)
        await bench.give(tracker.deployment_tracker, make.validated())
        bench.restore(kept)
        await bench.give(tracker.deployment_tracker, make.validated())
        row = deployments.deployments.get(UUID)
        assert row is not None
        assert row.validated


class TestAMessageThatSaysAllItselfTakesThePlaceOf:
    async def test_a_provider(self, bench: Bench) -> None:
        bench.spoil("providers", "a/north/p")
        small = Flavor(name="small", vcpus=1, ram=1024)
        await bench.give(provider_catalog, feeder(flavors=(small,)), at=T0)
        assert [row.feeder.flavors for row in providers.rows()] == [(small,)]
        assert bench.sent(ErrorRecord) == []

    async def test_a_heartbeat(self, bench: Bench) -> None:
        bench.spoil("components", "feeder/w0")
        await components.rebuild()
        beat = ComponentStatus(
            component="feeder", instance="w0", status="alive", version="1", interval_s=10.0
        )
        await bench.give(component_register, beat)
        assert set(components.rows()) == {"feeder/w0"}
        assert bench.sent(ErrorRecord) == []

    async def test_a_users_key(self, bench: Bench) -> None:
        key = UserKey.id_of("i", "alice")
        bench.spoil("user_keys", key)
        await bench.give(key_register, UserKey(id=key, public_key="ssh-ed25519 x"))
        assert bench.rows("user_keys")[key]["public_key"] == "ssh-ed25519 x"
        assert bench.sent(ErrorRecord) == []


class TestAnEffect:
    async def test_says_which_row_it_lacks(
        self, bench: Bench, clock: Clock, runner: Runner
    ) -> None:
        effect = await creating(bench, runner)
        bench.spoil("dispatch_inputs", effect.uuid)
        with pytest.raises(UnreadableRowError) as caught:
            async with im_limits.room(effect):
                await im_effects.perform(effect)
        told = im_effects.failed(effect, caught.value)
        assert told is not None
        assert told.outcome == Outcome.FAULT
        assert told.message == f"the row {effect.uuid} of dispatch_inputs cannot be read: all of it"


class TestARecovery:
    async def test_leaves_them_out_in_every_table_and_counts_them(
        self, bench: Bench, clock: Clock, runner: Runner, caplog: pytest.LogCaptureFixture
    ) -> None:
        await bench.give(tracker.deployment_tracker, make.template())
        await bench.give(dispatcher.im_dispatcher, make.validated())
        await bench.give(dispatcher.im_dispatcher, make.ranked())
        await bench.give(provider_catalog, feeder(), at=T0)
        await bench.give(ranker_memory, attempt(), at=T0)
        await bench.give(provider_health, report(), at=T0)
        names = list(app.tables)
        for name in names:
            bench.spoil(name, "live" if name == "models" else OTHER)
        caplog.clear()
        for _ in range(2):
            await app.on_partitions_revoked.send(set())
            await app.on_rebalance_complete.send()
            app.flow_control.resume()
            assert set(deployments.index) == {UUID}
            assert len(tracker.ticks) == len(dispatcher.ticks) == 1
            assert len(providers.rows()) == 1
            assert health.last_report("a", "north") is not None
            assert tables.ranker.memory(NOW).estimate("a", "north", "vm").seen.successes == 1
            assert (components.rows(), stored_templates.rows()) == ({}, {})
        looked_at = set(names) - {
            # whose rows are read one by one, when they are needed
            "timelines",
            "resources",
            "logs",
            "ranked_providers",
            "template_texts",
            "dispatch_inputs",
            "training_rows",
            "user_keys",
        }
        counts = {
            name: REGISTRY.get_sample_value("paas_stream_unreadable_rows", {"table": name})
            for name in names
        }
        assert counts == {name: float(name in looked_at) for name in names}
        told = [one for one in caplog.messages if "cannot be read" in one]
        for name in looked_at:
            (line,) = [one for one in told if f" of {name} " in one and "; " not in one]
            assert OTHER in line or "live" in line


class TestTheLiveModel:
    async def test_is_told_once_when_its_row_cannot_be_read(self, bench: Bench) -> None:
        tables.serving.live.is_stale = True
        bench.spoil("models", "live")
        for _ in range(2):
            tables.serving.live.is_stale = True
            await bench.run(live_model)
        assert tables.serving.live.fault.startswith(
            "which model is live is not known: the row live of models cannot be read"
        )


class TestRally:
    def test_sends_no_report_that_could_not_be_counted(self, bench: Bench) -> None:
        assert reader.is_new(report())
        bench.spoil("provider_health", "a/north")
        assert not reader.is_new(report())


class TestTheRestApi:
    @pytest.mark.parametrize(
        ("table", "path"),
        [
            ("deployments", ""),
            ("deployments", "/events"),
            ("timelines", "/events"),
            ("resources", "/resources"),
            ("ranked_providers", "/ranking"),
            ("template_texts", "/template"),
        ],
    )
    async def test_answers_with_the_sentence(
        self, bench: Bench, rest: Rest, line: Line, table: str, path: str
    ) -> None:
        await line.give(make.template())
        bench.spoil(table, UUID)
        await deployments.rebuild()
        bench.journal.clear()
        body = await answered(rest.get(f"/deployments/{UUID}{path}"), 500)
        assert body["message"].startswith(f"the row {UUID} of {table} cannot be read")
        assert body["title"] == "Internal Server Error"
        assert bench.journal == []

    async def test_changes_nothing_of_a_deployment_whose_row_it_cannot_read(
        self, bench: Bench, rest: Rest, line: Line
    ) -> None:
        await line.give(make.template())
        bench.spoil("deployments", UUID)
        await deployments.rebuild()
        await answered(rest.delete(f"/deployments/{UUID}"), 500)
        assert bench.sent(Command) == []

    async def test_lists_the_others(self, bench: Bench, rest: Rest, line: Line) -> None:
        await line.give(make.template())
        bench.spoil("deployments", OTHER)
        await deployments.rebuild()
        body = await answered(rest.get("/deployments"), 200)
        assert [one["uuid"] for one in body["content"]] == [UUID]

    async def test_answers_with_the_sentence_for_stored_things(
        self, bench: Bench, rest: Rest
    ) -> None:
        template, key = StoredTemplate.id_of(TEXT), UserKey.id_of(NOBODY.issuer, NOBODY.subject)
        bench.spoil("stored_templates", template)
        bench.spoil("user_keys", key)
        body = await answered(rest.get(f"/templates/{template}"), 500)
        assert f"the row {template} of stored_templates cannot be read" in body["message"]
        body = await answered(rest.get("/user/ssh-key"), 500)
        assert f"the row {key} of user_keys cannot be read" in body["message"]
