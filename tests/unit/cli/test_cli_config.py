"""`paas-stream config`."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from paas_stream.settings import Settings, get_settings

Run = Callable[..., Result]

SECRET = "planted-5b1e"


def shown(output: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in output.splitlines())


def test_every_setting_is_shown_once_as_an_environment_variable(run: Run) -> None:
    lines = run("config").stdout.splitlines()
    assert len({line.split("=")[0] for line in lines}) == len(lines)
    for subject, field in Settings.model_fields.items():
        wanted = getattr(field.annotation, "model_fields", None) or [""]
        for name in wanted:
            start = "_".join(filter(None, ["PAAS", subject.upper(), name.upper()]))
            assert any(line.startswith(f"{start}=") for line in lines), start


def test_what_is_set_is_shown(run: Run) -> None:
    found = shown(run("config", PAAS_KAFKA_URL="broker:9092", PAAS_WEB_PORT="7001").stdout)
    assert found["PAAS_KAFKA_URL"] == "broker:9092"
    assert found["PAAS_WEB_PORT"] == "7001"


def test_secrets_are_not_shown(run: Run) -> None:
    output = run("config", PAAS_SECRET_SERVICE_KEY=SECRET).output
    assert SECRET not in output
    assert shown(output)["PAAS_SECRET_SERVICE_KEY"] == "**********"


def test_lists_and_maps_are_shown_in_a_form_that_can_be_set_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = {"feeder": "my-feeder"}
    first = run(
        "config", PAAS_FEEDER_FILES='["a.yaml", "b.yaml"]', PAAS_TOPICS=json.dumps(topics)
    ).stdout
    assert json.loads(shown(first)["PAAS_TOPICS"]) == topics
    for name, value in shown(first).items():
        if value and "*" not in value:
            monkeypatch.setenv(name, value)
    assert run("config").stdout == first
    assert [file.name for file in get_settings().feeder.files] == ["a.yaml", "b.yaml"]
