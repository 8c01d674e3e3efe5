"""What `postroom streams` shows to people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from monitoring.words import number
from postroom.columns import columns, printable

Row = Mapping[str, Any]


def listed(rows: Sequence[Row]) -> str:
    """The streams, a line each."""
    if not rows:
        return "No streams are known. `postroom streams publish` makes one; --search finds others'."
    cells = [
        (
            row["stream_name"],
            row["queued_count"],
            row["pending_count"],
            f"{row['length']:,} of {row['limit']:,}",
            ", ".join(row["groups"]) or "none",
        )
        for row in rows
    ]
    return columns(("STREAM", "WAITING", "IN HAND", "LENGTH", "GROUPS"), cells)


def peeked(rows: Sequence[Row]) -> str:
    """Entries, a line each."""
    cells = [
        (
            row["message_id"],
            row["job_data"]["type"] or "-",
            str(row["job_data"]["job_id"]),
            when(row["message_id"]),
            _state(row["state"]),
        )
        for row in rows
    ]
    return columns(("ENTRY", "TYPE", "ID", "ADDED", "STATE"), cells)


def in_hand(found: Row) -> str:
    """What a group's consumers have."""
    if "hint" in found:
        return printable(found["hint"])
    line = (
        f"{number(found['total_pending'], 'entry', 'entries')} in hand, from "
        f"{found['oldest_pending_id']} to {found['newest_pending_id']}."
    )
    cells = [(each["name"], each["pending_count"]) for each in found["consumers"]]
    return "\n\n".join([line, columns(("CONSUMER", "IN HAND"), cells)])


def described(found: Row) -> str:
    """A stream with its groups and consumers."""
    if "hint" in found:
        return printable(found["hint"])
    head = f"{found['stream_name']}: {found['length']:,} of {found['limit']:,} entries"
    if found["first_id"]:
        head += f", the oldest added {when(found['first_id'])}"
    parts = [printable(head) + ".", *map(_group, found["groups"])]
    if not found["groups"]:
        parts.append("No group reads it yet: start `postroom streams worker`.")
    return "\n\n".join(parts)


def when(entry_id: str) -> str:
    """When an entry was added, as its id says."""
    milliseconds = int(entry_id.partition("-")[0])
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return "at no time"
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _group(group: Row) -> str:
    about = "at least " if group.get("queued_count_is_lower_bound") else ""
    line = (
        f"Group {group['name']}: {about}{group['queued_count']:,} waiting, "
        f"{group['pending_count']:,} in hand"
    )
    if group["oldest_pending_ms"] is not None:
        line += f", the oldest for {group['oldest_pending_ms'] / 1000:,.1f} s"
    if group["trimmed_count"]:
        line += f"; of {group['trimmed_count']:,} somebody trimmed the content"
    cells = [
        (each["name"], each["pending_count"], f"{each['idle_ms'] / 1000:,.1f} s", _life(each))
        for each in group["consumers"]
    ]
    table = columns(("CONSUMER", "IN HAND", "IDLE", "ALIVE"), cells) if cells else "No consumers."
    return f"{printable(line)}.\n{table}"


def _life(consumer: Row) -> str:
    return {True: "yes", False: "no", None: "unknown"}[consumer["alive"]]


def _state(state: Row) -> str:
    if state["name"] != "pending":
        return str(state["name"])
    times = number(state["deliveries"], "delivery", "deliveries")
    return f"{state['consumer']} for {state['idle_ms'] / 1000:,.1f} s, {times}"
