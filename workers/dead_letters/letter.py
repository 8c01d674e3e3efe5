"""What a dead letter is, the short form that lists show, and both as text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from pydantic import ConfigDict

from workers.tenants import mark_of

MAX_DATA = (
    300_000  # bytes kept of what could not be read as a message; a message has at most 256 kB
)
_LONGEST_LINE = 1_000  # characters of an error in the short form


@dataclass(frozen=True)
class DeadLetter:
    """One message that died.

    Args:
        job_id: The job's id; the letter's too.
        message_type: Its wire name; None if it could not be read.
        queue: The name of the list it was in.
        reason: `permanent`, `exhausted`, `timeout`, `memory`, `stuck`, `invalid_payload`,
            `unknown_type`, `no_upcaster`, `not_json`, `too_large`, `foreign_function`, `corrupt`,
            `expired`, `crash`, `crash_loop`, `delivery_limit`, `stopped`
            or `parent_failed`.
        error: What went wrong, in a line.
        traceback: Where; empty if no handler raised it.
        buried_at: ISO 8601, UTC.
        envelope: The message as it was sent, or as it was edited; text if it was no JSON object.
        attempts: The history, oldest first.
        options: What its sender said of `attempts`, `backoff` and `timeout`; a replay keeps it. Of
            one that died in a stream, the key of the `stream` and the `group`.
        edits: Who changed the envelope, when, why and how, oldest first.
        spilled: Whether the rest of it stands in the spill file only.
        tenant: Whose it is, as `tenant_mark` writes it, of a spilled one; of others the envelope
            says it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    job_id: str
    message_type: str | None
    queue: str
    reason: str
    error: str
    buried_at: str
    envelope: Any = None  # whatever was sent
    traceback: str = ""
    attempts: Sequence[dict[str, Any]] = ()
    options: dict[str, Any] = field(default_factory=dict)
    edits: Sequence[dict[str, Any]] = ()
    spilled: bool = False
    tenant: str = ""


@dataclass(frozen=True)
class Summary:
    """What a list shows of a letter.

    Args:
        job_id: As the letter's, like all that follow.
        message_type: Its wire name, or None.
        queue: The name of its list.
        reason: Why it died.
        error: The first 1,000 characters.
        buried_at: ISO 8601, UTC.
        attempts: How many the history holds.
        edits: How often it was edited.
        spilled: Whether it must be imported before it can be repaired.
        fingerprint: Of the failure that it died of; empty if that has none.
        tenant: Whose it is, as `tenant_mark` writes it; empty if it is nobody's, or was buried by a
            release that did not say it.
    """

    job_id: str
    message_type: str | None
    queue: str
    reason: str
    error: str
    buried_at: str
    attempts: int
    edits: int
    spilled: bool
    fingerprint: str = ""
    tenant: str = ""


def summary(letter: DeadLetter) -> Summary:
    """The short form of a letter."""
    return Summary(
        job_id=letter.job_id,
        message_type=letter.message_type,
        queue=letter.queue,
        reason=letter.reason,
        error=letter.error[:_LONGEST_LINE],
        buried_at=letter.buried_at,
        attempts=len(letter.attempts),
        edits=len(letter.edits),
        spilled=letter.spilled,
        fingerprint=_fingerprint(letter),
        tenant=tenant_of(letter),
    )


def tenant_of(letter: DeadLetter) -> str:
    """Whose a letter is, as `tenant_mark` writes it; empty if it is nobody's."""
    return letter.tenant if letter.spilled else mark_of(letter.envelope)


def _fingerprint(letter: DeadLetter) -> str:
    # Who died otherwise, as by a crash, may have failed before; that is not what it died of.
    last = letter.attempts[-1] if letter.attempts else {}
    found = last.get("fingerprint") if last.get("outcome") in {"dead", "crashed"} else None
    return found if isinstance(found, str) else ""


def as_text(value: DeadLetter | Summary) -> str:
    """One line of JSON."""
    return json.dumps(asdict(value))


def letter_of(text: bytes | str) -> DeadLetter:
    """The letter that `as_text` wrote."""
    return DeadLetter(**json.loads(text))


def summary_of(text: bytes) -> Summary:
    """The short form that `as_text` wrote."""
    return Summary(**json.loads(text))


def message_id(letter: DeadLetter) -> str:
    """The id of the message that died: the job's, unless the envelope has its own."""
    envelope = letter.envelope if isinstance(letter.envelope, Mapping) else {}
    own = envelope.get("messageId")
    return own if isinstance(own, str) else letter.job_id
