"""`/providers`: what Feeder and Rally said last, from this worker's copy of the tables.

An entry is about one provider, region and project:

| field | meaning |
|---|---|
| `name`, `region`, `project`, `type`, `status`, `endpoint` | which one, and where |
| `userGroup`, `issuer`, `sla{id,start,end}` | who may use it; both days are included |
| `readAt`, `receivedAt`, `ageSeconds` | when its site was read, when the message came, how long ago |
| `stale` | silent for so long that the provider selector leaves it out |
| `unknownParts`, `keptParts{part: since}` | what was never read; what is older than the message |
| `overbooking{cpu,ram}`, `bandwidth{in,out}` | of the region; Gbit/s |
| `quotas[{resource,limit,used,free,perUser}]` | RAM in MiB, storage in GiB; -1 = unlimited |
| `counts{flavors,images,networks,storageClasses}` | how many it offers |
| `health{failureShare1d,7d,30d, lastReport}` | share of failed Rally tasks, 0 to 1; -1 = unknown |

`/providers/{name}` has `entries`, each with the lists `flavors`, `images`, `networks` and
`storageClasses` in the place of their counts. Credentials are neither in the tables nor here.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.selection.health import LastReport, Windows
from paas_stream.selection.quotas import Line
from paas_stream.selection.rows import ProviderRow
from tables import health, providers
from web import callers, requests, resources
from web.contract.queries import ProvidersQuery
from web.deployments import base_url, check_ready
from web.faults import ApiError
from web.health import as_json

_LISTS = {
    "flavors": "flavors",
    "images": "images",
    "networks": "networks",
    "storageClasses": "storage_classes",
}


def entry(
    row: ProviderRow, windows: Windows, last: LastReport | None, now: datetime, stale_s: float
) -> dict[str, Any]:
    """One provider, region and project, without what has no value."""
    feeder = row.feeder
    age_s = (now - row.received_at).total_seconds()
    fields = {
        "name": feeder.provider_name,
        "region": feeder.region_name,
        "project": feeder.project_id,
        "type": feeder.provider_type,
        "status": feeder.status,
        "endpoint": feeder.provider_endpoint,
        "userGroup": feeder.user_group,
        "issuer": feeder.issuer_endpoint or None,
        "sla": _known(id=feeder.sla_id, start=feeder.sla_start, end=feeder.sla_end) or None,
        "readAt": _text(feeder.timestamp),
        "receivedAt": _text(row.received_at),
        "ageSeconds": round(max(0.0, age_s), 1),
        "stale": age_s > stale_s,
        "unknownParts": list(feeder.unknown) or None,
        "keptParts": {part: _text(since) for part, since in row.kept.items()} or None,
        "overbooking": {"cpu": feeder.overbooking_cpu, "ram": feeder.overbooking_ram},
        "bandwidth": {"in": feeder.bandwidth_in, "out": feeder.bandwidth_out},
        "quotas": list(_quotas(row)),
        "counts": {name: len(getattr(feeder, field)) for name, field in _LISTS.items()},
        "health": _health(windows, last),
    }
    return _known(**fields)


def full(short: dict[str, Any], row: ProviderRow) -> dict[str, Any]:
    """An entry with what the provider offers in the place of the counts."""
    lists = {
        name: [one.model_dump(mode="json", exclude_none=True) for one in getattr(row.feeder, field)]
        for name, field in _LISTS.items()
    }
    return {name: value for name, value in short.items() if name != "counts"} | lists


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _quotas(row: ProviderRow) -> Iterator[dict[str, Any]]:
    for per_user, lines in ((False, row.budget.project), (True, row.budget.per_user)):
        for resource, line in sorted(lines.items()):
            yield {
                "resource": resource,
                "limit": line.limit,
                "used": line.used,
                "free": _free(line),
                "perUser": per_user,
            }


def _free(line: Line) -> float:
    return -1.0 if line.limit < 0 else line.free


def _health(windows: Windows, last: LastReport | None) -> dict[str, Any]:
    shares = dict(zip(("1d", "7d", "30d"), windows, strict=True))
    found: dict[str, Any] = {f"failureShare{days}": share for days, share in shares.items()}
    if last is not None:
        found["lastReport"] = _known(
            at=_text(last.at),
            passed=last.passed,
            tag=last.tag,
            failingScenario=last.failing_scenario,
            durationSeconds=last.duration_s,
        )
    return found


def _entry(row: ProviderRow, now: datetime) -> dict[str, Any]:
    windows = health.windows(*row.site, now.date())
    return entry(row, windows, health.last_report(*row.site), now, app.settings.feeder.stale_s)


@app.page("/providers")
@app.page("/providers/")
class Providers(View):
    """All providers, regions and projects."""

    async def get(self, request: web.Request) -> web.Response:
        """A page of them in the order of their names; `userGroup` and `type` select."""
        check_ready()
        await callers.require(request, Action.PROVIDERS)
        asked = requests.query_of(request, ProvidersQuery)
        number, size, group, kind = asked.page, asked.size, asked.userGroup, asked.type
        rows = [
            row
            for row in providers.catalog()
            if (group is None or row.feeder.user_group == group)
            and (kind is None or row.feeder.provider_type.casefold() == kind.casefold())
        ]
        rows.sort(key=lambda row: row.name)
        now = datetime.now(UTC)
        query = {k: v for k, v in request.query.items() if k not in ("page", "size")}
        return as_json(
            resources.page(
                [_entry(row, now) for row in rows[number * size : (number + 1) * size]],
                number=number,
                size=size,
                total=len(rows),
                url=f"{base_url(request)}/providers",
                query=urlencode(query),
            )
        )


@app.page("/providers/{name}")
class Provider(View):
    """One provider."""

    async def get(self, request: web.Request, name: str) -> web.Response:
        """Its regions and projects with flavors, images and networks."""
        check_ready()
        await callers.require(request, Action.PROVIDERS)
        rows = [row for row in providers.catalog() if row.feeder.provider_name == name]
        if not rows:
            raise ApiError(404, f"there is no provider {name!r}")
        rows.sort(key=lambda row: row.name)
        now = datetime.now(UTC)
        return as_json({"name": name, "entries": [full(_entry(row, now), row) for row in rows]})
