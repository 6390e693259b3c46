"""`paas-stream types ...`: what the imports of templates stand for."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from paas_stream.cli.output import columns, out
from paas_stream.errors import ConfigurationError
from paas_stream.settings import get_settings
from paas_stream.tosca import vetted


@click.group()
def types() -> None:
    """The type definitions that templates may import."""


@types.command()
@click.argument("url")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add(url: str, file: Path) -> None:
    """Let templates import the TOSCA type definitions in FILE as URL.

    The file is checked and copied. Workers see it at the next template. Later definitions of the
    same URL take the place of earlier ones.
    """
    with file.open("rb") as stream:
        content = stream.read(vetted.LIMITS.max_bytes + 1)
    try:
        one, warnings = vetted.add(directory(), url, content)
    except OSError as exc:
        raise ConfigurationError(f"{directory()} cannot be written: {exc.strerror}") from exc
    for warning in warnings:
        click.echo(f"warning: {warning}; the last one counts", err=True)
    out.print(f"{one.url}: {one.types} types, sha256 {one.sha256}")


@types.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with whole check sums.")
def list_(as_json: bool) -> None:
    """Show which imports are known: added files first, then what comes with the project."""
    files = vetted.Vetted(directory()).files()
    if as_json:
        out.print(json.dumps([asdict(one) for one in files], indent=2))
        return
    rows = [("IMPORT", "TYPES", "SHA256", "FILE")]
    rows += [
        (one.url, str(one.types), one.sha256[:12], one.file or "comes with the project")
        for one in files
    ]
    for line in columns(rows):
        out.print(line)


def directory() -> Path:
    """Where added type files are kept."""
    settings = get_settings()
    return settings.parser.types or settings.state.dir / "types"
