"""`paas-stream config`: the settings in force."""

import json

import click
from pydantic import BaseModel

from paas_stream.settings import get_settings


@click.command()
def config() -> None:
    """Print every setting in force as an environment variable; secrets are not shown."""
    settings = get_settings()
    shown = settings.model_dump(mode="json")
    for subject in type(settings).model_fields:
        if not isinstance(getattr(settings, subject), BaseModel):
            click.echo(f"PAAS_{subject.upper()}={_text(shown[subject])}")
            continue
        for name, value in shown[subject].items():
            click.echo(f"PAAS_{subject.upper()}_{name.upper()}={_text(value)}")


def _text(value: object) -> str:
    """As the environment has it: text and numbers as they are, all else as JSON."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict | bool) else str(value)
