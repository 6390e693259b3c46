"""`/user/ssh-key`: the caller's SSH public key, for the inputs of templates that hold one."""

from typing import Any

from aiohttp import web
from faust.web import View
from pydantic import BaseModel, ConfigDict

from paas_stream import ssh_keys
from paas_stream.access import Action, Caller
from paas_stream.app import app
from paas_stream.errors import PermanentError
from paas_stream.lifecycle import representation
from paas_stream.records import Owner, UserKey
from tables import user_keys
from web import callers, requests
from web.applied import applied
from web.deployments import check_ready, send
from web.faults import ApiError
from web.health import as_json


class KeyRequest(BaseModel):
    """Body of PUT /user/ssh-key, when it is JSON."""

    model_config = ConfigDict(extra="ignore")

    publicKey: str


def shown(row: UserKey) -> dict[str, Any]:
    """The key as its user sees it."""
    key = ssh_keys.read(row.public_key)
    return {
        "publicKey": row.public_key,
        "type": key.type,
        "comment": key.comment,
        "fingerprint": row.fingerprint,
        "updateTime": representation.moment(row.timestamp.timestamp()),
    }


@app.page("/user/ssh-key")
class SshKey(View):
    """One for each user."""

    async def get(self, request: web.Request) -> web.Response:
        """The caller's key; 404 if none is stored."""
        check_ready()
        return as_json(shown(_stored(await callers.require(request, Action.OWN))))

    async def put(self, request: web.Request) -> web.Response:
        """Store a key in the place of an older one; as JSON, or as the text of a .pub file."""
        check_ready()
        caller = await callers.require(request, Action.OWN)
        key = await _key(request)
        message = UserKey(
            id=UserKey.id_of(caller.issuer, caller.subject),
            owner=Owner(
                issuer=caller.issuer, subject=caller.subject, username=caller.username or ""
            ),
            public_key=key.line,
            fingerprint=key.fingerprint,
        )
        await send(message)
        is_applied = await applied(lambda: _is_stored(message))
        return as_json(shown(message), 200 if is_applied else 202)

    async def delete(self, request: web.Request) -> web.Response:
        """Forget the key; machines that have it keep it."""
        check_ready()
        row = _stored(await callers.require(request, Action.OWN))
        await send(UserKey(id=row.id, deleted=True))
        is_applied = await applied(lambda: user_keys.get(row.id) is None)
        return web.Response(status=204 if is_applied else 202)


def _stored(caller: Caller) -> UserKey:
    row = user_keys.get(UserKey.id_of(caller.issuer, caller.subject))
    if row is None:
        raise ApiError(404, "you have not stored an SSH public key")
    return row


def _is_stored(message: UserKey) -> bool:
    row = user_keys.find(message.id)
    return row is not None and row.public_key == message.public_key


async def _key(request: web.Request) -> ssh_keys.PublicKey:
    """The key in the body. Raises ApiError 400 with the reason, 413 or 415."""
    try:
        if request.content_type == "text/plain":
            return ssh_keys.read((await request.read()).decode())
        return ssh_keys.read((await requests.body_of(request, KeyRequest)).publicKey)
    except UnicodeDecodeError as exc:
        raise ApiError(400, "the body is not UTF-8") from exc
    except PermanentError as exc:
        raise ApiError(400, exc.message) from exc
