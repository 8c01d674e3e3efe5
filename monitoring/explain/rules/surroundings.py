"""What is wrong around a queue: Redis itself, and clocks."""

from collections.abc import Iterator

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts


def redis_in_trouble(facts: QueueFacts) -> Iterator[Finding]:
    """Redis is so full that nothing can be sent, or is the wrong server: whatever else is."""
    yield from (finding for finding in facts.server if finding.severity == "critical")


def redis_at_risk(facts: QueueFacts) -> Iterator[Finding]:
    """Redis may soon be full, or may remove keys."""
    yield from (finding for finding in facts.server if finding.severity != "critical")


def clocks(facts: QueueFacts) -> Iterator[Finding]:
    """Clocks do not agree."""
    yield from facts.clocks
