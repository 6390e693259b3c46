"""`paas-stream errors ...`: what went wrong, and another try for it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
from aiokafka.errors import KafkaError

from paas_stream.cli.error_records import ErrorId, ErrorRecords, KeptError
from paas_stream.cli.output import columns
from paas_stream.clients import kafka
from paas_stream.errors import PermanentError
from paas_stream.settings import get_settings

T = TypeVar("T")
_LINE = 100  # characters of a reason in the list


@click.group()
def errors() -> None:
    """Look at what went wrong, and send the records concerned again."""


def _with_records(work: Callable[[ErrorRecords], Awaitable[T]]) -> T:
    settings = get_settings()

    async def run() -> T:
        async with ErrorRecords(settings) as kept:
            return await work(kept)

    try:
        return asyncio.run(run())
    except KafkaError as exc:
        raise kafka.told(settings.kafka, exc) from exc


def _filters(command: Any) -> Any:
    for option in (
        click.option("--uuid", help="Only errors of this deployment."),
        click.option("--component", help="Only errors of this box."),
        click.option("--code", help="Only errors of this kind."),
    ):
        command = option(command)
    return command


def _chosen(
    found: list[KeptError], uuid: str | None, component: str | None, code: str | None
) -> list[KeptError]:
    return [
        one
        for one in found
        if uuid in (None, one.error.uuid)
        and component in (None, one.error.component)
        and code in (None, one.error.code)
    ]


@errors.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(
    uuid: str | None, component: str | None, code: str | None, limit: int, as_json: bool
) -> None:
    """List the errors that are kept, the newest last."""
    found = _chosen(_with_records(ErrorRecords.all), uuid, component, code)[-limit:]
    if as_json:
        for one in found:
            click.echo(json.dumps(_shown(one)))
        return
    rows = [("id", "time", "component", "step", "code", "replayed", "uuid", "message")]
    for one in found:
        error = one.error
        message = " ".join(error.message.split())
        rows.append(
            (
                str(one.id),
                error.timestamp.isoformat(timespec="seconds"),
                error.component,
                error.step,
                error.code,
                "yes" if one.replayed else "-",
                error.uuid or "-",
                message if len(message) <= _LINE else message[: _LINE - 1] + "…",
            )
        )
    for line in columns(rows):
        click.echo(line)


@errors.command()
@click.argument("error_id", metavar="ID")
def show(error_id: str) -> None:
    """Show the error ID and the record that it is about, as JSON."""
    id_ = ErrorId.read(error_id)

    async def work(kept: ErrorRecords) -> dict[str, Any]:
        found = await kept.one(id_)
        shown = _shown(found)
        try:
            shown["record"] = _readable(await kept.record(found.error))
        except PermanentError as exc:
            shown["record"] = None
            shown["recordMissing"] = exc.message
        return shown

    click.echo(json.dumps(_with_records(work), indent=2, ensure_ascii=False))


@errors.command()
@click.argument("error_ids", metavar="[ID]...", nargs=-1)
@_filters
@click.option("--again", is_flag=True, help="Also what was sent again already.")
def replay(
    error_ids: tuple[str, ...],
    uuid: str | None,
    component: str | None,
    code: str | None,
    again: bool,
) -> None:
    """Send the records of errors again, to the topics that they came from.

    Either by ID, or all that the options choose. What was sent again once is not sent a second time
    unless --again is given. A deployment that has ended stays as it ended.
    """
    chooses = any((uuid, component, code))
    if bool(error_ids) == chooses:
        raise click.UsageError("give either the ids of errors or options that choose some")
    ids = [ErrorId.read(text) for text in dict.fromkeys(error_ids)]

    async def work(kept: ErrorRecords) -> bool:
        found = await kept.all()
        if chooses:
            wanted = _chosen(found, uuid, component, code)
        else:
            known = {one.id: one for one in found}
            for id_ in ids:
                if id_ not in known:
                    raise PermanentError(f"there is no error {id_} in `errors`")
            wanted = [known[id_] for id_ in ids]
        records = {one.place or str(one.id): one for one in wanted}
        return all([await _replay(kept, one, again) for one in records.values()])

    if not _with_records(work):
        raise PermanentError("not every record was sent again")


async def _replay(kept: ErrorRecords, one: KeptError, again: bool) -> bool:
    if one.replayed and not again:
        click.echo(f"{one.id}: was sent again before; --again sends it once more")
        return True
    try:
        done = await kept.replay(one)
    except PermanentError as exc:
        click.echo(f"{one.id}: {exc.message}", err=True)
        return False
    click.echo(f"{one.id}: {done}")
    return True


def _shown(one: KeptError) -> dict[str, Any]:
    error = one.error.model_dump(mode="json", exclude_none=True, exclude={"payload_base64"})
    return {"id": str(one.id), "replayed": one.replayed, **error}


def _readable(value: bytes) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value.decode("utf-8", "backslashreplace")
