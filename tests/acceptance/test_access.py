"""Who gets what from a running service: every kind of caller, with real tokens, at every endpoint."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from support.identity import (
    AUDIENCE,
    OTHER_AUDIENCE,
    SECRET,
    Keystone,
    OidcProvider,
    openid_provider,
    tampered,
)
from support.routes import routes
from support.stack import Stack, until

from paas_stream.access import ENDPOINTS, RIGHTS, Action, Kind

pytestmark = pytest.mark.timeout(420)  # the first test waits for four services to start

USERS: dict[str, dict[str, Any]] = {
    "anna": {"claims": {"groups": ["physics", "biology"]}},
    "ben": {"claims": {"groups": ["physics"], "wlcg.groups": ["/physics"]}},
    "eve": {"claims": {"groups": ["chemistry", "physics"], "wlcg.groups": ["/chemistry"]}},
    "zoe": {"claims": {}},
    "root": {"claims": {"groups": ["paas-admins"]}},
    "brief": {"claims": {"groups": ["physics"]}, "lifeS": 1},
    "passing": {"claims": {"groups": ["physics"]}, "lifeS": 5},
}
OWN_GROUP = {"other user": "chemistry", "admin": "paas-admins", "keystone, admin": "operators"}
WINDOW_S = 3
FAILURES = 5
WAIT_S = 30.0

Headers = dict[str, str]


@dataclass
class World:
    """The service with both ways to log in; the second worker's Keystone account has no rights."""

    stack: Stack
    oidc: OidcProvider
    keystone: Keystone
    logins: dict[str, tuple[Headers, Kind]]  # by name of the kind: how it logs in, what it is
    uuid: str  # anna's deployment for the group physics

    def ask(
        self, who: str, method: str, path: str, worker: int = 0, **more: Any
    ) -> requests.Response:
        """A request of a kind of caller."""
        headers = self.logins[who][0] | more.pop("headers", {})
        url = self.stack.workers[worker].url + path
        return requests.request(
            method, url, headers=headers, timeout=WAIT_S, allow_redirects=False, **more
        )

    def body(self, group: str | None) -> dict[str, Any]:
        """A request for a deployment."""
        return {"template": self.stack.example("vm"), "userGroup": group}


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def logins(oidc: OidcProvider, stranger: OidcProvider, keystone: Keystone) -> Any:
    """Every kind of caller. The tokens are real; the bad ones are made of real ones."""
    good, twin = oidc.token("anna"), stranger.token("root")
    head, _, signature = good.split(".")
    claims = oidc.token("root").split(".")[1]
    revoked = keystone.token("kim", "chemistry")
    keystone.revoke(revoked)
    return {
        "nobody": ({}, Kind.NOBODY),
        "expired": (bearer(oidc.token("brief")), Kind.NOBODY),
        "wrong audience": (bearer(oidc.token("root", OTHER_AUDIENCE)), Kind.NOBODY),
        "unknown issuer": (bearer(twin), Kind.NOBODY),
        "tampered claims": (bearer(f"{head}.{claims}.{signature}"), Kind.NOBODY),
        "tampered header": (bearer(tampered(good, typ="JWT")), Kind.NOBODY),
        "unknown key": (bearer(tampered(good, kid="k0")), Kind.NOBODY),
        "alg none": (bearer(tampered(good, alg="none").rpartition(".")[0] + "."), Kind.NOBODY),
        "alg HS256": (bearer(tampered(good, alg="HS256")), Kind.NOBODY),
        "no token": (bearer("abc"), Kind.NOBODY),
        "password": ({"Authorization": "Basic YTpi"}, Kind.NOBODY),
        "keystone, unknown": ({"X-Auth-Token": "made-up"}, Kind.NOBODY),
        "keystone, revoked": ({"X-Auth-Token": revoked}, Kind.NOBODY),
        "other user": (bearer(oidc.token("eve")), Kind.USER),
        "keystone, same group": ({"X-Auth-Token": keystone.token("kim", "physics")}, Kind.USER),
        "group member": (bearer(oidc.token("ben")), Kind.MEMBER),
        "owner": (bearer(good), Kind.OWNER),
        "admin": (bearer(oidc.token("root")), Kind.ADMIN),
        "keystone, admin": (
            {"X-Auth-Token": keystone.token("karl", "operators")},
            Kind.ADMIN,
        ),
        "no groups": (bearer(oidc.token("zoe")), Kind.USER),
    }


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[OidcProvider]]:
    """A trusted OpenID provider, and one that is not."""
    folder = tmp_path_factory.mktemp("oidc")
    with openid_provider(folder, USERS) as trusted, openid_provider(folder, USERS) as stranger:
        yield [trusted, stranger]


@pytest.fixture(scope="module")
def world(
    providers: list[OidcProvider],
    keystone: Keystone,
    kafka: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Two workers; nothing is deployed, so there is no IM."""
    oidc, stranger = providers
    keystone.user("kim", "physics")
    keystone.user("karl", "operators")
    keystone.user("kim", "chemistry")
    kinds = logins(oidc, stranger, keystone)
    stack = Stack(kafka, "http://127.0.0.1:9", tmp_path_factory.mktemp("access"))
    issuer = {"url": oidc.issuer, "audience": [AUDIENCE], "admin_groups": ["paas-admins"]}
    settings = {
        "PAAS_AUTH": "oidc,keystone",
        "PAAS_OIDC_ISSUERS": json.dumps([issuer]),
        "PAAS_OIDC_SKEW_S": "0",
        "PAAS_OIDC_RETRY_S": "1",
        "PAAS_KEYSTONE_URL": keystone.url,
        "PAAS_KEYSTONE_USERNAME": "paas",
        "PAAS_KEYSTONE_PASSWORD": SECRET,
        "PAAS_KEYSTONE_ADMIN_GROUPS": '["operators"]',
        "PAAS_KEYSTONE_CACHE_S": "1",
        "PAAS_LOGIN_FAILURES": "1000000",
        "PAAS_LOGIN_AGAIN_S": "0.5",
    }
    other = {
        "PAAS_KEYSTONE_USERNAME": "powerless",
        "PAAS_LOGIN_FAILURES": str(FAILURES),
        "PAAS_LOGIN_WINDOW_S": str(WINDOW_S),
    }
    try:
        for worker, more in zip(stack.workers, ({}, other), strict=True):
            worker.start(**settings | more)
        for worker in stack.workers:
            worker.wait_ready()
        made = World(stack, oidc, keystone, kinds, "")
        created = made.ask("owner", "POST", "/deployments", json=made.body("physics"))
        assert created.status_code == 201, created.text
        made.uuid = created.json()["uuid"]
        yield made
    except BaseException:
        for worker in stack.workers:
            print(f"--- {worker.name}\n{worker.log[-6000:]}")
        raise
    finally:
        stack.close()


def expected(action: Action, path: str, who: Kind) -> set[int] | None:
    """The statuses that refuse; None: it is not refused."""
    if who is Kind.NOBODY:
        return None if action is Action.INFORM else {401}
    if action in (Action.LOOK, Action.CHANGE) and "{uuid}" not in path:
        return None  # the thing is not there, which everybody who has a login is told
    return None if who in RIGHTS[action] else {403}


def test_each_kind_of_caller_gets_what_the_table_says(world: World) -> None:
    known = routes()
    rows = [row for row in ENDPOINTS.items() if row[0] in known]
    rows.sort(key=lambda row: row[0][0] == "DELETE")  # these come last
    wrong = []
    for worker in (0, 1):
        for who, (headers, kind) in world.logins.items():
            if worker == 1 and (kind is Kind.NOBODY or "X-Auth-Token" in headers):
                continue  # that one refuses few, and does not understand Keystone
            for (method, path), action in rows:
                answer = world.ask(
                    who, method, filled(path, world), worker, **body_of(path, who, world)
                )
                refusals = expected(action, path, kind)
                good = answer.status_code in (refusals or set(range(200, 500)) - {401, 403})
                if path == "/deployments" and method == "POST" and who == "no groups":
                    good = answer.status_code == 403  # a dry run for a group, and it has none
                if not good:
                    wrong.append((worker, who, method, path, answer.status_code, answer.text[:200]))
    assert wrong == []


def filled(path: str, world: World) -> str:
    place = path.replace("{uuid}", world.uuid).replace("{rid}", world.uuid)
    place = place.replace("{name}", "index.html" if "/ui/" in path else "x")
    return place.replace("{id}", "0" * 64)


def body_of(path: str, who: str, world: World) -> dict[str, Any]:
    """A request that is good as far as it goes."""
    if path == "/deployments":
        return {"params": {"dryRun": "true"}, "json": world.body(OWN_GROUP.get(who, "physics"))}
    return {"json": {"template": world.stack.example("vm"), "type": "stop"}}


@pytest.mark.parametrize(
    "who",
    ["nobody", "expired", "wrong audience", "unknown issuer", "alg none", "keystone, revoked"],
)
def test_a_refusal_says_how_to_log_in(world: World, who: str) -> None:
    answer = world.ask(who, "GET", "/deployments")
    challenge = answer.headers["WWW-Authenticate"]
    assert 'Bearer realm="paas-stream"' in challenge
    assert f'Keystone uri="{world.keystone.url}"' in challenge
    assert ('error="invalid_token"' in challenge) is (who != "nobody")
    body = answer.json()
    assert (body["code"], body["title"]) == (401, "Unauthorized")
    assert body["message"]
    assert "secret" not in answer.text


class TestADeployment:
    def test_belongs_to_who_created_it(self, world: World) -> None:
        found = world.ask("group member", "GET", f"/deployments/{world.uuid}").json()
        assert found["createdBy"] == {"issuer": world.oidc.issuer, "subject": "anna"}
        assert found["userGroup"] == "physics"

    @pytest.mark.parametrize(
        ("who", "group", "message"),
        [
            ("owner", "chemistry", "The group chemistry is not in the user's authorized groups"),
            ("other user", "physics", "The group physics is not in the user's authorized groups"),
            ("admin", "physics", "The group physics is not in the user's authorized groups"),
            ("owner", None, "The group null is not in the user's authorized groups"),
            (
                "no groups",
                "physics",
                "User's token does not contain a group claim or it is empty",
            ),
        ],
    )
    def test_is_for_a_group_of_the_caller(
        self, world: World, who: str, group: str | None, message: str
    ) -> None:
        answer = world.ask(who, "POST", "/deployments", json=world.body(group))
        assert (answer.status_code, answer.json()["message"]) == (403, message)

    def test_of_a_keystone_user_is_its_own(self, world: World) -> None:
        who = "keystone, same group"
        created = world.ask(who, "POST", "/deployments", json=world.body("physics"))
        assert created.status_code == 201
        assert created.json()["createdBy"]["issuer"] == world.keystone.url
        path = f"/deployments/{created.json()['uuid']}"
        assert world.ask(who, "GET", path).status_code == 200
        # the group of the same name at another issuer is another one
        assert world.ask("group member", "GET", path).status_code == 403
        assert world.ask("keystone, admin", "GET", path).status_code == 200

    def test_is_created_once_per_key_and_caller(self, world: World) -> None:
        key = {"Idempotency-Key": "the same"}
        uuids = [
            world.ask(who, "POST", "/deployments", worker, json=world.body("physics"), headers=key)
            for who, worker in [("owner", 0), ("owner", 1), ("group member", 0)]
        ]
        first, again, other = [answer.json()["uuid"] for answer in uuids]
        assert first == again
        assert first != other


class TestAList:
    @pytest.mark.parametrize("worker", [0, 1])
    def test_has_what_the_caller_created_or_everything_for_admins(
        self, world: World, worker: int
    ) -> None:
        def subjects(who: str, **query: str) -> set[str]:
            answer = world.ask(who, "GET", "/deployments", worker, params=query | {"size": "100"})
            return {one["createdBy"]["subject"] for one in answer.json()["content"]}

        assert subjects("owner") == {"anna"} == subjects("owner", createdBy="me")
        assert subjects("other user") == set()
        assert "anna" in subjects("admin")
        assert subjects("admin", createdBy="me") == set()
        assert subjects("admin", createdBy=f"anna@{world.oidc.issuer}") == {"anna"}

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"createdBy": "ben@https://iam.example.org/"}, 403),
            ({"createdBy": "ben"}, 400),
            ({"userGroup": "chemistry"}, 403),
        ],
    )
    def test_of_others_is_for_admins(
        self, world: World, query: dict[str, str], status: int
    ) -> None:
        assert world.ask("owner", "GET", "/deployments", params=query).status_code == status


class TestKeystone:
    def test_a_service_account_without_rights_is_our_fault(self, world: World) -> None:
        answer = world.ask("keystone, same group", "GET", "/deployments", worker=1)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0

    def test_a_revoked_token_is_soon_refused(self, world: World) -> None:
        token = world.keystone.token("kim", "physics")
        world.logins["keystone, for now"] = ({"X-Auth-Token": token}, Kind.USER)

        def status() -> int:
            return world.ask("keystone, for now", "GET", "/providers").status_code

        assert status() == 200
        world.keystone.revoke(token)
        until(lambda: status() == 401, 10, "the revocation is noticed")

    def test_two_logins_at_once_are_refused(self, world: World) -> None:
        headers = {"X-Auth-Token": "x"}
        assert world.ask("owner", "GET", "/providers", headers=headers).status_code == 400


class TestRequestsBetweenWorkers:
    @pytest.mark.parametrize("header", ["worker-1", "e30.e30.e30"])
    def test_cannot_be_forged(self, world: World, header: str) -> None:
        hop = {"X-Paas-Stream-Hop": header}
        for who in ("nobody", "owner", "admin"):
            answer = world.ask(who, "GET", f"/deployments/{world.uuid}", headers=hop)
            assert answer.status_code == 403

    def test_bring_the_caller_along(self, world: World) -> None:
        path = f"/deployments/{world.uuid}"
        for worker in (0, 1):
            assert world.ask("owner", "GET", path, worker).status_code == 200
            assert world.ask("other user", "GET", path, worker).status_code == 403


class TestAnEventStream:
    @pytest.mark.parametrize("worker", [0, 1])
    def test_ends_with_the_token_that_opened_it(self, world: World, worker: int) -> None:
        created = world.ask("owner", "POST", "/deployments", json=world.body("physics"))
        url = f"{world.stack.workers[worker].url}/deployments/{created.json()['uuid']}/events"
        read: dict[str, str] = {}

        def follow(user: str, most_s: float) -> None:
            headers = bearer(world.oidc.token(user)) | {"Accept": "text/event-stream"}
            with requests.get(url, headers=headers, stream=True, timeout=most_s) as answer:
                assert answer.status_code == 200, answer.text
                read[user] = ""
                for chunk in answer.iter_content(None):
                    read[user] += chunk.decode()

        follow("passing", WAIT_S)
        assert "event: status" in read["passing"]
        assert "event: end" not in read["passing"]
        with pytest.raises(requests.ConnectionError, match="timed out"):
            follow("ben", 7.0)  # another member's token is good for long


def test_guessing_is_slowed_down(world: World) -> None:
    def statuses(who: str, count: int) -> list[int]:
        asked = [world.ask(who, "GET", "/providers", worker=1) for _ in range(count)]
        return [answer.status_code for answer in asked]

    assert statuses("nobody", FAILURES + 1) == [401] * (FAILURES + 1)  # nothing was tried
    assert statuses("expired", FAILURES + 1) == [401] * (FAILURES + 1)  # no guess
    assert statuses("wrong audience", FAILURES) == [401] * FAILURES
    answer = world.ask("tampered claims", "GET", "/providers", worker=1)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= WINDOW_S
    assert requests.get(f"{world.stack.workers[1].url}/healthz", timeout=WAIT_S).ok
    until(lambda: statuses("owner", 1) == [200], 3 * WINDOW_S, "the address may try again")


def test_the_issuers_new_key_is_taken_at_once(world: World) -> None:
    world.oidc.rotate("k2")
    world.logins["rotated"] = (bearer(world.oidc.token("anna")), Kind.OWNER)
    path = f"/deployments/{world.uuid}"
    until(lambda: world.ask("rotated", "GET", path).ok, 10, "the new key is known")
    assert world.ask("owner", "GET", path).ok


def test_the_command_line_sends_the_token(world: World, tmp_path: Path) -> None:
    token = world.logins["owner"][0]["Authorization"].removeprefix("Bearer ")
    with_it = world.stack.run("--url", world.stack.worker.url, "--token", token, "show", world.uuid)
    assert with_it.returncode == 0, with_it.stderr
    assert world.uuid in with_it.stdout
    without = world.stack.run("--url", world.stack.worker.url, "show", world.uuid)
    assert without.returncode != 0
    assert "a login is needed" in without.stderr
