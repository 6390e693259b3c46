"""All routes of the REST API."""

from web import (
    components,
    deployments,
    error_records,
    events,
    faults,
    health,
    metrics,
    pages,
    providers,
    ranking,
    ssh_key,
    statistics,
    stored_templates,
    template_text,
    templates,
)

__all__ = [
    "components",
    "deployments",
    "error_records",
    "events",
    "health",
    "metrics",
    "pages",
    "providers",
    "ranking",
    "ssh_key",
    "statistics",
    "stored_templates",
    "template_text",
    "templates",
]

faults.install()
metrics.install()
