"""`/`, `/info` and `/configuration`: what the command-line client asks for, and browsers."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from support.rest import Rest

from paas_stream import __version__
from tables import serving
from web.contract.service import Info


async def asked(rest: Rest, path: str, **headers: str) -> dict[str, Any]:
    async with rest.get(path, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        return dict(await answer.json())


@pytest.mark.parametrize("path", ["/", "/info"])
@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
async def test_programs_are_told_what_this_is(rest: Rest, path: str, accept: str) -> None:
    found = await asked(rest, path, Accept=accept)
    build = {"version": __version__}
    assert found == {"name": "paas-stream", "version": __version__, "build": build}


@pytest.mark.parametrize("path", ["/", "/info"])
async def test_programs_are_told_which_model_ranks_and_since_when(
    rest: Rest, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving.live, "model", SimpleNamespace(card=SimpleNamespace(version="v7")))
    monkeypatch.setattr(serving.live, "since", datetime(2027, 6, 1, 12, 0, 0, 5, tzinfo=UTC))
    found = await asked(rest, path)
    assert found["rankingModel"] == {"version": "v7", "since": "2027-06-01T12:00:00+00:00"}
    Info.model_validate(found)


async def test_browsers_are_sent_to_the_page(rest: Rest) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with rest.get("/", headers=accept, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/ui/")


async def test_the_configuration_is_flat_and_all_text(rest: Rest) -> None:
    found = await asked(rest, "/configuration")
    assert found["im_url"].startswith("http")
    assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize("path", ["/", "/info", "/configuration"])
async def test_they_can_only_be_read(rest: Rest, path: str) -> None:
    async with rest.delete(path) as answer:
        assert answer.status == 405
        assert {"code", "title", "message"} <= (await answer.json()).keys()


async def test_they_answer_while_tables_are_being_filled(rest: Rest, bench: Any) -> None:
    bench.ready.reason = "tables are being recovered"
    for path in ("/", "/info", "/configuration"):
        await asked(rest, path)
    for path in ("/deployments", "/templates", "/user/ssh-key", "/errors", "/statistics"):
        async with rest.get(path) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0


async def test_a_worker_that_is_not_ready_says_so_in_an_error_body(rest: Rest, bench: Any) -> None:
    bench.ready.reason = "tables are being recovered"
    async with rest.get("/readyz") as answer:
        found = await answer.json()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert (found["code"], found["title"]) == (503, "Service Unavailable")
    assert (found["message"], found["status"]) == ("tables are being recovered", "not ready")
    assert found["worker"]
    bench.ready.reason = None
    assert (await asked(rest, "/readyz"))["status"] == "ready"
