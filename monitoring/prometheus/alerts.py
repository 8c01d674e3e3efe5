"""The alerts that hold, as some web process has stored them. Only reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitoring.alerts.alert import Alert, alert_of
from monitoring.streams.reading import Plan, known
from workers import watch_keys


def look_at_alerts() -> Plan[Mapping[str, int]]:
    """Look at them, in one round.

    Returns:
        How many queues, types or streams each rule fires for, by its name; whether people were
        told makes no difference.
    """
    (stored,) = yield [lambda pipe: pipe.hvals(watch_keys.alerts())]
    firing = (each for each in _read(known(stored, ())) if each.fired_at and not each.over_at)
    return Counter(each.rule for each in firing)


def _read(texts: Iterable[Any]) -> Iterator[Alert]:
    for text in texts:
        try:
            yield alert_of(text)
        except (KeyError, TypeError, ValueError):  # of another release, or nobody's
            continue
