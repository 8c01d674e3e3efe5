"""Who works on a queue: nobody, too few, those that died, and those that are busy."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts, Share
from monitoring.explain.rules import commands
from monitoring.explain.rules.holdups import clock
from monitoring.queues.fleet import DeathOfChild, WorkerSnapshot
from monitoring.words import are, listed, number, size, span

_LATELY = 900.0  # seconds; what died before that is no news
_MUCH_MB = 1_000.0  # megabytes with which a child that SIGKILL ended probably had too much
_LONG_WAIT = 60.0  # seconds that a job waits though workers are busy, before anybody is told
_KILL = "signal 9"


def unserved(facts: QueueFacts) -> Iterator[Finding]:
    """No worker listens; nobody is told while somebody wants it to stand still."""
    if not facts.is_held_up:
        yield from facts.served


def workers_died(facts: QueueFacts) -> Iterator[Finding]:
    """Workers that listened show no life any more, and did not say goodbye."""
    dead = facts.dead
    if not dead:
        return
    every = len(dead) + len(facts.workers)
    seen = last_death("workers_died", facts)
    since = f" at {clock(seen, facts.now)}" if seen else ""
    memory = max((each.memory_mb or 0.0 for each in dead), default=0.0)
    told = f", one with {size(memory * 1e6)} of memory" if memory >= _MUCH_MB else ""
    yield Finding(
        "workers_died",
        "critical" if facts.counts.waiting and not facts.workers else "warning",
        f"{len(dead)} of {number(every, 'worker')} of {facts.name} died or froze{since}{told}: "
        f"{listed([_where(each) for each in dead])} showed no life since.",
        commands.worker(facts.name),
    )


def children_died(facts: QueueFacts) -> Iterator[Finding]:
    """Children were killed in the middle of their work: the system was perhaps out of memory."""
    found = [death for death in _deaths(facts) if (facts.now - death.at).total_seconds() < _LATELY]
    if not found:
        return
    last = max(found, key=lambda death: death.at)
    many, every = len(found), len(facts.workers)
    yield Finding(
        "children_died",
        "warning",
        f"The processes of {many} of {number(every, 'worker')} of {facts.name} died, the last at "
        f"{clock(last.at, facts.now)} ({_cause(last)}); what they ran is tried again, "
        "and buried at the third such death.",
        "Set JOB_MEMORY_LIMIT_MB below what the machine has, and look into the log: "
        "`postroom logs`.",
    )


def last_death(code: str, facts: QueueFacts) -> datetime | None:
    """When the last of those died that a finding is about.

    Args:
        code: The finding's.
        facts: The queue.

    Returns:
        When they showed life last; None if that is not known, or the finding is about no deaths.
    """
    if code == "workers_died":
        return max(
            (each.last_heartbeat for each in facts.dead if each.last_heartbeat), default=None
        )
    if code == "children_died":
        return max((death.at for death in _deaths(facts)), default=None)
    return None


def busy(facts: QueueFacts) -> Iterator[Finding]:
    """Workers are at work, and jobs wait for a minute or more."""
    waited, waiting = facts.oldest_seconds or 0.0, facts.counts.waiting
    at_work = sum(each.is_busy for each in facts.workers)
    is_moving = facts.forecast is not None and facts.forecast.done_per_minute > 0
    if facts.is_held_up or not waiting or waited < _LONG_WAIT or not (at_work or is_moving):
        return
    yield Finding(
        "workers_busy",
        "warning",
        f"{_how_busy(at_work, len(facts.workers), facts.name)}{_mostly(facts.shares)}; "
        f"{number(waiting, 'job')} {are(waiting)} waiting, the oldest for {span(waited)}.",
        f"Start more: {commands.worker(facts.name)}",
    )


def standing_still(facts: QueueFacts) -> Iterator[Finding]:
    """Nothing was done for a minute, jobs wait, and idle workers listen."""
    waited, waiting = facts.oldest_seconds or 0.0, facts.counts.waiting
    is_moving = facts.forecast is not None and facts.forecast.done_per_minute > 0
    if facts.is_held_up or not waiting or waited < _LONG_WAIT or is_moving or not facts.workers:
        return
    if not any(each.is_busy for each in facts.workers):
        yield Finding(
            "standing_still",
            "critical",
            f"{number(len(facts.workers), 'worker')} of {facts.name} {are(len(facts.workers))} "
            f"idle, and {number(waiting, 'job')} {are(waiting)} waiting, the oldest for "
            f"{span(waited)}.",
            "Look into the log of the workers, `postroom logs`, and restart them.",
        )


def _deaths(facts: QueueFacts) -> Sequence[DeathOfChild]:
    """How children died, but for those that ran jobs of other queues alone."""
    deaths = [each.child_death for each in facts.workers if each.child_death]
    return [each for each in deaths if not each.queues or facts.name in each.queues]


def _how_busy(busy: int, every: int, queue: str) -> str:
    if busy == every:
        whole = "The only worker" if every == 1 else f"All {number(every, 'worker')}"
        return f"{whole} of {queue} {are(every)} busy"
    return f"{number(every, 'worker')} of {queue} cannot keep up, busy"


def _mostly(shares: Sequence[Share]) -> str:
    whole = sum(share.seconds for share in shares)
    if not whole:
        return ""
    most = shares[0]
    now = f", {most.running} of them now" if most.running > 1 else ""
    return f" with {most.kind} for {most.seconds / whole:.0%} of their time{now}"


def _cause(death: DeathOfChild) -> str:
    told = f"{death.how}, with {size(death.memory_mb * 1e6)}" if death.memory_mb else death.how
    if death.how == _KILL and death.memory_mb >= _MUCH_MB:
        return f"{told}: probably out of memory"
    return told


def _where(worker: WorkerSnapshot) -> str:
    return f"process {worker.pid} on {worker.hostname}"
