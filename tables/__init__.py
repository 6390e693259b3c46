"""The tables: each is written by one agent, by whole rows, and read by views and that agent.

Names are exactly those of the changelogs; all are declared here so that a worker knows them at start.
"""

from paas_stream.app import app
from paas_stream.durable.tables import global_table, table
from tables import deployments, dispatches, providers

__all__ = ["deployments", "dispatches", "providers"]

_PARTITIONS = app.settings.stream.partitions

# Declared so that their changelogs exist; the boxes that own them do not write yet.
quota_holds = table(app, "quota_holds", 1)
training_rows = table(app, "training_rows", _PARTITIONS)
provider_health = global_table(app, "provider_health")
provider_history = global_table(app, "provider_history")
models = global_table(app, "models")
stored_templates = global_table(app, "stored_templates")
user_keys = global_table(app, "user_keys")
components = global_table(app, "components")
