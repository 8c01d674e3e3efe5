"""Which alerts begin and which are over: from readings, rules and what was before. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from monitoring.alerts.alert import Alert, Key
from monitoring.alerts.metrics import Facts, Reading
from monitoring.alerts.rule import Rule

MOST_ALERTS = 1_000
"""Alerts that are known at a time; further ones begin when others are over."""

Kind = Literal["fired", "resolved"]


@dataclass(frozen=True)
class Event:
    """Something that people have to be told.

    Args:
        kind: Whether the alert begins or is over.
        rule: Its rule.
        alert: The alert.
    """

    kind: Kind
    rule: Rule
    alert: Alert


@dataclass(frozen=True)
class Evaluation:
    """What came of a look.

    Args:
        alerts: All that are to be remembered.
        events: What people have to be told, rule by rule.
    """

    alerts: Mapping[Key, Alert]
    events: Sequence[Event]


_Step = tuple[Alert, Kind | None]


def evaluate(
    facts: Facts, rules: Sequence[Rule], before: Mapping[Key, Alert], *, now: datetime
) -> Evaluation:
    """Compare what is with what was.

    Args:
        facts: The readings. By a metric that is missing nothing changes.
        rules: With names that differ. What belonged to others is forgotten.
        before: The alerts of the last look.
        now: The time; aware.

    Returns:
        The alerts of this look, and what people have to be told.
    """
    alerts: dict[Key, Alert] = {}
    events: list[Event] = []
    room = MOST_ALERTS - len(before)
    for rule in rules:
        mine = {alert.scope: alert for alert in before.values() if alert.rule == rule.name}
        steps = _steps(rule, mine, facts, now, room=room)
        room -= sum(alert.scope not in mine for alert, _ in steps)
        events += [Event(kind, rule, alert) for alert, kind in steps if kind is not None]
        alerts |= {alert.key: alert for alert, _ in steps if _is_kept(alert, rule, now)}
    return Evaluation(alerts, events)


def _steps(
    rule: Rule, mine: Mapping[str, Alert], facts: Facts, now: datetime, *, room: int
) -> Sequence[_Step]:
    if rule.metric not in facts:
        return [(alert, None) for alert in mine.values()]
    met = [each for each in facts[rule.metric] if rule.covers(each.scope)]
    met = [each for each in met if rule.is_met(each.value)]
    met.sort(key=lambda each: each.value, reverse=rule.comparison.startswith(">"))
    new = [each for each in met if each.scope not in mine][: max(0, room)]
    there = {each.scope: each for each in met}
    known = [
        _held(alert, there[scope], rule, now) if scope in there else _ended(alert, rule, now)
        for scope, alert in mine.items()
    ]
    return [*(_held(None, each, rule, now) for each in new), *known]


def _held(before: Alert | None, reading: Reading, rule: Rule, now: datetime) -> _Step:
    """The condition holds."""
    alert = before or Alert(rule.name, reading.scope, now, reading.value, reading.said)
    if alert.over_at is not None and not alert.is_told:  # another one, of which nobody knows yet
        alert = replace(alert, since=now, fired_at=None)
    alert = replace(alert, value=reading.value, said=reading.said, over_at=None)
    if alert.fired_at is None and rule.has_lasted(alert.since, now):
        alert = replace(alert, fired_at=now)
    if alert.fired_at is None or alert.is_told:
        return alert, None
    if rule.is_quiet(now) or rule.is_cooling(alert.announced_at, now):
        return alert, None
    return replace(alert, is_told=True, announced_at=now), "fired"


def _ended(alert: Alert, rule: Rule, now: datetime) -> _Step:
    """The condition does not hold, or not any more."""
    over = replace(alert, over_at=alert.over_at or now)
    if not over.is_told or rule.is_quiet(now):
        return over, None
    return replace(over, is_told=False), "resolved"


def _is_kept(alert: Alert, rule: Rule, now: datetime) -> bool:
    holds = alert.over_at is None
    return holds or alert.is_told or rule.is_cooling(alert.announced_at, now)
