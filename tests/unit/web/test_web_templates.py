"""POST /templates/inspect, with the real parser behind it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from paas_stream.settings import ParserSettings
from paas_stream.tosca.pool import ParserPool
from web import templates
from web.faults import errors_as_json

EXAMPLES = Path(__file__).parents[3] / "examples"

Post = Callable[..., Any]


@pytest.fixture
async def post(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Post]:
    """`post(body)`: status and answer of the inspection."""
    pool = ParserPool(ParserSettings())
    monkeypatch.setattr(templates, "pool", pool)
    app = web.Application(middlewares=[errors_as_json])
    app.router.add_post("/", templates.inspected)
    async with TestClient(TestServer(app)) as client:

        async def call(body: Any) -> tuple[int, dict[str, Any]]:
            async with client.post("/", json=body) as response:
                return response.status, await response.json()

        yield call
    await pool.close()


async def test_a_template_is_described(post: Post) -> None:
    text = (EXAMPLES / "vm.yaml").read_text()
    status, told = await post({"template": text, "parameters": {"cpus": "4"}})
    assert status == 200
    assert [one["name"] for one in told["inputs"]] == ["cpus", "memory"]
    assert told["requirements"][0]["cpus"] == 4
    status, told = await post({"template": text, "parameters": None})
    assert (status, told["requirements"][0]["cpus"]) == (200, 1)


async def test_a_template_that_lacks_only_its_inputs_is_described(post: Post) -> None:
    text = (EXAMPLES / "vm.yaml").read_text().replace("      default: 1\n", "")
    status, told = await post({"template": text})
    assert (status, told["inputs"][0]["required"]) == (200, True)


async def test_faults_are_told_in_a_list(post: Post) -> None:
    status, told = await post({"template": (EXAMPLES / "invalid.yaml").read_text()})
    assert (status, told["code"]) == (400, 400)
    assert len(told["faults"]) == 7
    assert all(fault.startswith("line ") for fault in told["faults"])


@pytest.mark.parametrize(
    "body", [{}, {"template": ""}, {"template": 5}, {"template": "x", "parameters": [1]}, []]
)
async def test_a_request_that_is_none_is_refused(post: Post, body: Any) -> None:
    status, told = await post(body)
    assert (status, told["title"]) == (400, "Bad Request")
