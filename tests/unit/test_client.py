"""The client of the REST API: what is asked again, what never is, and what its errors say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.rest_stub import Answer, RestStub, refusal
from urllib3.util import retry

from paas_stream import client as module
from paas_stream.client import ApiError, Client

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
ONE = f"/deployments/{UUID}"
EVENTS = f"{ONE}/events"
BUSY = refusal(503, "not ready: tables are being recovered")
TRIES = 7  # one, and six repetitions
SHORT_S = 0.05


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    time = monotonic

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of `follow`, and that of the waits between two tries."""
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(retry, "time", made)
    return made


@pytest.fixture
def stub(clock: Clock) -> Iterator[RestStub]:
    with RestStub() as made:
        yield made


@pytest.fixture
def client(stub: RestStub) -> Client:
    return Client(stub.url)


def deployment(status: str) -> Answer:
    return Answer(200, {"uuid": UUID, "status": status})


def timeline(*ids: str) -> Answer:
    return Answer(200, [{"id": one} for one in ids])


def page(number: int, pages: int, *uuids: str) -> Answer:
    body = {"content": [{"uuid": one} for one in uuids]}
    return Answer(200, body | {"page": {"number": number, "totalPages": pages}})


# -- what is asked again


def test_a_get_is_asked_again_while_the_service_is_not_ready(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    stub.on("GET", ONE, BUSY, BUSY, BUSY, deployment("CREATE_COMPLETE"))
    assert client.deployment(UUID)["status"] == "CREATE_COMPLETE"
    assert stub.calls() == [f"GET {ONE}"] * 4
    assert clock.slept == [1.0, 2.0], "the first repetition comes at once"


def test_a_repetition_waits_as_long_as_the_service_asks_for(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    wait = Answer(503, {"message": "wait"}, {"Retry-After": "2"})
    stub.on("GET", ONE, wait, wait, deployment("CREATE_COMPLETE"))
    client.deployment(UUID)
    assert clock.slept == [2, 2]


def test_a_get_that_was_too_much_is_asked_again_after_the_time_that_it_is_told(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    limited = Answer(429, {"message": "too many requests"}, {"Retry-After": "3"})
    stub.on("GET", ONE, limited, deployment("CREATE_COMPLETE"))
    client.deployment(UUID)
    assert clock.slept == [3]


def test_a_post_that_was_too_much_is_sent_again_under_the_same_key(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    limited = Answer(429, {"message": "too many requests"}, {"Retry-After": "3"})
    stub.on("POST", "/deployments", limited, Answer(201, {"uuid": UUID}))
    client.submit("a template", {})
    assert clock.slept == [3]
    assert stub.calls() == ["POST /deployments"] * 2
    first, again = (one.headers["Idempotency-Key"] for one in stub.asked)
    assert first == again


def test_a_service_that_does_not_become_ready_is_given_up_with_its_own_words(
    stub: RestStub, client: Client
) -> None:
    stub.on("GET", ONE, BUSY)
    with pytest.raises(ApiError, match="tables are being recovered") as refused:
        client.deployment(UUID)
    assert refused.value.status == 503
    assert len(stub.asked) == TRIES


def keys(stub: RestStub) -> list[str | None]:
    return [one.headers.get("Idempotency-Key") for one in stub.asked]


def test_a_submit_is_asked_again_with_the_same_key_so_that_it_deploys_once(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    wait = Answer(503, {"message": "wait"}, {"Retry-After": "30"})
    stub.on("POST", "/deployments", wait, Answer(is_cut=True), Answer(201, {"uuid": UUID}))
    assert client.submit("a template", {})["uuid"] == UUID
    assert len(stub.asked) == 3
    assert len(set(keys(stub))) == 1
    assert keys(stub)[0]
    assert clock.slept[0] == 30


def test_each_submit_has_a_key_of_its_own_unless_the_caller_gives_one(
    stub: RestStub, client: Client
) -> None:
    stub.on("POST", "/deployments", Answer(201, {"uuid": UUID}))
    client.submit("a template", {})
    client.submit("a template", {})
    client.submit("a template", {}, key="mine")
    first, second, third = keys(stub)
    assert first != second
    assert third == "mine"


def test_no_service_makes_the_client_wait_for_long(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    wait = Answer(503, {"message": "wait"}, {"Retry-After": "86400"})
    stub.on("GET", ONE, wait, deployment("CREATE_COMPLETE"))
    client.deployment(UUID)
    assert clock.slept == [60]


@pytest.mark.parametrize("answer", [BUSY, Answer(is_cut=True)], ids=["busy", "cut"])
def test_what_two_of_would_do_harm_is_asked_once(
    stub: RestStub, client: Client, clock: Clock, answer: Answer
) -> None:
    path = f"{ONE}/resources/r/actions"
    stub.on("POST", path, answer)
    stub.on("PATCH", ONE, answer)
    for call in (lambda: client.act(UUID, "r", "stop"), lambda: client.give_up_delete(UUID)):
        with pytest.raises(ApiError):
            call()
    assert stub.calls() == [f"POST {path}", f"PATCH {ONE}"]
    assert clock.slept == []


def test_a_get_whose_connection_is_lost_is_asked_again(stub: RestStub, client: Client) -> None:
    stub.on("GET", ONE, Answer(is_cut=True), deployment("CREATE_COMPLETE"))
    assert client.deployment(UUID)["uuid"] == UUID
    assert len(stub.asked) == 2


def test_a_delete_is_asked_again_while_the_service_is_not_ready(
    stub: RestStub, client: Client
) -> None:
    stub.on("DELETE", ONE, BUSY, Answer(204))
    client.delete(UUID, force=True)
    assert [one.query for one in stub.asked] == [{"force": "true"}] * 2


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_no_other_refusal_is_asked_again(stub: RestStub, client: Client, status: int) -> None:
    stub.on("GET", ONE, refusal(status, "no"))
    with pytest.raises(ApiError) as refused:
        client.deployment(UUID)
    assert refused.value.status == status
    assert len(stub.asked) == 1


# -- time-outs


def test_a_post_without_an_answer_says_that_it_may_have_been_carried_out(
    stub: RestStub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", (5.0, SHORT_S))
    stub.on("POST", "/deployments", Answer(hangs=True))
    with pytest.raises(ApiError, match=r"did not answer in time; .* may have been carried out"):
        client.submit("a template", {})
    assert len(stub.asked) == 2
    assert len(set(keys(stub))) == 1


def test_a_get_without_an_answer_is_asked_again_and_then_given_up(
    stub: RestStub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", (5.0, SHORT_S))
    stub.on("GET", ONE, Answer(hangs=True))
    with pytest.raises(ApiError, match=r"cannot be reached"):
        client.deployment(UUID)
    assert len(stub.asked) == TRIES


def test_a_service_that_is_not_there_is_named_in_one_sentence(clock: Clock) -> None:
    with RestStub() as gone:
        url = gone.url
    with pytest.raises(ApiError) as refused:
        Client(url).deployment(UUID)
    assert refused.value.message == f"{url} cannot be reached (ConnectionError)"
    assert refused.value.status == 0


# -- answers


def test_a_refusal_carries_message_status_and_faults(stub: RestStub, client: Client) -> None:
    stub.on("POST", "/deployments", refusal(400, "two faults", faults=["one", "two"]))
    with pytest.raises(ApiError) as refused:
        client.submit("a template", {})
    assert (refused.value.message, refused.value.status) == ("two faults", 400)
    assert refused.value.faults == ["one", "two"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "502 Bad Gateway"),
        (b"<html>\n  <b>nginx</b>\n</html>", "502 Bad Gateway: <html> <b>nginx</b> </html>"),
        (b"[1, 2]", "502 Bad Gateway: [1, 2]"),
        (b'{"error": "x"}', '502 Bad Gateway: {"error": "x"}'),
        (b'{"message": "x", "faults": 7}', '502 Bad Gateway: {"message": "x", "faults": 7}'),
        (b"\xff\xfe", "502 Bad Gateway"),
    ],
)
def test_an_error_body_that_is_not_ours_is_told_in_one_line(
    stub: RestStub, client: Client, body: bytes, message: str
) -> None:
    stub.on("GET", ONE, Answer(502, body))
    with pytest.raises(ApiError) as refused:
        client.deployment(UUID)
    assert refused.value.message.startswith(message)
    assert "\n" not in refused.value.message
    assert refused.value.faults == []


def test_a_long_error_body_is_cut(stub: RestStub, client: Client) -> None:
    stub.on("GET", ONE, Answer(502, b"x" * 100_000))
    with pytest.raises(ApiError) as refused:
        client.deployment(UUID)
    assert len(refused.value.message) < 600


def test_an_answer_that_is_not_json_comes_from_another_service(
    stub: RestStub, client: Client
) -> None:
    stub.on("GET", ONE, Answer(200, b"<html>welcome</html>"))
    with pytest.raises(ApiError, match="is another service"):
        client.deployment(UUID)


# -- requests


def test_a_submit_sends_what_is_given_and_nothing_else(stub: RestStub) -> None:
    stub.on("POST", "/deployments", Answer(201, {"uuid": UUID}))
    made = Client(f"{stub.url}/", "a-token").submit(
        "a template", {"cpus": 2}, userGroup="demo", timeoutMins=None
    )
    (asked,) = stub.asked
    assert made == {"uuid": UUID}
    assert asked.body == {"template": "a template", "parameters": {"cpus": 2}, "userGroup": "demo"}
    assert asked.headers["Authorization"] == "Bearer a-token"


def test_without_a_token_none_is_sent(stub: RestStub, client: Client) -> None:
    stub.on("GET", ONE, deployment("CREATE_COMPLETE"))
    client.deployment(UUID)
    assert "Authorization" not in stub.asked[0].headers


def test_an_identifier_stays_one_part_of_the_path(stub: RestStub, client: Client) -> None:
    for call in (client.deployment, client.events, client.delete):
        with pytest.raises(ApiError, match="nothing at"):
            call("../x?y")
    assert {one.path.split("/")[2] for one in stub.asked} == {"..%2Fx%3Fy"}


def test_a_list_is_read_page_by_page(stub: RestStub, client: Client) -> None:
    pages = [page(0, 3, "a", "b"), page(1, 3, "c", "d"), page(2, 3, "e")]
    stub.on("GET", "/deployments", *pages)
    found = [one["uuid"] for one in client.deployments(userGroup="demo")]
    assert found == ["a", "b", "c", "d", "e"]
    assert [one.query["page"] for one in stub.asked] == ["0", "1", "2"]
    assert {one.query["userGroup"] for one in stub.asked} == {"demo"}


def test_a_list_is_followed_by_the_bookmarks_of_its_links(stub: RestStub, client: Client) -> None:
    def linked(number: int, uuid: str, **links: str) -> Answer:
        made = page(number, 3, uuid)
        rels = [{"rel": rel, "href": f"http://x/deployments?{to}"} for rel, to in links.items()]
        return Answer(200, made.body | {"links": rels})

    first = linked(0, "a", self="page=0", next="page=1&size=100&after=Abc-_9")
    stub.on("GET", "/deployments", first, linked(1, "b", self="page=1&after=Abc-_9"))
    assert [one["uuid"] for one in client.deployments()] == ["a", "b"]
    assert [one.query.get("after") for one in stub.asked] == [None, "Abc-_9"]


def test_pages_that_nobody_reads_are_not_asked_for(stub: RestStub, client: Client) -> None:
    stub.on("GET", "/deployments", page(0, 3, "a", "b"))
    assert next(client.deployments())["uuid"] == "a"
    assert len(stub.asked) == 1


def test_readiness_is_asked_once(stub: RestStub, client: Client, clock: Clock) -> None:
    stub.on("GET", "/readyz", BUSY, Answer(200, {"status": "ready"}))
    assert not client.is_ready()
    assert client.is_ready()
    assert len(stub.asked) == 2
    with RestStub() as gone:
        url = gone.url
    assert not Client(url).is_ready()
    assert clock.slept == []


# -- follow


def ids(events: Iterator[dict[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def test_a_follower_is_told_each_event_once_until_the_deployment_is_at_rest(
    stub: RestStub, client: Client
) -> None:
    working = deployment("CREATE_IN_PROGRESS")
    stub.on("GET", ONE, working, working, working, deployment("CREATE_FAILED"))
    stub.on("GET", EVENTS, timeline("a"), timeline("a", "b"), timeline("a", "b"), timeline(*"abc"))
    assert ids(client.follow(UUID, 60)) == ["a", "b", "c"]


def test_a_deployment_at_rest_is_followed_without_waiting(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    stub.on("GET", ONE, deployment("DELETE_COMPLETE"))
    stub.on("GET", EVENTS, timeline("a", "b"))
    assert ids(client.follow(UUID, 60)) == ["a", "b"]
    assert clock.slept == []


def test_a_follower_asks_less_often_while_there_is_no_news(
    stub: RestStub, client: Client, clock: Clock
) -> None:
    working = deployment("CREATE_IN_PROGRESS")
    stub.on("GET", ONE, *[working] * 12, deployment("CREATE_COMPLETE"))
    stub.on("GET", EVENTS, *[timeline("a")] * 11, timeline("a", "b"))
    ids(client.follow(UUID, 60))
    quiet = clock.slept[1:11]
    assert clock.slept[0] == 0.2
    assert quiet == sorted(quiet)
    assert (round(quiet[0], 6), quiet[-1]) == (0.3, 3.0)
    assert clock.slept[11] == 0.2, "after news it asks soon again"


def test_a_follower_gives_up_at_its_time_out(stub: RestStub, client: Client, clock: Clock) -> None:
    stub.on("GET", ONE, deployment("CREATE_IN_PROGRESS"))
    stub.on("GET", EVENTS, timeline("a"))
    following = client.follow(UUID, 10)
    assert next(following)["id"] == "a"
    with pytest.raises(ApiError, match=f"{UUID} is still in progress after 10 s"):
        next(following)
    assert 10 <= sum(clock.slept) < 14
