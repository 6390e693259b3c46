"""Requests between workers: signed, so that nobody else can send one, and with the caller on board.

The worker that a client asks checks the login, once. What it passes on carries the caller, and a
signature over method, path, query, body and time under a key that only the workers have.
"""

import hashlib
import os
import time
from contextvars import ContextVar
from dataclasses import asdict

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from yarl import URL

from paas_stream.access import Caller
from paas_stream.secrets import vault

HOP = "X-Paas-Stream-Hop"  # set on requests between workers: answer from your own tables
LIFE_S = 30  # a signature is good for this long
_SKEW_S = 30  # clocks of two workers may differ by this
_ALGORITHM = "HS256"

current: ContextVar[Caller | None] = ContextVar("current", default=None)
"""Whose request is being answered; what is asked of other workers meanwhile is asked for that caller."""


class ForgedHopError(Exception):
    """The header is not ours, not for this request, or too old."""


def sign(method: str, url: URL, body: bytes = b"") -> str:
    """The header of a request to another worker, for the current caller."""
    now, caller = int(time.time()), current.get()
    claims = {
        "iat": now,
        "exp": now + LIFE_S,
        "jti": os.urandom(8).hex(),
        "request": _digest(method, url, body),
        "caller": asdict(caller) if caller is not None else None,
    }
    return jwt.encode({"alg": _ALGORITHM}, claims, _key(), algorithms=[_ALGORITHM])


async def verify(request: web.Request) -> Caller:
    """Who stands behind a request of another worker. Raises ForgedHopError."""
    try:
        claims = jwt.decode(request.headers[HOP], _key(), algorithms=[_ALGORITHM]).claims
        needed = jwt.JWTClaimsRegistry(
            leeway=_SKEW_S, iat={"essential": True}, exp={"essential": True}
        )
        needed.validate(claims)
    except (JoseError, ValueError) as exc:
        raise ForgedHopError("the request does not come from a worker") from exc
    if claims["request"] != _digest(request.method, request.rel_url, await request.read()):
        raise ForgedHopError("the signature is for another request")
    found = claims["caller"]
    if found is None:
        raise ForgedHopError("the request is nobody's")
    groups = found.pop("groups")
    return Caller(**found, groups=tuple(groups) if groups is not None else None)


def _digest(method: str, url: URL, body: bytes) -> str:
    parts = (method.encode(), url.raw_path_qs.encode(), hashlib.sha256(body).digest())
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _key() -> OctKey:
    return OctKey.import_key(vault().hop_key())
