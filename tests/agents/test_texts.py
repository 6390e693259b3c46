"""`/log` and `/extrainfo`: text, asked for now, with what came last in its place."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from support.bench import Bench
from support.lifecycle import UUID
from support.rest import Line, Rest
from support.states import ASKED, CREATED, DELETING, machine, result

from paas_stream.app import app
from paas_stream.records import Command
from web import texts

LOG = f"/deployments/{UUID}/log"
EXTRA = f"/deployments/{UUID}/extrainfo"
SOON_S = 5.0


@pytest.fixture(autouse=True)
def _vault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        texts, "vault", lambda: SimpleNamespace(open=lambda sealed: f"open {sealed}")
    )
    monkeypatch.setattr(app.settings.web, "log_timeout_s", 0.05)


async def text(rest: Rest, path: str) -> str:
    async with rest.get(path, headers={"Accept": "application/json"}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        return await answer.text()


class TestTheLog:
    async def test_is_the_one_that_was_asked_for(
        self, rest: Rest, line: Line, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(app.settings.web, "log_timeout_s", SOON_S)
        await line.give(*CREATED, result("log", 40, log="old", request_id="another"))
        asked = asyncio.ensure_future(text(rest, LOG))
        async with asyncio.timeout(SOON_S):
            while not bench.sent(Command):
                await asyncio.sleep(0.01)
        (command,) = bench.sent(Command)
        assert command.command == "log"
        await line.give(result("log", 50, log="new", request_id=command.request_id))
        assert await asked == "open new"

    async def test_is_the_last_one_when_it_does_not_come_in_time(
        self, rest: Rest, line: Line, bench: Bench
    ) -> None:
        await line.give(*CREATED, result("log", 40, log="old", request_id="another"))
        assert await text(rest, LOG) == "open old"
        assert len(bench.sent(Command)) == 1

    async def test_is_empty_when_there_is_none(self, rest: Rest, line: Line) -> None:
        await line.give(*CREATED)
        assert await text(rest, LOG) == ""

    @pytest.mark.parametrize("messages", [ASKED, DELETING], ids=["not yet", "not any more"])
    async def test_is_not_asked_for_where_nothing_is(
        self, rest: Rest, line: Line, bench: Bench, messages: tuple[object, ...]
    ) -> None:
        await line.give(*messages)  # type: ignore[arg-type]
        assert await text(rest, LOG) == ""
        assert bench.sent(Command) == []


class TestTheExtraInformation:
    @pytest.mark.parametrize("messages", [ASKED, CREATED], ids=["not yet", "not described"])
    async def test_is_an_empty_array_without_machines(
        self, rest: Rest, line: Line, messages: tuple[object, ...]
    ) -> None:
        await line.give(*messages)  # type: ignore[arg-type]
        assert await text(rest, EXTRA) == "[]"

    async def test_has_each_machine_as_the_im_tells_of_it(self, rest: Rest, line: Line) -> None:
        told = {"vmProperties": [{"class": "system", "memory.size": 1e9}]}
        await line.give(*CREATED, machine(info=json.dumps(told)))
        assert json.loads(await text(rest, EXTRA)) == [told]
