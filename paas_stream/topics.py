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
    written_by: tuple[str, ...]  # boxes, by the names that they have in `errors`
    read_by: tuple[str, ...]
    per_deployment: bool  # keyed by uuid, with the partition count of all such topics
    key: str = "uuid"  # what the key consists of
    compact: bool = False  # the last record of each key is kept for ever
    retention_days: int = 31  # of topics that are not compacted
    internal: bool = False  # no other program is meant to read or write it

    @property
    def has_messages(self) -> bool:
        """Whether it is known what it carries; the others are only declared so far."""
        return self.model is not records.Message

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

EVERY_BOX: Final = ("every box",)  # that does a step, or can fail

TOPICS: Final[dict[str, TopicSpec]] = {
    spec.name: spec
    for spec in (
        TopicSpec(
            TEMPLATE,
            records.Template,
            written_by=("rest-api",),
            read_by=("template-parser", "deployment-tracker"),
            per_deployment=True,
        ),
        TopicSpec(
            VALIDATED_TEMPLATES,
            records.ValidatedTemplate,
            written_by=("template-parser",),
            read_by=("provider-selector", "im-dispatcher", "deployment-tracker"),
            per_deployment=True,
        ),
        TopicSpec(
            INFERENCE,
            records.Inference,
            written_by=("provider-selector",),
            read_by=("ai-ranker", "deployment-tracker"),
            per_deployment=True,
        ),
        TopicSpec(
            RANKED_PROVIDERS,
            records.RankedProviders,
            written_by=("ai-ranker",),
            read_by=("im-dispatcher", "training-data", "deployment-tracker"),
            per_deployment=True,
        ),
        TopicSpec(
            DEPLOYMENT_RESULTS,
            records.DeploymentResult,
            written_by=("im-dispatcher",),
            read_by=("deployment-tracker", "training-data"),
            per_deployment=True,
        ),
        TopicSpec(
            DEPLOYMENT_COMMANDS,
            records.Command,
            written_by=("rest-api", "deployment-tracker", "operator"),
            read_by=("im-dispatcher", "deployment-tracker", "training-data"),
            per_deployment=True,
        ),
        TopicSpec(
            ERRORS,
            records.ErrorRecord,
            written_by=EVERY_BOX,
            read_by=("deployment-tracker",),
            per_deployment=True,
            key="uuid, else the source topic",
        ),
        TopicSpec(
            PROCEDURE_STATUS,
            records.ProcedureStatus,
            written_by=EVERY_BOX,
            read_by=("deployment-tracker",),
            per_deployment=True,
        ),
        TopicSpec(
            DISPATCH_EVENTS,
            records.DispatchEvent,
            written_by=("im-dispatcher", "im-effects", "quota-keeper"),
            read_by=("im-dispatcher",),
            per_deployment=True,
            internal=True,
        ),
        TopicSpec(
            TRACKER_EVENTS,
            records.TrackerEvent,
            written_by=("deployment-tracker", "callbacks"),
            read_by=("deployment-tracker",),
            per_deployment=True,
            internal=True,
        ),
        TopicSpec(
            QUOTA_REQUESTS,
            records.QuotaRequest,
            written_by=("im-dispatcher",),
            read_by=("quota-keeper",),
            per_deployment=False,
            internal=True,
            key="provider/region/project",
        ),
        TopicSpec(
            FEEDER,
            records.Feeder,
            written_by=("feeder",),
            read_by=("provider-catalog",),
            per_deployment=False,
            retention_days=7,
            key="provider/region/project",
        ),
        TopicSpec(
            RALLY,
            records.Rally,
            written_by=("rally",),
            read_by=("provider-health",),
            per_deployment=False,
            key="provider/region",
        ),
        TopicSpec(
            TRAINING,
            records.Training,
            written_by=("training-data",),
            read_by=("ranker-memory", "ai-ranker-training"),
            per_deployment=False,
            compact=True,
            key="uuid/attempt",
        ),
        TopicSpec(
            MODELS,
            records.ModelPart,
            written_by=("ai-ranker-training", "operator", "model-register"),
            read_by=("model-register", "ai-ranker-training"),
            per_deployment=False,
            compact=True,
            key="version/part, or live",
        ),
        TopicSpec(
            COMPONENT_STATUS,
            records.ComponentStatus,
            written_by=EVERY_BOX,
            read_by=("component-register",),
            per_deployment=False,
            compact=True,
            key="component/instance",
        ),
        TopicSpec(
            STORED_TEMPLATES,
            records.StoredTemplate,
            written_by=("rest-api",),
            read_by=("template-register",),
            per_deployment=False,
            compact=True,
            key="template id",
        ),
        TopicSpec(
            USER_KEYS,
            records.UserKey,
            written_by=("rest-api",),
            read_by=("key-register",),
            per_deployment=False,
            compact=True,
            key="user id",
        ),
    )
}
