"""What is wrong with a stream: nobody reads it, dead consumers, no room, entries that vanished."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitoring.doctor.finding import Finding
from monitoring.explain.facts import StreamFacts
from monitoring.explain.rules.failures import letters_finding
from monitoring.words import are, listed, number, span

_NEARLY = 0.8
_LONG = 600.0  # seconds that an entry is in hand; requirement 001


def no_consumers(facts: StreamFacts) -> Iterator[Finding]:
    """Entries wait, and no consumer of our group shows that it lives."""
    waiting = sum(_waiting(each, facts.group) for each in facts.lists)
    if not waiting or any(each["alive"] for each in _consumers(facts)):
        return
    yield Finding(
        "no_consumers",
        "critical",
        f"No consumer of group {facts.group} reads {facts.name}: "
        f"{number(waiting, 'entry', 'entries')} {are(waiting)} waiting.",
        f"`postroom streams worker --streams {facts.name}`",
    )


def dead_consumers(facts: StreamFacts) -> Iterator[Finding]:
    """Consumers that are gone have entries in hand."""
    dead = [each for each in _consumers(facts) if each["alive"] is False and each["pending_count"]]
    if not dead:
        return
    count = sum(each["pending_count"] for each in dead)
    idle = min(each["idle_ms"] for each in dead) / 1000
    names = listed([str(each["name"]) for each in dead])
    yield Finding(
        "dead_consumers",
        "warning",
        f"{number(count, 'entry', 'entries')} of {facts.name} {are(count)} in the hands of "
        f"{number(len(dead), 'dead consumer')} ({names}), idle for {span(idle)}; living ones claim "
        f"{'it' if count == 1 else 'them'}.",
        f"Start one: `postroom streams worker --streams {facts.name}`",
    )


def full(facts: StreamFacts) -> Iterator[Finding]:
    """A stream has no room for what is published, or soon will not."""
    for each in facts.lists:
        unfinished = _unfinished(each)
        if unfinished < _NEARLY * each["limit"]:
            continue
        is_full = unfinished >= each["limit"]
        yield Finding(
            "stream_full",
            "critical" if is_full else "warning",
            f"{each['stream_name']} is {'full' if is_full else 'nearly full'}: "
            f"{number(unfinished, 'entry', 'entries')} {are(unfinished)} not finished, and "
            f"STREAM_LIMIT is {each['limit']:,}.",
            f"`postroom streams worker --streams {facts.name}`, or raise STREAM_LIMIT.",
        )


def trimmed(facts: StreamFacts) -> Iterator[Finding]:
    """Somebody trimmed entries that are in hand."""
    count = sum(group["trimmed_count"] for each in facts.lists for group in each["groups"])
    if count:
        yield Finding(
            "entries_trimmed",
            "critical",
            f"{number(count, 'entry', 'entries')} of {facts.name} that consumers have in hand "
            "were trimmed by somebody else: their messages are lost.",
            f"Trim with `postroom streams trim {facts.name}` only: it removes what is finished.",
        )


def long_pending(facts: StreamFacts) -> Iterator[Finding]:
    """A living consumer has had an entry in hand for long."""
    ages = [group["oldest_pending_ms"] or 0 for group in _groups(facts)]
    oldest = max(ages, default=0) / 1000
    living = [each for each in _consumers(facts) if each["alive"] and each["pending_count"]]
    if oldest >= _LONG and living:
        yield Finding(
            "entries_pending",
            "warning",
            f"An entry of {facts.name} was added {span(oldest)} ago and is still in the hands of "
            f"{listed([str(each['name']) for each in living])}.",
            f"`postroom streams pending {facts.name}`",
        )


def letters(facts: StreamFacts) -> Iterator[Finding]:
    """Messages died in the last hour."""
    for each in facts.letters:
        yield letters_finding(facts.name, each)


def _groups(facts: StreamFacts) -> Sequence[Mapping[str, Any]]:
    return [
        group for each in facts.lists for group in each["groups"] if group["name"] == facts.group
    ]


def _consumers(facts: StreamFacts) -> Sequence[Mapping[str, Any]]:
    return [each for group in _groups(facts) for each in group["consumers"]]


def _waiting(stream: Mapping[str, Any], group: str) -> int:
    found = [each for each in stream["groups"] if each["name"] == group]
    return int(found[0]["queued_count"] if found else stream["length"])


def _unfinished(stream: Mapping[str, Any]) -> int:
    """What the group that is furthest behind has not finished."""
    groups = stream["groups"]
    if not groups:
        return int(stream["length"])
    return max(int(each["queued_count"] + each["pending_count"]) for each in groups)
