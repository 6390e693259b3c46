"""Settings: read from the environment, checked, and safe when nothing is set."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from paas_stream.errors import ConfigurationError
from paas_stream.settings import KafkaSettings, Settings, get_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine, and no setting kept from another test."""
    for name in list(os.environ):
        if name.startswith("PAAS_") or name == "KAFKA_HOME":
            monkeypatch.delenv(name)
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_afterwards() -> object:
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("PAAS_KAFKA_URL", "a:1,b:2", lambda s: s.kafka.url == "a:1,b:2"),
        ("PAAS_WEB_PORT", "7000", lambda s: s.web.port == 7000),
        ("PAAS_WEB_MAX_BODY_BYTES", "9", lambda s: s.web.max_body_bytes == 9),
        ("PAAS_STATE_DIR", "/var/x", lambda s: s.state.dir == Path("/var/x")),
        ("PAAS_DISPATCH_CLEANUP_BESIDE_S", "1.5", lambda s: s.dispatch.cleanup_beside_s == 1.5),
        ("PAAS_SECRET_SERVICE_KEY", "k", lambda s: s.secret.service_key.get_secret_value() == "k"),
        ("PAAS_TOPICS", '{"feeder": "x"}', lambda s: s.topics == {"feeder": "x"}),
        ("PAAS_IM_URL", "http://im:8800/", lambda s: s.im.endpoint == "http://im:8800"),
        ("PAAS_TLS_LOOK_S", "5", lambda s: s.tls.look_s == 5),
        (
            "PAAS_EDGE_TRUSTED_PROXIES",
            '["10.0.0.0/8", "::1"]',
            lambda s: [str(one) for one in s.edge.trusted_proxies] == ["10.0.0.0/8", "::1/128"],
        ),
        ("PAAS_EDGE_CORS_ORIGINS", '["https://a"]', lambda s: s.edge.cors_origins == ["https://a"]),
        ("PAAS_FEEDER_FILES", "a.yaml", lambda s: s.feeder.files == [Path("a.yaml")]),
        (
            "PAAS_FEEDER_FILES",
            "a.yaml:b.yaml",
            lambda s: s.feeder.files == [Path("a.yaml"), Path("b.yaml")],
        ),
        ("PAAS_FEEDER_FILES", '["a.yaml"]', lambda s: s.feeder.files == [Path("a.yaml")]),
        ("PAAS_FEEDER_FILES", "", lambda s: s.feeder.files == []),
    ],
)
def test_a_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, read: object
) -> None:
    monkeypatch.setenv(name, text)
    assert read(get_settings())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PAAS_WEB_PORT", "many"),
        ("PAAS_STREAM_PARTITIONS", "0"),
        ("PAAS_KAFKA_HEAP_MIB", "513"),
        ("PAAS_AUTH", "sometimes"),
        ("PAAS_RANKER_FAILURE_COST_S", "inf"),
        ("PAAS_RANKER_EXHAUSTED_S", "1e308"),
    ],
)
def test_a_wrong_setting_is_named_as_it_stands_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError) as caught:
        get_settings()
    assert caught.value.message.startswith(f"{name}: ")


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAAS_WEB_PORT", "many")
    monkeypatch.setenv("PAAS_STREAM_PARTITIONS", "0")
    with pytest.raises(ConfigurationError) as caught:
        get_settings()
    assert len(caught.value.message.splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kafka": {"security": "SSL"}}, "PAAS_KAFKA_URL"),
        ({"kafka": {"url": "a:1", "security": "SASL_SSL", "username": "a"}}, "PAAS_KAFKA_PASSWORD"),
        ({"kafka": {"url": "a:1", "cert": "a.pem"}}, "PAAS_KAFKA_KEY"),
        ({"edge": {"cors_origins": ["*"], "cors_credentials": True}}, "CORS_CREDENTIALS"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: object, named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Settings.model_validate(given)


def test_a_password_is_not_shown() -> None:
    made = KafkaSettings(url="a:1", security="SASL_SSL", username="a", password="hunter2")
    assert "hunter2" not in repr(made)
    assert "hunter2" not in str(made.model_dump(mode="json"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])
def test_without_authentication_only_loopback_is_served(host: str) -> None:
    with pytest.raises(ValidationError, match="loopback only"):
        Settings.model_validate({"web": {"host": host}})


ISSUERS = '[{"url": "https://iam.example.org/", "audience": ["paas"]}]'
OIDC = {"PAAS_AUTH": "oidc", "PAAS_OIDC_ISSUERS": ISSUERS}
KEYSTONE = {
    "PAAS_AUTH": "keystone",
    "PAAS_KEYSTONE_URL": "https://keystone.example.org/v3",
    "PAAS_KEYSTONE_USERNAME": "paas",
    "PAAS_KEYSTONE_PASSWORD": "not-to-be-shown",
}


@pytest.mark.parametrize(
    ("environment", "auth"),
    [
        (OIDC, ["oidc"]),
        (KEYSTONE, ["keystone"]),
        (OIDC | KEYSTONE | {"PAAS_AUTH": "oidc, keystone"}, ["oidc", "keystone"]),
        (OIDC | KEYSTONE | {"PAAS_AUTH": '["keystone", "oidc"]'}, ["keystone", "oidc"]),
    ],
)
def test_with_authentication_other_addresses_are_served(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], auth: list[str]
) -> None:
    for name, text in (environment | {"PAAS_WEB_HOST": "0.0.0.0"}).items():
        monkeypatch.setenv(name, text)
    assert get_settings().auth == auth
    assert "not-to-be-shown" not in repr(get_settings())


@pytest.mark.parametrize(
    "wrong",
    [
        OIDC | {"PAAS_OIDC_ISSUERS": "[]"},
        OIDC | {"PAAS_OIDC_ISSUERS": ISSUERS.replace("https", "http")},
        OIDC | {"PAAS_OIDC_ISSUERS": ISSUERS.replace('["paas"]', "[]")},
        OIDC | {"PAAS_OIDC_ISSUERS": f"[{ISSUERS[1:-1]}, {ISSUERS[1:-1]}]"},
        OIDC | {"PAAS_OIDC_ALGORITHMS": '["HS256"]'},
        OIDC | {"PAAS_OIDC_ALGORITHMS": '["RS256", "none"]'},
        OIDC | {"PAAS_AUTH": "oidc,none"},
        OIDC | {"PAAS_AUTH": "oidc,keystone"},
        KEYSTONE | {"PAAS_KEYSTONE_PASSWORD": ""},
        KEYSTONE | {"PAAS_KEYSTONE_CACHE_S": "61"},
        KEYSTONE | {"PAAS_KEYSTONE_URL": "http://keystone.example.org/v3"},
        {"PAAS_AUTH": "[]"},
    ],
    ids=str,
)
def test_half_an_authentication_is_refused(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    for name, text in wrong.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError):
        get_settings()


@pytest.mark.parametrize(("text", "home"), [("/opt/kafka", Path("/opt/kafka")), ("", None)])
def test_an_installed_kafka_is_found_by_the_usual_variable(
    monkeypatch: pytest.MonkeyPatch, text: str, home: Path | None
) -> None:
    monkeypatch.setenv("KAFKA_HOME", text)
    assert KafkaSettings().home == home


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_authentication(host: str) -> None:
    assert Settings.model_validate({"web": {"host": host}}).web.host == host


def test_the_embedded_services_are_used_when_nothing_is_set() -> None:
    settings = get_settings()
    assert settings.kafka.bootstrap == f"127.0.0.1:{settings.kafka.port}"
    assert settings.im.endpoint == f"http://127.0.0.1:{settings.im.port}"
    assert settings.web.host == "127.0.0.1"


def test_settings_are_read_once() -> None:
    assert get_settings() is get_settings()


def test_times_fit_each_other_when_nothing_is_set() -> None:
    settings = get_settings()
    dispatch = settings.dispatch
    assert dispatch.poll_min_s <= dispatch.poll_max_s
    assert dispatch.retry_min_s <= dispatch.retry_max_s
    assert dispatch.cleanup_beside_s < dispatch.delete_timeout_s
    assert dispatch.recheck_s < dispatch.delete_timeout_s
    # the dispatcher gives a delete up before the tracker does: two time-outs against one and a bit
    last_s = 4 * (2 * settings.im.call_timeout_s + dispatch.call_margin_s)
    assert dispatch.delete_timeout_s + last_s < 2 * settings.tracker.delete_timeout_s
    assert settings.tracker.retention_s > settings.tracker.delete_timeout_s


@pytest.mark.parametrize("heartbeat", ["900", "1000"])
def test_heartbeats_that_come_too_late_are_refused(
    monkeypatch: pytest.MonkeyPatch, heartbeat: str
) -> None:
    monkeypatch.setenv("PAAS_FEEDER_HEARTBEAT_S", heartbeat)
    with pytest.raises(ConfigurationError) as caught:
        get_settings()
    assert (
        f"PAAS_FEEDER_HEARTBEAT_S ({heartbeat}) must be below PAAS_FEEDER_STALE_S (900)"
        in caught.value.message
    )
