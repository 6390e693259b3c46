"""The TOSCA parser, in this process, with its errors collected with the place they are about.

It keeps its state in class attributes: one parse at a time, and its collector is switched off
again whatever happens. It may run for ever; whoever calls it from a service uses the pool.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from types import FrameType
from typing import Any

from toscaparser.common.exception import ExceptionCollector
from toscaparser.elements.entity_type import EntityType
from toscaparser.tosca_template import ToscaTemplate

from paas_stream.tosca import catalogue
from paas_stream.tosca.catalogue import Catalogue

_lock = Lock()

# The class of an object on the parser's stack -> where its kind stands in a template.
_PLACES = {
    "NodeTemplate": "topology_template.node_templates",
    "RelationshipTemplate": "topology_template.relationship_templates",
    "Policy": "topology_template.policies",
    "Group": "topology_template.groups",
    "Output": "topology_template.outputs",
}
# a requirement that is there too often, or that is missing: old templates do without their host
_OCCURRENCES = re.compile(r'Relationship "(.*)" in template ".*" has a wrong number of occurrences')
_WRONG_NUMBER = "is there too seldom or too often"
_UNKNOWN_TYPE = "is not a valid type."
_SECTION = re.compile(r'^"(\w+)" of template "[^"]*" ')
_REQUIRED = re.compile(r"""is missing required field "\['(.*)'\]"\.$""")
_NOISE = re.compile(r" ?Refer to the definition to verify valid values\.$")


@dataclass(frozen=True)
class Findings:
    """What the TOSCA parser has against a document."""

    faults: list[str]
    occurrences: list[str]  # requirements that are missing, or there too often


@cache
def simple_profile() -> Catalogue:
    """The types of the TOSCA Simple Profile, which the parser knows by itself."""
    return catalogue.of({"node_types": EntityType.TOSCA_DEF})


def faults(document: dict[str, Any]) -> list[str]:
    """All of `findings`."""
    found = findings(document)
    return [*found.faults, *found.occurrences]


def findings(document: dict[str, Any]) -> Findings:
    """What the TOSCA parser has against `document`, which it changes: pass a copy.

    `document` has no imports, so nothing is fetched or read.
    """
    with _lock, _collecting() as found:
        try:
            ToscaTemplate(yaml_dict_tpl=document)
        except MemoryError:
            raise
        except Exception as exc:  # noqa: BLE001 - the parser ends with whatever a template provokes
            if not found:
                found.append(_stopped(exc))
    told = _without_followers(list(dict.fromkeys(found)))
    return Findings(
        [fault for fault in told if not fault.endswith(_WRONG_NUMBER)],
        [fault for fault in told if fault.endswith(_WRONG_NUMBER)],
    )


@contextmanager
def _collecting() -> Iterator[list[str]]:
    """Errors reported to the parser's collector go to the list, each with its path."""
    found: list[str] = []
    report = ExceptionCollector.appendException

    def append(exception: Exception) -> None:
        if not ExceptionCollector.collecting:
            raise exception
        place, message = _place(sys._getframe(1)), _message(exception)
        if '"None"' in message and any(fault.startswith(f"{place}:") for fault in found):
            return  # the parser goes on with nothing in the place of a value that it refused
        found.append(_located(message, place))

    ExceptionCollector.appendException = staticmethod(append)
    try:
        yield found
    finally:
        ExceptionCollector.appendException = staticmethod(report)
        ExceptionCollector.stop()
        ExceptionCollector.clear()


def _place(frame: FrameType | None) -> str:
    """The part of the template that the parser looks at, read from the objects on its stack."""
    found: dict[str, str] = {}  # what the innermost object of each kind says
    while frame is not None and frame.f_code.co_filename != __file__:
        owner: Any = frame.f_locals.get("self")
        function = frame.f_code.co_name
        kind = type(owner).__name__
        if kind == "Property":
            found.setdefault("property", f".properties.{getattr(owner, 'name', '?')}")
        elif function == "_validate_capabilities_properties":
            found.setdefault("capability", f".capabilities.{frame.f_locals.get('cap')}")
        elif function == "_process_intrinsic_functions":
            owner = frame.f_locals.get("output") or frame.f_locals.get("node_template")
            kind = type(owner).__name__
        if kind in _PLACES:
            found.setdefault("place", f"{_PLACES[kind]}.{getattr(owner, 'name', '?')}")
        frame = frame.f_back
    parts = (found.get(key, "") for key in ("place", "capability", "property"))
    return "".join(parts).lstrip(".")


def _located(message: str, place: str) -> str:
    """One sentence; where the parser names a section of the template, it goes to the path."""
    if not place:
        return message
    section = _SECTION.match(message)
    if section:
        return f"{place}.{section[1]}: {message[section.end() :]}"
    return f"{place}: {message}"


def _without_followers(found: list[str]) -> list[str]:
    """Without the faults inside a node of which the type is not known: nothing in it can be."""
    unknown = tuple(
        f"{fault.partition(':')[0]}." for fault in found if fault.endswith(_UNKNOWN_TYPE)
    )
    return [fault for fault in found if not fault.startswith(unknown)]


def _message(exception: Exception) -> str:
    text = exception.args[0] if isinstance(exception, KeyError) and exception.args else exception
    plain = _NOISE.sub("", " ".join(str(text).split()))
    plain = _REQUIRED.sub(r"""lacks what is required: "\1".""", plain).replace("', '", '", "')
    return _OCCURRENCES.sub(rf'the requirement "\1" {_WRONG_NUMBER}', plain)


def _stopped(exc: Exception) -> str:
    """For an exception that the parser did not mean to raise."""
    if isinstance(exc, RecursionError):
        return "the TOSCA parser cannot read the template: a part of it refers to itself"
    return f"the TOSCA parser cannot read the template ({type(exc).__name__}: {_message(exc)})"
