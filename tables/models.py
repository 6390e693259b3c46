"""The models' table, whole on every worker, and the live model as this worker asks it.

The register admits a model before its record is stored (`agents.model_register`), so that the row
`live` names one that could be used there. Here it is made ready in a thread and takes the other one's
place at once: a ranking is made by one whole model.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from paas_stream.app import app
from paas_stream.durable.metrics import MODEL_AGE, Numbers
from paas_stream.durable.tables import global_table
from paas_stream.ranking import boosters
from paas_stream.ranking import models as models_
from paas_stream.ranking.boosters import ModelError
from paas_stream.ranking.models import Model
from paas_stream.records.models import LIVE, ModelCard, ModelPart

log = logging.getLogger(__name__)

PARTS = ("card", *boosters.PARTS)
_LOAD_S = 10.0  # a model is ready long before


async def _on_change(_: Any) -> None:
    serving.is_stale = True


models = global_table(app, "models", _on_change)


def get(key: str) -> ModelPart | None:
    """One record."""
    value = models.get(key)
    return None if value is None else ModelPart.model_validate(value)


def parts(version: str) -> dict[str, ModelPart]:
    """What is there of a model, by part."""
    found = {part: get(f"{version}/{part}") for part in PARTS}
    return {part: one for part, one in found.items() if one is not None}


def live() -> ModelPart | None:
    """The record that names the live model; None: there is none."""
    return get(LIVE)


def card(version: str) -> ModelCard:
    """Raises ModelError when it is not there, or cannot be read."""
    found = get(f"{version}/card")
    return models_.read_card({} if found is None else {"card": found})


def newest() -> ModelCard | None:
    """The card of the newest model, live or not."""
    cards = []
    for key in list(models.keys()):
        if key.endswith("/card"):
            try:
                cards.append(card(key.removesuffix("/card")))
            except ModelError:
                continue
    return max(cards, key=lambda one: one.created_at, default=None)


def apply(record: ModelPart) -> None:
    """Store a record, or delete what it says."""
    if record.deleted:
        models.pop(record.key, None)
    else:
        models[record.key] = record.model_dump(mode="json", exclude_none=True)
    serving.is_stale = True


class Serving:
    """The model that ranks at this worker."""

    def __init__(self) -> None:
        self.model: Model | None = None
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
                await self._follow(live())
            if self.fault and self.fault != before:
                log.error("%s; %s ranks", self.fault, self._ranks)
                return self.fault
            return ""

    async def _follow(self, wanted: ModelPart | None) -> None:
        if wanted is None:
            self.model, self.fault = None, ""
        elif self.model is None or self.model.card.version != wanted.version:
            try:
                async with asyncio.timeout(_LOAD_S):
                    made = await asyncio.to_thread(_made, wanted.version, parts(wanted.version))
            except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, rankings go on
                why = exc.message if isinstance(exc, ModelError) else type(exc).__name__
                self.fault = f"the model {wanted.version} cannot be used: {why}"
            else:
                self.model, self.fault = made, ""
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


serving = Serving()


@MODEL_AGE.add
def _age() -> Numbers:
    made = serving.model
    return {} if made is None else {(made.card.version,): _seconds_since(made.card)}


def _seconds_since(card: ModelCard) -> float:
    return max(0.0, time.time() - card.created_at.timestamp())


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """The live model is there before streams go on: rows are there, streams are still paused."""
    serving.is_stale = True
    await serving.refresh()
