"""`Idempotency-Key`: a POST that comes again makes no second deployment.

The deployment's uuid follows from the caller and the key, so whoever is asked finds the first one. Its
row keeps a digest of the request that made it: another request under the same key is refused.
"""

import hashlib
import json
import uuid as uuids
from typing import Final

from aiohttp import web

from paas_stream.access import Caller
from paas_stream.lifecycle.deployment import DeploymentRow
from web.faults import ApiError
from web.requests import DeploymentRequest

HEADER: Final = "Idempotency-Key"
DIGEST: Final = "bodyDigest"  # parameter of a worker's question for the deployment of a key
KEY_MOST: Final = 255  # characters
_NAMESPACE: Final = uuids.UUID("5a1d6bfe-0f0e-4d53-9d5c-3a6f6c8e2f11")  # of uuids made from a key


def key_of(request: web.Request) -> str | None:
    """The key; None: there is none, or a blank one. Raises ApiError 400 for one that cannot be used."""
    key = request.headers.get(HEADER, "")
    if not key.strip():
        return None
    if len(key) > KEY_MOST:
        raise ApiError(400, f"{HEADER} must have at most {KEY_MOST} characters")
    if not key.isprintable():
        raise ApiError(400, f"{HEADER} must have printable characters only")
    return key


def uuid_of(key: str | None, caller: Caller) -> str:
    """The uuid of the deployment that `caller` makes; without a key it is a new one each time."""
    if key is None:
        return str(uuids.uuid4())
    return str(uuids.uuid5(_NAMESPACE, f"{caller.issuer}\n{caller.subject}\n{key}"))


def digest_of(body: DeploymentRequest) -> str:
    """The same for requests that mean the same: however they are spelled, in whatever order."""
    meant = json.dumps(body.model_dump(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(meant.encode()).hexdigest()


def check(row: DeploymentRow, digest: str | None) -> None:
    """Raises ApiError 422 when the deployment was made by another request, as far as that is known."""
    if None not in (digest, row.body_digest) and digest != row.body_digest:
        raise ApiError(
            422, f"the {HEADER} is that of the deployment {row.uuid}, made by another request"
        )
