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
    "template_text",
    "templates",
]

faults.install()
metrics.install()
