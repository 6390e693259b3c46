"""Wire messages: one pydantic model per topic, the source of the JSON Schemas.

Values are JSON (UTF-8). Unknown fields and unknown minor versions are accepted, an unknown major
version is refused. NaN and Infinity are neither written nor read. Sizes: RAM in MiB, disk in GiB,
-1 = unlimited, except where a name says otherwise. Times: RFC 3339 with zone; durations in seconds
unless the name says minutes.
"""

from paas_stream.records.base import FreeValues, Message, Record, Uuid, caused_by
from paas_stream.records.candidates import (
    Candidate,
    Discarded,
    Inference,
    NodeTarget,
    ProviderNumbers,
    RankedCandidate,
    RankedNumbers,
    RankedProviders,
    Target,
)
from paas_stream.records.events import DispatchEvent, TrackerEvent
from paas_stream.records.feeder import Feeder, Flavor, Image, Network, Quota, StorageClass
from paas_stream.records.models import ModelCard, ModelPart
from paas_stream.records.quota import QuotaRequest
from paas_stream.records.rally import Rally, Scenario
from paas_stream.records.reference import StoredTemplate, UserKey
from paas_stream.records.results import Command, DeploymentResult, Machine, Operation
from paas_stream.records.status import (
    REPLAYED,
    ComponentStatus,
    ErrorRecord,
    ProcedureStatus,
    Source,
)
from paas_stream.records.templates import (
    Node,
    NodeRequirement,
    Owner,
    Request,
    Template,
    ValidatedTemplate,
)
from paas_stream.records.training import AttemptStatus, Training

__all__ = [
    "REPLAYED",
    "AttemptStatus",
    "Candidate",
    "Command",
    "ComponentStatus",
    "DeploymentResult",
    "Discarded",
    "DispatchEvent",
    "ErrorRecord",
    "Feeder",
    "Flavor",
    "FreeValues",
    "Image",
    "Inference",
    "Machine",
    "Message",
    "ModelCard",
    "ModelPart",
    "Network",
    "Node",
    "NodeRequirement",
    "NodeTarget",
    "Operation",
    "Owner",
    "ProcedureStatus",
    "ProviderNumbers",
    "Quota",
    "QuotaRequest",
    "Rally",
    "RankedCandidate",
    "RankedNumbers",
    "RankedProviders",
    "Record",
    "Request",
    "Scenario",
    "Source",
    "StorageClass",
    "StoredTemplate",
    "Target",
    "Template",
    "TrackerEvent",
    "Training",
    "UserKey",
    "Uuid",
    "ValidatedTemplate",
    "caused_by",
]
