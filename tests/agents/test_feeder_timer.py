"""Feeder: provider files -> `feeder`, on the worker that holds the topic's partition."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faust.types import TP
from support.bench import Bench, Clock, Sent

from agents import feeder as module
from agents import provider_configuration
from agents.feeder import feeder
from agents.provider_catalog import provider_catalog
from agents.provider_configuration import ProviderConfiguration
from paas_stream.app import app
from paas_stream.errors import ConfigurationError
from paas_stream.records import ErrorRecord, Feeder, Message
from paas_stream.selection.provider_files import Federation
from tables import providers

SETTINGS = app.settings.feeder
NOBODY = "no provider has been read yet"
FILE = """
trusted_idps:
  - issuer: https://iam.example.org/
    user_groups: [{name: g, slas: [{doc_uuid: s, start_date: 2025-01-01, end_date: 2099-01-01}]}]
static:
  - {name: SITE, type: dummy, endpoint: "https://a", projects: [{id: p, sla: s}]}
"""


class Files:
    """The provider files; a test may change what they say."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.fault: Exception | None = None

    def __call__(self) -> Federation:
        if self.fault is not None:
            raise self.fault
        return self.federation

    def without(self, name: str) -> None:
        static = tuple(one for one in self.federation.static if one.name != name)
        self.federation = Federation(self.federation.agreements, static=static)

    def set_status(self, name: str, status: str) -> None:
        """Another status for one provider."""
        static = tuple(
            one.model_copy(update={"status": status}) if one.name == name else one
            for one in self.federation.static
        )
        self.federation = Federation(self.federation.agreements, static=static)

    def move(self, name: str) -> None:
        """Another address for one provider."""
        static = tuple(
            one.model_copy(update={"endpoint": "https://moved/v3"}) if one.name == name else one
            for one in self.federation.static
        )
        self.federation = Federation(self.federation.agreements, static=static)


@pytest.fixture
def files(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> Files:
    made = Files(federation)
    monkeypatch.setattr(module, "federation", made)
    return made


@pytest.fixture
def holder(bench: Bench, files: Files, clock: Clock) -> Bench:
    """A bench whose worker holds the partition of `feeder`."""
    bench.consumer.assigned = {TP("feeder", 0)}
    bench.ready.catalog = NOBODY
    return bench


def names(messages: list[Message]) -> list[str]:
    return [one.key for one in messages if isinstance(one, Feeder)]


async def test_every_provider_region_and_project_is_sent_under_its_key(holder: Bench) -> None:
    sent = names(await holder.run(feeder))
    assert len(sent) == len(set(sent)) == 6
    assert "site-a/region-1/demo-a" in sent
    assert [one.key for one in holder.journal if isinstance(one, Sent)] == sent


async def test_a_site_whose_message_is_too_large_holds_up_no_other(holder: Bench) -> None:
    holder.refused = {Feeder}
    await holder.run(feeder)
    told = [one.message for one in holder.sent(ErrorRecord)]
    assert len(told) == len(set(told)) == 6
    assert "site-a/region-1/demo-a: a message is too large for feeder" in told


async def test_that_a_message_is_too_large_is_told_once_for_as_long_as_it_is(
    holder: Bench, clock: Clock
) -> None:
    holder.refused = {Feeder}
    assert len(await holder.run(feeder)) == 6
    for _ in range(2):
        clock.now += SETTINGS.heartbeat_s
        assert await holder.run(feeder) == []
    holder.refused = set()
    clock.now += SETTINGS.heartbeat_s
    assert {type(one) for one in await holder.run(feeder)} == {Feeder}
    holder.refused = {Feeder}
    clock.now += SETTINGS.heartbeat_s
    assert {type(one) for one in await holder.run(feeder)} == {ErrorRecord}


async def test_what_has_not_changed_is_sent_again_only_as_a_heartbeat(
    holder: Bench, clock: Clock
) -> None:
    first = await holder.run(feeder)
    clock.now += SETTINGS.heartbeat_s - 1
    assert await holder.run(feeder) == []
    clock.now += 1
    assert names(await holder.run(feeder)) == names(first)
    assert await holder.run(feeder) == []


async def catalogued(holder: Bench, clock: Clock) -> list[str]:
    """What is sent in one turn, once the catalog has it."""
    sent = await holder.run(feeder)
    for message in sent:
        await holder.give(provider_catalog, message, at=clock.now)
    return names(sent)


async def test_what_the_catalog_has_is_not_sent_again_after_a_restart(
    holder: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await catalogued(holder, clock)
    clock.now += SETTINGS.heartbeat_s - 1
    monkeypatch.setattr(module, "turns", module.Turns())
    assert await holder.run(feeder) == []
    clock.now += 1
    assert names(await holder.run(feeder)) == first


async def test_what_has_changed_is_sent_at_once_after_a_restart(
    holder: Bench, files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await catalogued(holder, clock)
    files.move("site-b")
    monkeypatch.setattr(module, "turns", module.Turns())
    assert {one.split("/")[0] for one in names(await holder.run(feeder))} == {"site-b"}


async def test_a_worker_that_gets_the_partition_back_goes_by_what_was_sent_meanwhile(
    holder: Bench, clock: Clock
) -> None:
    first = await catalogued(holder, clock)
    held, holder.consumer.assigned = holder.consumer.assigned, set()
    clock.now += SETTINGS.heartbeat_s
    assert await holder.run(feeder) == []
    for row in list(providers.catalog()):  # as the other worker sends it
        message = row.feeder.model_copy(
            update={"timestamp": datetime.fromtimestamp(clock.now, UTC)}
        )
        await holder.give(provider_catalog, message, at=clock.now)
    holder.consumer.assigned = held
    clock.now += 1
    assert await holder.run(feeder) == []
    clock.now += SETTINGS.heartbeat_s
    assert names(await holder.run(feeder)) == first


async def test_what_has_changed_is_sent_after_an_interval(
    holder: Bench, files: Files, clock: Clock
) -> None:
    await holder.run(feeder)
    files.move("site-b")
    clock.now += SETTINGS.interval_s - 1
    assert await holder.run(feeder) == []
    clock.now += 1
    changed = await holder.run(feeder)
    assert {one.split("/")[0] for one in names(changed)} == {"site-b"}


async def test_a_provider_that_is_new_is_sent_at_once_and_one_that_is_gone_never(
    holder: Bench, files: Files, clock: Clock
) -> None:
    whole = files.federation
    files.without("site-b")
    assert "site-b" not in {one.split("/")[0] for one in names(await holder.run(feeder))}
    files.federation = whole
    clock.now += 1
    assert {one.split("/")[0] for one in names(await holder.run(feeder))} == {"site-b"}


async def test_a_provider_that_goes_out_of_service_is_told_once(
    holder: Bench, files: Files, clock: Clock
) -> None:
    for message in await holder.run(feeder):
        await holder.give(provider_catalog, message, at=clock.now)
    files.set_status("site-b", "maintenance")
    clock.now += SETTINGS.interval_s
    told = await holder.run(feeder)
    assert {one.status for one in told if isinstance(one, Feeder)} == {"maintenance"}
    assert {one.split("/")[0] for one in names(told)} == {"site-b"}
    for message in told:
        await holder.give(provider_catalog, message, at=clock.now)
    clock.now += SETTINGS.heartbeat_s
    assert "site-b" not in {one.split("/")[0] for one in names(await holder.run(feeder))}


async def test_providers_that_were_never_in_service_are_neither_sent_nor_waited_for(
    holder: Bench, files: Files
) -> None:
    for site in files.federation.static:
        files.set_status(site.name, "draft")
    assert names(await holder.run(feeder)) == []
    assert holder.ready.catalog is None


async def test_messages_are_written_in_the_version_that_is_set(
    holder: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: list[bytes] = []  # as sent, and as compared
    encode = Feeder.encode
    monkeypatch.setattr(
        Feeder, "encode", lambda self: versions.append(encode(self)) or encode(self)
    )
    monkeypatch.setattr(SETTINGS, "version", "1.4.0")
    assert len(await holder.run(feeder)) == 6
    written = [one for one in versions if b'"msg_version":"1.4.0"' in one]
    assert len(written) == 6
    assert all(b"compute_services" in one for one in written)


async def test_faults_of_changed_files_go_to_errors_and_the_providers_are_still_sent(
    holder: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [ConfigurationError("providers.yaml: static[0]: wrong"), None]

    async def refresh() -> ConfigurationError | None:
        return faults.pop(0)

    monkeypatch.setattr(module, "refresh", refresh)
    sent = await holder.run(feeder)
    assert [one.message for one in sent if isinstance(one, ErrorRecord)] == [
        "providers.yaml: static[0]: wrong"
    ]
    assert len(names(sent)) == 6


class Running:
    """The Feeder of a worker with a provider file."""

    def __init__(self, bench: Bench, clock: Clock, file: Path) -> None:
        self.bench, self.clock, self.file = bench, clock, file
        self.changes = 0

    def write(self, text: str) -> None:
        self.changes += 1
        self.file.write_text(text)
        os.utime(self.file, (self.changes, self.changes))

    async def turn(self) -> list[Message]:
        """What the timer sends an interval later."""
        self.clock.now += SETTINGS.interval_s
        return await self.bench.run(feeder)


@pytest.fixture
def running(bench: Bench, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    made = Running(bench, clock, tmp_path / "providers.yaml")
    configuration = ProviderConfiguration([made.file])
    monkeypatch.setattr(provider_configuration, "configuration", configuration)
    bench.consumer.assigned = {TP("feeder", 0)}
    bench.ready.catalog = NOBODY
    return made


def errors(messages: list[Message]) -> list[str]:
    return [one.message for one in messages if isinstance(one, ErrorRecord)]


async def test_a_changed_file_is_sent_by_the_running_feeder(running: Running) -> None:
    running.write(FILE)
    assert names(await running.turn()) == ["SITE/default/p"]
    running.write(FILE.replace("https://a", "https://b"))
    (message,) = await running.turn()
    assert isinstance(message, Feeder)
    assert message.provider_endpoint == "https://b"


async def test_a_faulty_rewrite_keeps_the_old_providers_and_is_told_once(running: Running) -> None:
    running.write(FILE)
    await running.turn()
    running.write(FILE.replace("type: dummy", "type: cloud"))
    sent = [one for _ in range(6) for one in await running.turn()]
    (fault,) = errors(sent)
    assert "static[0].type" in fault
    assert set(names(sent)) == {"SITE/default/p"}  # a heartbeat
    running.write(FILE.replace("type: dummy", "type: other"))
    assert errors(await running.turn()) == []  # the same fault
    running.write(FILE)
    running.write("static: [")
    assert len(errors(await running.turn())) == 1


async def test_files_that_were_never_good_are_told_once(running: Running) -> None:
    running.write("static: [")
    sent = [one for _ in range(4) for one in await running.turn()]
    assert len(sent) == len(errors(sent)) == 1
    assert running.bench.ready.catalog == NOBODY
    running.write(FILE)
    assert names(await running.turn()) == ["SITE/default/p"]


async def test_faults_of_files_are_told_by_the_worker_that_holds_the_topic(
    running: Running,
) -> None:
    held, running.bench.consumer.assigned = running.bench.consumer.assigned, set()
    running.write("static: [")
    assert [one for _ in range(3) for one in await running.turn()] == []
    running.bench.consumer.assigned = held
    assert len(errors([one for _ in range(3) for one in await running.turn()])) == 1


async def test_a_worker_without_the_partition_sends_nothing(holder: Bench) -> None:
    holder.consumer.assigned = {TP("template", 0)}
    assert await holder.run(feeder) == []


async def test_nothing_is_sent_before_the_tables_are_filled(holder: Bench) -> None:
    holder.ready.tables_ready = False
    assert await holder.run(feeder) == []
    assert holder.ready.catalog == NOBODY


async def test_the_worker_is_ready_once_the_catalog_knows_a_provider(holder: Bench) -> None:
    for message in await holder.run(feeder):
        assert holder.ready.catalog == NOBODY
        await holder.give(provider_catalog, message)
    await holder.run(feeder)
    assert holder.ready.catalog is None


async def test_a_worker_without_provider_files_is_ready_at_once(
    holder: Bench, files: Files
) -> None:
    files.federation = Federation()
    assert await holder.run(feeder) == []
    assert holder.ready.catalog is None


async def test_a_fault_goes_to_errors_and_is_tried_again_after_an_interval(
    holder: Bench, files: Files, clock: Clock
) -> None:
    files.fault = RuntimeError("no such agreement")
    (error,) = await holder.run(feeder)
    assert isinstance(error, ErrorRecord)
    assert (error.component, error.step, error.uuid) == ("feeder", "read", None)
    assert error.message == "RuntimeError: no such agreement"
    files.fault = None
    clock.now += SETTINGS.interval_s - 1
    assert await holder.run(feeder) == []
    clock.now += 1
    assert len(await holder.run(feeder)) == 6


async def test_a_row_that_cannot_be_read_is_written_anew(holder: Bench) -> None:
    for message in await holder.run(feeder):
        await holder.give(provider_catalog, message)
    key = next(iter(holder.rows("providers")))
    holder.spoil("providers", key)
    module.turns.sent.clear()  # as after a restart
    await providers.rebuild()
    assert providers.catalog().get(key) is None
    for message in await holder.run(feeder):
        await holder.give(provider_catalog, message)
    assert providers.catalog().get(key) is not None


async def test_messages_that_were_sent_before_a_fault_are_not_sent_again(
    holder: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit, sent = app.emit, []

    async def fail_at_the_third(message: Message) -> None:
        sent.append(message)
        if len(sent) == 3:
            raise RuntimeError("too large")
        await emit(message)

    monkeypatch.setattr(app, "emit", fail_at_the_third)
    first = names(await holder.run(feeder))
    clock.now += SETTINGS.interval_s
    later = names(await holder.run(feeder))
    assert len(first) == 2
    assert len(later) == 4
    assert not set(first) & set(later)
