"""The table of users' SSH public keys, whole on every worker; one row is read at a time."""

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.records import Template, UserKey

user_keys = global_table(app, "user_keys")


def apply(message: UserKey) -> None:
    """Store a user's key in the place of an older one, or delete it."""
    if message.deleted:
        user_keys.pop(message.id, None)
    else:
        user_keys[message.id] = message.model_dump(mode="json", exclude_none=True)


def get(key: str) -> UserKey | None:
    """The key of a user's id; None: there is none."""
    value = user_keys.get(key)
    return None if value is None else UserKey.model_validate(value)


def with_key(message: Template) -> Template:
    """The message with its owner's key, if one is stored."""
    owner = message.request.owner
    found = get(UserKey.id_of(owner.issuer, owner.subject))
    if found is None:
        return message
    return message.model_copy(update={"owner_ssh_public_key": found.public_key})
