"""What people are told: one notice for an alert that begins or is over, or one for many. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from monitoring.alerts.alert import Alert
from monitoring.alerts.causes import Cause, Causes
from monitoring.alerts.evaluation import Event, Kind
from monitoring.alerts.metrics import METRICS
from monitoring.alerts.rule import Rule
from monitoring.doctor.finding import Severity
from monitoring.words import listed, span
from workers.clock import shown_time

MOST_APART = 5
"""Alerts of a rule that begin together and are told one by one; more of them share a notice."""
_MOST_SHOWN = 100  # alerts of one notice
_LONGEST_SENTENCE = 1_000
_MOST_COMMANDS = 5
_LONGEST = 200  # characters of a name within a text


@dataclass(frozen=True)
class About:
    """One alert within a notice.

    Args:
        scope: The queue, type, stream or channel; empty if it is about none.
        value: The last value that was bad.
        since: From when on it was; ISO 8601.
    """

    scope: str
    value: float
    since: str


@dataclass(frozen=True)
class Notice:
    """One message to people.

    Args:
        id: Its own. A receiver that gets an id again has got a repetition.
        kind: `fired`, `resolved` or `test`.
        rule: The rule's name.
        severity: The rule's.
        metric: What it measures.
        limit: What the values were compared with, such as `> 100`.
        at: When; ISO 8601.
        installation: The setting ENVIRONMENT.
        title: One line.
        text: Some lines.
        remedy: What to do; empty if it is over.
        alerts: What it is about; the first 100.
        count: How many alerts it is about.
    """

    id: str
    kind: Literal["fired", "resolved", "test"]
    rule: str
    severity: Severity
    metric: str
    limit: str
    at: str
    installation: str
    title: str
    text: str
    remedy: str = ""
    alerts: tuple[About, ...] = ()
    count: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The notice as JSON has it."""
        return asdict(self)

    @property
    def body(self) -> str:
        """The text with the remedy, for people."""
        return f"{self.text}\nDo: {self.remedy}" if self.remedy else self.text


@dataclass(frozen=True)
class Addressed:
    """A notice with the channels that it goes to."""

    notice: Notice
    channels: tuple[str, ...]


def notice_of(stored: Mapping[str, Any]) -> Notice:
    """A notice as it was stored.

    Args:
        stored: What `as_dict` returned, by way of JSON.
    """
    alerts = tuple(About(**each) for each in stored["alerts"])
    return Notice(**{**stored, "alerts": alerts})


def notices(  # noqa: PLR0913 - all but the first by name
    events: Sequence[Event],
    *,
    causes: Causes,
    channels: Sequence[str],
    turn: str,
    installation: str,
    now: datetime,
) -> Sequence[Addressed]:
    """What people are told of the events of one look.

    Args:
        events: Rule by rule.
        causes: Why it is so, as far as that is known.
        channels: Those that there are, for rules that name none.
        turn: The numbers of the turn and of the look, which make ids differ.
        installation: The setting ENVIRONMENT.
        now: The time.
    """
    found = []
    for number, events_together in enumerate(_together(events)):
        name = f"{now:%Y%m%dT%H%M%S.%f}Z-{turn}-{number:04d}"
        notice = _notice(events_together, causes, name, installation, now)
        found.append(Addressed(notice, _channels(events_together, channels)))
    return found


def trial(channel: str, *, turn: str, installation: str, now: datetime) -> Notice:
    """A notice that tries a channel.

    Args:
        channel: Its name.
        turn: Makes its id differ.
        installation: The setting ENVIRONMENT.
        now: The time.
    """
    return Notice(
        id=f"{now:%Y%m%dT%H%M%S.%f}Z-{turn}-test",
        kind="test",
        rule="test",
        severity="info",
        metric="",
        limit="",
        at=shown_time(now),
        installation=installation,
        title=f"[TEST] Postroom ({installation})",
        text=f"The channel {channel} works: this is what alerts look like there.",
    )


def _together(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    for _, group in groupby(events, key=lambda event: (event.rule.name, event.kind)):
        alike = list(group)
        if len(alike) > MOST_APART:
            yield alike
        else:
            yield from ([event] for event in alike)


def _channels(events: Sequence[Event], every: Sequence[str]) -> tuple[str, ...]:
    rule = events[0].rule
    wanted = [name for name in every if name in rule.channels or not rule.channels]
    if METRICS[rule.metric].about == "channel":  # it cannot tell of itself
        failing = {event.alert.scope for event in events}
        return tuple(name for name in wanted if name not in failing)
    return tuple(wanted)


def _notice(
    events: Sequence[Event], causes: Causes, name: str, installation: str, now: datetime
) -> Notice:
    kind, rule = events[0].kind, events[0].rule
    scopes = [_printable(event.alert.scope) for event in events if event.alert.scope]
    about = f" {listed(scopes)}" if scopes else ""
    word = rule.severity.upper() if kind == "fired" else "RESOLVED"
    found = [cause for event in events if (cause := _cause(event, causes))]
    return Notice(
        id=name,
        kind=kind,
        rule=rule.name,
        severity=rule.severity,
        metric=rule.metric,
        limit=rule.limit,
        at=shown_time(now),
        installation=installation,
        title=f"[{word}] {rule.name}{about and ':'}{about} ({installation})",
        text=_text(kind, [event.alert for event in events], found, now),
        remedy=_remedy(rule, scopes, found) if kind == "fired" else "",
        alerts=tuple(_about(event.alert) for event in events[:_MOST_SHOWN]),
        count=len(events),
    )


def _cause(event: Event, causes: Causes) -> Cause | None:
    if event.kind != "fired":
        return None
    return causes.get((METRICS[event.rule.metric].about, event.alert.scope))


def _remedy(rule: Rule, scopes: Sequence[str], causes: Sequence[Cause]) -> str:
    """What helps against the cause; against the symptom, if no cause is known."""
    commands = [f"`{_printable(each)}`" for cause in causes for each in cause.commands]
    if commands:
        return ", ".join(dict.fromkeys(commands[:_MOST_COMMANDS]))
    return METRICS[rule.metric].remedy.replace("{scope}", scopes[0] if scopes else "")


def _text(kind: Kind, alerts: Sequence[Alert], causes: Sequence[Cause], now: datetime) -> str:
    shown, more = alerts[:MOST_APART], len(alerts) - MOST_APART
    lines = [_line(kind, alert, now) for alert in shown]
    lines += [f"And {more:,} more."] if more > 0 else []
    if len(alerts) == 1:  # of several, their causes would be longer than anybody reads
        lines += [
            _printable(each, longest=_LONGEST_SENTENCE)
            for cause in causes
            for each in cause.sentences
        ]
    return "\n".join(dict.fromkeys(lines))


def _line(kind: Kind, alert: Alert, now: datetime) -> str:
    said = _printable(alert.said, longest=_LONGEST_SENTENCE)
    if kind == "fired":
        return said
    lasted = max(0.0, ((alert.over_at or now) - alert.since).total_seconds())
    return (
        f"Over after {span(lasted)}, counted from when it began{_told_later(alert)}. It was: {said}"
    )


def _told_later(alert: Alert) -> str:
    """How long it had held before people knew; empty if they did at once."""
    told = alert.announced_at or alert.fired_at or alert.since
    seconds = (told - alert.since).total_seconds()
    return f", {span(seconds)} before this alert was sent" if seconds >= 1 else ""


def _about(alert: Alert) -> About:
    return About(alert.scope, round(alert.value, 3), shown_time(alert.since))


def _printable(text: str, *, longest: int = _LONGEST) -> str:
    """A text in one line: queues and streams are called as other programs like."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= longest else f"{plain[:longest]}..."


def as_text(notice: Notice) -> str:
    """A notice as it is stored and sent."""
    return json.dumps(notice.as_dict())
