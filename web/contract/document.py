"""The OpenAPI 3.1 document, made of the declared operations and of their models."""

import http
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from web.contract.base import Error
from web.contract.operation import JSON, TEXT, Answer, Operation, Tag

_REF: Final = "#/components/schemas/{model}"

TAGS: Final = {
    Tag.DEPLOYMENTS: "What users deploy: templates on their way to a cloud, and what became of them.",
    Tag.RESOURCES: "The nodes of a deployment.",
    Tag.TEMPLATES: "Templates, described and kept.",
    Tag.PROVIDERS: "What is known of the federation's providers.",
    Tag.REPORTS: "What went wrong, and how much goes on.",
    Tag.USER: "The caller's own things.",
    Tag.ADMIN: "For operators.",
    Tag.SERVICE: "What this is, and how it is. No login is needed.",
    Tag.PAGES: "For people.",
}

ERRORS: Final = {
    400: "a fault of the request; `faults` has each where they can be told apart",
    401: "no login, or one that is not accepted",
    403: "the caller may not do this",
    404: "there is no such thing",
    408: "the body does not come",
    409: "not possible in this state; with `Retry-After: 0` after a concurrent change",
    413: "the body is too large",
    415: "the body must be application/json",
    422: "the Idempotency-Key is that of another request",
    429: "too many requests of this caller",
    500: "a fault of the service; its operators are told",
    503: "not now: the worker is not ready, or has too much to do",
}
_WAITS: Final = (429, 503)  # these always say when to come again

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Location": {
        "description": "where it is",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "seconds to wait before the request is sent again",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
}

PATH_PARAMETERS: Final = {
    "uuid": "the deployment",
    "rid": "the resource",
    "id": "the identifier that it was given",
    "name": "the name",
}

SECURITY: Final = {
    "oidc": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of a trusted OpenID Connect issuer.",
    },
    "keystone": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": "A token of OpenStack Keystone.",
    },
}

_ABOUT: Final = """\
Deploys TOSCA templates on the providers of a federation.

Every error is JSON with `code`, `title` and `message`. A path that does not exist answers 404, a method
that a path does not have 405 with `Allow`, an `Expect` other than `100-continue` 417. A body is read
wherever it is sent, also where none belongs: one that cannot be read answers 400, one that does not
come 408, one that is too large 413. Unknown fields and
unknown parameters are ignored. Any 503 means: send the same request again after `Retry-After`
seconds."""


class _Schemas(GenerateJsonSchema):
    """JSON Schema 2020-12 of requests as they are read, and of answers as they are written.

    What an answer lacks is left out, never null, but for a deployment's `userGroup`; and it may get
    further fields one day, so clients must not refuse them.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().nullable_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        if self.mode == "serialization":
            made.pop("additionalProperties", None)
        return made


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The document of these operations; `version` is the service's."""
    declared = tuple(operations)
    schemas, parts = _schemas(declared)
    paths: dict[str, dict[str, Any]] = {}
    for one in declared:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    used = {one.tag for one in declared}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PaaS Stream",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "tags": [
            {"name": tag.value, "description": about} for tag, about in TAGS.items() if tag in used
        ],
        "paths": paths,
        "components": {
            "schemas": parts,
            "headers": HEADERS,
            "responses": {str(status): _error(status) for status in ERRORS},
            "securitySchemes": SECURITY,
        },
    }


_Key = tuple[str, JsonSchemaMode]


def _schemas(operations: Iterable[Operation]) -> tuple[dict[_Key, Any], dict[str, Any]]:
    """The schema of each model, and the parts that they refer to."""
    wanted: dict[_Key, Any] = {_key(Error, "serialization"): Error}
    for one in operations:
        if one.body is not None:
            wanted[_key(one.body, "validation")] = one.body
        for answer in one.answers.values():
            wanted |= {_key(kind, "serialization"): kind for kind in answer.content.values()}
    inputs = [(name, mode, TypeAdapter(kind)) for (name, mode), kind in wanted.items()]
    found, rest = TypeAdapter.json_schemas(inputs, ref_template=_REF, schema_generator=_Schemas)
    return {(str(name), mode): schema for (name, mode), schema in found.items()}, rest["$defs"]


def _key(kind: Any, mode: JsonSchemaMode) -> _Key:
    return repr(kind), mode


def _operation(one: Operation, schemas: Mapping[_Key, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.id,
        "tags": [one.tag.value],
        "summary": one.summary,
        "parameters": [*_path_parameters(one.path), *_query(one.query), *_headers(one.headers)],
    }
    if one.about:
        made["description"] = one.about
    if one.body is not None:
        content: dict[str, Any] = {JSON: {"schema": schemas[_key(one.body, "validation")]}}
        if one.text_body is not None:
            content[TEXT] = {"schema": {"type": "string", "description": one.text_body}}
        made["requestBody"] = {"required": True, "content": content}
    answers = {
        str(status): _answer(status, answer, schemas) for status, answer in one.answers.items()
    }
    refused = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in one.error_statuses
    }
    made["responses"] = answers | refused
    made["security"] = [{name: []} for name in SECURITY] if one.needs_login else []
    return made


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    return _parameters(model, "query")


def _headers(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    return _parameters(model, "header")


def _parameters(model: type[BaseModel] | None, place: str) -> list[dict[str, Any]]:
    """A model's fields as parameters; those that may be left out are never null."""
    if model is None:
        return []
    schema = model.model_json_schema(schema_generator=_Schemas, mode="serialization")
    required = schema.get("required", ())
    made = []
    for name, field in schema["properties"].items():
        about = field.pop("description", "")
        field.pop("title", None)
        one = {"name": name, "in": place, "required": name in required, "schema": field}
        made.append(one | ({"description": about} if about else {}))
    return made


def _answer(status: int, answer: Answer, schemas: Mapping[_Key, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.about or http.HTTPStatus(status).phrase}
    if answer.headers:
        made["headers"] = {name: _header(name) for name in answer.headers}
    if answer.content:
        made["content"] = {
            media_type: {"schema": schemas[_key(kind, "serialization")]}
            for media_type, kind in answer.content.items()
        }
    return made


def _error(status: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": ERRORS[status],
        "content": {JSON: {"schema": {"$ref": _REF.format(model="Error")}}},
    }
    if status in _WAITS:
        made["headers"] = {"Retry-After": _header("Retry-After")}
    return made


def _header(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/headers/{name}"}
