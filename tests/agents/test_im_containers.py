"""What the dispatcher's effects ask of the IM and of the cluster, where containers are concerned."""

from dataclasses import replace

import pytest
from support.containers import CLUSTER, WHOLE, Clusters, Im, answering, machine, place, told

from agents import cluster_looks, im_calls, im_effects, im_jobs
from agents.im_place import Place
from paas_stream.clients.cluster_access import Workload
from paas_stream.clients.im_containers import IncompleteError
from paas_stream.errors import TemporaryError
from paas_stream.lifecycle.attempt import EffectKind, Outcome
from paas_stream.lifecycle.job import Job, JobKind
from paas_stream.records import Target


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Clusters:
    return answering(monkeypatch)


@pytest.fixture
def im() -> Im:
    return Im()


class TestAPoll:
    async def test_of_a_start_that_goes_well_asks_no_cluster(
        self, im: Im, cluster: Clusters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(im_calls.time, "time", lambda: 104.9)
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
        assert len(cluster.asked) == cluster_looks._MOST

    async def test_tells_that_the_cluster_cannot_be_asked(self, im: Im, cluster: Clusters) -> None:
        cluster.why = TemporaryError("the cluster answers 403")
        assert told(await im_calls.poll(place(), im)) == (Outcome.STATE, "the cluster answers 403")

    async def test_of_a_cloud_asks_no_cluster(self, im: Im, cluster: Clusters) -> None:
        await im_calls.poll(place(target=Target(type="dummy", endpoint="")), im)
        assert cluster.asked == []


class TestAPollOfAnUpdate:
    JOB = Job(JobKind.UPDATE, 0.0, revision=2)

    @pytest.fixture
    def im(self) -> Im:
        return Im(shows="configured", described=[machine(state="configured")])

    async def test_waits_for_the_containers_of_the_update(self, im: Im, cluster: Clusters) -> None:
        cluster.rolls, cluster.why = True, "ImagePullBackOff"
        found = await im_calls.poll(place(job=self.JOB), im)
        assert told(found) == (Outcome.STATE, "ImagePullBackOff")
        assert found is not None
        assert found.state == "pending"

    async def test_is_over_when_they_run(self, im: Im, cluster: Clusters) -> None:
        found = await im_calls.poll(place(job=self.JOB), im)
        assert found is not None
        assert found.state == "configured"

    async def test_of_another_job_asks_no_cluster(self, im: Im, cluster: Clusters) -> None:
        await im_calls.poll(place(job=Job(JobKind.REFRESH, 0.0)), im)
        assert cluster.asked == []

    async def test_is_made_again_when_the_cluster_cannot_be_asked(
        self, im: Im, cluster: Clusters
    ) -> None:
        cluster.rolls = TemporaryError("the cluster answers 500")
        found = await im_effects._performed(place(job=self.JOB).effect, place(job=self.JOB), im)
        assert told(found) == (Outcome.FAULT, "the cluster answers 500")


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
