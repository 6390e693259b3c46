"""`paas-stream worker`: one worker in the foreground."""

import gc

import click

from paas_stream.settings import get_settings


def check_configuration() -> None:
    """Read keys and other files before anything is started: a fault is told in sentences."""
    from agents import callback_effects
    from agents.provider_configuration import federation
    from paas_stream.secrets import vault

    vault()
    federation()
    callback_effects.client()


def quieten_collector() -> None:
    """Let the garbage collector leave out what is there now, and look less often at the rest.

    Modules and types stay for ever, and there are very many of them: to look at them again and again
    costs a seventh of a worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@click.command()
def worker() -> None:
    """Run one worker of the application until SIGTERM or Ctrl-C."""
    settings = get_settings()  # a wrong one is told before anything heavy is loaded
    import uvloop

    uvloop.install()  # before the application is made, which asks for the event loop
    from paas_stream.app import app
    from paas_stream.durable.worker import Worker
    from web import access_log

    app.finalize()
    app.discover()
    check_configuration()
    quieten_collector()
    program = Worker(app, loglevel=settings.stream.log_level)
    program.spinner = None  # with it, and a level above `info`, every debug line is formatted
    if settings.edge.access_log:
        access_log.to_standard_output()
    program.execute_from_commandline()
