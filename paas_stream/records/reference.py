"""`stored-templates` and `user-keys`: what users keep here for their deployments."""

import hashlib
from typing import Annotated

from pydantic import StringConstraints

from paas_stream.records.base import Message
from paas_stream.records.templates import Owner

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class StoredTemplate(Message):
    """`stored-templates`: a template for all users, or that it is gone."""

    id: Digest  # SHA-256 of the text, so that the same text has the same id
    deleted: bool = False  # the other fields have no meaning then
    name: str = ""
    description: str = ""
    template: str = ""  # TOSCA, YAML text
    owner: Owner | None = None  # who stored it first

    @property
    def key(self) -> str:
        """Key of the record and of the table's row."""
        return self.id

    @staticmethod
    def id_of(template: str) -> str:
        """The id of a text."""
        return hashlib.sha256(template.encode()).hexdigest()


class UserKey(Message):
    """`user-keys`: a user's SSH public key, or that it is gone."""

    id: Digest  # SHA-256 of issuer and subject
    deleted: bool = False  # the other fields have no meaning then
    owner: Owner | None = None
    public_key: str = ""  # a line as in authorized_keys, comment included
    fingerprint: str = ""  # SHA256:..., as ssh-keygen shows it

    @property
    def key(self) -> str:
        """Key of the record and of the table's row."""
        return self.id

    @staticmethod
    def id_of(issuer: str, subject: str) -> str:
        """The id of a user."""
        return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
