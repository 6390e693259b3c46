"""Reads what a namespace of a Kubernetes cluster offers, with the official client.

The client blocks, so each reading runs in a thread. A call that fails costs its parts only; when none
succeeds there is no reading at all, so that a cluster that cannot be reached becomes stale.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from paas_stream.errors import TemporaryError
from paas_stream.selection import kubernetes_parts
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.readings import Reading, Site

log = logging.getLogger(__name__)

QUOTA_PARTS = ("quotas/compute", "quotas/block-storage", "quotas/storageclass")
ABSENT_PARTS = ("flavors", "images", "networks", "quotas/networking", "quotas/object-store")
_MOST = 500  # of what is listed
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Call:
    """One question, and what its answer becomes."""

    parts: tuple[str, ...]  # that are not known when it fails
    ask: Callable[[], Any]
    read: Callable[[list[Mapping[str, Any]]], Mapping[str, tuple[Any, ...]]]


def read(site: Site, credentials: Credentials | None, timeout_s: float) -> Reading:
    """Read the namespace that the site's project names; blocks for two calls at most.

    Raises TemporaryError when nothing could be read.
    """
    with client.ApiClient(configuration(site, credentials)) as api:
        found = _read(calls(site, api, timeout_s))
    if not found.parts:
        raise TemporaryError(f"nothing could be read: {found.fault}", code="provider_unreachable")
    return found


def configuration(site: Site, credentials: Credentials | None) -> client.Configuration:
    """Where the API is, and how to log in. Only tokens are a way in."""
    made = client.Configuration(host=site.provider.auth_url.rstrip("/"))
    ca = getattr(site.provider, "ca_path", None)
    made.ssl_ca_cert = str(ca) if ca is not None else None
    made.retries = False
    if credentials is not None and credentials.token is not None:
        made.api_key = {"authorization": f"Bearer {credentials.token}"}
    return made


def calls(site: Site, api: client.ApiClient, timeout_s: float) -> tuple[Call, ...]:
    """All questions about a namespace."""
    options: dict[str, Any] = {
        "limit": _MOST,
        "_request_timeout": timeout_s,
        "_preload_content": False,
    }
    namespace = site.project.id
    return (
        Call(
            QUOTA_PARTS,
            lambda: client.CoreV1Api(api).list_namespaced_resource_quota(namespace, **options),
            _quotas,
        ),
        Call(
            ("storage_classes",),
            lambda: client.StorageV1Api(api).list_storage_class(**options),
            lambda listed: {"storage_classes": kubernetes_parts.storage_classes(listed)},
        ),
    )


def _quotas(listed: list[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    rows = kubernetes_parts.quotas(listed)
    return {
        part: tuple(row for row in rows if f"quotas/{row.type}" == part) for part in QUOTA_PARTS
    }


def _read(questions: tuple[Call, ...]) -> Reading:
    parts: dict[str, tuple[Any, ...]] = {}
    faults: dict[str, str] = {}
    for call in questions:
        try:
            listed = json.loads(call.ask().data)["items"]
            parts |= call.read(listed)
        except client.ApiException as exc:
            faults |= dict.fromkeys(call.parts, _refusal(exc))
        except (HTTPError, OSError) as exc:
            faults |= dict.fromkeys(call.parts, f"no answer ({type(exc).__name__})")
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            text = f"an answer that cannot be understood ({type(exc).__name__})"
            faults |= dict.fromkeys(call.parts, text)
    return Reading(parts, faults)


def _refusal(exc: client.ApiException) -> str:
    """In the API's own words, without what else its answer holds."""
    try:
        said = str(json.loads(exc.body or "{}").get("message") or exc.reason)
    except (ValueError, AttributeError):
        said = str(exc.reason)
    return f"{exc.status}: {said[:_LONGEST_REASON]}"
