"""AI-ranker: `inference` -> `ranked-providers`."""

from datetime import UTC, datetime

from agents.steps import AT_ONCE, Step
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.metrics import RANKINGS
from paas_stream.ranking import chain
from paas_stream.records import Inference
from tables import ranker, serving

COMPONENT = "ai-ranker"


@agent(app, COMPONENT, topics.INFERENCE, at_once=AT_ONCE)
async def ai_ranker(received: Received) -> None:
    """Put the providers into the order in which they are to be tried."""
    message: Inference = received.message
    async with Step(received, COMPONENT, "rank") as step:
        now = datetime.now(UTC)
        live = serving.live
        ranking = chain.rank(
            message, ranker.memory(now), now, ranker.policy, live.model, live.fault
        )
        RANKINGS.labels(ranking.fallback).inc()
        order = ", ".join(
            f"{one.provider_name} ({one.region_name})" for one in ranking.ranked_providers[:10]
        )
        step.message = f"order by {ranking.explanation}: {order}"
        step.emit(ranking)
