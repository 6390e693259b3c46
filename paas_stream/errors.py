"""Errors, named for what the caller is to do about them.

Each carries a `code` (stable, for programs) and a sentence (for people).
"""


class PaasError(Exception):
    """Base of all errors of this project."""

    code = "internal"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class PermanentError(PaasError):
    """Trying again cannot help."""

    code = "permanent"


class TemporaryError(PaasError):
    """The same call may succeed later, not before `delay_s` seconds when that is known."""

    code = "temporary"

    def __init__(
        self, message: str, *, code: str | None = None, delay_s: float | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.delay_s = delay_s


class InvalidMessageError(PermanentError):
    """A record that does not follow its schema, or whose major version is unknown."""

    code = "invalid_message"


class InvalidTemplateError(PermanentError):
    """A template or its inputs are refused; `faults` has one sentence for each fault."""

    code = "invalid_template"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class ParserTimeoutError(PermanentError):
    """The template parser gave up: the wall clock or the memory limit was reached."""

    code = "parser_timeout"


class ParserBusyError(TemporaryError):
    """The queue before the template parser is full."""

    code = "parser_busy"


class NoProviderError(PermanentError):
    """No provider of the federation can host the template; `message` says why for each."""

    code = "no_provider"


class ConfigurationError(PermanentError):
    """Settings or provider files are wrong; nothing is started with them."""

    code = "configuration"


class StartRefusedError(ConfigurationError):
    """What is found on the broker does not fit this worker: it must not start."""

    code = "start_refused"
