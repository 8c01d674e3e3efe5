"""Jobs that have been running for too long, in the shape of requirement 001. Only reads.

Nothing is done about them here: that is for people, and for the policies that `warden` follows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import redis

from messages.masking import masked
from monitoring.answers import shown_time
from monitoring.jobs.entry_plans import plans_of_entries
from monitoring.jobs.running import Running, read_running
from monitoring.jobs.stuck_plans import plans
from monitoring.numbers.usual import UsualRuns, read_usual_runs
from monitoring.queues.snapshot import take_snapshot
from monitoring.streams.stuck_entries import HeldEntry, read_held_entries
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.engine.ends import salvaged
from workers.redaction import redacted_value
from workers.routing import queue_of
from workers.settings import load_settings
from workers.streams.naming import Naming
from workers.stuck_policies import read_stuck_policies

JsonDict = dict[str, Any]

Severity = Literal["low", "medium", "high", "critical"]

Reason = Literal["running_long", "slower_than_usual", "past_timeout", "abandoned"]
"""`running_long`: for 10 minutes or more. `slower_than_usual`: for more than a minute, and three
times as long as 95 of 100 jobs of its type take. `past_timeout`: longer than its timeout, which
should have ended it. `abandoned`: its worker is gone, and no other one has taken it over."""

SEVERITIES: Sequence[tuple[timedelta, Severity]] = (
    (timedelta(minutes=120), "critical"),
    (timedelta(minutes=60), "high"),
    (timedelta(minutes=30), "medium"),
    (timedelta(minutes=10), "low"),
)
"""From which duration on a job is how badly stuck."""

_LONG = SEVERITIES[-1][0]
_SHORTEST = timedelta(seconds=60)
_TIMES_USUAL = 3
_SPARED = timedelta(seconds=5)  # that a worker lets pass before it kills what is over its timeout
_AT_ONCE = 100  # records, of up to 256 kB each, in one answer


@dataclass(frozen=True)
class Verdict:
    """How badly a job is stuck, and why it counts as that."""

    severity: Severity
    reason: Reason


def judge(
    duration: timedelta,
    *,
    usual: timedelta | None = None,
    timeout: timedelta | None = None,
    abandoned: bool = False,
) -> Verdict | None:
    """Whether a job is stuck.

    Args:
        duration: How long it has been running.
        usual: The 95th percentile of its type; None if it is not known.
        timeout: How long it may run; None for as long as it likes.
        abandoned: Whether its worker is gone and nobody has taken it over.

    Returns:
        The verdict; None if it is not stuck.
    """
    severity = next((word for least, word in SEVERITIES if duration >= least), None)
    reason: Reason | None = "running_long" if severity else None
    if abandoned:
        reason = "abandoned"
    elif timeout is not None and duration > timeout + _SPARED:
        reason = "past_timeout"
    elif usual is not None and duration > _SHORTEST and duration > _TIMES_USUAL * usual:
        reason = reason or "slower_than_usual"
    return Verdict(severity or "low", reason) if reason else None


def get_stuck_jobs(
    *, connection: redis.Redis | None = None, now: datetime | None = None
) -> list[JsonDict]:
    """What is stuck, as `GET /admin/jobs/alerts/stuck` of requirement 001 tells it.

    The table of that requirement says how badly: from 10, 30, 60 and 120 minutes on. Earlier, and
    then `low`, are jobs that run three times as long as 95 of 100 of their type and more than a
    minute, that are past their timeout, or whose lease lapsed more than 10 s ago and was not taken
    over. Entries of streams count from their delivery to the consumer that has them.

    Args:
        connection: Where; None means the server that the settings name.
        now: The time; None asks the server.

    Returns:
        For each `jobId`, `queueName` (of an entry: its stream), `jobName` (the message type),
        `stuckDuration` in ms, `severity`, `startedAt`, `data` (the payload, its secret fields
        masked), `attemptsMade` (starts so far, this one included), `reason`, `entryId` (of an
        entry: its id in the stream; else None, and only then it can be retried), and `policy`: what
        STUCK_POLICY does with it (`action`), when (`at`), when it was done with this run (`done`),
        and `why` it is not done though there is such a policy. The longest first.
        At most 1,000 of the jobs that workers have in hand are looked at, those taken first before
        the others, and of entries 100 a stream. `startedAt` of an abandoned job that was never
        seen to run is when its worker was last known to live.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    settings = load_settings()
    policies = read_stuck_policies(settings.stuck_policy)
    with storage_errors():
        snapshot = take_snapshot(connection=connection, queues=settings.queues)
        now = now or snapshot.time
        running = read_running(snapshot, now=now, connection=connection)
        entries = read_held_entries(
            at_least=_SHORTEST, now=now, settings=settings, connection=connection
        )
        usual = _usual(running, entries, now, connection)
        found = list(_stuck_jobs(running, usual, now))
        payloads = list(_payloads([each.job_id for each, _, _ in found], connection))
        held = list(_stuck_entries(entries, usual, now))
        planned = list(
            plans_of_entries(
                [each for each, _, _ in held],
                policies,
                group=settings.stream_group,
                connection=connection,
            )
        )
        plan = list(plans([each for each, _, _ in found], policies, connection=connection))
    rows = [
        _job(*each, payload) | {"policy": policy.as_json()}
        for each, payload, policy in zip(found, payloads, plan, strict=True)
    ]
    rows += [
        _entry(*each) | {"policy": policy.as_json()}
        for each, policy in zip(held, planned, strict=True)
    ]
    return sorted(rows, key=lambda row: row["stuckDuration"], reverse=True)


def _usual(
    running: Sequence[Running],
    entries: Sequence[HeldEntry],
    now: datetime,
    connection: redis.Redis,
) -> UsualRuns:
    # The buckets are large, and what runs is seldom slow: they are read only if it matters.
    is_slow = any(each.began and now - each.began > _SHORTEST for each in running)
    if not is_slow and not entries:
        return UsualRuns({})
    naming = Naming(load_settings().stream_template)
    queues = {each.queue for each in running} | {naming.read(e.stream).family for e in entries}
    return read_usual_runs(queues, now=now, connection=connection)


def _stuck_jobs(
    running: Iterable[Running], usual: UsualRuns, now: datetime
) -> Iterator[tuple[Running, timedelta, Verdict]]:
    for each in running:
        began = each.began or now - timedelta(seconds=each.silent)
        duration = now - began
        verdict = judge(
            duration,
            usual=usual.p95(each.kind),
            timeout=timedelta(seconds=each.timeout) if each.timeout else None,
            abandoned=bool(each.silent),
        )
        if verdict is not None and (each.began or each.silent):
            yield replace(each, began=began), duration, verdict


def _stuck_entries(
    entries: Iterable[HeldEntry], usual: UsualRuns, now: datetime
) -> Iterator[tuple[HeldEntry, timedelta, Verdict]]:
    for each in entries:
        duration = now - each.began
        verdict = judge(duration, usual=usual.p95(each.kind), abandoned=not each.is_alive)
        if verdict is not None:
            yield each, duration, verdict


def _job(job: Running, duration: timedelta, verdict: Verdict, payload: Any) -> JsonDict:
    return {
        "jobId": job.job_id,
        "queueName": job.queue,
        "jobName": job.kind,
        **_times(duration, verdict, began=job.began),
        "data": payload,
        "attemptsMade": job.starts,
        "reason": verdict.reason,
        "entryId": None,
    }


def _entry(entry: HeldEntry, duration: timedelta, verdict: Verdict) -> JsonDict:
    return {
        "jobId": entry.job_id,
        "queueName": queue_of(entry.stream),
        "jobName": entry.kind,
        **_times(duration, verdict, began=entry.began),
        "data": _payload(entry.envelope),
        "attemptsMade": entry.deliveries,
        "reason": verdict.reason,
        "entryId": entry.entry_id,
    }


def _times(duration: timedelta, verdict: Verdict, *, began: datetime | None) -> JsonDict:
    return {
        "stuckDuration": int(duration.total_seconds() * 1000),
        "severity": verdict.severity,
        "startedAt": None if began is None else shown_time(began),
    }


def _payloads(job_ids: Sequence[str], connection: redis.Redis) -> Iterator[Any]:
    for begin in range(0, len(job_ids), _AT_ONCE):
        some = job_ids[begin : begin + _AT_ONCE]
        with connection.pipeline(transaction=False) as pipe:
            for job_id in some:
                pipe.hget(keys.job(job_id), "data")
            stored = pipe.execute()
        for data in stored:
            yield _payload(salvaged({b"data": data or b""}))


def _payload(envelope: Any) -> Any:
    """A message's data without its secrets; nothing of what is no message."""
    if not isinstance(envelope, Mapping) or not isinstance(envelope.get("messageType"), str):
        return redacted_value(masked(envelope)) if isinstance(envelope, list) else None
    return masked(envelope).get("data")
