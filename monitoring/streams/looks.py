"""What each look at streams asks, and the results that requirement 000 gives it."""

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from itertools import takewhile
from typing import Any

from monitoring.streams.entries import entries, jobs
from monitoring.streams.groups import (
    NOTHING_PENDING,
    Group,
    Queued,
    Stream,
    consumers_of,
    numbers,
    queued,
    streams,
    text,
)
from monitoring.streams.info import stream_info
from monitoring.streams.reading import Plan, Question, known
from workers import InvalidOption, Settings, stream_keys
from workers.routing import queue_of
from workers.streams.naming import Naming, keys_of

Result = dict[str, Any]

_Part = tuple[Queued, Sequence[Result]]
"""Of one key of a stream: what waits, and the consumers with what they have in hand."""

MOST_JOBS = 200
"""Entries that one look shows at most."""
_RECENT_EACH, _RECENT_IN_ALL = 5, 20
_MOST_COMPARED = 500  # names that a hint chooses from: some 10 ms


def reached() -> Plan[None]:
    """See `StreamMonitor.connect`: a reading command, as PING is none."""
    (found,) = yield [lambda pipe: pipe.exists(stream_keys.streams())]
    known(found, None)


def peek(name: str, count: int, settings: Settings, *, reverse: bool) -> Plan[list[Result]]:
    """See `StreamMonitor.peek_jobs`."""
    if not 1 <= count <= MOST_JOBS:
        raise InvalidOption(
            f"count is {count}.",
            field="count",
            remedy=f"Use 1 to {MOST_JOBS}; 10 is enough to look.",
        )
    (stream,) = yield from streams([_as_text(name)])
    wanted = [(stream, stream.group(None, settings.stream_group))]
    seen = yield from entries(wanted, count, reverse=reverse)
    return (yield from jobs(seen, Naming(settings.stream_template)))


def pending(name: str, asked: str | None, settings: Settings) -> Plan[Result]:
    """See `StreamMonitor.get_pending_jobs_info`."""
    (stream,) = yield from streams([name := _as_text(name)])
    asked = None if asked is None else _as_text(asked)
    group = stream.group(asked, settings.stream_group)
    result = _as_pending(NOTHING_PENDING)
    if group is not None:
        (summary,) = yield [lambda pipe: pipe.xpending(name, group.asked_as)]
        result = _as_pending(known(summary, NOTHING_PENDING))
    if not result["total_pending"]:
        why = yield from _why_nothing(stream, asked, settings)
        return {**result, "hint": why}
    return result


def _as_pending(summary: Mapping[str, Any]) -> Result:
    return {
        "total_pending": summary["pending"],
        "oldest_pending_id": text(summary["min"]) or None,
        "newest_pending_id": text(summary["max"]) or None,
        "consumers": consumers_of(summary),
    }


def guild(guild_id: str, settings: Settings) -> Plan[Result]:
    """See `StreamMonitor.get_guild_job_stats`."""
    names = yield from streams_of(guild_id := _as_text(guild_id))
    found = yield from streams([key for name in names for key in keys_of(name)])
    rows = yield from _rows(names, found, settings)
    recent = yield from _recent(found, settings)
    result = {
        "guild_id": guild_id,
        "total_queued": sum(row["queued_count"] for row in rows),
        "total_pending": sum(row["pending_count"] for row in rows),
        "streams": rows,
        "recent_jobs": recent,
    }
    if rows:
        return result
    pattern = Naming(settings.stream_template).pattern(guild_id)
    return {**result, "hint": f"Nothing was published for this guild; its streams are {pattern}."}


def _recent(found: Sequence[Stream], settings: Settings) -> Plan[list[Result]]:
    wanted = [(each, each.group(None, settings.stream_group)) for each in found]
    seen = yield from entries(wanted, _RECENT_EACH, reverse=True)
    chosen, taken = [], Counter[str]()
    for each in sorted(seen, key=lambda each: numbers(each.entry_id), reverse=True):
        taken[queue_of(each.stream)] += 1
        if taken[queue_of(each.stream)] <= _RECENT_EACH:
            chosen.append(each)
    return (yield from jobs(chosen[:_RECENT_IN_ALL], Naming(settings.stream_template)))


def _rows(names: Sequence[str], found: Sequence[Stream], settings: Settings) -> Plan[list[Result]]:
    default = settings.stream_group
    chosen = [(each, group) for each in found if (group := each.group(None, default))]
    busy = [(each, group) for each, group in chosen if group.pending]
    answers = (yield [_summary_of(*pair) for pair in busy]) if busy else []
    hands = {
        each.key: consumers_of(known(a, NOTHING_PENDING))
        for (each, _), a in zip(busy, answers, strict=True)
    }
    waiting = yield from queued([(each, each.furthest_behind()) for each in found])
    parts: dict[str, list[_Part]] = {name: [] for name in names}
    for each, counted in zip(found, waiting, strict=True):
        parts[queue_of(each.key)].append((counted, hands.get(each.key, ())))
    naming = Naming(settings.stream_template)
    return [_row(name, mine, naming) for name, mine in parts.items()]


def _row(name: str, parts: Sequence[_Part], naming: Naming) -> Result:
    consumers = Counter[str]()
    for _, hands in parts:
        consumers.update({each["name"]: each["pending_count"] for each in hands})
    row = {
        "stream_name": name,
        "job_type": naming.read(name).job_type,
        "queued_count": sum(waiting.count for waiting, _ in parts),
        "pending_count": consumers.total(),
        "consumers": [
            {"name": who, "pending_count": count}
            for who, count in sorted(consumers.items(), key=lambda each: (-each[1], each[0]))
        ],
    }
    if any(waiting.is_lower_bound for waiting, _ in parts):
        return {**row, "queued_count_is_lower_bound": True}
    return row


def _summary_of(stream: Stream, group: Group) -> Question:
    return lambda pipe: pipe.xpending(stream.key, group.asked_as)


def streams_of(guild_id: str) -> Plan[list[str]]:
    """See `StreamMonitor.list_streams_for_guild`."""
    if not guild_id:  # the key without a tenant is that of all streams
        return []
    key = stream_keys.streams(_as_text(guild_id))
    (found,) = yield [lambda pipe: pipe.smembers(key)]
    return sorted({queue_of(text(key)) for key in known(found, ())})


def info(name: str, settings: Settings) -> Plan[Result]:
    """See `StreamMonitor.get_stream_info`."""
    (stream,) = yield from streams([_as_text(name)])
    result = yield from stream_info(stream, settings)
    if stream.is_there:
        return result
    why = yield from _why_nothing(stream, None, settings)
    return {**result, "hint": why}


def _why_nothing(stream: Stream, asked: str | None, settings: Settings) -> Plan[str]:
    if not stream.is_there:
        (found,) = yield [lambda pipe: pipe.smembers(stream_keys.streams())]
        return _why_no_stream(stream, {text(key) for key in known(found, ())})
    if asked is not None and stream.group(asked, "") is None:
        names = sorted(group.name for group in stream.groups)
        return f"There is no group {asked}; there is {', '.join(names) or 'none'}."
    if not stream.groups:
        return "No group reads this stream yet: start `postroom streams worker`."
    if stream.group(asked, settings.stream_group) is None:
        names = sorted(group.name for group in stream.groups)
        return f"Several groups read this stream; name one of {', '.join(names)}."
    return "Nothing is in hand now."


def _why_no_stream(stream: Stream, names: Collection[str]) -> str:
    name = stream.key
    if stream.kind != "none":
        return f"{name} is no stream but a {stream.kind}."
    if name in names:
        return f"The stream {name} has no entry: it was removed, or none is due yet."
    # To compare all of many thousands would take seconds.
    likely = nsmallest(_MOST_COMPARED, names, key=lambda each: (-_begin(each, name), each))
    near = difflib.get_close_matches(name, likely, n=3, cutoff=0.4)
    if near:
        return f"There is no stream {name}; there is {', '.join(near)}."
    return f"There is no stream {name}: nothing was published to it yet."


def _as_text(name: str) -> str:
    """A name that Redis can be asked for; what a shell passes on need not be text."""
    return name.encode(errors="backslashreplace").decode()


def _begin(one: str, other: str) -> int:
    """How many characters two names begin with alike."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in alike)
