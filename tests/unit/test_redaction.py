"""What is redacted in logs, and what must stay readable."""

import logging

import pytest

from paas_stream.redaction import GONE, redact_handlers, redacted

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
JWE = "eyJhbGciOiJFQ0RILUVTIn0.a2V5.aXY.Y2lwaGVy.dGFn"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} was refused", JWT),
        (f"sealed: {JWE}", JWE),
        (f"outputs {{'key': '{KEY}'}}", "MIIEow"),
        ("a key that is cut off: -----BEGIN PRIVATE KEY-----\nMIIEow", "MIIEow"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("password = hunter2", "hunter2"),
        ('{"type": "OpenStack", "password": "hun\\"ter2", "x": 1}', 'hun\\"ter2'),
        ("{'os_password': 'hunter2'}", "hunter2"),
        ("https://host/?access_token=hunter2&x=1", "hunter2"),
        ("client_secret: hunter2", "hunter2"),
    ],
)
def test_a_secret_does_not_stay(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)
    assert GONE in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "the IM refuses the token",
        "no credentials for the provider: send a token, or configure them",
        "template/3@17 failed",
        "sealed for the key 5f3a, which is not here",
        "Password authentication is off",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_tracebacks_and_arguments_are_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.Logger("redaction")
    log.addHandler(logging.StreamHandler())
    redact_handlers(log)
    redact_handlers(log)
    try:
        raise ValueError(f"refused {JWT}")
    except ValueError:
        log.exception("with %s", "password=hunter2")
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert JWT not in written
    assert "hunter2" not in written
    assert written.count(GONE) == 2
