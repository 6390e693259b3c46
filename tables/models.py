"""The model register's table: models in parts and the name of the live one, on every worker.

The register admits a model before its record is stored (`agents.model_register`), so that the row
`live` names one that could be used there. `tables.serving` makes it the one that ranks.
"""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.errors import UnreadableRowError
from paas_stream.ranking import boosters
from paas_stream.ranking import models as models_
from paas_stream.ranking.boosters import ModelError
from paas_stream.records.models import LIVE, ModelCard, ModelPart
from tables.readers import Reader

PARTS = ("card", *boosters.PARTS)

on_change: list[Callable[[], None]] = []
"""Called after each change of a row, by this worker or another one."""


async def _on_change(_: Any) -> None:
    _tell()


def _tell() -> None:
    for hears in on_change:
        hears()


models = global_table(app, "models", _on_change)
_reader: Reader[ModelPart] = Reader(models, TypeAdapter(ModelPart).validate_python)


def get(key: str) -> ModelPart | None:
    """One record; None: there is none. Raises UnreadableRowError."""
    return _reader.get(key)


def parts(version: str) -> dict[str, ModelPart]:
    """What is there of a model, by part. Raises UnreadableRowError."""
    found = {part: get(f"{version}/{part}") for part in PARTS}
    return {part: one for part, one in found.items() if one is not None}


def live() -> ModelPart | None:
    """The record that names the live model; None: there is none. Raises UnreadableRowError."""
    return get(LIVE)


def card(version: str) -> ModelCard:
    """Raises ModelError when it is not there, or cannot be read."""
    try:
        found = get(f"{version}/card")
    except UnreadableRowError as exc:
        raise ModelError(exc.message) from exc
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
    _reader.forget(record.key)
    _tell()
