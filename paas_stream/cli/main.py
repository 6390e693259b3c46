"""`paas-stream`: the command line."""

import sys

import click

from paas_stream import __version__
from paas_stream.cli import services
from paas_stream.cli.worker import worker
from paas_stream.errors import PaasError


@click.group()
@click.version_option(__version__)
def cli() -> None:
    """Deploy TOSCA templates on the providers of a federation."""


cli.add_command(services.kafka)
cli.add_command(services.im)
cli.add_command(worker)


def main() -> None:
    """Entry point: errors of ours are told in one sentence, without a traceback."""
    try:
        cli()
    except PaasError as exc:
        click.echo(f"paas-stream: {exc.message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
