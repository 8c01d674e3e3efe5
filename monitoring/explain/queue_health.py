"""Whether each queue is healthy, in the terms of requirement 003. Only reads.

Why it is not is said by the rules of `monitoring.explain.rules`, as everywhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import redis

from monitoring.doctor.finding import Finding
from monitoring.explain.explanations import commands_of
from monitoring.explain.facts import QueueFacts
from monitoring.explain.queue_facts import read_queue_facts
from monitoring.explain.rules import queue_findings
from monitoring.queues.look import take_look
from monitoring.words import number, span
from workers.clock import shown_time
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]

Status = Literal["healthy", "warning", "critical"]

_ORDER: Sequence[Status] = ("healthy", "warning", "critical")
_ERROR_PERCENT = (10.0, 50.0)
_LENGTHS = (100, 1_000)
_OLDEST_SECONDS = 300.0
_STILL_SECONDS = 60.0
_FEW = 10  # outcomes of which a share says nothing: one failure of three is no trend


@dataclass(frozen=True)
class Metrics:
    """The numbers of one queue that its health is judged by.

    Args:
        waiting: Jobs in its three lists.
        active: Jobs in the hands of workers.
        completed: Jobs that succeeded, and are on record.
        failed: Jobs that failed, and are on record.
        delayed: Jobs that are due later.
        processing_rate: Jobs that ended for good in the last minute.
        error_rate: Of 100 jobs that ended for good in the last ten minutes, how many failed.
        ended: How many ended in that time.
        average_ms: How long their runs took on average.
        oldest_seconds: How long the oldest waiting job has waited; None if none waits.
        paused: Whether somebody wants nothing of it to start.
        workers: How many listen and live.
    """

    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    processing_rate: float
    error_rate: float
    ended: int
    average_ms: float
    oldest_seconds: float | None
    paused: bool
    workers: int


@dataclass(frozen=True)
class Reason:
    """One thing that makes a queue less than healthy.

    Args:
        status: How bad.
        what: A sentence.
        advice: A command, or a sentence with one.
        code: Of the finding that says just the same with its numbers, if there is one.
    """

    status: Status
    what: str
    advice: str
    code: str = ""


def judge(name: str, metrics: Metrics) -> list[Reason]:
    """Compare a queue with the limits of requirement 003.

    Args:
        name: The queue.
        metrics: Its numbers.

    Returns:
        What is wrong; empty if it is healthy. A queue that somebody has paused is not blamed for
        what waits in it, nor for having no workers.
    """
    found = [_errors(name, metrics)]
    if not metrics.paused:
        found += [_length(name, metrics), _age(name, metrics), *_stands_still(name, metrics)]
    return [reason for reason in found if reason is not None]


def get_health_report(
    *, connection: redis.Redis | None = None, now: datetime | None = None
) -> JsonDict:
    """What `GET /api/admin/queue-health` of requirement 003 tells.

    Args:
        connection: Where; None means the server that the settings name.
        now: The server's time; None asks the server.

    Returns:
        `timestamp` (ISO 8601), `status` of the worst queue, and `queues`: for each `queueName`,
        `status` (`healthy`, `warning`, `critical`), `metrics` (`waiting`, `active`, `completed`,
        `failed`, `delayed`, `processingRate` a minute, `errorRate` in percent and
        `avgProcessingTime` in ms of the last ten minutes, `oldestWaitingSeconds`, `paused`,
        `workers`), `reasons` and `recommendations`, which are sentences; the worst queue first.
        Completed and failed jobs are those still on record.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    with storage_errors():
        look = take_look(connection=connection, settings=load_settings(), now=now)
        facts = read_queue_facts(look.snapshot.queues, look)
    rows = [_row(each, metrics_of(each)) for each in facts.values()]
    rows.sort(key=lambda row: _ORDER.index(row["status"]), reverse=True)
    return {
        "timestamp": shown_time(look.now),
        "status": rows[0]["status"] if rows else "healthy",
        "queues": rows,
    }


def metrics_of(facts: QueueFacts) -> Metrics:
    """The numbers that the health of a queue is judged by.

    Args:
        facts: What is known of it.
    """
    failed = facts.ended.get("failed", 0)
    ended = failed + facts.ended.get("finished", 0)
    return Metrics(
        waiting=facts.counts.waiting,
        active=facts.counts.taken + facts.counts.started,
        completed=facts.counts.finished,
        failed=facts.counts.failed,
        delayed=facts.counts.scheduled,
        processing_rate=round(facts.ended_per_minute, 1),
        error_rate=round(100 * failed / ended, 2) if ended else 0.0,
        ended=ended,
        average_ms=round(facts.average_ms or 0.0, 3),
        oldest_seconds=facts.oldest_seconds,
        paused=facts.is_held_up,
        workers=len(facts.workers),
    )


def _row(facts: QueueFacts, metrics: Metrics) -> JsonDict:
    reasons = judge(facts.name, metrics)
    causes = [each for each in queue_findings(facts) if each.severity != "info"]
    said = {each.code for each in causes}
    further = [each.what for each in reasons if each.code not in said]
    status = max(
        (*map(_status_of, causes), *(each.status for each in reasons), "healthy"), key=_rank
    )
    return {
        "queueName": facts.name,
        "status": status,
        "metrics": _shown(metrics, held=facts.counts.held),
        "reasons": _unique([*(each.what for each in causes), *further]),
        "recommendations": _unique(
            [
                *(command for each in causes for command in commands_of(each)),
                *(each.advice for each in reasons),
            ]
        ),
    }


def _status_of(finding: Finding) -> Status:
    return "critical" if finding.severity == "critical" else "warning"


def _rank(status: Status) -> int:
    return _ORDER.index(status)


def _unique(sentences: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(sentences))


def _shown(metrics: Metrics, *, held: int) -> JsonDict:
    oldest = metrics.oldest_seconds
    return {
        "waiting": metrics.waiting + held,  # as everywhere; nobody is blamed for what is held
        "active": metrics.active,
        "completed": metrics.completed,
        "failed": metrics.failed,
        "delayed": metrics.delayed,
        "processingRate": metrics.processing_rate,
        "errorRate": metrics.error_rate,
        "avgProcessingTime": metrics.average_ms,
        "oldestWaitingSeconds": None if oldest is None else round(oldest, 3),
        "paused": metrics.paused,
        "workers": metrics.workers,
    }


def _errors(name: str, metrics: Metrics) -> Reason | None:
    status = _above(metrics.error_rate, _ERROR_PERCENT)
    if status is None or metrics.ended < _FEW:
        return None
    return Reason(
        status,
        f"{metrics.error_rate:g} % of {number(metrics.ended, 'job')} of {name} failed in the last "
        "ten minutes.",
        f"postroom dead-letters list --queue {name}",
    )


def _length(name: str, metrics: Metrics) -> Reason | None:
    status = _above(metrics.waiting, _LENGTHS)
    if status is None:
        return None
    return Reason(
        status,
        f"{number(metrics.waiting, 'job')} wait in {name}.",
        f"Start more workers: postroom worker {name}",
    )


def _age(name: str, metrics: Metrics) -> Reason | None:
    oldest = metrics.oldest_seconds or 0.0
    if oldest <= _OLDEST_SECONDS:
        return None
    return Reason(
        "warning",
        f"The oldest job of {name} has waited for {span(oldest)}.",
        f"Start more workers: postroom worker {name}",
    )


def _stands_still(name: str, metrics: Metrics) -> list[Reason]:
    found = []
    if metrics.waiting and not metrics.workers:
        what, advice = f"No worker listens to {name}.", f"postroom worker {name}"
        found.append(Reason("critical", what, advice, "no_worker"))
    if metrics.waiting and not metrics.processing_rate and _waited(metrics) >= _STILL_SECONDS:
        what = f"Nothing of {name} ended in the last minute, and jobs wait."
        found.append(Reason("critical", what, f"postroom why {name}"))
    return found


def _waited(metrics: Metrics) -> float:
    return metrics.oldest_seconds or 0.0


def _above(value: float, limits: tuple[float, float]) -> Status | None:
    if value > limits[1]:
        return "critical"
    return "warning" if value > limits[0] else None
