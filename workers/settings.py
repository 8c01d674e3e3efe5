"""Every setting of producers and workers, read from the environment in one place.

`worker_settings.py` hands the same values to `rq worker -c worker_settings`.
"""

import re
import stat
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict
from rq.utils import parse_timeout
from typing_extensions import override

from workers.engine_settings import FAILURE_TTL, RESULT_TTL
from workers.errors import setting_invalid
from workers.logger import get_logger
from workers.stream_settings import StreamSettings

log = get_logger("postroom.settings")

DEFAULT_QUEUES = (
    "email",
    "notifications",
    "workouts",
    "activity",
    "note_enrichment",
    "activity_schema",
    "data_sync",
    "guilds",
    "builds",
    "default",
)


class RedisCredentials(BaseModel):
    """The content of REDIS_CREDENTIALS_FILE (requirement 002)."""

    host: str
    port: int = Field(default=6379, ge=1, le=65535)
    password: SecretStr | None = None
    username: str | None = None
    db: int = Field(default=0, ge=0)
    tls: bool = False


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Names = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list in the environment."""


class Settings(StreamSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    redis_url: str | None = None
    """`redis://`, `rediss://` or `unix://`; wins over everything below."""
    redis_sentinels: Names = ()
    """`host:port` of each Sentinel; wins over REDIS_HOST."""
    redis_sentinel_master: str = "mymaster"
    redis_sentinel_password: SecretStr | None = None
    redis_host: str = "127.0.0.1"
    redis_port: int = Field(default=6379, ge=1, le=65535)
    redis_db: int = Field(default=0, ge=0)
    redis_username: str | None = None
    redis_password: SecretStr | None = None
    redis_password_file: Path | None = None
    """A file that holds only the password."""
    redis_credentials_file: Path | None = None
    """A JSON file with host, port, password, username, db, tls."""
    redis_ssl: bool = False
    redis_ssl_ca_certs: Path | None = None
    redis_ssl_certfile: Path | None = None
    redis_ssl_keyfile: Path | None = None
    redis_timeout: float = Field(default=10.0, gt=0)
    """Seconds to wait for a connection, and for an answer."""

    queues: Names = DEFAULT_QUEUES
    """The queues a worker serves when it is not told, most urgent first."""
    queue_routes: Annotated[dict[str, str], NoDecode] = {}  # noqa: RUF012 - pydantic copies it
    """`TYPE=queue` or `TYPE:tenant=queue`, comma-separated; `{tenant}` in a queue is filled in."""
    queue_weights: Annotated[tuple[int, int, int], NoDecode] = (6, 3, 1)
    """How often high, normal and low go first, as `6:3:1`; each at least 1."""

    job_timeout: Annotated[int, NoDecode] = Field(
        default=600, ge=1, validation_alias=AliasChoices("QUEUE_JOB_TIMEOUT", "JOB_TIMEOUT")
    )
    """Seconds one attempt may take; JOB_TIMEOUT may be rq's `10m`, QUEUE_JOB_TIMEOUT wins."""
    queue_job_ttl: int | None = Field(default=None, ge=1)
    """Seconds a message may wait in its queue before it is buried as expired; None: for ever."""
    result_ttl: int = Field(default=RESULT_TTL, ge=0)
    """Seconds that a finished job and its result are kept."""
    failure_ttl: int = Field(default=FAILURE_TTL, ge=1)
    """Seconds that RQ's record of a failed job is kept."""
    keep_finished: int = Field(default=10_000, ge=100)
    """Finished jobs without a result that each of a queue's three lists keeps at most."""
    keep_payload: Literal["all", "failures"] = "all"
    """Whether finished jobs keep their message, too; `failures` saves half of their memory."""
    keep_failed: int = Field(default=10_000, ge=50)
    """Failed jobs that each list keeps at most; their dead letters are kept apart."""
    index_jobs: int = Field(default=100_000, ge=0)
    """Jobs that the index of a message type holds at most, and half of it at least; 0: none."""
    index_days: int = Field(default=30, ge=1)
    """Days after which a job has left that index."""
    dead_letter_days: int = Field(default=90, ge=1)
    """Days after which a dead letter is removed."""
    dead_letter_limit: int = Field(default=100_000, ge=1)
    """Dead letters that Redis keeps whole; further ones go to the spill file."""
    dead_letter_spill: Path = Path(".data/dead-letters.jsonl")
    """The file for the dead letters that Redis has no room for; rotated at 100 MB, none removed."""

    message_packages: Names = ("messages",)
    """Packages whose modules declare messages; replaces the default, so name `messages` too."""
    handler_packages: Names = ("handlers",)
    """Packages whose modules register handlers; replaces the default."""
    allow_foreign_jobs: Names = ()
    """Dotted prefixes of functions that stock `Queue.enqueue` may name; `*` allows all."""
    unknown_type_grace: float = Field(default=600.0, ge=0)
    """Seconds during which a message of an unknown type is handed back instead of buried."""
    unknown_type_delay: float = Field(default=30.0, gt=0)
    """Seconds that a message of an unknown type waits between two tries."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    log_file: Path | None = None
    """Also write the log here, rotated at 10 MB, five files kept."""
    log_jobs: Literal["all", "failures"] = "all"
    tracing: bool = False
    """Whether messages are traced with OpenTelemetry, which needs the extra `otel`."""
    environment: str = "development"
    """`production` switches dangerous operations off unless they are allowed."""
    allow_clear: bool = False
    """Whether queues may be cleared where ENVIRONMENT is `production`."""
    data_dir: Path = Path(".data")
    """Where the embedded server of `run demo` and `run dev` keeps its files."""

    @field_validator(
        "redis_sentinels",
        "queues",
        "message_packages",
        "handler_packages",
        "allow_foreign_jobs",
        mode="before",
    )
    @classmethod
    def _names(cls, value: object) -> object:
        return _split(value)

    @field_validator("queue_routes", mode="before")
    @classmethod
    def _routes(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        if any(not name or not queue for name, _, queue in pairs):
            message = "write it as TYPE=queue,TYPE:tenant=queue"
            raise ValueError(message)
        return {name.strip(): queue.strip() for name, _, queue in pairs}

    @field_validator("queue_weights", mode="before")
    @classmethod
    def _weights(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        weights = tuple(int(part) for part in value.split(":"))
        if min(weights) < 1:
            message = "each weight must be at least 1, or that priority would starve"
            raise ValueError(message)
        return weights

    @field_validator("redis_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not _is_redis_url(value):
            message = (
                "write it as redis://[user:password@]host:port/db, rediss://... or unix://path"
            )
            raise ValueError(message)
        return value

    @field_validator("redis_sentinels")
    @classmethod
    def _sentinels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[^:\s]+:\d{1,5}", entry) for entry in value):
            message = "write it as host:port,host:port"
            raise ValueError(message)
        return value

    @field_validator("job_timeout", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        try:
            return parse_timeout(value) if isinstance(value, str) else value
        except (
            Exception
        ) as error:  # rq's own error is no ValueError, so pydantic would not name the variable
            message = "write seconds, or rq's form such as 10m or 1h"
            raise ValueError(message) from error

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for path in (self.redis_password_file, self.redis_credentials_file):
            if path is not None and not path.is_file():
                message = f"{path} is not a file that can be read"
                raise ValueError(message)
        return self

    @override
    def __hash__(self) -> int:
        """Of all values, so that clients can be kept by settings."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.model_dump_json())  # once: every enqueue asks for it

    def address(self) -> RedisCredentials:
        """Host, port and credentials, files included, when neither URL nor Sentinel is set."""
        if self.redis_credentials_file:
            return RedisCredentials.model_validate_json(_private(self.redis_credentials_file))
        return RedisCredentials(
            host=self.redis_host,
            port=self.redis_port,
            db=self.redis_db,
            username=self.redis_username,
            password=self.password(),
            tls=self.redis_ssl,
        )

    def password(self) -> SecretStr | None:
        """REDIS_PASSWORD, or the content of REDIS_PASSWORD_FILE."""
        if self.redis_password_file:
            return SecretStr(_private(self.redis_password_file).strip())
        return self.redis_password

    def sentinels(self) -> list[tuple[str, int]]:
        """Host and port of each Sentinel."""
        pairs = (entry.rpartition(":") for entry in self.redis_sentinels)
        return [(host, int(port)) for host, _, port in pairs]

    def names_a_server(self) -> bool:
        """Whether the environment says where Redis is; else a running demo may say so."""
        told = {
            "redis_url",
            "redis_sentinels",
            "redis_host",
            "redis_port",
            "redis_credentials_file",
        }
        return bool(told & self.model_fields_set)


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read once.

    Returns:
        The settings.

    Raises:
        SettingInvalid: If a variable has a value that cannot be used; it names the variable and
            not its value, which may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise setting_invalid(error) from None


def _is_redis_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # a property that parses
    except ValueError:
        return False
    return parts.scheme == "unix" or (parts.scheme in {"redis", "rediss"} and bool(parts.netloc))


def _private(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        log.warning("secret_file_is_open", path=str(path), remedy=f"chmod 600 {path}")
    return path.read_text()
