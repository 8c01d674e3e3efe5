"""From facts to sentences: why a job, a queue or a stream does not get on, and what to do. Pure.

What is wrong is said by the rules, which the health report and the alerts ask as well.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import JobFacts, QueueFacts, StreamFacts
from monitoring.explain.rules import job_findings, queue_findings, stream_findings
from monitoring.explain.rules.fates import fate, will_be_ended
from monitoring.explain.rules.holdups import clock
from monitoring.explain.rules.waiting_jobs import is_earlier
from monitoring.explain.starts import starts_in
from monitoring.words import are, number, span

Kind = Literal["job", "queue", "stream", "unique_key", "redis"]

_COMMAND = re.compile(r"`([^`]+)`")
_PROPER = ("Redis", "STREAM_", "RQ")  # what keeps its capital within a sentence
_ENDS = (".", "!", "?", "…")
_NO_CAUSE = {"expires_soon", "unique_key_held"}  # what comes of waiting
_NOT_BEGUN: Mapping[str, str] = {
    "waiting": "waiting",
    "held": "held back",
    "leased": "in the hands of a worker that has not begun it",
}


@dataclass(frozen=True)
class Explanation:
    """Why something is as it is.

    Args:
        kind: What it is.
        name: Its id or its name.
        state: A word for how it is: of a job its state; else `well` or `in_trouble`.
        sentences: What people read; the first one names the cause, if anything is wrong.
        findings: What is wrong, the first cause first; empty if nothing is.
        starts_in: When a job begins, if nothing changes; None if that is not known.
        drains_in: When nothing of a queue is waiting, if nothing changes; None as before.
    """

    kind: Kind
    name: str
    state: str
    sentences: Sequence[str]
    findings: Sequence[Finding] = ()
    starts_in: timedelta | None = None
    drains_in: timedelta | None = None
    do: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        """Collect what can be done."""
        commands = [each for finding in self.findings for each in commands_of(finding)]
        object.__setattr__(self, "do", tuple(dict.fromkeys(commands)))

    @property
    def text(self) -> str:
        """All sentences; those that end in somebody else's words, such as an error, are closed."""
        closed = [each if each.endswith(_ENDS) else f"{each}." for each in self.sentences[:-1]]
        return " ".join([*closed, *self.sentences[-1:]])

    def as_json(self) -> dict[str, Any]:
        """The explanation in camelCase; spans in seconds."""
        return {
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "explanation": self.text,
            "findings": [asdict(finding) for finding in self.findings],
            "do": list(self.do),
            "startsInSeconds": _seconds(self.starts_in),
            "drainsInSeconds": _seconds(self.drains_in),
        }


def commands_of(finding: Finding) -> Sequence[str]:
    """The commands in a finding's remedy; the remedy itself if it names none."""
    return _COMMAND.findall(finding.remedy) or [finding.remedy]


def explain_queue(facts: QueueFacts) -> Explanation:
    """Why a queue does not get on.

    Args:
        facts: The queue.

    Returns:
        The explanation; without findings if nothing is wrong.
    """
    found = queue_findings(facts)
    drains = None
    if facts.forecast is not None and not facts.is_held_up:
        drains = facts.forecast.drains_in
    sentences = [finding.what for finding in found] or [_all_well(facts)]
    if drains is not None:
        sentences.append(f"At this rate it is drained in about {span(drains.total_seconds())}.")
    state = "in_trouble" if found else "well"
    return Explanation("queue", facts.name, state, sentences, found, drains_in=drains)


def explain_job(facts: JobFacts) -> Explanation:
    """Why a job is where it is.

    Args:
        facts: The job.

    Returns:
        The explanation; without findings if it is on its way, or has succeeded.
    """
    found = job_findings(facts)
    starts = starts_in(facts)
    sentences = list(_of_job(facts, found, starts))
    return Explanation("job", facts.job_id, facts.state, sentences, found, starts_in=starts)


def explain_stream(facts: StreamFacts) -> Explanation:
    """Why a stream does not get on.

    Args:
        facts: The stream.

    Returns:
        The explanation; without findings if nothing is wrong.
    """
    found = stream_findings(facts)
    entries = sum(each["length"] for each in facts.lists)
    well = f"Nothing is wrong with {facts.name}: it holds {number(entries, 'entry', 'entries')}."
    sentences = [finding.what for finding in found] or [well]
    return Explanation("stream", facts.name, "in_trouble" if found else "well", sentences, found)


def _all_well(facts: QueueFacts) -> str:
    waiting, listen = facts.counts.waiting, len(facts.workers)
    return (
        f"Nothing is wrong with {facts.name}: {number(waiting, 'job')} {are(waiting)} waiting, and "
        f"{number(listen, 'worker')} listen{'s' if listen == 1 else ''}."
    )


def _of_job(facts: JobFacts, found: Sequence[Finding], starts: timedelta | None) -> Iterator[str]:
    rest = list(found)
    if facts.state in _NOT_BEGUN:
        lead = f"It has been {_NOT_BEGUN[facts.state]} for {span(facts.age(facts.entered))}"
        is_known = bool(rest) and _is_cause(rest[0], facts)
        because = f" because {_within(rest.pop(0).what)}" if is_known else ""
        yield f"{lead}{because.rstrip('.')}{_ahead(facts)}."
    elif not found:
        yield _on_its_way(facts)
    yield from (finding.what for finding in rest)
    if starts is not None:
        yield _start(facts, starts)


def _is_cause(finding: Finding, facts: JobFacts) -> bool:
    return finding.code not in _NO_CAUSE and not is_earlier(finding, facts)


def _ahead(facts: JobFacts) -> str:
    if facts.state != "waiting" or facts.ahead is None:
        return ""
    if not facts.ahead:
        return "; it is the next one"
    return f"; {number(facts.ahead, 'job')} {are(facts.ahead)} ahead of it"


def _on_its_way(facts: JobFacts) -> str:
    if facts.state == "running":
        on = f" on worker {facts.worker}" if facts.worker else ""
        then = f" {fate(facts)}" if will_be_ended(facts) else ""
        return f"It has been running for {span(facts.age(facts.began))}{on}.{then}"
    if facts.state == "finished" and facts.ended is not None:
        return f"It succeeded at {clock(facts.ended, facts.now)}."
    return f"It is {facts.state}."


def _start(facts: JobFacts, starts: timedelta) -> str:
    about = f"in about {span(starts.total_seconds())}"
    if facts.queue is not None and facts.queue.is_held_up:
        return f"Once that is over, it starts {about}."
    return f"It starts {about}."


def _within(sentence: str) -> str:
    """A sentence as part of another one."""
    return sentence if sentence.startswith(_PROPER) else sentence[:1].lower() + sentence[1:]


def _seconds(span_of_time: timedelta | None) -> float | None:
    return None if span_of_time is None else round(span_of_time.total_seconds(), 3)
