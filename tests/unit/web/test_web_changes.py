"""What a change takes along: what was asked for before, the owner's token; one update at a time."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from support.rest import Parser

from paas_stream.access import Caller
from paas_stream.lifecycle.deployment import DeploymentRow, Ending
from paas_stream.records import Template
from web import callers, changes, requests
from web.faults import ApiError
from web.requests import DeploymentRequest

ROW = DeploymentRow("u", 0.0, 0.0, issuer="https://iam.example.org", subject="ada")
ADA = Caller("https://iam.example.org", "ada")
ADMIN = Caller("https://iam.example.org", "root", is_admin=True)
NAMESAKE = Caller("https://another.example.org", "ada")


@pytest.fixture(autouse=True)
def _vault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "vault", lambda: SimpleNamespace(seal=lambda text: f"<{text}>"))


@pytest.mark.parametrize(
    ("caller", "headers", "sealed"),
    [
        (ADA, {"Authorization": "Bearer t"}, "<t>"),
        (ADA, {}, None),
        (ADA, {"X-Auth-Token": "t"}, None),
        (ADMIN, {"Authorization": "Bearer t"}, None),
        (NAMESAKE, {"Authorization": "Bearer t"}, None),
    ],
    ids=["the owner", "without a token", "of Keystone", "an admin", "a namesake"],
)
async def test_only_the_owners_token_goes_with_a_change(
    monkeypatch: pytest.MonkeyPatch, caller: Caller, headers: dict[str, str], sealed: str | None
) -> None:
    async def who(_: Any) -> Caller:
        return caller

    monkeypatch.setattr(callers, "caller", who)
    request = make_mocked_request("PUT", "/deployments/u", headers=headers)
    assert await changes.token_of_owner(request, ROW) == sealed


def test_a_second_update_in_the_same_moment_is_told_to_come_again_at_once() -> None:
    with changes.one_at_a_time("u"):
        with changes.one_at_a_time("other"):
            pass
        with pytest.raises(ApiError) as refused, changes.one_at_a_time("u"):
            pass
        assert (refused.value.status, refused.value.retry_after_s) == (409, 0)
    with changes.one_at_a_time("u"):
        pass


class TestAnUpdate:
    MADE = DeploymentRow(
        "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f",
        0.0,
        0.0,
        created=1.0,
        issuer=ADA.issuer,
        subject=ADA.subject,
        user_group="physics",
        template_name="one machine",
        parameters={"cpus": 2, "note": "mine"},
        callback="https://client.example.org/hook",
        provider_name="site-a",
        region_name="r1",
        provider_type="openstack",
        create_end=Ending(True, 1.0),
        revision=3,
        ended_revision=3,
    )

    @pytest.fixture
    def update(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """`await update(callback=None)`: the message for a PUT with these fields."""

        async def who(_: Any) -> Caller:
            return ADA

        monkeypatch.setattr(callers, "caller", who)
        monkeypatch.setattr(changes.user_keys, "with_key", lambda message: message)
        nothing = SimpleNamespace(get=lambda uuid: None)
        monkeypatch.setattr(changes.tables, "resources", nothing)

        async def made(**fields: Any) -> Template:
            async def read(_: Any) -> DeploymentRequest:
                text = "tosca_definitions_version: tosca_simple_yaml_1_0"
                return DeploymentRequest.model_validate({"template": text} | fields)

            monkeypatch.setattr(requests, "deployment_request", read)
            request = make_mocked_request("PUT", "/deployments/u")
            return await changes.update(request, self.MADE, Parser())  # type: ignore[arg-type]

        return made

    async def test_is_merged_with_the_parameters_that_were_given_before(self, update: Any) -> None:
        made = await update(parameters={"cpus": 4, "more": True})
        assert made.template_inputs == {"cpus": 4, "note": "mine", "more": True}
        assert (await update()).template_inputs == self.MADE.parameters

    async def test_replaces_the_callback_only_when_it_has_one(self, update: Any) -> None:
        other = "https://other.example.org/"
        assert (await update(callback=other)).callback == other
        assert (await update(callback=None)).callback == self.MADE.callback
        assert (await update()).callback == self.MADE.callback

    async def test_is_the_next_revision_of_the_same_deployment(self, update: Any) -> None:
        made = await update(userGroup="another", maxProvidersRetry=7)
        assert (made.uuid, made.operation, made.revision) == (self.MADE.uuid, "update", 4)
        assert made.template_name == "one machine"
        assert made.body_digest is None
        owner = made.request.owner
        assert (owner.issuer, owner.subject) == (ADA.issuer, ADA.subject)
        assert (made.request.user_group, made.request.user_group_issuer) == ("physics", ADA.issuer)

    async def test_stays_at_its_provider(self, update: Any) -> None:
        asked = (await update(timeoutMins=5, providerTimeoutMins=5)).request
        assert asked.target_provider_name == "site-a"
        assert (asked.target_provider_type, asked.target_region_name) == ("openstack", "r1")
        assert (asked.max_providers, asked.per_provider_timeout) == (None, 5)
