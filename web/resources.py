"""What clients get: deployments, pages and timelines as the contract shapes them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from paas_stream.lifecycle import representation
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.timeline import Timeline, TimelineEvent


def deployment(
    row: DeploymentRow, base: str, open_outputs: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """The resource; fields without value are left out. `base` is the service's own URL."""
    here = f"{base}/deployments/{row.uuid}"
    links = [
        {"rel": "self", "href": here},
        {"rel": "resources", "href": f"{here}/resources"},
        {"rel": "template", "href": f"{here}/template"},
    ]
    return representation.deployment(row, representation.outputs(row.outputs, open_outputs)) | {
        "links": links
    }


def page(
    content: Iterable[dict[str, Any]],
    *,
    number: int,
    size: int,
    total: int,
    url: str,
    query: str,
    after: str | None = None,
    next_after: str | None = None,
    has_next: bool | None = None,
) -> dict[str, Any]:
    """A page of a list, with links to its neighbours.

    `after` is the bookmark that this page begins behind, `next_after` that of the next one; both may
    go without. `has_next`: whether there is a next one; None: the numbers say so.
    """
    pages = max(1, -(-total // size))
    rest = f"&{query}" if query else ""

    def link(rel: str, target: int, bookmark: str | None = None) -> dict[str, str]:
        behind = f"&after={bookmark}" if bookmark else ""
        return {"rel": rel, "href": f"{url}?page={target}&size={size}{rest}{behind}"}

    links = [link("first", 0), link("self", number, after), link("last", pages - 1)]
    if number > 0:
        links.insert(1, link("prev", number - 1))
    if number < pages - 1 if has_next is None else has_next:
        links.insert(-1, link("next", number + 1, next_after))
    return {
        "links": links,
        "content": list(content),
        "page": {"size": size, "totalElements": total, "totalPages": pages, "number": number},
    }


def events(timeline: Timeline) -> list[dict[str, Any]]:
    """The timeline, oldest first."""
    return [event(one) for one in timeline.ordered]


def event(one: TimelineEvent) -> dict[str, Any]:
    """One entry of the timeline; fields without value are left out."""
    fields = {
        "id": one.id,
        "time": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
        "component": one.component,
        "step": one.step,
        "status": one.status,
        "message": one.message,
        "attempt": one.attempt,
        "provider": one.provider_name,
        "region": one.region_name,
        "durationSeconds": one.duration_s,
    }
    return {name: value for name, value in fields.items() if value is not None}


def status(row: DeploymentRow) -> dict[str, Any]:
    """What an event stream says of a deployment when it changes."""
    fields = {
        "uuid": row.uuid,
        "status": row.status.value,
        "statusReason": row.status_reason,
        "task": row.task.value,
        "provider": row.provider_name,
        "region": row.region_name,
    }
    return {name: value for name, value in fields.items() if value is not None}
