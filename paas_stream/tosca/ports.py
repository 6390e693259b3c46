"""Ports of machines and containers, as text: "22/tcp", "2000-2100/udp", "8080:80/tcp"."""

from typing import Any


def opened(ports: Any) -> list[str]:
    """The ports that an endpoint's map of port specifications opens to the outside."""
    specs = ports.values() if isinstance(ports, dict) else []
    return [made for spec in specs if (made := _opened(spec))]


def published(ports: Any) -> list[str]:
    """The ports that a container's list of port specifications publishes: outside:inside."""
    specs = ports if isinstance(ports, list) else []
    return [made for spec in specs if (made := _published(spec))]


def _opened(spec: Any) -> str | None:
    if not isinstance(spec, dict):
        return None
    ends = spec.get("source_range") or spec.get("source") or spec.get("target")
    return _text(_range(ends), spec)


def _published(spec: Any) -> str | None:
    if not isinstance(spec, dict):
        return None
    inside, outside = _range(spec.get("target")), _range(spec.get("source"))
    ends = f"{outside}:{inside}" if inside and outside else inside or outside
    return _text(ends, spec)


def _range(ends: Any) -> str | None:
    """A port or the first and the last of a range; None when it is known only at run time."""
    if isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int) for end in ends):
        return f"{ends[0]}-{ends[1]}"
    return str(ends) if isinstance(ends, int | str) and not isinstance(ends, bool) else None


def _text(ends: str | None, spec: dict[str, Any]) -> str | None:
    protocol = spec.get("protocol")
    return f"{ends}/{protocol if isinstance(protocol, str) else 'tcp'}" if ends else None
