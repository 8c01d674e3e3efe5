"""Dead letters as lines for a person who was just woken up."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitoring.words import first_line, number, span
from postroom.columns import columns, printable
from workers.dead_letters import Bulk, Change, Imported, Refusal, Summary
from workers.routing import Priority, queue_of

_LONGEST_ERROR = 100
_IDS_SHOWN = 20
_TRACEBACK_LINES = 12


def letters_table(letters: Sequence[Summary], *, now: datetime, more: str | None) -> str:
    """The list.

    Args:
        letters: What was found, newest first.
        now: The time, for the ages.
        more: The cursor of what follows, if there is more.
    """
    if not letters and more is None:
        return "No dead letters."
    header = ("JOB", "TYPE", "QUEUE", "REASON", "BURIED", "TRIES", "ERROR")
    rows = [_row(letter, now) for letter in letters]
    lines = [columns(header, rows)]
    if any(letter.spilled for letter in letters):
        lines.append("* its message is in the spill file: `postroom dead-letters import FILE`.")
    if more is not None:
        lines.append(f"There are more: --cursor '{more}'.")
    return "\n".join(lines)


def _row(letter: Summary, now: datetime) -> tuple[str | int, ...]:
    age = (now - datetime.fromisoformat(letter.buried_at)).total_seconds()
    return (
        letter.job_id + ("*" if letter.spilled else ""),
        letter.message_type or "-",
        queue_of(letter.queue),
        letter.reason,
        f"{span(max(age, 0.0))} ago",
        letter.attempts,
        _first_line(letter.error),
    )


def _place(found: Mapping[str, Any]) -> str:
    beside = "" if found["priority"] == Priority.NORMAL else f", priority {found['priority']}"
    return f"{found['queue']}{beside}"


def letter_page(found: Mapping[str, Any]) -> str:
    """One letter.

    Args:
        found: What `as_shown` returned.
    """
    job_id = found["jobId"]
    lines = [
        f"{found['messageType'] or 'Unreadable message'} {job_id}",
        f"  buried at {found['buriedAt']}, from queue {_place(found)}",
        f"  reason: {found['reason']}",
        f"  error: {found['error']}",
        *(_attempt(entry) for entry in found["attempts"]),
        *(line for entry in found["edits"] for line in _edit(entry)),
    ]
    if found["traceback"]:
        tail = found["traceback"].strip().splitlines()[-_TRACEBACK_LINES:]
        lines += ["Where:", *(f"  {line}" for line in tail)]
    lines += _message(found)
    return "\n".join(printable(line) for line in lines)


def _message(found: Mapping[str, Any]) -> list[str]:
    if found["spilled"]:
        return ["Its message is in the spill file: `postroom dead-letters import FILE` first."]
    text = json.dumps(found["message"], indent=2, ensure_ascii=False)
    return ["Message:", *(f"  {line}" for line in text.splitlines()), *_next_steps(found)]


def _next_steps(found: Mapping[str, Any]) -> list[str]:
    job_id = found["jobId"]
    if found["messageType"] is None or not isinstance(found["message"], Mapping):
        return [
            "It cannot be sent again as it is: `postroom send` what was meant, then",
            f"  postroom dead-letters purge {job_id}",
        ]
    return [
        f"Send it again: postroom dead-letters replay {job_id}",
        f"""With other data: postroom dead-letters replay {job_id} --data '{{"field": "value"}}'""",
    ]


def _attempt(entry: Mapping[str, Any]) -> str:
    error = _first_line(str(entry.get("error", "")))
    return f"  attempt {entry.get('number')}: {entry.get('outcome')}, {error}"


def _first_line(text: str) -> str:
    line = first_line(text)
    return line if len(line) <= _LONGEST_ERROR else f"{line[: _LONGEST_ERROR - 1]}…"


def _edit(entry: Mapping[str, Any]) -> list[str]:
    head = f"  edited by {entry['actor']} at {entry['at']}: {entry['reason']}"
    return [head, *(f"    {line_of(change)}" for change in entry["changes"])]


def changes_text(job_id: str, changes: Sequence[Change]) -> str:
    """What an edit changed.

    Args:
        job_id: The letter's job.
        changes: The differences.
    """
    if not changes:
        return f"Nothing to change: {job_id} is like that already."
    lines = [line_of(vars(change)) for change in changes]
    return "\n".join(printable(line) for line in (f"Changed {job_id}:", *lines, "Now replay it."))


def line_of(change: Mapping[str, Any]) -> str:
    """One difference, such as `data.to: "a" -> "b"`."""
    before, after = (json.dumps(change[name], ensure_ascii=False) for name in ("before", "after"))
    return f"{change['field']}: {before} -> {after}"


def replayed_text(bulk: Bulk) -> str:
    """What a bulk replay did."""
    return f"Replayed {number(len(bulk.job_ids), 'dead letter')}."


def purged_text(bulk: Bulk) -> str:
    """What a bulk purge did."""
    return f"Purged {number(len(bulk.job_ids), 'dead letter')}."


def dry_text(would: str, bulk: Bulk) -> str:
    """What a bulk would do.

    Args:
        would: The word for it, such as `replay`.
        bulk: Its letters.
    """
    shown = [f"  {job_id}" for job_id in bulk.job_ids[:_IDS_SHOWN]]
    if len(bulk.job_ids) > _IDS_SHOWN:
        shown.append(f"  ... and {len(bulk.job_ids) - _IDS_SHOWN:,} others (--json lists all)")
    return "\n".join(
        [
            f"Would {would} {number(len(bulk.job_ids), 'dead letter')}; nothing was changed.",
            *shown,
            "The same command without --dry-run takes just these, within 15 minutes.",
        ]
    )


def refusals_text(refused: Sequence[Refusal]) -> str:
    """The letters that stay where they are, and why.

    Args:
        refused: At least one.
    """
    lines = [f"  {each.job_id}: {each.error}" for each in refused[:_IDS_SHOWN]]
    head = f"{number(len(refused), 'letter')} cannot be replayed as it is, and stays:"
    if len(refused) > 1:
        head = f"{number(len(refused), 'letter')} cannot be replayed as they are, and stay:"
    return "\n".join(printable(line) for line in (head, *lines))


def import_text(found: Imported) -> str:
    """What an import did.

    Args:
        found: Its counts.
    """
    counts = (number(found.imported, "dead letter"), f"{found.restored:,}", f"{found.there:,}")
    lines = [
        "Imported {}, filled in {} that were spilled, skipped {} that were there.".format(*counts)
    ]
    if found.replayed:
        lines.append(f"Skipped {found.replayed:,} that were replayed since, under new ids.")
    if found.requeued:
        lines.append(f"Skipped {found.requeued:,} whose jobs were requeued since.")
    if found.refused:
        lines.append(f"Refused {number(found.refused, 'line')}:")
        lines += [f"  line {each.line}: {each.error}" for each in found.lines[:_IDS_SHOWN]]
    return "\n".join(lines)
