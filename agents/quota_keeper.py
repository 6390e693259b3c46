"""Quota keeper: `quota-requests` -> granted or refused in `dispatch-events`.

The topic has one partition, so decisions are made one after the other. A crash has the requests come
again in the same order, to the rows that were stored.
"""

import time
from datetime import UTC, datetime

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.metrics import HOLDS
from paas_stream.durable.outbox import Outbox
from paas_stream.lifecycle.attempt import EffectKind, Outcome
from paas_stream.records import DispatchEvent, QuotaRequest, caused_by
from paas_stream.selection import holds
from paas_stream.selection.holds import Decision
from tables import providers, quota_holds

COMPONENT = "quota-keeper"
outbox = Outbox(app, COMPONENT)

HOLDS.add(lambda: {(): quota_holds.count()})


@agent(app, COMPONENT, topics.QUOTA_REQUESTS)
async def quota_keeper(received: Received) -> None:
    """Decide, answer, store: a replay answers the same again."""
    request: QuotaRequest = received.message
    project = request.key
    site = providers.catalog().get(project)
    decision = holds.decide(request, quota_holds.known(request), site, time.time())
    if decision.granted is not None:
        await outbox.post(received, *caused_by(received.id, [_answer(request, decision)]))
    quota_holds.store(project, decision)


def _answer(request: QuotaRequest, decision: Decision) -> DispatchEvent:
    outcome = Outcome.GRANTED if decision.granted else Outcome.REFUSED
    return DispatchEvent(
        uuid=request.uuid,
        timestamp=datetime.now(UTC),
        event="effect",
        attempt=request.attempt,
        issue=request.issue,
        effect=EffectKind.HOLD.value,
        outcome=outcome.value,
        message=decision.reason,
    )
