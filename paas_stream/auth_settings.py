"""Settings of authentication: `PAAS_OIDC_...`, `PAAS_KEYSTONE_...` and `PAAS_LOGIN_...`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, field_validator

_ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _secure(url: str) -> str:
    """Raises ValueError unless nobody on the way can change what comes from there."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ValueError(f"an https URL is needed, not {url!r}")


SecureUrl = Annotated[str, AfterValidator(_secure)]


class Issuer(BaseModel):
    """An OpenID provider whose tokens are accepted."""

    url: SecureUrl  # exactly as in the tokens' `iss`, with or without its last slash
    audience: Annotated[list[str], Field(min_length=1)]  # a token must be for one of these
    admin_groups: list[str] = []  # their members are admins of this service
    group_claims: list[str] = ["groups", "wlcg.groups"]  # in these; all that are there must agree


class OidcSettings(BaseModel):
    """Logins by OIDC: `Authorization: Bearer`, an access token in the form of a JWT."""

    issuers: list[Issuer] = []  # JSON: '[{"url": "https://iam/", "audience": ["https://paas/"]}]'
    algorithms: list[str] = _ALGORITHMS  # of signatures; asymmetric ones only
    skew_s: int = Field(60, ge=0, le=300)  # an issuer's clock and ours may differ by this
    keys_s: float = Field(3600.0, gt=0)  # an issuer's keys are read again after this
    keys_stale_s: float = Field(86400.0, gt=0)  # and used for this long while that fails
    retry_s: float = Field(10.0, gt=0)  # unknown keys: an issuer is not asked more often than this
    timeout_s: float = Field(5.0, gt=0)  # of one request to an issuer

    @field_validator("algorithms")
    @classmethod
    def _asymmetric(cls, value: list[str]) -> list[str]:
        wrong = [name for name in value if not name.startswith(("RS", "PS", "ES", "Ed"))]
        if wrong or not value:
            raise ValueError(f"asymmetric algorithms are needed, not {', '.join(wrong) or 'none'}")
        return value

    @field_validator("issuers")
    @classmethod
    def _one_of_each(cls, value: list[Issuer]) -> list[Issuer]:
        if len({issuer.url for issuer in value}) != len(value):
            raise ValueError("an issuer is there twice")
        return value


class KeystoneSettings(BaseModel):
    """Logins by Keystone: `X-Auth-Token`. The service account may validate tokens (role `service`)."""

    url: SecureUrl | None = None  # "https://keystone.example.org:5000/v3"
    username: str | None = None  # the service account
    password: SecretStr | None = None
    user_domain: str = "Default"
    project: str = "service"  # the service account's project
    project_domain: str = "Default"
    issuer: str | None = None  # of its users, as providers' agreements call it; default: the URL
    domains: list[str] = ["default"]  # ids; projects and groups of other domains are no user groups
    user_groups: dict[str, str] = {}  # JSON; user groups of projects and groups with other names
    admin_groups: list[str] = []  # user groups whose members are admins of this service
    cache_s: float = Field(30.0, gt=0, le=60)  # a revoked token is refused after this at the latest
    cached: int = Field(10_000, ge=1)  # tokens remembered
    concurrency: int = Field(8, ge=1)  # validations at once; each takes a thread
    waiting: int = Field(200, ge=1)  # validations under way or waiting; above that 503
    timeout_s: float = Field(5.0, gt=0)  # of one request to Keystone

    @property
    def owner_issuer(self) -> str:
        """The issuer of its users."""
        return self.issuer or (self.url or "").rstrip("/")


class LoginSettings(BaseModel):
    """What is done about guessing, and about tokens that end while their answer goes on."""

    failures: int = Field(20, ge=1)  # refused logins of one address in a window; then 429
    window_s: float = Field(60.0, gt=0)
    addresses: int = Field(10_000, ge=1)  # remembered; the one refused longest ago is forgotten
    again_s: float = Field(15.0, gt=0, le=60)  # open event streams: the login is checked again
