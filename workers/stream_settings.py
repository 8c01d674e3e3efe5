"""The settings of the streams lane: how streams are called, how full they may be, and how fair."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from workers.engine_settings import EngineSettings


class StreamSettings(EngineSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    stream_template: str = "jobs:guild:{guild_id}:{job_type}"
    """How a tenant's streams are called; `{{guild_id}}` makes the tenant the hash tag of a key."""
    stream_group: str = Field(default="workers", pattern=r"^[A-Za-z0-9_.\-]{1,100}$")
    """The consumer group of the workers, and of who looks without naming one."""
    stream_patterns: Annotated[tuple[str, ...], NoDecode] = ("jobs:*", "raibid:jobs")
    """The streams that `postroom streams worker` serves: names, `*` for any text; by commas."""
    stream_limit: int = Field(default=10_000, ge=1)
    """Entries that a stream holds at most; what is done goes first, and nothing else ever goes."""
    stream_full: Literal["refuse", "wait", "alert"] = "refuse"
    """What publishing does at the limit: an error, waiting for room, or a warning."""
    stream_full_wait: float = Field(default=10.0, ge=0)
    """Seconds that `wait` waits for room; then it is an error."""
    stream_tenant_limit: int = Field(default=0, ge=0)
    """Messages of one tenant that all workers together have in hand at most; 0: no limit."""
    stream_delivery_limit: int = Field(default=5, ge=2)
    """Deliveries after which an entry is buried: its consumers vanish with it again and again."""
    stream_scan_seconds: float = Field(default=60.0, gt=0)
    """Seconds between two searches for streams that others made; ours are known at once."""
    stream_watch_seconds: float = Field(default=2.0, gt=0, le=5)
    """Seconds between two looks at what is in the streams: for trims, and for what others break."""

    @field_validator("stream_patterns", mode="before")
    @classmethod
    def _patterns(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("stream_template")
    @classmethod
    def _template(cls, value: str) -> str:
        if "{job_type}" not in value or "{guild_id}" not in value:
            message = "write it with {guild_id} and {job_type}, such as jobs:{guild_id}:{job_type}"
            raise ValueError(message)
        return value
