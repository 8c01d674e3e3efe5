"""When a job that waits begins, if nothing changes: a true forecast, or none. Pure."""

from datetime import timedelta

from monitoring.explain.facts import JobFacts, QueueFacts


def starts_in(facts: JobFacts) -> timedelta | None:
    """When a job begins.

    Args:
        facts: The job.

    Returns:
        The span; None if it does not wait in its list, or nobody knows how fast that goes.
    """
    queue = facts.queue
    if facts.state != "waiting" or facts.ahead is None or queue is None or not queue.workers:
        return None
    forecast = queue.forecast
    found = forecast.starts_in(_ends_before(facts, queue, facts.ahead)) if forecast else None
    if found is not None and forecast is not None:
        is_over = not queue.is_held_up and _is_over(facts, found, forecast.done_per_minute)
        return None if is_over else found
    if not queue.is_held_up or not queue.average_ms:
        return None
    # Nothing is done at present: as fast as its workers were before.
    one = timedelta(milliseconds=queue.average_ms) / len(queue.workers)
    return one * facts.ahead


def _ends_before(facts: JobFacts, queue: QueueFacts, ahead: int) -> int:
    """How many runs end before it begins, those of jobs that workers have not begun included."""
    places, in_hands = facts.places, queue.counts.taken + queue.counts.started
    least = ahead + 1 if places.is_full else 0
    return max(least, ahead + 1 + in_hands - places.count)


def _is_over(facts: JobFacts, foretold: timedelta, pace: float) -> bool:
    """Whether the pace of the last minutes says nothing of what runs now.

    All places are taken, and no run ended for longer than the forecast says, nor for twice as long
    as a run takes at that pace.
    """
    usual = timedelta(minutes=facts.places.count / pace)
    return facts.places.still is not None and facts.places.still > max(foretold, 2 * usual)
