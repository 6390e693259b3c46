"""Requests are counted under their routes, and the answer is what Prometheus reads."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from paas_stream.durable.metrics import REGISTRY
from web import metrics
from web.faults import ApiError, errors_as_json
from web.metrics import count_requests

COUNT = "paas_stream_http_request_duration_seconds_count"


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value(COUNT, labels) or 0.0


def samples() -> set[str]:
    """All label values of the requests."""
    return {
        sample.labels["route"]
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == COUNT
    }


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    async def get(request: web.Request) -> web.Response:
        match request.match_info["uuid"]:
            case "404":
                raise ApiError(404, "no")
            case "302":
                raise web.HTTPFound("/elsewhere")
            case "500":
                raise RuntimeError("broken")
        return web.Response(text=str(metrics._box.working))

    app = web.Application(middlewares=[count_requests, errors_as_json])
    app.router.add_get("/things/{uuid}", get)
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.fixture(autouse=True)
def reports(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Faults that would go to `errors`."""
    found: list[BaseException] = []

    async def note(_: web.Request, exc: BaseException) -> None:
        found.append(exc)

    monkeypatch.setattr("web.faults._report", note)
    return found


@pytest.mark.parametrize("status", ["200", "404", "302", "500"])
async def test_a_request_is_counted_by_route_and_status(
    client: TestClient[Any, Any], status: str
) -> None:
    before = counted(method="GET", route="/things/{uuid}", status=status)
    for _ in range(3):
        async with client.get(f"/things/{status}", allow_redirects=False) as answer:
            assert answer.status == int(status)
    assert counted(method="GET", route="/things/{uuid}", status=status) == before + 3


async def test_no_request_can_make_new_labels(client: TestClient[Any, Any]) -> None:
    before = samples()
    for path in ("/things/secret-1", "/nothing/secret-2", "/things/3?secret=1"):
        async with client.get(path):
            pass
    async with client.request("PROPFIND", "/things/1"):
        pass
    assert samples() - before <= {"/things/{uuid}", "none"}
    assert counted(method="other", route="none", status="405") >= 1


async def test_the_box_is_at_work_meanwhile_and_only_faults_of_ours_are_errors(
    client: TestClient[Any, Any],
) -> None:
    box = metrics._box
    events, errors = box.events, box.errors
    async with client.get("/things/1") as answer:
        assert "GET /things/{uuid}" in await answer.text()
    for path in ("/things/404", "/things/500"):
        async with client.get(path):
            pass
    assert (box.events, box.errors) == (events + 3, errors + 1)
    assert box.working is None


async def test_an_event_stream_is_not_counted_as_a_request(client: TestClient[Any, Any]) -> None:
    before = metrics._box.events
    async with client.get("/things/1", headers={"Accept": "text/event-stream"}):
        pass
    assert metrics._box.events == before


async def asked(**headers: str) -> web.Response:
    view = metrics.Metrics(metrics.app, metrics.app.web)
    return await view.get(make_mocked_request("GET", "/metrics", headers=headers))


async def test_the_answer_is_in_the_format_that_is_accepted() -> None:
    plain = await asked()
    assert plain.headers["Content-Type"].startswith("text/plain")
    assert isinstance(plain.body, bytes)
    assert list(text_string_to_metric_families(plain.body.decode()))
    modern = await asked(Accept="application/openmetrics-text; version=1.0.0")
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text")
    assert isinstance(modern.body, bytes)
    assert list(openmetrics(modern.body.decode()))


async def test_every_metric_is_ours_explained_and_has_its_unit() -> None:
    answer = await asked()
    assert isinstance(answer.body, bytes)
    families = list(text_string_to_metric_families(answer.body.decode()))
    assert len(families) > 15
    for family in families:
        assert family.name.startswith("paas_stream_")
        assert family.documentation
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
    assert len({family.name for family in families}) == len(families)
