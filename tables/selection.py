"""The provider selector's core on this worker's own tables: for the agent, and for dry runs."""

from datetime import datetime

from paas_stream.app import app
from paas_stream.records import ValidatedTemplate
from paas_stream.selection import policies
from paas_stream.selection.select import Selection, select
from tables import health, providers

_settings = app.settings.feeder
_trusted = frozenset(issuer.rstrip("/") for issuer in _settings.trusted_issuers)


def select_providers(message: ValidatedTemplate, now: datetime) -> Selection:
    """Who can host the template at `now`, and why the others cannot. Sends nothing.

    Raises InvalidTemplateError for a placement policy that cannot be followed.
    """
    return select(
        message.requirements,
        providers.catalog(),
        request=message.request,
        today=now.date(),
        now=now,
        stale_s=_settings.stale_s,
        sla_id=policies.sla_id(message.template),
        trusted_issuers=_trusted,
        stale_last=_settings.stale == "last",
        health_of=health.windows,
    )
