"""Placement policies: the agreement that a template must be deployed under."""

from typing import Any

import pytest

from paas_stream.errors import InvalidTemplateError
from paas_stream.selection.policies import SLA_PLACEMENT, sla_id


def template(*policies: dict[str, Any], **types: Any) -> dict[str, Any]:
    return {"topology_template": {"policies": list(policies)}, "policy_types": types}


def placement(sla: Any = "sla-1", kind: str = SLA_PLACEMENT) -> dict[str, Any]:
    return {"type": kind, "properties": {"sla_id": sla}}


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"topology_template": None},
        template(),
        {"topology_template": {"policies": None}},
        template({"scale": {"type": "tosca.policies.Scaling"}}),
        template({"odd": None}),
    ],
)
def test_a_template_without_placement_policy_asks_for_no_agreement(nothing: Any) -> None:
    assert sla_id(nothing) is None


def test_the_agreement_of_the_policy_is_asked_for() -> None:
    assert sla_id(template({"scale": {"type": "x"}}, {"place": placement()})) == "sla-1"
    assert sla_id({"topology_template": {"policies": {"place": placement()}}}) == "sla-1"


def test_a_type_derived_from_the_placement_policy_is_one() -> None:
    types = {"ours": {"derived_from": "theirs"}, "theirs": {"derived_from": SLA_PLACEMENT}}
    assert sla_id(template({"place": placement(kind="ours")}, **types)) == "sla-1"


def test_types_that_derive_from_each_other_end() -> None:
    types = {"a": {"derived_from": "b"}, "b": {"derived_from": "a"}}
    assert sla_id(template({"place": placement(kind="a")}, **types)) is None


def test_a_second_placement_policy_is_refused() -> None:
    with pytest.raises(InvalidTemplateError, match=r"only one placement policy.*'one', 'two'"):
        sla_id(template({"one": placement()}, {"two": placement("sla-2")}))


@pytest.mark.parametrize("value", [None, "", 7, ["sla-1"]])
def test_a_policy_that_names_no_agreement_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTemplateError, match="the policy 'place' names no SLA"):
        sla_id(template({"place": placement(value)}))
    with pytest.raises(InvalidTemplateError, match="names no SLA"):
        sla_id(template({"place": {"type": SLA_PLACEMENT}}))
