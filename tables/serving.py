"""The live model as this worker asks it.

It is made ready in a thread, and takes the place of the one before it at once: a ranking is made by one
whole model.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from paas_stream.app import app
from paas_stream.durable.metrics import MODEL_AGE, Numbers
from paas_stream.errors import PaasError, UnreadableRowError
from paas_stream.ranking import models as models_
from paas_stream.ranking.boosters import ModelError
from paas_stream.ranking.models import Model
from paas_stream.records.models import ModelCard, ModelPart
from tables import models

log = logging.getLogger(__name__)

_LOAD_S = 10.0  # a model is ready long before


class Serving:
    """The model that ranks at this worker."""

    def __init__(self) -> None:
        self.model: Model | None = None
        self.since: datetime | None = None  # when this worker began to rank by it
        self.fault = ""  # why the live one is not asked, in words; "" when it is, or none is live
        self.is_stale = True  # the table has changed since
        self._loading = asyncio.Lock()

    async def refresh(self) -> str:
        """Make the live model the one that ranks. Returns a fault that was not told before, or "".

        One that cannot be used leaves the one before it where it is.
        """
        async with self._loading:
            before = self.fault
            while self.is_stale:
                self.is_stale = False
                try:
                    await self._follow(models.live())
                except UnreadableRowError as exc:
                    self.fault = f"which model is live is not known: {exc.message}"
            if self.fault and self.fault != before:
                log.error("%s; %s ranks", self.fault, self._ranks)
                return self.fault
            return ""

    async def _follow(self, wanted: ModelPart | None) -> None:
        if wanted is None:
            self.model, self.since, self.fault = None, None, ""
        elif self.model is None or self.model.card.version != wanted.version:
            try:
                async with asyncio.timeout(_LOAD_S):
                    made = await asyncio.to_thread(
                        _made, wanted.version, models.parts(wanted.version)
                    )
            except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, rankings go on
                why = exc.message if isinstance(exc, PaasError) else type(exc).__name__
                self.fault = f"the model {wanted.version} cannot be used: {why}"
            else:
                self.model, self.since, self.fault = made, datetime.now(UTC), ""
                log.info("the model %s ranks from now on", made.card.version)
        else:
            self.fault = ""

    @property
    def _ranks(self) -> str:
        return "no model" if self.model is None else self.model.card.version


def _made(version: str, records: Mapping[str, ModelPart]) -> Model:
    made = models_.unpack(records)
    if made.card.version != version:
        raise ModelError(f"its card is that of {made.card.version}")
    return made


live = Serving()
"""Always asked for as `serving.live`: a test puts a new one in its place."""


def _on_change() -> None:
    live.is_stale = True


models.on_change.append(_on_change)


@MODEL_AGE.add
def _age() -> Numbers:
    made = live.model
    return {} if made is None else {(made.card.version,): _seconds_since(made.card)}


def _seconds_since(card: ModelCard) -> float:
    return max(0.0, time.time() - card.created_at.timestamp())


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """The live model is there before streams go on: rows are there, streams are still paused."""
    live.is_stale = True
    await live.refresh()
