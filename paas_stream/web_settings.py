"""Settings of the REST API: `PAAS_WEB_...`, `PAAS_TLS_...`, `PAAS_EDGE_...` and `PAAS_CALLBACK_...`."""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    Field,
    IPvAnyNetwork,
    SecretStr,
    field_validator,
    model_validator,
)


class WebSettings(BaseModel):
    """The REST API of this worker."""

    host: str = "127.0.0.1"
    port: int = 6066
    url: str | None = (
        None  # how other workers and clients reach this worker; default scheme://host:port
    )
    max_body_bytes: int = 512 * 1024  # a larger request is refused with 413
    posts: int = Field(100, ge=1)  # POSTs of deployments under way at once; above that 503
    backlog: int = Field(5000, ge=1)  # templates that wait for this worker; above that 503
    send_timeout_s: float = 10.0  # a POST whose record is not acknowledged by then answers 503
    log_timeout_s: float = (
        10.0  # a GET of a log waits this long for the IM, then the last one is shown
    )
    read_timeout_s: float = 5.0  # a GET waits this long for the tracker before it answers 503
    worker: str = "worker-0"  # this worker's name, unique in the application
    streams: int = 500  # open event streams at most, those forwarded included; above that 503
    keep_alive_s: float = Field(15.0, gt=0)  # a comment is sent on a quiet event stream this often
    slow_reader_s: float = Field(30.0, gt=0)  # a reader who takes nothing for this long is cut off


class TlsSettings(BaseModel):
    """TLS of the REST API, for its clients and between workers; on when there is a certificate.

    Files are PEM. They are read again when they change; running connections stay as they are.
    """

    cert: Path | None = (
        None  # this worker's certificate and its chain; workers show it to each other
    )
    key: Path | None = None  # its private key, not encrypted
    ca: Path | None = None  # who may sign workers' certificates; default: the system's
    client_ca: Path | None = None  # who may sign clients' certificates
    clients: Literal["none", "optional", "required"] = "none"  # whether clients must show one
    look_s: float = Field(10.0, ge=0.1, le=3600)  # between two looks at the files

    @property
    def scheme(self) -> Literal["http", "https"]:
        """Of this worker's URL."""
        return "http" if self.cert is None else "https"

    @model_validator(mode="after")
    def _is_complete(self) -> "TlsSettings":
        if (self.cert is None) != (self.key is None):
            raise ValueError("PAAS_TLS_CERT and PAAS_TLS_KEY belong together")
        if self.clients != "none" and (self.cert is None or self.client_ca is None):
            raise ValueError(
                f"PAAS_TLS_CLIENTS={self.clients} needs PAAS_TLS_CERT and PAAS_TLS_CLIENT_CA"
            )
        return self


class EdgeSettings(BaseModel):
    """What the REST API does with every request, whatever it asks for. Lists are JSON."""

    access_log: bool = True  # one JSON line for each request, on standard output
    trusted_proxies: list[IPvAnyNetwork] = []  # whose X-Forwarded-For, -Proto and -Host count
    cors_origins: list[str] = []  # pages of these origins may call the API; ["*"]: of all
    cors_credentials: bool = False  # their browsers may send cookies and client certificates along
    rate_per_s: float = Field(
        0.0, ge=0
    )  # requests of one caller, per worker; above 429; 0: no limit
    rate_burst: int = Field(100, ge=1)  # requests that a caller may send at once
    rate_callers: int = Field(
        10_000, ge=1
    )  # callers remembered; beyond that the oldest is forgotten
    receive_timeout_s: float = Field(30.0, gt=0)  # for a first request's headers, and each body

    @model_validator(mode="after")
    def _credentials_are_not_for_all(self) -> "EdgeSettings":
        if "*" in self.cors_origins and self.cors_credentials:
            raise ValueError("PAAS_EDGE_CORS_CREDENTIALS needs a list of origins, not *")
        return self


class CallbackSettings(BaseModel):
    """Calls of the URLs that users want to be told at."""

    secret: SecretStr | None = None  # key of the signature (HMAC-SHA256); without it none is made
    timeout_s: float = Field(10.0, gt=0)  # of one call
    concurrency: int = Field(20, ge=1)  # calls under way at once, per worker
    per_host: int = Field(2, ge=1)  # of these, to one host
    waiting: int = Field(500, ge=1)  # calls that may run or wait for their turn, per worker
    waiting_per_host: int = Field(50, ge=1)  # of these, for one host
    tries: int = Field(50, ge=1)  # failures after which a callback is given up
    max_age_s: float = Field(86400.0, gt=0)  # a callback that is older is given up
    retry_min_s: float = Field(5.0, gt=0)  # first delay after a failure, doubled each time
    retry_max_s: float = Field(1800.0, gt=0)
    allow: list[
        str
    ] = []  # JSON; networks and host names that are called though they are not public
    ports: list[int] = []  # JSON; the only ports; empty: 80, 443 and all from 1024 on
    # may hold credentials: where they go; `https`: there, and to hosts that `allow` names
    outputs: Literal["https", "always", "never"] = "https"
    ca: Path | None = None  # who may sign the targets' certificates; default: the system's
    proxy: SecretStr | None = None  # URL of a proxy, which then has to guard the inner network

    @field_validator("allow")
    @classmethod
    def _networks_are_networks(cls, value: list[str]) -> list[str]:
        for entry in value:
            if "/" in entry:
                ip_network(entry, strict=False)
        return value
