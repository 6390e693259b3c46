"""Template parser: `template` -> `validated-templates`, and what becomes of a template that is none."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.bench import Acknowledged, Bench, Sent, content
from support.lifecycle import UUID, request

from agents import template_parser as module
from agents.template_parser import template_parser
from paas_stream.errors import ParserBusyError, ParserTimeoutError
from paas_stream.records import ErrorRecord, ProcedureStatus, Template, ValidatedTemplate
from paas_stream.settings import ParserSettings
from paas_stream.tosca import template as validation
from paas_stream.tosca.options import Options
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.validated import Validated

OPTIONS = Options.of(ParserSettings())
VALID = Validated({"topology_template": {}}, "named", True, (), ("old syntax", "no image"))

Validate = Callable[[str, Mapping[str, Any]], Validated]


class Pool:
    """Validates here instead of in a worker process."""

    def __init__(self, validate: Validate) -> None:
        self._validate = validate

    async def validate(
        self, text: str, inputs: Mapping[str, Any], owner_key: OwnerKey | None = None
    ) -> Validated:
        return self._validate(text, inputs)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Callable[[Validate], None]:
    """`pool(validate)`: what the parser does with every template."""
    return lambda validate: monkeypatch.setattr(module, "pool", Pool(validate))


@pytest.fixture(autouse=True)
def _real_parser(pool: Callable[[Validate], None]) -> None:
    pool(lambda text, inputs: validation.validate(text, inputs, OPTIONS))


def fails_with(error: Exception) -> Validate:
    def validate(text: str, inputs: Mapping[str, Any]) -> Validated:
        raise error

    return validate


def template(text: str, **fields: Any) -> Template:
    return Template(uuid=UUID, template=text, request=request(), **fields)


async def test_a_template_is_passed_on_with_what_it_needs(
    bench: Bench, example: Callable[[str], str]
) -> None:
    given = template(example("vm"), template_inputs={"cpus": 4}, revision=2)
    await bench.give(template_parser, given)
    (validated,) = bench.sent(ValidatedTemplate)
    (node,) = validated.requirements
    assert (node.name, node.cpus, node.os_type) == ("node", 4, "linux")
    assert validated.template["topology_template"]["node_templates"].keys() == {"node"}
    assert (validated.template_name, validated.revision) == ("vm", 2)
    assert (validated.request, validated.user_group) == (given.request, "physics")


async def test_a_name_in_the_request_comes_before_that_in_the_template(
    bench: Bench, example: Callable[[str], str]
) -> None:
    await bench.give(template_parser, template(example("vm"), template_name="mine"))
    assert bench.sent(ValidatedTemplate)[0].template_name == "mine"


async def test_the_template_is_sent_within_its_step_and_then_the_event_is_acknowledged(
    bench: Bench, example: Callable[[str], str]
) -> None:
    await bench.give(template_parser, template(example("vm")))
    assert bench.order() == [
        "ProcedureStatus",
        "ValidatedTemplate",
        "ProcedureStatus",
        "Acknowledged",
    ]
    assert {one.key for one in bench.journal if isinstance(one, Sent)} == {UUID}
    begin, end = bench.sent(ProcedureStatus)
    assert (begin.component, begin.step, begin.status) == ("template-parser", "validate", "begin")
    assert (end.status, end.message) == ("end", "the template is valid: 1 nodes to be placed")


async def test_warnings_are_told_and_passed_on(
    bench: Bench, pool: Callable[[Validate], None]
) -> None:
    pool(lambda text, inputs: VALID)
    await bench.give(template_parser, template("any"))
    assert bench.sent(ValidatedTemplate)[0].warnings == VALID.warnings
    _, end = bench.sent(ProcedureStatus)
    assert end.message.endswith("; warnings: old syntax; no image")


async def test_a_replay_says_the_same_again(bench: Bench, example: Callable[[str], str]) -> None:
    message = template(example("cluster"))
    first = await bench.give(template_parser, message)
    again = await bench.give(template_parser, message, offset=bench.last_offset)
    assert content(again) == content(first)
    later = await bench.give(template_parser, message)
    assert content(later) == content(first), "sent again by whoever wrote the template"


async def test_begin_and_end_of_a_step_have_causes_of_their_own_in_each_revision(
    bench: Bench, example: Callable[[str], str]
) -> None:
    for revision in (1, 2):
        await bench.give(template_parser, template(example("vm"), revision=revision))
    causes = [one.cause for one in bench.sent(ProcedureStatus)]
    assert None not in causes
    assert len(set(causes)) == 4


# -- faults


async def test_an_invalid_template_ends_the_step_and_goes_to_errors_with_all_faults(
    bench: Bench, example: Callable[[str], str]
) -> None:
    await bench.give(template_parser, template(example("invalid")))
    assert bench.order() == ["ProcedureStatus", "ProcedureStatus", "ErrorRecord", "Acknowledged"]
    _, failed = bench.sent(ProcedureStatus)
    error = bench.error()
    assert failed.status == "failed"
    assert failed.message == error.message
    assert (error.uuid, error.component, error.step) == (UUID, "template-parser", "handle")
    assert (error.code, error.retriable) == ("invalid_template", False)
    assert error.message.count("; ") >= 5
    assert error.payload_base64 is None, "the user's template is not copied"


@pytest.mark.parametrize(
    ("fault", "code", "retriable"),
    [
        (ParserTimeoutError("the template was not parsed within 2 s"), "parser_timeout", False),
        (ParserBusyError("32 templates wait", delay_s=2.0), "parser_busy", True),
    ],
)
async def test_a_parser_that_gives_up_says_whether_another_try_may_help(
    bench: Bench,
    pool: Callable[[Validate], None],
    fault: Exception,
    code: str,
    retriable: bool,
) -> None:
    pool(fails_with(fault))
    await bench.give(template_parser, template("any"))
    error = bench.error()
    assert (error.code, error.message, error.retriable) == (code, str(fault), retriable)


async def test_a_fault_of_ours_keeps_the_record_and_its_details_from_the_timeline(
    bench: Bench, pool: Callable[[Validate], None]
) -> None:
    pool(fails_with(KeyError("internal detail")))
    message = template("any")
    await bench.give(template_parser, message)
    error = bench.error()
    assert (error.code, error.message) == ("internal", "KeyError: 'internal detail'")
    assert base64.b64decode(error.payload_base64 or "") == message.encode()
    _, failed = bench.sent(ProcedureStatus)
    assert (failed.status, failed.message) == ("failed", "KeyError")


async def test_after_a_fault_the_next_template_is_served(
    bench: Bench, pool: Callable[[Validate], None]
) -> None:
    pool(fails_with(RuntimeError("broken")))
    await bench.give(template_parser, template("any"))
    pool(lambda text, inputs: VALID)
    await bench.give(template_parser, template("any"))
    assert len(bench.sent(ValidatedTemplate)) == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"{not json", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'"text"', "a JSON object was expected, not str"),
        (None, "not JSON"),
        (b'{"msg_version": "7.0.0"}', "version 7.0.0 is unknown, 1.x was expected"),
        (b"{}", "uuid: Field required; template: Field required; request: Field required"),
    ],
)
async def test_a_record_that_cannot_be_read_goes_to_errors_as_it_came(
    bench: Bench, value: bytes | None, says: str
) -> None:
    await bench.give(template_parser, value, topic="template", key="a key")
    error = bench.error()
    assert (error.uuid, error.step, error.code) == (None, "decode", "invalid_message")
    assert says in error.message
    assert base64.b64decode(error.payload_base64 or "") == (value or b"")
    assert error.source is not None
    assert (error.source.topic, error.source.partition, error.source.key) == (
        "template",
        0,
        "a key",
    )
    assert error.source.offset == bench.last_offset
    sent = next(one for one in bench.journal if isinstance(one, Sent))
    assert sent.key == "template", "the key in `errors` is the source, where there is no uuid"
    assert bench.order() == ["ErrorRecord", "Acknowledged"]


async def test_fields_of_later_versions_are_no_fault(
    bench: Bench, example: Callable[[str], str]
) -> None:
    text = (
        template(example("vm")).encode().replace(b"{", b'{"news": [1], "msg_version": "1.9.0",', 1)
    )
    text = text.replace(b'"msg_version":"1.0.0",', b"")
    await bench.give(template_parser, text, topic="template", key=UUID)
    assert len(bench.sent(ValidatedTemplate)) == 1


async def test_a_record_under_another_key_is_sent_again_under_its_uuid(
    bench: Bench, example: Callable[[str], str]
) -> None:
    message = template(example("vm"))
    again = await bench.give(template_parser, message, key="another key")
    assert content(again) == content([message])
    assert [one.key for one in bench.journal if isinstance(one, Sent)] == [UUID]
    await bench.give(template_parser, again[0])
    assert len(bench.sent(ValidatedTemplate)) == 1


async def test_a_template_that_is_too_large_when_its_types_are_merged_goes_to_errors(
    bench: Bench, example: Callable[[str], str]
) -> None:
    bench.refused = {ValidatedTemplate}
    await bench.give(template_parser, template(example("vm")))
    assert [one.status for one in bench.sent(ProcedureStatus)] == ["begin", "failed"]
    assert bench.error().code == "record_too_large"
    assert isinstance(bench.journal[-1], Acknowledged)
    assert len(bench.sent(ErrorRecord)) == 1
