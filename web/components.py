"""`/components`: which boxes are alive, on which workers, and what they are doing.

| state | means |
|---|---|
| `alive` | its last heartbeat is recent |
| `stuck` | alive, and at one and the same thing for longer than `PAAS_HEARTBEAT_STUCK_S` |
| `late` | no heartbeat for three intervals: killed, cut off from Kafka, or its event loop is blocked |
| `stopped` | its worker was asked to stop |
| `unknown` | no worker has told of it yet |
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.records import ComponentStatus
from tables import components
from web import callers
from web.deployments import check_ready
from web.health import as_json

MISSED: Final = 3  # heartbeats that may be missed
STATES: Final = ("alive", "stuck", "late", "stopped", "unknown")  # a component has its best one

_settings = app.settings.heartbeat


def state(status: ComponentStatus, now: datetime, stuck_s: float) -> str:
    """What a heartbeat means by now. Clocks of workers may differ by less than an interval."""
    if status.status == "stopped":
        return "stopped"
    if (now - status.timestamp).total_seconds() > MISSED * status.interval_s:
        return "late"
    since = status.doing_since
    if since is not None and (now - since).total_seconds() > stuck_s:
        return "stuck"
    return "alive"


def instance(status: ComponentStatus, now: datetime, stuck_s: float) -> dict[str, Any]:
    """One box on one worker; ages in seconds."""
    fields = {
        "worker": status.instance,
        "state": state(status, now, stuck_s),
        "ageSeconds": _age(status.timestamp, now),
        "version": status.version,
        "startedAt": _text(status.started_at),
        "events": status.events,
        "errors": status.errors,
        "lastEventAt": _text(status.last_event_at),
        "doing": status.doing,
        "doingSeconds": _age(status.doing_since, now),
        "lag": status.lag,
    }
    return {name: value for name, value in fields.items() if value is not None}


def summary(
    known: Iterable[str], statuses: Iterable[ComponentStatus], now: datetime, stuck_s: float
) -> list[dict[str, Any]]:
    """All components: those in `known`, whoever told of them, and those that were heard of."""
    instances: dict[str, list[dict[str, Any]]] = {name: [] for name in known}
    for status in statuses:
        instances.setdefault(status.component, []).append(instance(status, now, stuck_s))
    return [
        {
            "component": name,
            "state": min((one["state"] for one in found), key=STATES.index, default="unknown"),
            "alive": sum(one["state"] == "alive" for one in found),
            "lag": sum(one.get("lag", 0) for one in found if one["state"] in ("alive", "stuck")),
            "instances": sorted(found, key=lambda one: one["worker"]),
        }
        for name, found in sorted(instances.items())
    ]


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round(max(0.0, (now - moment).total_seconds()), 1)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


@app.page("/components")
class Components(View):
    """All boxes of all workers, from this worker's copy of the table."""

    async def get(self, request: web.Request) -> web.Response:
        """Components in the order of their names."""
        check_ready()
        await callers.require(request, Action.PROVIDERS)
        known = [box.component for box in app.boxes]
        statuses = list(components.rows().values())
        found = summary(known, statuses, datetime.now(UTC), _settings.stuck_s)
        return as_json({"components": found, "worker": app.settings.web.worker})
