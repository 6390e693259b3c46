"""Where an effect acts, as whom, and with what: all that the IM has to be told."""

import asyncio
from dataclasses import dataclass

from agents.provider_configuration import federation
from paas_stream.app import app
from paas_stream.clients.im_login import CloudLogin, ImUser, attempt_user, header
from paas_stream.lifecycle.attempt import Effect
from paas_stream.lifecycle.job import JobKind
from paas_stream.records import RankedCandidate
from paas_stream.secrets import vault
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

    def template(self) -> str:
        """What the IM gets: the template of the create, or of the update that is under way."""
        tags = {
            "PAAS_DEP_UUID": self.effect.uuid,
            "PAAS_DEP_USER": self.inputs.owner,
            "PAAS_URL": app.conf.canonical_url.human_repr(),
        }
        metadata = {"paas_uuid": self.effect.uuid, "paas_attempt": str(self.effect.attempt)}
        document, nodes = self.inputs.template, self.candidate.target.nodes
        job = self.effect.job
        if job is not None and job.kind is JobKind.UPDATE:
            update = self.inputs.update(job.revision)
            document = update.template
            chosen = RankedCandidate.model_validate((update.candidates or ())[job.candidate])
            nodes = chosen.target.nodes
            document = merge.never_trimmed(merge.with_empty(document or {}, dict(job.gone)))
        return merge.for_provider(document or {}, nodes, tags=tags, metadata=metadata)


def place_of(effect: Effect) -> Place | None:
    """The place of an effect; None: its inputs are not there."""
    inputs = dispatch_inputs.get(effect.uuid)
    if inputs is None or inputs.candidates is None or inputs.template is None:
        return None
    user = attempt_user(effect.uuid, effect.attempt)
    candidate = RankedCandidate.model_validate(inputs.candidates[effect.candidate])
    return Place(effect, inputs, candidate, ImUser(user, vault().im_password(user)))
