"""Every setting of producers and workers, read from the environment in one place.

`worker_settings.py` hands the same values to `rq worker -c worker_settings`.
"""

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict
from rq.utils import parse_timeout
from typing_extensions import override

from workers.engine_settings import FAILURE_TTL, RESULT_TTL
from workers.errors import setting_invalid
from workers.redis_settings import Names, RedisSettings, listed
from workers.stream_settings import StreamSettings
from workers.stuck_policies import read_stuck_policies

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


class Settings(RedisSettings, StreamSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

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
    """Jobs that the index of a type or of a tenant holds at most, half of it at least; 0: none."""
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
    stuck_policy: str = "report"
    """What becomes of stuck jobs: `ACTION[:AGE]` and `TYPE=ACTION[:AGE]`, by commas."""
    allow_clear: bool = False
    """Whether queues may be cleared where ENVIRONMENT is `production`."""
    data_dir: Path = Path(".data")
    """Where the embedded server of `run demo` and `run dev` keeps its files."""

    @field_validator(
        "queues",
        "message_packages",
        "handler_packages",
        "allow_foreign_jobs",
        mode="before",
    )
    @classmethod
    def _names(cls, value: object) -> object:
        return listed(value)

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

    @field_validator("stuck_policy")
    @classmethod
    def _policies(cls, value: str) -> str:
        read_stuck_policies(value)
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

    @override
    def __hash__(self) -> int:
        """Of all values, so that clients can be kept by settings."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.model_dump_json())  # once: every enqueue asks for it


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
