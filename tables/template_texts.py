"""The tracker's table of templates as their users handed them over.

Apart from the deployments' rows, which are written often and decoded for every list: a text is written
once per revision, and read when somebody asks for it.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.records import Template
from tables.readers import Reader


@dataclass(frozen=True)
class TemplateText:
    """A template as its user handed it over."""

    revision: int
    text: str


template_texts = row_table(app, "template_texts", app.settings.stream.partitions)
_form = TypeAdapter(TemplateText)
_reader: Reader[TemplateText] = Reader(template_texts, _form.validate_json)


def keep(message: Template) -> None:
    """Store the text, unless this revision or a newer one is there. Raises UnreadableRowError."""
    known = _reader.get(message.uuid)
    if known is None or known.revision < message.revision:
        row = TemplateText(message.revision, message.template)
        template_texts[message.uuid] = _form.dump_json(row)


def get(uuid: str) -> str | None:
    """The newest text of a deployment; None: there is none. Raises UnreadableRowError."""
    known = _reader.get(uuid)
    return None if known is None else known.text


def forget(uuid: str) -> None:
    """Delete the text, if it is there."""
    template_texts.pop(uuid, None)
    _reader.forget(uuid)
