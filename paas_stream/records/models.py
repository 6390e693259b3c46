"""`models`: the ranking models, in parts, and which of them is live."""

import base64
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from paas_stream.records.base import Message, Record

LIVE = "live"  # key of the record that names the live model


class Judged(Record):
    """How good a way to expect was, on attempts that it was not made from."""

    rows: int = Field(ge=0)  # attempts
    brier: float = Field(ge=0, le=1)  # mean squared error of the probability of success
    log_loss: float = Field(ge=0)
    time_to_success_s: float | None = Field(default=None, ge=0)  # mean; null: none came to success


class Spread(Record):
    """How one feature was spread over the rows that a model was made from."""

    name: str
    edges: tuple[float, ...] = ()  # between its bins, ascending
    shares: tuple[float, ...] = ()  # of the bins, one more than edges
    missing: float = Field(default=0.0, ge=0, le=1)  # share of rows without it

    @model_validator(mode="after")
    def _has_a_share_for_each_bin(self) -> Self:
        if self.shares and len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"{len(self.shares)} shares do not fit {len(self.edges)} edges")
        return self


class ModelCard(Record):
    """What a model is, and how it did."""

    version: str
    created_at: AwareDatetime
    features_schema: str  # digest of the features' names and units
    features: tuple[str, ...]
    rows: int = Field(ge=0)  # attempts that it was made from
    data_from: AwareDatetime  # the earliest request among them
    data_to: AwareDatetime  # the latest one
    seed: int
    failure_cost_s: float  # by which it was judged
    rounds: dict[str, int]  # trees by part
    scale: tuple[float, ...] = Field(min_length=4, max_length=6)
    """Slope, intercept, factors of both times, and how far their logarithms scatter."""
    judged: Judged  # before it was fitted on all rows
    rates: Judged  # what rates expected of the same attempts
    # The model that was live then has seen some of them. Of those that are new to it, where there are
    # enough, what it expected and what this one did.
    live_version: str | None = None
    live: Judged | None = None
    beside_live: Judged | None = None
    importance: dict[str, float] = Field(default={})  # mean share of what p goes by, by feature
    spreads: tuple[Spread, ...] = ()
    sha256: dict[str, str]  # by part
    library: str = ""  # what fitted it, with its version
    read_to: int = 0  # offset of `training` up to which there was anything to learn from

    @model_validator(mode="after")
    def _spreads_are_of_the_features(self) -> Self:
        if self.spreads and tuple(one.name for one in self.spreads) != self.features:
            raise ValueError("the spreads are those of other features")
        return self


class ModelPart(Message):
    """One part of a model: its card, one of its boosters; or the word which one is live."""

    version: str
    part: Literal["card", "p", "t_success", "t_failure", "live"]
    content: str = ""  # card: JSON; boosters: UBJSON in base64
    rollback: bool = False  # live: an older one on purpose
    previous: str = ""  # live: the version that was live before; a rollback goes to it
    by: str = ""  # live: who or what has chosen it
    deleted: bool = False

    @property
    def key(self) -> str:
        """`live`, or version/part."""
        return LIVE if self.part == "live" else f"{self.version}/{self.part}"

    @classmethod
    def of_bytes(cls, version: str, part: str, content: bytes) -> Self:
        """One with bytes."""
        text = base64.b64encode(content).decode()
        return cls.model_validate({"version": version, "part": part, "content": text})

    @property
    def data(self) -> bytes:
        """Its bytes. Raises ValueError for text that is no base64."""
        return base64.b64decode(self.content, validate=True)
