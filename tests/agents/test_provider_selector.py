"""Provider selector: `validated-templates` -> `inference`, or the reasons why nobody can host it."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.bench import Bench, Sent, content
from support.lifecycle import UUID, request

import tables.selection
from agents.provider_catalog import provider_catalog, provider_health
from agents.provider_selector import provider_selector
from paas_stream.records import (
    ErrorRecord,
    Inference,
    NodeRequirement,
    ProcedureStatus,
    Rally,
    ValidatedTemplate,
)
from paas_stream.selection.provider_files import Federation

NODE = NodeRequirement(name="node", cpus=2, memory_mib=4096, os_type="linux")
LARGE = NodeRequirement(name="large", cpus=512, memory_mib=4096)


def validated(*nodes: NodeRequirement, group: str = "demo", revision: int = 1) -> ValidatedTemplate:
    return ValidatedTemplate(
        uuid=UUID,
        revision=revision,
        template={},
        template_name="vm",
        user_group=group,
        requirements=nodes or (NODE,),
        request=request().model_copy(update={"user_group": group}),
    )


def placed(sla: str) -> ValidatedTemplate:
    """A template with a placement policy."""
    policy = {"type": "tosca.policies.indigo.SlaPlacement", "properties": {"sla_id": sla}}
    template = {"topology_template": {"policies": [{"place": policy}]}}
    return validated().model_copy(update={"template": template})


async def feed(bench: Bench, feeders: Iterable[Any], age_s: float = 0.0) -> None:
    """Fill the catalog, with messages that came so long ago."""
    for message in feeders:
        await bench.give(provider_catalog, message, at=time.time() - age_s)
    bench.journal.clear()


@pytest.fixture
async def catalog(bench: Bench, federation: Federation) -> Bench:
    """A bench whose catalog knows our example's providers."""
    await feed(bench, federation.static_feeders(datetime.now(UTC)))
    return bench


async def test_the_providers_that_can_host_the_template_are_named_with_where(
    catalog: Bench,
) -> None:
    await catalog.give(provider_selector, validated(revision=4))
    (found,) = catalog.sent(Inference)
    assert [one.provider_name for one in found.providers] == ["site-a", "site-b"]
    target = found.providers[0].target
    assert target.endpoint == "https://site-a.example.org:5000/v3"
    assert target.nodes["node"].flavor == "medium"
    assert target.nodes["node"].image is not None
    assert (found.revision, found.template_name, found.user_group) == (4, "vm", "demo")


async def test_the_others_are_named_with_the_reason(catalog: Bench) -> None:
    await catalog.give(provider_selector, validated())
    (found,) = catalog.sent(Inference)
    reasons = [one.reason for one in found.discarded if one.provider_name == "site-unreachable"]
    assert any("2024-12-31" in one for one in reasons)
    _, end = catalog.sent(ProcedureStatus)
    assert end.message.startswith("2 providers can host the template; not chosen: ")
    for reason in reasons:
        assert f"site-unreachable (RegionOne): {reason}" in end.message


async def test_the_request_is_sent_within_its_step_and_then_the_event_is_acknowledged(
    catalog: Bench,
) -> None:
    await catalog.give(provider_selector, validated())
    assert catalog.order() == ["ProcedureStatus", "Inference", "ProcedureStatus", "Acknowledged"]
    assert {one.key for one in catalog.journal if isinstance(one, Sent)} == {UUID}


async def test_a_replay_says_the_same_again(catalog: Bench) -> None:
    message = validated()
    first = await catalog.give(provider_selector, message)
    again = await catalog.give(provider_selector, message, offset=catalog.last_offset)
    assert content(again) == content(first)


@pytest.mark.parametrize(
    ("message", "reasons"),
    [
        pytest.param(
            validated(LARGE),
            ["site-a/region-1: ", "site-b/region-1: ", "site-unreachable/RegionOne: ", "large"],
            id="too large",
        ),
        pytest.param(validated(group="nobody"), ["nobody"], id="no group"),
        pytest.param(validated(group="demo-expired"), ["2024-12-31"], id="no agreement"),
    ],
)
async def test_when_nobody_can_host_the_template_errors_and_timeline_say_why_for_each(
    catalog: Bench, message: ValidatedTemplate, reasons: list[str]
) -> None:
    await catalog.give(provider_selector, message)
    assert catalog.order() == ["ProcedureStatus", "ProcedureStatus", "ErrorRecord", "Acknowledged"]
    error = catalog.error()
    assert (error.component, error.code, error.uuid) == ("provider-selector", "no_provider", UUID)
    assert not error.retriable
    assert error.message.startswith("no provider can host the template: ")
    for reason in reasons:
        assert reason in error.message
    _, failed = catalog.sent(ProcedureStatus)
    assert (failed.status, failed.message) == ("failed", error.message)


async def test_without_any_provider_that_is_the_reason(bench: Bench) -> None:
    await bench.give(provider_selector, validated())
    assert bench.error().message == "no provider can host the template: none is known"


async def test_a_provider_that_is_silent_for_too_long_is_left_out(
    bench: Bench, federation: Federation
) -> None:
    silent, fresh = (
        [one for one in federation.static_feeders(datetime.now(UTC)) if one.provider_name == name]
        for name in ("site-a", "site-b")
    )
    await feed(bench, silent, age_s=7 * 24 * 3600)
    await feed(bench, fresh)
    await bench.give(provider_selector, validated())
    (found,) = bench.sent(Inference)
    assert [one.provider_name for one in found.providers] == ["site-b"]
    assert any(one.provider_name == "site-a" for one in found.discarded)


async def test_a_later_message_of_a_provider_is_used_by_the_next_request(
    catalog: Bench, federation: Federation
) -> None:
    full = [
        one.model_copy(update={"flavors": ()})
        for one in federation.static_feeders(datetime.now(UTC))
        if one.provider_name == "site-a"
    ]
    await feed(catalog, full)
    await catalog.give(provider_selector, validated())
    (found,) = catalog.sent(Inference)
    assert [one.provider_name for one in found.providers] == ["site-b"]


async def test_health_stands_in_the_candidates(catalog: Bench) -> None:
    now = datetime.now(UTC)
    for task, result in (("t1", "True"), ("t2", "False")):
        report = Rally(
            provider="site-a", region_name="region-1", task_uuid=task, test_result=result
        )
        await catalog.give(provider_health, report, at=now.timestamp())
    await catalog.give(provider_selector, validated())
    (found,) = catalog.sent(Inference)
    shares = {one.provider_name: one.test_failure_perc_30d for one in found.providers}
    assert shares == {"site-a": 0.5, "site-b": -1}


async def test_a_placement_policy_chooses_the_agreement(catalog: Bench) -> None:
    await catalog.give(provider_selector, placed("sla-demo-b"))
    (found,) = catalog.sent(Inference)
    assert [one.provider_name for one in found.providers] == ["site-b"]
    codes = {one.provider_name: one.code for one in found.discarded}
    assert codes["site-a"] == "sla_placement"


async def test_an_agreement_that_nobody_serves_is_an_error(catalog: Bench) -> None:
    await catalog.give(provider_selector, placed("sla-of-nobody"))
    error = catalog.error()
    assert error.code == "invalid_template"
    assert error.message == "no provider serves the SLA 'sla-of-nobody' that a policy asks for"


async def test_groups_of_an_issuer_that_is_not_trusted_are_left_out(
    catalog: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.selection, "_trusted", frozenset({"https://other.example.org"}))
    await catalog.give(provider_selector, validated())
    assert "the issuer 'https://iam.example.org' is not trusted" in catalog.error().message


async def test_the_request_limits_go_with_the_providers(catalog: Bench) -> None:
    message = validated()
    await catalog.give(provider_selector, message)
    (found,) = catalog.sent(Inference)
    assert (found.max_providers, found.deadline) == (
        message.request.max_providers,
        message.request.deadline,
    )


async def test_a_record_that_cannot_be_read_goes_to_errors(catalog: Bench) -> None:
    await catalog.give(provider_selector, b"{}", topic="validated-templates", key=UUID)
    assert catalog.error().step == "decode"
    assert catalog.sent(Inference) == []
    assert len(catalog.sent(ErrorRecord)) == 1
