"""Where an effect acts, as whom, and with what: all that the IM has to be told."""

import asyncio
from dataclasses import dataclass
from typing import Any

from agents.provider_configuration import federation
from paas_stream.app import app
from paas_stream.clients.im_login import CloudLogin, ImUser, attempt_user, header
from paas_stream.lifecycle.attempt import Effect
from paas_stream.lifecycle.job import JobKind
from paas_stream.records import NodeTarget, RankedCandidate
from paas_stream.secrets import vault
from paas_stream.selection import networks
from paas_stream.tosca import merge
from tables.dispatches import DispatchInputs, dispatch_inputs


@dataclass(frozen=True)
class Place:
    """Where an effect acts, and as whom."""

    effect: Effect
    inputs: DispatchInputs
    candidate: RankedCandidate
    user: ImUser

    @property
    def name(self) -> str:
        """Provider and region: what a breaker and a limit are kept for."""
        return f"{self.candidate.provider_name}/{self.candidate.region_name}"

    @property
    def asks_cloud_first(self) -> bool:
        """Whether the IM would be silent about a login that the cloud refuses.

        It is when an image is named: the thread that creates dies, and the state is `pending` for ever.
        """
        target = self.candidate.target
        return target.type == "openstack" and any(one.image for one in target.nodes.values())

    async def login(self) -> CloudLogin | None:
        """The user's token, or else what the operator has configured for the provider."""
        if self.inputs.access_token is not None:
            return CloudLogin(token=vault().open(self.inputs.access_token))
        name = self.candidate.target.credentials
        if name is None:
            return None
        found = await asyncio.to_thread(federation().credentials, name)
        return CloudLogin(
            username=found.username,
            password=found.password,
            token=found.token,
            application_credential=found.method == "application_credential",
            tenant=found.tenant,
            domain=found.domain,
            tenant_domain=found.tenant_domain,
        )

    async def authorization(self) -> str:
        """The header for calls that reach the cloud."""
        login = await self.login()
        return header(self.user, self.candidate.target, self.candidate.region_name, login)

    @property
    def targets(self) -> dict[str, NodeTarget]:
        """What each node becomes: as it was created, or as the update has it that is under way."""
        job = self.effect.job
        if job is None or job.kind is not JobKind.UPDATE:
            return self.candidate.target.nodes
        chosen = (self.inputs.update(job.revision).candidates or ())[job.candidate]
        return RankedCandidate.model_validate(chosen).target.nodes

    @property
    def has_public_address(self) -> bool:
        """Whether a machine gets an address from outside its own network."""
        return any(networks.has_public(one.network) for one in self.targets.values())

    def document(self) -> dict[str, Any]:
        """The validated template of the create, or of the update that is under way."""
        job = self.effect.job
        if job is not None and job.kind is JobKind.UPDATE:
            update = self.inputs.update(job.revision)
            wanted = merge.with_empty(update.template or {}, dict(job.gone), self.documents())
            return merge.never_trimmed(wanted)
        return self.inputs.template or {}

    def documents(self) -> list[dict[str, Any]]:
        """All its templates, the newest first: those of updates since, and that of the create."""
        newest = (one.template for one in reversed(self.inputs.updates))
        return [document for document in (*newest, self.inputs.template) if document]

    def nodes(self) -> frozenset[str]:
        """The names of the nodes of all its templates: of the create, and of the updates since."""
        return frozenset(
            name
            for document in self.documents()
            for name in document.get("topology_template", {}).get("node_templates", {})
        )

    def template(self) -> str:
        """What the IM gets: the document as it is to be made at the provider."""
        tags = {
            "PAAS_DEP_UUID": self.effect.uuid,
            "PAAS_DEP_USER": self.inputs.owner,
            "PAAS_URL": app.conf.canonical_url.human_repr(),
        }
        metadata = {"paas_uuid": self.effect.uuid, "paas_attempt": str(self.effect.attempt)}
        return merge.for_provider(self.document(), self.targets, tags=tags, metadata=metadata)


def place_of(effect: Effect) -> Place | None:
    """The place of an effect; None: its inputs are not there."""
    inputs = dispatch_inputs.get(effect.uuid)
    if inputs is None or inputs.candidates is None or inputs.template is None:
        return None
    user = attempt_user(effect.uuid, effect.attempt)
    candidate = RankedCandidate.model_validate(inputs.candidates[effect.candidate])
    return Place(effect, inputs, candidate, ImUser(user, vault().im_password(user)))
