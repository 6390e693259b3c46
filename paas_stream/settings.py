"""Settings: one class per subject, read from the environment.

A setting is `PAAS_<SUBJECT>_<NAME>`, for example `PAAS_KAFKA_URL` or `PAAS_WEB_PORT`. Each comment
gives the unit and the effect. `paas-stream config` prints what is in force.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from paas_stream.auth_settings import LOOPBACK, KeystoneSettings, LoginSettings, OidcSettings
from paas_stream.errors import ConfigurationError
from paas_stream.web_settings import CallbackSettings, EdgeSettings, TlsSettings, WebSettings


def _path(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def _paths(value: object) -> object:
    """Paths as in PATH; a JSON list is taken too."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.startswith("[") else value.split(os.pathsep) if value else []


def _words(value: object) -> object:
    """Words as in "a,b"; a JSON list is taken too."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.startswith("[") else [w.strip() for w in value.split(",")]


class StateSettings(BaseModel):
    """Where what must last on this machine is kept."""

    dir: Path = Path(".paas-stream")  # embedded Kafka and IM, worker tables, keys, logs


class CacheSettings(BaseModel):
    """Where downloaded programs are kept; may be shared by many checkouts."""

    dir: Path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paas-stream"


class KafkaSettings(BaseModel):
    """The broker: an existing cluster when `url` is set, otherwise the embedded one."""

    url: str | None = None  # bootstrap servers, "host:port[,host:port]"
    home: Path | None = Field(default_factory=lambda: _path("KAFKA_HOME"))  # an installation to run
    port: int = 19092  # embedded broker; the controller takes the next port
    heap_mib: int = Field(512, le=512)  # embedded broker's Java heap
    replication: int = 1  # replicas of each topic; 3 on a cluster
    min_insync: int = 1  # replicas that must confirm a write; 2 on a cluster
    session_timeout_s: float = 10.0  # a killed worker keeps its partitions this long
    heartbeat_s: float = 2.0
    request_timeout_s: float = 30.0  # time-out of one produce or admin request
    start_timeout_s: float = 60.0  # the embedded broker must answer within this
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"  # of `url`
    ca: Path | None = None  # PEM, who may sign the brokers' certificates; default: the system's
    cert: Path | None = None  # PEM, our certificate and its chain, where brokers ask for one
    key: Path | None = None  # PEM, its private key, not encrypted
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"  # with SASL
    username: str | None = None  # with SASL
    password: SecretStr | None = None  # with SASL
    refused_s: float = 30.0  # a worker whose login or certificate is refused so long ends (code 78)

    @model_validator(mode="after")
    def _security_is_complete(self) -> "KafkaSettings":
        if self.security != "PLAINTEXT" and self.url is None:
            raise ValueError("PAAS_KAFKA_SECURITY is for a cluster: PAAS_KAFKA_URL is missing")
        if self.security.startswith("SASL") and not (self.username and self.password):
            raise ValueError(f"{self.security} needs PAAS_KAFKA_USERNAME and PAAS_KAFKA_PASSWORD")
        if (self.cert is None) != (self.key is None):
            raise ValueError("PAAS_KAFKA_CERT and PAAS_KAFKA_KEY belong together")
        return self

    @property
    def bootstrap(self) -> str:
        """Bootstrap servers in force."""
        return self.url or f"127.0.0.1:{self.port}"


class StreamSettings(BaseModel):
    """The Faust application. Id and partitions change only by a written migration."""

    id: str = "paas-stream"
    partitions: int = Field(8, ge=1)  # of every per-deployment topic and table
    standbys: int = 0  # standby replicas of each table; 1 with two workers or more
    recovery_delay_s: float = 0.0  # a pause at the end of each recovery, for tests of the held flow
    log_level: str = "info"


class HeartbeatSettings(BaseModel):
    """What the boxes of a worker tell about themselves, and what is thought of it."""

    interval_s: float = Field(10.0, gt=0)  # between two heartbeats; after three it counts as late
    stuck_s: float = 60.0  # a box that has been at one thing for longer counts as stuck
    retention_s: float = 86400.0  # a box that has been silent for longer is no longer shown


class ParserSettings(BaseModel):
    """The template parser's worker processes and their limits."""

    timeout_s: float = 2.0  # wall clock of one template
    memory_mib: int = 1024  # address space of a worker process
    workers: int = 1
    queue: int = 32  # templates that may wait for a worker process
    max_bytes: int = 256 * 1024  # of the template's text
    max_depth: int = 64  # of nested lists and maps
    max_nodes: int = 50_000  # of the YAML tree, aliases expanded
    mode: Literal["strict", "lenient"] = "strict"  # lenient: a missing host is a warning
    unknown_inputs: Literal["warn", "error"] = "warn"  # inputs that the template does not declare
    types: Path | None = None  # directory of added type files; default: `types` in the state one


class FeederSettings(BaseModel):
    """The Feeder."""

    files: Annotated[list[Path], NoDecode, BeforeValidator(_paths)] = []  # a.yaml:b.yaml, or JSON
    interval_s: float = 60.0  # between two readings
    timeout_s: float = Field(30.0, gt=0)  # of one reading of a site
    call_timeout_s: float = Field(10.0, gt=0)  # of each call in it
    concurrency: int = Field(8, ge=1)  # sites that are read side by side; each takes a thread
    heartbeat_s: float = 300.0  # unchanged data is sent again after this long
    stale_s: float = 900.0  # a provider that is silent for longer is stale
    stale: Literal["out", "last"] = "out"  # stale ones are left out, or tried after all others
    version: Literal["2.0.0", "1.4.0"] = "2.0.0"  # form in which messages are written
    trusted_issuers: list[str] = []  # JSON; groups of other issuers are left out; empty: none is

    @model_validator(mode="after")
    def _heartbeats_come_in_time(self) -> "FeederSettings":
        if self.heartbeat_s >= self.stale_s:
            raise ValueError(
                f"PAAS_FEEDER_HEARTBEAT_S ({self.heartbeat_s:g}) must be below PAAS_FEEDER_STALE_S "
                f"({self.stale_s:g}): a provider without changes would be stale between two messages"
            )
        return self


class RallySettings(BaseModel):
    """The reader of Rally's task reports, and the runs of Rally that make some."""

    dir: Path | None = None  # DIR/<provider>/<region>/*.json, or DIR/<provider>/*.json for all
    interval_s: float = 60.0  # between two looks at the directory
    files_per_turn: int = Field(20, ge=1)  # files read in one look; the rest wait for the next
    max_file_bytes: int = 16 * 1024 * 1024  # a larger file is refused
    command: Path | None = None  # the program `rally`; without it nothing is run
    task: Path | None = None  # what it runs; default: the task that comes with this program
    run_interval_s: float = Field(6 * 3600.0, gt=0)  # between two runs at one site
    run_timeout_s: float = Field(1800.0, gt=0)  # of one run

    @model_validator(mode="after")
    def _reports_have_a_place(self) -> "RallySettings":
        if self.command is not None and self.dir is None:
            raise ValueError("rally.command: its reports need a directory, PAAS_RALLY_DIR")
        return self


class RankerSettings(BaseModel):
    """The AI-ranker."""

    min_attempts: int = Field(20, ge=1)  # in 30 days, before the order follows past attempts
    failure_cost_s: float = Field(600.0, ge=0, le=1e9)  # of a failed attempt, besides its time
    exhausted_s: float = Field(7200.0, ge=0, le=1e9)  # of a deployment that fails everywhere
    explore: float = Field(0.0, ge=0, le=0.5)  # probability with which the first place is drawn


class TrainerSettings(BaseModel):
    """The training of the AI-ranker's model."""

    interval_s: float = Field(3600.0, ge=0)  # between two looks whether one is due; 0: never
    new_rows: int = Field(200, ge=1)  # attempts since the newest model, after which one is due
    rows: int = Field(50_000, ge=1000)  # the newest records of `training` that are learned from
    timeout_s: float = Field(600.0, gt=0)  # of one training
    mlflow: bool = False  # whether the scheduled ones are logged with MLflow
    mlflow_timeout_s: float = Field(120.0, gt=0)  # of logging one, scheduled or not


class TrackerSettings(BaseModel):
    """The deployment tracker."""

    timeout_min: int = (
        14400  # overall time-out when the request names none, and the most it may ask
    )
    delete_timeout_s: float = (
        3600.0  # after this a cancel or delete without a result ends by itself
    )
    retention_s: float = 86400.0  # a deleted deployment stays readable this long
    timeline_max: int = 500  # events kept per deployment


class DispatchSettings(BaseModel):
    """The IM dispatcher. All times in seconds unless the name says otherwise."""

    provider_timeout_min: int = 1440  # per provider, when the request names none
    poll_min_s: float = 1.0  # first interval between two polls of one attempt
    poll_max_s: float = 30.0  # the interval grows to this
    polls_per_s: float = 50.0  # at most, per worker and IM server
    call_margin_s: float = 5.0  # a lease lasts the effect's time-out and this; above clock skew
    pending_s: float = 60.0  # `pending` without a machine for this long is a failed attempt
    starting_s: float = 600.0  # a container that is `pending` for this long is a failed attempt
    unknown_s: float = 120.0  # `unknown` for this long is a failed attempt
    cleanup_beside_s: float = 60.0  # clean-up of a failed attempt holds up the next one this long
    delete_timeout_s: float = 3600.0  # then DELETE_FAILED, and the possible orphan is reported
    action_timeout_s: float = Field(300.0, gt=0)  # of the start or stop of a machine
    # Of a reconfigure: the IM ends a contextualization after two hours by itself, and says why.
    reconfigure_timeout_s: float = Field(9000.0, gt=0)
    recheck_s: float = 5.0  # a deleted infrastructure is looked for again after this
    inspect_per_s: float = Field(1.0, gt=0)  # deployments at rest compared with the IM, per worker
    inspect_pause_s: float = Field(600.0, gt=0)  # after all have been compared
    retry_min_s: float = 1.0  # back-off of temporary faults: first delay, doubled each time
    retry_max_s: float = 60.0
    breaker_failures: int = 5  # provider failures in a row that open the circuit breaker
    breaker_open_s: float = 120.0  # an open breaker lets the next attempt through after this


class ImSettings(BaseModel):
    """The Infrastructure Manager: an existing one when `url` is set, otherwise the embedded one."""

    url: str | None = None
    port: int = 18800  # embedded IM
    admin_username: str | None = None  # who sees all infrastructures, for `reconcile`
    admin_password: SecretStr | None = None
    call_timeout_s: float = 20.0  # of one HTTP call
    concurrency: int = 20  # calls under way at once to one IM server, from one worker
    per_provider: int = 5  # of these, for one provider
    waiting: int = 1000  # effects that may run or wait for a call, per worker
    start_timeout_s: float = 60.0  # the embedded IM must answer within this

    @property
    def endpoint(self) -> str:
        """URL in force."""
        return (self.url or f"http://127.0.0.1:{self.port}").rstrip("/")


class SecretSettings(BaseModel):
    """Keys. Made in the state directory when nothing is given (one machine only)."""

    keys_file: Path | None = None  # JSON Web Key Set (EC P-256, private), newest key first
    service_key: SecretStr | None = None  # text from which the IM passwords of attempts are derived


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="PAAS_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        extra="ignore",
    )

    # how callers of the REST API log in: oidc, keystone, or both with a comma; with none it binds
    # to loopback only
    auth: Annotated[
        list[Literal["none", "oidc", "keystone"]], NoDecode, BeforeValidator(_words)
    ] = ["none"]
    oidc: OidcSettings = OidcSettings()
    keystone: KeystoneSettings = KeystoneSettings()
    login: LoginSettings = LoginSettings()
    topics: dict[str, str] = {}  # other names of topics, PAAS_TOPICS='{"feeder": "my-feeder"}'
    state: StateSettings = StateSettings()
    cache: CacheSettings = CacheSettings()
    kafka: KafkaSettings = KafkaSettings()
    stream: StreamSettings = StreamSettings()
    web: WebSettings = WebSettings()
    tls: TlsSettings = TlsSettings()
    edge: EdgeSettings = EdgeSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    parser: ParserSettings = ParserSettings()
    feeder: FeederSettings = FeederSettings()
    rally: RallySettings = RallySettings()
    ranker: RankerSettings = RankerSettings()
    trainer: TrainerSettings = TrainerSettings()
    tracker: TrackerSettings = TrackerSettings()
    callback: CallbackSettings = CallbackSettings()
    dispatch: DispatchSettings = DispatchSettings()
    im: ImSettings = ImSettings()
    secret: SecretSettings = SecretSettings()

    @property
    def local_url(self) -> str:
        """This worker as this machine reaches it."""
        return f"{self.tls.scheme}://{self.web.host}:{self.web.port}"

    @model_validator(mode="after")
    def _types_are_in_the_state_directory(self) -> "Settings":
        if self.parser.types is None:
            types = self.state.dir / "types"
            self.parser = self.parser.model_copy(update={"types": types})
        return self

    @model_validator(mode="after")
    def _logins_are_complete(self) -> "Settings":
        if not self.auth or ("none" in self.auth and len(self.auth) > 1):
            raise ValueError("PAAS_AUTH must be none, oidc, keystone, or oidc,keystone")
        if "oidc" in self.auth and not self.oidc.issuers:
            raise ValueError("PAAS_AUTH=oidc needs PAAS_OIDC_ISSUERS")
        service = (self.keystone.url, self.keystone.username, self.keystone.password)
        if "keystone" in self.auth and None in service:
            raise ValueError("PAAS_AUTH=keystone needs PAAS_KEYSTONE_URL, _USERNAME and _PASSWORD")
        return self

    @model_validator(mode="after")
    def _no_auth_means_loopback(self) -> "Settings":
        if "none" in self.auth and self.web.host not in LOOPBACK:
            raise ValueError(
                f"PAAS_AUTH=none serves loopback only, and PAAS_WEB_HOST is {self.web.host!r}"
            )
        return self


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Raises ConfigurationError with every fault."""
    try:
        return Settings()
    except ValidationError as exc:
        faults = [f"{_variable(error['loc'])}: {error['msg']}" for error in exc.errors()]
        raise ConfigurationError("\n".join(faults)) from exc
    except SettingsError as exc:
        raise ConfigurationError(f"a setting is not the JSON that it must be: {exc}") from exc


def _variable(path: tuple[int | str, ...]) -> str:
    names = [part.upper() for part in path[:2] if isinstance(part, str)]
    return "_".join(["PAAS", *names]) if names else "settings"
