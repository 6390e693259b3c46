"""Credentials: named in the provider files, read from the environment or from files."""

from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError
from paas_stream.selection import provider_files
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_files import Federation


def federation(folder: Path, entry: str) -> Federation:
    file = folder / "providers.yaml"
    file.write_text(f"credentials:\n  robot: {entry}\n", encoding="utf-8")
    return provider_files.read([file])


def fault(folder: Path, entry: str, **env: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        federation(folder, entry).credentials("robot", env)
    return caught.value.message


def test_values_come_from_the_environment(tmp_path: Path) -> None:
    entry = "{username_env: U, password_env: P, tenant: demo, domain: d, tenant_domain: t}"
    found = federation(tmp_path, entry).credentials("robot", {"U": "me", "P": "secret"})
    assert found == Credentials(
        "password", username="me", password="secret", tenant="demo", domain="d", tenant_domain="t"
    )


def test_the_identifier_of_the_default_domain_is_as_good_as_none(tmp_path: Path) -> None:
    entry = "{username_env: U, password_env: P, domain: default}"
    found = federation(tmp_path, entry).credentials("robot", {"U": "me", "P": "secret"})
    assert found.domain is None


def test_values_come_from_files_beside_the_configuration_and_are_read_each_time(
    tmp_path: Path,
) -> None:
    providers = federation(tmp_path, "{method: token, token_file: secrets/token}")
    (tmp_path / "secrets").mkdir()
    for value in ("first", "second"):
        (tmp_path / "secrets" / "token").write_text(f"{value}\n", encoding="utf-8")
        assert providers.credentials("robot", {}) == Credentials("token", token=value)


def test_secrets_do_not_show_in_the_representation() -> None:
    shown = repr(Credentials("password", username="me", password="secret", token="secret"))
    assert "me" in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("entry", "env", "sentence"),
    [
        (
            "{username_env: U, password_env: P}",
            {"U": "me"},
            "credentials 'robot': the environment variable P is not set or empty",
        ),
        (
            "{username_env: U, password_env: P}",
            {"U": "", "P": "secret"},
            "credentials 'robot': the environment variable U is not set or empty",
        ),
    ],
)
def test_a_value_that_is_missing_is_named(
    tmp_path: Path, entry: str, env: dict[str, str], sentence: str
) -> None:
    assert fault(tmp_path, entry, **env) == sentence


def test_a_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    entry = "{method: token, token_file: token}"
    assert fault(tmp_path, entry) == (
        f"credentials 'robot': the file {tmp_path}/token cannot be read (No such file or directory)"
    )
    (tmp_path / "token").write_text("\n", encoding="utf-8")
    assert fault(tmp_path, entry) == (
        f"credentials 'robot': the file {tmp_path}/token is not set or empty"
    )


def test_credentials_that_nobody_configured_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="credentials 'robot' are not configured"):
        Federation().credentials("robot", {})


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{username_env: U}", "method 'password' needs password_env or password_file"),
        ("{method: token}", "method 'token' needs token_env or token_file"),
        (
            "{username_env: U, password_env: P, password_file: f}",
            "password_env and password_file exclude each other",
        ),
        ("{username_env: U, password_env: P, token_env: T}", "method 'password' takes no token"),
        ("{username: me, password_env: P}", "credentials.robot.username: Extra inputs"),
        ("{username_env: a secret!, password_env: P}", "credentials.robot.username_env: String"),
    ],
)
def test_an_entry_holds_names_and_never_values(tmp_path: Path, entry: str, sentence: str) -> None:
    assert sentence in fault(tmp_path, entry)
