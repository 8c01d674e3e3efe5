"""An alert: how far it is, as text and back."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

Key = tuple[str, str]
"""The names of a rule and of what an alert is about."""


@dataclass(frozen=True)
class Alert:
    """What is known of one rule and one queue, type or stream.

    Args:
        rule: The name of the rule.
        scope: What it is about.
        since: From when on the condition has held.
        value: The last one that met it.
        said: What was said of that value.
        fired_at: When it had held for long enough; None before.
        announced_at: When people were last told of such an alert; a cool-down counts from then.
        is_told: Whether people know that it holds, so that they have to be told when it is over.
        over_at: When it ended; None while it holds.
    """

    rule: str
    scope: str
    since: datetime
    value: float
    said: str
    fired_at: datetime | None = None
    announced_at: datetime | None = None
    is_told: bool = False
    over_at: datetime | None = None

    @property
    def key(self) -> Key:
        """What tells it apart."""
        return self.rule, self.scope

    @property
    def state(self) -> str:
        """`pending`, `firing`, `held_back` (nobody was told), `over`."""
        if self.over_at is not None:
            return "over"
        if self.fired_at is None:
            return "pending"
        return "firing" if self.is_told else "held_back"


_TIMES = ("since", "fired_at", "announced_at", "over_at")


def as_text(alert: Alert) -> str:
    """An alert as it is stored."""
    return json.dumps(asdict(alert), default=datetime.isoformat)


def alert_of(text: bytes | str) -> Alert:
    """An alert as it was stored.

    Args:
        text: What `as_text` made.
    """
    stored: dict[str, Any] = json.loads(text)
    times = {name: _time(stored[name]) for name in _TIMES}
    return Alert(**{**stored, **times})


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
