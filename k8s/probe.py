"""`python -m k8s.probe /readyz`: exit 0 when the worker in this pod answers 200, else 1.

The kubelet's own HTTP probes come over the pod's network, where a worker without authentication does
not listen. Only the standard library is used: a probe runs every few seconds.
"""

import http.client
import os
import ssl
import sys

_ANSWER_S = 3.0


def main(path: str) -> int:
    """Ask, say what was answered, and return the exit code."""
    port = int(os.environ.get("PAAS_WEB_PORT") or 6066)
    connection = _connection(port)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        print(answer.read(1000).decode("utf-8", "backslashreplace"))
    except (OSError, http.client.HTTPException) as exc:
        print(f"no answer from port {port}: {exc!r}")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == http.HTTPStatus.OK else 1


def _connection(port: int) -> http.client.HTTPConnection:
    """With TLS when the worker has it: its certificate is not checked, as the kubelet does not check it
    either; the same one is shown to a worker that asks for one.
    """
    cert, key = os.environ.get("PAAS_TLS_CERT"), os.environ.get("PAAS_TLS_KEY")
    if not cert:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(cert, key)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=_ANSWER_S, context=context)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
