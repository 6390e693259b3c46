"""`paas-stream worker`: one worker in the foreground."""

import click

from paas_stream.settings import get_settings


def check_configuration() -> None:
    """Read keys and provider files before anything is started: a fault is told in sentences."""
    from agents.provider_configuration import federation
    from paas_stream.secrets import vault

    vault()
    federation()


@click.command()
def worker() -> None:
    """Run one worker of the application until SIGTERM or Ctrl-C."""
    settings = get_settings()  # a wrong one is told before anything heavy is loaded
    import faust
    import uvloop

    uvloop.install()  # before the application is made, which asks for the event loop
    from paas_stream.app import app

    app.finalize()
    app.discover()
    check_configuration()
    program = faust.Worker(app, loglevel=settings.stream.log_level)
    program.spinner = None  # with it, and a level above `info`, every debug line is formatted
    program.execute_from_commandline()
