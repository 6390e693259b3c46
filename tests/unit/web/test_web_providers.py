"""`/providers`: what Feeder and Rally said last, as clients get it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

import tables.health
import tables.providers
from paas_stream.app import app
from paas_stream.records import Feeder, Flavor, Image, Network, Quota
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.health import UNKNOWN, LastReport, Windows
from paas_stream.selection.rows import ProviderRow
from web import providers
from web.faults import ApiError
from web.providers import entry, full

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(name: str = "site-a", age_s: float = 10, **fields: Any) -> ProviderRow:
    feeder = Feeder.model_validate(
        {
            "timestamp": NOW - timedelta(seconds=age_s + 5),
            "provider_name": name,
            "provider_type": "openstack",
            "provider_endpoint": "https://a:5000/v3",
            "region_name": "north",
            "project_id": "p",
            "user_group": "physics",
            "sla_id": "sla-1",
            "sla_end": "2026-12-31",
            "credentials": "robot",
            "quotas": [
                Quota(type="compute", cores=20, ram=-1),
                Quota(type="compute", usage=True, cores=4),
                Quota(type="compute", per_user=True, cores=8),
            ],
            "flavors": [Flavor(name="small", vcpus=1, ram=1024)],
            "images": [Image(name="ubuntu"), Image(name="debian")],
            "networks": [Network(name="net")],
            **fields,
        }
    )
    return ProviderRow(feeder, NOW - timedelta(seconds=age_s), {"images": NOW})


def shown(one: ProviderRow, last: LastReport | None = None, windows: Windows = UNKNOWN) -> Any:
    made = entry(one, windows, last, NOW, stale_s=900)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    return made


def test_an_entry_says_which_provider_it_is_for_whom_and_how_old() -> None:
    found = shown(row())
    assert (found["name"], found["region"], found["project"]) == ("site-a", "north", "p")
    assert (found["userGroup"], found["sla"]) == ("physics", {"id": "sla-1", "end": "2026-12-31"})
    assert found["receivedAt"] == "2026-03-01T11:59:50+00:00"
    assert found["readAt"] == "2026-03-01T11:59:45+00:00"
    assert (found["ageSeconds"], found["stale"]) == (10, False)
    assert found["keptParts"] == {"images": "2026-03-01T12:00:00+00:00"}
    assert found["counts"] == {"flavors": 1, "images": 2, "networks": 1, "storageClasses": 0}


def test_a_provider_that_is_silent_for_too_long_is_stale() -> None:
    assert shown(row(age_s=901))["stale"]


def test_quotas_are_limits_usage_and_what_is_free() -> None:
    assert shown(row())["quotas"] == [
        {"resource": "cores", "limit": 20, "used": 4, "free": 16, "perUser": False},
        {"resource": "ram", "limit": -1, "used": 0, "free": -1, "perUser": False},
        {"resource": "cores", "limit": 8, "used": 0, "free": 8, "perUser": True},
    ]


def test_health_is_what_rally_found() -> None:
    assert shown(row())["health"] == {
        "failureShare1d": -1,
        "failureShare7d": -1,
        "failureShare30d": -1,
    }
    last = LastReport(NOW, False, "ops", "Glance", 3.5)
    assert shown(row(), last, Windows(1, 0.5, 0.25))["health"] == {
        "failureShare1d": 1,
        "failureShare7d": 0.5,
        "failureShare30d": 0.25,
        "lastReport": {
            "at": "2026-03-01T12:00:00+00:00",
            "passed": False,
            "tag": "ops",
            "failingScenario": "Glance",
            "durationSeconds": 3.5,
        },
    }


def test_one_provider_is_shown_with_all_that_it_offers_in_the_place_of_counts() -> None:
    one = row()
    found = full(shown(one), one)
    assert "counts" not in found
    assert [image["name"] for image in found["images"]] == ["ubuntu", "debian"]
    assert found["flavors"] == [
        {
            "name": "small",
            "vcpus": 1,
            "ram": 1024,
            "disk": 0,
            "gpus": 0,
            "infiniband": False,
            "is_shared": True,
        }
    ]


def test_credentials_are_not_even_named() -> None:
    one = row()
    assert "robot" not in json.dumps(full(shown(one), one))


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row("b"), row("a", project_id="q"), row("a"), row("c", user_group="biology")]
    monkeypatch.setattr(tables.providers, "_catalog", Catalog(rows))
    monkeypatch.setattr(tables.providers, "_changed", set())
    monkeypatch.setattr(tables.health, "_changed", set())
    monkeypatch.setattr(tables.health, "_rows", {})
    monkeypatch.setattr(providers, "check_ready", lambda: None)


async def answer(path: str, **match: str) -> Any:
    request = make_mocked_request("GET", path, headers={"Host": "h"})
    view = providers.Provider if match else providers.Providers
    return json.loads((await view(app, app.web).get(request, **match)).body)


@pytest.mark.usefixtures("catalog")
async def test_the_list_is_a_page_in_the_order_of_names() -> None:
    found = await answer("/providers?size=3")
    assert [(one["name"], one["project"]) for one in found["content"]] == [
        ("a", "p"),
        ("a", "q"),
        ("b", "p"),
    ]
    assert found["page"] == {"size": 3, "totalElements": 4, "totalPages": 2, "number": 0}
    links = {link["rel"]: link["href"] for link in found["links"]}
    assert links["next"] == "http://h/providers?page=1&size=3"
    rest = await answer("/providers?size=3&page=1")
    assert [one["name"] for one in rest["content"]] == ["c"]


@pytest.mark.usefixtures("catalog")
async def test_the_list_may_be_of_one_group_or_type() -> None:
    assert [one["name"] for one in (await answer("/providers?userGroup=biology"))["content"]] == [
        "c"
    ]
    assert (await answer("/providers?type=Kubernetes"))["content"] == []
    assert len((await answer("/providers?type=OpenStack"))["content"]) == 4


@pytest.mark.usefixtures("catalog")
async def test_one_provider_has_an_entry_for_each_region_and_project() -> None:
    found = await answer("/providers/a", name="a")
    assert found["name"] == "a"
    assert [one["project"] for one in found["entries"]] == ["p", "q"]
    assert len(found["entries"][0]["images"]) == 2


@pytest.mark.usefixtures("catalog")
async def test_an_unknown_provider_is_404() -> None:
    with pytest.raises(ApiError, match="there is no provider 'nobody'") as caught:
        await answer("/providers/nobody", name="nobody")
    assert caught.value.status == 404
