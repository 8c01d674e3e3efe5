"""Clean-up by itself: the policies of CLEANUP_POLICIES, each hour, by one process among many.

A policy is `QUEUE:STATE:AGE:KEEP`, such as `email:completed:7d:100`: completed jobs of the queue
email that ended a week ago or earlier go, but for the newest 100 of each list. `*` is every queue.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

import redis

from workers import keys
from workers.audit import By
from workers.cleanup import CleanupPolicy, State, clean
from workers.clock import utc_now
from workers.connection import storage_errors
from workers.routing import queue_of

EVERY_SECONDS = 3_600
"""Seconds between two rounds, however many processes there are."""
EVERY_QUEUE = "*"

_POLICY = re.compile(r"([^:]+):([a-z]+):(\d+)([smhd]):(\d+)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BY = By("policy", "CLEANUP_POLICIES")


def read_policies(text: str) -> Sequence[CleanupPolicy]:
    """The policies of the setting.

    Args:
        text: Separated by commas.

    Raises:
        ValueError: If one cannot be read; it says which, and what one looks like.
    """
    return [_policy(part.strip()) for part in text.split(",") if part.strip()]


def clean_hourly(
    policies: Sequence[CleanupPolicy],
    *,
    connection: redis.Redis,
    now: datetime | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> dict[str, int] | None:
    """Follow all policies, unless some process has done so within the hour.

    Args:
        policies: See `read_policies`.
        connection: Where.
        now: The time; None asks the clock.
        is_over: Whether to leave the rest to the next hour; asked before each queue.

    Returns:
        How many jobs of each queue were removed; None if it was not this process's turn. What was
        removed stands in the audit log, by the name of the policy.

    Raises:
        StorageUnavailable: If Redis does not answer; the rest waits for the next hour.
    """
    with storage_errors():
        if not policies or not connection.set(keys.cleaned(), "1", nx=True, ex=EVERY_SECONDS):
            return None
        removed: dict[str, int] = {}
        for policy in _for_each_queue(policies, connection):
            if is_over():
                break
            # A look first: a round that removes nothing leaves nothing in the audit log.
            if clean(policy, dry_run=True, by=_BY, now=now, connection=connection).count:
                found = clean(policy, by=_BY, now=now or utc_now(), connection=connection)
                removed[policy.queue] = removed.get(policy.queue, 0) + found.count
        return removed


def _for_each_queue(
    policies: Sequence[CleanupPolicy], connection: redis.Redis
) -> list[CleanupPolicy]:
    used: Any = connection.smembers(keys.queues())
    begin = len(keys.queue(""))
    names = sorted({queue_of(key.decode(errors="replace")[begin:]) for key in used})
    return [
        CleanupPolicy(name, policy.state, policy.older_than, policy.keep_newest)
        for policy in policies
        for name in (names if policy.queue == EVERY_QUEUE else [policy.queue])
    ]


def _policy(text: str) -> CleanupPolicy:
    match = _POLICY.fullmatch(text)
    states: Sequence[State] = get_args(State)
    if match is None or match[2] not in states or queue_of(match[1]) != match[1]:
        message = (
            f"{text!r} is no policy such as email:completed:7d:100; "
            f"a state is {', '.join(states)}, an age has s, m, h or d"
        )
        raise ValueError(message)
    state = next(each for each in states if each == match[2])
    age = timedelta(**{_UNITS[match[4]]: int(match[3])})
    return CleanupPolicy(match[1], state, age, int(match[5]))
