"""The table of users' SSH public keys, whole on every worker; one row is read at a time."""

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.records import Template, UserKey
from tables.readers import Reader

user_keys = global_table(app, "user_keys")
_reader: Reader[UserKey] = Reader(user_keys, TypeAdapter(UserKey).validate_python)


def apply(message: UserKey) -> None:
    """Store a user's key in the place of an older one, or delete it."""
    if message.deleted:
        user_keys.pop(message.id, None)
    else:
        user_keys[message.id] = message.model_dump(mode="json", exclude_none=True)
    _reader.forget(message.id)


def get(key: str) -> UserKey | None:
    """The key of a user's id; None: there is none. Raises UnreadableRowError."""
    return _reader.get(key)


def find(key: str) -> UserKey | None:
    """As `get`; None also when it cannot be read."""
    return _reader.find(key)


def with_key(message: Template) -> Template:
    """The message with its owner's key, if one is stored. Raises UnreadableRowError."""
    owner = message.request.owner
    found = get(UserKey.id_of(owner.issuer, owner.subject))
    if found is None:
        return message
    return message.model_copy(update={"owner_ssh_public_key": found.public_key})
