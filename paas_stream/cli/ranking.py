"""`ranking`: in which order providers are tried; also what a dry run has found."""

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.text import Text

from paas_stream.cli.options import client_of
from paas_stream.cli.output import columns, out

_INSET = " " * 7


def lines(found: dict[str, Any]) -> Iterator[Text]:
    """A ranking in words."""
    providers = found["providers"]
    if providers:
        yield Text(f"order by {found['message']}", style="bold")
        rows: list[tuple[str, ...]] = [
            ("place", "provider", "region", "project", "score", "success", "time to succeed")
        ]
        rows += [_row(one) for one in providers]
        told = list(columns(rows))
        yield Text(told[0], style="bold")
        for line, one in zip(told[1:], providers, strict=True):
            yield Text(line)
            for reason in one["reasons"]:
                yield Text(_INSET + reason, style="dim")
    else:
        yield Text(found["message"], style="yellow")
    if found["discarded"]:
        yield Text("not chosen:", style="bold")
        rows = [("provider", "region", "project", "code", "why")]
        rows += [
            (one["provider"], one["region"], one.get("project", "-"), one["code"], one["reason"])
            for one in found["discarded"]
        ]
        head, *others = columns(rows)
        yield Text(head, style="bold")
        yield from map(Text, others)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    success = f"{100 * one['pSuccess']:.0f} %" if "pSuccess" in one else "-"
    seconds = f"{one['successSeconds']:.0f} s" if "successSeconds" in one else "-"
    place, score = str(one["place"]), f"{one['score']:.3f}"
    project = one.get("project", "-")
    return place, one["provider"], one["region"], project, score, success, seconds


def show(found: dict[str, Any]) -> None:
    """Print a ranking."""
    for line in lines(found):
        out.print(line)


def show_dry_run(found: dict[str, Any]) -> None:
    """Print what a dry run has found."""
    nodes = sum(one["count"] for one in found["requirements"])
    out.print(f"the template is valid: {nodes} nodes to be placed; nothing was deployed")
    for warning in found["warnings"]:
        out.print(Text(f"warning: {warning}", style="yellow"))
    show(found)


@click.command()
@click.argument("uuid")
@click.option("--json", "as_json", is_flag=True, help="Print the ranking as JSON.")
@click.pass_context
def ranking(context: click.Context, uuid: str, as_json: bool) -> None:
    """Show in which order providers are tried, and why."""
    found = client_of(context).ranking(uuid)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        show(found)
