"""The embedded IM: what is decided before it runs, with a stand-in for uv."""

import configparser
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError, PaasError
from paas_stream.local import im
from paas_stream.local.im import EmbeddedIm
from paas_stream.settings import CacheSettings, ImSettings, Settings, StateSettings

UV = """\
for last; do :; done
case "$*" in
  *" venv "*) /bin/mkdir -p "$last/bin"; /bin/touch "$last/bin/python" ;;
  *) exit ${UV_STATUS:-0} ;;
esac
"""


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "im.txt").write_text("idna==3.1\nim==9.8.7 \\\n    --hash=sha256:00\n")
    (folder / "uv.txt").write_text("uv==0.1.2\n")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with a stand-in for uv in it."""
    uv = tmp_path / "cache" / "uv-0.1.2" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f"#!/bin/sh\n{UV}")
    uv.chmod(0o755)
    return tmp_path / "cache"


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/version" else 404)
            self.end_headers()
            self.wfile.write(b"9.8.7\n")

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def manager(tmp_path: Path, **values: object) -> EmbeddedIm:
    return EmbeddedIm(
        Settings(
            state=StateSettings(dir=tmp_path / "state"),
            cache=CacheSettings(dir=tmp_path / "cache"),
            im=ImSettings.model_validate(values),
        )
    )


def test_an_existing_im_needs_nothing_from_this_machine(tmp_path: Path) -> None:
    existing = manager(tmp_path, url="https://im.example.org")
    assert existing.install() == "The IM at https://im.example.org is used: nothing to install"
    assert existing.start() == "The IM at https://im.example.org is used: nothing to start"
    assert existing.is_running()
    assert list(tmp_path.iterdir()) == []


def test_an_im_that_was_never_started_is_not_running(tmp_path: Path) -> None:
    new = manager(tmp_path)
    assert not new.is_running()
    assert new.status() == new.stop() == "IM is not running"
    assert list(new.logs(10, follow=True)) == list(new.logs(10, follow=False)) == []


def test_the_pinned_version_is_read_from_the_lock_file(requirements: Path) -> None:
    assert im.pinned(requirements / "im.txt", "im") == "9.8.7"
    with pytest.raises(ConfigurationError, match="names no version of radl"):
        im.pinned(requirements / "im.txt", "radl")


def test_a_missing_lock_file_says_what_to_do_without_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"run from a checkout, or set PAAS_IM_URL"):
        im.environment_of(tmp_path, tmp_path)


def test_another_lock_file_means_another_environment(requirements: Path, tmp_path: Path) -> None:
    before = im.environment_of(requirements, tmp_path)
    assert im.environment_of(requirements, tmp_path) == before
    (requirements / "im.txt").write_text("im==9.8.8\n")
    assert im.environment_of(requirements, tmp_path) != before


def test_an_environment_is_complete_only_after_the_last_step(
    requirements: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = im.environment_of(requirements, cache)
    monkeypatch.setenv("UV_STATUS", "2")
    with pytest.raises(PaasError, match="IM was not installed"):
        im.create(environment, requirements, cache)
    assert (environment / "bin" / "python").exists()
    assert not im.is_complete(environment)

    (environment / "left over").touch()
    monkeypatch.delenv("UV_STATUS")
    im.create(environment, requirements, cache)
    assert im.is_complete(environment)
    assert not (environment / "left over").exists()


def test_the_pinned_uv_is_preferred_to_that_of_the_system(requirements: Path, cache: Path) -> None:
    assert im.find_uv(requirements, cache) == str(cache / "uv-0.1.2" / "bin" / "uv")


def test_without_uv_the_command_that_brings_it_is_named(
    requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="run `make setup`"):
        im.find_uv(requirements, tmp_path)


def test_the_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "im.cfg"
    im.write_config(path, {"DATA_DB": "sqlite:////a%20b/im.db"})
    im.write_config(path, {"DATA_DB": "sqlite:////a%20c/im.db"})
    config = configparser.ConfigParser()
    config.read(path)
    assert config["im"]["DATA_DB"] == "sqlite:////a%20c/im.db"
    assert path.stat().st_mode & 0o077 == 0, "it holds a password"


def test_the_packages_are_copied_once_for_each_environment(tmp_path: Path) -> None:
    def environment(name: str) -> Path:
        for package in im.PACKAGES:
            folder = im.site_packages(tmp_path / name) / package
            folder.mkdir(parents=True)
            (folder / "name.txt").write_text(name)
        return tmp_path / name

    target = tmp_path / "lib"
    im.copy_packages(environment("old"), target)
    (target / "IM" / "kept.txt").touch()
    im.copy_packages(tmp_path / "old", target)
    assert (target / "IM" / "kept.txt").exists()
    im.copy_packages(environment("new"), target)
    assert (target / "contextualization" / "name.txt").read_text() == "new"
    assert not (target / "IM" / "kept.txt").exists()


def test_another_python_is_not_led_astray_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "IM_DATA_DB", "PAAS_OTHER"):
        monkeypatch.setenv(name, "x")
    environment = im.clean_environment()
    assert environment["PAAS_OTHER"] == "x"
    assert environment.keys().isdisjoint({"PYTHONPATH", "VIRTUAL_ENV", "IM_DATA_DB"})


def test_the_served_version_is_what_the_server_says(
    server: http.server.ThreadingHTTPServer,
) -> None:
    assert im.served_version(server.server_port) == "9.8.7"


def test_a_server_that_is_not_there_serves_no_version(
    server: http.server.ThreadingHTTPServer,
) -> None:
    port = server.server_port
    server.server_close()
    assert im.served_version(port) is None
