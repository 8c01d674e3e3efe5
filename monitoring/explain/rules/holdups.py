"""Somebody wants nothing to start: pauses and `rq suspend`."""

from collections.abc import Iterator
from datetime import datetime

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts
from monitoring.words import are, number, span
from workers.pauses import Pause


def suspended(facts: QueueFacts) -> Iterator[Finding]:
    """All workers are told to start nothing."""
    seconds, waiting = facts.suspended_seconds, facts.counts.waiting
    if seconds is None:
        return
    until = f"for another {span(seconds)}" if seconds > 0 else "until somebody resumes"
    yield Finding(
        "suspended",
        "critical" if waiting else "warning",
        f"`rq suspend` was called, so no worker starts any job, {until}; "
        f"{number(waiting, 'job')} of {facts.name} {are(waiting)} waiting.",
        "`rq resume -c worker_settings`",
    )


def paused(facts: QueueFacts) -> Iterator[Finding]:
    """A queue, a type or a tenant is paused and jobs wait for its end."""
    for pause in facts.pauses:
        waiting = facts.counts.waiting if pause.kind == "queue" else facts.counts.held
        if waiting:
            yield pause_finding(pause, waiting, facts.now)


def pause_finding(pause: Pause, waiting: int, now: datetime) -> Finding:
    """What to say of a pause.

    Args:
        pause: The pause.
        waiting: How many jobs wait for its end.
        now: The server's time.
    """
    return Finding(
        f"{pause.kind}_paused",
        "warning",
        f"{paused_by(pause, now)}; {number(waiting, 'job')} "
        f"{'waits' if waiting == 1 else 'wait'} for its end.",
        resume_command(pause),
    )


def paused_by(pause: Pause, now: datetime) -> str:
    """Who paused what, since when and why, without a full stop."""
    return (
        f"{pause.kind.capitalize()} {pause.name} is paused by {pause.actor} since "
        f"{clock(datetime.fromisoformat(pause.at), now)} ({pause.reason})"
    )


def resume_command(pause: Pause) -> str:
    """The command that ends a pause, between backticks."""
    option = "" if pause.kind == "queue" else f"--{pause.kind} "
    return f'`postroom queues resume {option}{pause.name} --reason "..."`'


def clock(moment: datetime, now: datetime) -> str:
    """A moment as people say it: the time of the day, and the day if it was another one."""
    return moment.strftime("%H:%M UTC" if moment.date() == now.date() else "%Y-%m-%d %H:%M UTC")
