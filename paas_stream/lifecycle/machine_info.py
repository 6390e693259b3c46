"""What the IM says of a machine, as users may see it."""

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from paas_stream.records import Machine

INFO_MAX = (
    200 * 1024
)  # characters of all descriptions of a deployment; they must fit into a message
_OTHER = re.compile(r"[^A-Za-z0-9.-]")  # what the IM writes as "-" in a container's name
_CONTAINER = re.compile(r"(.+)-[0-9a-f]{8}")
_SECRETS = ("password", "private_key", "public_key", "token", "secret")


def node_of(name: str, nodes: Collection[str]) -> str:
    """The node that a machine of the IM belongs to: the name itself, or what a container's is made of."""
    if name in nodes:
        return name
    found = _CONTAINER.fullmatch(name)
    by_name = {_OTHER.sub("-", node): node for node in nodes}
    return by_name.get(found[1], name) if found else name


def machine(
    ident: str, described: Iterable[Mapping[str, Any]], nodes: Collection[str] = ()
) -> Machine:
    """A machine; `described` is its RADL in JSON, a list of the parts that it is made of.

    `nodes` are those of the template.
    """
    parts = [readable(one) for one in described]
    system = next((one for one in parts if one.get("class") == "system"), {})
    return Machine(
        id=ident,
        node=node_of(str(system.get("id") or ""), nodes),
        state=str(system.get("state") or "unknown"),
        info=json.dumps({"vmProperties": parts}, separators=(",", ":")),
    )


def readable(part: Mapping[str, Any]) -> dict[str, Any]:
    """Without credentials; `x_min` stands for `x` where that is missing."""
    kept = {
        name: value
        for name, value in part.items()
        if not any(secret in name.rpartition(".")[2] for secret in _SECRETS)
    }
    least = {
        name.removesuffix("_min"): value for name, value in kept.items() if name.endswith("_min")
    }
    found = least | kept
    if part.get("class") == "system":  # clients divide it
        found["memory.size"] = _number(found.get("memory.size"))
    return found


def bounded(machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """With as many descriptions as a message has room for."""
    left, kept = INFO_MAX, []
    for one in machines:
        left -= len(one.info or "")
        kept.append(one if left >= 0 else one.model_copy(update={"info": None}))
    return tuple(kept)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (ArithmeticError, TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0
