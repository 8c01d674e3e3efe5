"""What a run is told: what its job's record says, and where it happens."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import redis

from workers.settings import Settings
from workers.tracing import tracer_for

if TYPE_CHECKING:
    from workers.spans import Tracer


class Record(Protocol):
    """What a job's record says that its run must know."""

    @property
    def meta(self) -> dict[str, Any]:
        """What its sender chose; changes are those of this run."""

    @property
    def restarts(self) -> int:
        """How often it was started before."""

    @property
    def result_ttl(self) -> int | None:
        """Seconds that it is kept when it succeeds; None as the settings say."""

    @property
    def failure_ttl(self) -> int | None:
        """As `result_ttl`, when it fails."""

    @property
    def failed_parent(self) -> str | None:
        """The job that it waited for in vain, if its sender wanted it to fail then."""


@dataclass(frozen=True)
class RqRecord:
    """A record as RQ read it; see `Record`."""

    meta: dict[str, Any]
    restarts: int
    result_ttl: int | None
    failure_ttl: int | None
    failed_parent: str | None


@dataclass(frozen=True)
class Place:
    """Where runs happen.

    Args:
        worker: Who runs them.
        connection: The client of the worker.
        settings: Those of the worker.
        group: The consumer group, in the lane of streams.
    """

    worker: str
    connection: redis.Redis
    settings: Settings
    group: str = ""

    @cached_property
    def tracer(self) -> "Tracer | None":
        """Who makes spans of what runs here, if anybody does."""
        return tracer_for(self.settings)
