"""Model register: `models` -> the `models` table. What cannot be used never becomes the live model."""

import logging
from datetime import UTC, datetime

from faust.types import TP

from paas_stream import topics
from paas_stream.app import app
from paas_stream.clients import model_check
from paas_stream.durable.agents import Received, agent, deliver_error, error_record
from paas_stream.ranking import models as models_
from paas_stream.ranking import shelf
from paas_stream.ranking.boosters import ModelError
from paas_stream.records import ModelPart
from tables import models, serving

COMPONENT = "model-register"

log = logging.getLogger(__name__)


@agent(app, COMPONENT, topics.MODELS)
async def model_register(received: Received) -> None:
    """Keep one record of a model, or what says which one is live.

    Refusals go to `errors`. They are also answered on the topic, by the record that counts, so that
    everyone who reads it knows the same.
    """
    record: ModelPart = received.message
    live = models.live()
    if record.part != "live":
        known = models.get(record.key)
        try:
            shelf.check_part(record, known, live)
        except ModelError:
            if known is not None:
                await app.emit(known)
            raise
    elif live is None or record.version != live.version or record.deleted:
        try:
            await _check(record, live)
        except Exception:
            await app.emit(_counts(live))
            raise
        log.info("the model %s is live, by %s", record.version or "-", record.by or "-")
    models.apply(record)


async def _check(record: ModelPart, live: ModelPart | None) -> None:
    """Raises ModelError when the model cannot be live."""
    if record.deleted:
        return
    try:
        await model_check.check(models.parts(record.version))
        if not record.rollback:
            known = None if live is None else models.card(live.version)
            models_.check_newer(models.card(record.version), known, datetime.now(UTC))
    except ModelError as exc:
        raise ModelError(f"the model {record.version[:100]} is refused: {exc.message}") from exc


def _counts(live: ModelPart | None) -> ModelPart:
    """The record that says what is live."""
    if live is None:
        return ModelPart(version="", part="live", by=COMPONENT, deleted=True)
    return live.model_copy(update={"by": COMPONENT})


@app.timer(interval=1.0)
async def live_model() -> None:
    """Let this worker follow the table. Never raises: an error in a timer ends the worker."""
    if not serving.live.is_stale or not app.readiness.tables_ready:
        return
    try:
        fault = await serving.live.refresh()
        topic = TP(topics.TOPICS[topics.MODELS].broker_name(app.settings), 0)
        if fault and topic in app.consumer.assignment():  # one of all workers tells of it
            told = ModelError(fault)
            await deliver_error(app, error_record(COMPONENT, "load", told, None, None, None))
    except Exception:
        log.exception("the live model was not looked at; it is again in a second")
        serving.live.is_stale = True
