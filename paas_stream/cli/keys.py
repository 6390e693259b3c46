"""`paas-stream keys ...`: the keys that secrets in messages and tables are sealed for."""

import json
from datetime import UTC, datetime
from typing import Any

import click

from paas_stream import secrets
from paas_stream.cli.output import columns
from paas_stream.settings import get_settings


@click.group()
def keys() -> None:
    """The keys that secrets in messages and tables are sealed for."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(as_json: bool) -> None:
    """List the keys; the first one seals, all of them open."""
    found = secrets.keys_of(secrets.read_keys(secrets.key_file(get_settings())))
    shown: list[dict[str, str]] = [
        {
            "id": str(key.kid or key.thumbprint()),
            "use": "seals and opens" if number == 0 else "opens",
            "since": _since(key.as_dict().get("iat")),
        }
        for number, key in enumerate(found)
    ]
    if as_json:
        for one in shown:
            click.echo(json.dumps(one))
        return
    rows = [
        ("id", "use", "since"),
        *((one["id"], one["use"], one["since"]) for one in shown),
    ]
    for line in columns(rows):
        click.echo(line)


def _since(moment: Any) -> str:
    if not isinstance(moment, int):
        return "-"
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


@keys.command()
def rotate() -> None:
    """Put a new key in front of the file PAAS_SECRET_KEYS_FILE (or that of this machine).

    Running workers take it from the file within seconds, without a restart. The old keys stay, since
    what they have sealed is still there. IM passwords do not change.
    """
    file = secrets.key_file(get_settings())
    click.echo(f"{secrets.rotate(file)} seals from now on; the keys are in {file}")
