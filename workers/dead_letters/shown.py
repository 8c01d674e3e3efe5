"""Dead letters as the CLI and the HTTP API show them: wire names, secrets masked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from messages.masking import masked
from workers.clock import shown_text
from workers.dead_letters.edits import Change
from workers.dead_letters.files import Imported
from workers.dead_letters.letter import DeadLetter, Summary
from workers.dead_letters.selection import cursor_of
from workers.redaction import redacted_value
from workers.routing import priority_in, queue_of

Json = dict[str, Any]


def as_listed(letter: Summary) -> Json:
    """A letter in a list; `cursor` is where the letters after it begin, `queue` as of its job."""
    return {
        "jobId": letter.job_id,
        "messageType": letter.message_type,
        "queue": queue_of(letter.queue),
        "priority": priority_in(letter.queue).value,
        "reason": letter.reason,
        "error": letter.error,
        "buriedAt": shown_text(letter.buried_at),
        "attempts": letter.attempts,
        "edits": letter.edits,
        "spilled": letter.spilled,
        "fingerprint": letter.fingerprint or None,
        "cursor": cursor_of(letter),
    }


def as_shown(letter: DeadLetter) -> Json:
    """A whole letter, its secrets masked; of what is no message, whatever looks like one."""
    return {
        "jobId": letter.job_id,
        "messageType": letter.message_type,
        "queue": queue_of(letter.queue),
        "priority": priority_in(letter.queue).value,
        "reason": letter.reason,
        "error": letter.error,
        "buriedAt": shown_text(letter.buried_at),
        "message": _without_secrets(letter.envelope),
        "options": letter.options,
        "attempts": [shown_attempt(entry) for entry in letter.attempts],
        "edits": [{**each, "at": shown_text(each.get("at", ""))} for each in letter.edits],
        "spilled": letter.spilled,
        "traceback": letter.traceback,
    }


def shown_attempt(entry: Mapping[str, Any]) -> Json:
    """An attempt that did not succeed, of a letter or of a job's history."""
    told = {_camel_name(name): value for name, value in entry.items()}
    return {**told, "startedAt": shown_text(told.get("startedAt", ""))}


def as_changes(changes: Sequence[Change]) -> list[Json]:
    """What an edit changed."""
    return [asdict(change) for change in changes]


def as_counts(found: Imported) -> Json:
    """What an import did."""
    return {
        "imported": found.imported,
        "restored": found.restored,
        "skipped": found.skipped,
        "skippedBecause": {
            "there": found.there,
            "replayed": found.replayed,
            "requeued": found.requeued,
        },
        "replayedAs": dict(found.successors),
        "refused": found.refused,
        "refusedLines": [asdict(line) for line in found.lines],
    }


def _without_secrets(envelope: Any) -> Any:
    if isinstance(envelope, Mapping) and isinstance(envelope.get("messageType"), str):
        return masked(envelope)
    return redacted_value(masked(envelope))


def _camel_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
