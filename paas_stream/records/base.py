"""What all messages have in common: versions, times, strict JSON, and how they are read and written."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from paas_stream.errors import InvalidMessageError

Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    Field(description="the deployment"),
]


def _finite(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse NaN and Infinity, which JSON does not know, anywhere in free values."""
    left: list[Any] = [value]
    while left:
        match left.pop():
            case dict() as mapping:
                left.extend(mapping.values())
            case list() as items:
                left.extend(items)
            case float() as number if not math.isfinite(number):
                raise ValueError(f"NaN and Infinity are not JSON, and {number} was given")
    return value


FreeValues = Annotated[dict[str, Any], AfterValidator(_finite)]


class Record(BaseModel):
    """Base of all parts of messages."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Message(Record):
    """Base of all messages."""

    major: ClassVar[int] = 1

    msg_version: str = "1.0.0"  # an unknown major version is refused
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))  # of what it tells
    cause: str | None = None  # names the event that led to it; a replay of that event says the same

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The message in `value`. Raises InvalidMessageError, which names every fault."""
        try:
            data = orjson.loads(value or b"")
        except orjson.JSONDecodeError as exc:
            raise InvalidMessageError(f"not JSON: {exc}") from exc
        if not isinstance(data, dict):
            twice = ": is it encoded twice?" if isinstance(data, str) else ""
            kind = type(data).__name__
            raise InvalidMessageError(f"a JSON object was expected, not {kind}{twice}")
        version = str(data.get("msg_version", f"{cls.major}.0.0"))
        current = cls._from_major(version.split(".")[0], data)
        if current is None:
            raise InvalidMessageError(f"version {version} is unknown, {cls.major}.x was expected")
        try:
            return cls.model_validate(current)
        except ValidationError as exc:
            faults = [f"{'.'.join(map(str, e['loc'])) or '-'}: {e['msg']}" for e in exc.errors()]
            raise InvalidMessageError("; ".join(faults)) from exc

    @classmethod
    def _from_major(cls, major: str, data: dict[str, Any]) -> dict[str, Any] | None:
        """`data` of another major version in the form in use; None: that version is unknown."""
        return data if major == str(cls.major) else None

    def encode(self) -> bytes:
        """JSON, without fields that have no value."""
        return orjson.dumps(self.model_dump(mode="json", exclude_none=True))


M = TypeVar("M", bound=Message)


def caused_by(cause: str, messages: Iterable[M]) -> list[M]:
    """The messages, told apart by number, with the event that led to them."""
    return [
        message.model_copy(update={"cause": f"{cause}#{number}"})
        for number, message in enumerate(messages)
    ]
