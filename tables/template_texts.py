"""The tracker's table of templates as their users handed them over.

Apart from the deployments' rows, which are written often and decoded for every list: a text is written
once per revision, and read when somebody asks for it.
"""

import orjson

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.records import Template

template_texts = row_table(app, "template_texts", app.settings.stream.partitions)


def keep(message: Template) -> None:
    """Store the text, unless this revision or a newer one is there."""
    known = template_texts.get(message.uuid)
    if known is None or orjson.loads(known)["revision"] < message.revision:
        row = {"revision": message.revision, "text": message.template}
        template_texts[message.uuid] = orjson.dumps(row)


def get(uuid: str) -> str | None:
    """The newest text of a deployment; None: there is none."""
    value = template_texts.get(uuid)
    return None if value is None else str(orjson.loads(value)["text"])


def forget(uuid: str) -> None:
    """Delete the text, if it is there."""
    template_texts.pop(uuid, None)
