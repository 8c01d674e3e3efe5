"""Whether a queue gets on: jobs that are due and not moved, abandoned ones, a growing backlog."""

from collections.abc import Iterator

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts
from monitoring.explain.rules import commands
from monitoring.words import are, number, span

_LONG_OVERDUE = 60.0  # seconds
_MANY_WAITING = 100  # jobs; requirement 001


def overdue(facts: QueueFacts) -> Iterator[Finding]:
    """Scheduled jobs are due, and nobody has moved them into their queue."""
    count, seconds = facts.overdue
    if count:
        yield Finding(
            "scheduled_overdue",
            "critical" if seconds >= _LONG_OVERDUE else "warning",
            f"{number(count, 'scheduled job')} of {facts.name} {are(count)} overdue by up to "
            f"{span(seconds)}: no worker has moved {'it' if count == 1 else 'them'} into the "
            "queue.",
            f"Workers move what is due: {commands.worker(facts.name)}",
        )


def abandoned(facts: QueueFacts) -> Iterator[Finding]:
    """A worker is gone with jobs in its hands, and nobody has taken them over."""
    count, seconds = facts.abandoned
    if count:
        yield Finding(
            "taken_and_abandoned",
            "warning",
            f"{number(count, 'job')} of {facts.name} {are(count)} in the hands of a worker whose "
            f"lease lapsed {span(seconds)} ago, and no other one has taken "
            f"{'it' if count == 1 else 'them'} over.",
            f"Any worker does, within seconds: {commands.worker(facts.name)}",
        )


def growing(facts: QueueFacts) -> Iterator[Finding]:
    """More comes in than goes out, and it is much already."""
    forecast = facts.forecast
    if forecast is None or facts.is_held_up or facts.counts.waiting <= _MANY_WAITING:
        return
    grows = forecast.grows_per_minute
    if grows is None or grows <= 0 or forecast.is_steady:
        return
    more = forecast.more_workers
    add = f": add {number(more, 'worker')}" if more else ""
    yield Finding(
        "growing",
        "warning",
        f"{facts.name} grows by {grows:,.0f} jobs a minute: {forecast.arrives_per_minute:,.0f} "
        f"come in and {forecast.done_per_minute:,.0f} are done{add}.",
        f"`postroom worker {facts.name}{f' --count {more}' if more > 1 else ''}`",
    )
