"""`update`, `reset`, `resources`, actions, `template`, `log`: of a deployment that is there."""

import json
from pathlib import Path
from typing import Literal

import click

from paas_stream.cli.deployments import (
    WAIT_S,
    follow,
    parsed_inputs,
    show_deployment,
    template_text,
)
from paas_stream.cli.options import client_of
from paas_stream.cli.output import columns


@click.command()
@click.argument("uuid")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--input", "-i", "pairs", multiple=True, metavar="NAME=VALUE", help="An input.")
@click.option("--timeout", type=click.IntRange(1), help="Overall time-out, minutes.")
@click.option("--wait", is_flag=True, help="Show the steps until it has ended.")
@click.pass_context
def update(
    context: click.Context,
    uuid: str,
    file: Path,
    pairs: tuple[str, ...],
    timeout: int | None,
    wait: bool,
) -> None:
    """Bring a deployment to what the TOSCA template FILE says.

    Inputs that are not given stay as they are. With --wait, exit status 2 when it fails.
    """
    client = client_of(context)
    client.update(uuid, template_text(file), parsed_inputs(pairs), timeoutMins=timeout)
    if not wait:
        return
    ended = follow(client, uuid, WAIT_S)
    show_deployment(ended)
    if not ended["status"].endswith("_COMPLETE"):
        context.exit(2)


@click.command()
@click.argument("uuid")
@click.pass_context
def reset(context: click.Context, uuid: str) -> None:
    """Give up a delete that does not end.

    The deployment becomes DELETE_FAILED, and can be deleted again. What it has at a provider may be
    left there.
    """
    client_of(context).give_up_delete(uuid)


@click.command()
@click.argument("uuid")
@click.option("--type", "-t", "tosca_type", help="Only those of this type or one derived from it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one resource a line.")
@click.pass_context
def resources(context: click.Context, uuid: str, tosca_type: str | None, as_json: bool) -> None:
    """List the nodes of a deployment."""
    found = client_of(context).resources(uuid, tosca_type)
    if as_json:
        for one in found:
            click.echo(json.dumps(one))
        return
    rows = [("uuid", "state", "node", "type")]
    rows += [
        (one["uuid"], one["state"], one["toscaNodeName"], one["toscaNodeType"]) for one in found
    ]
    for line in columns(rows):
        click.echo(line)


def _act(
    context: click.Context,
    uuid: str,
    resource: str,
    action: Literal["start", "stop", "reconfigure"],
) -> None:
    client_of(context).act(uuid, resource, action)


@click.command()
@click.argument("uuid")
@click.argument("resource")
@click.pass_context
def start(context: click.Context, uuid: str, resource: str) -> None:
    """Start a machine of a deployment."""
    _act(context, uuid, resource, "start")


@click.command()
@click.argument("uuid")
@click.argument("resource")
@click.pass_context
def halt(context: click.Context, uuid: str, resource: str) -> None:
    """Stop a machine of a deployment."""
    _act(context, uuid, resource, "stop")


@click.command()
@click.argument("uuid")
@click.argument("resource", required=False)
@click.pass_context
def reconfigure(context: click.Context, uuid: str, resource: str | None) -> None:
    """Configure a deployment's machines once more.

    With RESOURCE only that one, otherwise all that run.
    """
    if resource is None:
        client_of(context).reconfigure(uuid)
    else:
        _act(context, uuid, resource, "reconfigure")


@click.command()
@click.argument("uuid")
@click.pass_context
def template(context: click.Context, uuid: str) -> None:
    """Print the template that a deployment was made from."""
    click.echo(client_of(context).template(uuid), nl=False)


@click.command()
@click.argument("uuid")
@click.pass_context
def log(context: click.Context, uuid: str) -> None:
    """Print what the Infrastructure Manager has logged."""
    click.echo(client_of(context).log(uuid), nl=False)
