"""What a rule is: a metric, a limit, and when and where to say that it is passed. Pure."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

from monitoring.alerts.quiet import QuietHours
from monitoring.doctor.finding import Severity

Comparison = Literal[">", ">=", "<", "<="]

_COMPARED: Mapping[Comparison, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Rule:
    """When to alert.

    Args:
        name: Its own; alerts are told apart by it and by what they are about.
        metric: What is measured; one of `METRICS`.
        comparison: How the value is compared with the threshold.
        threshold: In the metric's unit.
        for_seconds: For how long it has to hold; 0 alerts at once.
        scope: Which queues, types or streams, as a pattern: `*` stands for any text.
        severity: `critical` is sent in quiet hours, too.
        cool_down_seconds: For how long after an alert the same one is not sent again.
        quiet_hours: When it is held back unless it is critical; None is never.
        channels: The channels that it is sent to; none means all.
    """

    name: str
    metric: str
    comparison: Comparison
    threshold: float
    for_seconds: float = 0.0
    scope: str = "*"
    severity: Severity = "warning"
    cool_down_seconds: float = 900.0
    quiet_hours: QuietHours | None = None
    channels: tuple[str, ...] = ()

    def is_met(self, value: float) -> bool:
        """Whether a value is one to alert for."""
        return _COMPARED[self.comparison](value, self.threshold)

    def covers(self, scope: str) -> bool:
        """Whether it is about this queue, type or stream."""
        return fnmatchcase(scope, self.scope)

    def is_quiet(self, now: datetime) -> bool:
        """Whether it is to be held back at a moment."""
        hours = self.quiet_hours
        return self.severity != "critical" and hours is not None and hours.cover(now)

    def has_lasted(self, since: datetime, now: datetime) -> bool:
        """Whether something that began then has held for long enough."""
        return now - since >= timedelta(seconds=self.for_seconds)

    def is_cooling(self, announced: datetime | None, now: datetime) -> bool:
        """Whether its last alert was too short a time ago for another one."""
        span = timedelta(seconds=self.cool_down_seconds)
        return announced is not None and now - announced < span

    def as_dict(self) -> dict[str, Any]:
        """The rule as JSON has it, in the names of the file of rules."""
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**shown, "quiet_hours": self.quiet_hours and str(self.quiet_hours)}

    @property
    def limit(self) -> str:
        """The comparison in short, such as `> 100`."""
        return f"{self.comparison} {self.threshold:,g}"
