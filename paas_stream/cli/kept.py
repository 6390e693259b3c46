"""`templates` and `ssh-key`: what the service keeps for its users."""

from pathlib import Path

import click

from paas_stream.cli.deployments import template_text
from paas_stream.cli.options import client_of
from paas_stream.cli.output import columns
from paas_stream.errors import PermanentError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def templates() -> None:
    """The templates that the service keeps for all users."""


@templates.command("list")
@click.pass_context
def list_templates(context: click.Context) -> None:
    """List the stored templates."""
    rows = [("id", "name", "description")]
    rows += [
        (one["id"], one.get("name", "-"), one.get("description", "-"))
        for one in client_of(context).stored_templates()
    ]
    for line in columns(rows):
        click.echo(line)


@templates.command("add")
@click.argument("file", type=_FILE)
@click.option("--name", help="Default: the one in the template.")
@click.option("--description", help="Default: the one in the template.")
@click.pass_context
def add_template(
    context: click.Context, file: Path, name: str | None, description: str | None
) -> None:
    """Store the TOSCA template FILE; print its id. The same text has the same id."""
    kept = client_of(context).store_template(
        template_text(file), name=name, description=description
    )
    click.echo(kept["id"])


@templates.command("show")
@click.argument("key", metavar="ID")
@click.pass_context
def show_template(context: click.Context, key: str) -> None:
    """Print a stored template."""
    click.echo(client_of(context).stored_template(key)["template"], nl=False)


@templates.command("delete")
@click.argument("key", metavar="ID")
@click.pass_context
def delete_template(context: click.Context, key: str) -> None:
    """Delete a stored template; deployments made from it stay as they are."""
    client_of(context).forget_template(key)


@click.group("ssh-key")
def ssh_key() -> None:
    """Your SSH public key, which templates can put on machines."""


@ssh_key.command("show")
@click.pass_context
def show_key(context: click.Context) -> None:
    """Print the key that is stored."""
    click.echo(client_of(context).ssh_key()["publicKey"])


@ssh_key.command("set")
@click.argument("file", type=_FILE)
@click.pass_context
def set_key(context: click.Context, file: Path) -> None:
    """Store the public key in FILE, in the place of an older one."""
    text = template_text(file).strip()
    if "PRIVATE KEY" in text:
        raise PermanentError(
            f"{file} is a private key; the public one is beside it, in a .pub file"
        )
    client_of(context).set_ssh_key(text)


@ssh_key.command("delete")
@click.pass_context
def delete_key(context: click.Context) -> None:
    """Forget the key; machines that have it keep it."""
    client_of(context).forget_ssh_key()
