"""The owner's SSH public key as a value of a template's inputs.

The field's templates take a key in one of two ways: as text in an input of a known name, or as a list
of user accounts. Where the user gave no value, the stored key is it, in the place of a default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from paas_stream.records import Template

TEXT_INPUTS: Final = ("owner_ssh_public_key", "ssh_public_key", "instance_key_pub")
ACCOUNT: Final = "tosca.datatypes.indigo.User"
_ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class OwnerKey:
    """A user's key, a line as in authorized_keys, and the user's name."""

    public_key: str
    username: str = ""

    @classmethod
    def of(cls, message: Template) -> "OwnerKey | None":
        """The key that comes with a template; None: it comes without."""
        if message.owner_ssh_public_key is None:
            return None
        return cls(message.owner_ssh_public_key, message.request.owner.username)


def filled_in(
    definitions: Mapping[str, Any], given: Mapping[str, Any], key: OwnerKey
) -> dict[str, Any]:
    """The inputs that were given, and those for a key that were not.

    A user whose name cannot be an account's name gets no account.
    """
    filled = dict(given)
    for name, definition in definitions.items():
        if filled.get(name) is not None or not isinstance(definition, Mapping):
            continue
        if name in TEXT_INPUTS and definition.get("type") == "string":
            filled[name] = key.public_key
        elif _are_accounts(definition) and _ACCOUNT_NAME.fullmatch(key.username):
            filled[name] = [
                {
                    "os_user_name": key.username,
                    "os_user_add_to_sudoers": True,
                    "os_user_ssh_public_key": key.public_key,
                }
            ]
    return filled


def _are_accounts(definition: Mapping[str, Any]) -> bool:
    entry = definition.get("entry_schema")
    kind = entry.get("type") if isinstance(entry, Mapping) else entry
    return definition.get("type") == "list" and kind == ACCOUNT
