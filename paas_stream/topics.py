"""The topics of the application: what each is called, keyed by, kept for and carries.

`name` is the mission's word, used everywhere in the code; the name on the broker may be another
one (setting `PAAS_TOPICS`), because the federation's brokers disagree about names.
"""

from dataclasses import dataclass
from typing import Final

from paas_stream import records
from paas_stream.settings import Settings

DAY_MS: Final = 24 * 3600 * 1000


@dataclass(frozen=True)
class TopicSpec:
    """One topic."""

    name: str
    model: type[records.Message]
    per_deployment: bool  # keyed by uuid, with the partition count of all such topics
    compact: bool = False  # the last record of each key is kept for ever
    retention_days: int = 31  # of topics that are not compacted
    internal: bool = False  # no other program is meant to read or write it

    def broker_name(self, settings: Settings) -> str:
        """The topic's name on the broker."""
        return settings.topics.get(self.name, self.name)

    def partitions(self, settings: Settings) -> int:
        """The number of partitions it has."""
        return settings.stream.partitions if self.per_deployment else 1

    def config(self, settings: Settings) -> dict[str, str]:
        """Its configuration on the broker."""
        config = {"min.insync.replicas": str(settings.kafka.min_insync)}
        if self.compact:
            return config | {"cleanup.policy": "compact"}
        retention = str(self.retention_days * DAY_MS)
        return config | {"cleanup.policy": "delete", "retention.ms": retention}


TEMPLATE = "template"
VALIDATED_TEMPLATES = "validated-templates"
INFERENCE = "inference"
RANKED_PROVIDERS = "ranked-providers"
DEPLOYMENT_RESULTS = "deployment-results"
DEPLOYMENT_COMMANDS = "deployment-commands"
ERRORS = "errors"
PROCEDURE_STATUS = "procedure-status"
DISPATCH_EVENTS = "dispatch-events"
TRACKER_EVENTS = "tracker-events"
QUOTA_REQUESTS = "quota-requests"
FEEDER = "feeder"
RALLY = "rally"
TRAINING = "training"
MODELS = "models"
COMPONENT_STATUS = "component-status"
STORED_TEMPLATES = "stored-templates"
USER_KEYS = "user-keys"

TOPICS: Final[dict[str, TopicSpec]] = {
    spec.name: spec
    for spec in (
        TopicSpec(TEMPLATE, records.Template, per_deployment=True),
        TopicSpec(VALIDATED_TEMPLATES, records.ValidatedTemplate, per_deployment=True),
        TopicSpec(INFERENCE, records.Inference, per_deployment=True),
        TopicSpec(RANKED_PROVIDERS, records.RankedProviders, per_deployment=True),
        TopicSpec(DEPLOYMENT_RESULTS, records.DeploymentResult, per_deployment=True),
        TopicSpec(DEPLOYMENT_COMMANDS, records.Command, per_deployment=True),
        TopicSpec(ERRORS, records.ErrorRecord, per_deployment=True),
        TopicSpec(PROCEDURE_STATUS, records.ProcedureStatus, per_deployment=True),
        TopicSpec(DISPATCH_EVENTS, records.DispatchEvent, per_deployment=True, internal=True),
        TopicSpec(TRACKER_EVENTS, records.TrackerEvent, per_deployment=True, internal=True),
        TopicSpec(QUOTA_REQUESTS, records.Message, per_deployment=False, internal=True),
        TopicSpec(FEEDER, records.Feeder, per_deployment=False, retention_days=7),
        TopicSpec(RALLY, records.Message, per_deployment=False),
        TopicSpec(TRAINING, records.Message, per_deployment=False, compact=True),
        TopicSpec(MODELS, records.Message, per_deployment=False, compact=True),
        TopicSpec(COMPONENT_STATUS, records.ComponentStatus, per_deployment=False, compact=True),
        TopicSpec(STORED_TEMPLATES, records.Message, per_deployment=False, compact=True),
        TopicSpec(USER_KEYS, records.Message, per_deployment=False, compact=True),
    )
}
