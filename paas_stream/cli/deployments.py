"""`submit`, `show`, `list`, `delete`, `events`: deployments, through the REST API."""

import json
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from paas_stream.cli.options import client_of
from paas_stream.cli.output import columns, out
from paas_stream.cli.ranking import show_dry_run
from paas_stream.client import ApiError, Client
from paas_stream.errors import PermanentError
from paas_stream.tosca import yamltext

COLOURS = {"begin": "cyan", "end": "green", "failed": "red"}
WAIT_S = 3600.0
_NAME_WIDTH = 16  # of the names of fields


def parsed_inputs(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`k=v` pairs; a value is read as YAML, so that numbers and lists can be given."""
    inputs = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(
                f"{pair!r} is not of the form name=value", param_hint="--input"
            )
        try:
            inputs[name] = yamltext.build(value) if value else ""
            json.dumps(inputs[name], allow_nan=False)
        except (yamltext.YamlError, RecursionError) as exc:
            raise click.BadParameter(f"{pair!r}: {exc}", param_hint="--input") from exc
        except (TypeError, ValueError) as exc:
            text = f"{pair!r} is nothing that JSON has"
            raise click.BadParameter(text, param_hint="--input") from exc
    return inputs


def template_text(file: Path) -> str:
    """What stands in a template's file."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise PermanentError(f"{file} is not UTF-8 text") from exc


def event_line(event: dict[str, Any]) -> Text:
    """One step of a timeline."""
    took = f" ({event['durationSeconds']:.2f} s)" if "durationSeconds" in event else ""
    line = Text(event["time"][11:23] + "  ", style="dim")
    line.append(f"{event['component']:<18} ", style="bold")
    line.append(f"{event['step']:<9} {event['status']:<6} ", style=COLOURS.get(event["status"], ""))
    line.append(event.get("message", "") + took, style="")
    return line


def show_deployment(deployment: dict[str, Any]) -> None:
    """The resource, one field a line."""
    outputs = deployment["outputs"]
    rows = {
        "uuid": deployment["uuid"],
        "status": deployment["status"],
        "reason": deployment.get("statusReason"),
        "provider": deployment.get("cloudProviderName"),
        "region": deployment.get("cloudProviderEndpoint", {}).get("region"),
        "infrastructure": deployment.get("physicalId"),
        "created": deployment["creationTime"],
        "updated": deployment["updateTime"],
        "outputs": json.dumps(outputs, indent=2) if outputs else None,
    }
    good = deployment["status"].endswith("COMPLETE")
    styles = {"status": "green" if good else "yellow"}
    for name, value in rows.items():
        if value is not None:
            inset = value.replace("\n", "\n" + " " * _NAME_WIDTH)
            styled = (inset, styles.get(name, ""))
            out.print(Text.assemble((f"{name:<{_NAME_WIDTH}}", "bold"), styled))


def follow(client: Client, uuid: str, timeout_s: float) -> dict[str, Any]:
    """Print the steps as they come; the deployment once it is at rest."""
    with out.status("waiting for the next step"):
        for event in client.follow(uuid, timeout_s):
            out.print(event_line(event))
    return client.deployment(uuid)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--input", "-i", "pairs", multiple=True, metavar="NAME=VALUE", help="An input.")
@click.option("--group", "-g", help="User group in whose name to deploy.")
@click.option("--max-providers", type=click.IntRange(1), help="Providers to try, in all.")
@click.option("--timeout", type=click.IntRange(1), help="Overall time-out, minutes.")
@click.option("--provider-timeout", type=click.IntRange(1), help="Time-out per provider, minutes.")
@click.option("--keep-last-attempt", is_flag=True, help="Leave the last failed attempt in place.")
@click.option("--wait", is_flag=True, help="Show the steps until it has ended.")
@click.option("--dry-run", is_flag=True, help="Show where it would go; deploy nothing.")
@click.pass_context
def submit(
    context: click.Context,
    file: Path,
    pairs: tuple[str, ...],
    group: str | None,
    max_providers: int | None,
    timeout: int | None,
    provider_timeout: int | None,
    keep_last_attempt: bool,
    wait: bool,
    dry_run: bool,
) -> None:
    """Deploy the TOSCA template FILE. With --wait, exit status 2 when it fails.

    With --dry-run, exit status 2 when no provider can host it.
    """
    client = client_of(context)
    try:
        made = (client.dry_run if dry_run else client.submit)(
            template_text(file),
            parsed_inputs(pairs),
            userGroup=group,
            maxProvidersRetry=max_providers,
            timeoutMins=timeout,
            providerTimeoutMins=provider_timeout,
            keepLastAttempt=keep_last_attempt,
        )
    except ApiError as exc:
        if not exc.faults:
            raise
        click.echo(f"{file} is refused:", err=True)
        for fault in exc.faults:
            click.echo(f"  - {fault}", err=True)
        context.exit(1)
    if dry_run:
        show_dry_run(made)
        context.exit(0 if made["providers"] else 2)
    if not wait:
        click.echo(made["uuid"])
        return
    out.print(f"deployment {made['uuid']}")
    ended = follow(client, made["uuid"], WAIT_S)
    show_deployment(ended)
    if ended["status"] != "CREATE_COMPLETE":
        context.exit(2)


@click.command()
@click.argument("uuid")
@click.option("--json", "as_json", is_flag=True, help="Print the resource as JSON.")
@click.pass_context
def show(context: click.Context, uuid: str, as_json: bool) -> None:
    """Show one deployment."""
    deployment = client_of(context).deployment(uuid)
    if as_json:
        click.echo(json.dumps(deployment, indent=2))
    else:
        show_deployment(deployment)


@click.command("list")
@click.option("--group", "-g", help="Only those of this user group.")
@click.option("--exclude", multiple=True, metavar="STATUS", help="Leave out those in this state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one deployment a line.")
@click.pass_context
def list_(
    context: click.Context, group: str | None, exclude: tuple[str, ...], as_json: bool
) -> None:
    """List the deployments, newest first."""
    query = {"userGroup": group} if group else {}
    query |= {"excludedStatus": ",".join(exclude)} if exclude else {}
    found = client_of(context).deployments(**query)
    if as_json:
        for one in found:
            click.echo(json.dumps(one))
        return
    rows = [("uuid", "status", "provider", "created")]
    for one in found:
        provider = one.get("cloudProviderName", "-")
        rows.append((one["uuid"], one["status"], provider, one["creationTime"]))
    for line in columns(rows):
        click.echo(line)


@click.command()
@click.argument("uuids", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Even if something may be left at the provider.")
@click.option("--wait", is_flag=True, help="Show the steps until it is gone.")
@click.pass_context
def delete(context: click.Context, uuids: tuple[str, ...], force: bool, wait: bool) -> None:
    """Delete deployments. With --wait, exit status 2 when one cannot be deleted."""
    client = client_of(context)
    for uuid in uuids:
        client.delete(uuid, force=force)
    failed = False
    for uuid in uuids if wait else ():
        ended = follow(client, uuid, WAIT_S)
        failed |= ended["status"] != "DELETE_COMPLETE"
        click.echo(f"{uuid} {ended['status']}")
    if failed:
        context.exit(2)


@click.command()
@click.argument("uuid")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one event a line.")
@click.option("--follow", "-f", "follows", is_flag=True, help="Go on until it is deleted.")
@click.pass_context
def events(context: click.Context, uuid: str, as_json: bool, follows: bool) -> None:
    """Show what happened to a deployment: every step, attempt and reason."""
    client = client_of(context)
    for event in client.watch(uuid) if follows else client.events(uuid):
        if as_json:
            click.echo(json.dumps(event))
        else:
            out.print(event_line(event))
