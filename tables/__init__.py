"""The tables: each is written by one agent, by whole rows, and read by views and that agent.

Names are exactly those of the changelogs; all are declared here so that a worker knows them at start.
"""

from tables import (
    components,
    deployments,
    dispatches,
    error_records,
    health,
    models,
    providers,
    quota_holds,
    ranker,
    stored_templates,
    template_texts,
    training,
    user_keys,
)

__all__ = [
    "components",
    "deployments",
    "dispatches",
    "error_records",
    "health",
    "models",
    "providers",
    "quota_holds",
    "ranker",
    "stored_templates",
    "template_texts",
    "training",
    "user_keys",
]
