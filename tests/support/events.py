"""Small messages for tests."""

from uuid import UUID, uuid4, uuid5

from paas_stream.records import DispatchEvent, TrackerEvent

_NAMESPACE = UUID("8f0b7d4e-6a0c-4f57-9a41-0d7f3a1c2b5e")


def uuid_number(number: int) -> str:
    """A uuid that is the same in every run, and with it its partition."""
    return str(uuid5(_NAMESPACE, str(number)))


def event(uuid: str | None = None, word: str = "", **fields: object) -> DispatchEvent:
    """An event of a deployment, a new one by default. `word` is what the test application does."""
    made = {"uuid": uuid or str(uuid4()), "event": "effect", "effect": word, **fields}
    return DispatchEvent.model_validate(made)


def tick(uuid: str | None = None) -> TrackerEvent:
    """An event on another topic."""
    return TrackerEvent(uuid=uuid or str(uuid4()), event="tick")
