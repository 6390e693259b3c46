"""A ranking as clients get it, from the row that the tracker keeps."""

from dataclasses import replace
from typing import Any

import pytest
from support.lifecycle import T0, UUID, at, command, ranked

from paas_stream.lifecycle import rankings
from paas_stream.lifecycle.deployment import DeploymentRow, Ending
from paas_stream.records import Discarded, ErrorRecord, NodeTarget, RankedProviders
from web.ranked import ranking
from web.ranking import unranked

DISCARDED = Discarded(provider_name="c", region_name="r", code="quota_cores", reason="is full")


def message(**candidate: Any) -> RankedProviders:
    made = ranked(2)
    first = made.ranked_providers[0].model_copy(update=candidate)
    return made.model_copy(
        update={
            "ranked_providers": (first, made.ranked_providers[1]),
            "discarded": (DISCARDED,),
            "explanation": "free quota and health (rule: few)",
        }
    )


def kept(event: Any) -> RankedProviders:
    """The row, as the table gives it back."""
    row = rankings.kept(event)
    assert row is not None
    return RankedProviders.model_validate(row)


def test_the_providers_are_told_in_order_with_their_places() -> None:
    found = ranking(kept(message()))
    assert [(one["place"], one["provider"]) for one in found["providers"]] == [(1, "p1"), (2, "p2")]
    assert (found["fallback"], found["message"]) == ("rule", "free quota and health (rule: few)")
    assert found["discarded"] == [
        {"provider": "c", "region": "r", "code": "quota_cores", "reason": "is full"}
    ]


def test_what_was_served_is_told_under_plain_names() -> None:
    served = {"p_success": 0.9, "t_success_s": 210.0, "t_failure_s": 30.0, "reasons": ("good",)}
    one = ranking(kept(message(**served, score=0.5)))["providers"][0]
    assert (one["pSuccess"], one["successSeconds"], one["failureSeconds"]) == (0.9, 210.0, 30.0)
    assert (one["score"], one["reasons"]) == (0.5, ["good"])


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((2, 10, 3), {"requested": 2, "free": 7, "quota": 10}),
        ((2, 10, 12), {"requested": 2, "free": 0, "quota": 10}),
        ((2, -1, 12), {"requested": 2, "free": -1, "quota": -1}),
    ],
)
def test_requested_stands_beside_free(numbers: tuple[int, ...], shown: dict[str, float]) -> None:
    names = ("vcpus_requ", "vcpus_quota", "vcpus_usage")
    one = ranking(kept(message(**dict(zip(names, numbers, strict=True)))))["providers"][0]
    assert one["resources"]["vcpus"] == shown


def test_what_only_the_dispatcher_needs_is_neither_kept_nor_told() -> None:
    target = (
        ranked(1)
        .ranked_providers[0]
        .target.model_copy(
            update={"credentials": "robot", "nodes": {"n": NodeTarget(flavor="small")}}
        )
    )
    row = rankings.kept(message(target=target))
    assert "robot" not in str(row)
    assert "small" not in str(row)
    assert ranking(kept(message(target=target)))["providers"][0]["endpoint"] == target.endpoint


def test_without_any_provider_the_error_says_who_is_left_out_and_why() -> None:
    error = ErrorRecord(
        uuid=UUID,
        timestamp=at(T0),
        component="provider-selector",
        step="handle",
        code="no_provider",
        message="no provider can host the template: c/r: is full",
        discarded=(DISCARDED,),
    )
    found = ranking(kept(error))
    assert found["providers"] == []
    assert "fallback" not in found
    assert found["message"] == error.message
    assert [one["code"] for one in found["discarded"]] == ["quota_cores"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "not ranked yet"),
        ({"create_end": Ending(False, T0, "line 3: no such type")}, "line 3: no such type"),
        ({"create_end": Ending(True, T0)}, "it was never ranked"),
    ],
)
def test_without_a_ranking_the_lists_are_empty_and_the_message_says_why(
    fields: dict[str, Any], says: str
) -> None:
    row = replace(DeploymentRow(UUID, first_seen=T0, updated=T0, created=T0), **fields)
    assert unranked(row) == {"message": says, "providers": [], "discarded": []}


def test_other_messages_say_nothing_of_the_ranking() -> None:
    other = ErrorRecord(uuid=UUID, component="x", step="y", code="z", message="w")
    assert rankings.kept(other) is None
    assert rankings.kept(command("delete", T0)) is None
