"""Error answers: every one is JSON with `code`, `title` and `message`."""

import http
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from paas_stream.app import app
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.errors import TemporaryError, UnreadableRowError

COMPONENT = "rest-api"

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after_s: int | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s
        self.headers = headers or {}
        self.extra = extra


def unavailable(message: str, retry_after_s: int = 2) -> ApiError:
    """503: the same request may succeed soon."""
    return ApiError(503, message, retry_after_s=retry_after_s)


def answer(
    status: int, message: str, /, *, headers: dict[str, str] | None = None, **extra: Any
) -> web.Response:
    """An error body."""
    body = {
        "code": status,
        "title": http.HTTPStatus(status).phrase,
        "message": message,
        **extra,
    }
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into an error body; nothing internal gets out."""
    try:
        return await handler(request)
    except ApiError as exc:
        wait = exc.retry_after_s
        again = {"Retry-After": str(wait)} if wait is not None else {}
        return answer(exc.status, exc.message, headers=exc.headers | again, **exc.extra)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        headers = {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else None
        return answer(exc.status, _http_message(exc, request), headers=headers)
    except TemporaryError as exc:
        return answer(503, exc.message, headers={"Retry-After": str(int(exc.delay_s or 2))})
    except UnreadableRowError as exc:  # the log has it
        return answer(500, exc.message)
    except Exception as exc:
        log.exception("%s %s failed", request.method, request.rel_url.raw_path)
        await _report(request, exc)
        return answer(500, "the request failed; the operators can find the reason in the log")


async def _report(request: web.Request, exc: Exception) -> None:
    """Tell `errors` of a fault of ours, if that is possible now."""
    if app.readiness.broker is None:
        step = f"{request.method} {request.path}"
        uuid = request.match_info.get("uuid")
        await deliver_error(app, error_record(COMPONENT, step, exc, None, uuid, None))


def install() -> None:
    """Put the middleware around all routes."""
    app.web.web_app.middlewares.append(errors_as_json)


def _http_message(exc: web.HTTPException, request: web.Request) -> str:
    match exc.status:
        case 404:
            return f"there is nothing at {request.path}"
        case 405:
            return f"{request.method} is not possible at {request.path}"
        case 413:
            return "the request body is too large"
    return exc.reason
