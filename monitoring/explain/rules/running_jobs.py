"""What is wrong with a job that a worker has."""

from collections.abc import Iterator

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import JobFacts
from monitoring.explain.rules import commands
from monitoring.explain.rules.fates import fate
from monitoring.words import span

_SPARED = 5.0  # seconds that a worker lets pass before it kills what is over its timeout
_SLOW = 60.0  # seconds below which nothing is slow
_TIMES_USUAL = 3
_LONG = 600.0  # seconds; requirement 001
_IN_HANDS = {"leased", "running"}


def lapsed(facts: JobFacts) -> Iterator[Finding]:
    """Its worker shows no life, and nobody has taken the job over."""
    if facts.state in _IN_HANDS and facts.silent:
        whose = f"worker {facts.worker}" if facts.worker else "its worker"
        yield Finding(
            "lease_lapsed",
            "warning",
            f"The lease of {whose} lapsed {span(facts.silent)} ago, and no other worker has taken "
            "it over.",
            f"Any worker does, within seconds: {commands.worker(facts.queue_name)}",
        )


def past_timeout(facts: JobFacts) -> Iterator[Finding]:
    """It has been running for longer than it may."""
    ran = facts.age(facts.began)
    if facts.state == "running" and facts.timeout and ran > facts.timeout.total_seconds() + _SPARED:
        yield Finding(
            "past_timeout",
            "critical",
            f"It has been running for {span(ran)}, and its timeout is "
            f"{span(facts.timeout.total_seconds())}: its worker should have ended it."
            f"{_fate(facts)}",
            commands.on_job("stop", facts.job_id),
        )


def slow(facts: JobFacts) -> Iterator[Finding]:
    """It has been running for longer than its like, or for very long."""
    ran, usual = facts.age(facts.began), facts.usual
    if facts.state != "running" or ran < _SLOW:
        return
    if usual is not None and ran > _TIMES_USUAL * usual.total_seconds():
        told = f"95 of 100 jobs of {facts.kind} take {span(usual.total_seconds())} at most"
    elif ran >= _LONG:
        told = "that is long"
    else:
        return
    yield Finding(
        "running_long",
        "warning",
        f"It has been running for {span(ran)} on worker {facts.worker or '?'}; {told}."
        f"{_fate(facts)}",
        f"{commands.on_job('stop', facts.job_id)}, or let it end: "
        f"`postroom job {facts.job_id}` shows how far it is.",
    )


def _fate(facts: JobFacts) -> str:
    told = fate(facts)
    return f" {told}" if told else ""
