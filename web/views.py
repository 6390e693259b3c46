"""All routes of the REST API."""

from web import (
    components,
    deployments,
    events,
    faults,
    health,
    metrics,
    openapi,
    pages,
    providers,
    ranking,
    templates,
)

__all__ = [
    "components",
    "deployments",
    "events",
    "health",
    "metrics",
    "openapi",
    "pages",
    "providers",
    "ranking",
    "templates",
]

faults.install()
metrics.install()
