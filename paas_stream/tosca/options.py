"""How templates are to be validated: what the settings say, as the worker processes need it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from paas_stream.settings import ParserSettings
from paas_stream.tosca.limits import Limits
from paas_stream.tosca.owner_key import OwnerKey


@dataclass(frozen=True)
class Options:
    """How a template is validated."""

    limits: Limits = field(default_factory=Limits)
    lenient: bool = False  # a wrong number of requirements is a warning
    unknown_inputs: Literal["warn", "error"] = "warn"
    types: Path | None = None  # directory of the type files that operators added
    owner_key: OwnerKey | None = None  # for inputs that hold one and are not given

    @classmethod
    def of(cls, settings: ParserSettings) -> "Options":
        """The options that the settings ask for."""
        return cls(
            limits=Limits.of(settings),
            lenient=settings.mode == "lenient",
            unknown_inputs=settings.unknown_inputs,
            types=settings.types,
        )
