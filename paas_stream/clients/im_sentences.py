"""What the Infrastructure Manager passes on from a cloud, as users are to read it.

It gives the errors of its libraries as they are: with the layers that they came through, and at times
with the cause at the very end. Whatever is not known here stays as it is.
"""

import json
import re

_LONGEST_CAUSE = 2000
_LONGEST_REASON = 800
_FRAME = re.compile(r"^(\s*)(File .*, line \d+|at .*\(.*:\d+\))")  # of a stack trace
_PATH = re.compile(r"file://\S+|(?<![\w:/])(/[\w.@+-]+){3,}/?")  # of the IM's machine, no URL
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

_LAUNCH = re.compile(
    r"(?:VM \d+:\s*)?Error launching the VMs of type .{1,200}? to cloud ID \S+ of type \w+\.\s*"
)
_TRY = re.compile(r"(?:^|\s)Attempt \d+: (?:Error: )?")
_RULER = re.compile(r"\*{10,}")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?: ")
_LOGIN = re.compile(r"'?Invalid credentials with the provider'?")
_BODY = re.compile(
    r"\{'message': (?P<quote>['\"])(?P<text>.{0,800}?)(?P=quote), 'code': [^}]{0,200}\}"
)
_STATUS = re.compile(r'\{(?=[^{}]{0,200}"kind": ?"Status")')
_DECODER = json.JSONDecoder()
_MARKUP = re.compile(r"(?:<br ?/>|\\n|\s)+")
_POOL = re.compile(r"HTTPS?ConnectionPool\(host='(?P<host>[^']*)', port=(?P<port>\d+)\): ")
_CAUSED = re.compile(r"Max retries exceeded with url: \S* ?(?=\(Caused by )")
_SLOW = re.compile(r"Read timed out\.(?: \(read timeout=[^)]*\))?")
_CAUSES = (
    re.compile(r"\[Errno -?\d+\] (?P<cause>[^'\")\]]{1,200})"),
    re.compile(r"(?P<cause>certificate verify failed: [\w ,.-]{1,200})"),
    re.compile(r"(?P<cause>timed out)"),
)


def plain(text: str) -> str:
    """The same without layers: of a launch that failed only the errors, each once."""
    told = _BODY.sub(_of_body, _of_statuses(_of_launch(text)))
    return _of_http(_LOGIN.sub(_refused, told))


def of_cloud(text: str) -> str:
    """What keeps the IM out of a cloud, in a sentence of its own."""
    told = plain(text)
    return told if told.startswith("the cloud") else f"the cloud cannot be used: {told}"


def _refused(_: re.Match[str]) -> str:
    return (
        "the cloud refuses the login: user, password, project or token is wrong, "
        "or the token has expired"
    )


def _of_launch(text: str) -> str:
    _, *launches = _LAUNCH.split(text)
    if not launches:
        return text
    tries = (one for launch in launches for one in _TRY.split(_RULER.sub(" ", launch)))
    told = (" ".join(_STAMP.sub(" ", one).split()) for one in tries)
    return "; ".join(dict.fromkeys(one for one in told if one))


def _of_statuses(text: str) -> str:
    """What a Kubernetes API refuses comes as its Status: of that the message counts."""
    told, rest = "", text
    while found := _STATUS.search(rest):
        told, rest = told + rest[: found.start()], rest[found.start() :]
        try:
            status, end = _DECODER.raw_decode(rest)
        except ValueError:  # cut off
            return told + rest
        told, rest = f"{told}{status.get('message') or status.get('reason')}", rest[end:]
    return told + rest


def _of_body(found: re.Match[str]) -> str:
    return _MARKUP.sub(" ", found["text"]).strip()


def _of_http(text: str) -> str:
    """An error of the HTTP library names its pool, the connection in it, and then the cause."""
    told, rest = "", text
    while found := _POOL.search(rest):
        address, after = f"{found['host']}:{found['port']}", rest[found.end() :]
        told += rest[: found.start()]
        if slow := _SLOW.match(after):
            told += f"the cloud at {address} did not answer in time"
            rest = after[slow.end() :]
        elif caused := _CAUSED.match(after):
            end = _closed(after, caused.end())
            told += f"the cloud at {address} cannot be reached: {_cause(after[caused.end() : end])}"
            rest = after[end:]
        else:
            told, rest = told + found[0], after
    return told + rest


def _cause(text: str) -> str:
    for one in _CAUSES:
        if found := one.search(text):
            return found["cause"].strip()
    return text.removeprefix("(Caused by ").removesuffix(")")


def _closed(text: str, start: int) -> int:
    """Where the bracket that opens at `start` is closed, or has to end if it never is."""
    depth = 0
    for place in range(start, min(len(text), start + _LONGEST_CAUSE)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return min(len(text), start + _LONGEST_CAUSE)


def sentence(text: str, *, tail: bool = False) -> str:
    """A message of the IM without stack trace, server paths and line breaks, of bounded length."""
    words = _UNSEEN.sub(" ", " ".join(_without_traces(text))).split()
    joined = _PATH.sub("…", " ".join(words))
    if len(joined) <= _LONGEST_REASON:
        return joined
    return "…" + joined[-_LONGEST_REASON:] if tail else joined[:_LONGEST_REASON] + "…"


def _without_traces(text: str) -> list[str]:
    """The lines that are no frame of a stack trace, nor the code that a frame quotes."""
    kept: list[str] = []
    frame: int | None = None  # indentation of the frame above
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if found := _FRAME.match(line):
            frame = len(found[1])
        elif frame is None or indent <= frame:
            frame = None
            kept.append(line)
    return kept
