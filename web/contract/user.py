"""`/user`: the caller's own things."""

from paas_stream.access import Action
from web.contract.base import Minute, Reply
from web.contract.operation import Operation, Tag, empty, in_json
from web.ssh_key import KeyRequest


class SshKey(Reply):
    """The caller's SSH public key."""

    publicKey: str
    type: str
    comment: str
    fingerprint: str
    updateTime: Minute


_PATH = "/user/ssh-key"

OPERATIONS = (
    Operation(
        "GET",
        _PATH,
        "getSshKey",
        Tag.USER,
        "The caller's SSH public key",
        {200: in_json("it", SshKey)},
        Action.OWN,
        errors=(404,),
    ),
    Operation(
        "PUT",
        _PATH,
        "putSshKey",
        Tag.USER,
        "Store the caller's SSH public key, in the place of an older one",
        {200: in_json("stored", SshKey), 202: in_json("taken; it will be shown soon", SshKey)},
        Action.OWN,
        body=KeyRequest,
        text_body="the line in a .pub file",
        about="As JSON, or as the line in a .pub file (text/plain). It is the value of inputs that stand "
        "for the owner's key, where they have none.",
    ),
    Operation(
        "DELETE",
        _PATH,
        "deleteSshKey",
        Tag.USER,
        "Forget the caller's SSH public key; machines that have it keep it",
        {204: empty("it is gone"), 202: empty("taken; it will be gone soon")},
        Action.OWN,
        errors=(404,),
    ),
)
