"""What rules can measure, and what to do when a value is bad."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """Something that is measured.

    Args:
        about: What its values are told apart by: `queue`, `type`, `stream`, `channel`, `job`, or
            nothing.
        unit: Of its values.
        meaning: In words.
        remedy: What to do; `{scope}` is what the alert is about.
    """

    about: str
    unit: str
    meaning: str
    remedy: str


METRICS: Mapping[str, Metric] = {
    "waiting": Metric(
        "queue",
        "jobs",
        "Jobs that wait in a queue that is not paused.",
        "Start more workers: `postroom worker {scope}`.",
    ),
    "oldest_waiting": Metric(
        "queue",
        "seconds",
        "How long the oldest job of a queue that is not paused has waited.",
        "Start more workers: `postroom worker {scope}`.",
    ),
    "without_worker": Metric(
        "queue",
        "jobs",
        "Jobs in lists of a queue that no worker listens to, unless the queue is paused; "
        "one of ours that was killed counts for half a minute.",
        "`postroom worker {scope}`",
    ),
    "success_rate": Metric(
        "queue",
        "per cent",
        "How many jobs succeeded of those that ended in the last 15 minutes, if 20 or more did.",
        "`postroom dead-letters list` shows why they failed.",
    ),
    "success_rate_of_type": Metric(
        "type",
        "per cent",
        "The same by message type.",
        "`postroom dead-letters list --type {scope}` shows why they failed.",
    ),
    "running": Metric(
        "queue",
        "seconds",
        "How long the job of a queue that runs longest has been running.",
        "Look at it with `postroom job ID`; `postroom jobs stop ID` ends it.",
    ),
    "escalated": Metric(
        "job",
        "seconds",
        "How long a job has been running that the policy `escalate` of STUCK_POLICY is for.",
        "`postroom why {scope}` says more; `postroom jobs stop {scope}` ends it.",
    ),
    "overdue": Metric(
        "queue",
        "seconds",
        "By how much the scheduled job that is latest has not been put into its queue in time.",
        "Workers do that: `postroom worker {scope}`.",
    ),
    "new_dead_letters": Metric(
        "queue",
        "letters",
        "Dead letters of the last 10 minutes; the newest 200 are looked at.",
        "`postroom dead-letters list` shows them: mend the cause, then replay.",
    ),
    "dead_letters": Metric(
        "",
        "letters",
        "All dead letters.",
        "`postroom dead-letters list`: replay what was mended, purge what is settled.",
    ),
    "stream_lag": Metric(
        "stream",
        "entries",
        "Entries that wait for the group that is furthest behind.",
        "Start more consumers: `postroom streams worker`.",
    ),
    "stream_fill": Metric(
        "stream",
        "per cent",
        "How long a stream is, as a share of STREAM_LIMIT.",
        "`postroom streams info {scope}` shows which group is behind.",
    ),
    "pending_age": Metric(
        "stream",
        "seconds",
        "How long an entry has been in the hands of a consumer; the 10 oldest are looked at.",
        "`postroom streams info {scope}` shows who has it.",
    ),
    "dead_consumers": Metric(
        "stream",
        "entries",
        "Entries in the hands of consumers that show no sign of life.",
        "A consumer of the group claims them: `postroom streams worker`, or `postroom streams "
        "claim {scope}`.",
    ),
    "redis_memory": Metric(
        "",
        "per cent",
        "The memory that Redis uses, as a share of maxmemory; no value where there is no limit.",
        "Raise maxmemory, or lower RESULT_TTL, KEEP_FINISHED and KEEP_FAILED.",
    ),
    "channel_failing": Metric(
        "channel",
        "seconds",
        "For how long a channel of alerts has taken nothing that was sent to it.",
        "`postroom alerts test {scope}` tries it; correct it in ALERT_CHANNELS.",
    ),
}
"""By the name that rules use."""


@dataclass(frozen=True)
class Reading:
    """One value.

    Args:
        scope: The queue, type, stream, channel or job; empty if it is about none.
        value: In the metric's unit.
        said: A sentence with the numbers.
    """

    scope: str
    value: float
    said: str


Facts = Mapping[str, Sequence[Reading]]
"""Readings by metric. A metric that is missing could not be read, so nothing changes by it; one
that has no reading of a queue says that all is well there."""
