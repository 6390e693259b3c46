"""Requests between workers: told apart by a header that only workers can make.

A worker that forwards a request answers for it: it has counted it, and its word on where the request
came from is taken. So the header carries a proof: an HMAC, with a key derived from the service key, over
who asks, when and for what. Nobody else may send it.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from yarl import URL

from paas_stream.app import app
from paas_stream.request_ids import HEADER, current
from paas_stream.secrets import vault
from web import forwarded

HOP: Final = "X-Paas-Stream-Hop"  # the worker that asks: answer from your own tables
PROOF: Final = "X-Paas-Stream-Proof"  # seconds since the epoch, and the HMAC, with a dot between
REFUSED: Final = "refused"  # in an answer, under HOP: the proof was not accepted
_SKEW_S: Final = 120.0  # clocks of workers may differ by this


def headers(method: str, url: URL, origin: forwarded.Origin | None = None) -> dict[str, str]:
    """What a request to another worker needs; `origin` is where the forwarded one came from."""
    told = {} if origin is None else forwarded.as_headers(origin)
    request_id = current.get()
    if request_id is not None:
        told[HEADER] = request_id
    return told | signed(vault().hop_key, app.settings.web.worker, method, url, told)


def signed(
    key: bytes, worker: str, method: str, url: URL, told: Mapping[str, str]
) -> dict[str, str]:
    """The two headers themselves; `told` are the others, of which some are covered."""
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


def _proof(
    key: bytes, worker: str, seconds: str, method: str, path: str, told: Mapping[str, str]
) -> str:
    parts = [worker, seconds, method, path, *(told.get(name, "") for name in forwarded.HEADERS)]
    text = "\n".join(parts).encode("utf-8", "surrogateescape")
    return hmac.new(key, text, hashlib.sha256).hexdigest()
