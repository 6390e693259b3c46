"""`paas-stream`: the command line."""

import sys

import click

from paas_stream import __version__
from paas_stream.cli import config, deployments, services, topics, up, worker
from paas_stream.errors import PaasError

COMMANDS = (
    up.up,
    up.stop,
    worker.worker,
    services.kafka,
    services.im,
    deployments.submit,
    deployments.show,
    deployments.list_,
    deployments.delete,
    deployments.events,
    topics.topics,
    config.config,
)


@click.group()
@click.version_option(__version__)
@click.option("--url", envvar="PAAS_URL", help="The service; default: the one of this machine.")
@click.option("--token", envvar="PAAS_TOKEN", help="The caller's access token.")
@click.pass_context
def cli(context: click.Context, url: str | None, token: str | None) -> None:
    """Deploy TOSCA templates on the providers of a federation."""
    context.obj = {"url": url, "token": token}


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Entry point: errors of ours are told in one sentence, without a traceback."""
    try:
        cli()
    except PaasError as exc:
        click.echo(f"paas-stream: {exc.message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
