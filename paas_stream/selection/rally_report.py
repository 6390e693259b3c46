"""Rally's task reports (`rally task report --json`): what each task says about a provider.

The report does not reliably name the provider (its environments are named by whoever runs Rally), so
that comes from the file's place: DIR/<provider>/<region>/*.json, or DIR/<provider>/*.json for a
report about all regions.
"""

from collections.abc import Iterator
from datetime import UTC
from pathlib import PurePath
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from paas_stream.errors import PermanentError
from paas_stream.records import Rally, Scenario
from paas_stream.records.base import sentences
from paas_stream.records.feeder import UtcDatetime

MAX_SCENARIOS: Final = 100  # of one task that are named in its message
MAX_TASKS: Final = 1000  # of one report
MAX_FAULTS: Final = 10  # that are named of one report


class RallyReportError(PermanentError):
    """A file is no task report of Rally's, or stands in a place that names no provider."""

    code = "rally_report"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Workload(_Part):
    scenario: Annotated[dict[str, object], Field(min_length=1)]  # name -> arguments
    pass_sla: bool
    full_duration: float | None = None  # seconds
    failed_iteration_count: int = 0
    total_iteration_count: int = 0


class _Subtask(_Part):
    workloads: list[_Workload] = []


class _Task(_Part):
    uuid: Annotated[str, Field(min_length=1, max_length=200)]
    status: str
    tags: list[str] = []
    updated_at: UtcDatetime | None = None
    pass_sla: bool
    subtasks: list[_Subtask] = []


class _Info(_Part):
    generated_at: UtcDatetime


class _Report(_Part):
    info: _Info
    tasks: Annotated[list[_Task], Field(max_length=MAX_TASKS)]


_REPORT = TypeAdapter(_Report)


def place(path: PurePath) -> tuple[str, str | None]:
    """Provider and region of a report at `path`, relative to the reports' directory.

    Raises RallyReportError for another depth.
    """
    match path.parts:
        case (provider, _):
            return provider, None
        case (provider, region, _):
            return provider, region
    raise RallyReportError(f"{path}: a report is at <provider>/<region>/ or at <provider>/")


def parse(content: bytes, provider: str, region: str | None) -> tuple[Rally, ...]:
    """One message per task of a report, in its order.

    A task's time is that of its end. Health is `pass_sla`. Raises RallyReportError with the faults.
    """
    try:
        report = _REPORT.validate_json(content)
        return tuple(_message(task, report.info, provider, region) for task in report.tasks)
    except ValidationError as exc:
        faults = sentences(exc)
        more = len(faults) - MAX_FAULTS
        told = faults[:MAX_FAULTS] + ([f"and {more} more"] if more > 0 else [])
        raise RallyReportError(f"no task report of Rally's: {'; '.join(told)}") from exc


def _message(task: _Task, info: _Info, provider: str, region: str | None) -> Rally:
    scenarios = tuple(_scenarios(task))
    durations = [one.duration_s for one in scenarios if one.duration_s is not None]
    return Rally(
        timestamp=(task.updated_at or info.generated_at).astimezone(UTC),
        status=task.status,
        tag=task.tags[0] if task.tags else None,
        provider=provider,
        region_name=region,
        test_result="True" if task.pass_sla else "False",
        task_uuid=task.uuid,
        scenarios=scenarios[:MAX_SCENARIOS],
        failing_scenario=next((one.name for one in scenarios if not one.passed), None),
        duration_s=sum(durations) if durations else None,
    )


def _scenarios(task: _Task) -> Iterator[Scenario]:
    for subtask in task.subtasks:
        for workload in subtask.workloads:
            yield Scenario(
                name=next(iter(workload.scenario)),
                passed=workload.pass_sla,
                duration_s=workload.full_duration,
                failed_iterations=workload.failed_iteration_count,
                iterations=workload.total_iteration_count,
            )
