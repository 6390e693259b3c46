"""Amounts as Kubernetes writes them: "500m" CPUs, "10Gi" of memory, "2k" pods.

In quota rows a number has the unit of its field; text is a Kubernetes quantity in its base unit
(CPUs, bytes, pieces), whatever the field: "1024" of memory are bytes, 1024 are MiB.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from paas_stream.records.base import Quantity

_MIB = 1024**2
_GIB = 1024**3


def parse(text: str) -> float:
    """The amount in the base unit. Raises ValueError for text that is no quantity."""
    # Imported when the first such text comes: it takes 0.4 s and 35 MiB, and most sites send none.
    from kubernetes.utils.quantity import parse_quantity

    try:
        return float(parse_quantity(text.strip()))  # type: ignore[no-untyped-call]
    except (ValueError, ArithmeticError) as exc:
        raise ValueError(f"{text!r} is no Kubernetes quantity, as 500m, 10Gi or 2k are") from exc


def _in_units_of(size: int) -> Any:
    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        amount = parse(value)
        return amount if amount < 0 else amount / size  # -1 is unlimited in any unit

    return BeforeValidator(convert)


Amount = Annotated[Quantity, _in_units_of(1)]  # CPUs, or pieces
Mebibytes = Annotated[Quantity, _in_units_of(_MIB)]
Gibibytes = Annotated[Quantity, _in_units_of(_GIB)]
