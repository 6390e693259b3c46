"""Provider selector: `validated-templates` -> `inference`."""

from datetime import UTC, datetime

from agents.steps import AT_ONCE, Step
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.errors import NoProviderError
from paas_stream.records import ValidatedTemplate
from tables.selection import select_providers

COMPONENT = "provider-selector"


@agent(app, COMPONENT, topics.VALIDATED_TEMPLATES, at_once=AT_ONCE)
async def provider_selector(received: Received) -> None:
    """Find the providers that can host a template; none is an error with all reasons."""
    message: ValidatedTemplate = received.message
    async with Step(received, COMPONENT, "select") as step:
        selection = select_providers(message, datetime.now(UTC))
        if not selection.candidates:
            raise NoProviderError(selection.explanation(), selection.summary())
        discarded = selection.summary()
        step.message = f"{len(selection.candidates)} providers can host the template"
        if discarded:
            reasons = [
                f"{one.provider_name} ({one.region_name}): {one.reason}" for one in discarded
            ]
            step.message += f"; not chosen: {'; '.join(reasons[:20])}"
        step.emit(selection.inference(message))
