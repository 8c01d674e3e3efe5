"""What a caller may say about one message's job, and the checks on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypedDict

from workers.errors import InvalidOption
from workers.retry import DEFAULT_CAP, RetryPolicy
from workers.routing import Priority, PriorityName

if TYPE_CHECKING:
    from workers.handle import JobHandle

Duration = timedelta | float
"""A span of time; a number means seconds."""

LONGEST_SECONDS = 10 * 366 * 24 * 3600
"""Ten years: longer than any job should wait, and short enough for every clock on the way."""

OnParentFailure = Literal["fail", "run", "cancel"]


class Backoff(TypedDict):
    """How the waits between attempts grow, and the most that the first of them may take.

    Each is a random part of that, also of a `fixed` one, unless the handler's policy has no jitter.
    """

    type: Literal["exponential", "fixed"]
    delay: Duration


@dataclass(frozen=True)
class Keep:
    """How much of a queue's history to keep when this job ends.

    Args:
        age: How long this job's record is kept.
        count: How many records of the queue are kept; the oldest go first.
    """

    age: Duration | None = None
    count: int | None = None


class EnqueueOptions(TypedDict, total=False):
    """The options of `enqueue`; each may be left out.

    `queue`: instead of the routed one. `delay`: not before. `attempts`: starts in all, from 1.
    `backoff`: instead of the handler's. `priority`: high, normal, low, or 1 (most urgent) to 10.
    `timeout`: of one attempt, from 1 s. `queue_ttl`: buried as expired if it waits longer.
    `keep_completed`, `keep_failed`: retention. `unique_key`: at most one job with this key is
    under way, or within `unique_window` of the first. `depends_on`: runs after these jobs;
    `on_parent_failure`: what to do when one of them fails, default `fail`.
    """

    queue: str
    delay: Duration
    attempts: int
    backoff: Backoff
    priority: PriorityName | Priority | int
    timeout: Duration
    queue_ttl: Duration
    keep_completed: Keep
    keep_failed: Keep
    unique_key: str
    unique_window: Duration
    depends_on: "Sequence[JobHandle | str] | JobHandle | str"
    on_parent_failure: OnParentFailure


def seconds(value: Duration, *, field: str, least: float) -> float:
    """A duration as seconds.

    Args:
        value: A timedelta or a number of seconds.
        field: The option's name, for the error.
        least: The smallest value allowed, in seconds.

    Returns:
        The seconds.

    Raises:
        InvalidOption: If it is smaller, or not a duration.
    """
    given = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not least <= given <= LONGEST_SECONDS:
        raise InvalidOption(
            f"{field} is {value!r}.",
            field=field,
            remedy=f"Use a timedelta or a number of seconds, from {least:g} to ten years.",
        )
    return float(given)


def whole(value: int, *, field: str, least: int) -> int:
    """A count, checked.

    Args:
        value: The count.
        field: The option's name, for the error.
        least: The smallest value allowed.

    Returns:
        The count.

    Raises:
        InvalidOption: If it is smaller, or not an integer.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidOption(
            f"{field} is {value!r}.", field=field, remedy=f"Use an integer, at least {least}."
        )
    return value


def aware(value: datetime) -> datetime:
    """A point in time that says its zone.

    Args:
        value: When the job is due.

    Returns:
        The same.

    Raises:
        InvalidOption: If it has no time zone: guessing one would be wrong twice a year.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidOption(
            f"{value!r} is not a time with a time zone.",
            field="at",
            remedy="Use datetime(..., tzinfo=UTC), or enqueue_in.",
        )
    return value


def with_overrides(
    policy: RetryPolicy, attempts: int | None, backoff: tuple[str, float] | None
) -> RetryPolicy:
    """A handler's policy with what one message says instead.

    Args:
        policy: The handler's.
        attempts: The message's own number of attempts.
        backoff: The message's own kind of back-off, and its first delay in seconds.

    Returns:
        The policy to use.
    """
    kind, delay = backoff or (policy.kind, policy.base.total_seconds())
    base = timedelta(seconds=delay)
    cap = policy.cap if backoff is None else max(base, DEFAULT_CAP)
    return RetryPolicy(
        max_attempts=policy.max_attempts if attempts is None else attempts,
        base=base,
        cap=cap,
        kind="fixed" if kind == "fixed" else "exponential",
        jitter=policy.jitter,
        retry_for=policy.retry_for,
        tiers=policy.tiers,
        classify=policy.classify,
    )
