"""The embedded broker: what is decided before it runs, with stand-ins for Java and Maven."""

from collections.abc import Callable
from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError, PaasError
from paas_stream.local import kafka
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.settings import CacheSettings, KafkaSettings, Settings, StateSettings

JAVA_21 = "echo 'openjdk version \"21.0.2\" 2024-01-16' >&2"
MAVEN = 'for last; do :; done; mkdir -p "${last#*=}"; touch "${last#*=}/kafka-1.jar"'

Script = Callable[[str, str], None]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a shell script on a path that has no other programs but the shell's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("mkdir", "touch"):
        (folder / tool).symlink_to(f"/bin/{tool}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def write(name: str, body: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)

    return write


@pytest.fixture
def pom(tmp_path: Path) -> Path:
    path = tmp_path / "pom.xml"
    path.write_text("<kafka.version>1.2.3</kafka.version>")
    return path


def broker(tmp_path: Path, **values: object) -> EmbeddedKafka:
    return EmbeddedKafka(
        Settings(
            state=StateSettings(dir=tmp_path / "state"),
            cache=CacheSettings(dir=tmp_path / "cache"),
            kafka=KafkaSettings.model_validate({"home": None} | values),
        )
    )


def test_an_existing_cluster_needs_nothing_from_this_machine(tmp_path: Path) -> None:
    existing = broker(tmp_path, url="broker.example.org:9092")
    assert existing.install() == (
        "The Kafka cluster at broker.example.org:9092 is used: nothing to install"
    )
    assert existing.start() == (
        "The Kafka cluster at broker.example.org:9092 is used: nothing to start"
    )
    assert existing.is_running()
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_was_never_started_is_not_running(tmp_path: Path) -> None:
    new = broker(tmp_path)
    assert not new.is_running()
    assert new.status() == new.stop() == "Kafka is not running"
    assert list(new.logs(10, follow=True)) == list(new.logs(10, follow=False)) == []


def test_the_broker_is_reached_from_this_machine_only(tmp_path: Path) -> None:
    properties = kafka.server_properties(tmp_path, 5000)
    assert "listeners=PLAINTEXT://127.0.0.1:5000,CONTROLLER://127.0.0.1:5001\n" in properties
    assert "\nadvertised.listeners=PLAINTEXT://127.0.0.1:5000\n" in properties


def test_the_broker_makes_no_topic_by_itself(tmp_path: Path) -> None:
    assert "auto.create.topics.enable=false\n" in kafka.server_properties(tmp_path, 5000)


def test_the_version_is_the_one_that_the_project_pins() -> None:
    assert kafka.kafka_version(kafka.POM).startswith("4.")


def test_a_missing_pom_says_what_to_do_without_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"run from a checkout, or set PAAS_KAFKA_HOME"):
        kafka.kafka_version(tmp_path / "pom.xml")


def test_a_pom_without_a_version_is_refused(pom: Path) -> None:
    pom.write_text("<project/>")
    with pytest.raises(ConfigurationError, match="no property"):
        kafka.kafka_version(pom)


@pytest.mark.parametrize(
    ("output", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime', 17),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("no Java at all", 0),
    ],
)
def test_the_version_of_java_is_read_from_its_output(output: str, major: int) -> None:
    assert kafka.java_version(output) == major


@pytest.mark.usefixtures("script")
def test_without_java_the_package_to_install_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"openjdk-17-jre-headless, or set PAAS_KAFKA_URL"):
        kafka.find_java()


def test_a_java_that_is_too_old_is_refused(script: Script) -> None:
    script("java", "echo 'java version \"11.0.2\"' >&2")
    with pytest.raises(ConfigurationError, match=r"Java 17 or newer.*found Java 11 at"):
        kafka.find_java()


def test_the_java_of_java_home_is_preferred(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("java", JAVA_21)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError):
        kafka.find_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert kafka.find_java() == str(tmp_path / "bin" / "java")


def test_without_maven_the_package_to_install_is_named(
    script: Script, pom: Path, tmp_path: Path
) -> None:
    script("java", JAVA_21)
    with pytest.raises(ConfigurationError, match="install the package maven"):
        kafka.fetch(pom, tmp_path / "cache")


def test_fetched_programs_are_kept_for_the_next_time(
    script: Script, pom: Path, tmp_path: Path
) -> None:
    script("java", JAVA_21)
    script("mvn", MAVEN)
    cache = tmp_path / "cache"
    assert kafka.cached_libs(pom, cache) is None
    libs = kafka.fetch(pom, cache)
    assert libs == kafka.cached_libs(pom, cache) == cache / "kafka-1.2.3" / "libs"
    assert [path.name for path in libs.iterdir()] == ["kafka-1.jar"]
    assert [path.name for path in cache.iterdir()] == ["kafka-1.2.3"]


def test_programs_of_another_pom_are_fetched_anew(
    script: Script, pom: Path, tmp_path: Path
) -> None:
    script("java", JAVA_21)
    script("mvn", MAVEN)
    cache = tmp_path / "cache"
    (kafka.fetch(pom, cache) / "old.jar").touch()
    pom.write_text(pom.read_text() + "<log4j.version>2</log4j.version>")
    assert kafka.cached_libs(pom, cache) is None
    assert [path.name for path in kafka.fetch(pom, cache).iterdir()] == ["kafka-1.jar"]


def test_a_fetch_that_fails_leaves_nothing_behind(
    script: Script, pom: Path, tmp_path: Path
) -> None:
    script("java", JAVA_21)
    script("mvn", f"{MAVEN}; echo no network; exit 1")
    with pytest.raises(PaasError, match=r"Kafka was not fetched: .*\n?no network"):
        kafka.fetch(pom, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_installation_is_used_where_it_is(tmp_path: Path) -> None:
    libs = tmp_path / "opt" / "libs"
    libs.mkdir(parents=True)
    (libs / "kafka-server-4.0.0.jar").touch()
    assert broker(tmp_path, home=tmp_path / "opt").install() == (
        f"Kafka is installed in {tmp_path / 'opt'}"
    )


def test_an_installation_without_kafka_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no Kafka"):
        broker(tmp_path, home=tmp_path).start()
