"""Options that several commands share."""

from typing import Any

import click

from paas_stream.client import Client, Tls
from paas_stream.settings import get_settings


def client_of(context: click.Context) -> Client:
    """The client for `--url` and `--token`."""
    given: dict[str, Any] = context.find_root().obj or {}
    settings = get_settings()
    url = given.get("url") or settings.web.url or settings.local_url
    return Client(url, given.get("token"), Tls.of(settings.tls))
