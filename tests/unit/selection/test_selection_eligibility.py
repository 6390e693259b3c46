"""The rules that need nothing of the template."""

from datetime import UTC, date, datetime, timedelta

import pytest

from paas_stream.records import Feeder, Owner, Request
from paas_stream.selection import eligibility
from paas_stream.selection.reasons import Reason

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ISSUER = "https://iam.example.org/"


def feeder(**fields: object) -> Feeder:
    return Feeder.model_validate(
        {
            "provider_name": "site-a",
            "provider_type": "openstack",
            "provider_endpoint": "https://a.example.org/v3",
            "region_name": "north",
            "project_id": "p",
            "user_group": "physics",
            "issuer_endpoint": ISSUER,
            **fields,
        }
    )


def request(**fields: object) -> Request:
    return Request.model_validate(
        {
            "owner": Owner(issuer=ISSUER, subject="s"),
            "deadline": NOW,
            "per_provider_timeout": 1,
            **fields,
        }
    )


def told(reasons: object) -> list[tuple[str, str]]:
    return [(r.code.value, r.sentence) for r in reasons if isinstance(r, Reason)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("asked", "is_open"),
    [
        ({}, True),
        ({"user_group": "physics"}, True),
        ({"user_group": "physics", "user_group_issuer": ISSUER}, True),
        ({"user_group": "physics", "user_group_issuer": ISSUER.rstrip("/")}, True),
        ({"user_group": "Physics"}, False),
        ({"user_group": "biology"}, False),
        ({"user_group": "physics", "user_group_issuer": "https://other.example.org/"}, False),
    ],
)
def test_a_provider_is_open_to_its_group_and_to_a_request_without_group(
    asked: dict[str, object], is_open: bool
) -> None:
    assert eligibility.is_open(feeder(), request(**asked)) is is_open


def test_a_closed_provider_does_not_tell_whom_it_is_open_to() -> None:
    reason = eligibility.closed_reason(feeder(), request(user_group="biology"))
    assert told([reason]) == [("user_group", "not open to the user group 'biology'")]


def test_a_group_of_another_issuer_is_told() -> None:
    asked = request(user_group="physics", user_group_issuer="https://other.example.org/")
    reason = eligibility.closed_reason(feeder(), asked)
    sentence = "open to the user group 'physics', not of https://other.example.org/"
    assert told([reason]) == [("issuer", sentence)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, []),
        ("2026-03-01", "2026-03-01", []),
        (None, "2026-12-31", []),
        ("2020-01-01", None, []),
        (
            "2026-03-02",
            "2026-12-31",
            [("sla_not_started", "the SLA begins on 2026-03-02, today is 2026-03-01")],
        ),
        (
            "2020-01-01",
            "2026-02-28",
            [("sla_expired", "the SLA ended on 2026-02-28, today is 2026-03-01")],
        ),
        (
            "soon",
            "2026-02-28",
            [("sla_dates", "the SLA's dates soon to 2026-02-28 cannot be read")],
        ),
    ],
)
def test_an_sla_is_valid_from_its_first_to_its_last_day(
    start: str | None, end: str | None, expected: list[tuple[str, str]]
) -> None:
    row = feeder(sla_start=start, sla_end=end)
    assert told(eligibility.sla_reasons(row, date(2026, 3, 1))) == expected


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({}, []),
        (
            {
                "target_provider_name": "site-a",
                "target_provider_type": "OpenStack",
                "target_region_name": "north",
            },
            [],
        ),
        (
            {"target_provider_name": "site-b"},
            [("target_provider", "the provider 'site-b' is asked for")],
        ),
        (
            {"target_provider_type": "kubernetes", "target_region_name": "south"},
            [
                ("target_type", "type 'kubernetes' is asked for, this provider is 'openstack'"),
                ("target_region", "the region 'south' is asked for, this one is 'north'"),
            ],
        ),
    ],
)
def test_each_wish_that_is_not_met_is_told(
    wishes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert told(eligibility.wish_reasons(feeder(), request(**wishes))) == expected


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(0, []), (900, []), (901, [("stale", "silent for 901 s, 900 s are allowed")]), (-5, [])],
)
def test_a_provider_that_is_silent_for_too_long_is_stale(
    age_s: float, expected: list[tuple[str, str]]
) -> None:
    received_at = NOW - timedelta(seconds=age_s)
    assert told(eligibility.stale_reasons(received_at, NOW, 900)) == expected
