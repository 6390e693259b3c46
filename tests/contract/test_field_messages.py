"""What programs of the field write is read, or refused in a sentence that says what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.messages import CARRYING

from paas_stream.errors import InvalidMessageError
from paas_stream.records import AttemptStatus, Feeder, Message, Rally, Training
from paas_stream.schemas import schema_of

MESSAGES = Path(__file__).resolve().parents[3] / "shared" / "data" / "messages"
UUID = "11efe247-4f0e-4d31-8a5c-0a1b2c3d4e5f"
NUMBERS = ["vcpus", "ram_gb", "n_instances", "floating_ips", "storage_gb", "n_volumes"]
PROVIDER: dict[str, Any] = {
    "provider_name": "BACKBONE",
    "region_name": "bari",
    "overbooking_cpu": 1.0,
    "overbooking_ram": 1.0,
    "bandwidth_in": 10.0,
    "bandwidth_out": 10.0,
    "exact_flavors": 1.0,
    "gpus_requ": 0.0,
    **{f"{name}_{part}": 8.0 for name in NUMBERS for part in ("requ", "quota", "usage")},
    **{f"test_failure_perc_{days}d": -1 for days in (1, 7, 30)},
}


def read(topic: str, body: Any) -> Any:
    """The message, which fits our schema when we write it."""
    spec = CARRYING[topic]
    message = spec.model.decode(json.dumps(body).encode())
    Draft202012Validator(schema_of(spec)).validate(json.loads(message.encode()))
    return message


def refused(topic: str, body: Any) -> str:
    with pytest.raises(InvalidMessageError) as caught:
        CARRYING[topic].model.decode(json.dumps(body).encode())
    return caught.value.message


@pytest.mark.parametrize(
    "file",
    sorted(MESSAGES.glob("*.json"))
    or [pytest.param(None, marks=pytest.mark.skip("the folder of field messages is not here"))],
    ids=lambda file: file and file.name,
)
def test_messages_from_the_field_are_read(file: Path) -> None:
    topic = file.name.partition("-")[0]
    message: Message = read(topic, json.loads(file.read_bytes()))
    assert message.msg_version.startswith(f"{message.major}.")


def test_a_feeder_message_of_version_1_has_all_parts_in_the_form_of_version_2() -> None:
    quota = {"type": "compute", "cores": 120, "instances": 50, "ram": 204800, "per_user": False}
    message: Feeder = read(
        "feeder",
        {
            "msg_version": "1.2.0",
            "provider_name": "CLOUD",
            "provider_type": "openstack",
            "region_name": "tier1",
            "project_id": "4dd9",
            "identity_endpoint": "https://keystone.example.org:5000/v3",
            "issuer_endpoint": "https://iam.example.org/",
            "issuer_name": "iam",
            "issuer_protocol": "openid",
            "user_group": "admins",
            "overbooking_cpu": 1.0,
            "overbooking_ram": 1.0,
            "bandwidth_in": 10.0,
            "bandwidth_out": 10.0,
            "block_storage_services": [],
            "compute_services": [
                {
                    "name": "org.openstack.nova",
                    "flavors": [{"name": "m1", "vcpus": 2, "ram": 4096, "disk": 40, "uuid": "f"}],
                    "images": [{"name": "almalinux-9", "os_version": "9", "uuid": "i"}],
                    "quotas": [quota | {"usage": False}, quota | {"usage": True, "cores": 100}],
                }
            ],
            "network_services": [{"networks": [{"name": "public", "uuid": "n"}], "quotas": []}],
            "object_store_services": [],
        },
    )
    assert message.provider_endpoint == "https://keystone.example.org:5000/v3"
    assert [(one.usage, one.cores) for one in message.quotas] == [(False, 120), (True, 100)]
    assert (message.flavors[0].iaas_uuid, message.flavors[0].ram) == ("f", 4096)
    assert (message.images[0].iaas_uuid, message.networks[0].iaas_uuid) == ("i", "n")


@pytest.mark.parametrize(("text", "passed"), [("True", True), ("False", False)])
def test_a_rally_result_without_region_and_zone_is_read(text: str, passed: bool) -> None:
    message: Rally = read(
        "rally",
        {
            "timestamp": "2025-09-01T10:00:00",
            "msg_version": "1.0.0",
            "status": "finished",
            "tag": "smoke",
            "provider": "recas_bari",
            "test_result": text,
        },
    )
    assert message.passed is passed
    assert message.region_name is None
    assert message.timestamp.isoformat() == "2025-09-01T10:00:00+00:00"


def test_a_row_of_training_data_is_read() -> None:
    message: Training = read(
        "training",
        PROVIDER
        | {
            "msg_version": "1.1.0",
            "uuid": UUID,
            "template_name": "simple-node",
            "user_group": "admins",
            "status": "CREATE_FAILED",
            "status_reason": None,
            "n_failures": 1,
            "tot_failure_time_s": 312.0,
            "completion_time_s": 0.0,
            "submission_time": "2025-09-01 10:00:00",
        },
    )
    assert message.status is AttemptStatus.FAILED
    assert message.submission_time.isoformat() == "2025-09-01T10:00:00+00:00"


def test_providers_without_a_place_to_deploy_at_are_refused() -> None:
    inference = {
        "msg_version": "1.1.0",
        "uuid": UUID,
        "template_name": "t",
        "submission_time": "2025-09-01T10:00:00Z",
        "user_group": "g",
        "providers": [PROVIDER],
    }
    assert refused("inference", inference) == "providers.0.target: Field required"
    ranked = {"uuid": UUID, "ranked_providers": [PROVIDER | {"classification": 0.57}]}
    assert refused("ranked-providers", ranked) == "ranked_providers.0.target: Field required"


def test_a_template_of_the_replaced_orchestrator_is_refused_for_what_it_lacks() -> None:
    template = {
        "msg_version": "1.0.0",
        "deployment_id": UUID,
        "template": "{}",
        "template_inputs": {},
        "access_token": "in clear",
    }
    assert refused("template", template) == "uuid: Field required; request: Field required"
    twice = refused("template", json.dumps(template))
    assert twice == "a JSON object was expected, not str: is it encoded twice?"
    assert "in clear" not in twice


def test_a_monitoring_window_without_data_is_refused() -> None:
    """A share of nothing was written as NaN, which is no JSON."""
    body = json.dumps(
        {"uuid": UUID, "providers": [PROVIDER | {"test_failure_perc_1d": float("nan")}]}
    )
    assert "NaN" in body
    with pytest.raises(InvalidMessageError, match="not JSON"):
        CARRYING["inference"].model.decode(body.encode())
