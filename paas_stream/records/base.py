"""What all messages have in common: versions, times, strict JSON, and how they are read and written."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

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

# Numbers and times are bounded where a message is read, so that whatever is made of them later, a sum, a
# product, a moment or a row, is again something that JSON, the calendar and 64 bits can hold.
LARGEST_WHOLE: Final = 10**15
LARGEST_QUANTITY: Final = 1e19  # 2^63, which some programs write for "unlimited", is less
LARGEST_NUMBER: Final = 1e36  # more than counts of instances times quantities; a model has 32 bits
LONGEST_S: Final = 1e10  # 317 years, in seconds
DEEPEST: Final = 128  # nested lists and maps: readers of JSON end at 200, and rows nest some more
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2999

Whole = Annotated[int, Field(ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)]
"""A count, a number in a row, or a whole amount in the unit that its field names."""

Quantity = Annotated[float, Field(ge=-LARGEST_QUANTITY, le=LARGEST_QUANTITY)]
"""An amount that somebody tells us of, in the unit that its field names; -1 may stand for unlimited."""

Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
"""What a box has worked out, from quantities or otherwise, in the unit that its field names."""

Seconds = Annotated[float, Field(ge=-LONGEST_S, le=LONGEST_S)]
"""A span of time. Clocks that are set while it lasts make it negative."""


def _in_reach(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"a time of the years {FIRST_YEAR} to {LAST_YEAR} is needed")
    return moment


D = TypeVar("D", bound=datetime)

InReach = Annotated[
    D,
    AfterValidator(_in_reach),
    Field(json_schema_extra={"pattern": "^(19[7-9][0-9]|2[0-9]{3})-"}),  # these years, for others
]
"""A time that neither overflows in another time zone nor once a time-out is added to it."""

Moment = InReach[AwareDatetime]
"""A time with its zone."""


def _readable(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what could be written to a row or sent, and not be read again, anywhere in free values."""
    left: list[tuple[Any, int]] = [(value, 1)]
    while left:
        part, depth = left.pop()
        if depth > DEEPEST and isinstance(part, dict | list):
            raise ValueError(f"lists and maps are nested deeper than {DEEPEST} levels")
        match part:
            case dict() as mapping:
                left.extend((one, depth + 1) for one in mapping.values())
            case list() as items:
                left.extend((one, depth + 1) for one in items)
            case float() as number if not math.isfinite(number):
                raise ValueError(f"NaN and Infinity are not JSON, and {number} was given")
    return value


FreeValues = Annotated[dict[str, Any], AfterValidator(_readable)]


class Record(BaseModel):
    """Base of all parts of messages."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Message(Record):
    """Base of all messages."""

    major: ClassVar[int] = 1

    msg_version: str = "1.0.0"  # an unknown major version is refused
    timestamp: Moment = Field(default_factory=lambda: datetime.now(UTC))  # of what it tells
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
            raise InvalidMessageError("; ".join(sentences(exc))) from exc

    @classmethod
    def _from_major(cls, major: str, data: dict[str, Any]) -> dict[str, Any] | None:
        """`data` of another major version in the form in use; None: that version is unknown."""
        return data if major == str(cls.major) else None

    def encode(self) -> bytes:
        """JSON, without fields that have no value."""
        return as_json(self.model_dump(mode="json", exclude_none=True))


def as_json(data: Any) -> bytes:
    """JSON of what a message holds.

    Halves of characters, which names of files and answers of clouds may have, become "?": a message that
    cannot be sent would hold up all that come after it.
    """
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def sentences(exc: ValidationError) -> list[str]:
    """What is wrong with a value, a sentence for each fault: where it is ("-": the whole), and what."""
    return [
        f"{'.'.join(map(str, fault['loc'])) or '-'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in exc.errors(include_url=False, include_input=False)
    ]


M = TypeVar("M", bound=Message)


def caused_by(cause: str, messages: Iterable[M]) -> list[M]:
    """The messages, told apart by number, with the event that led to them."""
    return [
        message.model_copy(update={"cause": f"{cause}#{number}"})
        for number, message in enumerate(messages)
    ]
