"""`GET /deployments/{uuid}/template`: the tracker keeps the text, and the view hands it out."""

from support import lifecycle as make
from support.bench import Acknowledged, Bench, Clock, Stored
from support.lifecycle import T0, UUID
from support.rest import Rest

from agents import deployment_tracker as module
from agents.deployment_tracker import deployment_tracker
from paas_stream.records import DeploymentResult, Operation
from tables import deployments as tables
from tables import template_texts

PATH = f"/deployments/{UUID}/template"
TEXT = "# höhe: 3\r\ntosca_definitions_version:   tosca_simple_yaml_1_0\n\n"


async def posted(bench: Bench, text: str = TEXT, revision: int = 1) -> None:
    message = make.template().model_copy(update={"template": text, "revision": revision})
    await bench.give(deployment_tracker, message)


class TestTheText:
    async def test_is_handed_out_as_it_was_handed_over(self, bench: Bench, rest: Rest) -> None:
        await posted(bench)
        async with rest.get(PATH) as answer:
            assert answer.status == 200
            assert await answer.read() == TEXT.encode()

    async def test_is_plain_text_even_for_those_who_ask_for_json(
        self, bench: Bench, rest: Rest
    ) -> None:
        await posted(bench)
        async with rest.get(PATH, headers={"Accept": "application/json"}) as answer:
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"

    async def test_of_an_unknown_deployment_is_404(self, rest: Rest) -> None:
        async with rest.get(PATH) as answer:
            assert answer.status == 404
            assert (await answer.json())["title"] == "Not Found"

    async def test_of_a_deployment_older_than_the_table_is_404_with_the_reason(
        self, bench: Bench, rest: Rest
    ) -> None:
        await posted(bench)
        tables.app.tables["template_texts"].data.data.clear()
        async with rest.get(PATH) as answer:
            assert answer.status == 404
            assert "not kept" in (await answer.json())["message"]


class TestTheTable:
    async def test_is_written_once(self, bench: Bench) -> None:
        await posted(bench)
        bench.journal.clear()
        await posted(bench, "another text under the same revision")
        assert [type(one) for one in bench.journal] == [Acknowledged]
        assert template_texts.get(UUID) == TEXT

    async def test_has_the_newest_revision_whatever_comes_last(self, bench: Bench) -> None:
        await posted(bench, "first")
        await posted(bench, "third", revision=3)
        await posted(bench, "second", revision=2)
        assert template_texts.get(UUID) == "third"

    async def test_forgets_the_text_with_the_deployment(self, bench: Bench, clock: Clock) -> None:
        await posted(bench)
        await bench.give(deployment_tracker, make.command("delete", T0 + 10))
        ended = DeploymentResult(
            uuid=UUID,
            timestamp=make.at(T0 + 20),
            kind="final",
            operation=Operation.DELETE,
            success=True,
        )
        await bench.give(deployment_tracker, ended)
        clock.now = T0 + 20 + module.policy.retention_s
        bench.journal.clear()
        await bench.give(deployment_tracker, make.tracker_tick(clock.now))
        assert Stored("template_texts", UUID, None) in bench.journal
        assert template_texts.get(UUID) is None
