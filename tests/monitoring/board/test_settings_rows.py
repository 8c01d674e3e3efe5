"""The rows of Settings: rules with their state, and the audit log in pages."""

from dataclasses import replace
from typing import Any

from monitoring.alerts import Rule
from monitoring.board.audit_trail import ROWS, Filters, trail_of
from monitoring.board.rule_rows import rule_rows
from workers.audit import AuditEntry

AT = "2026-01-15T10:02:00+00:00"
RULES = [Rule(name, "waiting", ">", 100.0) for name in ("a", "b", "c")]


def alert(rule: str, state: str, since: str = AT) -> dict[str, Any]:
    return {"rule": rule, "state": state, "since": since}


def entry(actor: str, action: str = "queue.pause", target: str = "email") -> AuditEntry:
    return AuditEntry(action, actor, "why", target, AT, {"count": 3})


def test_rules_that_fire_come_first_and_quiet_ones_last() -> None:
    rows = rule_rows(RULES, [alert("c", "firing"), alert("b", "pending")])

    assert [(row.rule.name, row.word) for row in rows] == [
        ("c", "Firing"),
        ("b", "About to fire"),
        ("a", "Quiet"),
    ]


def test_a_rule_shows_its_most_urgent_state_how_often_and_since_when() -> None:
    earlier = "2026-01-15T09:00:00+00:00"
    alerts = [alert("a", "firing"), alert("a", "firing", earlier), alert("a", "pending")]

    row = rule_rows(RULES[:1], alerts)[0]
    assert (row.state, row.count, row.since) == ("firing", 2, earlier)


def test_entries_are_found_by_who_what_and_on_what() -> None:
    log = [entry("anna"), entry("Bob", "group.mute", "g-1"), entry("bob", target="sync")]

    def found(**asked: Any) -> list[str]:
        return [row.entry.target for row in trail_of(log, Filters(**asked)).rows]

    assert found() == ["email", "g-1", "sync"]
    assert found(who="BOB") == ["g-1", "sync"]
    assert found(did="queue.pause", who="bob") == ["sync"]
    assert found(on="mai") == ["email"]


def test_pages_lead_to_older_and_newer_ones_with_the_same_filters() -> None:
    log = [entry("anna") for _ in range(2 * ROWS + 1)]
    first, last = (trail_of(log, Filters(who="an", after=after)) for after in (0, 2 * ROWS))

    assert (first.newer, first.older) == ("", "tab=audit&who=an&after=25")
    assert (last.newer, last.older) == ("tab=audit&who=an&after=25", "")
    assert (len(first.rows), len(last.rows), first.total) == (ROWS, 1, 2 * ROWS + 1)
    assert first.rows[0].details == "count 3"


def test_details_are_told_in_words() -> None:
    details = {"what": "all", "before": {"completed": 2, "failed": 1}, "after": 0, "fields": ["a"]}
    told = trail_of([replace(entry("anna"), details=details)], Filters()).rows[0].details

    assert told == "what all, before completed 2 and failed 1, after 0, fields a"
