"""What the dispatcher's effects ask of the IM and of the cluster, where containers are concerned."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from support.lifecycle import UUID

from agents import im_calls, im_containers, im_effects, im_jobs, im_limits, im_place
from agents.im_place import Place
from paas_stream.clients import clusters
from paas_stream.clients.clusters import Access, Workload
from paas_stream.clients.im import ImClient, ImRefusedError
from paas_stream.clients.im_containers import IncompleteError
from paas_stream.clients.im_login import ImUser
from paas_stream.errors import TemporaryError
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome
from paas_stream.lifecycle.job import Job, JobKind
from paas_stream.records import DispatchEvent, RankedCandidate, Target
from paas_stream.selection.credentials import Credentials
from paas_stream.tosca import template
from tables.dispatches import DispatchInputs, UpdateInputs

TEXT = """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    web:
      type: tosca.nodes.Container.Application.Docker
      artifacts:
        image: {file: "web:1", type: tosca.artifacts.Deployment.Image.Container.Docker}
      requirements: [{host: runtime}]
    runtime:
      type: tosca.nodes.Container.Runtime.Docker
      capabilities:
        host:
          properties:
            num_cpus: 0.5
            mem_size: 256 MiB
            publish_ports: [{target: 80, source: 30080, endpoint: web}]
            volumes: ["pages:/pages"]
    pages: {type: tosca.nodes.BlockStorage, properties: {size: 1 GiB}}
"""
WHOLE = Workload("physics", "web-1a2b3c4d", claims=1, files=0, has_service=True, has_ingress=True)
CLUSTER = Target(
    type="kubernetes",
    endpoint="https://k8s.example.org:6443",
    project="physics",
    credentials="robot",
)


def machine(number: int = 0, *, is_there: bool = True, state: str = "pending") -> dict[str, Any]:
    """A container as the IM shows it."""
    described = {
        "class": "system",
        "id": "web-1a2b3c4d",
        "state": state,
        "disk.0.image.url": "docker://web:1",
        "cpu.count": 0.5,
        "memory.size": 256 * 1024**2,
    }
    return described | ({"instance_id": "physics/web-1a2b3c4d"} if is_there else {})


@dataclass
class Im(ImClient):
    """An IM with one infrastructure: what it has, and what it was asked to do."""

    has: tuple[str, ...] = ("inf-1",)
    shows: str = "pending"
    described: list[dict[str, Any]] = field(default_factory=lambda: [machine()])
    refusals: dict[str, Exception] = field(default_factory=dict)  # by call
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def _did(self, *call: Any) -> None:
        self.done.append(call)
        if (refusal := self.refusals.get(call[0])) is not None:
            raise refusal

    async def infrastructures(self, authorization: str) -> tuple[str, ...]:
        return self.has

    async def state(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        return self.shows, len(self.described)

    async def machines(self, authorization: str, infrastructure: str) -> tuple[str, ...]:
        return tuple(map(str, range(len(self.described))))

    async def machine(
        self, authorization: str, infrastructure: str, machine: str
    ) -> list[dict[str, Any]]:
        return [self.described[int(machine)]]

    async def contextualization(self, authorization: str, infrastructure: str) -> str:
        return ""

    async def outputs(self, authorization: str, infrastructure: str) -> dict[str, Any]:
        return {}

    async def alter(self, authorization: str, infrastructure: str, machine: str, radl: str) -> None:
        self._did("alter", machine, radl)

    async def add(self, authorization: str, infrastructure: str, template: str) -> None:
        self._did("add")

    async def remove(self, authorization: str, infrastructure: str, machine: str) -> None:
        self._did("remove", machine)

    async def delete(self, authorization: str, infrastructure: str, *, force: bool = False) -> None:
        self._did("delete by force" if force else "delete", infrastructure)
        self.has = tuple(one for one in self.has if one != infrastructure)


class Clusters:
    """What the cluster answers, and what it was asked about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.why: str | Exception | None = None
        self.lacks: tuple[str, ...] | Exception = ()
        self.asked: list[tuple[Access, Workload]] = []
        monkeypatch.setattr(clusters, "why_not_running", self._why)
        monkeypatch.setattr(clusters, "missing", self._missing)

    async def _why(self, access: Access, one: Workload) -> str | None:
        self.asked.append((access, one))
        if isinstance(self.why, Exception):
            raise self.why
        return self.why

    async def _missing(self, access: Access, one: Workload) -> tuple[str, ...]:
        self.asked.append((access, one))
        if isinstance(self.lacks, Exception):
            raise self.lacks
        return self.lacks


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Clusters:
    known = SimpleNamespace(
        credentials=lambda name: Credentials("token", token="a-token"), kubernetes=()
    )
    for module in (im_place, im_containers):
        monkeypatch.setattr(module, "federation", lambda: known)
    monkeypatch.setattr(im_limits, "_breakers", im_limits.defaultdict(im_limits.Breaker))
    return Clusters(monkeypatch)


@pytest.fixture
def im() -> Im:
    return Im()


def place(kind: EffectKind = EffectKind.POLL, target: Target = CLUSTER, **fields: Any) -> Place:
    """An effect on the one infrastructure at a cluster."""
    candidate = RankedCandidate(provider_name="k8s", region_name="default", target=target)
    known = candidate.model_dump(mode="json")
    document = template.validate(TEXT, {}).document
    newer = template.validate(TEXT.replace("num_cpus: 0.5", "num_cpus: 2"), {}).document
    updates = (UpdateInputs(2, newer, (known,)),)
    inputs = DispatchInputs(document, "alice", None, (known,), updates)
    effect = Effect(UUID, 1, 1, kind, 0, ("inf-1",), **fields)
    return Place(effect, inputs, candidate, ImUser(f"{UUID}.1", "secret"))


def told(found: DispatchEvent | None) -> tuple[str | None, str | None]:
    assert found is not None
    return found.outcome, found.message


class TestAPoll:
    async def test_of_a_start_that_goes_well_asks_no_cluster(
        self, im: Im, cluster: Clusters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(im_containers.time, "time", lambda: 104.9)
        assert told(await im_calls.poll(place(since=100.0), im)) == (Outcome.STATE, None)
        assert cluster.asked == []

    async def test_of_one_that_lasts_tells_why(self, im: Im, cluster: Clusters) -> None:
        cluster.why = "ImagePullBackOff"
        assert told(await im_calls.poll(place(), im)) == (Outcome.STATE, "ImagePullBackOff")
        ((access, workload),) = cluster.asked
        assert (access.url, access.token, access.ca) == (CLUSTER.endpoint, "a-token", None)
        assert workload == Workload("physics", "web-1a2b3c4d")

    async def test_tells_it_once(self, im: Im, cluster: Clusters) -> None:
        cluster.why = "ImagePullBackOff"
        known = {"known_state": "pending", "known_machines": True}
        again = place(**known, known_reason="ImagePullBackOff")
        assert await im_calls.poll(again, im) is None
        other = place(**known, known_reason="ErrImagePull")
        assert told(await im_calls.poll(other, im)) == (Outcome.STATE, "ImagePullBackOff")
        cluster.why = None
        assert await im_calls.poll(again, im) is None

    async def test_of_containers_of_which_none_is_made_asks_no_cluster(
        self, im: Im, cluster: Clusters
    ) -> None:
        im.described = []
        await im_calls.poll(place(), im)
        assert cluster.asked == []

    async def test_of_a_failure_tells_what_each_container_says_once(
        self, im: Im, cluster: Clusters
    ) -> None:
        im.shows, cluster.why = "failed", "exceeded quota"
        im.described = [machine(), machine(), machine(state="configured"), machine(is_there=False)]
        assert told(await im_calls.poll(place(), im)) == (Outcome.STATE, "exceeded quota")
        assert len(cluster.asked) == 2

    async def test_of_many_containers_asks_about_some(self, im: Im, cluster: Clusters) -> None:
        im.described = [machine()] * 50
        await im_calls.poll(place(), im)
        assert len(cluster.asked) == im_containers._MOST

    async def test_tells_that_the_cluster_cannot_be_asked(self, im: Im, cluster: Clusters) -> None:
        cluster.why = TemporaryError("the cluster answers 403")
        assert told(await im_calls.poll(place(), im)) == (Outcome.STATE, "the cluster answers 403")

    async def test_of_a_cloud_asks_no_cluster(self, im: Im, cluster: Clusters) -> None:
        await im_calls.poll(place(target=Target(type="dummy", endpoint="")), im)
        assert cluster.asked == []


class TestAConfirmation:
    async def confirm(self, im: Im) -> tuple[str | None, str | None]:
        return told(await im_calls.confirm(place(EffectKind.CONFIRM), im))

    async def test_asks_the_cluster_for_all_of_it(self, im: Im, cluster: Clusters) -> None:
        assert await self.confirm(im) == (Outcome.CONFIRMED, None)
        assert [one for _, one in cluster.asked] == [WHOLE]

    async def test_of_what_is_incomplete_is_refused(self, im: Im, cluster: Clusters) -> None:
        cluster.lacks = ("no Service", "no Ingress")
        assert await self.confirm(im) == (Outcome.REFUSED, "no Service; no Ingress")

    async def test_tells_what_is_left_besides_even_then(self, im: Im, cluster: Clusters) -> None:
        im.has = ("inf-1", "stray")
        im.refusals = {"delete": TemporaryError("busy")}
        cluster.lacks = ("no Service",)
        found = await im_calls.confirm(place(EffectKind.CONFIRM), im)
        assert found.infrastructures == ("stray",)

    async def test_is_one_when_the_cluster_cannot_be_asked(self, im: Im, cluster: Clusters) -> None:
        cluster.lacks = TemporaryError("the cluster answers 403")
        assert await self.confirm(im) == (
            Outcome.CONFIRMED,
            "whether all of it is there is not known: the cluster answers 403",
        )

    async def test_asks_about_every_container(self, im: Im, cluster: Clusters) -> None:
        im.described = [machine()] * 50
        await self.confirm(im)
        assert len(cluster.asked) == 50


class TestAnUpdate:
    JOB = Job(JobKind.UPDATE, 0.0, revision=2, removals=("7",))

    def place(self) -> Place:
        return place(EffectKind.CHANGE, job=self.JOB)

    async def test_removes_then_changes_in_place_then_adds(self, im: Im, cluster: Clusters) -> None:
        assert told(await im_jobs.change(self.place(), im)) == (Outcome.CHANGED, None)
        assert [call[0] for call in im.done] == ["remove", "alter", "add"]
        assert "cpu.count = 2 " in im.done[1][2]

    async def test_done_again_changes_nothing_twice(self, im: Im, cluster: Clusters) -> None:
        im.described = [machine() | {"cpu.count": 2.0}]
        await im_jobs.change(self.place(), im)
        assert [call[0] for call in im.done] == ["remove", "add"]

    async def test_changes_every_container(self, im: Im, cluster: Clusters) -> None:
        im.described = [machine()] * 50
        await im_jobs.change(self.place(), im)
        assert [call[0] for call in im.done].count("alter") == 50

    async def test_that_the_cluster_refuses_in_part_is_refused(
        self, im: Im, cluster: Clusters
    ) -> None:
        cluster.lacks = ("no Service",)
        with pytest.raises(IncompleteError) as refused:
            await im_jobs.change(self.place(), im)
        answer = im_effects._refused(self.place(), refused.value)
        assert told(answer) == (Outcome.REFUSED, "no Service")

    async def test_tells_what_could_not_be_looked_at(self, im: Im, cluster: Clusters) -> None:
        cluster.lacks = TemporaryError("the cluster answers 403")
        _, message = told(await im_jobs.change(self.place(), im))
        assert message == "whether all of it is there is not known: the cluster answers 403"

    async def test_of_machines_changes_nothing_in_place(self, im: Im, cluster: Clusters) -> None:
        cloud = replace(
            self.place(), candidate=place(target=Target(type="dummy", endpoint="")).candidate
        )
        await im_jobs.change(cloud, im)
        assert [call[0] for call in im.done] == ["remove", "add"]
        assert cluster.asked == []


class TestACleanUp:
    """By force, where the IM has given an attempt up and the provider has nothing of it."""

    REFUSED = ImRefusedError("Error deleting (IM 400)", status=400)

    @pytest.fixture
    def im(self) -> Im:
        return Im(
            shows="failed",
            described=[machine(is_there=False)],
            refusals={"delete": self.REFUSED},
        )

    async def clean(self, im: Im, **fields: Any) -> tuple[str | None, str | None]:
        return told(await im_calls.clean(place(EffectKind.CLEAN, **fields), im))

    async def test_is_by_force_where_nothing_was_made(self, im: Im, cluster: Clusters) -> None:
        assert await self.clean(im) == (Outcome.CLEAN, None)
        assert [call[0] for call in im.done] == ["delete", "delete by force"]

    async def test_is_by_force_where_the_im_knows_of_no_machine(
        self, im: Im, cluster: Clusters
    ) -> None:
        im.described = []
        assert await self.clean(im) == (Outcome.CLEAN, None)

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"described": [machine(is_there=False), machine()]}, 400),  # one was made
            ({"shows": "pending"}, 400),  # the IM may still make one
            ({"shows": "configured"}, 400),
            ({}, 409),  # the IM is at work with it
        ],
    )
    async def test_is_not_where_something_may_be_there(
        self, im: Im, cluster: Clusters, changes: dict[str, Any], status: int
    ) -> None:
        im.refusals = {"delete": ImRefusedError("refused", status=status)}
        for name, value in changes.items():
            setattr(im, name, value)
        with pytest.raises(ImRefusedError):
            await self.clean(im)
        assert [call[0] for call in im.done] == ["delete"]

    async def test_that_fails_for_a_time_is_not_by_force(self, im: Im, cluster: Clusters) -> None:
        im.refusals = {"delete": TemporaryError("the IM did not answer in time")}
        with pytest.raises(TemporaryError):
            await self.clean(im)
        assert [call[0] for call in im.done] == ["delete"]

    async def test_that_is_by_force_already_is_not_done_twice(
        self, im: Im, cluster: Clusters
    ) -> None:
        im.refusals = {"delete by force": self.REFUSED}
        with pytest.raises(ImRefusedError):
            await self.clean(im, force=True)
        assert [call[0] for call in im.done] == ["delete by force"]
