"""The JSON Schema of every message fits what we write and what a peer may write."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import lifecycle as make

from paas_stream import records
from paas_stream.errors import InvalidMessageError
from paas_stream.records import Message
from paas_stream.topics import TOPICS

jsonschema = pytest.importorskip("jsonschema")

MESSAGES = Path(__file__).resolve().parents[3] / "shared" / "data" / "messages"
MODELS = {spec.name: spec.model for spec in TOPICS.values() if spec.model is not records.Message}
UUID, AT = make.UUID, make.at(make.T0)
PLACE = {"provider_name": "p1", "region_name": "r1"}
CANDIDATE = make.ranked(1).ranked_providers[0]
WRITTEN: dict[str, list[Message]] = {
    "template": [make.template(), make.template(max_providers=2, keep_last=True)],
    "validated-templates": [
        make.validated(),
        make.validated().model_copy(
            update={
                "template": {
                    "node_templates": {"n": {"type": "t", "properties": {"a": [1, None]}}}
                },
                "requirements": (
                    records.NodeRequirement(name="n", cpus=2, volumes_gib=(10, 20), gpus=1),
                ),
                "warnings": ("an input is not declared",),
            }
        ),
    ],
    "inference": [
        records.Inference(
            uuid=UUID,
            template_name="t",
            submission_time=AT,
            providers=(records.Candidate.model_validate(CANDIDATE.model_dump()),),
            discarded=(records.Discarded(**PLACE, code="quota", reason="no cores left"),),
        )
    ],
    "ranked-providers": [make.ranked(0), make.ranked(3)],
    "deployment-results": [
        records.DeploymentResult(uuid=UUID, kind="accepted", attempt=1, **PLACE),
        records.DeploymentResult(
            uuid=UUID,
            kind="final",
            operation=records.Operation.DELETE,
            success=True,
            started_at=AT,
            ended_at=AT,
        ),
    ],
    "deployment-commands": [
        make.command("delete", make.T0, force=True),
        make.command("cancel", make.T0, reason="late"),
        make.command("forget", make.T0),
    ],
    "errors": [
        records.ErrorRecord(component="feeder", step="read", code="x", message="no file"),
        records.ErrorRecord(
            uuid=UUID,
            component="ai-ranker",
            step="decode",
            code="invalid_message",
            message="not JSON",
            source=records.Source(topic="inference", partition=0, offset=7, key="k"),
            payload_base64="e30=",
        ),
    ],
    "procedure-status": [
        records.ProcedureStatus(uuid=UUID, component="c", step="s", status="begin"),
        records.ProcedureStatus(
            uuid=UUID, component="c", step="s", status="end", duration_s=0.5, attempt=1, **PLACE
        ),
    ],
    "dispatch-events": [
        make.tick(),
        records.DispatchEvent(
            uuid=UUID, event="effect", attempt=1, issue=2, infrastructures=("a",), state="running"
        ),
    ],
    "tracker-events": [make.tracker_tick()],
    "feeder": [
        records.Feeder(
            provider_name="p",
            provider_type="openstack",
            provider_endpoint="https://x",
            project_id="1",
            user_group="g",
            quotas=(records.Quota(type="compute", cores=10, gpus={"a100": 1}),),
            flavors=(records.Flavor(name="f", vcpus=0.5, ram=512),),
            images=(records.Image(name="i", tags=("x",)),),
            networks=(records.Network(name="n"),),
        )
    ],
    "component-status": [records.ComponentStatus(component="c", instance="w0")],
}


def schema(name: str) -> dict[str, Any]:
    return MODELS[name].model_json_schema()


def validator(name: str) -> Any:
    kind = jsonschema.Draft202012Validator
    return kind(schema(name), format_checker=kind.FORMAT_CHECKER)


def test_there_is_a_sample_of_every_message() -> None:
    assert set(WRITTEN) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", MODELS)
def test_every_schema_survives_json(name: str) -> None:
    assert json.loads(json.dumps(schema(name))) == schema(name)


@pytest.mark.parametrize("name", MODELS)
def test_what_we_write_fits_the_schema_and_is_read_back(name: str) -> None:
    for message in WRITTEN[name]:
        encoded = message.encode()
        validator(name).validate(json.loads(encoded))
        assert MODELS[name].decode(encoded) == message


@pytest.mark.parametrize("name", MODELS)
def test_what_a_newer_peer_adds_fits_the_schema_and_is_read(name: str) -> None:
    for message in WRITTEN[name]:
        body = json.loads(message.encode()) | {"added_later": {"x": [1]}}
        major = body["msg_version"].split(".")[0]
        body["msg_version"] = f"{major}.99.0"
        validator(name).validate(body)
        assert MODELS[name].decode(json.dumps(body).encode()).msg_version == f"{major}.99.0"


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_refuses_what_the_decoder_refuses_for_a_missing_field(name: str) -> None:
    body = json.loads(WRITTEN[name][0].encode())
    for field in MODELS[name].model_json_schema().get("required", []):
        without = {k: v for k, v in body.items() if k != field}
        with pytest.raises(jsonschema.ValidationError):
            validator(name).validate(without)
        with pytest.raises(InvalidMessageError):
            MODELS[name].decode(json.dumps(without).encode())


@pytest.mark.parametrize("name", MODELS)
def test_a_message_is_far_below_the_brokers_limit(name: str) -> None:
    assert all(len(message.encode()) < 10_000 for message in WRITTEN[name])


@pytest.mark.parametrize("file", sorted(MESSAGES.glob("*.json")), ids=lambda file: file.name)
def test_a_message_from_the_field_is_read_or_refused_by_its_major_version(file: Path) -> None:
    model = MODELS[file.name.partition("-")[0]]
    major = str(json.loads(file.read_bytes())["msg_version"]).split(".")[0]
    if major == str(model.major):
        assert model.decode(file.read_bytes())
    else:
        with pytest.raises(InvalidMessageError, match=f"version {major}"):
            model.decode(file.read_bytes())


@pytest.mark.parametrize("spec", TOPICS.values(), ids=lambda spec: spec.name)
def test_no_schema_lets_a_secret_be_named_in_clear(spec: Any) -> None:
    text = json.dumps(spec.model.model_json_schema()).lower()
    for word in ("password", "private_key", "client_secret"):
        assert word not in text
