"""`POST /deployments`: what is accepted, what is refused, and the same request once more."""

import asyncio
import json
from typing import Any

import pytest
from support.bench import Bench
from support.lifecycle import UUID
from support.rest import Line, Parser, Rest, answered
from support.states import CREATED
from yarl import URL

from paas_stream.access import NOBODY
from paas_stream.app import app
from paas_stream.errors import InvalidTemplateError, ParserBusyError, ParserTimeoutError
from paas_stream.records import Template
from web import deployments, hops, owners
from web.faults import ApiError

TEXT = "tosca_definitions_version: tosca_simple_yaml_1_0"
BODY = {"template": TEXT, "parameters": {"cpus": 2, "note": "x"}, "timeoutMins": 60}
PUT = {"template": TEXT, "parameters": {"cpus": 4}}
ONE = f"/deployments/{UUID}"

pytestmark = pytest.mark.usefixtures("parser")


async def posted(
    rest: Rest, key: str | None = None, body: Any = None, status: int = 201
) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await answered(rest.post("/deployments", json=body or BODY, headers=headers), status)


class TestARequest:
    @pytest.mark.parametrize("path", ["/deployments", "/deployments/"])
    async def test_is_answered_with_the_resource(self, rest: Rest, line: Line, path: str) -> None:
        made = await answered(rest.post(path, json=BODY), 201)
        assert (made["status"], made["userGroup"]) == ("CREATE_IN_PROGRESS", None)
        await line.handle()
        assert await answered(rest.get(f"/deployments/{made['uuid']}"), 200) == made

    async def test_that_kafka_does_not_confirm_is_503_and_may_be_repeated(
        self, rest: Rest, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def never(*_: Any) -> None:
            await asyncio.Event().wait()

        await line.give(*CREATED)
        monkeypatch.setattr(app, "emit", never)
        monkeypatch.setattr(app.settings.web, "send_timeout_s", 0.05)
        for asked in (
            rest.post("/deployments", json=BODY),
            rest.put(ONE, json=PUT),
            rest.delete(ONE),
        ):
            async with asked as answer:
                body = await answer.json()
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
                assert (body["code"], body["title"]) == (503, "Service Unavailable")
                assert "Kafka did not confirm" in body["message"]

    @pytest.mark.parametrize(
        "fault", [ParserBusyError("full"), ParserTimeoutError("too slow")], ids=["busy", "slow"]
    )
    async def test_is_left_to_the_line_when_the_parser_is(
        self, rest: Rest, bench: Bench, parser: Parser, fault: Exception
    ) -> None:
        parser.fault = fault
        await posted(rest)
        assert len(bench.sent(Template)) == 1

    async def test_with_a_template_that_is_refused_is_not_sent(
        self, rest: Rest, bench: Bench, parser: Parser
    ) -> None:
        parser.fault = InvalidTemplateError(["no nodes", "no version"])
        refused = await posted(rest, status=400)
        assert refused["faults"] == ["no nodes", "no version"]
        assert bench.sent(Template) == []


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        (ParserBusyError("full"), 503, "too many templates wait"),
        (ParserTimeoutError("the parser gave up"), 400, "the parser gave up"),
        (InvalidTemplateError(["no nodes"]), 400, "no nodes"),
    ],
    ids=["busy", "slow", "refused"],
)
async def test_an_update_needs_the_parser(
    rest: Rest, line: Line, parser: Parser, fault: Exception, status: int, message: str
) -> None:
    await line.give(*CREATED)
    parser.fault = fault
    assert message in (await answered(rest.put(ONE, json=PUT), status))["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("is_behind", "status"), [(False, 404), (True, 503)])
async def test_a_deployment_is_unknown_only_when_the_tracker_has_read_all(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, method: str, is_behind: bool, status: int
) -> None:
    async def tracked(*_: str) -> bool:
        return not is_behind

    monkeypatch.setattr(deployments, "tracked", tracked)
    async with rest.request(method, ONE, json={}) as answer:
        assert answer.status == status
        assert (answer.headers.get("Retry-After") == "2") is is_behind
        assert {"code", "title", "message"} <= (await answer.json()).keys()


class TestAKeyThatComesAgain:
    async def test_has_the_first_answer_and_makes_nothing(
        self, rest: Rest, line: Line, bench: Bench
    ) -> None:
        first = await posted(rest, "k")
        await line.handle()
        assert await posted(rest, "k") == first
        assert len(bench.sent(Template)) == 1

    @pytest.mark.parametrize(
        "again",
        [
            dict(reversed(BODY.items())),
            BODY | {"parameters": {"note": "x", "cpus": 2}},
            BODY | {"timeoutMins": "60", "keepLastAttempt": "false", "maxProvidersRetry": ""},
            BODY | {"callback": None, "unknown": 1},
        ],
        ids=["fields", "parameters", "spelling", "no meaning"],
    )
    async def test_may_spell_the_same_request_otherwise(
        self, rest: Rest, line: Line, again: dict[str, Any]
    ) -> None:
        first = await posted(rest, "k")
        await line.handle()
        assert json.dumps(again) != json.dumps(BODY)
        assert await posted(rest, "k", again) == first

    @pytest.mark.parametrize(
        "other",
        [
            {"template": TEXT + "\n"},
            {"parameters": {"cpus": 3, "note": "x"}},
            {"timeoutMins": 61},
            {"maxProvidersRetry": 1},
            {"keepLastAttempt": True},
            {"callback": "https://client.example.org/hook"},
            {"userGroup": "physics"},
        ],
        ids=lambda other: next(iter(other)),
    )
    async def test_is_refused_for_another_request(
        self, rest: Rest, line: Line, bench: Bench, other: dict[str, Any]
    ) -> None:
        first = await posted(rest, "k")
        await line.handle()
        refused = await posted(rest, "k", BODY | other, 422)
        assert refused["title"] == "Unprocessable Entity"
        assert first["uuid"] in refused["message"]
        assert len(bench.sent(Template)) == 1

    async def test_is_that_of_the_create_also_after_an_update(
        self, rest: Rest, line: Line, bench: Bench
    ) -> None:
        made = await posted(rest, "k")
        await line.handle()
        of_it = {"uuid": made["uuid"]}
        await line.give(*(one.model_copy(update=of_it) for one in CREATED[1:]))
        await answered(rest.put(f"/deployments/{made['uuid']}", json=PUT), 202)
        again = await posted(rest, "k")
        assert (again["uuid"], again["status"]) == (made["uuid"], "UPDATE_IN_PROGRESS")
        await posted(rest, "k", PUT, 422)
        assert [one.operation for one in bench.sent(Template)] == ["create", "update"]

    async def test_of_a_deployment_without_a_digest_is_answered(
        self, rest: Rest, line: Line, bench: Bench
    ) -> None:
        await posted(rest, "k")
        (message,) = bench.sent(Template)
        await line.give(message.model_copy(update={"body_digest": None}))
        again = await posted(rest, "k", BODY | {"timeoutMins": 61})
        assert again["uuid"] == message.uuid

    async def test_is_looked_at_by_the_worker_that_has_the_deployment(
        self, rest: Rest, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = await posted(rest, "k")
        await line.handle()

        async def ask(target: URL, path: str, params: dict[str, str]) -> dict[str, Any]:
            headers = {owners.HOP: "worker-1"} | hops.about(NOBODY, b"")
            async with rest.get(path, params=params, headers=headers) as answer:
                body = dict(await answer.json())
                if answer.status != 200:
                    raise ApiError(answer.status, body["message"])
                return body

        monkeypatch.setattr(owners, "ask", ask)
        there = [URL("http://worker-2:6066")]
        monkeypatch.setattr(owners, "owner", lambda _: there.pop() if there else None)
        assert (await posted(rest, "k"))["uuid"] == first["uuid"]
        there.append(URL("http://worker-2:6066"))
        refused = await posted(rest, "k", PUT, 422)
        assert first["uuid"] in refused["message"]


class TestAKey:
    @pytest.mark.parametrize("key", ["", " ", "\t"])
    async def test_that_is_blank_is_none(self, rest: Rest, line: Line, key: str) -> None:
        first = await posted(rest, key)
        await line.handle()
        assert (await posted(rest, key))["uuid"] != first["uuid"]

    @pytest.mark.parametrize(
        ("key", "reason"),
        [("k" * 256, "at most 255 characters"), ("a\tb", "printable characters only")],
    )
    async def test_that_cannot_be_used_is_refused(
        self, rest: Rest, bench: Bench, key: str, reason: str
    ) -> None:
        assert reason in (await posted(rest, key, status=400))["message"]
        assert bench.sent(Template) == []
