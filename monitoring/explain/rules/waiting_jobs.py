"""Why a job that has not begun does not begin."""

from collections.abc import Iterator
from datetime import timedelta

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import JobFacts, Parent
from monitoring.explain.rules import commands, no_start
from monitoring.explain.rules.failures import asks_to_wait
from monitoring.explain.rules.hands import last_death
from monitoring.explain.rules.holdups import clock, paused_by, resume_command
from monitoring.words import first_line, listed, number, span
from workers.attempts import AttemptRecord

_SOON = timedelta(seconds=60)
_OVERDUE = 10.0  # seconds; workers look for due jobs twice a second
_NOT_ENDED = {"waiting", "leased", "scheduled", "deferred", "held"}


def held(facts: JobFacts) -> Iterator[Finding]:
    """Pauses of its type and its tenant hold it back: it goes on when all are over."""
    for pause in facts.pauses:
        yield Finding(
            f"{pause.kind}_paused",
            "warning",
            f"{paused_by(pause, facts.now)}, which holds it back.",
            resume_command(pause),
        )


def deferred(facts: JobFacts) -> Iterator[Finding]:
    """It waits for other jobs."""
    if facts.state != "deferred":
        return
    parents = facts.parents
    if not parents:
        yield Finding(
            "waits_for_nothing",
            "warning",
            "It waits for other jobs, and all of them are over: a worker's clean-up lets it go on.",
            commands.worker(facts.queue_name),
        )
        return
    yield Finding(
        "waits_for_jobs",
        "info",
        f"It waits for {number(len(parents), 'other job')}: "
        f"{listed([_parent(each) for each in parents])}.",
        commands.why(parents[0].job_id),
    )


def queue_stands_still(facts: JobFacts) -> Iterator[Finding]:
    """Its queue does not start what waits in it, or what should."""
    is_concerned = facts.state == "waiting" or _is_overdue(facts) or bool(facts.silent)
    if facts.queue is not None and is_concerned:
        found = [finding for rule in no_start.RULES for finding in rule(facts.queue)]
        yield from sorted(found, key=lambda finding: is_earlier(finding, facts))


def is_earlier(finding: Finding, facts: JobFacts) -> bool:
    """Whether what a finding is about was over when the job came, so that it is not its cause.

    Args:
        finding: Of its queue.
        facts: The job.
    """
    died = last_death(finding.code, facts.queue) if facts.queue is not None else None
    return died is not None and facts.entered is not None and died < facts.entered


def retry_scheduled(facts: JobFacts) -> Iterator[Finding]:
    """It was tried, and is to be tried again."""
    if facts.state != "scheduled" or not facts.attempts:
        return
    last = facts.attempts[-1]
    if last.outcome == "handed_back":
        yield _handed_back(facts, last)
    elif last.outcome == "crashed":
        yield _crashed(facts, last)
    else:
        yield _retry(facts, last)


def delayed(facts: JobFacts) -> Iterator[Finding]:
    """It was sent for later."""
    if facts.state == "scheduled" and facts.due is not None and not facts.attempts:
        yield Finding(
            "delayed",
            "info",
            f"It was sent to start at {clock(facts.due, facts.now)}{_until(facts)}.",
            f"{commands.on_job('promote', facts.job_id)} starts it now.",
        )


def overdue(facts: JobFacts) -> Iterator[Finding]:
    """It is due, and nobody has moved it into its queue."""
    if _is_overdue(facts):
        yield Finding(
            "overdue",
            "warning",
            f"It is overdue by {span(facts.age(facts.due))}: no worker moved it into its queue.",
            commands.worker(facts.queue_name),
        )


def unique_key(facts: JobFacts) -> Iterator[Finding]:
    """It holds a unique key, and waits: so others with that key were not stored."""
    waited = facts.age(facts.entered)
    if facts.unique_key and facts.state in _NOT_ENDED and waited > _SOON.total_seconds():
        yield Finding(
            "unique_key_held",
            "info",
            f"It has held the unique key {facts.unique_key} for {span(waited)}: what is sent with "
            "that key meanwhile is not stored, and its sender gets this job's id.",
            f"{commands.on_job('cancel', facts.job_id)} gives the key back.",
        )


def expires_soon(facts: JobFacts) -> Iterator[Finding]:
    """It will be buried unless a worker takes it soon."""
    if facts.expires is None or facts.state not in {"waiting", "held"}:
        return
    left = (facts.expires - facts.now).total_seconds()
    if left < _SOON.total_seconds():
        when = f"expires in {span(left)}" if left > 0 else f"expired {span(-left)} ago"
        yield Finding(
            "expires_soon",
            "warning",
            f"It {when}: a worker that takes it after that buries it.",
            f"`postroom dead-letters replay {facts.job_id}` then sends it again.",
        )


def _is_overdue(facts: JobFacts) -> bool:
    return facts.state == "scheduled" and facts.age(facts.due) >= _OVERDUE


def _parent(parent: Parent) -> str:
    kind = f"{parent.kind} " if parent.kind else ""
    where = f" in {parent.queue}" if parent.queue else ""
    return f"{kind}{parent.job_id}, which is {parent.state or 'gone'}{where}"


def _until(facts: JobFacts) -> str:
    left = (facts.due - facts.now).total_seconds() if facts.due else 0.0
    return f", in {span(left)}" if left > 0 else ""


def _retry(facts: JobFacts, last: AttemptRecord) -> Finding:
    made = sum(each.counts for each in facts.attempts)
    of = f" of {facts.most_attempts}" if facts.most_attempts else ""
    error = first_line(last.error, last.error_type)
    asked = "A service asked to wait" if asks_to_wait(last.error) else "It failed"
    return Finding(
        "service_asks_to_wait" if asks_to_wait(last.error) else "retry_scheduled",
        "warning",
        f"{asked} at attempt {made}{of} ({error}), and the next one is due{_until(facts)}.",
        f"{commands.on_job('promote', facts.job_id)} tries it now.",
    )


def _handed_back(facts: JobFacts, last: AttemptRecord) -> Finding:
    release = f" of release {last.code_version}" if last.code_version else ""
    newer = [each for each in facts.known_by if each != last.code_version]
    known = f"; release {listed(newer)} knows it" if newer else ""
    return Finding(
        "unknown_type",
        "warning",
        f"A worker{release} does not know its type and handed it back ({last.error}){known}; the "
        f"next try is due{_until(facts)}.",
        f"Restart the workers that run the older release: {commands.worker(facts.queue_name)}",
    )


def _crashed(facts: JobFacts, last: AttemptRecord) -> Finding:
    crashes = sum(each.outcome == "crashed" for each in facts.attempts)
    return Finding(
        "crashed",
        "warning",
        f"{number(crashes, 'process', 'processes')} died while it ran ({last.error}), and it is "
        f"tried again{_until(facts)}; the third such death buries it.",
        f"`postroom logs --job {facts.job_id}`",
    )
