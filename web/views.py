"""All routes of the REST API."""

from web import (
    components,
    deployments,
    events,
    faults,
    health,
    metrics,
    pages,
    providers,
    ranking,
    ssh_key,
    stored_templates,
    template_text,
    templates,
)

__all__ = [
    "components",
    "deployments",
    "events",
    "health",
    "metrics",
    "pages",
    "providers",
    "ranking",
    "ssh_key",
    "stored_templates",
    "template_text",
    "templates",
]

faults.install()
metrics.install()
