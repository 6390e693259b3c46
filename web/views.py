"""All routes of the REST API."""

from web import (
    callers,
    components,
    deployment_resources,
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
    texts,
)

__all__ = [
    "components",
    "deployment_resources",
    "deployments",
    "events",
    "health",
    "metrics",
    "pages",
    "providers",
    "ranking",
    "templates",
    "texts",
]

faults.install()
metrics.install()
edge.install()
callers.install()
