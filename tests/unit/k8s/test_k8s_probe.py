"""The probe of a pod: what the worker's answer means for its exit code."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support.ports import free_port

from k8s import probe

ROOT = Path(__file__).resolve().parents[3]


class Answers(BaseHTTPRequestHandler):
    """`/readyz` is not ready, `/broken` is no HTTP, all else is well."""

    def do_GET(self) -> None:
        if self.path == "/broken":
            self.wfile.write(b"no HTTP at all\r\n\r\n")
            return
        self.send_response(503 if self.path == "/readyz" else 200)
        self.end_headers()
        self.wfile.write(b"Kafka does not answer" if self.path == "/readyz" else b"alive")

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/healthz", 0, "alive"),
        ("/readyz", 1, "Kafka does not answer"),
        ("/broken", 1, "no answer"),
    ],
)
def test_only_200_is_well_and_the_reason_is_printed(
    port: int,
    path: str,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PAAS_WEB_PORT", str(port))
    assert probe.main(path) == code
    assert said in capsys.readouterr().out


def test_a_worker_that_does_not_listen_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAAS_WEB_PORT", str(free_port()))
    assert probe.main("/healthz") == 1


def test_it_runs_as_the_manifests_call_it(port: int) -> None:
    words = [sys.executable, "-m", "k8s.probe", "/healthz"]
    done = subprocess.run(
        words, cwd=ROOT, env={"PAAS_WEB_PORT": str(port)}, capture_output=True, timeout=20
    )
    assert (done.returncode, done.stdout) == (0, b"alive\n")
