"""What clients send: coerced as the existing clients need it, and every fault named."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from paas_stream.access import NOBODY, Caller
from paas_stream.records import Owner, Template
from paas_stream.settings import DispatchSettings, Settings, TrackerSettings
from web import requests
from web.faults import errors_as_json
from web.requests import DeploymentRequest

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
SETTINGS = Settings(
    tracker=TrackerSettings(timeout_min=14400), dispatch=DispatchSettings(provider_timeout_min=1440)
)


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    """A server with one route that reads a deployment request and says what it understood."""

    async def post(request: web.Request) -> web.Response:
        body = await requests.deployment_request(request)
        encoded = body.to_template(UUID, SETTINGS, None).encode()
        return web.json_response({"understood": body.model_dump(), "message": encoded.decode()})

    app = web.Application(middlewares=[errors_as_json], client_max_size=8192)
    app.router.add_post("/", post)
    async with TestClient(TestServer(app)) as made:
        yield made


def understood(**fields: Any) -> DeploymentRequest:
    return DeploymentRequest.model_validate({"template": "x", **fields})


def message(**fields: Any) -> Template:
    return understood(**fields).to_template(UUID, SETTINGS, None)


def test_a_deployment_belongs_to_its_caller_and_its_group_to_the_callers_issuer() -> None:
    anna = Caller("https://iam.example.org/", "anna", "Anna", ("physics",))
    asked = understood(userGroup="physics").to_template(UUID, SETTINGS, None, anna).request
    assert asked.owner == Owner(issuer=anna.issuer, subject="anna", username="Anna")
    assert (asked.user_group, asked.user_group_issuer) == ("physics", anna.issuer)


def test_without_a_login_it_belongs_to_nobody_in_particular() -> None:
    asked = message(userGroup="physics").request
    assert (asked.owner.issuer, asked.owner.subject) == (NOBODY.issuer, NOBODY.subject)
    assert asked.user_group_issuer is None


async def refused(client: TestClient[Any, Any], body: Any, status: int = 400) -> dict[str, Any]:
    """The error body of a POST."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    async with client.post("/", data=data, headers=headers) as response:
        assert response.status == status
        answer = dict(await response.json())
    assert answer["code"] == status
    assert answer["title"]
    assert answer["message"]
    return answer


class TestText:
    @pytest.mark.parametrize(
        ("sent", "meant"),
        [("60", 60), (60, 60), (60.0, 60), ("60.0", 60), (" 60 ", 60), (None, None), (1, 1)],
    )
    @pytest.mark.parametrize("name", ["timeoutMins", "maxProvidersRetry"])
    def test_that_spells_a_number_is_one(self, name: str, sent: Any, meant: int | None) -> None:
        assert getattr(understood(**{name: sent}), name) == meant

    @pytest.mark.parametrize("name", ["timeoutMins", "providerTimeoutMins", "maxProvidersRetry"])
    @pytest.mark.parametrize("sent", ["", " "])
    def test_that_is_blank_is_no_number(self, name: str, sent: str) -> None:
        assert getattr(understood(**{name: sent}), name) is None

    @pytest.mark.parametrize(
        ("sent", "meant"),
        [
            ("true", True),
            ("false", False),
            ("True", True),
            ("FALSE", False),
            (True, True),
            (False, False),
            (None, False),
        ],
    )
    def test_that_spells_a_boolean_is_one(self, sent: Any, meant: bool) -> None:
        assert understood(keepLastAttempt=sent).keepLastAttempt is meant

    def test_in_the_parameters_is_left_to_the_templates_types(self) -> None:
        sent = {"cpus": "2", "public": "true", "additional_description": "mine"}
        assert message(parameters=sent).template_inputs == sent

    @pytest.mark.parametrize("sent", [None, {}])
    def test_no_parameters_are_none(self, sent: Any) -> None:
        assert understood(parameters=sent).parameters == {}

    def test_unknown_fields_are_ignored(self) -> None:
        assert understood(whatever=1, another={"a": []}).template == "x"


class TestFaults:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"template": ""}, "template"),
            ({"template": None}, "template"),
            ({"template": 3}, "template"),
            ({"parameters": []}, "parameters"),
            ({"parameters": "{}"}, "parameters"),
            ({"timeoutMins": 0}, "timeoutMins"),
            ({"timeoutMins": -1}, "timeoutMins"),
            ({"timeoutMins": "soon"}, "timeoutMins"),
            ({"timeoutMins": 1.5}, "timeoutMins"),
            ({"providerTimeoutMins": "0"}, "providerTimeoutMins"),
            ({"maxProvidersRetry": 0}, "maxProvidersRetry"),
            ({"keepLastAttempt": "maybe"}, "keepLastAttempt"),
            ({"callback": "ftp://x"}, "callback"),
            ({"callback": "javascript:x"}, "callback"),
            ({"callback": "http://127.0.0.1/"}, "callback"),
            ({"callback": "http://0x7f.1/"}, "callback"),
            ({"callback": "https://[::ffff:10.0.0.1]/"}, "callback"),
            ({"callback": "http://169.254.169.254/latest/meta-data"}, "callback"),
            ({"callback": "https://client.example.org:22/"}, "callback"),
            ({"callback": "https://xn--/"}, "callback"),
            ({"callback": "http:client.example.org"}, "callback"),
            ({"userGroup": 3}, "userGroup"),
        ],
        ids=lambda value: json.dumps(value),
    )
    async def test_are_named_by_their_field(
        self, client: TestClient[Any, Any], fields: dict[str, Any], named: str
    ) -> None:
        answer = await refused(client, {"template": "x"} | fields)
        (fault,) = answer["faults"]
        assert fault.startswith(f"{named}: ")
        assert answer["message"] == fault

    async def test_are_all_named_at_once(self, client: TestClient[Any, Any]) -> None:
        answer = await refused(
            client, {"timeoutMins": 0, "callback": "x", "keepLastAttempt": "maybe"}
        )
        assert len(answer["faults"]) == 4
        assert all(fault in answer["message"] for fault in answer["faults"])

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"{'a': 1}"])
    async def test_no_json_is_told(self, client: TestClient[Any, Any], body: bytes) -> None:
        assert "not JSON" in (await refused(client, body))["message"]

    @pytest.mark.parametrize("body", [[], "x", 3, None])
    async def test_another_json_value_is_told(
        self, client: TestClient[Any, Any], body: Any
    ) -> None:
        assert "a JSON object was expected" in (await refused(client, body))["message"]

    async def test_a_deep_body_is_told(self, client: TestClient[Any, Any]) -> None:
        await refused(client, b'{"template": ' + b"[" * 3000)

    async def test_a_large_body_is_413(self, client: TestClient[Any, Any]) -> None:
        await refused(client, {"template": "x" * 9000}, 413)

    @pytest.mark.parametrize("kind", ["text/yaml", "application/x-www-form-urlencoded"])
    async def test_another_content_type_is_415(
        self, client: TestClient[Any, Any], kind: str
    ) -> None:
        async with client.post("/", data=b"{}", headers={"Content-Type": kind}) as response:
            assert response.status == 415
            assert (await response.json())["message"] == "the body must be application/json"

    async def test_json_without_a_content_type_is_read(self, client: TestClient[Any, Any]) -> None:
        data = json.dumps({"template": "x"}).encode()
        async with client.post(
            "/", data=data, headers={"Content-Type": "application/octet-stream"}
        ) as response:
            assert response.status == 200

    @pytest.mark.parametrize(
        "parameters",
        [
            b'{"a": NaN}',
            b'{"a": 1e400}',
            b'{"a": -1%b}' % (b"0" * 5000),
            b'{"a": -Infinity}',
            b'{"a": 1' + b"0" * 40 + b"}",
            b'{"a": "\\ud800"}',
            b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}",
        ],
        ids=[
            "NaN",
            "a number beyond all",
            "thousands of digits",
            "infinity",
            "a huge number",
            "half a character",
            "deep",
        ],
    )
    async def test_parameters_that_no_message_can_carry_are_refused(
        self,
        client: TestClient[Any, Any],
        parameters: bytes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def nothing(*_: object) -> None: ...

        monkeypatch.setattr("web.faults._report", nothing)
        await refused(client, b'{"template": "x", "parameters": ' + parameters + b"}")


class TestTimeOuts:
    @pytest.mark.parametrize(
        ("overall", "provider", "meant"),
        [
            (None, None, (14400, 1440)),
            (60, None, (60, 60)),
            (60, 30, (60, 30)),
            (60, 60, (60, 60)),
            (None, 30, (14400, 30)),
            (None, 99999, (14400, 14400)),
            (99999, None, (14400, 1440)),
            (99999, 88888, (14400, 14400)),
            (10**30, None, (14400, 1440)),
        ],
    )
    def test_are_bounded_by_the_settings_and_by_each_other(
        self, overall: int | None, provider: int | None, meant: tuple[int, int]
    ) -> None:
        made = message(timeoutMins=overall, providerTimeoutMins=provider)
        minutes = (made.request.deadline - made.timestamp).total_seconds() / 60
        assert (minutes, made.request.per_provider_timeout) == meant

    @pytest.mark.parametrize(("overall", "provider"), [(60, 61), ("60", "61"), (1, 2)])
    async def test_of_a_provider_beyond_the_overall_one_are_refused(
        self, client: TestClient[Any, Any], overall: Any, provider: Any
    ) -> None:
        answer = await refused(
            client, {"template": "x", "timeoutMins": overall, "providerTimeoutMins": provider}
        )
        assert answer["message"] == "ProviderTimeout must be <= Timeout"


def test_the_message_carries_the_whole_request() -> None:
    made = understood(
        parameters={"cpus": "2"},
        callback="https://client/hook",
        maxProvidersRetry="2",
        keepLastAttempt="true",
        userGroup="physics",
    ).to_template(UUID, SETTINGS, "sealed")
    assert (made.uuid, made.operation, made.template) == (UUID, "create", "x")
    assert (made.callback, made.template_inputs) == ("https://client/hook", {"cpus": "2"})
    assert made.request.max_providers == 2
    assert made.request.keep_last_attempt is True
    assert made.request.user_group == "physics"
    assert made.request.access_token == "sealed"
    assert abs((datetime.now(UTC) - made.timestamp).total_seconds()) < 60
    assert Template.decode(made.encode()) == made


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("abc", None),
        ("", None),
        (None, None),
        ("Bearer é", None),
    ],
)
def test_only_a_bearer_token_is_a_token(header: str | None, token: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert requests.bearer_token(make_mocked_request("GET", "/", headers=headers)) == token


def test_a_number_of_providers_that_no_message_could_carry_is_bounded() -> None:
    sent = message(maxProvidersRetry="9" * 30)
    assert sent.request.max_providers == 10**15
    assert Template.decode(sent.encode()) == sent
