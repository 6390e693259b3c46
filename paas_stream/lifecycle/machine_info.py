"""What the IM says of a machine, as users may see it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from paas_stream.records import Machine

INFO_MAX = (
    200 * 1024
)  # characters of all descriptions of a deployment; they must fit into a message
_SECRETS = ("password", "private_key", "public_key", "token", "secret")


def machine(ident: str, described: Iterable[Mapping[str, Any]]) -> Machine:
    """A machine; `described` is its RADL in JSON, a list of the parts that it is made of."""
    parts = [readable(one) for one in described]
    system = next((one for one in parts if one.get("class") == "system"), {})
    return Machine(
        id=ident,
        node=str(system.get("id") or ""),
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
        return float(value)
    except (TypeError, ValueError):
        return 0.0
