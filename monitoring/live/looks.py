"""What one look reads for all who watch: in a thread, some round trips however many they are."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import redis

from monitoring.jobs.active import read_active_jobs
from monitoring.jobs.stuck import get_stuck_jobs
from monitoring.numbers.metrics import get_metrics
from workers.connection import storage_errors
from workers.job_log import Line
from workers.new_lines import new_lines

JsonDict = dict[str, Any]

# What is stuck is so for minutes, and to find it costs more than all the rest of a look.
_STUCK_SECONDS = 30.0


@dataclass(frozen=True)
class Subject:
    """What somebody watches.

    Args:
        kind: All queues, one queue with what runs in it, or the log of a job.
        name: The queue's name, or the job's id; empty for all queues.
    """

    kind: Literal["queues", "queue", "log"]
    name: str = ""


QUEUES = Subject("queues")


@dataclass(frozen=True)
class Look:
    """What was seen.

    Args:
        states: Of the subjects that are no logs.
        lines: By job, what its log has that is new.
    """

    states: Mapping[Subject, JsonDict] = field(default_factory=dict)
    lines: Mapping[str, Sequence[Line]] = field(default_factory=dict)


Wanted = Mapping[Subject, int]
"""What to look at; of a log the number of the last line that is known, otherwise 0."""

TakeLook = Callable[[Wanted], Look]


class LookTaker:
    """Looks at Redis.

    Args:
        connection: Where; a replica will do.
    """

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        self._stuck = 0
        self._stuck_known_until = 0.0

    def __call__(self, wanted: Wanted) -> Look:
        """Read what is wanted: about 7 round trips, and every 30 s those of `get_stuck_jobs`.

        Args:
            wanted: What for.

        Raises:
            StorageUnavailable: If Redis does not answer.
        """
        logs = {each.name: after for each, after in wanted.items() if each.kind == "log"}
        queues = [each.name for each in wanted if each.kind == "queue"]
        needs_metrics = len(logs) < len(wanted)
        with storage_errors():
            metrics = self._metrics() if needs_metrics else {}
            active = read_active_jobs(queues, connection=self._connection)
            lines = new_lines(logs, connection=self._connection) if logs else {}
        states = {Subject("queue", name): _of(name, metrics, jobs) for name, jobs in active.items()}
        return Look({QUEUES: metrics, **states} if needs_metrics else {}, lines)

    def _metrics(self) -> JsonDict:
        metrics = get_metrics(connection=self._connection)
        if time.monotonic() >= self._stuck_known_until:
            self._stuck = len(get_stuck_jobs(connection=self._connection))
            self._stuck_known_until = time.monotonic() + _STUCK_SECONDS
        return {**metrics, "stuck": self._stuck}


def _of(queue: str, metrics: JsonDict, jobs: Sequence[JsonDict]) -> JsonDict:
    rows: Sequence[JsonDict] = metrics["queues"]
    # A queue of which all keys have gone meanwhile has no figures.
    row = next((row for row in rows if row["queueName"] == queue), {"queueName": queue})
    return {"timestamp": metrics["timestamp"], **row, "activeJobs": jobs}
