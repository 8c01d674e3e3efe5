"""When a failed message is tried again: pure arithmetic from an attempt and an error to a delay.

Three tiers: a transient error is tried again at once, a resource error and every
error that nobody classified backs off, a permanent one is buried.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from messages import InvalidMessage
from workers.errors import InvalidOption, PermanentError, ResourceUnavailable, TransientError

DEFAULT_ATTEMPTS = 3
DEFAULT_BASE = timedelta(seconds=2)
DEFAULT_CAP = timedelta(minutes=10)
IMMEDIATE_RETRIES = 2
"""Immediate retries in a row before a transient error backs off like a resource error."""

_MAX_EXPONENT = 62  # 2 s doubled more often than this is beyond any cap, and beyond timedelta


class Tier(StrEnum):
    """What an error means for the next attempt."""

    TRANSIENT = "transient"
    RESOURCE = "resource"
    PERMANENT = "permanent"


Classifier = Callable[[BaseException], Tier | None]
"""Looks at an error and names its tier, or None to leave it to the next rule."""


@dataclass(frozen=True)
class Attempt:
    """Which try this is.

    Args:
        number: 1 for the first start; hand-backs and crashes of a worker do not count.
        immediate: Immediate retries in a row that led to this attempt.
        age: Time since the first attempt started.
    """

    number: int = 1
    immediate: int = 0
    age: timedelta = timedelta()


@dataclass(frozen=True)
class Again:
    """Try again after a delay, and why just that long."""

    delay: timedelta
    tier: Tier
    why: str


@dataclass(frozen=True)
class GiveUp:
    """Do not try again, and why not."""

    reason: Literal["permanent", "exhausted"]
    why: str


Decision = Again | GiveUp


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how far apart a message is tried.

    Args:
        max_attempts: Starts in all, immediate retries included; from 1.
        base: The first back-off, before jitter; more than 0.
        cap: The longest back-off, before jitter.
        kind: `exponential` doubles the back-off each time, `fixed` keeps it.
        jitter: Spread the back-off evenly between 0 and its full length, so that messages which
            failed together do not return together (AWS Architecture Blog, "Exponential Backoff
            And Jitter": full jitter).
        retry_for: Stop this long after the first start, even with attempts left.
        tiers: Exception class to tier; the most derived match wins over the built-in rules.
        classify: Asked first, for what a class alone cannot say.
    """

    max_attempts: int = DEFAULT_ATTEMPTS
    base: timedelta = DEFAULT_BASE
    cap: timedelta = DEFAULT_CAP
    kind: Literal["exponential", "fixed"] = "exponential"
    jitter: bool = True
    retry_for: timedelta | None = None
    tiers: Mapping[type[BaseException], Tier] = field(default_factory=lambda: MappingProxyType({}))
    classify: Classifier | None = None

    def __post_init__(self) -> None:
        """Refuse values that no schedule can be made of."""
        if self.max_attempts < 1:
            raise InvalidOption(
                f"max_attempts is {self.max_attempts}; a message needs at least one attempt.",
                field="max_attempts",
                remedy="Use 1 for a message that must not be tried again.",
            )
        if self.base <= timedelta() or self.cap < self.base:
            raise InvalidOption(
                f"The back-off from {self.base} to {self.cap} is not a positive, rising range.",
                field="base",
                remedy="Use a base above 0 and a cap that is not smaller.",
            )

    def tier_of(self, error: BaseException) -> Tier:
        """The tier of an error.

        Args:
            error: What the handler raised.

        Returns:
            The tier that `classify` or `tiers` names, else the built-in rule's.
        """
        if self.classify and (named := self.classify(error)):
            return named
        for cls in type(error).__mro__:
            if cls in self.tiers:
                return self.tiers[cls]
            if cls in _BUILT_IN:
                return _BUILT_IN[cls]
        return Tier.RESOURCE

    def decide(
        self, attempt: Attempt, error: BaseException, *, spread: Callable[[], float] = random.random
    ) -> Decision:
        """What to do about a failed attempt.

        Args:
            attempt: The attempt that failed.
            error: What it raised.
            spread: Gives the jitter, from 0 to below 1.

        Returns:
            `Again` with the delay, or `GiveUp` with the reason.
        """
        tier = self.tier_of(error)
        if tier is Tier.PERMANENT:
            return GiveUp("permanent", f"{type(error).__name__} is permanent")
        if attempt.number >= self.max_attempts:
            return GiveUp("exhausted", f"all {self.max_attempts} attempts are used up")
        if tier is Tier.TRANSIENT and attempt.immediate < IMMEDIATE_RETRIES:
            return Again(timedelta(), tier, "transient: at once")
        delay, why = self._back_off(attempt, error, spread())
        if self.retry_for is not None and attempt.age + delay > self.retry_for:
            return GiveUp(
                "exhausted", f"the next try would be later than retry_for={self.retry_for}"
            )
        return Again(delay, Tier.RESOURCE, why)

    def longest(self, failures: int) -> timedelta:
        """The back-off before jitter.

        Args:
            failures: Failed attempts so far, from 1.

        Returns:
            `base` doubled for each failure after the first, at most `cap`.
        """
        if self.kind == "fixed":
            return self.base
        doubled = self.base.total_seconds() * 2 ** min(failures - 1, _MAX_EXPONENT)
        return timedelta(seconds=min(doubled, self.cap.total_seconds()))

    def _back_off(
        self, attempt: Attempt, error: BaseException, spread: float
    ) -> tuple[timedelta, str]:
        longest = self.longest(attempt.number)
        delay = longest * spread if self.jitter else longest
        why = f"{self.kind} back-off of at most {longest.total_seconds():g} s"
        asked = error.retry_after if isinstance(error, ResourceUnavailable) else None
        if asked is not None and asked > delay:
            return asked, f"Retry-After asked for {asked.total_seconds():g} s"
        return delay, why


_BUILT_IN: Mapping[type[BaseException], Tier] = {
    TransientError: Tier.TRANSIENT,
    ResourceUnavailable: Tier.RESOURCE,
    PermanentError: Tier.PERMANENT,
    InvalidMessage: Tier.PERMANENT,
}
