"""The page at `/ui/` of a service that needs a login: a real OpenID provider, and a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.identity import AUDIENCE, OTHER_AUDIENCE, OidcProvider, openid_provider
from support.stack import Stack

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

SOON_MS = 30_000
USERS = {
    "anna": {"claims": {"groups": ["physics"]}},
    "passing": {"claims": {"groups": ["physics"]}, "lifeS": 8},
}


@pytest.fixture(scope="module")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """The provider whose tokens are accepted."""
    with openid_provider(tmp_path_factory.mktemp("oidc"), USERS) as made:
        yield made


@pytest.fixture(scope="module")
def stack(
    program: Path,
    oidc: OidcProvider,
    kafka: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """One worker; nothing is deployed, so there is no IM."""
    made = Stack(kafka, "http://127.0.0.1:9", tmp_path_factory.mktemp("login"))
    try:
        made.worker.run(
            PAAS_AUTH="oidc",
            PAAS_OIDC_ISSUERS=json.dumps([{"url": oidc.issuer, "audience": [AUDIENCE]}]),
            PAAS_OIDC_SKEW_S="0",
            PAAS_LOGIN_AGAIN_S="1",
        )
        yield made
    finally:
        made.close()


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Log in").click()


def test_a_user_logs_in_deploys_watches_and_logs_out(
    page: Page, stack: Stack, oidc: OidcProvider
) -> None:
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.locator("#login-why")).to_have_text("a login is needed")
    expect(page.get_by_label("Token of Keystone")).to_be_disabled()
    expect(page.get_by_text("New deployment")).to_be_hidden()
    log_in(page, oidc.token("anna"))
    page.get_by_text("New deployment").click()
    page.get_by_label("TOSCA template").fill(stack.example("vm"))
    page.get_by_label("User group").fill("physics")
    page.get_by_role("button", name="Deploy").click()
    expect(page.locator("#timeline").get_by_text("the request was accepted")).to_be_visible()
    expect(page.locator("#detail").get_by_text("CREATE_FAILED")).to_be_visible(timeout=SOON_MS)
    page.reload()
    expect(page.locator("#timeline").get_by_text("the request was accepted")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.locator("#timeline")).to_be_hidden()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("abc", "The token is not a signed JWT"),
        ("two words", "This is no token"),
        (None, "The token is not accepted"),
    ],
)
def test_a_token_that_is_no_good_is_refused_with_the_reason_and_not_sent_again(
    page: Page, oidc: OidcProvider, token: str | None, reason: str
) -> None:
    log_in(page, token or oidc.token("anna", OTHER_AUDIENCE))
    expect(page.locator("#login-why")).to_contain_text(reason)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3000)
    assert asked == []


def test_a_token_that_expires_meanwhile_is_asked_for_again(page: Page, oidc: OidcProvider) -> None:
    log_in(page, oidc.token("passing"))
    expect(page.get_by_role("heading", name=re.compile("Deployments"))).to_be_visible()
    expect(page.locator("#login-why")).to_have_text("The token has expired", timeout=SOON_MS)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    log_in(page, oidc.token("anna"))
    expect(page.get_by_role("heading", name=re.compile("Deployments"))).to_be_visible()
