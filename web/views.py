"""All routes of the REST API."""

from web import (
    components,
    deployments,
    edge,
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
metrics.install()
edge.install()
