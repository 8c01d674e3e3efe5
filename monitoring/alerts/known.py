"""The alerts that there are, and what people were told, for programs. Only reads."""

from collections.abc import Sequence
from typing import Any

import redis

from monitoring.alerts.alert import Alert
from monitoring.alerts.rule import Rule
from monitoring.alerts.store import KEPT, Store
from monitoring.doctor.finding import Severity
from monitoring.errors import InvalidQuery
from workers.clock import shown_text, shown_time
from workers.connection import storage_errors

JsonDict = dict[str, Any]

_URGENCY: Sequence[Severity] = ("critical", "warning", "info")


def get_alerts(*, connection: redis.Redis, rules: Sequence[Rule]) -> list[JsonDict]:
    """The alerts that hold now, or of which people were not told yet that they are over.

    Args:
        connection: Where.
        rules: The rules in force.

    Returns:
        For each `rule`, `scope`, `severity`, `state` (`firing`; `pending`, for less long than the
        rule asks for; `held_back`, by quiet hours or a cool-down; `over`, and that is held back by
        quiet hours), `metric`, `value`, `limit`, `since`, `firedAt`, `announcedAt` and `said`, a
        sentence. The most urgent first, then those that began first.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    by_name = {rule.name: rule for rule in rules}
    with storage_errors():
        found = Store(connection).alerts().values()
    shown = [
        (by_name[alert.rule], alert)
        for alert in found
        if alert.rule in by_name and (alert.over_at is None or alert.is_told)
    ]
    shown.sort(key=lambda pair: (_URGENCY.index(pair[0].severity), pair[1].since, pair[1].key))
    return [_row(rule, alert) for rule, alert in shown]


def get_history(limit: int = 100, *, connection: redis.Redis) -> list[JsonDict]:
    """What people were told, newest first.

    Args:
        limit: How much at most, 1 to 1,000.
        connection: Where.

    Returns:
        Notices as webhooks get them, each with `channels`; one whose `kind` is `undelivered` was
        given up, and its `text` says why.

    Raises:
        InvalidQuery: If the limit is out of range.
        StorageUnavailable: If Redis does not answer.
    """
    if not 1 <= limit <= KEPT:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {KEPT}."
        )
    with storage_errors():
        return [_told(notice) for notice in Store(connection).history(limit)]


def _told(notice: JsonDict) -> JsonDict:
    alerts = [{**each, "since": shown_text(each["since"])} for each in notice["alerts"]]
    return {**notice, "at": shown_text(notice["at"]), "alerts": alerts}


def _row(rule: Rule, alert: Alert) -> JsonDict:
    return {
        "rule": alert.rule,
        "scope": alert.scope,
        "severity": rule.severity,
        "state": alert.state,
        "metric": rule.metric,
        "value": alert.value,
        "limit": rule.limit,
        "since": shown_time(alert.since),
        "firedAt": alert.fired_at and shown_time(alert.fired_at),
        "announcedAt": alert.announced_at and shown_time(alert.announced_at),
        "said": alert.said,
    }
