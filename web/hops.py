"""Requests between workers: told apart by a header that only workers can make, with the caller on board.

The worker that a client asks checks the login, once, and answers for what it passes on: it has counted
the request, and its word on the caller and on where the request came from is taken. So the header
carries a proof: an HMAC, with a key derived from the service key, over who asks, when, for what, for
whom and with which body. Nobody else may send it.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

from aiohttp import web
from pydantic import TypeAdapter, ValidationError
from yarl import URL

from paas_stream import request_ids
from paas_stream.access import Caller
from paas_stream.app import app
from paas_stream.secrets import vault
from web import forwarded

HOP: Final = "X-Paas-Stream-Hop"  # the worker that asks: answer from your own tables
PROOF: Final = "X-Paas-Stream-Proof"  # seconds since the epoch, and the HMAC, with a dot between
CALLER: Final = "X-Paas-Stream-Caller"  # whose request is being answered: base64 of JSON
BODY: Final = "X-Paas-Stream-Body"  # SHA-256 of the body, in hexadecimal
REFUSED: Final = "refused"  # in an answer, under HOP: the proof was not accepted
HEADERS: Final = (HOP, PROOF, CALLER, BODY)
_SKEW_S: Final = 120.0  # clocks of workers may differ by this
_COVERED: Final = (*forwarded.HEADERS, CALLER, BODY)
_caller: Final = TypeAdapter(Caller)

current: ContextVar[Caller | None] = ContextVar("current", default=None)
"""Whose request is being answered; what is asked of other workers meanwhile is asked for that caller."""


class ForgedHopError(Exception):
    """What the proof covers is not what came."""


def headers(
    method: str, url: URL, origin: forwarded.Origin | None = None, body: bytes = b""
) -> dict[str, str]:
    """What a request to another worker needs; `origin` is where the forwarded one came from."""
    told = about(current.get(), body)
    if origin is not None:
        told |= forwarded.as_headers(origin)
    request_id = request_ids.current.get()
    if request_id is not None:
        told[request_ids.HEADER] = request_id
    return told | signed(vault().hop_key, app.settings.web.worker, method, url, told)


def about(caller: Caller | None, body: bytes) -> dict[str, str]:
    """Whose request it is, and its body's digest."""
    told = {BODY: hashlib.sha256(body).hexdigest()}
    if caller is not None:
        told[CALLER] = base64.b64encode(_caller.dump_json(caller)).decode()
    return told


def signed(
    key: bytes, worker: str, method: str, url: URL, told: Mapping[str, str]
) -> dict[str, str]:
    """The two headers of the proof; `told` are the others, of which some are covered."""
    seconds = str(int(time.time()))
    proof = _proof(key, worker, seconds, method, url.raw_path_qs, told)
    return {HOP: worker, PROOF: f"{seconds}.{proof}"}


def is_hop(request: web.BaseRequest) -> bool:
    """Whether another worker asks. Raises PermissionError when somebody else says so."""
    worker = request.headers.get(HOP)
    if worker is None:
        return False
    seconds, _, given = request.headers.get(PROOF, "").partition(".")
    expected = _proof(
        vault().hop_key, worker, seconds, request.method, request.raw_path, request.headers
    )
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode()):
        raise PermissionError("its proof is another one")
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 12:
        raise PermissionError("its proof has no time")
    if abs(time.time() - int(seconds)) > _SKEW_S:
        raise PermissionError(f"its proof is of another time: do the clocks of {worker} agree?")
    return True


async def caller(request: web.Request) -> Caller:
    """Who stands behind a request of another worker, of which the proof was accepted.

    Raises ForgedHopError for another body than the one that was signed, and for a request of nobody.
    """
    if request.headers.get(BODY) != hashlib.sha256(await request.read()).hexdigest():
        raise ForgedHopError("the body is not the one that was signed")
    try:
        told = base64.b64decode(request.headers[CALLER], validate=True)
        return _caller.validate_json(told)
    except (KeyError, binascii.Error, ValidationError) as exc:
        raise ForgedHopError("the request is nobody's") from exc


def _proof(
    key: bytes, worker: str, seconds: str, method: str, path: str, told: Mapping[str, str]
) -> str:
    parts = [worker, seconds, method, path, *(told.get(name, "") for name in _COVERED)]
    text = "\n".join(parts).encode("utf-8", "surrogateescape")
    return hmac.new(key, text, hashlib.sha256).hexdigest()
