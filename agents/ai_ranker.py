"""AI-ranker: `inference` -> `ranked-providers`."""

from agents.steps import Step
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.ranking import rule
from paas_stream.records import Inference, RankedProviders

COMPONENT = "ai-ranker"


@agent(app, COMPONENT, topics.INFERENCE)
async def ai_ranker(received: Received) -> None:
    """Put the providers into the order in which they are to be tried."""
    message: Inference = received.message
    async with Step(received, COMPONENT, "rank") as step:
        ranked = rule.rank(message.providers)
        order = ", ".join(f"{one.provider_name} ({one.region_name})" for one in ranked[:10])
        step.message = f"order by free quota: {order}"
        await app.emit(
            RankedProviders(
                uuid=message.uuid,
                revision=message.revision,
                ranked_providers=ranked,
                discarded=message.discarded,
                fallback="rule",
            )
        )
