"""The models that are kept: what is there of each, which one is live, and what may be changed.

A model's records are written once. What is live, and what a rollback would go back to, can neither be
replaced nor deleted. Which model is live is one record, so that a worker has it whole or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from paas_stream.ranking import models
from paas_stream.ranking.boosters import ModelError
from paas_stream.ranking.models import Model
from paas_stream.records.models import ModelCard, ModelPart

KEPT: Final = 10  # the newest ones, besides the live one and the one before it
RECORD_MAX: Final = 950_000  # bytes: clients send 1,000,000, and the table's changelog has it again


class Shelf:
    """All records of `models`, in their order."""

    def __init__(self, records: Iterable[ModelPart] = ()) -> None:
        self._parts: dict[str, dict[str, ModelPart]] = {}
        self.live: ModelPart | None = None
        for one in records:
            self.put(one)

    def put(self, record: ModelPart) -> None:
        """Take in one more."""
        if record.part == "live":
            self.live = None if record.deleted else record
        elif not record.deleted:
            self._parts.setdefault(record.version, {})[record.part] = record
        elif (parts := self._parts.get(record.version)) is not None:
            parts.pop(record.part, None)
            if not parts:
                del self._parts[record.version]

    @property
    def live_version(self) -> str | None:
        """The version of the live model."""
        return None if self.live is None else self.live.version

    @property
    def previous_version(self) -> str | None:
        """The version that a rollback goes back to."""
        return None if self.live is None else self.live.previous or None

    def parts(self, version: str) -> Mapping[str, ModelPart]:
        """The records of one model by part. Raises ModelError when there is none."""
        if version not in self._parts:
            raise ModelError(f"there is no model {version}")
        return self._parts[version]

    def card(self, version: str) -> ModelCard:
        """Raises ModelError when the model is not there, or its card cannot be read."""
        return models.read_card(self.parts(version))

    def model(self, version: str) -> Model:
        """Ready to be asked. Raises ModelError for one that is not there or cannot be used."""
        return models.unpack(self.parts(version))

    def cards(self) -> list[ModelCard]:
        """The cards that can be read, the newest first."""
        found = []
        for version in self._parts:
            try:
                found.append(self.card(version))
            except ModelError:
                continue
        return sorted(found, key=lambda card: (card.created_at, card.version), reverse=True)

    def surplus(self) -> Iterator[ModelPart]:
        """What deletes the models beyond the newest KEPT.

        One without a readable card goes with those that its version is older than: it may be on its way.
        """
        cards = [card.version for card in self.cards()]
        if len(cards) <= KEPT:
            return
        kept = {*cards[:KEPT], self.live_version, self.previous_version}
        for version, parts in self._parts.items():
            if version not in kept and (version in cards or version < cards[KEPT - 1]):
                for one in parts.values():
                    yield one.model_copy(update={"content": "", "deleted": True})


def check_part(record: ModelPart, known: ModelPart | None, live: ModelPart | None) -> None:
    """Raises ModelError for one that would change the live model, or the one before it.

    `known` is the record that it would replace.
    """
    if live is None or record.version not in (live.version, live.previous):
        return
    if record.deleted or (known is not None and known.content != record.content):
        what = "is live" if record.version == live.version else "is what a rollback goes back to"
        raise ModelError(f"{record.version} {what}: its part {record.part} stays as it is")
