"""What is known of a queue, a job or a stream when somebody asks why it does not get on.

Only values: `queue_facts`, `job_facts` and `stream_facts` read them, and the rules judge them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from monitoring.doctor.finding import Finding
from monitoring.jobs.stuck_plans import Plan
from monitoring.numbers.forecast import Forecast
from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.snapshot import Counts
from workers.attempts import AttemptRecord
from workers.audit import AuditEntry
from workers.dead_letters import DeadLetter
from workers.pauses import Pause

JobState = Literal[
    "waiting",
    "leased",
    "running",
    "scheduled",
    "deferred",
    "held",
    "finished",
    "failed",
    "replayed",
    "stopped",
    "canceled",
    "unknown",
]
"""As docs/lifecycle.md calls the states; `unknown` if there is no record."""


@dataclass(frozen=True)
class Share:
    """What one message type has of the time that workers of a queue spent lately.

    Args:
        kind: The type.
        seconds: What its finished runs took in the last minutes, and those that still run.
        running: How many run now.
    """

    kind: str
    seconds: float
    running: int


@dataclass(frozen=True)
class Retries:
    """Scheduled jobs that wait for another attempt after the same kind of error.

    Args:
        count: How many of those that were looked at.
        kind: The message type of the newest.
        error: Its last error, in a line.
        outcome: What became of that attempt: `retried`, `handed_back` or `crashed`.
        code_version: The release that ran it; empty if unknown.
    """

    count: int
    kind: str
    error: str
    outcome: str
    code_version: str = ""


@dataclass(frozen=True)
class Letters:
    """Dead letters of a queue that died lately for the same reason.

    Args:
        count: How many of those that were looked at.
        reason: Why.
        kind: The message type of the newest.
        error: Its error, in a line.
        job_id: Its job.
        fingerprint: Of their failure; empty if it has none.
        since: When the first of those that were looked at died; None if that is not known.
    """

    count: int
    reason: str
    kind: str
    error: str
    job_id: str
    fingerprint: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class QueueFacts:
    """One queue.

    Args:
        name: Its name.
        now: The server's time.
        counts: Its jobs.
        oldest_seconds: How long the oldest waiting one has waited; None if none waits.
        pauses: The pauses that keep its jobs from starting, oldest first.
        suspended_seconds: For how long `rq suspend` still holds, -1 for ever; None if it does not.
        workers: Those that listen and live.
        dead: Those that listened, left no word, and show no life any more.
        shares: What its workers spend their time on, the most first.
        retries: Why scheduled jobs wait for another attempt, the most frequent first.
        looked_at: How many scheduled jobs were looked at for that.
        letters: Why its messages died in the last hour, the most frequent first.
        ended: Its outcomes in the last minutes, by name, such as `finished` and `failed`.
        ended_per_minute: Jobs that ended for good in the last 60 s, exactly up to 1,000 commits.
        average_ms: How long the runs that ended for good took on average, in ms; None if none did.
        forecast: How its backlog moves; None if that is not known.
        overdue: How many scheduled jobs are overdue, and by how many seconds at most.
        abandoned: How many jobs are in the hands of a worker that is gone, and for how many
            seconds at most.
        clocks: What is wrong with clocks.
        server: What is wrong with Redis itself.
        served: What the doctor's rules say of its lists without a worker.
    """

    name: str
    now: datetime
    counts: Counts = field(default_factory=Counts)
    oldest_seconds: float | None = None
    pauses: Sequence[Pause] = ()
    suspended_seconds: int | None = None
    workers: Sequence[WorkerSnapshot] = ()
    dead: Sequence[WorkerSnapshot] = ()
    shares: Sequence[Share] = ()
    retries: Sequence[Retries] = ()
    looked_at: int = 0
    letters: Sequence[Letters] = ()
    ended: Mapping[str, int] = field(default_factory=dict)
    ended_per_minute: float = 0.0
    average_ms: float | None = None
    forecast: Forecast | None = None
    overdue: tuple[int, float] = (0, 0.0)
    abandoned: tuple[int, float] = (0, 0.0)
    clocks: Sequence[Finding] = ()
    server: Sequence[Finding] = ()
    served: Sequence[Finding] = ()

    @property
    def is_held_up(self) -> bool:
        """Whether somebody wants nothing of it to start."""
        paused = any(pause.kind == "queue" for pause in self.pauses)
        return paused or self.suspended_seconds is not None


@dataclass(frozen=True)
class Places:
    """What the workers of a queue can run at the same time.

    Args:
        count: How many jobs.
        taken: How many they are seen to run, of any queue.
        still: How long ago the last of those began; None if a place is free, or nobody knows.
    """

    count: int = 0
    taken: int = 0
    still: timedelta | None = None

    @property
    def is_full(self) -> bool:
        """Whether a run has to end before another one begins."""
        return 0 < self.count <= self.taken


@dataclass(frozen=True)
class Parent:
    """A job that another one waits for.

    Args:
        job_id: Its id.
        state: RQ's word; empty if its record is gone.
        kind: Its message type.
        queue: Its queue.
    """

    job_id: str
    state: str
    kind: str
    queue: str


@dataclass(frozen=True)
class JobFacts:
    """One job.

    Args:
        job_id: Its id.
        now: The server's time.
        state: Where it is.
        queue: The facts of its queue; None if its record is gone.
        list_name: The name of its list.
        kind: Its message type; empty if it is no message.
        entered: When it came into its queue.
        due: When a scheduled one is due.
        expires: When it expires if no worker takes it before.
        began: When its run began.
        ended: When it ended.
        timeout: How long a run may take; None for as long as it likes.
        usual: The 95th percentile of its type's runs; None if it is not known.
        worker: Who runs it; empty if that is not known.
        silent: Seconds since its lease lapsed without anybody taking it over; 0 if it has not.
        ahead: How many jobs go first; None if that is not known.
        places: What the workers of its queue can run, if it waits.
        pauses: The pauses of its type and its tenant that hold it back, oldest first.
        parents: The jobs that it waits for and that are not finished.
        attempts: Those that did not succeed, oldest first.
        most_attempts: How many there are in all; None if its sender did not choose.
        letter: Its dead letter.
        fingerprint: Of the failure that it died of; empty if it has none.
        alike: Failures of the same kind in the last 24 hours; 0 if that is not known.
        unique_key: The unique key that it holds.
        replayed_as: The job that its message was sent again as.
        acts: What people did to it, newest first.
        known_by: The releases of the workers that have a handler for its type.
        plan: What STUCK_POLICY does with its run; None if it does not run.
    """

    job_id: str
    now: datetime
    state: JobState
    queue: QueueFacts | None = None
    list_name: str = ""
    kind: str = ""
    entered: datetime | None = None
    due: datetime | None = None
    expires: datetime | None = None
    began: datetime | None = None
    ended: datetime | None = None
    timeout: timedelta | None = None
    usual: timedelta | None = None
    worker: str = ""
    silent: float = 0.0
    ahead: int | None = None
    places: Places = Places()
    pauses: Sequence[Pause] = ()
    parents: Sequence[Parent] = ()
    attempts: Sequence[AttemptRecord] = ()
    most_attempts: int | None = None
    letter: DeadLetter | None = None
    fingerprint: str = ""
    alike: int = 0
    unique_key: str = ""
    replayed_as: str = ""
    acts: Sequence[AuditEntry] = ()
    known_by: Sequence[str] = ()
    plan: Plan | None = None

    @property
    def queue_name(self) -> str:
        """The name of its queue; empty if its record is gone."""
        return self.queue.name if self.queue else ""

    def age(self, moment: datetime | None) -> float:
        """Seconds since a moment, from 0; 0 if it is not known."""
        return max(0.0, (self.now - moment).total_seconds()) if moment else 0.0


@dataclass(frozen=True)
class StreamFacts:
    """One stream.

    Args:
        name: Its name.
        lists: What `get_stream_info` tells of each of its keys that is there.
        group: The group of our workers.
        letters: Why its messages died in the last hour.
    """

    name: str
    lists: Sequence[Mapping[str, Any]]
    group: str
    letters: Sequence[Letters] = ()
