"""`paas-stream up` and `stop`: everything on this machine."""

import shutil
import sys
from pathlib import Path

import click

from paas_stream.client import Client, Tls
from paas_stream.errors import ConfigurationError
from paas_stream.local import supervisor
from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.local.processes import BackgroundProcess, Launch
from paas_stream.selection import provider_files
from paas_stream.settings import Settings, get_settings

START_TIMEOUT_S = 180.0
_MOST_WORKERS = 32
_STOP_TIMEOUT_S = 150.0  # workers, then IM, then Kafka


@click.command()
@click.option("--workers", type=click.IntRange(1, _MOST_WORKERS), default=1, show_default=True)
@click.option("--background", is_flag=True, help="Return when every worker is ready.")
@click.option("--fresh", is_flag=True, help="Delete what earlier runs left in the state directory.")
def up(workers: int, background: bool, fresh: bool) -> None:
    """Run Kafka, IM and the workers; Ctrl-C stops all of it."""
    settings = get_settings()
    provider_files.read(settings.feeder.files)  # faults are told before anything is started
    if fresh:
        _stop(settings)
        _delete_state(settings.state.dir)
    if not background:
        supervisor.supervise(settings, workers, click.echo)
        return
    urls = [
        f"{settings.tls.scheme}://127.0.0.1:{settings.web.port + number}"
        for number in range(workers)
    ]
    tls = Tls.of(settings.tls)
    started = _background(settings).start(
        lambda: Launch(
            command=[sys.executable, "-m", "paas_stream.cli.main", "up", "--workers", str(workers)],
            directory=Path.cwd(),
        ),
        lambda: all(Client(url, tls=tls).is_ready() for url in urls),
        START_TIMEOUT_S,
    )
    click.echo(f"{'ready' if started else 'running already'}: {', '.join(urls)}")


@click.command()
def stop() -> None:
    """Stop what `up` has started, and the local services."""
    _stop(get_settings())


def _stop(settings: Settings) -> None:
    if _background(settings).stop(_STOP_TIMEOUT_S):
        click.echo("the workers and services are stopped")
    for number in range(_MOST_WORKERS):
        supervisor.Worker(settings, number).stop()  # left over when a supervisor was killed
    if settings.im.url is None and EmbeddedIm(settings).is_running():
        click.echo(EmbeddedIm(settings).stop())
    if settings.kafka.url is None and EmbeddedKafka(settings).is_running():
        click.echo(EmbeddedKafka(settings).stop())


def _delete_state(folder: Path) -> None:
    """Delete a state directory; a folder that is none is left alone."""
    known = {"kafka", "im", "workers", "keys", "up"}
    if not folder.exists():
        return
    strangers = [entry.name for entry in folder.iterdir() if entry.name not in known]
    if strangers:
        raise ConfigurationError(
            f"{folder} holds {', '.join(sorted(strangers))}, so it is not deleted: it does not "
            "look like a state directory"
        )
    shutil.rmtree(folder)


def _background(settings: Settings) -> BackgroundProcess:
    return BackgroundProcess("paas-stream up", settings.state.dir / "up")
