"""JSON Schemas from records: descriptions from comments, and fields in words."""

from typing import Literal

from pydantic import Field

from paas_stream.records import Message, Record
from paas_stream.schemas import field_comments, fields_of, schema_of, version_of
from paas_stream.topics import TopicSpec


class Part(Record):
    """A part."""

    size: float  # MiB


class Larger(Part):
    """A part with more."""

    size: float = Field(  # GiB
        0.0,
        ge=0,  # never less
    )
    kind: Literal["a", "b"] = "a"
    text: str = "a # in a text"


class Told(Message):
    """What is told."""

    major = 3

    msg_version: str = "3.1.0"
    part: Part
    parts: tuple[Larger, ...] = ()  # all of them
    by_name: dict[str, Part] = Field(default={})
    counts: dict[str, int] | None = None
    words: tuple[str, ...] = ()
    either: int | str = 0

    @property
    def key(self) -> str:
        """No field."""
        key: str = "x"  # no field
        return key


SPEC = TopicSpec("told", Told, written_by=("a",), read_by=("b",), per_deployment=False)


def test_the_comment_beside_a_field_is_its_description() -> None:
    assert field_comments(Part) == {"size": "MiB"}
    assert field_comments(Larger) == {"size": "GiB never less"}
    schema = schema_of(SPEC)
    assert schema["properties"]["parts"]["description"] == "all of them"
    assert schema["$defs"]["Part"]["properties"]["size"]["description"] == "MiB"


def test_a_record_has_the_comments_of_what_it_extends() -> None:
    assert "cause" in field_comments(Told)
    assert "key" not in field_comments(Told)


def test_the_schema_names_topic_version_and_major() -> None:
    schema = schema_of(SPEC)
    assert version_of(Told) == "3.1.0"
    assert schema["$id"] == "urn:paas-stream:message:told:3.1.0"
    assert (schema["title"], schema["description"]) == ("told 3.1.0", "What is told.")
    assert schema["properties"]["msg_version"]["pattern"] == r"^3(\..*)?$"
    assert schema["required"] == ["part"]


def test_fields_are_told_in_words_and_an_object_by_its_record() -> None:
    lines = {one.path: (one.type, one.required, one.meaning) for one in fields_of(SPEC)}
    del lines["msg_version"], lines["timestamp"], lines["cause"]
    assert lines == {
        "part": ("object", True, "A part."),
        "part.size": ("number", True, "MiB"),
        "parts[]": ("object", False, "all of them"),
        "parts[].size": ("number", False, "GiB never less; default 0.0"),
        "parts[].kind": ("a | b", False, "default a"),
        "parts[].text": ("string", False, "default a # in a text"),
        "by_name{}": ("object", False, "A part."),
        "by_name{}.size": ("number", True, "MiB"),
        "counts{}": ("integer", False, ""),
        "words[]": ("string", False, ""),
        "either": ("integer or string", False, "default 0"),
    }
