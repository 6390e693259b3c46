"""The models of a ranking, as `web.ranked` makes it."""

from pydantic import Field

from web.contract.base import Reply


class Amount(Reply):
    """What is asked of a provider, and what it has; -1 = unlimited or unknown."""

    requested: float
    free: float
    quota: float


class Amounts(Reply):
    """Amounts by resource."""

    vcpus: Amount
    ramGb: Amount
    instances: Amount
    publicAddresses: Amount
    storageGb: Amount
    volumes: Amount


class TestFailureShare(Reply):
    """Share of health tests that failed, 0 to 1; -1 = unknown."""

    __test__ = False

    day: float = Field(alias="1d")
    week: float = Field(alias="7d")
    month: float = Field(alias="30d")


class RankedProvider(Reply):
    """A provider in its place."""

    place: int = Field(ge=1)
    provider: str
    region: str
    project: str | None = None
    type: str
    endpoint: str
    score: float = Field(description="0 to 1, the larger the better")
    reasons: list[str] = Field(description="why it stands there")
    pSuccess: float | None = Field(None, description="of an attempt, where experience tells")
    successSeconds: float | None = None
    failureSeconds: float | None = None
    classification: float = Field(description="-1 = not known")
    regression: float = Field(description="-1 = not known")
    resourceExactness: float
    resources: Amounts
    testFailureShare: TestFailureShare


class DiscardedProvider(Reply):
    """One reason against one provider."""

    provider: str
    region: str
    project: str | None = None
    code: str
    reason: str


class Ranked(Reply):
    """Providers in the order in which they are tried, and those that are left out."""

    fallback: str | None = Field(None, description="what made the order: model, rates, rule or sla")
    modelVersion: str | None = None
    message: str | None = Field(None, description="why this order, or why there is none")
    providers: list[RankedProvider]
    discarded: list[DiscardedProvider]
