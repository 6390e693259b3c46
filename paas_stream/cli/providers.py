"""`paas-stream providers ...`: what is known of providers, who could host a template, provider files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from paas_stream.cli.deployments import parsed_inputs, template_text
from paas_stream.cli.options import client_of
from paas_stream.cli.output import columns, out
from paas_stream.cli.ranking import show_dry_run
from paas_stream.cli.selection_rules import rules
from paas_stream.errors import ConfigurationError
from paas_stream.selection import provider_files
from paas_stream.selection.provider_schema import json_schema

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COLUMNS = (
    *("PROVIDER", "REGION", "PROJECT", "TYPE", "GROUP", "STATUS", "SLA UNTIL"),
    *("CPUS FREE", "RAM FREE MIB", "RALLY 7D", "READ"),
)
_QUOTA_COLUMNS = ("RESOURCE", "LIMIT", "USED", "FREE")
_LISTS = ("flavors", "images", "networks", "storageClasses")


@click.group()
def providers() -> None:
    """The providers of the federation."""


providers.add_command(rules)


@providers.command("list")
@click.option("--group", "-g", help="Only those of this user group.")
@click.option("--type", "kind", help="Only those of this type, as openstack or kubernetes.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def list_providers(
    context: click.Context, group: str | None, kind: str | None, as_json: bool
) -> None:
    """List providers, a line for each region and project."""
    query = {"userGroup": group, "type": kind}
    found = list(
        client_of(context).providers(**{name: value for name, value in query.items() if value})
    )
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    first, *others = columns([_COLUMNS, *map(_row, found)])
    out.print(Text(first, style="bold"))
    for line in others:
        out.print(line)


@providers.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def show_provider(context: click.Context, name: str, as_json: bool) -> None:
    """Show one provider with its quotas and all that it offers."""
    found = client_of(context).provider(name)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for entry in found["entries"]:
        for line in _details(entry):
            out.print(line)


@providers.command()
@click.argument("file", type=_FILE)
@click.option("--input", "-i", "pairs", multiple=True, metavar="NAME=VALUE", help="An input.")
@click.option("--group", "-g", help="User group in whose name to ask.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def why(
    context: click.Context, file: Path, pairs: tuple[str, ...], group: str | None, as_json: bool
) -> None:
    """Show who could host the TOSCA template FILE, in order, and why not the others.

    Nothing is deployed. Exit status 2 when no provider can host it.
    """
    found = client_of(context).dry_run(template_text(file), parsed_inputs(pairs), userGroup=group)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        show_dry_run(found)
    context.exit(0 if found["providers"] else 2)


@providers.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...]) -> None:
    """Check provider files, all faults at once; no service is asked.

    Exit status 1 when there is a fault: then a worker keeps the files that it has.
    """
    try:
        found = provider_files.read(files)
    except ConfigurationError as exc:
        for fault in exc.message.splitlines():
            click.echo(fault, err=True)
        context.exit(1)
    kinds = {"openstack": found.openstack, "kubernetes": found.kubernetes, "static": found.static}
    counts = ", ".join(f"{len(entries)} {kind}" for kind, entries in kinds.items() if entries)
    click.echo(f"no fault: {counts or 'no provider'}, {len(found.agreements)} agreements")


@providers.command()
def schema() -> None:
    """Print the JSON Schema of a provider file; editors check with it while one is written."""
    click.echo(json.dumps(json_schema(), indent=2))


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    quotas = {line["resource"]: line for line in one["quotas"] if not line["perUser"]}
    share = one["health"]["failureShare7d"]
    return (
        one["name"],
        one["region"],
        one["project"],
        one["type"],
        one["userGroup"],
        "stale" if one["stale"] else one["status"],
        one.get("sla", {}).get("end", "-"),
        _free(quotas.get("cores")),
        _free(quotas.get("ram")),
        "-" if share < 0 else f"{100 * (1 - share):.0f} %",
        f"{one['ageSeconds']:.0f} s ago",
    )


def _free(line: dict[str, Any] | None) -> str:
    if line is None:
        return "-"
    return _number(line["free"])


def _number(value: float) -> str:
    return "unlimited" if value < 0 else f"{value:g}"


def _details(one: dict[str, Any]) -> Iterator[Text | str]:
    yield Text(f"{one['name']} ({one['region']}, {one['project']})", style="bold")
    sla = one.get("sla", {})
    yield f"  {one['type']} at {one['endpoint']}, {one['status']}{', stale' * one['stale']}"
    yield f"  for {one['userGroup']} of {one.get('issuer', 'any issuer')}"
    if sla:
        days = f"{sla.get('start', 'ever')} to {sla.get('end', 'ever')}"
        yield f"  agreement {sla.get('id', '-')}, {days}"
    for part in one.get("unknownParts", ()):
        yield Text(f"  {part}: never read", style="yellow")
    for part, since in one.get("keptParts", {}).items():
        yield Text(f"  {part}: as of {since}", style="yellow")
    rows = [_QUOTA_COLUMNS]
    rows += [
        (
            line["resource"] + " per user" * line["perUser"],
            _number(line["limit"]),
            f"{line['used']:g}",
            _number(line["free"]),
        )
        for line in one["quotas"]
    ]
    yield from (f"  {line}" for line in columns(rows))
    for name in _LISTS:
        if one[name]:
            yield f"  {name}: {', '.join(each['name'] for each in one[name])}"
