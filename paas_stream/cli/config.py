"""`paas-stream config`: the settings in force."""

import click
from pydantic import BaseModel

from paas_stream.settings import get_settings


@click.command()
def config() -> None:
    """Print every setting in force as an environment variable; secrets are not shown."""
    settings = get_settings()
    for subject in type(settings).model_fields:
        value = getattr(settings, subject)
        if not isinstance(value, BaseModel):
            click.echo(f"PAAS_{subject.upper()}={value}")
            continue
        for name in type(value).model_fields:
            shown = getattr(value, name)
            click.echo(f"PAAS_{subject.upper()}_{name.upper()}={'' if shown is None else shown}")
