"""`paas-stream kafka ...` and `paas-stream im ...`: the local services of this machine."""

from collections.abc import Callable, Iterator
from typing import Protocol

import click

from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.settings import Settings, get_settings

NOT_RUNNING = 3  # exit status of `status`, as init scripts have it


class LocalService(Protocol):
    """What a local service can do; each answer is a sentence."""

    def install(self) -> str: ...
    def start(self) -> str: ...
    def stop(self) -> str: ...
    def status(self) -> str: ...
    def is_running(self) -> bool: ...
    def logs(self, lines: int, *, follow: bool) -> Iterator[str]: ...


def service_group(name: str, title: str, make: Callable[[Settings], LocalService]) -> click.Group:
    """The commands of one service."""

    @click.group(name, help=f"{title} of this machine.")
    def group() -> None: ...

    def service() -> LocalService:
        return make(get_settings())

    @group.command(help="Fetch the programs unless they are there.")
    def install() -> None:
        click.echo(service().install())

    @group.command(help="Start it, unless it runs, and wait until it answers.")
    def start() -> None:
        click.echo(service().start())

    @group.command(help="Stop it; its data stays.")
    def stop() -> None:
        click.echo(service().stop())

    @group.command(help=f"Say whether it runs; exit status {NOT_RUNNING} when it does not.")
    @click.pass_context
    def status(context: click.Context) -> None:
        one = service()
        click.echo(one.status())
        if not one.is_running():
            context.exit(NOT_RUNNING)

    @group.command(help="Show the end of its log.")
    @click.option("-n", "--lines", type=click.IntRange(0), default=50, show_default=True)
    @click.option("-f", "--follow", is_flag=True, help="Go on until it stops.")
    def logs(lines: int, follow: bool) -> None:
        for line in service().logs(lines, follow=follow):
            click.echo(line)

    return group


kafka = service_group("kafka", "The embedded Kafka broker", EmbeddedKafka)
im = service_group("im", "The embedded Infrastructure Manager", EmbeddedIm)
