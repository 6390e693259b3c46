"""Tokens of a real Keystone, and what becomes of them when it is away or does not trust us."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr
from support.fault_proxy import FaultProxy
from support.identity import SECRET, Keystone
from support.ports import free_port

from paas_stream.access import Caller
from paas_stream.auth_settings import KeystoneSettings
from paas_stream.clients.keystone import KeystoneClient
from paas_stream.clients.tokens import RefusedTokenError
from paas_stream.errors import TemporaryError


class Clock:
    now = 5000.0

    def __call__(self) -> float:
        return self.now


Make = Callable[..., KeystoneClient]


@pytest.fixture(scope="module")
def users(keystone: Keystone) -> dict[str, str]:
    """Ids of the users."""
    return {
        "anna": keystone.user("anna", "physics", "imaging"),
        "ben": keystone.user("ben", "biology"),
    }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(keystone: Keystone, clock: Clock) -> Iterator[Make]:
    """`client(**settings)`: made for the real Keystone, unless the settings say otherwise."""
    made: list[KeystoneClient] = []

    def make(**settings: object) -> KeystoneClient:
        given = {"url": keystone.url, "username": "paas", "password": SecretStr(SECRET)} | settings
        made.append(KeystoneClient(KeystoneSettings.model_validate(given), clock=clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_a_token_stands_for_its_user_project_and_groups(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    found = await client().caller(keystone.token("anna", "physics"))
    groups = ("physics", "imaging")
    assert found == Caller(keystone.url, users["anna"], "anna", groups, is_admin=False)


async def test_settings_name_groups_admins_and_the_issuer(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    keystone_client = client(
        user_groups={"biology": "life/bio"}, admin_groups=["life/bio"], issuer="https://iam/"
    )
    found = await keystone_client.caller(keystone.token("ben", "biology"))
    assert (found.issuer, found.groups, found.is_admin) == ("https://iam/", ("life/bio",), True)


async def test_projects_of_other_domains_are_no_user_groups(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    found = await client(domains=["federated"]).caller(keystone.token("anna", "physics"))
    assert found.groups == ()


@pytest.mark.parametrize("token", ["made-up", "gAAAAA" + "x" * 180, "", "é", "a\nb", "x" * 9000])
async def test_a_token_that_keystone_does_not_know_is_refused(client: Make, token: str) -> None:
    with pytest.raises(RefusedTokenError):
        await client().caller(token)


async def test_a_revocation_is_noticed_within_a_minute(
    keystone: Keystone, users: dict[str, str], client: Make, clock: Clock
) -> None:
    slow = client(cache_s=60)
    token = keystone.token("anna", "physics")
    await slow.caller(token)
    keystone.revoke(token)
    clock.now += 59.9
    assert (await slow.caller(token)).username == "anna"
    clock.now += 0.1
    with pytest.raises(RefusedTokenError):
        await slow.caller(token)
    with pytest.raises(RefusedTokenError):
        await client().caller(token)


@pytest.mark.parametrize(
    "account",
    [
        {"username": "powerless"},
        {"password": SecretStr("wrong")},
        {"username": "nobody"},
        {"project": "physics"},
    ],
    ids=str,
)
async def test_a_service_account_without_rights_is_no_reason_to_refuse(
    keystone: Keystone, users: dict[str, str], client: Make, account: dict[str, object]
) -> None:
    token = keystone.token("anna", "physics")
    with pytest.raises(TemporaryError, match="service account"):
        await client(**account).caller(token)


async def test_a_keystone_that_is_away_is_no_reason_to_refuse(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    away = client(url=f"http://127.0.0.1:{free_port()}/v3", timeout_s=0.5)
    with pytest.raises(TemporaryError, match="cannot be asked"):
        await away.caller("token")


async def test_another_service_in_its_place_is_no_reason_to_refuse(
    keystone: Keystone, client: Make
) -> None:
    with pytest.raises(TemporaryError):
        await client(url=f"http://127.0.0.1:{keystone.port}/elsewhere").caller("token")


async def test_many_who_ask_at_once_cost_one_validation(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    token = keystone.token("ben", "biology")
    proxy = FaultProxy(keystone.url.removesuffix("/v3"))
    try:
        one = client(url=proxy.url)
        found = await asyncio.gather(*(one.caller(token) for _ in range(30)))
        calls = list(proxy.calls)
    finally:
        proxy.close()
    assert {caller.username for caller in found} == {"ben"}
    assert [call for call in calls if "nocatalog" in call] == ["GET /v3/auth/tokens?nocatalog"]


async def test_a_keystone_that_is_ill_is_no_reason_to_refuse(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    token = keystone.token("ben", "biology")
    proxy = FaultProxy(keystone.url.removesuffix("/v3"))
    try:
        one = client(url=proxy.url, timeout_s=1)
        for path, how in [("nocatalog", "500"), ("nocatalog", "reset"), ("groups", "503")]:
            proxy.fault("GET", path, how)
            with pytest.raises(TemporaryError):
                await one.caller(token)
        held = proxy.fault("GET", "nocatalog", "before")
        with pytest.raises(TemporaryError):
            await one.caller(token)
        held.drop()
        assert (await one.caller(token)).username == "ben"
    finally:
        proxy.close()


async def test_only_so_many_tokens_wait(
    keystone: Keystone, users: dict[str, str], client: Make
) -> None:
    one = client(waiting=2, concurrency=1)
    answers = await asyncio.gather(
        *(one.caller(f"made-up-{number}") for number in range(5)), return_exceptions=True
    )
    kinds = [type(answer) for answer in answers]
    assert kinds.count(TemporaryError) == 3
    assert kinds.count(RefusedTokenError) == 2
