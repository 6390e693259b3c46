"""The page about callbacks: its example verifies what is sent, and its settings are those that exist."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paas_stream.clients.callbacks import signature
from paas_stream.web_settings import CallbackSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "callbacks.md").read_text()
EXAMPLE = PAGE.partition("```python\n")[2].partition("```")[0]
NOW = 1_800_000_000
BODY = b'{"status": "CREATE_COMPLETE"}'


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    names: dict[str, Any] = {}
    exec(EXAMPLE, names)
    return lambda headers, body: bool(names["is_genuine"](headers, body, "key", lambda: NOW))


def headers(**changed: str) -> dict[str, str]:
    return {
        "X-Paas-Stream-Event": "u.1",
        "X-Paas-Stream-Timestamp": str(NOW),
        "X-Paas-Stream-Signature": signature(b"key", "u.1", NOW, BODY),
    } | {f"X-Paas-Stream-{name}": value for name, value in changed.items()}


def test_the_example_takes_what_is_sent(is_genuine: Callable[..., bool]) -> None:
    assert is_genuine(headers(), BODY)


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (headers(), BODY + b" "),
        (headers(Event="u.2"), BODY),
        (headers(Timestamp=str(NOW - 1)), BODY),
        (headers(Signature=""), BODY),
        (headers(Signature=signature(b"other", "u.1", NOW, BODY)), BODY),
        (
            headers(Timestamp=str(NOW - 900), Signature=signature(b"key", "u.1", NOW - 900, BODY)),
            BODY,
        ),
    ],
)
def test_the_example_refuses_what_was_changed_or_is_old(
    is_genuine: Callable[..., bool], sent: dict[str, str], body: bytes
) -> None:
    assert not is_genuine(sent, body)


def test_every_setting_is_explained_and_no_other() -> None:
    told = {name.lower() for name in re.findall(r"PAAS_CALLBACK_([A-Z_]+)", PAGE)}
    assert told == set(CallbackSettings.model_fields)
