"""What a change takes along: the owner's token and nobody else's; one update at a time."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from paas_stream.access import Caller
from paas_stream.lifecycle.deployment import DeploymentRow
from web import callers, changes
from web.faults import ApiError

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
