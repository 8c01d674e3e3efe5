"""The settings of the engine: how jobs are leased, in how many processes and how long they run."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

DAY = 24 * 60 * 60

RESULT_TTL, FAILURE_TTL = DAY, 30 * DAY
"""Seconds that records of finished and of failed jobs are kept, unless somebody says else; a job
whose record names no time is kept so long."""


class EngineSettings(BaseSettings):
    """Values with their units; each is the environment variable of the same name in capitals."""

    lease_seconds: float = Field(default=15.0, gt=0)
    """Seconds after which a worker that shows no life loses its jobs to the others."""
    heartbeat_seconds: float = Field(default=4.0, gt=0)
    """Seconds between two signs of life; less than a third of LEASE_SECONDS."""
    reap_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks for the jobs of dead workers."""
    promote_seconds: float = Field(default=0.5, gt=0)
    """Seconds between two looks for jobs that are due."""
    maintenance_seconds: float = Field(default=60.0, gt=0)
    """Seconds between two clean-ups of histories and of what stock workers left."""
    shutdown_grace: float = Field(default=25.0, ge=0)
    """Seconds that running jobs have to end after SIGTERM; then they go back to their queue."""
    stop_grace: float = Field(default=10.0, ge=0)
    """Seconds that a job has to end when somebody stops it; then its process is killed."""
    batch_jobs: int = Field(default=200, ge=1)
    """Jobs leased at once, at most; 1 switches leasing ahead off."""
    batch_milliseconds: float = Field(default=50.0, gt=0)
    """Work leased ahead, at most, as far as the last jobs tell."""
    isolation: Literal["child", "fork", "spawn"] = "child"
    """`child`: one process runs many jobs; `fork`: one a job; `spawn`: as child, without fork."""
    concurrency: int = Field(default=1, ge=1, le=1_000)
    """Jobs that one child runs at the same time; for handlers that wait."""
    child_jobs: int = Field(default=100_000, ge=1)
    """Jobs after which a child is replaced."""
    child_seconds: float = Field(default=DAY, gt=0)
    """Seconds after which a child is replaced."""
    memory_limit_mb: int | None = Field(default=None, ge=16)
    """Megabytes of memory after which a child is replaced when its job is over; None: no limit."""
    job_memory_limit_mb: int | None = Field(default=None, ge=16)
    """Megabytes at which a child is killed in the middle of its job; None: no limit."""
    code_version: str = ""
    """The release that runs, for failures and workers; empty: the git commit, if there is one."""

    @model_validator(mode="after")
    def _alive_in_time(self) -> Self:
        if self.heartbeat_seconds * 3 > self.lease_seconds:
            message = (
                f"HEARTBEAT_SECONDS is {self.heartbeat_seconds:g}: two signs of life may be lost, "
                f"so it must be at most a third of LEASE_SECONDS, {self.lease_seconds:g}"
            )
            raise ValueError(message)
        return self
