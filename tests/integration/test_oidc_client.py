"""Tokens of a real OpenID provider, and what becomes of them when its keys change or it is away."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from support.identity import AUDIENCE, OTHER_AUDIENCE, OidcProvider, openid_provider, tampered
from yarl import URL

from paas_stream.access import Caller
from paas_stream.auth_settings import Issuer, OidcSettings
from paas_stream.clients.oidc import OidcClient
from paas_stream.clients.tokens import RefusedTokenError
from paas_stream.errors import TemporaryError

ANNA = {"groups": ["physics", "biology"], "wlcg.groups": ["/physics"]}
RETRY_S = 10.0
KEYS_S = 3600.0
STALE_S = 86400.0


class Clock:
    """Moves when a test says so; starts at a moment like any other."""

    now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """A provider that a test may stop: the next one finds it running again."""
    with openid_provider(tmp_path_factory.mktemp("oidc"), {"anna": {"claims": ANNA}}) as made:
        yield made


@pytest.fixture(autouse=True)
def _running(provider: OidcProvider) -> None:
    if not provider.is_running:
        provider.serve()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asked() -> list[URL]:
    """What the provider was asked for."""
    return []


@pytest.fixture
async def client(
    provider: OidcProvider, clock: Clock, asked: list[URL]
) -> AsyncIterator[OidcClient]:
    settings = OidcSettings(
        issuers=[Issuer(url=provider.issuer, audience=[AUDIENCE], admin_groups=["physics"])],
        retry_s=RETRY_S,
        keys_s=KEYS_S,
        keys_stale_s=STALE_S,
        timeout_s=2,
    )
    tracing = aiohttp.TraceConfig()

    async def seen(
        session: object, context: object, params: aiohttp.TraceRequestStartParams
    ) -> None:
        asked.append(params.url)

    tracing.on_request_start.append(seen)
    async with aiohttp.ClientSession(trace_configs=[tracing]) as session:
        yield OidcClient(settings, lambda: session, clock=clock)


async def test_a_token_stands_for_its_user(client: OidcClient, provider: OidcProvider) -> None:
    found = await client.caller(provider.token("anna"))
    assert found == Caller(provider.issuer, "anna", None, ("physics",), is_admin=True)


async def test_a_token_for_another_service_is_refused(
    client: OidcClient, provider: OidcProvider
) -> None:
    with pytest.raises(RefusedTokenError, match="aud"):
        await client.caller(provider.token("anna", OTHER_AUDIENCE))


async def test_keys_are_asked_for_once(
    client: OidcClient, provider: OidcProvider, clock: Clock, asked: list[URL]
) -> None:
    for _ in range(3):
        await client.caller(provider.token("anna"))
    assert len(asked) == 2  # discovery and keys
    clock.now += KEYS_S
    await client.caller(provider.token("anna"))
    assert len(asked) == 4


async def test_a_new_key_is_fetched_when_a_token_names_it(
    client: OidcClient, provider: OidcProvider, clock: Clock
) -> None:
    old = provider.token("anna")
    await client.caller(old)
    provider.rotate("rotated")
    new = provider.token("anna")
    clock.now += RETRY_S
    assert await client.caller(new) == await client.caller(old)


async def test_a_withdrawn_key_is_no_good_after_the_next_reading(
    client: OidcClient, provider: OidcProvider, clock: Clock
) -> None:
    old = provider.token("anna")
    await client.caller(old)
    provider.rotate("only")
    provider.world["keys"] = provider.world["keys"][:1]  # type: ignore[index]
    provider.serve()
    clock.now += KEYS_S
    with pytest.raises(RefusedTokenError, match="does not have"):
        await client.caller(old)


async def test_made_up_key_ids_cost_the_issuer_nothing(
    client: OidcClient, provider: OidcProvider, clock: Clock, asked: list[URL]
) -> None:
    good = provider.token("anna")
    await client.caller(good)
    clock.now += RETRY_S
    for number in range(100):
        with pytest.raises(RefusedTokenError, match="does not have"):
            await client.caller(tampered(good, kid=f"made-up-{number}"))
    assert len(asked) == 4
    assert (await client.caller(good)).subject == "anna"


async def test_an_issuer_that_is_away_is_no_reason_to_refuse(
    client: OidcClient, provider: OidcProvider, clock: Clock, asked: list[URL]
) -> None:
    token = provider.token("anna")
    provider.kill9()
    for _ in range(3):
        with pytest.raises(TemporaryError) as caught:
            await client.caller(token)
        assert caught.value.delay_s == RETRY_S
    assert len(asked) == 1
    provider.serve()
    clock.now += RETRY_S
    assert (await client.caller(token)).subject == "anna"


async def test_known_keys_are_used_while_the_issuer_is_away(
    client: OidcClient, provider: OidcProvider, clock: Clock
) -> None:
    token = provider.token("anna")
    await client.caller(token)
    provider.kill9()
    clock.now += STALE_S - 1
    assert (await client.caller(token)).subject == "anna"
    clock.now += RETRY_S
    with pytest.raises(TemporaryError):
        await client.caller(token)


async def test_another_issuer_behind_the_same_address_is_not_believed(
    provider: OidcProvider, clock: Clock
) -> None:
    token = provider.token("anna")
    url = provider.issuer.replace("127.0.0.1", "localhost")
    settings = OidcSettings(issuers=[Issuer(url=url, audience=[AUDIENCE])])
    async with aiohttp.ClientSession() as session:
        client = OidcClient(settings, lambda: session, clock=clock)
        with pytest.raises(RefusedTokenError, match="not trusted"):
            await client.caller(token)
        with pytest.raises(TemporaryError, match="it says that it is"):
            await client._issuers[url][1].key("k1", "RSA")
