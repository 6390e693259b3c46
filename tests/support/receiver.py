"""A callback target on loopback: notes what comes, and answers as it is told to."""

import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from support.certificates import Pair

HANG_S = 30.0  # an answer that hangs ends at the latest after this


@dataclass(frozen=True)
class Came:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def resource(self) -> dict[str, Any]:
        """The body."""
        return dict(json.loads(self.body))

    @property
    def event(self) -> str:
        """What names it."""
        return self.headers["X-Paas-Stream-Event"]


class Receiver:
    """Listens from its making on; `status` 0 means that no answer comes."""

    def __init__(self, port: int = 0, certificate: Pair | None = None) -> None:
        self.came: list[Came] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.content = b""
        self._closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.came.append(Came(self.path, dict(self.headers), body))
                if not receiver.status:
                    receiver._closing.wait(HANG_S)
                    self.close_connection = True
                    return
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.content)))
                self.end_headers()
                self.wfile.write(receiver.content)

            do_POST = do_GET = do_any

            def log_message(self, format: str, *args: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """The client has gone: it does not read answers."""

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        scheme = "http"
        if certificate is not None:
            scheme, tls = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate.cert, certificate.key)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def statuses(self) -> list[str]:
        """The states that it was told, in order."""
        return [one.resource["status"] for one in list(self.came)]

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
