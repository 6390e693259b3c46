"""What the IM client makes of a server that misbehaves: never a hang, never a raw exception."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from paas_stream.clients.im import (
    ImClient,
    ImGoneError,
    ImRefusedError,
    ImSurplusError,
    ImTemplateError,
    sentence,
)
from paas_stream.errors import PaasError, PermanentError, TemporaryError

TIMEOUT_S = 10.0
SHORT_S = 0.2  # where the time-out is waited for
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CALLS: dict[str, Callable[[ImClient], Awaitable[Any]]] = {
    "version": lambda im: im.version(),
    "infrastructures": lambda im: im.infrastructures("auth"),
    "create": lambda im: im.create("auth", "template"),
    "log_in": lambda im: im.log_in("auth", "ost"),
    "state": lambda im: im.state("auth", "inf"),
    "outputs": lambda im: im.outputs("auth", "inf"),
    "reconfigure": lambda im: im.reconfigure("auth", "inf"),
    "contextualization": lambda im: im.contextualization("auth", "inf"),
    "delete": lambda im: im.delete("auth", "inf"),
}
PARSE_ERROR = (
    "Error parsing request body: Error parsing TOSCA template: \n"
    "The pre-parsed input failed validation with the following error(s): \n\n"
    '\tInvalidTypeError: Type "no.such.Type" is not a valid type.\n'
    "\t\tFile /opt/im/run/../im/bin/im_service, line 10, in <module>\n"
    "\t\t\tsys.exit(main())\n"
    "\t\tFile /opt/im/lib/IM/rest/REST.py, line 63, in run\n"
    "\t\t\tself.uvicorn_server.run()\n"
    "\t\tFile /opt/im/lib/python3.11/site-packages/fastapi/routing.py, line 5, in app\n"
    "\t\t\tsecret = compute(request)\n"
    '\tMissingRequiredFieldError: "node" lacks the field "type".\n'
)


@asynccontextmanager
async def serving(behaviour: Behaviour, timeout_s: float = TIMEOUT_S) -> AsyncIterator[ImClient]:
    """A client of a server that reads each request and then behaves so."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await behaviour(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        yield ImClient(session, f"http://127.0.0.1:{port}", timeout_s)
    server.close()


def answers(
    status: int, body: bytes | str = b"", kind: str = "application/json", **headers: str
) -> Behaviour:
    """The server answers this."""
    raw = body.encode() if isinstance(body, str) else body

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Some", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"Content-Length: {len(raw)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
        await writer.drain()

    return behave


async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def hangs_after_headers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(30)


async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def resets_in_the_middle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()


async def speaks_no_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


async def redirects(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    )
    await writer.drain()


async def fault_of(
    behaviour: Behaviour, call: str = "state", timeout_s: float = TIMEOUT_S
) -> PaasError:
    async with serving(behaviour, timeout_s) as im:
        with pytest.raises(PaasError) as caught:
            await CALLS[call](im)
    return caught.value


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("behaviour", [hangs, hangs_after_headers, drips])
async def test_every_call_is_bounded_in_time(call: str, behaviour: Behaviour) -> None:
    begun = time.monotonic()
    fault = await fault_of(behaviour, call, SHORT_S)
    assert time.monotonic() - begun < TIMEOUT_S
    assert isinstance(fault, TemporaryError)
    assert fault.code == "im_timeout"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("behaviour", [resets, resets_in_the_middle, speaks_no_http])
async def test_a_broken_connection_is_temporary(call: str, behaviour: Behaviour) -> None:
    fault = await fault_of(behaviour, call)
    assert isinstance(fault, TemporaryError)
    assert fault.code == "im_unreachable"


async def test_a_refused_connection_is_temporary() -> None:
    async with serving(resets) as im:
        pass
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TemporaryError) as caught:
            await ImClient(session, im._url, TIMEOUT_S).version()
    assert caught.value.code == "im_unreachable"
    assert "127.0.0.1" not in caught.value.message


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_server_is_asked_again_when_it_says(status: int) -> None:
    fault = await fault_of(answers(status, "<h1>busy</h1>", "text/html", Retry_After="17"))
    assert isinstance(fault, TemporaryError)
    assert fault.delay_s == 17.0
    assert str(status) in fault.message


@pytest.mark.parametrize(
    ("retry_after", "delay_s"),
    [
        ("0", 0.0),
        ("299", 299.0),
        ("86400", 300.0),
        ("9" * 400, 300.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("\u00b2", None),
        ("", None),
        ("inf", None),
    ],
)
async def test_a_strange_retry_after_is_not_believed(
    retry_after: str, delay_s: float | None
) -> None:
    fault = await fault_of(answers(503, "{}", Retry_After=retry_after))
    assert isinstance(fault, TemporaryError)
    assert fault.delay_s == delay_s


@pytest.mark.parametrize("status", [302, 400, 401, 403, 405, 409, 500, 501])
async def test_other_errors_are_refusals_with_the_reason(status: int) -> None:
    body = json.dumps({"message": "No quota left", "code": status})
    fault = await fault_of(answers(status, body), "create")
    assert type(fault) is ImRefusedError
    assert fault.message == f"No quota left (IM {status})"


async def test_what_keeps_the_im_out_of_a_cloud_is_told_as_the_clouds() -> None:
    said = "Error getting cloud info: Invalid credentials with the provider"
    fault = await fault_of(answers(400, json.dumps({"message": said, "code": 400})), "log_in")
    assert type(fault) is ImRefusedError
    assert fault.message == (
        "the cloud refuses the login: user, password, project or token is wrong, "
        "or the token has expired"
    )


async def test_a_cloud_that_lets_the_im_in_is_no_fault() -> None:
    async with serving(answers(200, json.dumps({"images": []}))) as im:
        await im.log_in("auth", "ost")


@pytest.mark.parametrize("call", ["infrastructures", "state", "outputs"])
async def test_an_error_of_the_im_itself_says_nothing_of_what_was_asked_for(call: str) -> None:
    fault = await fault_of(answers(500, json.dumps({"message": "out of order"})), call)
    assert isinstance(fault, TemporaryError)
    assert fault.message == "the IM answers 500: out of order"


async def test_a_redirect_is_not_followed_with_the_credentials() -> None:
    assert isinstance(await fault_of(redirects, "create"), ImRefusedError)


@pytest.mark.parametrize("call", ["state", "outputs", "contextualization"])
async def test_404_of_an_infrastructure_means_that_it_is_gone(call: str) -> None:
    assert isinstance(await fault_of(answers(404, "{}"), call), ImGoneError)


async def test_404_at_a_delete_is_as_good_as_deleted() -> None:
    async with serving(answers(404, "{}")) as im:
        await im.delete("auth", "inf")


@pytest.mark.parametrize("call", ["infrastructures", "create", "version"])
async def test_404_of_anything_else_is_a_wrong_address(call: str) -> None:
    fault = await fault_of(answers(404, "<html>nginx</html>", "text/html"), call)
    assert isinstance(fault, ImRefusedError)


async def test_a_refused_template_is_told_from_a_refusing_provider() -> None:
    template = answers(400, json.dumps({"message": PARSE_ERROR, "code": 400}))
    provider = answers(400, json.dumps({"message": "Some deploys did not proceed", "code": 400}))
    assert isinstance(await fault_of(template, "create"), ImTemplateError)
    assert type(await fault_of(provider, "create")) is ImRefusedError


async def test_the_parse_error_keeps_its_sentences_and_loses_trace_and_paths() -> None:
    fault = await fault_of(answers(400, json.dumps({"message": PARSE_ERROR})), "create")
    assert fault.message == (
        "Error parsing request body: Error parsing TOSCA template: The pre-parsed input failed "
        'validation with the following error(s): InvalidTypeError: Type "no.such.Type" is not a '
        'valid type. MissingRequiredFieldError: "node" lacks the field "type".'
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"<html>welcome</html>",
        b"\xff\xfe\x00",
        b'{"uri-list": 3, "uri": 3, "state": 3, "outputs": 3}',
        b'{"uri-list": [3], "uri": {}, "state": {}, "outputs": [1]}',
        b'{"uri-list": [{}], "uri": "http://im/", "state": {"state": 1}, "outputs": "x"}',
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("call", ["infrastructures", "create", "state", "outputs"])
async def test_an_answer_that_makes_no_sense_is_temporary(
    call: str, kind: str, body: bytes
) -> None:
    fault = await fault_of(answers(200, body, kind), call)
    assert isinstance(fault, TemporaryError)
    assert fault.code == "im_answer"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"<html>", b"\xff", b"[" * 100_000])
async def test_an_error_body_that_makes_no_sense_is_still_an_error(body: bytes) -> None:
    assert isinstance(await fault_of(answers(500, body), "create"), PermanentError)


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    fault = await fault_of(answers(200, b'{"x": "' + b"y" * 5_000_000 + b'"}'), "outputs")
    assert fault.code == "im_answer"


async def test_a_huge_error_is_cut() -> None:
    fault = await fault_of(answers(500, b"no " * 1_000_000, "text/plain"), "create")
    assert isinstance(fault, ImRefusedError)
    assert len(fault.message) < 1000


async def test_what_the_im_answers_is_read_whatever_its_content_type_says() -> None:
    body = json.dumps({"state": {"state": "running", "vm_states": {"0": "running"}}})
    async with serving(answers(200, body, "text/plain")) as im:
        assert await im.state("auth", "inf") == ("running", 1)


async def test_a_template_with_less_machines_than_there_are_is_told_from_a_refusal() -> None:
    surplus = json.dumps({"message": "Error Adding resources: Invalid VM ID", "code": 400})
    async with serving(answers(400, surplus)) as im:
        with pytest.raises(ImSurplusError):
            await im.add("auth", "inf", "template")
    async with serving(answers(400, json.dumps({"message": "No quota left"}))) as im:
        with pytest.raises(ImRefusedError) as caught:
            await im.add("auth", "inf", "template")
    assert type(caught.value) is ImRefusedError


@pytest.mark.parametrize(
    ("told", "machines", "state"),
    [
        ("configured", ["configured", "stopped"], "configured"),
        ("stopped", ["stopped", "configured"], "configured"),
        ("stopped", ["stopped", "unconfigured", "configured"], "unconfigured"),
        ("stopped", ["stopped", "running", "unconfigured"], "running"),
        ("off", ["off", "failed"], "failed"),
        ("stopped", ["stopped"], "configured"),
        ("pending", ["stopped", "pending"], "pending"),
        ("deleting", ["stopped"], "deleting"),
    ],
)
async def test_stopped_machines_do_not_hide_the_others(
    told: str, machines: list[str], state: str
) -> None:
    states = {str(number): one for number, one in enumerate(machines)}
    body = json.dumps({"state": {"state": told, "vm_states": states}})
    async with serving(answers(200, body)) as im:
        assert await im.state_of_running("auth", "inf") == (state, len(machines))


async def test_an_id_cannot_lead_to_another_path() -> None:
    seen = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers(200, "{}")(reader, writer)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readline()).split()[1])
        await note(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        await ImClient(session, f"http://127.0.0.1:{port}", TIMEOUT_S).delete("a", "../x?y#z")
    server.close()
    assert seen == [b"/infrastructures/..%2Fx%3Fy%23z"]


class TestSentence:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("plain", "plain"),
            ("two\n  lines\n", "two lines"),
            ("cannot open /etc/im/keys/a.pem", "cannot open …"),
            ("at https://keystone.example.org:5000/v3/auth/tokens",) * 2,
            ("read file:///etc/passwd now", "read … now"),
            ("n/a and/or either/or", "n/a and/or either/or"),
            ("bell\x07 and \x1b[31mred\x1b[0m", "bell and [31mred [0m"),
            ("", ""),
        ],
    )
    def test_has_no_paths_and_no_line_breaks(self, text: str, told: str) -> None:
        assert sentence(text) == told

    def test_is_cut_at_its_end_or_at_its_begin(self) -> None:
        text = "begin " + "x" * 2000 + " end"
        assert sentence(text).startswith("begin")
        assert sentence(text, tail=True).endswith(" end")
        assert len(sentence(text)) == len(sentence(text, tail=True)) == 801

    def test_has_no_frame_of_a_python_trace_and_no_code(self) -> None:
        trace = (
            "Traceback (most recent call last):\n"
            '  File "/opt/im/IM/x.py", line 3, in run\n'
            "    token = 'hunter2'\n"
            "ValueError: no such flavor"
        )
        assert sentence(trace) == ("Traceback (most recent call last): ValueError: no such flavor")

    def test_has_no_frame_of_a_java_trace(self) -> None:
        trace = "java.lang.Error: refused\n\tat org.x.Main.run(Main.java:5)\nCaused by: quota"
        assert sentence(trace) == "java.lang.Error: refused Caused by: quota"
