"""Options that several commands share."""

from typing import Any

import click

from paas_stream.client import Client
from paas_stream.settings import get_settings


def client_of(context: click.Context) -> Client:
    """The client for `--url` and `--token`."""
    given: dict[str, Any] = context.find_root().obj or {}
    web = get_settings().web
    url = given.get("url") or web.url or f"http://{web.host}:{web.port}"
    return Client(url, given.get("token"))
