"""`paas-stream`: the command line."""

from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from paas_stream import __version__
from paas_stream.errors import PaasError


class Entry(NamedTuple):
    """A command that is not loaded yet."""

    place: str  # module of this package, and the command's name in it
    line: str  # in the list of commands


COMMANDS: Final = {
    "up": Entry("up:up", "Run Kafka, IM and the workers; Ctrl-C stops all of it."),
    "stop": Entry("up:stop", "Stop what `up` has started, and the local services."),
    "submit": Entry("deployments:submit", "Deploy the TOSCA template FILE."),
    "validate": Entry("validate:validate", "Check the TOSCA template FILE; nothing is deployed."),
    "types": Entry("types:types", "The type definitions that templates may import."),
    "show": Entry("deployments:show", "Show one deployment."),
    "list": Entry("deployments:list_", "List the deployments, newest first."),
    "events": Entry("deployments:events", "Show what happened to a deployment."),
    "providers": Entry("providers:providers", "The providers of the federation."),
    "ranking": Entry("ranking:ranking", "Show in which order providers are tried, and why."),
    "train": Entry("train:train", "Train the AI-ranker's model on past attempts."),
    "models": Entry("models:models", "The ranking models that are kept, and which one is live."),
    "simulate": Entry(
        "simulate:simulate", "Compare orders of the providers in simulated federations."
    ),
    "delete": Entry("deployments:delete", "Delete deployments."),
    "update": Entry("day_two:update", "Bring a deployment to what the TOSCA template FILE says."),
    "reset": Entry("day_two:reset", "Give up a delete that does not end."),
    "resources": Entry("day_two:resources", "List the nodes of a deployment."),
    "start": Entry("day_two:start", "Start a machine of a deployment."),
    "halt": Entry("day_two:halt", "Stop a machine of a deployment."),
    "reconfigure": Entry("day_two:reconfigure", "Configure a deployment's machines once more."),
    "template": Entry("day_two:template", "Print the template that a deployment was made from."),
    "log": Entry("day_two:log", "Print what the Infrastructure Manager has logged."),
    "templates": Entry("kept:templates", "The templates that the service keeps for all users."),
    "ssh-key": Entry("kept:ssh_key", "Your SSH public key, which templates can put on machines."),
    "topics": Entry("topics:topics", "Look at the topics."),
    "errors": Entry(
        "errors:errors", "Look at what went wrong, and send the records concerned again."
    ),
    "reconcile": Entry("reconcile:reconcile", "Compare the IM with the deployments."),
    "keys": Entry("keys:keys", "The keys that secrets in messages and tables are sealed for."),
    "config": Entry("config:config", "Print every setting in force."),
    "worker": Entry("worker:worker", "Run one worker of the application."),
    "kafka": Entry("services:kafka", "The embedded Kafka broker of this machine."),
    "im": Entry("services:im", "The embedded Infrastructure Manager of this machine."),
}


class LazyGroup(click.Group):
    """Loads a command when it is used: each brings libraries that the others do not need.

    Errors of ours are told in one sentence, without a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        found: click.Command = getattr(import_module(f"paas_stream.cli.{module}"), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, for which nothing is loaded."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PaasError as exc:
            click.echo(f"paas-stream: {exc.message}", err=True)
            ctx.exit(1)


@click.group(cls=LazyGroup)
@click.version_option(__version__)
@click.option("--url", envvar="PAAS_URL", help="The service; default: the one of this machine.")
@click.option("--token", envvar="PAAS_TOKEN", help="The caller's access token.")
@click.pass_context
def cli(context: click.Context, url: str | None, token: str | None) -> None:
    """Deploy TOSCA templates on the providers of a federation."""
    context.obj = {"url": url, "token": token}


def main() -> None:
    """Entry point."""
    cli()


if __name__ == "__main__":
    main()
