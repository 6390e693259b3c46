"""Stored templates and SSH keys: sent by the REST API, kept by the registers, shown by the REST API."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientResponse
from support.bench import Bench
from support.rest import Rest

from agents.reference import key_register, template_register
from agents.template_parser import template_parser
from paas_stream.access import NOBODY, Caller
from paas_stream.app import app
from paas_stream.records import Owner, StoredTemplate, Template, UserKey, ValidatedTemplate
from tables import stored_templates
from web import callers
from web import stored_templates as view

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEcchYcBqYG5RhHIn3fdRNWeKWRgSJdsOMNe2XXfUum"
SOON_S = 60.0  # a busy machine takes a while to start the parser's process
ALICE = Caller("https://issuer", "alice", "alice")
BOB = Caller("https://issuer", "bob", "bob")


@pytest.fixture
def as_caller(monkeypatch: pytest.MonkeyPatch) -> Callable[[Caller], None]:
    """Who asks from now on."""

    def become(who: Caller) -> None:
        async def caller(request: Any) -> Caller:
            return who

        monkeypatch.setattr(callers, "caller", caller)

    become(ALICE)
    return become


@pytest.fixture
async def line(bench: Bench, rest: Rest, as_caller: Any, monkeypatch: pytest.MonkeyPatch) -> "Line":
    """The REST API, and the registers that are given what it sends."""
    monkeypatch.setattr(app.settings.web, "read_timeout_s", 5.0)
    return Line(bench, rest)


class Line:
    """Requests, and what they send is handled while they wait."""

    def __init__(self, bench: Bench, rest: Rest) -> None:
        self.bench = bench
        self.rest = rest

    async def ask(
        self, method: str, path: str, *, handled: bool = True, **options: Any
    ) -> tuple[int, Any]:
        """Status and JSON, or text, of the answer."""
        agents = {StoredTemplate: template_register, UserKey: key_register}
        seen = {kind: len(self.bench.sent(kind)) for kind in agents}
        asking = asyncio.create_task(self._ask(method, path, options))
        async with asyncio.timeout(SOON_S):
            while not asking.done():
                for kind, agent in agents.items():
                    for message in self.bench.sent(kind)[seen[kind] :]:
                        seen[kind] += 1
                        if handled:
                            await self.bench.give(agent, message)
                await asyncio.sleep(0.005)
        return await asking

    async def _ask(self, method: str, path: str, options: Any) -> tuple[int, Any]:
        async with self.rest.request(method, path, **options) as answer:
            return answer.status, await _body(answer)


async def _body(answer: ClientResponse) -> Any:
    if answer.content_type == "application/json":
        return await answer.json()
    return await answer.text()


@pytest.fixture
def text(example: Callable[[str], str]) -> str:
    return example("vm")


def key_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class TestATemplate:
    async def test_is_stored_once_under_the_digest_of_its_text(
        self, line: Line, text: str, as_caller: Any
    ) -> None:
        status, first = await line.ask("POST", "/templates", json={"template": text, "name": "VM"})
        assert (status, first["id"], first["name"]) == (201, key_of(text), "VM")
        assert first["createdBy"] == {"issuer": "https://issuer", "subject": "alice"}
        as_caller(BOB)
        status, again = await line.ask("POST", "/templates", json={"template": text, "name": "x"})
        assert (status, again) == (200, first)
        assert len(line.bench.sent(StoredTemplate)) == 1

    async def test_of_two_who_store_it_at_once_the_second_gets_the_first_ones(
        self, line: Line, text: str, as_caller: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = StoredTemplate(id=key_of(text), name="of bob", template=text)
        real = view.send

        async def overtaken(message: StoredTemplate) -> None:
            await line.bench.give(template_register, other)
            await real(message)

        monkeypatch.setattr(view, "send", overtaken)
        status, body = await line.ask("POST", "/templates", json={"template": text})
        assert (status, body["name"]) == (200, "of bob")

    async def test_is_shown_with_its_text_and_listed_without(self, line: Line, text: str) -> None:
        await line.ask("POST", "/templates/", json={"template": text, "description": "a machine"})
        status, one = await line.ask("GET", f"/templates/{key_of(text)}")
        assert (status, one["template"], one["description"]) == (200, text, "a machine")
        status, page = await line.ask("GET", "/templates")
        assert status == 200
        (entry,) = page["content"]
        assert entry == {name: value for name, value in one.items() if name != "template"}
        assert page["page"] == {"size": 10, "totalElements": 1, "totalPages": 1, "number": 0}
        assert one["links"][0]["href"].endswith(f"/templates/{key_of(text)}")

    async def test_is_named_by_its_metadata_when_nobody_names_it(
        self, line: Line, text: str
    ) -> None:
        _, made = await line.ask("POST", "/templates", json={"template": text})
        told = await view.pool.inspect(text, {})
        assert made["name"] == told["templateName"]

    async def test_that_can_never_be_deployed_is_refused_with_its_faults(
        self, line: Line, example: Callable[[str], str]
    ) -> None:
        status, body = await line.ask("POST", "/templates", json={"template": example("invalid")})
        assert (status, body["title"]) == (400, "Bad Request")
        assert len(body["faults"]) > 1
        assert line.bench.sent(StoredTemplate) == []

    @pytest.mark.parametrize(
        "body", [{}, {"template": ""}, {"template": "x", "name": "n" * 201}, []]
    )
    async def test_without_text_or_with_too_long_a_name_is_refused(
        self, line: Line, body: Any
    ) -> None:
        assert (await line.ask("POST", "/templates", json=body))[0] == 400

    async def test_is_deleted_by_its_owner_only(
        self, line: Line, text: str, as_caller: Any
    ) -> None:
        path = f"/templates/{key_of(text)}"
        await line.ask("POST", "/templates", json={"template": text})
        as_caller(BOB)
        assert (await line.ask("DELETE", path))[0] == 403
        as_caller(ALICE)
        assert await line.ask("DELETE", path) == (204, "")
        assert (await line.ask("GET", path))[0] == 404
        assert (await line.ask("DELETE", path))[0] == 404
        assert line.bench.rows("stored_templates") == {}

    async def test_that_is_not_kept_in_time_answers_202(
        self, line: Line, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app.settings.web, "read_timeout_s", 0.1)
        status, body = await line.ask("POST", "/templates", handled=False, json={"template": text})
        assert (status, body["id"]) == (202, key_of(text))

    async def test_too_many_of_one_user_are_refused(
        self, line: Line, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(view, "MOST_PER_OWNER", 1)
        await line.ask("POST", "/templates", json={"template": text})
        status, body = await line.ask("POST", "/templates", json={"template": text + "\n"})
        assert (status, body["title"]) == (409, "Conflict")

    async def test_too_many_in_all_become_an_error_and_no_row(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored_templates, "MOST", 1)
        for text in ("a", "b"):
            await bench.give(template_register, StoredTemplate(id=key_of(text), template=text))
        assert bench.rows("stored_templates").keys() == {key_of("a")}
        assert bench.error().component == "template-register"

    async def test_is_read_anew_after_a_rebalance(self, line: Line, text: str) -> None:
        await line.ask("POST", "/templates", json={"template": text})
        stored_templates._rows.clear()
        assert (await line.ask("GET", "/templates"))[1]["content"] == []
        await stored_templates.rebuild()
        assert len((await line.ask("GET", "/templates"))[1]["content"]) == 1


class TestAKey:
    async def test_is_stored_shown_replaced_and_forgotten(self, line: Line) -> None:
        assert (await line.ask("GET", "/user/ssh-key"))[0] == 404
        status, stored = await line.ask(
            "PUT", "/user/ssh-key", json={"publicKey": f" {KEY}  alice@laptop\n"}
        )
        assert status == 200
        assert stored["publicKey"] == f"{KEY} alice@laptop"
        assert (stored["type"], stored["comment"]) == ("ssh-ed25519", "alice@laptop")
        assert stored["fingerprint"].startswith("SHA256:")
        assert await line.ask("GET", "/user/ssh-key") == (200, stored)
        status, newer = await line.ask("PUT", "/user/ssh-key", json={"publicKey": f"{KEY} new"})
        assert (status, newer["comment"]) == (200, "new")
        assert await line.ask("DELETE", "/user/ssh-key") == (204, "")
        assert (await line.ask("GET", "/user/ssh-key"))[0] == 404
        assert (await line.ask("DELETE", "/user/ssh-key"))[0] == 404

    async def test_is_taken_as_the_text_of_its_file(self, line: Line) -> None:
        headers = {"Content-Type": "text/plain"}
        status, _ = await line.ask("PUT", "/user/ssh-key", data=f"{KEY} a\n", headers=headers)
        assert status == 200

    async def test_is_each_users_own(self, line: Line, as_caller: Any) -> None:
        await line.ask("PUT", "/user/ssh-key", json={"publicKey": KEY})
        as_caller(BOB)
        assert (await line.ask("GET", "/user/ssh-key"))[0] == 404

    async def test_that_is_private_is_refused_and_goes_nowhere(self, line: Line) -> None:
        text = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
        status, body = await line.ask("PUT", "/user/ssh-key", json={"publicKey": text})
        assert (status, body["title"]) == (400, "Bad Request")
        assert "private key" in body["message"]
        assert "c2VjcmV0" not in str(body)
        assert line.bench.journal == []

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"json": {"publicKey": "no key"}}, 400),
            ({"json": {}}, 400),
            ({"json": {"publicKey": 7}}, 400),
            ({"data": b"\xff", "headers": {"Content-Type": "text/plain"}}, 400),
            ({"data": KEY, "headers": {"Content-Type": "text/html"}}, 415),
        ],
    )
    async def test_that_cannot_be_read_is_refused(
        self, line: Line, options: Any, status: int
    ) -> None:
        assert (await line.ask("PUT", "/user/ssh-key", **options))[0] == status

    async def test_that_is_not_kept_in_time_answers_202(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app.settings.web, "read_timeout_s", 0.1)
        status, body = await line.ask(
            "PUT", "/user/ssh-key", handled=False, json={"publicKey": KEY}
        )
        assert (status, body["publicKey"]) == (202, KEY)


WITH_KEY = """
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  inputs:
    ssh_public_key: {type: string}
  node_templates:
    machine:
      type: tosca.nodes.indigo.Compute
      capabilities: {host: {properties: {num_cpus: 1, mem_size: 1 GB}}}
  outputs:
    key: {value: {get_input: ssh_public_key}}
"""


class TestTheStoredKeyInADeployment:
    async def store(self, bench: Bench) -> None:
        owner = Owner(issuer=NOBODY.issuer, subject=NOBODY.subject)
        key = UserKey.id_of(owner.issuer, owner.subject)
        await bench.give(key_register, UserKey(id=key, owner=owner, public_key=KEY))

    async def test_is_the_value_of_its_input(self, bench: Bench, rest: Rest) -> None:
        async with rest.post("/deployments", json={"template": WITH_KEY}) as answer:
            assert answer.status == 400, "a value is needed, and there is none yet"
        await self.store(bench)
        async with rest.post("/deployments", json={"template": WITH_KEY}) as answer:
            assert answer.status == 201, await answer.text()
        (sent,) = bench.sent(Template)
        assert sent.owner_ssh_public_key == KEY
        assert sent.template_inputs == {}
        await bench.give(template_parser, sent)
        (validated,) = bench.sent(ValidatedTemplate)
        assert validated.template["topology_template"]["outputs"]["key"]["value"] == KEY

    async def test_gives_way_to_a_value_of_the_user(self, bench: Bench, rest: Rest) -> None:
        await self.store(bench)
        body = {"template": WITH_KEY, "parameters": {"ssh_public_key": "mine"}}
        async with rest.post("/deployments", json=body) as answer:
            assert answer.status == 201
        await bench.give(template_parser, bench.sent(Template)[0])
        (validated,) = bench.sent(ValidatedTemplate)
        assert validated.template["topology_template"]["outputs"]["key"]["value"] == "mine"

    async def test_is_used_by_a_dry_run_too(self, bench: Bench, rest: Rest) -> None:
        await self.store(bench)
        async with rest.post("/deployments?dryRun=true", json={"template": WITH_KEY}) as answer:
            assert answer.status == 200, await answer.text()
