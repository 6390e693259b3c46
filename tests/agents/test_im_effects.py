"""What the IM is asked for at an OpenStack, where it is silent or too early with its answer."""

import asyncio
from typing import Any, cast

import pytest
from support import lifecycle as make
from support.bench import Bench

from agents import im_effects, im_looks
from agents.im_place import Place
from paas_stream.app import app
from paas_stream.clients.im import ImClient, ImRefusedError
from paas_stream.clients.im_login import ImUser
from paas_stream.errors import TemporaryError
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome
from paas_stream.records import NodeTarget
from tables.dispatches import DispatchInputs

TEMPLATE = {"topology_template": {"node_templates": {}}}


class Im(ImClient):
    """Notes what it is asked; `outputs` come one after the other, the last again and again."""

    def __init__(self, login: Exception | None = None, *outputs: dict[str, Any]) -> None:
        self.login, self.found = login, list(outputs)
        self.asked: list[str] = []

    async def infrastructures(self, authorization: str) -> tuple[str, ...]:
        return ()

    async def log_in(self, authorization: str, cloud: str) -> None:
        self.asked.append(f"log in to {cloud}")
        if self.login is not None:
            raise self.login

    async def create(self, authorization: str, template: str) -> str:
        self.asked.append("create")
        return "made"

    async def state(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        self.asked.append("state")
        return "configured", 1

    async def outputs(self, authorization: str, infrastructure: str) -> dict[str, Any]:
        self.asked.append("outputs")
        return self.found.pop(0) if len(self.found) > 1 else self.found[0]


def place(kind: EffectKind, *, type: str = "openstack", **node: str) -> Place:
    """A deployment of one node at p1."""
    candidate = make.ranked(1).ranked_providers[0]
    told = {"type": type, "nodes": {"node": NodeTarget(**node)}}
    candidate = candidate.model_copy(update={"target": candidate.target.model_copy(update=told)})
    effect = Effect(make.UUID, 1, 1, kind, 0, infrastructures=("made",))
    return Place(effect, DispatchInputs(template=TEMPLATE), candidate, ImUser("user", "password"))


@pytest.fixture(autouse=True)
def _a_login(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def authorization(_: Place) -> str:
        return "header"

    monkeypatch.setattr(Place, "authorization", authorization)


async def performed(where: Place, im: Im) -> Any:
    return await im_effects._performed(where.effect, where, cast(ImClient, im))


class TestLogins:
    async def test_a_login_that_the_cloud_refuses_ends_the_attempt_before_anything_is_made(
        self,
    ) -> None:
        im = Im(ImRefusedError("the cloud refuses the login"))
        found = await performed(place(EffectKind.CREATE, image="ost://p1/u"), im)
        assert (found.outcome, found.message) == (Outcome.REFUSED, "the cloud refuses the login")
        assert im.asked == ["log in to ost"]

    @pytest.mark.parametrize("login", [None, TemporaryError("out of order")])
    async def test_one_that_it_takes_and_one_of_which_nothing_is_known_are_used(
        self, login: Exception | None
    ) -> None:
        im = Im(login)
        found = await performed(place(EffectKind.CREATE, image="ost://p1/u"), im)
        assert found.outcome == Outcome.CREATED
        assert im.asked == ["log in to ost", "create"]

    async def test_a_cloud_that_does_not_answer_is_not_waited_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Hanging(Im):
            async def log_in(self, authorization: str, cloud: str) -> None:
                await asyncio.Event().wait()

        monkeypatch.setattr(app.settings.im, "call_timeout_s", 0.02)
        im = Hanging()
        found = await performed(place(EffectKind.CREATE, image="ost://p1/u"), im)
        assert found.outcome == Outcome.CREATED

    @pytest.mark.parametrize(("type", "image"), [("openstack", ""), ("dummy", "u")])
    async def test_where_the_im_is_not_silent_it_is_not_asked_twice(
        self, type: str, image: str
    ) -> None:
        im = Im(ImRefusedError("no"))
        await performed(place(EffectKind.CREATE, type=type, image=image), im)
        assert im.asked == ["create"]


class TestOutputs:
    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(im_looks, "_AGAIN_S", 0)

    async def test_a_public_address_is_waited_for(self) -> None:
        im = Im(None, {"address": [None]}, {"address": [None]}, {"address": ["192.0.2.1"]})
        found = await im_looks.outputs(place(EffectKind.CONFIRM, network="net,ext"), im)
        assert found == {"address": ["192.0.2.1"]}
        assert im.asked == ["outputs", "state", "outputs", "state", "outputs"]

    async def test_it_is_not_waited_for_longer_than_a_call_may_take(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app.settings.im, "call_timeout_s", 0.02)
        found = await im_looks.outputs(
            place(EffectKind.CONFIRM, network="net,ext"), Im(None, {"address": None})
        )
        assert found == {"address": None}

    @pytest.mark.parametrize(
        ("type", "network"), [("openstack", "net.PRIVATE"), ("dummy", "PUBLIC")]
    )
    async def test_without_one_the_outputs_are_taken_as_they_are(
        self, type: str, network: str
    ) -> None:
        im = Im(None, {"address": None})
        await im_looks.outputs(place(EffectKind.CONFIRM, type=type, network=network), im)
        assert im.asked == ["outputs"]
