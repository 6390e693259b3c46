"""A ranking as clients get it, of a deployment or of a dry run.

| field | meaning |
|---|---|
| `fallback` | what made the order: model, rates, rule or sla; none without providers |
| `modelVersion` | which model, where one made it |
| `message` | why this one; or why there is no ranking |
| `providers` | in the order in which they are tried |
| `discarded[{provider,region,project,code,reason}]` | who cannot host it: a line for each reason |

A provider:

| field | meaning |
|---|---|
| `place`, `provider`, `region`, `project`, `type`, `endpoint` | which one, and where; from 1 |
| `score` | 0 to 1, the larger the better |
| `reasons` | why it stands there, in words |
| `pSuccess`, `successSeconds`, `failureSeconds` | of an attempt, where experience tells |
| `classification`, `regression`, `resourceExactness` | as in the message; -1 = not known |
| `resources{vcpus,ramGb,...}` | `requested`, `free` and `quota`; -1 = unlimited or unknown |
| `testFailureShare{1d,7d,30d}` | share of health tests that failed; -1 = unknown |
"""

from typing import Any

from paas_stream.records import Discarded, RankedCandidate, RankedProviders

_RESOURCES = {
    "vcpus": "vcpus",
    "ramGb": "ram_gb",
    "instances": "n_instances",
    "publicAddresses": "floating_ips",
    "storageGb": "storage_gb",
    "volumes": "n_volumes",
}


def ranking(ranked: RankedProviders) -> dict[str, Any]:
    """The order, how it came about, and who is left out."""
    fields = {
        "fallback": ranked.fallback if ranked.ranked_providers else None,
        "modelVersion": ranked.model_version,
        "message": ranked.explanation or None,
        "providers": [
            provider(place, one) for place, one in enumerate(ranked.ranked_providers, start=1)
        ],
        "discarded": [discarded(one) for one in ranked.discarded],
    }
    return _known(fields)


def provider(place: int, one: RankedCandidate) -> dict[str, Any]:
    """One provider in its place."""
    fields = {
        "place": place,
        "provider": one.provider_name,
        "region": one.region_name,
        "project": one.target.project or None,
        "type": one.target.type,
        "endpoint": one.target.endpoint,
        "score": round(one.score, 6),
        "reasons": list(one.reasons),
        "pSuccess": one.p_success,
        "successSeconds": one.t_success_s,
        "failureSeconds": one.t_failure_s,
        "classification": one.classification,
        "regression": one.regression,
        "resourceExactness": one.resource_exactness,
        "resources": {name: _resource(one, field) for name, field in _RESOURCES.items()},
        "testFailureShare": {
            "1d": one.test_failure_perc_1d,
            "7d": one.test_failure_perc_7d,
            "30d": one.test_failure_perc_30d,
        },
    }
    return _known(fields)


def discarded(one: Discarded) -> dict[str, Any]:
    """One reason against one provider."""
    return _known(
        {
            "provider": one.provider_name,
            "region": one.region_name,
            "project": one.project or None,
            "code": one.code,
            "reason": one.reason,
        }
    )


def _resource(one: RankedCandidate, field: str) -> dict[str, float]:
    quota, usage = getattr(one, f"{field}_quota"), getattr(one, f"{field}_usage")
    return {
        "requested": getattr(one, f"{field}_requ"),
        "free": -1.0 if quota < 0 else max(quota - usage, 0.0),
        "quota": quota,
    }


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
