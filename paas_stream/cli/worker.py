"""`paas-stream worker`: one worker in the foreground."""

import click


@click.command()
def worker() -> None:
    """Run one worker of the application until SIGTERM or Ctrl-C."""
    import faust  # heavy, and of no use to the other commands

    from paas_stream.app import app, settings

    app.finalize()
    app.discover()
    faust.Worker(app, loglevel=settings.stream.log_level).execute_from_commandline()
