"""A client that watches a deployment: each event once, whatever becomes of the connection."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.rest_stub import Answer, RestStub, refusal
from urllib3.util import Retry

from paas_stream import client as module
from paas_stream.client import ApiError, Client

UUID = "6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b5e"
PATH = f"/deployments/{UUID}/events"
END = 'event: end\ndata: {"reason": "deleted"}\n\n'


@pytest.fixture
def stub() -> Iterator[RestStub]:
    with RestStub() as made:
        yield made


@pytest.fixture
def client(stub: RestStub, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)
    monkeypatch.setattr(module, "_RETRY", Retry(total=0, raise_on_status=False))
    return Client(stub.url)


def stream(*parts: str) -> Answer:
    return Answer(200, "".join(parts).encode(), {"Content-Type": "text/event-stream"})


def entry(name: str) -> str:
    data: dict[str, Any] = {"id": name, "message": "ü\u2028"}
    return f"id: after-{name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def ids(client: Client) -> list[str]:
    return [one["id"] for one in client.watch(UUID)]


def test_it_is_told_all_until_the_end(stub: RestStub, client: Client) -> None:
    status = 'event: status\ndata: {"status": "CREATE_COMPLETE"}\n\n'
    stub.on("GET", PATH, stream(entry("a"), ": ping\n\n", status, entry("b"), END, entry("c")))
    assert ids(client) == ["a", "b"]
    assert "Last-Event-ID" not in stub.asked[0].headers


def test_it_goes_on_after_a_lost_connection_where_it_was(stub: RestStub, client: Client) -> None:
    lost = Answer(is_cut=True)
    stub.on("GET", PATH, stream(entry("a"), entry("b")), lost, stream(entry("c"), END))
    assert ids(client) == ["a", "b", "c"]
    assert [one.headers.get("Last-Event-ID") for one in stub.asked[-2:]] == ["after-b"] * 2


def test_a_stream_that_begins_anew_repeats_nothing(stub: RestStub, client: Client) -> None:
    stub.on("GET", PATH, stream(entry("a")), stream(entry("b"), entry("a"), entry("c"), END))
    assert ids(client) == ["a", "b", "c"]


def test_it_stops_when_all_is_told(stub: RestStub, client: Client) -> None:
    stub.on("GET", PATH, stream(entry("a")), Answer(204))
    assert ids(client) == ["a"]


def test_it_waits_while_the_service_is_not_ready(stub: RestStub, client: Client) -> None:
    stub.on("GET", PATH, stream(entry("a")), refusal(503, "not ready"), stream(entry("b"), END))
    assert ids(client) == ["a", "b"]


def test_a_refusal_is_the_end_of_it(stub: RestStub, client: Client) -> None:
    stub.on("GET", PATH, refusal(404, "there is no such deployment"))
    with pytest.raises(ApiError, match="there is no such deployment"):
        ids(client)


def test_a_stream_that_never_says_anything_is_given_up(stub: RestStub, client: Client) -> None:
    stub.on("GET", PATH, stream())
    with pytest.raises(ApiError, match="again and again"):
        ids(client)
    assert len(stub.asked) == 10
