"""Takes secrets out of text for logs: the last line of defence, none is meant to get there."""

import logging
import re

GONE = "[redacted]"

_PATTERNS = (
    # JWT (three parts) and JWE (five parts): both begin with a JSON object in base64
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]*\.[\w-]+(?:\.[\w-]*){0,2}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{6,}"),
)
_NAMED = re.compile(
    r"""(?ix)
    ( ["']? \b \w* (?:password|passwd|secret|token|api_?key|credential) s? ["']? \s* [:=]+ \s* )
    ( "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^\s"',;&}\]]+ )
    """
)


def redacted(text: str) -> str:
    """`text` without tokens, private keys and values that are named as secrets."""
    for pattern in _PATTERNS:
        text = pattern.sub(GONE, text)
    return _NAMED.sub(rf"\1{GONE}", text)


class RedactingFormatter(logging.Formatter):
    """Another formatter, whose output is redacted: tracebacks too."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line or lines of a record."""
        return redacted(self._inner.format(record))


def redact_handlers(logger: logging.Logger) -> None:
    """Let every handler of a logger redact what it writes."""
    for handler in logger.handlers:
        if not isinstance(handler.formatter, RedactingFormatter):
            handler.setFormatter(RedactingFormatter(handler.formatter or logging.Formatter()))
