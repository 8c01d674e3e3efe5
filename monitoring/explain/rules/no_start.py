"""Why jobs of a queue do not start: those rules that concern each job that waits there."""

from collections.abc import Callable, Iterator, Sequence

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts
from monitoring.explain.rules import hands, holdups, moving, surroundings

QueueRule = Callable[[QueueFacts], Iterator[Finding]]

RULES: Sequence[QueueRule] = (
    surroundings.redis_in_trouble,
    holdups.suspended,
    holdups.paused,
    hands.unserved,
    hands.workers_died,
    hands.children_died,
    moving.abandoned,
    hands.busy,
    hands.standing_still,
    moving.growing,
)
"""In the order of causes."""
