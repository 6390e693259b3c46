"""The running service against its own document: real answers, and requests that nobody thought of."""

import zlib
from collections.abc import Callable
from typing import Any, cast

import hypothesis
import pytest
import requests
import schemathesis
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from support.stack import ROOT, Stack, until

from paas_stream import __version__
from web.contract.document import document
from web.contract.operation import JSON, Operation
from web.contract.operations import OPERATIONS

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(400)]

DOCUMENT = document(OPERATIONS, __version__)
BY_ID = {one.id: one for one in OPERATIONS}
EXAMPLES = 12  # requests of each kind for each operation
TEMPLATE = (ROOT / "examples" / "vm.yaml").read_text()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEcchYcBqYG5RhHIn3fdRNWeKWRgSJdsOMNe2XXfUum a@b"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def known(stack: Stack) -> dict[str, str]:
    """A value for each parameter of a path; there is one of everything."""
    uuid = stack.submit()
    stack.settled(uuid)
    until(lambda: stack.client.ranking(uuid)["providers"], 20, "the ranking is there")
    (rid,) = [one["uuid"] for one in stack.client.resources(uuid, "tosca.nodes.indigo.Compute")]
    stored = stack.client.store_template(TEMPLATE)["id"]
    until(lambda: stack.client.stored_template(stored), 20, "the template is stored")
    stack.client.set_ssh_key(KEY)
    return {"uuid": uuid, "rid": rid, "id": stored, "name": "site-a"}


def check(operation: str, answer: requests.Response) -> Any:
    """An answer against its model: every field is declared, none is null, none has another type."""
    one = BY_ID[operation]
    assert answer.headers["Content-Type"].startswith(JSON), answer.headers
    TypeAdapter(one.answers[answer.status_code].content[JSON]).validate_json(answer.content)
    shown = DOCUMENT["paths"][one.path][one.method.lower()]["responses"][str(answer.status_code)]
    validator = Draft202012Validator(DOCUMENT | shown["content"][JSON]["schema"])
    validator.validate(answer.json())
    return answer.json()


def asked(stack: Stack, operation: str, known: dict[str, str], **query: str) -> requests.Response:
    path = BY_ID[operation].path.format(**known)
    return requests.get(stack.worker.url + path, params=query, timeout=30)


@pytest.mark.parametrize(
    "operation",
    [
        one.id
        for one in OPERATIONS
        if one.method == "GET"
        and JSON in one.answers.get(200, one.answers[min(one.answers)]).content
    ],
)
def test_a_real_answer_fits_its_model(stack: Stack, known: dict[str, str], operation: str) -> None:
    answer = asked(stack, operation, known)
    assert answer.status_code == 200
    check(operation, answer)


@pytest.mark.parametrize("operation", ["getTemplateText", "getLog", "getExtraInfo"])
def test_a_real_text_is_one_whatever_is_accepted(
    stack: Stack, known: dict[str, str], operation: str
) -> None:
    path = BY_ID[operation].path.format(**known)
    headers = {"Accept": JSON}
    answer = requests.get(stack.worker.url + path, headers=headers, timeout=30)
    assert (answer.status_code, bool(answer.text)) == (200, True)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    if operation == "getExtraInfo":
        assert len(answer.json()) == 1


def test_the_answers_to_posts_fit_their_models(stack: Stack) -> None:
    body = {"template": stack.example("vm") + "\n# not stored yet\n", "userGroup": "demo"}
    posts = {
        "createDeployment": ("/deployments", 201),
        "inspectTemplate": ("/templates/inspect", 200),
        "storeTemplate": ("/templates", 201),
    }
    for operation, (path, status) in posts.items():
        answer = requests.post(stack.worker.url + path, json=body, timeout=30)
        assert answer.status_code == status
        check(operation, answer)
    again = requests.post(f"{stack.worker.url}/templates", json=body, timeout=30)
    assert again.status_code == 200
    assert check("storeTemplate", again)["id"] == again.headers["Location"].rpartition("/")[2]
    dry = requests.post(f"{stack.worker.url}/deployments?dryRun=true", json=body, timeout=30)
    assert dry.status_code == 200
    assert check("createDeployment", dry)["providers"]


def test_the_answers_to_changes_fit_their_models(stack: Stack, known: dict[str, str]) -> None:
    one, key = f"{stack.worker.url}/deployments/{known['uuid']}", {"publicKey": KEY}
    updated = requests.put(one, json={"template": stack.example("vm")}, timeout=30)
    assert updated.status_code == 202
    assert check("updateDeployment", updated)["uuid"] == known["uuid"]
    assert stack.settled(known["uuid"])["status"] == "UPDATE_COMPLETE"
    kept = requests.put(f"{stack.worker.url}/user/ssh-key", json=key, timeout=30)
    assert kept.status_code == 200
    assert check("putSshKey", kept)["publicKey"] == KEY
    reset = requests.patch(one, json={"status": "DELETE_FAILED"}, timeout=30)
    assert reset.status_code == 409
    reconcile = requests.post(f"{stack.worker.url}/admin/reconcile", timeout=30)
    assert (reconcile.status_code, reconcile.content) == (202, b"")


def test_a_key_that_comes_again_has_the_same_answer(stack: Stack) -> None:
    body = {"template": stack.example("vm"), "userGroup": "demo"}
    url, headers = f"{stack.worker.url}/deployments", {"Idempotency-Key": "comes again"}
    answers = [requests.post(url, json=body, headers=headers, timeout=30) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert len({check("createDeployment", one)["uuid"] for one in answers}) == 1
    assert len({one.headers["Location"] for one in answers}) == 1
    other = requests.post(url, json=body | {"timeoutMins": 5}, headers=headers, timeout=30)
    assert other.status_code == 422
    assert answers[0].json()["uuid"] in other.json()["message"]


def test_a_deployment_that_failed_and_one_that_is_deleted_fit_the_model(stack: Stack) -> None:
    for group in ("demo-failover", "nobody"):
        options = {"maxProvidersRetry": 1} if group == "demo-failover" else {}
        example = "failover" if group == "demo-failover" else "vm"
        uuid = stack.submit(example, group, **options)
        assert stack.settled(uuid)["status"] == "CREATE_FAILED"
        for operation in ("getDeployment", "listEvents", "getRanking"):
            check(operation, asked(stack, operation, {"uuid": uuid}))
        stack.client.delete(uuid)
        stack.settled(uuid)
        for operation in ("getDeployment", "listResources"):
            check(operation, asked(stack, operation, {"uuid": uuid}))
    for operation in ("listErrors", "getStatistics"):
        assert check(operation, asked(stack, operation, {})).get("content", True)


SERVICE = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=schemathesis.Config.from_dict(
        {
            "seed": 1,
            "checks": {
                # the contract coerces text ("true", "60"), and what is not known is ignored
                "negative_data_rejection": {"enabled": False},
                # whether a text is a TOSCA template cannot be said in a JSON Schema
                "positive_data_acceptance": {"enabled": False},
                # PAAS_AUTH=none lets everybody in; logins have tests of their own
                "ignored_auth": {"enabled": False},
            },
        }
    ),
)
SERVICE.config.update(base_url="http://127.0.0.1")  # each request names the real one


def steer(case: schemathesis.Case, known: dict[str, str]) -> None:
    """Half of the requests are about what is there, half of the templates and keys are ones.

    Deployments are not deleted: other operations need them.
    """
    deletes = case.method.lower() == "delete" and "uuid" in case.path_parameters
    if _even((case.body, case.query)) and not deletes:
        for name in case.path_parameters:
            case.path_parameters[name] = known.get(name, UNKNOWN)
    if isinstance(case.body, dict) and _even(case.body):
        if "publicKey" in case.body:
            case.body = case.body | {"publicKey": KEY}
        if "template" in case.body:
            case.body = case.body | {"template": TEMPLATE, "userGroup": "demo"}


def _even(value: Any) -> bool:
    return zlib.crc32(repr(value).encode()) % 2 == 0


def fuzz(operation: Operation) -> Callable[..., None]:
    """A test of one operation.

    Not one test of all of them: schemathesis gives its items one id, by which pytest-xdist runs one.
    """

    @SERVICE.include(path=operation.path, method=operation.method).parametrize()
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def test(case: schemathesis.Case, stack: Stack, known: dict[str, str]) -> None:
        steer(case, known)
        case.call_and_validate(base_url=stack.worker.url, timeout=30, allow_redirects=False)

    return cast("Callable[..., None]", test)


for one in OPERATIONS:
    globals()[f"test_no_request_brings_{one.id}_out_of_its_contract"] = fuzz(one)
