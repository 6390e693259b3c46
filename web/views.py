"""All routes of the REST API."""

from web import (
    callers,
    components,
    deployments,
    events,
    faults,
    health,
    metrics,
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
    "pages",
    "providers",
    "ranking",
    "templates",
]

faults.install()
callers.install()
metrics.install()
