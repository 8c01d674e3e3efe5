"""What the policy for stuck jobs will do with entries of streams, or has done. Only reads."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import redis

from monitoring.jobs.stuck_plans import Plan
from monitoring.streams.stuck_entries import HeldEntry
from workers.stuck_entries import StuckEntry
from workers.stuck_policies import StuckPolicies, StuckPolicy
from workers.stuck_runs import Mark, marks_at

ON_ENTRIES = frozenset({"stop", "requeue"})
"""What can be done with an entry."""
_GONE = "Its consumer is gone: another one claims the entry, within seconds if there is any."
_DEAF = "Its consumer takes no orders: it is another program, or of an older release."
_WAITS = "It has not begun: it waits in its consumer's hands, behind what that runs."
_ESCALATE = "The alert `pending_age` tells people of entries; `escalate` is for jobs."


def due_entries(
    entries: Sequence[HeldEntry], policies: StuckPolicies, *, group: str, now: datetime
) -> Iterator[tuple[StuckEntry, StuckPolicy]]:
    """The entries for which it is time, each with the policy of its type. Pure.

    Args:
        entries: What consumers have in hand. Nobody can end what no consumer tells that it runs.
        policies: The policies.
        group: The group of the consumers.
        now: The server's time.
    """
    for each in entries:
        policy, began = policies.of(each.kind), each.run_began
        if policy.action not in ON_ENTRIES or began is None or not each.is_alive:
            continue
        if now - began >= policy.after:
            yield _stuck(each, group, (now - began).total_seconds()), policy


def plans_of_entries(
    entries: Sequence[HeldEntry],
    policies: StuckPolicies,
    *,
    group: str,
    connection: redis.Redis,
) -> Iterator[Plan]:
    """What becomes of some entries, in one round trip at most.

    Args:
        entries: The entries.
        policies: The policies.
        group: The group of the consumers.
        connection: Where.

    Returns:
        One plan for each.
    """
    acts = [each for each in entries if policies.of(each.kind).acts]
    names = [_stuck(each, group, 0.0).mark_key for each in acts]
    done = dict(zip(names, marks_at(names, connection=connection), strict=True))
    for each in entries:
        mark = done.get(_stuck(each, group, 0.0).mark_key)
        yield _plan(each, policies.of(each.kind), mark)


def _plan(entry: HeldEntry, policy: StuckPolicy, mark: Mark | None) -> Plan:
    if mark is not None:
        at = datetime.fromisoformat(mark.at)
        return Plan(mark.action, at=at, done=at)
    if not policy.acts:
        return Plan(policy.action)
    if (why := _why_not(entry, policy)) is not None:
        return Plan(policy.action, why=why)
    assert entry.run_began is not None, "else it has not begun"  # noqa: S101 - for mypy
    return Plan(policy.action, at=entry.run_began + policy.after)


def _why_not(entry: HeldEntry, policy: StuckPolicy) -> str | None:
    if policy.action not in ON_ENTRIES:
        return _ESCALATE
    if not entry.is_alive:
        return _GONE
    if not entry.takes_orders:
        return _DEAF
    return _WAITS if entry.run_began is None else None


def _stuck(entry: HeldEntry, group: str, seconds: float) -> StuckEntry:
    return StuckEntry(
        job_id=entry.job_id,
        stream=entry.stream,
        entry_id=entry.entry_id,
        group=group,
        consumer=entry.consumer,
        kind=entry.kind,
        seconds=seconds,
    )
