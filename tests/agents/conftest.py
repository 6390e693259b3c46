"""The agents of the application, and a clock that stands still."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.bench import Bench, Clock, Runner
from support.rest import Line, Parser, Rest, serving

import tables.components
import tables.deployments
import tables.error_records
import tables.health
import tables.providers
import tables.ranker
import tables.serving
import tables.stored_templates
from agents import callback_runner, deployment_tracker, feeder, im_dispatcher, im_runner
from agents.im_polls import Polls
from paas_stream.app import app
from paas_stream.durable import ticks
from paas_stream.durable.due import DueHeap
from paas_stream.selection import provider_files
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.provider_files import Federation
from web import deployments

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The application without anything that earlier tests have left in it."""
    monkeypatch.setattr(tables.deployments, "index", {})
    tables.deployments.by_status.clear()
    tables.deployments.listing.clear()
    tables.error_records.index.clear()
    for name, empty in (("_changed", set()), ("_rows", {})):
        monkeypatch.setattr(tables.components, name, empty)
    for name, empty in (("_changed", set()), ("_rows", {})):
        monkeypatch.setattr(tables.stored_templates, name, empty)
    monkeypatch.setattr(tables.providers, "_changed", set())
    monkeypatch.setattr(tables.providers, "_catalog", Catalog())
    for name, empty in (("_changed", set()), ("_rows", {}), ("_windows", {})):
        monkeypatch.setattr(tables.health, name, empty)
    monkeypatch.setattr(tables.ranker, "_changed", set())
    monkeypatch.setattr(tables.ranker, "_projection", tables.ranker.Projection())
    monkeypatch.setattr(tables.serving, "live", tables.serving.Serving())
    monkeypatch.setattr(feeder, "turns", feeder.Turns())
    policy = im_runner.policy
    polls = Polls(app.settings.dispatch, lease_s=policy.call_s + policy.margin_s)
    monkeypatch.setattr(im_runner, "polls", polls)
    for module in (deployment_tracker, im_dispatcher):
        monkeypatch.setattr(module.ticks, "_heap", DueHeap())
    monkeypatch.setattr(callback_runner, "runner", Runner([]))  # see test_callbacks
    return Bench(monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of tracker, dispatcher, Feeder and their timers."""
    made = Clock()
    for module in (deployment_tracker, im_dispatcher, im_runner, feeder, ticks):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def runner(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The dispatcher's effects."""
    made = Runner(bench.journal)
    monkeypatch.setattr(im_runner, "runner", made)
    return made


@pytest.fixture
def federation() -> Federation:
    """The providers of our example."""
    return provider_files.read([EXAMPLES / "federation.yaml"])


@pytest.fixture
def example() -> Callable[[str], str]:
    """`example("vm")`: the text of one of our templates."""
    return lambda name: (EXAMPLES / f"{name}.yaml").read_text()


@pytest.fixture
async def rest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    """The REST API of the one worker whose agents the bench runs."""
    async with serving(monkeypatch) as client:
        yield client


@pytest.fixture
def line(bench: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The tracker behind the REST API."""
    return Line(bench, monkeypatch)


@pytest.fixture
def parser(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> Parser:
    """The parser behind the REST API."""
    made = Parser()
    monkeypatch.setattr(deployments, "pool", made)
    return made
