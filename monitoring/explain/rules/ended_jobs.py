"""How a job ended that did not succeed: its dead letter, or what a person did."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import JobFacts
from monitoring.explain.rules import commands
from monitoring.explain.rules.failures import asks_to_wait, replay_command
from monitoring.explain.rules.holdups import clock
from monitoring.words import first_line, number
from workers.audit import AuditEntry
from workers.dead_letters import DeadLetter

_WHY: Mapping[str, str] = {
    "permanent": "its handler said that it will never work",
    "exhausted": "all its attempts failed",
    "timeout": "all its attempts failed, and the last one took longer than its timeout",
    "memory": "all its attempts failed, and in the last one its process had more memory than "
    "JOB_MEMORY_LIMIT_MB",
    "stuck": "all its attempts failed, and STUCK_POLICY ended the last one",
    "invalid_payload": "its data does not fit its type",
    "unknown_type": "no worker knew its type",
    "no_upcaster": "it was written in an older version than the workers read",
    "not_json": "its data is not JSON",
    "too_large": "it is larger than a message may be",
    "foreign_function": "it is no message of ours, and ALLOW_FOREIGN_JOBS does not allow it",
    "corrupt": "its record in Redis could not be read",
    "expired": "it waited for longer than its queue TTL, or its record was removed",
    "crash": "RQ itself failed it",
    "crash_loop": "three processes died while they ran it",
    "delivery_limit": "each of its consumers vanished with it",
    "stopped": "its run in a stream was stopped",
    "parent_failed": "a job that it depends on did not succeed",
}

_EDIT = (
    "`postroom dead-letters edit {id} --data '{{...}}'`, then `postroom dead-letters replay {id}`"
)
_REPLAY = "when that is mended, `postroom dead-letters replay {id}`"

_REMEDY: Mapping[str, str] = {
    "permanent": _EDIT,
    "timeout": "`postroom dead-letters replay {id} --timeout SECONDS`, or make its handler quicker",
    "memory": "raise JOB_MEMORY_LIMIT_MB or make its handler need less; " + _REPLAY,
    "stuck": "find out what its handler waits for, `postroom logs --job {id}`; " + _REPLAY,
    "invalid_payload": _EDIT,
    "unknown_type": "start workers of the release that knows it, then "
    "`postroom dead-letters replay {id}`",
    "not_json": "send it anew: `postroom send TYPE --data ...`",
    "too_large": "send ids in place of the data: `postroom send TYPE --data ...`",
    "foreign_function": "add its module to ALLOW_FOREIGN_JOBS if it is yours; then "
    "`rq requeue -c worker_settings --queue {queue} {id}`",
    "expired": "`postroom dead-letters replay {id}` if it is still wanted; more workers: "
    "`postroom worker {queue}`",
    "crash_loop": "look for what it did to its process, `postroom logs --job {id}`; " + _REPLAY,
    "parent_failed": "`postroom why {parent}`; " + _REPLAY,
}


def dead(facts: JobFacts) -> Iterator[Finding]:
    """It has a dead letter."""
    letter = facts.letter
    if letter is None or facts.state in {"replayed", "waiting", "leased", "running"}:
        return
    tried = len([each for each in letter.attempts if each.get("outcome") in {"retried", "dead"}])
    attempts = f" after {number(tried, 'attempt')}" if tried > 1 else ""
    yield Finding(
        f"dead_{letter.reason}",
        "warning",
        f"It died{attempts} because {_cause(letter)}.",
        _remedy(letter),
    )


def _cause(letter: DeadLetter) -> str:
    error = _error(letter)
    if letter.reason == "crash_loop" and " processes died while they ran it" in error:
        return error  # which says already why, and how the last one died
    return f"{_WHY.get(letter.reason, letter.reason)}: {error}"


def without_letter(facts: JobFacts) -> Iterator[Finding]:
    """It failed, and nobody kept why."""
    if facts.state == "failed" and facts.letter is None:
        yield Finding(
            "failed_without_letter",
            "warning",
            "It failed, and has no dead letter: somebody purged it, or a stock worker ran the job "
            "and no worker's clean-up has seen it yet, which takes a minute.",
            f"`postroom job {facts.job_id}`",
        )


def failure_group(facts: JobFacts) -> Iterator[Finding]:
    """Others failed in the same way."""
    if facts.letter is None or facts.alike <= 1:
        return
    queue, reason = facts.queue.name if facts.queue else facts.letter.queue, facts.letter.reason
    show = f"`postroom failures show {facts.fingerprint}`; " if facts.fingerprint else ""
    yield Finding(
        "failure_group",
        "info",
        f"There were {number(facts.alike, 'failure')} of the same kind in the last 24 hours.",
        f"{show}mend it once, then `{replay_command(queue, reason, facts.fingerprint)}`",
    )


def asked_to_wait(facts: JobFacts) -> Iterator[Finding]:
    """The last attempt of a dead one failed because a service wants fewer requests."""
    if facts.letter is not None and asks_to_wait(facts.letter.error):
        yield Finding(
            "service_asks_to_wait",
            "info",
            "The last error is that of a service which wants fewer requests.",
            "Replay slowly: `postroom dead-letters replay --all "
            f"--type {facts.kind} --rate 1/s --dry-run`",
        )


def stopped(facts: JobFacts) -> Iterator[Finding]:
    """A person stopped it while it ran."""
    if facts.state == "stopped":
        act = _act(facts, "job.stop")
        yield Finding(
            "stopped",
            "info",
            f"It was stopped while it ran{_by(act, facts)}.",
            f"{commands.on_job('retry', facts.job_id)} sends its message again.",
        )


def canceled(facts: JobFacts) -> Iterator[Finding]:
    """It was taken out before it began."""
    if facts.state != "canceled":
        return
    act = _act(facts, "job.cancel")
    failed = [each for each in facts.parents if each.state in {"failed", "stopped", "canceled"}]
    if act is None and failed:
        parent = failed[0]
        yield Finding(
            "canceled_by_parent",
            "info",
            f"It was cancelled because it depends on {parent.kind} {parent.job_id}, which is "
            f"{parent.state}.",
            commands.why(parent.job_id),
        )
        return
    yield Finding(
        "canceled",
        "info",
        f"It was cancelled before it began{_by(act, facts)}.",
        "Send its message again if it is wanted: `postroom send TYPE --data ...`",
    )


def replayed(facts: JobFacts) -> Iterator[Finding]:
    """Its message runs as another job."""
    if facts.replayed_as:
        yield Finding(
            "replayed",
            "info",
            f"Its message was sent again as job {facts.replayed_as}; this one never runs again.",
            commands.why(facts.replayed_as),
        )


def unknown(facts: JobFacts) -> Iterator[Finding]:
    """There is no such job, or none any more."""
    if facts.state == "unknown" and facts.letter is None:
        act = facts.acts[0] if facts.acts else None
        yield Finding(
            "unknown_job",
            "warning",
            f"There is no record of job {facts.job_id}: {_gone(act, facts)}.",
            "`postroom audit` shows who removed what.",
        )


def _error(letter: DeadLetter) -> str:
    return first_line(letter.error, "no error is known").rstrip(".")


def _remedy(letter: DeadLetter) -> str:
    if letter.envelope is None:  # its record had gone before it was buried
        text = "it holds no message that could be sent again"
        return f"`postroom dead-letters show {letter.job_id}`; {text}"
    text = _REMEDY.get(letter.reason, _REPLAY)
    parent = next((word for word in letter.error.split() if len(word) > len("xxxxxxxx-")), "ID")
    filled = text.format(id=letter.job_id, queue=letter.queue, parent=parent.strip(",.:"))
    shown = f"`postroom dead-letters show {letter.job_id}`"
    return f"{shown}; {filled}"


def _act(facts: JobFacts, action: str) -> AuditEntry | None:
    return next((each for each in facts.acts if each.action == action), None)


def _by(act: AuditEntry | None, facts: JobFacts) -> str:
    if act is None:
        return ", and the audit log does not say by whom"
    return f" by {act.actor} at {_when(act, facts)} ({act.reason})"


def _when(act: AuditEntry, facts: JobFacts) -> str:
    return clock(datetime.fromisoformat(act.at), facts.now)


def _gone(act: AuditEntry | None, facts: JobFacts) -> str:
    if act is not None:
        return f"{act.actor} did {act.action} at {_when(act, facts)} ({act.reason})"
    return "it never existed, or it ended and its time was over"
