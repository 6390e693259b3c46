"""How the IM deletes what an attempt has; by force, where the provider has none of it."""

from typing import Any

import pytest
from support.containers import Clusters, Im, answering, machine, place, told

from agents import im_cleanup
from paas_stream.clients.im import ImRefusedError
from paas_stream.errors import TemporaryError
from paas_stream.lifecycle.attempt import EffectKind, Outcome


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Clusters:
    return answering(monkeypatch)


class TestACleanUp:
    REFUSED = ImRefusedError("Error deleting (IM 400)", status=400)

    @pytest.fixture
    def im(self) -> Im:
        return Im(
            shows="failed",
            described=[machine(is_there=False)],
            refusals={"delete": self.REFUSED},
        )

    async def clean(self, im: Im, **fields: Any) -> tuple[str | None, str | None]:
        return told(await im_cleanup.clean(place(EffectKind.CLEAN, **fields), im))

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

    @pytest.mark.parametrize("shows", ["configured", "unknown", "failed"])
    async def test_is_by_force_where_the_cluster_has_no_more_of_it(
        self, im: Im, cluster: Clusters, shows: str
    ) -> None:
        im.described, im.shows, cluster.left = [machine()], shows, ()
        assert await self.clean(im) == (Outcome.CLEAN, None)
        assert [call[0] for call in im.done] == ["delete", "delete by force"]

    async def test_tells_what_the_cluster_has_of_a_container_whose_deployment_is_gone(
        self, im: Im, cluster: Clusters
    ) -> None:
        im.described, cluster.left = [machine()], ("the PersistentVolumeClaim web-1a2b3c4d-1",)
        with pytest.raises(
            ImRefusedError, match="still has the PersistentVolumeClaim web-1a2b3c4d-1"
        ):
            await self.clean(im)
        assert [call[0] for call in im.done] == ["delete"]

    async def test_waits_for_a_cluster_that_cannot_be_asked(
        self, im: Im, cluster: Clusters
    ) -> None:
        im.described, cluster.left = [machine()], TemporaryError("the cluster answers 503")
        with pytest.raises(TemporaryError, match="503"):
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
