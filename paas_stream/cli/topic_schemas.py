"""`paas-stream topics schemas`: the JSON Schemas and the page about them, as `docs/messages` has them."""

import inspect
import json
from pathlib import Path
from typing import Any

import click

from paas_stream.cli.topic_description import kept
from paas_stream.errors import InvalidMessageError, PermanentError
from paas_stream.schemas import schema_of, version_of
from paas_stream.topics import TOPICS, TopicSpec

_HEAD = """\
# Messages

Made from the code by `make docs`; do not edit. `paas-stream topics describe NAME` prints the fields
of a message with their meaning, and `--schema` its JSON Schema.

Values are JSON objects in UTF-8, keys are plain text. What we write fits the schema, and what fits
the schema is read: unknown fields and unknown minor versions are accepted. A record of an unknown
major version, or one that does not fit, goes to `errors` with the reason; NaN and Infinity are
refused, and so is JSON that is encoded twice. A field without a value is left out. Times are RFC
3339 with a zone, durations in seconds unless a name says otherwise. Secrets are JWE.

N partitions: `PAAS_STREAM_PARTITIONS`, 8 unless set. Names on the broker: `PAAS_TOPICS`.

| topic | key | partitions | kept | from -> to | message |
|---|---|---|---|---|---|
"""


@click.command()
@click.option("--write", "folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--check", type=click.Path(path_type=Path, file_okay=False, exists=True))
def schemas(folder: Path | None, check: Path | None) -> None:
    """Print the JSON Schema of every message as one JSON object, by topic.

    With --write they go into a folder, a file for each, with a page about all; --check says what in
    such a folder is not as the code has it.
    """
    if folder is not None:
        for path, text in files(folder).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check is not None and (faults := faults_of(check)):
        raise PermanentError("\n  - ".join(["not as the code has it; run `make docs`:", *faults]))
    if folder is None and check is None:
        click.echo(json.dumps({spec.name: schema_of(spec) for spec in _carrying()}, indent=2))


def _carrying() -> list[TopicSpec]:
    return [spec for spec in TOPICS.values() if spec.has_messages]


def files(folder: Path) -> dict[Path, str]:
    """What belongs into the folder.

    Its folder `examples` has a message for each topic, written by hand once; here they get the
    fields that have come since. Raises PermanentError for one that is missing or cannot be read.
    """
    made = {}
    for spec in _carrying():
        made[folder / f"{spec.name}.json"] = _text(schema_of(spec))
        example = folder / "examples" / f"{spec.name}.json"
        try:
            made[example] = _text(json.loads(spec.model.decode(example.read_bytes()).encode()))
        except (OSError, InvalidMessageError) as exc:
            raise PermanentError(f"{example} must be a message of {spec.name}: {exc}") from exc
    return made | {folder / "README.md": _page(folder, made)}


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def faults_of(folder: Path) -> list[str]:
    """Which files of the folder are missing, different or too many."""
    wanted = files(folder)
    faults = []
    for path, text in wanted.items():
        if not path.exists():
            faults.append(f"{path} is missing")
        elif path.read_text(encoding="utf-8") != text:
            faults.append(f"{path} is different")
    faults += [f"{path} is too many" for path in folder.glob("*.json") if path not in wanted]
    return sorted(faults)


def _page(folder: Path, made: dict[Path, str]) -> str:
    rows, examples = [], []
    for spec in TOPICS.values():
        message = "declared, not used yet"
        if spec.has_messages:
            message = f"[{spec.model.__name__} {version_of(spec.model)}]({spec.name}.json)"
            example = made[folder / "examples" / f"{spec.name}.json"]
            examples.append(f"\n### {spec.name}\n\n{_about(spec)}\n\n```json\n{example}```\n")
        name = f"`{spec.name}`" + (" (internal)" if spec.internal else "")
        partitions = "N" if spec.per_deployment else "1"
        parties = f"{', '.join(spec.written_by)} -> {', '.join(spec.read_by)}"
        cells = (name, spec.key, partitions, kept(spec), parties, message)
        rows.append(f"| {' | '.join(cells)} |\n")
    return _HEAD + "".join(rows) + "\n## One message of each\n" + "".join(examples)


def _about(spec: TopicSpec) -> str:
    """The record's docstring without the topic's name, which stands above it."""
    text = (inspect.getdoc(spec.model) or "").partition(": ")[2]
    return text[:1].upper() + text[1:]
