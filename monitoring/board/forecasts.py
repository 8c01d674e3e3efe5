"""Where a queue or a stream is going, in some words. Pure."""

from datetime import timedelta

from monitoring.board.wording import count
from monitoring.explain.facts import QueueFacts
from monitoring.words import span

_STEADY_SHARE = 0.02
"""A change below this share of what is done is none."""


def forecast_of(facts: QueueFacts) -> str:
    """Where a queue is going.

    Args:
        facts: The queue.
    """
    forecast, waiting = facts.forecast, facts.counts.waiting
    if facts.is_held_up:
        return _held_up(forecast.grows_per_minute if forecast else None)
    if not waiting:
        return "Keeps up" if facts.workers else "Nothing waits"
    if forecast is None or not forecast.done_per_minute:
        return "Stands still"
    if forecast.drains_in is not None:
        return f"Drains in {span(forecast.drains_in.total_seconds())}"
    grows = forecast.grows_per_minute
    if grows and grows > 0 and not forecast.is_steady:
        return f"Grows by {count(round(grows))} a minute"
    return "Keeps up"


def forecast_of_stream(
    waiting: int, *, alive: int, went: float, came: float | None, paused: bool
) -> str:
    """Where a stream is going.

    Args:
        waiting: Entries that nobody was given.
        alive: Consumers that live.
        went: Messages a minute that ended.
        came: Messages a minute that came; None if that is not known.
        paused: Whether somebody wants nothing of it to start.
    """
    if paused:
        return _held_up(came)
    if not waiting:
        return "Keeps up" if alive else "Nothing waits"
    if not alive or (came is None and not went):
        return "Stands still"
    return _moves(waiting, (went if came is None else came) - went, went)


def _moves(waiting: int, grows: float, went: float) -> str:
    if abs(grows) < max(1.0, _STEADY_SHARE * went):
        return "Keeps up"
    if grows > 0:
        return f"Grows by {count(round(grows))} a minute"
    return f"Drains in {span(timedelta(minutes=waiting / -grows).total_seconds())}"


def _held_up(grows: float | None) -> str:
    if grows is not None and grows >= 1:
        return f"Grows by {count(round(grows))} a minute until resumed"
    return "Stands still until resumed"
