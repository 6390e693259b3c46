"""The numbers of this worker, as `/metrics` tells them.

A registry of its own, not the library's global one: tests and other programs in the process see
nothing of it. Labels have few values: components, steps, topics, statuses; never a uuid.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW: Final = (0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)

Numbers = Mapping[tuple[str, ...], float]  # by label values

REGISTRY = CollectorRegistry()

EVENT_SECONDS = Histogram(
    "paas_stream_event_duration_seconds",
    "From taking a record out of a topic to its acknowledgement.",
    ["component"],
    buckets=_FAST,
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "paas_stream_step_duration_seconds",
    "Duration of one step of a deployment, as its timeline tells it.",
    ["component", "step", "status"],
    buckets=_SLOW,
    registry=REGISTRY,
)
OPERATION_SECONDS = Histogram(
    "paas_stream_deployment_duration_seconds",
    "From the request for a create or delete to its final state.",
    ["status"],
    buckets=_SLOW,
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "paas_stream_http_request_duration_seconds",
    "Requests of the REST API, event streams not included.",
    ["method", "route", "status"],
    buckets=_FAST,
    registry=REGISTRY,
)
IM_CALL_SECONDS = Histogram(
    "paas_stream_im_call_duration_seconds",
    "Calls to the Infrastructure Manager.",
    ["operation", "outcome"],
    buckets=_FAST,
    registry=REGISTRY,
)
RATE_LIMITED = Counter(
    "paas_stream_http_rate_limited",
    "Requests that were answered with 429.",
    registry=REGISTRY,
)
STREAMS_REFUSED = Counter(
    "paas_stream_event_streams_refused",
    "Event streams that found no room.",
    registry=REGISTRY,
)
CALLBACKS = Counter(
    "paas_stream_callbacks",
    "Callbacks: calls that were delivered, that will be tried again, callbacks given up.",
    ["outcome"],
    registry=REGISTRY,
)
RANKINGS = Counter(
    "paas_stream_rankings",
    "Rankings, by the step of the chain that made the order.",
    ["step"],
    registry=REGISTRY,
)


class LiveGauge(Collector):
    """A gauge whose values are read when they are asked for; its parts may lie in many modules."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._gauge = name, text, labels
        self._reads: list[Callable[[], Numbers]] = []
        REGISTRY.register(self)

    def add(self, read: Callable[[], Numbers]) -> None:
        """Take in `read`: label values -> number. It must not wait for anything."""
        self._reads.append(read)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        name, text, labels = self._gauge
        gauge = GaugeMetricFamily(name, text, labels=labels)
        numbers: dict[tuple[str, ...], float] = {}
        for read in self._reads:
            numbers.update(read())
        for values, number in numbers.items():
            gauge.add_metric(values, number)
        return [gauge]


READY = LiveGauge("paas_stream_ready", "1 when this worker may be asked.")
RECOVERING = LiveGauge("paas_stream_tables_recovering", "1 while tables are being filled.")
UNREADABLE = LiveGauge(
    "paas_stream_unreadable_rows",
    "Rows that this version cannot read, of those that were looked at.",
    "table",
)
DEPLOYMENTS = LiveGauge("paas_stream_deployments", "This worker's deployments by status.", "status")
PROVIDERS = LiveGauge("paas_stream_providers", "Providers, regions and projects known.", "state")
DUE = LiveGauge("paas_stream_due_rows", "Rows with a moment to act at.", "component")
POLLS = LiveGauge("paas_stream_polls", "Attempts whose state is polled at the IM.")
HOLDS = LiveGauge("paas_stream_quota_holds", "Attempts for which room in a quota is held.")
EFFECTS = LiveGauge("paas_stream_effects", "Calls to clouds, under way and waiting.", "state")
CALLBACK_CALLS = LiveGauge(
    "paas_stream_callback_calls", "Calls of callback targets, under way and waiting.", "state"
)
PARSER = LiveGauge("paas_stream_parser_templates", "Templates being parsed.", "pool", "state")
LAG = LiveGauge("paas_stream_lag_records", "Records that wait here.", "component", "topic")
MODEL_AGE = LiveGauge(
    "paas_stream_ranking_model_age_seconds",
    "How long ago the model that ranks here was made; none when no model does.",
    "version",
)
STREAMS = LiveGauge("paas_stream_event_streams", "Open event streams.")

_STEPS_MOST = 300  # kinds of steps that are told apart: names may come from other programs
_steps: set[tuple[str, str, str]] = set()


def observe_step(component: str, step: str, status: str, seconds: float) -> None:
    """Note the duration of a step of a deployment."""
    kind = component, step, status
    if kind not in _steps and len(_steps) >= _STEPS_MOST:
        kind = "other", "other", status
    _steps.add(kind)
    STEP_SECONDS.labels(*kind).observe(seconds)


def observe_im_call(operation: str, outcome: str, seconds: float) -> None:
    """Note a call to the IM."""
    IM_CALL_SECONDS.labels(operation, outcome).observe(seconds)
