"""Reads what a namespace of a Kubernetes cluster offers, with the official client.

The client blocks, so each reading runs in a thread. A call that fails costs its parts only.
"""

import json
from collections.abc import Mapping
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from paas_stream.clients.site_calls import Call, Calls, Rows
from paas_stream.selection import kubernetes_parts
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.readings import Reading, Site

QUOTA_PARTS = ("quotas/compute", "quotas/block-storage", "quotas/storageclass")
_MOST = 500  # of what is listed
_LONGEST_REASON = 300


def read(site: Site, credentials: Credentials | None, timeout_s: float, calls: Calls) -> Reading:
    """Read the namespace that the site's project names; blocks for two calls at most."""
    with client.ApiClient(configuration(site, credentials)) as api:
        refusals = (client.ApiException, HTTPError, OSError)
        return calls.make(questions(site, api, timeout_s), refusals, _said)


def configuration(site: Site, credentials: Credentials | None) -> client.Configuration:
    """Where the API is, and how to log in. Only tokens are a way in."""
    made = client.Configuration(host=site.provider.auth_url.rstrip("/"))
    ca = getattr(site.provider, "ca_path", None)
    made.ssl_ca_cert = str(ca) if ca is not None else None
    made.retries = False
    if credentials is not None and credentials.token is not None:
        made.api_key = {"authorization": f"Bearer {credentials.token}"}
    return made


def questions(site: Site, api: client.ApiClient, timeout_s: float) -> tuple[Call, ...]:
    """What is asked about a namespace."""
    options: dict[str, Any] = {
        "limit": _MOST,
        "_request_timeout": timeout_s,
        "_preload_content": False,
    }
    namespace = site.project.id
    return (
        Call(
            QUOTA_PARTS,
            lambda: _quotas(
                client.CoreV1Api(api).list_namespaced_resource_quota(namespace, **options)
            ),
        ),
        Call(
            ("storage_classes",),
            lambda: _classes(client.StorageV1Api(api).list_storage_class(**options)),
        ),
    )


def _items(answer: Any) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = json.loads(answer.data)["items"]
    return items


def _classes(answer: Any) -> dict[str, Rows]:
    return {"storage_classes": kubernetes_parts.storage_classes(_items(answer))}


def _quotas(answer: Any) -> dict[str, Rows]:
    rows = kubernetes_parts.quotas(_items(answer))
    return {
        part: tuple(row for row in rows if f"quotas/{row.type}" == part) for part in QUOTA_PARTS
    }


def _said(exc: Exception) -> str:
    """A refusal in the API's own words, without what else its answer holds."""
    if not isinstance(exc, client.ApiException):
        return f"no answer ({type(exc).__name__})"
    try:
        said = str(json.loads(exc.body or "{}").get("message") or exc.reason)
    except (ValueError, AttributeError):
        said = str(exc.reason)
    return f"{exc.status}: {said[:_LONGEST_REASON]}"
