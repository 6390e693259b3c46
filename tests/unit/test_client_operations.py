"""Each operation of the client: what is sent, what comes back, and which error it raises."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.rest_stub import Answer, RestStub, refusal

from paas_stream import client as module
from paas_stream import client_errors as errors
from paas_stream.client import Client

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
ONE = f"/deployments/{UUID}"
PAGE = {"content": [{"a": 1}], "page": {"totalPages": 1}}
THING = {"x": 1}

Call = Callable[[Client], Any]


@pytest.fixture
def stub() -> Iterator[RestStub]:
    with RestStub() as made:
        yield made


@pytest.fixture
def client(stub: RestStub) -> Client:
    return Client(stub.url)


CALLS: list[tuple[str, str, Answer, Call, Any, Any]] = [  # and what is sent, and what is returned
    (
        "PUT",
        ONE,
        Answer(202, THING),
        lambda one: one.update(UUID, "t", {"n": 2}, callback=None, timeoutMins=5),
        {"template": "t", "parameters": {"n": 2}, "timeoutMins": 5},
        THING,
    ),
    (
        "PATCH",
        ONE,
        Answer(204),
        lambda one: one.give_up_delete(UUID),
        {"status": "DELETE_FAILED"},
        None,
    ),
    ("GET", f"{ONE}/template", Answer(200, b"a: 1"), lambda one: one.template(UUID), None, "a: 1"),
    ("GET", f"{ONE}/log", Answer(200, b"{1}"), lambda one: one.log(UUID), None, "{1}"),
    ("GET", f"{ONE}/extrainfo", Answer(200, b"[1]"), lambda one: one.extra_info(UUID), None, [1]),
    (
        "GET",
        f"{ONE}/resources",
        Answer(200, PAGE),
        lambda one: list(one.resources(UUID)),
        None,
        [{"a": 1}],
    ),
    (
        "GET",
        f"{ONE}/resources/r",
        Answer(200, THING),
        lambda one: one.resource(UUID, "r"),
        None,
        THING,
    ),
    (
        "POST",
        f"{ONE}/resources/r/actions",
        Answer(202),
        lambda one: one.act(UUID, "r", "start"),
        {"type": "start"},
        None,
    ),
    (
        "POST",
        f"{ONE}/resources/r/actions",
        Answer(202),
        lambda one: one.act(UUID, "r", "reconfigure"),
        {"type": "reconfigure"},
        None,
    ),
    (
        "POST",
        f"{ONE}/actions",
        Answer(202),
        lambda one: one.reconfigure(UUID),
        {"type": "reconfigure"},
        None,
    ),
    (
        "POST",
        "/templates/inspect",
        Answer(200, THING),
        lambda one: one.inspect("t"),
        {"template": "t", "parameters": {}},
        THING,
    ),
    (
        "GET",
        "/templates",
        Answer(200, PAGE),
        lambda one: list(one.stored_templates()),
        None,
        [{"a": 1}],
    ),
    ("GET", "/templates/k", Answer(200, THING), lambda one: one.stored_template("k"), None, THING),
    (
        "POST",
        "/templates",
        Answer(201, THING),
        lambda one: one.store_template("t", name="n", description=None),
        {"template": "t", "name": "n"},
        THING,
    ),
    ("DELETE", "/templates/k", Answer(204), lambda one: one.forget_template("k"), None, None),
    ("GET", "/providers", Answer(200, PAGE), lambda one: list(one.providers()), None, [{"a": 1}]),
    ("GET", "/providers/p", Answer(200, THING), lambda one: one.provider("p"), None, THING),
    ("GET", "/errors", Answer(200, PAGE), lambda one: list(one.errors()), None, [{"a": 1}]),
    ("GET", "/statistics", Answer(200, THING), lambda one: one.statistics(), None, THING),
    ("GET", "/user/ssh-key", Answer(200, THING), lambda one: one.ssh_key(), None, THING),
    (
        "PUT",
        "/user/ssh-key",
        Answer(200, THING),
        lambda one: one.set_ssh_key("ssh-ed25519 A"),
        {"publicKey": "ssh-ed25519 A"},
        THING,
    ),
    ("DELETE", "/user/ssh-key", Answer(204), lambda one: one.forget_ssh_key(), None, None),
    ("POST", "/admin/reconcile", Answer(202), lambda one: one.reconcile(), None, None),
    (
        "GET",
        "/components",
        Answer(200, {"components": [THING]}),
        lambda one: one.components(),
        None,
        [THING],
    ),
    ("GET", "/info", Answer(200, THING), lambda one: one.info(), None, THING),
]


@pytest.mark.parametrize(
    ("method", "path", "answer", "call", "sent", "returned"),
    CALLS,
    ids=[f"{method} {path.replace(UUID, 'uuid')}" for method, path, *_ in CALLS],
)
def test_an_operation_asks_for_what_it_says(
    stub: RestStub,
    client: Client,
    method: str,
    path: str,
    answer: Answer,
    call: Call,
    sent: Any,
    returned: Any,
) -> None:
    stub.on(method, path, answer)
    assert call(client) == returned
    assert stub.calls() == [f"{method} {path}"]
    assert stub.asked[0].body == sent


def test_resources_are_asked_for_by_type(stub: RestStub, client: Client) -> None:
    stub.on("GET", f"{ONE}/resources", Answer(200, PAGE))
    assert list(client.resources(UUID, "tosca.nodes.Compute"))
    assert stub.asked[0].query["type"] == "tosca.nodes.Compute"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequestError),
        (401, errors.NotLoggedInError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (413, errors.InvalidRequestError),
        (415, errors.InvalidRequestError),
        (418, errors.ApiError),
        (422, errors.InvalidRequestError),
        (500, errors.ServiceFaultError),
    ],
)
def test_a_refusal_has_a_class_of_its_own(
    stub: RestStub, client: Client, status: int, kind: type[errors.ApiError]
) -> None:
    stub.on("GET", ONE, refusal(status, "no"))
    with pytest.raises(errors.ApiError) as refused:
        client.deployment(UUID)
    assert type(refused.value) is kind
    assert refused.value.status == status


def test_a_service_that_stays_busy_and_one_that_is_gone_are_told_apart(client: Client) -> None:
    with RestStub() as stub:
        wait = Answer(429, {"message": "too many"}, {"Retry-After": "1"})
        stub.on("GET", ONE, wait)
        with pytest.raises(errors.BusyError, match="too many"):
            Client(stub.url).deployment(UUID)
        url = stub.url
    with pytest.raises(errors.UnreachableError):
        Client(url).deployment(UUID)


class _Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


class TestWaiting:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> _Clock:
        made = _Clock()
        monkeypatch.setattr(module, "time", made)
        return made

    @staticmethod
    def goes_through(stub: RestStub, *statuses: str) -> None:
        answers = [
            Answer(200, {"uuid": UUID, "status": one, "statusReason": "why"}) for one in statuses
        ]
        stub.on("GET", ONE, *answers)

    def test_ends_at_rest(self, stub: RestStub, client: Client, clock: _Clock) -> None:
        self.goes_through(stub, *["CREATE_IN_PROGRESS"] * 10, "CREATE_FAILED")
        assert client.wait(UUID)["status"] == "CREATE_FAILED"
        assert clock.slept == sorted(clock.slept)
        assert (clock.slept[0], clock.slept[-1]) == (0.2, 3.0)

    def test_ends_in_the_state_that_is_waited_for(
        self, stub: RestStub, client: Client, clock: _Clock
    ) -> None:
        self.goes_through(stub, "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
        assert client.wait(UUID, until={"DELETE_IN_PROGRESS"})["status"] == "DELETE_IN_PROGRESS"

    def test_says_so_when_another_state_came(
        self, stub: RestStub, client: Client, clock: _Clock
    ) -> None:
        self.goes_through(stub, "CREATE_IN_PROGRESS", "CREATE_FAILED")
        with pytest.raises(errors.UnexpectedStateError, match="is CREATE_FAILED: why"):
            client.wait(UUID, until={"CREATE_COMPLETE"})

    def test_has_an_end(self, stub: RestStub, client: Client, clock: _Clock) -> None:
        self.goes_through(stub, "CREATE_IN_PROGRESS")
        with pytest.raises(errors.WaitTimeoutError, match="still CREATE_IN_PROGRESS after 10 s"):
            client.wait(UUID, timeout_s=10)
        assert sum(clock.slept) == pytest.approx(10)
