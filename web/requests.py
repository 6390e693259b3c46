"""What clients send: read, coerced and checked."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from paas_stream.access import NOBODY, Caller
from paas_stream.clients.callback_guard import CallbackGuard, RefusedTargetError
from paas_stream.records import FreeValues, Owner, Request, Template
from paas_stream.records.base import LARGEST_WHOLE
from paas_stream.settings import Settings, get_settings
from web.faults import ApiError

_DIGITS = 20  # of the largest numbers of 64 bits, with a sign
# what a client that follows the contract sends; what is read goes a little beyond it
_NUMBER_OR_TEXT = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": LARGEST_WHOLE},
        {"type": "string", "pattern": "^([1-9][0-9]{0,14})?$"},
        {"type": "null"},
    ]
}
_TRUTH_OR_TEXT = {
    "anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}, {"type": "null"}],
    "default": False,
}

Minutes = Annotated[int, Field(ge=1)]
MinutesOrNone = Annotated[Minutes | None, WithJsonSchema(_NUMBER_OR_TEXT)]
Body = TypeVar("Body", bound=BaseModel)
Query = TypeVar("Query", bound=BaseModel)


class DeploymentRequest(BaseModel):
    """Body of POST /deployments. Existing clients send numbers and booleans as text."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    template: str = Field(min_length=1, description="TOSCA, YAML text")
    parameters: FreeValues = Field({}, description="inputs of the template, by name")
    callback: str | None = Field(
        None, pattern=r"^https?:", description="URL that is told of what happens"
    )
    timeoutMins: MinutesOrNone = Field(None, description="overall time-out")
    providerTimeoutMins: MinutesOrNone = Field(
        None, description="time-out of each provider; at most the overall one"
    )
    maxProvidersRetry: MinutesOrNone = Field(None, description="providers that are tried, in all")
    keepLastAttempt: Annotated[bool, WithJsonSchema(_TRUTH_OR_TEXT)] = Field(
        False, description="a failed last attempt is left in place"
    )
    userGroup: str | None = Field(None, description="in whose name; one of the caller's groups")

    @field_validator("parameters", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("timeoutMins", "providerTimeoutMins", "maxProvidersRetry", mode="before")
    @classmethod
    def _blank_is_none(cls, value: Any) -> Any:
        """A field of a form that was left empty."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("keepLastAttempt", mode="before")
    @classmethod
    def _null_is_false(cls, value: Any) -> Any:
        return False if value is None else value

    @field_validator("callback")
    @classmethod
    def _callback_may_be_called(cls, value: str | None) -> str | None:
        if value is not None:
            allowed = get_settings().callback
            try:
                CallbackGuard(allowed.allow, allowed.ports).check(value)
            except RefusedTargetError as exc:
                raise ValueError(exc.message) from exc
        return value

    @model_validator(mode="after")
    def _provider_timeout_fits(self) -> "DeploymentRequest":
        if self.timeoutMins is not None and (self.providerTimeoutMins or 0) > self.timeoutMins:
            raise ValueError("ProviderTimeout must be <= Timeout")
        return self

    def to_template(
        self, uuid: str, settings: Settings, token: str | None, caller: Caller = NOBODY
    ) -> Template:
        """The message for `template`, owned by `caller`; `token` is sealed."""
        now = datetime.now(UTC)
        timeout = min(
            self.timeoutMins or settings.tracker.timeout_min, settings.tracker.timeout_min
        )
        provider = self.providerTimeoutMins or settings.dispatch.provider_timeout_min
        return Template(
            uuid=uuid,
            timestamp=now,
            template=self.template,
            template_inputs=self.parameters,
            callback=self.callback,
            request=Request(
                owner=Owner(
                    issuer=caller.issuer,
                    subject=caller.subject,
                    username=caller.username or "",
                ),
                user_group=self.userGroup,
                user_group_issuer=caller.issuer if caller.groups is not None else None,
                max_providers=self.maxProvidersRetry and min(self.maxProvidersRetry, LARGEST_WHOLE),
                deadline=now + timedelta(minutes=timeout),
                per_provider_timeout=min(provider, timeout),
                keep_last_attempt=self.keepLastAttempt,
                access_token=token,
            ),
        )


async def deployment_request(request: web.Request) -> DeploymentRequest:
    """The body of POST /deployments. Raises ApiError 400 with every fault, 413 or 415."""
    return await body_of(request, DeploymentRequest)


async def body_of(request: web.Request, model: type[Body]) -> Body:
    """The JSON body of a POST. Raises ApiError 400 with every fault, 413 or 415."""
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise ApiError(415, "the body must be application/json")
    try:
        body = json.loads(
            await request.read(), parse_constant=_refuse, parse_int=_whole, parse_float=_finite
        )
        orjson.dumps(body)
    except (orjson.JSONEncodeError, _NotJsonError) as exc:
        raise ApiError(400, f"the body holds a value that no message can carry: {exc}") from exc
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise ApiError(400, f"the body is not JSON: {exc}") from exc
    except RecursionError as exc:
        raise ApiError(400, "the body is nested too deeply") from exc
    if not isinstance(body, dict):
        raise ApiError(400, f"a JSON object was expected, not {type(body).__name__}")
    try:
        return model.model_validate(body)
    except ValidationError as exc:
        faults = [_sentence(error) for error in exc.errors()]
        raise ApiError(400, "; ".join(faults), faults=faults) from exc


class _NotJsonError(ValueError):
    """Python reads it, or would, and other readers of JSON do not."""


def _refuse(constant: str) -> None:
    raise _NotJsonError(constant)


def _whole(digits: str) -> int:
    """A number that 64 bits could hold: Python reads no number of thousands of digits."""
    if len(digits) > _DIGITS:
        raise _NotJsonError(f"a whole number of {len(digits)} digits")
    return int(digits)


def _finite(text: str) -> float:
    """A number, where Python reads what is too large for one as infinity."""
    number = float(text)
    if not math.isfinite(number):
        raise _NotJsonError(f"{text[:_DIGITS]}, which is too large")
    return number


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    text = error["msg"].removeprefix("Value error, ")
    if not where:
        return text
    return f"{where} {text}" if text.startswith("must ") else f"{where}: {text}"


def bearer_token(request: web.Request) -> str | None:
    """The caller's access token, if one was sent. One that is not ASCII is none, and cannot be sealed."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" and token.isascii() else None


def query_of(request: web.Request, model: type[Query]) -> Query:
    """The query's parameters. Raises ApiError 400 with every fault.

    Of a parameter that is no list the first one counts.
    """
    given: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        values = request.query.getall(name, None)
        if values:
            given[name] = values if field.annotation == list[str] else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        faults = [_sentence(error) for error in exc.errors()]
        raise ApiError(400, "; ".join(faults), faults=faults) from exc
