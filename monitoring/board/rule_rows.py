"""The rules of alerts, with how each stands. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.alerts import Rule
from monitoring.words import span

_STATES = ("firing", "held_back", "pending", "over")
_WORDS = {
    "firing": "Firing",
    "held_back": "Held back",
    "pending": "About to fire",
    "over": "Just over",
}


@dataclass(frozen=True)
class RuleRow:
    """A rule as it is shown.

    Args:
        rule: The rule.
        state: The most urgent state of its alerts; empty if there is none.
        word: The same as a word.
        count: How many alerts of it are in that state.
        since: When the first of them began; ISO 8601, or None.
    """

    rule: Rule
    state: str = ""
    word: str = "Quiet"
    count: int = 0
    since: str | None = None

    @property
    def lasts(self) -> str:
        """For how long it has to hold, in words."""
        return f"for {span(self.rule.for_seconds)}" if self.rule.for_seconds else "at once"


def rule_rows(rules: Sequence[Rule], alerts: Sequence[Mapping[str, Any]]) -> Sequence[RuleRow]:
    """All rules, those that fire first.

    Args:
        rules: Those in force.
        alerts: As `get_alerts` tells them.
    """
    rows = [_row(rule, [each for each in alerts if each["rule"] == rule.name]) for rule in rules]
    order = (*_STATES, "")
    return sorted(rows, key=lambda row: (order.index(row.state), row.rule.name))


def _row(rule: Rule, alerts: Sequence[Mapping[str, Any]]) -> RuleRow:
    for state in _STATES:
        found = [each for each in alerts if each["state"] == state]
        if found:
            since = min(each["since"] for each in found)
            return RuleRow(rule, state, _WORDS[state], len(found), since)
    return RuleRow(rule)
