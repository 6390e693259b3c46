"""An HTTP server that gives prepared answers, in the place of the REST API."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

HANG_S = 30.0  # an answer that hangs ends at the latest after this


@dataclass(frozen=True)
class Answer:
    """One answer; `body` is sent as JSON unless it is bytes."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False  # until the server is closed
    is_cut: bool = False  # the connection ends without an answer


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any  # JSON


def refusal(status: int, message: str, **extra: Any) -> Answer:
    """An error as the REST API words it."""
    return Answer(status, {"code": status, "title": "Refused", "message": message} | extra)


class RestStub:
    """Answers what `on` has prepared, and 404 to all else."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._prepared: dict[tuple[str, str], list[Answer]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                stub._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Prepare the answers to these requests, one after the other; the last one lasts."""
        self._prepared[method, path] = list(answers)

    def calls(self) -> list[str]:
        """All requests so far, such as `GET /deployments`."""
        return [f"{one.method} {one.path}" for one in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _next(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            answers = self._prepared.get((asked.method, asked.path), [])
            if not answers:
                return refusal(404, f"there is nothing at {asked.path}")
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        target = urlsplit(request.path)
        query = dict(parse_qsl(target.query))
        asked = Asked(
            request.command, target.path, query, dict(request.headers), json.loads(body or b"null")
        )
        answer = self._next(asked)
        if answer.hangs:
            self._closing.wait(HANG_S)
        if answer.hangs or answer.is_cut:
            request.close_connection = True
            return
        content = (
            answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        )
        request.send_response(answer.status)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
