"""What needs a person: findings and alerts as the board shows them, the worst first. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from monitoring.alerts.metrics import METRICS
from monitoring.board.mending import Button, began, buttons_of, grounds_of
from monitoring.board.wording import cut
from monitoring.doctor.finding import Finding
from monitoring.explain.facts import QueueFacts
from monitoring.explain.rules import queue_findings

JsonDict = Mapping[str, Any]
Severity = Literal["critical", "high", "medium", "low"]

SEVERITIES: Sequence[Severity] = ("critical", "high", "medium", "low")

_HIGH = frozenset(
    {
        *("workers_died", "children_died", "dead_letters", "error_rate", "many_retries"),
        *("standing_still", "taken_and_abandoned", "scheduled_overdue", "service_asks_to_wait"),
    }
)
"""Warnings that cost messages their attempts, or stand still; the others only wait."""

_SERVER = frozenset(
    {
        *("memory_nearly_full", "eviction_policy", "redis_is_replica", "clock_skew"),
        *("worker_clock_skew", "suspended"),
    }
)
"""Findings that every queue has, and that are told once."""

_THINGS: Mapping[str, tuple[str, str]] = {
    "queue": ("queue", "queues"),
    "stream": ("stream", "streams"),
    "type": ("type", "messages"),
    "job": ("job", "jobs"),
}
"""What alerts are about: how the board calls it, and its place."""

NOBODY = "No worker runs, so nothing that is sent starts"
"""What is so where there is none at all."""

_UNSERVED = "no_worker "
"""How the key of a need begins that tells of jobs which wait for a worker."""

_PART = re.compile(r"(?: \(|: |; )")
_OF_ALERTS: Mapping[str, Severity] = {"critical": "critical", "warning": "medium", "info": "low"}


@dataclass(frozen=True)
class Need:
    """One thing that is wrong.

    Args:
        key: Names it, for as long as it lasts.
        severity: How urgent it is.
        title: What is so.
        why: What makes us believe so; may be empty.
        remedy: What to do, in words; commands between backticks.
        since: When it began; None if that is not known.
        subject: The queue or the stream; empty if it is about all.
        buttons: What can be done here, the best first.
    """

    key: str
    severity: Severity
    title: str
    why: str = ""
    remedy: str = ""
    since: datetime | None = None
    subject: str = ""
    buttons: Sequence[Button] = ()


def needs_of(
    facts: Mapping[str, QueueFacts],
    alerts: Sequence[JsonDict],
    root: str,
    *,
    stuck: Sequence[JsonDict] = (),
    workers: int | None = None,
) -> Sequence[Need]:
    """What needs a person, the worst first, then what has lasted longest.

    Args:
        facts: All queues, by name.
        alerts: What `get_alerts` returns; those about a queue of which a finding tells the cause
            are left out, but not those that name a stuck job.
        root: What stands in front of the paths of pages.
        stuck: What `get_stuck_jobs` returns: how urgent it is, and what can be opened.
        workers: How many there are, of queues and of streams; None if that is not known.
    """
    found = {need.key: need for need in _of_queues(facts, root)}
    told = {need.subject for need in found.values()}
    for alert in alerts:
        if alert["state"] != "firing":
            continue
        job = next((each for each in stuck if f"Job {each['jobId']} " in alert["said"]), None)
        if job is not None or alert["scope"] not in told:
            need = _of_alert(alert, is_queue=alert["scope"] in facts, root=root)
            found.setdefault(need.key, need if job is None else _opening(need, job, root))
    if workers == 0 and not any(key.startswith(_UNSERVED) for key in found):
        found["nobody"] = _nobody(root)
    return sorted(found.values(), key=_urgency)


def _nobody(root: str) -> Need:
    return Need(
        key="nobody",
        severity="low",  # nothing waits for one, or a finding of its queue would say so
        title=NOBODY,
        remedy="Start one: `postroom worker`.",
        buttons=(Button("See workers", f"{root}/workers"),),
    )


def _urgency(need: Need) -> tuple[int, float]:
    began = need.since.timestamp() if need.since else float("inf")
    return SEVERITIES.index(need.severity), began


def _of_queues(facts: Mapping[str, QueueFacts], root: str) -> Iterator[Need]:
    for each in facts.values():
        for finding in queue_findings(each):
            if finding.severity != "info":
                yield need_of(finding, each, root)


def need_of(finding: Finding, facts: QueueFacts, root: str) -> Need:
    """A finding about a queue.

    Args:
        finding: What the rules say.
        facts: The queue.
        root: What stands in front of the paths of pages.
    """
    is_shared = finding.code in _SERVER
    title, why = parted(finding.what)
    if not is_shared and facts.name not in title:
        title = f"{facts.name}: {title[:1].lower()}{title[1:]}"
    return Need(
        key=finding.code if is_shared else f"{finding.code} {facts.name} {title}",
        severity=_severity(finding),
        title=title,
        why=cut(why or grounds_of(finding, facts)),
        remedy=finding.remedy,
        since=began(finding, facts),
        subject="" if is_shared else facts.name,
        buttons=tuple(buttons_of(finding, facts, root)),
    )


def parted(sentence: str) -> tuple[str, str]:
    """A sentence as a title and the rest.

    Args:
        sentence: It tells the fact first, then its grounds after a bracket, colon or semicolon.

    Returns:
        Both without a full stop at the end of the title; the rest begins with a capital.
    """
    cut = _PART.search(sentence)
    if cut is None:
        return sentence.rstrip("."), ""
    title, rest = sentence[: cut.start()], sentence[cut.end() :]
    if cut.group() == " (":
        rest = rest.replace(")", "", 1) if ")" in rest else rest
    return title, rest[:1].upper() + rest[1:]


def _severity(finding: Finding) -> Severity:
    if finding.severity == "critical":
        return "critical"
    return "high" if finding.code in _HIGH else "medium"


def _of_alert(alert: JsonDict, *, is_queue: bool, root: str) -> Need:
    title, why = parted(alert["said"])
    return Need(
        key=f"alert {alert['rule']} {alert['scope']}",
        severity=_OF_ALERTS[alert["severity"]],
        title=title,
        why=cut(why) or f"The rule {alert['rule']} fires at {alert['limit']}.",
        since=datetime.fromisoformat(alert["since"]),
        subject=alert["scope"],
        buttons=(
            _about(METRICS[alert["metric"]].about, alert["scope"], is_queue=is_queue, root=root),
        ),
    )


def _about(kind: str, scope: str, *, is_queue: bool, root: str) -> Button:
    """What opens the thing that an alert is about."""
    word, place = _THINGS.get(kind, ("", ""))
    if kind == "queue" and not is_queue:
        word, place = _THINGS["stream"]
    if not scope or not place:
        return Button("See alerts", f"{root}/settings")
    return Button(f"Open {word}", f"{root}/{place}/{quote(scope, safe='')}")


def _opening(need: Need, job: JsonDict, root: str) -> Need:
    """The need of an alert, as urgent as the stuck job that it names, which can be opened."""
    button = _about("job", job["jobId"], is_queue=False, root=root)
    if job["entryId"]:
        stream = _about("stream", job["queueName"], is_queue=False, root=root)
        button = Button("Open entry", f"{stream.url}?entry={job['entryId']}#entry")
    others = [each for each in need.buttons if each != button]
    severity = min(need.severity, job["severity"], key=SEVERITIES.index)
    return replace(need, severity=severity, buttons=(button, *others))
