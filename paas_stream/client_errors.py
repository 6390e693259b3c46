"""What the client of the REST API raises: a class for each thing that a caller may want to tell apart."""

from typing import Final

import requests

from paas_stream.errors import PaasError

_TEXT_MAX = 500  # characters of an error body that is not ours


class ApiError(PaasError):
    """The service refuses a request, or cannot be reached."""

    code = "api"

    def __init__(self, message: str, *, status: int = 0, faults: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status  # 0: there was no answer
        self.faults = faults or []


class UnreachableError(ApiError):
    """There was no answer; what was asked for may have been carried out where the message says so."""


class InvalidRequestError(ApiError):
    """400, 413, 415, 422: the request itself is at fault."""


class NotLoggedInError(ApiError):
    """401: no token, or one that is not accepted."""


class ForbiddenError(ApiError):
    """403: the caller may not do this."""


class NotFoundError(ApiError):
    """404."""


class ConflictError(ApiError):
    """409: not possible in the state that the deployment is in."""


class BusyError(ApiError):
    """429, 503: still not possible after all repetitions."""


class ServiceFaultError(ApiError):
    """Any other 5xx."""


class WaitTimeoutError(ApiError):
    """What was waited for did not come in time."""


class UnexpectedStateError(ApiError):
    """A deployment has come to rest in another state than the one waited for."""


_CLASSES: Final[dict[int, type[ApiError]]] = {
    **dict.fromkeys((400, 413, 415, 422), InvalidRequestError),
    401: NotLoggedInError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    **dict.fromkeys((429, 503), BusyError),
}


def refusal(answer: requests.Response) -> ApiError:
    """The error that an answer of 400 and above amounts to, in the service's own words."""
    status = answer.status_code
    try:
        body = answer.json()
        message, faults = str(body["message"]), list(body.get("faults", []))
    except (ValueError, KeyError, TypeError):
        text = " ".join(answer.text[:_TEXT_MAX].split())
        message, faults = f"{status} {answer.reason}: {text}".removesuffix(": "), []
    kind = _CLASSES.get(status, ServiceFaultError if status >= 500 else ApiError)
    return kind(message, status=status, faults=faults)
