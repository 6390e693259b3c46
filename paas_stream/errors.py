"""Errors, named for what the caller is to do about them.

Each carries a `code` (stable, for programs) and a sentence (for people).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


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


class UnreadableRowError(PermanentError):
    """A row of a table does not fit what this version reads; it stays as it is."""

    code = "unreadable_row"


_PLACE = re.compile(
    r"((?:topology_template|inputs|imports|repositories|metadata|description|[a-z]+_types"
    r"|tosca_definitions_version)(?:[.\[].*?)?): (.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a template."""

    message: str
    path: str = ""  # of what is at fault, "" when it is the template as a whole
    line: int | None = None  # in the template's text, from 1; None when it stands nowhere in it

    @classmethod
    def of(cls, text: str) -> "Fault":
        """From a sentence that may begin with the path and a colon."""
        found = _PLACE.fullmatch(text)
        return cls(found[2], found[1]) if found else cls(text)

    def __str__(self) -> str:
        line = f"line {self.line}: " if self.line else ""
        return f"{line}{self.text}"

    @property
    def text(self) -> str:
        """The sentence with the path, without the line."""
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidTemplateError(PermanentError):
    """A template or its inputs are refused; `faults` has one sentence for each fault."""

    code = "invalid_template"

    def __init__(self, faults: Iterable[str | Fault]) -> None:
        self.details = tuple(
            fault if isinstance(fault, Fault) else Fault.of(fault) for fault in faults
        )
        self.faults = [str(fault) for fault in self.details]
        super().__init__("; ".join(self.faults))


class ParserTimeoutError(PermanentError):
    """The template parser gave up: the wall clock or the memory limit was reached."""

    code = "parser_timeout"


class ParserBusyError(TemporaryError):
    """The queue before the template parser is full."""

    code = "parser_busy"


class NoProviderError(PermanentError):
    """No provider of the federation can host the template; `message` says why for each.

    `discarded` has the same for programs, as records of the messages.
    """

    code = "no_provider"

    def __init__(self, message: str, discarded: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.discarded = discarded


class ConfigurationError(PermanentError):
    """Settings or provider files are wrong; nothing is started with them."""

    code = "configuration"


class StartRefusedError(ConfigurationError):
    """What is found on the broker does not fit this worker: it must not start."""

    code = "start_refused"
