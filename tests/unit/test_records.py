"""Wire messages: what is written is read, and what cannot be is refused with every fault named."""

import json
from datetime import UTC, timedelta
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError
from support import lifecycle as make

from paas_stream.errors import InvalidMessageError
from paas_stream.lifecycle.deployment_row import DeploymentRow
from paas_stream.records import (
    Candidate,
    Command,
    DeploymentResult,
    DispatchEvent,
    Feeder,
    Image,
    Message,
    Quota,
    Template,
    ValidatedTemplate,
    caused_by,
)
from paas_stream.records.feeder import Flavor

TEMPLATE = make.template()


def changed(**fields: Any) -> bytes:
    """An encoded template message with other fields; None takes a field away."""
    body = json.loads(TEMPLATE.encode()) | fields
    return json.dumps({k: v for k, v in body.items() if v is not None}).encode()


def refused(value: bytes | None, model: type[Message] = Template) -> str:
    with pytest.raises(InvalidMessageError) as caught:
        model.decode(value)
    assert caught.value.code == "invalid_message"
    return caught.value.message


def make_feeder(**fields: Any) -> Feeder:
    return Feeder(
        provider_name="site",
        provider_type="openstack",
        provider_endpoint="https://x",
        region_name="r1",
        project_id="42",
        user_group="g",
        **fields,
    )


class TestDecode:
    def test_reads_what_encode_writes(self) -> None:
        for message in (
            TEMPLATE,
            make.validated(),
            make.ranked(),
            make.command("delete", make.T0, force=True),
            make.tick(),
        ):
            assert type(message).decode(message.encode()) == message

    def test_accepts_unknown_fields_everywhere(self) -> None:
        body = json.loads(TEMPLATE.encode())
        body["new"] = {"x": 1}
        body["request"]["new"] = 1
        body["request"]["owner"]["new"] = None
        assert Template.decode(json.dumps(body).encode()) == TEMPLATE

    @pytest.mark.parametrize("version", ["1", "1.0.0", "1.9", "1.99.3", "1.0.0-rc1"])
    def test_accepts_any_minor_version(self, version: str) -> None:
        assert Template.decode(changed(msg_version=version)).msg_version == version

    @pytest.mark.parametrize(
        "version", ["2.0.0", "0.9.0", "10.0.0", "", "x", "v1.0", "01.0", "1x.0", 2, [], True]
    )
    def test_refuses_another_major_version(self, version: object) -> None:
        assert "1.x was expected" in refused(changed(msg_version=version))

    def test_refuses_a_null_version(self) -> None:
        body = json.loads(TEMPLATE.encode()) | {"msg_version": None}
        assert "version None is unknown" in refused(json.dumps(body).encode())

    def test_takes_a_missing_version_as_its_own(self) -> None:
        assert Template.decode(changed(msg_version=None)).msg_version == "1.0.0"

    def test_of_the_feeder_reads_two_major_versions_and_no_third(self) -> None:
        assert "version 3.0.0 is unknown, 2.x was expected" in refused(
            b'{"msg_version": "3.0.0"}', Feeder
        )

    @pytest.mark.parametrize(
        "value", [None, b"", b"{", b"\xff\xfe", b"{'a': 1}", b"[" * 10_000, b"tru"]
    )
    def test_refuses_what_is_no_json(self, value: bytes | None) -> None:
        assert refused(value).startswith("not JSON")

    @pytest.mark.parametrize("value", [b"null", b"[]", b'"x"', b"3", b"true"])
    def test_refuses_what_is_no_object(self, value: bytes) -> None:
        assert refused(value).startswith("a JSON object was expected")

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
    def test_refuses_nan_and_infinity(self, number: str) -> None:
        value = TEMPLATE.encode().replace(b'"revision":1', f'"revision":{number}'.encode())
        assert refused(value).startswith("not JSON")

    def test_names_every_fault_with_its_place(self) -> None:
        body = json.loads(TEMPLATE.encode())
        del body["template"]
        body["revision"] = "x"
        del body["request"]["owner"]["subject"]
        told = refused(json.dumps(body).encode())
        for named in ("template: ", "revision: ", "request.owner.subject: "):
            assert named in told

    @pytest.mark.parametrize(
        "uuid",
        ["", "x", make.UUID.upper(), make.UUID.replace("-", ""), make.UUID + "\n", f" {make.UUID}"],
    )
    def test_refuses_what_is_no_uuid(self, uuid: str) -> None:
        assert refused(changed(uuid=uuid)).startswith("uuid: ")

    @pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "yesterday", ""])
    def test_refuses_a_time_without_zone(self, moment: str) -> None:
        assert refused(changed(timestamp=moment)).startswith("timestamp: ")

    @pytest.mark.parametrize(
        "moment",
        [
            "0001-01-01T00:00:00+14:00",
            "1969-12-31T23:59:59Z",
            "3000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-14:00",
        ],
    )
    def test_refuses_a_time_that_overflows_once_something_is_added_to_it(self, moment: str) -> None:
        told = refused(changed(timestamp=moment))
        assert told == "timestamp: a time of the years 1970 to 2999 is needed"

    @pytest.mark.parametrize("moment", ["1970-01-01T00:00:00+14:00", "2999-12-31T23:59:59-14:00"])
    def test_takes_a_time_that_can_still_be_told_in_another_zone(self, moment: str) -> None:
        read = Template.decode(changed(timestamp=moment)).timestamp
        assert make.at(read.timestamp() + 10**10).astimezone(UTC).year < 9999

    @pytest.mark.parametrize("number", [10**15 + 1, -(10**15) - 1, 2**63, "9" * 30, "9" * 308])
    def test_refuses_a_count_without_measure(self, number: object) -> None:
        assert refused(changed(revision=number)).startswith("revision: ")

    @pytest.mark.parametrize("number", [1e20, -1e20, 1.7e308, "1e300", 10**19 + 10**5])
    def test_refuses_an_amount_without_measure(self, number: object) -> None:
        requirement = {"name": "n", "cpus": number}
        body = json.loads(make.validated().encode()) | {"requirements": [requirement]}
        told = refused(json.dumps(body).encode(), ValidatedTemplate)
        assert told.startswith("requirements.0.cpus: ")

    def test_takes_the_limit_that_stands_for_unlimited_in_other_programs(self) -> None:
        assert Quota(type="compute", cores=2**63 - 1, gigabytes=-1).cores == 2.0**63

    def test_never_lets_a_size_be_negative(self) -> None:
        for field in ("vcpus", "ram", "disk", "gpus"):
            with pytest.raises(ValidationError, match=field):
                Flavor.model_validate({"name": "f", "vcpus": 1, "ram": 1} | {field: -1})

    def test_refuses_values_that_nest_so_deeply_that_a_row_could_not_be_read_again(self) -> None:
        def nested(levels: int) -> dict[str, Any]:
            return {} if levels < 2 else {"a": nested(levels - 1)}

        row = DeploymentRow(
            make.UUID,
            0.0,
            0.0,
            parameters=Template.decode(changed(template_inputs=nested(128))).template_inputs,
        )
        form = TypeAdapter(DeploymentRow)
        assert form.validate_json(form.dump_json(row)) == row
        told = refused(changed(template_inputs=nested(129)))
        assert told == "template_inputs: lists and maps are nested deeper than 128 levels"

    @pytest.mark.parametrize("name", ["reboot", "", "DELETE"])
    def test_refuses_an_unknown_command(self, name: str) -> None:
        body = json.dumps({"uuid": make.UUID, "command": name}).encode()
        assert refused(body, Command).startswith("command: ")


class TestEncode:
    def test_leaves_out_what_has_no_value(self) -> None:
        written = orjson.loads(make.command("delete", make.T0).encode())
        assert set(written) == {"msg_version", "timestamp", "uuid", "command", "force"}

    def test_writes_times_with_their_zone(self) -> None:
        written = orjson.loads(make.command("delete", make.T0).encode())
        assert written["timestamp"] == "2027-01-15T08:00:00Z"

    def test_keeps_microseconds(self) -> None:
        moment = make.T0 + 0.123456
        read = Command.decode(make.command("delete", moment).encode())
        assert read.timestamp - make.at(make.T0) == timedelta(microseconds=123456)
        assert make.at(read.timestamp.timestamp()) == read.timestamp

    def test_of_half_a_character_is_not_refused(self) -> None:
        """It would hold up what is to be sent after it."""
        command = make.command("cancel", make.T0, reason="p\udcff: ü")
        assert Command.decode(command.encode()).reason == "p?: ü"
        image = Image(name="\ud800", os_version="ü")
        sent = Feeder.decode(make_feeder(images=(image,)).encode())
        assert (sent.images[0].name, sent.images[0].os_version) == ("?", "ü")

    def test_is_plain_utf_8(self) -> None:
        written = make.command("cancel", make.T0, reason="überfällig").encode()
        assert "überfällig".encode() in written

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    @pytest.mark.parametrize("field", ["vcpus_quota", "bandwidth_in", "test_failure_perc_1d"])
    def test_never_meets_nan_in_a_number(self, field: str, value: float) -> None:
        target = {"type": "dummy", "endpoint": ""}
        with pytest.raises(ValidationError):
            Candidate.model_validate(
                {"provider_name": "p", "region_name": "r", "target": target, field: value}
            )

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_never_meets_nan_in_free_values(self, value: float) -> None:
        given = TEMPLATE.model_dump() | {"template_inputs": {"a": [{"b": value}]}}
        with pytest.raises(ValidationError, match="not JSON"):
            type(TEMPLATE).model_validate(given)


def test_messages_do_not_change() -> None:
    with pytest.raises(ValidationError):
        TEMPLATE.revision = 2  # type: ignore[misc]


def test_defaults_are_not_shared() -> None:
    one = DispatchEvent(uuid=make.UUID, event="tick")
    two = DispatchEvent(uuid=make.UUID, event="tick")
    assert one.timestamp <= two.timestamp
    assert Template.decode(changed(template_inputs=None)).template_inputs == {}


def test_what_an_event_has_caused_is_told_apart_and_the_same_at_a_replay() -> None:
    messages = [make.command("cancel", make.T0), make.command("delete", make.T0)]
    once, again = caused_by("topic/0/7", messages), caused_by("topic/0/7", messages)
    assert [one.cause for one in once] == ["topic/0/7#0", "topic/0/7#1"]
    assert once == again
    assert [one.cause for one in messages] == [None, None]


def test_the_key_of_a_feeder_message_is_provider_region_and_project() -> None:
    assert make_feeder().key == "site/r1/42"


def test_a_result_says_no_more_than_it_knows() -> None:
    result = DeploymentResult(uuid=make.UUID, timestamp=make.at(make.T0), kind="final")
    assert set(orjson.loads(result.encode())) == {
        "msg_version",
        "timestamp",
        "uuid",
        "kind",
        "operation",
        "kept",
    }
