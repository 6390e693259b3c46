"""`paas-stream topics describe`: who says what on which topic, and how the broker has it."""

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from paas_stream import schemas
from paas_stream.cli import broker_topics
from paas_stream.cli.broker_topics import Found
from paas_stream.errors import PermanentError, TemporaryError
from paas_stream.settings import Settings, get_settings
from paas_stream.topics import TOPICS, TopicSpec

_WIDTH = 10_000  # nothing is cut or folded to fit a terminal


@click.command()
@click.argument("name", required=False, type=click.Choice(sorted(TOPICS), case_sensitive=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the topic's messages.")
def describe(name: str | None, as_json: bool, schema: bool) -> None:
    """Tell all about topic NAME, or in one line about each topic.

    Asks the broker too, if there is one, and warns of what is other than the settings say.
    """
    settings = get_settings()
    if schema:
        click.echo(json.dumps(schemas.schema_of(_with_messages(name)), indent=2))
        return
    specs = [TOPICS[name]] if name else list(TOPICS.values())
    found: dict[str, Found] | None
    try:
        found, unasked = broker_topics.look(settings, specs), ""
    except TemporaryError as exc:
        found, unasked = None, exc.message
    told = [_told(spec, settings, found) for spec in specs]
    if as_json:
        click.echo(json.dumps(told[0] if name else told, indent=2))
    elif name:
        _print_one(TOPICS[name], told[0])
    else:
        _print_all(told)
    if unasked:
        click.echo(f"paas-stream: {unasked}; shown is what the settings say", err=True)
    for one in told:
        for text in one.get("warnings", ()):
            click.echo(f"paas-stream: warning: topic {one['broker_name']}: {text}", err=True)


def _with_messages(name: str | None) -> TopicSpec:
    if name is None:
        raise click.UsageError("--schema needs the NAME of a topic")
    if not TOPICS[name].has_messages:
        raise PermanentError(f"nothing is written to {name} yet, so there is no schema")
    return TOPICS[name]


def kept(spec: TopicSpec) -> str:
    """How long a topic's records stay, in words."""
    return "compact: the last of each key" if spec.compact else f"delete: {spec.retention_days} d"


def _told(spec: TopicSpec, settings: Settings, found: dict[str, Found] | None) -> dict[str, Any]:
    """All about a topic; without a broker nothing of it."""
    told: dict[str, Any] = {
        "name": spec.name,
        "broker_name": spec.broker_name(settings),
        "internal": spec.internal,
        "key": spec.key,
        "partitions": spec.partitions(settings),
        "replication": settings.kafka.replication,
        "config": spec.config(settings),
        "written_by": list(spec.written_by),
        "read_by": list(spec.read_by),
        "message": spec.model.__name__ if spec.has_messages else None,
        "version": schemas.version_of(spec.model) if spec.has_messages else None,
        "fields": [one._asdict() for one in schemas.fields_of(spec)] if spec.has_messages else [],
    }
    if found is not None:
        here = found.get(spec.name)
        told["on_broker"] = vars(here) if here else None
        told["warnings"] = broker_topics.differences(spec, settings, here)
    return told


def _print_all(told: list[dict[str, Any]]) -> None:
    table = _table("topic", "key", "partitions", "kept", "version", "from -> to")
    for one in told:
        parties = f"{', '.join(one['written_by'])} -> {', '.join(one['read_by'])}"
        partitions, version = str(one["partitions"]), one["version"] or "-"
        keeps = kept(TOPICS[one["name"]])
        table.add_row(one["name"], one["key"], partitions, keeps, version, parties)
    _show(table)


def _print_one(spec: TopicSpec, told: dict[str, Any]) -> None:
    head = {
        "topic": spec.name + (" (internal)" if spec.internal else ""),
        "on the broker": told["broker_name"],
        "key": spec.key,
        "partitions": told["partitions"],
        "replication": told["replication"],
        "kept": kept(spec),
        "written by": ", ".join(spec.written_by),
        "read by": ", ".join(spec.read_by),
        "message": f"{told['message']} {told['version']}" if spec.has_messages else "none yet",
    }
    if told.get("on_broker"):
        here = told["on_broker"]
        config = ", ".join(f"{key}={value}" for key, value in here["config"].items())
        head["found there"] = (
            f"{here['partitions']} partitions, replication {here['replication']}, {config}"
        )
    for label, value in head.items():
        click.echo(f"{label:<14} {value}")
    if spec.has_messages:
        click.echo()
        table = _table("field", "type", "", "meaning")
        for field in schemas.fields_of(spec):
            needed = "required" if field.required else ""
            table.add_row(field.path, field.type, needed, field.meaning)
        _show(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _show(table: Table) -> None:
    console = Console(highlight=False, markup=False, emoji=False, width=_WIDTH)
    for line in console.render_lines(table, pad=False):
        click.echo("".join(part.text for part in line).rstrip())
