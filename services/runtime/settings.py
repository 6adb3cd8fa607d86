"""Every setting, read once when a process starts, and frozen. Each is an ``ONEFOLD_…`` variable."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.errors import ForeseenError
from services.runtime.peers import networks_in

Fraction = Annotated[float, Field(gt=0, le=1)]
_SPARES_ONE = 3  # replicas: with one of them away a record is still on two
Port = Annotated[int, Field(ge=0, le=65535)]


def _networks(text: str) -> str:
    networks_in(text)
    return text


class Settings(BaseSettings):
    """What an operator can set. `onefold settings` and the documentation list these fields with their descriptions."""

    model_config = SettingsConfigDict(env_prefix="ONEFOLD_", frozen=True, extra="ignore")

    kafka: str | None = Field(None, description="Kafka bootstrap servers, `host:port[,…]`; `up` starts one if unset")
    database: str | None = Field(None, description="PostgreSQL URL, `postgresql://…`; `up` starts one if unset")
    broker: Literal["auto", "kafka", "fallback"] = Field(
        "auto",
        description="what `up` starts: Apache Kafka, the fallback, or the latter only where the former can't be had",
    )
    secret_key: SecretStr | None = Field(
        None, description="master key, from which ids and stored secrets derive; `up` makes one and keeps it"
    )
    master_key_file: Path | None = Field(
        None,
        description="file with the master keys of personal data in the log, 32 bytes in base64 a line, the first one "
        "seals; without it nothing is sealed",
    )
    data_dir: Path = Field(Path(".onefold"), description="where `up` keeps its data")
    host: str = Field("127.0.0.1", description="address the HTTP services listen on")
    port: Port = Field(8080, description="port of the HTTP service")
    worker_port: Port = Field(8081, description="port of a worker's /healthz, /readyz and /metrics")
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+(/\S*)?$")] | None = Field(
        None, description="address that the HTTP service has for the channels and for people, `https://…`"
    )
    topic_prefix: str = Field("onefold", description="first part of every topic's name")
    partitions: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="partitions of topics that are created now (default: 8)"
    )
    replication: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="replicas of topics that are created now; from 3 on all but one must have a record"
    )
    body_limit: Annotated[int, Field(ge=1024)] = Field(5_242_880, description="largest HTTP body, bytes")
    campaign_body_limit: Annotated[int, Field(ge=1024)] = Field(
        67_108_864, description="largest list of a campaign's contacts, bytes, packed and unpacked"
    )
    import_body_limit: Annotated[int, Field(ge=1024)] = Field(
        536_870_912, description="largest file to import, bytes, packed and unpacked"
    )
    import_room: Annotated[int, Field(ge=1024)] = Field(
        4_294_967_296, description="bytes that a tenant's files to import may take together until they expire"
    )
    batch_limit: Annotated[int, Field(ge=1)] = Field(10_000, description="most events in one HTTP body")
    ack_timeout: Annotated[float, Field(gt=0)] = Field(
        1.5,
        description="seconds that ingress waits for Kafka, and two thirds of them for PostgreSQL, before it answers "
        "503",
    )
    source_rate: Annotated[float, Field(gt=0)] = Field(
        5000.0, description="most requests a second of one source, in one ingress process; more are answered 429"
    )
    key_rate: Annotated[float, Field(ge=0.001)] = Field(
        5000.0,
        description="tokens a second that an API key has in one process, if it has no rate of its own; a request takes "
        "1 or more, and is answered 429 where there are too few",
    )
    key_burst: Annotated[float, Field(ge=1)] | None = Field(
        None, description="most tokens that such a key saves up (default: those of two seconds)"
    )
    audit_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        365, description="days after which entries of the audit trail are deleted"
    )
    connections: Annotated[int, Field(ge=16)] = Field(
        4096, description="most connections of one HTTP process; at most three quarters of its open files"
    )
    peer_connections: Annotated[int, Field(ge=4)] = Field(
        1024, description="most connections of one address (of IPv6, one /64 network) in one HTTP process"
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] | None = Field(
        None,
        description="proxies in front of the HTTP services, addresses or networks with commas: the last other address "
        "in their `X-Forwarded-For` is the peer whose bodies and connections are bounded",
    )
    chunk_records: Annotated[int, Field(ge=1, le=100_000)] = Field(
        4000, description="most records a worker takes from one partition at once"
    )
    dead_letter_limit: Fraction = Field(
        0.5, description="share of dead letters past which a partition stops (1: never)"
    )
    dead_letter_window: Annotated[int, Field(ge=10)] = Field(1000, description="records over which that share is taken")
    session_timeout: Annotated[float, Field(ge=1, le=60)] = Field(
        10.0,
        description="seconds of a worker's silence after which its partitions go to another and its locks are released "
        "(Kafka's `group.min.session.timeout.ms` bounds it)",
    )
    stuck_after: Annotated[float, Field(gt=0)] = Field(
        120.0, description="seconds without progress after which a worker exits, to be started again"
    )
    wait_for_repair: bool = Field(
        default=False,
        description="a worker that starting again can't help (exit statuses 65 and 78) waits, not ready, until it is "
        "stopped; for supervisors that restart whatever ends",
    )
    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(
        "TW", description="region of phone numbers written without a country code"
    )
    search_index_mib: Annotated[int, Field(ge=0)] = Field(
        1024,
        description="most memory, in MiB, that a query process takes for the search indexes of its tenants; about 400 "
        "for a million customers (0: PostgreSQL answers every search)",
    )
    job_file_days: Annotated[int, Field(ge=1, le=365)] = Field(
        7, description="days for which the files of exports are kept"
    )
    webhooks_private: bool = Field(
        default=False,
        description="outbound webhooks may go to addresses that are not public, by `http` too, and to every port",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_json: bool = Field(default=False, description="log lines as JSON objects")

    @property
    def in_sync(self) -> int | None:
        """How many replicas must have a record of a new topic before it is acknowledged; None: the brokers' default.

        One less than there are, so that one broker may be away; of two replicas that would be a single one.
        """
        return self.replication - 1 if self.replication >= _SPARES_ONE else None

    @property
    def kafka_servers(self) -> str:
        """The bootstrap servers. Raises MissingSetting."""
        return _set("ONEFOLD_KAFKA", self.kafka)

    @property
    def database_url(self) -> str:
        """The database's URL. Raises MissingSetting."""
        return _set("ONEFOLD_DATABASE", self.database)

    @property
    def master_key(self) -> str:
        """The master key. Raises MissingSetting."""
        return _set("ONEFOLD_SECRET_KEY", self.secret_key.get_secret_value() if self.secret_key else None)


class MissingSetting(ForeseenError):
    """A setting that this process needs is not set."""


def _set(name: str, value: str | None) -> str:
    if not value:
        raise MissingSetting(f"{name} is not set; `onefold up` sets it for the processes that it starts")
    return value
