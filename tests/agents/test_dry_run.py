"""A dry run: the answer of the whole line on this worker's tables, and nothing leaves the worker."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from support.bench import Bench
from support.lifecycle import UUID, request

from agents.ai_ranker import ai_ranker
from agents.provider_catalog import provider_catalog
from agents.provider_selector import provider_selector
from paas_stream.app import app
from paas_stream.records import RankedProviders, Template
from paas_stream.selection.provider_files import Federation
from paas_stream.tosca.pool import ParserPool
from web import dry_run, ranked
from web.faults import ApiError


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    """The real parser in its own process."""
    made = ParserPool(app.settings.parser)
    yield made
    await made.close()


@pytest.fixture
async def catalog(bench: Bench, federation: Federation) -> Bench:
    """A bench whose catalog knows our example's providers."""
    now = datetime.now(UTC)
    for feeder in federation.static_feeders(now):
        await bench.give(provider_catalog, feeder, at=now.timestamp())
    bench.journal.clear()
    return bench


def template(text: str, group: str = "demo", **inputs: Any) -> Template:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    asked = request().model_copy(update={"user_group": group, "deadline": in_an_hour})
    return Template(uuid=UUID, template=text, template_inputs=inputs, request=asked)


async def answered(message: Template, pool: ParserPool) -> dict[str, Any]:
    response = await dry_run.answer(message, pool)
    assert response.status == 200
    assert isinstance(response.body, bytes)
    return dict(json.loads(response.body))


async def test_it_tells_who_would_be_tried_who_not_and_why(
    catalog: Bench, pool: ParserPool, example: Callable[[str], str]
) -> None:
    found = await answered(template(example("vm")), pool)
    assert found["valid"] is True
    assert [one["count"] for one in found["requirements"]] == [1]
    assert [one["provider"] for one in found["providers"]] == ["site-a", "site-b"]
    assert [one["place"] for one in found["providers"]] == [1, 2]
    assert all(one["reasons"] for one in found["providers"])
    assert found["fallback"] == "rule"
    assert {one["provider"] for one in found["discarded"]} == {"site-unreachable"}
    assert any("2024-12-31" in one["reason"] for one in found["discarded"])
    assert catalog.journal == []


async def test_it_says_what_the_line_would_do(
    catalog: Bench, pool: ParserPool, example: Callable[[str], str]
) -> None:
    message = template(example("cluster"), workers=3)
    found = await answered(message, pool)
    validated = await pool.validate(message.template, message.template_inputs)
    for sent in await catalog.give(provider_selector, validated.message(message)):
        if type(sent).__name__ == "Inference":
            await catalog.give(ai_ranker, sent)
    (line,) = catalog.sent(RankedProviders)
    assert ranked.ranking(line).items() <= found.items()


async def test_without_a_provider_the_reasons_are_told(
    catalog: Bench, pool: ParserPool, example: Callable[[str], str]
) -> None:
    found = await answered(template(example("vm"), group="demo-expired"), pool)
    assert found["providers"] == []
    assert "fallback" not in found
    assert found["message"].startswith("no provider can host the template: ")
    assert any("2024-12-31" in one["reason"] for one in found["discarded"])


async def test_a_template_that_is_refused_answers_400_with_every_fault(
    catalog: Bench, pool: ParserPool, example: Callable[[str], str]
) -> None:
    with pytest.raises(ApiError) as refused:
        await dry_run.answer(template(example("invalid")), pool)
    assert refused.value.status == 400
    assert len(refused.value.extra["faults"]) >= 6


@pytest.mark.parametrize(
    ("query", "asked"), [("", False), ("?dryRun=false", False), ("?dryRun=True", True)]
)
def test_it_is_asked_for_in_the_query(query: str, asked: bool) -> None:
    assert dry_run.is_asked(make_mocked_request("POST", f"/deployments{query}")) is asked


@pytest.mark.parametrize("value", ["ture", "1", ""])
def test_a_slip_of_the_pen_does_not_deploy(value: str) -> None:
    with pytest.raises(ApiError, match="dryRun must be true or false"):
        dry_run.is_asked(make_mocked_request("POST", f"/deployments?dryRun={value}"))
