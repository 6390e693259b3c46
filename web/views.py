"""All routes of the REST API."""

from web import (
    actions,
    callers,
    components,
    deployment_resources,
    deployments,
    edge,
    error_records,
    events,
    faults,
    health,
    metrics,
    openapi,
    pages,
    providers,
    ranking,
    reconcile,
    ssh_key,
    statistics,
    stored_templates,
    template_text,
    templates,
    texts,
)

__all__ = [
    "actions",
    "components",
    "deployment_resources",
    "deployments",
    "error_records",
    "events",
    "health",
    "metrics",
    "openapi",
    "pages",
    "providers",
    "ranking",
    "reconcile",
    "ssh_key",
    "statistics",
    "stored_templates",
    "template_text",
    "templates",
    "texts",
]

faults.install()
metrics.install()
edge.install()
callers.install()
