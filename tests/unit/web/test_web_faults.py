"""Every error answer is JSON with code, title and message, and tells nothing internal."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from paas_stream.errors import PermanentError, TemporaryError
from web import faults
from web.faults import ApiError, errors_as_json

SECRET = "hunter2"
RAISED: dict[str, BaseException] = {}
REPORTED: list[BaseException] = []


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestClient[Any, Any]]:
    """A server whose only route raises what the test has put into RAISED."""

    async def fail(_: web.Request) -> web.Response:
        raise RAISED["it"]

    async def note(_: web.Request, exc: BaseException) -> None:
        REPORTED.append(exc)

    REPORTED.clear()
    monkeypatch.setattr(faults, "_report", note)
    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/it", fail)
    async with TestClient(TestServer(app)) as made:
        yield made


async def answer(
    client: TestClient[Any, Any], raised: BaseException
) -> tuple[int, dict[str, Any], Any]:
    RAISED["it"] = raised
    async with client.get("/it", allow_redirects=False) as response:
        assert response.content_type == "application/json"
        return response.status, dict(await response.json()), response.headers


@pytest.mark.parametrize(
    ("raised", "status", "title", "message"),
    [
        (ApiError(400, "size must be a number"), 400, "Bad Request", "size must be a number"),
        (ApiError(404, "there is no deployment x"), 404, "Not Found", "there is no deployment x"),
        (ApiError(409, "Cannot delete"), 409, "Conflict", "Cannot delete"),
        (faults.unavailable("not ready"), 503, "Service Unavailable", "not ready"),
        (TemporaryError("the queue is full"), 503, "Service Unavailable", "the queue is full"),
        (web.HTTPNotFound(), 404, "Not Found", "there is nothing at /it"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_an_error_has_code_title_and_message(
    client: TestClient[Any, Any], raised: Exception, status: int, title: str, message: str
) -> None:
    got, body, _ = await answer(client, raised)
    assert got == status
    assert body == {"code": status, "title": title, "message": message}


@pytest.mark.parametrize(
    ("raised", "seconds"),
    [
        (faults.unavailable("x"), "2"),
        (faults.unavailable("x", 7), "7"),
        (ApiError(409, "x", retry_after_s=0), "0"),
        (ApiError(409, "x"), None),
        (TemporaryError("x", delay_s=9.7), "9"),
        (TemporaryError("x"), "2"),
    ],
)
async def test_it_says_when_to_come_again(
    client: TestClient[Any, Any], raised: Exception, seconds: str | None
) -> None:
    _, _, headers = await answer(client, raised)
    assert headers.get("Retry-After") == seconds


@pytest.mark.parametrize(
    "raised",
    [
        RuntimeError(f"password is {SECRET}"),
        PermanentError(f"sealed for {SECRET}"),
        KeyError(SECRET),
        AssertionError(SECRET),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_fault_of_ours_is_500_logged_reported_and_tells_nothing(
    client: TestClient[Any, Any], raised: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "web.faults"):
        status, body, _ = await answer(client, raised)
    assert status == 500
    assert SECRET not in str(body)
    assert body["title"] == "Internal Server Error"
    assert [record.getMessage() for record in caplog.records] == ["GET /it failed"]
    assert [raised] == REPORTED


async def test_an_expected_error_is_not_reported(client: TestClient[Any, Any]) -> None:
    await answer(client, ApiError(404, "no"))
    assert REPORTED == []


async def test_faults_come_as_a_list_too(client: TestClient[Any, Any]) -> None:
    _, body, _ = await answer(client, ApiError(400, "a; b", faults=["a", "b"]))
    assert body["faults"] == ["a", "b"]


async def test_a_path_that_does_not_exist_is_an_error_body(client: TestClient[Any, Any]) -> None:
    async with client.get("/nowhere") as response:
        assert response.status == 404
        assert (await response.json())["message"] == "there is nothing at /nowhere"


async def test_a_wrong_method_says_what_is_allowed(client: TestClient[Any, Any]) -> None:
    async with client.post("/it") as response:
        assert response.status == 405
        assert (await response.json())["message"] == "POST is not possible at /it"
        assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD"}


async def test_a_redirect_passes(client: TestClient[Any, Any]) -> None:
    RAISED["it"] = web.HTTPFound("/elsewhere")
    async with client.get("/it", allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"] == "/elsewhere"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503])
def test_every_status_of_the_contract_has_a_title(status: int) -> None:
    assert faults.answer(status, "why").status == status
