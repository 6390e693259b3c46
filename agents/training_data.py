"""Training-data pre-processing: `ranked-providers` and `deployment-results` -> `training`."""

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.outbox import Outbox
from paas_stream.ranking import training
from paas_stream.ranking.training import TrainingRow
from paas_stream.records import caused_by
from tables.training import training_rows

COMPONENT = "training-data"
outbox = Outbox(app, COMPONENT)


@agent(
    app,
    COMPONENT,
    topics.RANKED_PROVIDERS,
    topics.DEPLOYMENT_RESULTS,
    topics.DEPLOYMENT_COMMANDS,
)
async def training_data(received: Received) -> None:
    """Join one event. What it leads to is sent before the row is stored: a replay sends it again."""
    uuid = received.message.uuid
    known = training_rows.get(uuid)
    row, messages = training.step(known or TrainingRow(), received.message)
    await outbox.post(received, *caused_by(received.id, messages))
    if row is None:
        if known is not None:
            training_rows.delete(uuid)
    elif row != (known or TrainingRow()):
        training_rows.put(uuid, row)
