"""The OpenAPI document: it is valid, it tells of every route, and it says what the views read."""

import json
import re
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import ValidationError

from paas_stream import __version__
from paas_stream.access import ENDPOINTS
from paas_stream.app import app
from web import error_records, listing, openapi, requests, views
from web.contract.document import ERRORS, HEADERS, document
from web.contract.operation import UNLIMITED
from web.contract.operations import OPERATIONS
from web.contract.queries import DeploymentsQuery, ErrorsQuery, Query
from web.faults import ApiError

DOCUMENT = document(OPERATIONS, __version__)
SCHEMAS = DOCUMENT["components"]["schemas"]
UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"


def operations() -> dict[str, dict[str, Any]]:
    """The document's operations by their ids."""
    return {
        one["operationId"]: one | {"path": path, "method": method}
        for path, item in DOCUMENT["paths"].items()
        for method, one in item.items()
    }


def validator(name: str) -> Draft202012Validator:
    """Of one model of the document."""
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _local(SCHEMAS)})


def _local(schemas: dict[str, Any]) -> Any:
    return json.loads(json.dumps(schemas).replace("#/components/schemas/", "#/$defs/"))


class TestTheDocument:
    def test_is_valid_openapi_3_1(self) -> None:
        assert DOCUMENT["openapi"] == "3.1.0"
        validate(DOCUMENT)

    def test_is_the_one_that_is_served(self) -> None:
        asset = openapi.assets[openapi.JSON_FILE]
        assert json.loads(asset.body) == DOCUMENT
        assert asset.content_type == "application/json"

    def test_names_this_version_and_no_address(self) -> None:
        assert DOCUMENT["info"]["version"] == __version__
        assert [one["url"] for one in DOCUMENT["servers"]] == ["/"]

    def test_has_each_route_of_the_application_and_no_other(self) -> None:
        assert views.__all__
        routes = {
            (route.method, route.resource.canonical)
            for route in app.web.web_app.router.routes()
            if route.method != "HEAD" and route.resource is not None
        }
        declared = [route for one in OPERATIONS for route in one.routes]
        assert set(declared) == routes
        assert len(declared) == len(set(declared))

    def test_has_an_id_of_its_own_for_each_operation(self) -> None:
        ids = [one.id for one in OPERATIONS]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z][A-Za-z]+", one) for one in ids)

    def test_uses_each_header_and_each_error_that_it_defines_or_may_need(self) -> None:
        text = json.dumps(DOCUMENT["paths"])
        for one in operations().values():
            for status, answer in one["responses"].items():
                assert int(status) < 400 or answer["$ref"].endswith(f"/{status}")
        assert "#/components/headers/Location" in text
        assert set(HEADERS) == set(DOCUMENT["components"]["headers"])

    @pytest.mark.parametrize("status", [429, 503])
    def test_says_when_to_come_again(self, status: int) -> None:
        answer = DOCUMENT["components"]["responses"][str(status)]
        assert answer["headers"]["Retry-After"]["$ref"].endswith("/Retry-After")

    def test_words_every_error_alike(self) -> None:
        for status in ERRORS:
            content = DOCUMENT["components"]["responses"][str(status)]["content"]
            assert content["application/json"]["schema"]["$ref"].endswith("/Error")
        assert SCHEMAS["Error"]["required"] == ["code", "title", "message"]

    def test_lets_nobody_in_without_a_login_but_for_what_the_service_is(self) -> None:
        public = {one.path for one in OPERATIONS if not one.needs_login}
        assert public == {
            "/",
            "/info",
            "/configuration",
            "/healthz",
            "/readyz",
            "/metrics",
            "/openapi.json",
            "/ui",
            "/ui/",
            "/ui/{name}",
            "/docs",
            "/docs/{name}",
        }
        for one in OPERATIONS:
            shown = operations()[one.id]
            assert ("429" in shown["responses"]) is (one.path not in UNLIMITED)
            assert bool(shown["security"]) is one.needs_login
            assert ("401" in shown["responses"]) is one.needs_login

    def test_has_the_rights_of_the_policy(self) -> None:
        for one in OPERATIONS:
            assert ENDPOINTS[(one.method, one.path)] is one.right, one.id

    def test_never_says_null_in_an_answer_but_for_a_deployments_user_group(self) -> None:
        requests_only = {one.body.__name__ for one in OPERATIONS if one.body is not None}
        assert {"type": "null"} in SCHEMAS["Deployment"]["properties"]["userGroup"]["anyOf"]
        assert "userGroup" in SCHEMAS["Deployment"]["required"]
        others = SCHEMAS["Deployment"]["properties"] | {"userGroup": {}}
        answers = SCHEMAS | {"Deployment": others}
        for name, schema in answers.items():
            assert name in requests_only or '"null"' not in json.dumps(schema), name


class TestARequest:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"timeoutMins": 60, "providerTimeoutMins": "30", "maxProvidersRetry": None},
            {"timeoutMins": "", "providerTimeoutMins": "", "maxProvidersRetry": ""},
            {"keepLastAttempt": "true"},
            {"keepLastAttempt": False, "callback": "https://x", "userGroup": "g"},
            {"parameters": {"cpus": "2", "deep": [{"a": None}]}, "unknown": 1},
        ],
    )
    def test_that_the_document_allows_is_read(self, fields: dict[str, Any]) -> None:
        body = {"template": "x"} | fields
        validator("DeploymentRequest").validate(body)
        assert requests.DeploymentRequest.model_validate(body).template == "x"

    @pytest.mark.parametrize(
        "fields",
        [
            {"template": ""},
            {"template": None},
            {"timeoutMins": 0},
            {"timeoutMins": "0"},
            {"timeoutMins": "soon"},
            {"maxProvidersRetry": -1},
            {"keepLastAttempt": "maybe"},
            {"callback": "ftp://x"},
            {"userGroup": 3},
            {"parameters": []},
        ],
    )
    def test_that_is_refused_is_not_allowed_by_the_document(self, fields: dict[str, Any]) -> None:
        body = {"template": "x"} | fields
        assert not validator("DeploymentRequest").is_valid(body)
        with pytest.raises(ValidationError):
            requests.DeploymentRequest.model_validate(body)


class TestAQuery:
    def read(self, query: str) -> DeploymentsQuery:
        return requests.query_of(make_mocked_request("GET", f"/{query}"), DeploymentsQuery)

    def test_has_the_documents_defaults(self) -> None:
        shown = {
            one["name"]: one["schema"] for one in operations()["listDeployments"]["parameters"]
        }
        read = self.read("")
        assert (read.page, read.size) == (shown["page"]["default"], shown["size"]["default"])

    def test_is_read_with_its_lists_and_without_what_is_not_known(self) -> None:
        read = self.read("?excludedStatus=A&excludedStatus=B,C&size=%207%20&size=9&nothing=1")
        assert read.excludedStatus == ["A", "B,C"]
        assert read.size == 7

    @pytest.mark.parametrize(
        "value", ["", "x", "1.5", "0", "-1", "1001", "1e2", "9" * 5000, "%00", "1_0", "%C2%B2"]
    )
    def test_is_refused_by_name(self, value: str) -> None:
        with pytest.raises(ApiError) as caught:
            self.read(f"?size={value}&page=x")
        assert caught.value.status == 400
        assert caught.value.message.startswith("page must be a whole number, not 'x'; size")
        assert len(caught.value.extra["faults"]) == 2

    async def test_of_a_parameter_that_the_path_lacks_is_described(self) -> None:
        described = {name for one in OPERATIONS for name in re.findall(r"{(\w+)}", one.path)}
        shown = {
            one["name"]
            for shown in operations().values()
            for one in shown["parameters"]
            if one["in"] == "path"
        }
        assert shown == described


@pytest.mark.parametrize(
    ("module", "model", "more"),
    [(listing, DeploymentsQuery, {"createdBy"}), (error_records, ErrorsQuery, set())],
)
def test_what_is_read_without_its_model_is_in_it(
    module: Any, model: type[Query], more: set[str]
) -> None:
    table = module.__doc__.partition("| field")[0]
    names = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert names | more == set(model.model_fields)


def test_a_header_that_a_view_reads_is_in_the_document() -> None:
    shown = {
        (name, one["name"])
        for name, operation in operations().items()
        for one in operation["parameters"]
        if one["in"] == "header"
    }
    assert shown == {("createDeployment", "Idempotency-Key"), ("listEvents", "Last-Event-ID")}


async def test_the_page_for_people_and_the_document_come_with_the_policy() -> None:
    for name in openapi.assets:
        request = make_mocked_request("GET", f"/docs/{name}")
        answer = openapi.pages.serve(request, name, openapi.assets)
        assert isinstance(answer, web.Response)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
