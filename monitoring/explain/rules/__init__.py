"""The rules: each is a function from facts to findings, and this is the only list of them.

The explanations, the health report, the alerts, the command line and the board use the same ones.
The order is that of causes: what stands first explains what follows.
"""

from collections.abc import Callable, Iterator, Sequence

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import JobFacts, QueueFacts, StreamFacts
from monitoring.explain.rules import (
    ended_jobs,
    failures,
    moving,
    no_start,
    running_jobs,
    streams,
    surroundings,
    waiting_jobs,
)
from monitoring.explain.rules.no_start import QueueRule

JobRule = Callable[[JobFacts], Iterator[Finding]]
StreamRule = Callable[[StreamFacts], Iterator[Finding]]

QUEUE_RULES: Sequence[QueueRule] = (
    *no_start.RULES,
    moving.overdue,
    failures.service_asks_to_wait,
    failures.unknown_types,
    failures.retries,
    failures.dead_letters,
    failures.error_rate,
    surroundings.redis_at_risk,
    surroundings.clocks,
)

JOB_RULES: Sequence[JobRule] = (
    ended_jobs.unknown,
    ended_jobs.replayed,
    ended_jobs.dead,
    ended_jobs.without_letter,
    ended_jobs.failure_group,
    ended_jobs.asked_to_wait,
    ended_jobs.stopped,
    ended_jobs.canceled,
    running_jobs.lapsed,
    running_jobs.past_timeout,
    running_jobs.slow,
    waiting_jobs.held,
    waiting_jobs.deferred,
    waiting_jobs.overdue,
    waiting_jobs.queue_stands_still,
    waiting_jobs.retry_scheduled,
    waiting_jobs.delayed,
    waiting_jobs.expires_soon,
    waiting_jobs.unique_key,
)

STREAM_RULES: Sequence[StreamRule] = (
    streams.full,
    streams.no_consumers,
    streams.dead_consumers,
    streams.trimmed,
    streams.long_pending,
    streams.letters,
)


def queue_findings(facts: QueueFacts, rules: Sequence[QueueRule] = QUEUE_RULES) -> list[Finding]:
    """What is wrong with a queue, the first cause first.

    Args:
        facts: The queue.
        rules: Which to ask.
    """
    return [finding for rule in rules for finding in rule(facts)]


def job_findings(facts: JobFacts) -> list[Finding]:
    """What keeps a job from succeeding, the first cause first.

    Args:
        facts: The job.
    """
    return [finding for rule in JOB_RULES for finding in rule(facts)]


def stream_findings(facts: StreamFacts) -> list[Finding]:
    """What is wrong with a stream, the first cause first.

    Args:
        facts: The stream.
    """
    return [finding for rule in STREAM_RULES for finding in rule(facts)]
