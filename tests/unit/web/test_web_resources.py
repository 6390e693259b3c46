"""What clients get: the shapes of the contract."""

from dataclasses import replace
from typing import Any

import pytest
from support.lifecycle import T0, TRACKER_POLICY, UUID, template

from paas_stream.lifecycle import deployment, representation
from paas_stream.lifecycle.deployment import DeploymentRow, Ending
from paas_stream.lifecycle.timeline import Timeline, TimelineEvent
from web import resources

BASE = "https://paas.example.org"


def row(**fields: Any) -> DeploymentRow:
    """A deployment just after its POST, or as `fields` say."""
    fresh = DeploymentRow(UUID, first_seen=T0, updated=T0)
    posted = deployment.step(fresh, template(), T0, TRACKER_POLICY).row
    assert posted is not None
    return replace(posted, **fields)


def shown(one: DeploymentRow, outputs: dict[str, Any] | None = None) -> dict[str, Any]:
    return resources.deployment(one, BASE, lambda _: outputs or {})


class TestADeployment:
    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0.0, "1970-01-01T00:00+0000"),
            (1738318800.0, "2025-01-31T10:20+0000"),
            (1738318859.999, "2025-01-31T10:20+0000"),
        ],
    )
    def test_has_dates_to_the_minute_with_their_zone(self, seconds: float, text: str) -> None:
        assert representation.moment(seconds) == text
        assert len(text) >= 16
        assert shown(row(updated=seconds))["updateTime"] == text

    def test_has_at_its_begin_all_that_the_clients_read(self) -> None:
        made = shown(row())
        assert set(made) >= {
            "uuid",
            "creationTime",
            "updateTime",
            "status",
            "outputs",
            "task",
            "links",
            "createdBy",
            "userGroup",
        }
        assert made["status"] == "CREATE_IN_PROGRESS"
        assert made["outputs"] == {}
        assert made["createdBy"] == {"issuer": "https://issuer", "subject": "alice"}

    def test_leaves_out_what_has_no_value_but_for_its_user_group(self) -> None:
        made = shown(row(user_group=None, callback=None))
        assert [name for name, value in made.items() if value is None] == ["userGroup"]
        for name in ("physicalId", "statusReason", "callback", "cloudProviderName"):
            assert name not in made
        assert "cloudProviderEndpoint" not in made

    def test_has_absolute_links(self) -> None:
        links = {link["rel"]: link["href"] for link in shown(row())["links"]}
        here = f"{BASE}/deployments/{UUID}"
        assert links == {
            "self": here,
            "resources": f"{here}/resources",
            "template": f"{here}/template",
        }

    def test_has_its_place_once_there_is_one(self) -> None:
        made = shown(
            row(
                physical_id="inf-1",
                provider_name="site-a",
                region_name="r1",
                provider_type="openstack",
                provider_endpoint="https://a:5000/v3",
            )
        )
        assert made["physicalId"] == "inf-1"
        assert made["cloudProviderName"] == "site-a"
        assert made["cloudProviderEndpoint"] == {
            "cpEndpoint": "https://a:5000/v3",
            "cpComputeServiceId": "https://a:5000/v3",
            "region": "r1",
            "deploymentType": "OPENSTACK",
            "iaasType": "OPENSTACK",
        }

    @pytest.mark.parametrize("kind", ["openstack", "kubernetes", "dummy"])
    def test_has_the_type_of_its_provider_in_capitals(self, kind: str) -> None:
        place = shown(row(provider_type=kind, provider_endpoint="https://a"))[
            "cloudProviderEndpoint"
        ]
        assert place["deploymentType"] == place["iaasType"] == kind.upper()
        assert place["cpComputeServiceId"]
        assert None not in place.values()

    def test_opens_outputs_only_when_there_are_some(self) -> None:
        opened = []
        assert resources.deployment(row(), BASE, opened.append)["outputs"] == {}  # type: ignore[arg-type]
        assert opened == []
        assert shown(row(outputs="sealed"), {"ip": "10.0.0.1"})["outputs"] == {"ip": "10.0.0.1"}

    def test_has_the_reason_of_a_failure(self) -> None:
        made = shown(row(create_end=Ending(False, T0 + 9, "no quota anywhere")))
        assert (made["status"], made["statusReason"]) == ("CREATE_FAILED", "no quota anywhere")


class TestAPage:
    def page(self, number: int, size: int, total: int, query: str = "") -> dict[str, Any]:
        url = f"{BASE}/deployments"
        return resources.page([], number=number, size=size, total=total, url=url, query=query)

    @pytest.mark.parametrize(
        ("number", "total", "pages", "rels"),
        [
            (0, 0, 1, ["first", "self", "last"]),
            (0, 10, 1, ["first", "self", "last"]),
            (0, 11, 2, ["first", "self", "next", "last"]),
            (1, 11, 2, ["first", "prev", "self", "last"]),
            (1, 25, 3, ["first", "prev", "self", "next", "last"]),
            (7, 25, 3, ["first", "prev", "self", "last"]),
        ],
    )
    def test_links_to_its_neighbours(
        self, number: int, total: int, pages: int, rels: list[str]
    ) -> None:
        made = self.page(number, 10, total)
        assert [link["rel"] for link in made["links"]] == rels
        assert made["page"] == {
            "size": 10,
            "totalElements": total,
            "totalPages": pages,
            "number": number,
        }

    def test_links_to_the_right_pages_with_the_query(self) -> None:
        made = self.page(1, 10, 25, "createdBy=me&excludedStatus=DELETE_COMPLETE%2CUNKNOWN")
        links = {link["rel"]: link["href"] for link in made["links"]}
        rest = "&size=10&createdBy=me&excludedStatus=DELETE_COMPLETE%2CUNKNOWN"
        assert links == {
            "first": f"{BASE}/deployments?page=0{rest}",
            "prev": f"{BASE}/deployments?page=0{rest}",
            "self": f"{BASE}/deployments?page=1{rest}",
            "next": f"{BASE}/deployments?page=2{rest}",
            "last": f"{BASE}/deployments?page=2{rest}",
        }

    def test_has_its_content_in_order(self) -> None:
        content = ({"n": n} for n in range(3))
        made = resources.page(content, number=0, size=10, total=3, url="u", query="")
        assert made["content"] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_the_timeline_is_told_without_what_has_no_value() -> None:
    told = resources.events(
        Timeline(
            (
                TimelineEvent("a/0/1", 1738318800.25, "ai-ranker", "rank", "begin", "ranking"),
                TimelineEvent(
                    "a/0/2", 1738318801.0, "im-dispatcher", "create", "end", "", 2, "p", "r", 1.5
                ),
            )
        )
    )
    assert told == [
        {
            "id": "a/0/1",
            "time": "2025-01-31T10:20:00.250+00:00",
            "component": "ai-ranker",
            "step": "rank",
            "status": "begin",
            "message": "ranking",
        },
        {
            "id": "a/0/2",
            "time": "2025-01-31T10:20:01.000+00:00",
            "component": "im-dispatcher",
            "step": "create",
            "status": "end",
            "message": "",
            "attempt": 2,
            "provider": "p",
            "region": "r",
            "durationSeconds": 1.5,
        },
    ]
