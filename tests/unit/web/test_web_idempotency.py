"""The key of a request, and when two requests mean the same."""

from types import SimpleNamespace
from typing import Any

import pytest

from paas_stream.access import Caller
from paas_stream.lifecycle.deployment import DeploymentRow
from web import idempotency
from web.faults import ApiError
from web.requests import DeploymentRequest

ANNA = Caller("https://iam.example.org/", "anna")
BEN = Caller("https://iam.example.org/", "ben")


def key_of(key: str | None) -> str | None:
    headers = {} if key is None else {"Idempotency-Key": key}
    return idempotency.key_of(SimpleNamespace(headers=headers))  # type: ignore[arg-type]


def digest(**fields: Any) -> str:
    body = DeploymentRequest.model_validate({"template": "x"} | fields)
    return idempotency.digest_of(body)


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("k", "k"),
        ("k" * 255, "k" * 255),
        ("schlüssel", "schlüssel"),
    ],
)
def test_a_blank_key_is_none(sent: str | None, key: str | None) -> None:
    assert key_of(sent) == key


@pytest.mark.parametrize("sent", ["k" * 256, "a\x07b", "a\tb", "half\udcff"])
def test_a_key_that_cannot_be_used_is_400(sent: str) -> None:
    with pytest.raises(ApiError) as refused:
        key_of(sent)
    assert refused.value.status == 400


def test_a_key_is_one_deployment_of_each_caller_and_none_is_a_new_one() -> None:
    assert idempotency.uuid_of("k", ANNA) == idempotency.uuid_of("k", ANNA)
    assert idempotency.uuid_of("k", ANNA) != idempotency.uuid_of("k", BEN)
    assert idempotency.uuid_of("k", ANNA) != idempotency.uuid_of("l", ANNA)
    assert idempotency.uuid_of(None, ANNA) != idempotency.uuid_of(None, ANNA)


def test_what_means_the_same_has_the_same_digest() -> None:
    first = digest(parameters={"a": 1, "b": {"c": [1, 2], "d": "ü"}}, timeoutMins=10)
    assert digest(timeoutMins="10", parameters={"b": {"d": "ü", "c": [1, 2]}, "a": 1}) == first
    assert digest(timeoutMins=10, parameters={"a": 1, "b": {"c": [2, 1], "d": "ü"}}) != first
    assert digest(timeoutMins="9" * 30) != first


@pytest.mark.parametrize(("known", "sent"), [(None, "d"), ("d", None), (None, None), ("d", "d")])
def test_only_what_is_known_to_be_another_request_is_refused(
    known: str | None, sent: str | None
) -> None:
    idempotency.check(DeploymentRow("u", 0.0, 0.0, body_digest=known), sent)


def test_another_request_is_422_and_named() -> None:
    with pytest.raises(ApiError, match="deployment u, made by another request") as refused:
        idempotency.check(DeploymentRow("u", 0.0, 0.0, body_digest="d"), "e")
    assert refused.value.status == 422
