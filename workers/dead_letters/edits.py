"""Changing a dead letter's data, checked against its type, with a record of what was changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import redis
from pydantic import JsonValue

from messages import Message, UnknownSchemaVersion, message_class, new_message
from messages.errors import InvalidMessage
from messages.masking import masked
from workers import audit, keys
from workers.audit import By
from workers.clock import utc_now
from workers.connection import storage_errors
from workers.dead_letters.errors import LetterChanged, NotReplayable
from workers.dead_letters.letter import DeadLetter, as_text, letter_of, message_id, summary
from workers.dead_letters.masks import refuse_masks
from workers.dead_letters.store import letter_keys, not_found, stored_text, with_tenants

TRIES = 5
"""How often a letter is read again if somebody else changed it meanwhile."""

NAMES_KEPT = 50
"""Paths of changes that the audit log keeps of one."""
LONGEST_PATH = 100
"""Characters of such a path."""

_NEW_EACH_TIME = frozenset({"messageId", "messageType", "timestamp", "schemaVersion", "data"})


@dataclass(frozen=True)
class Change:
    """One value that an edit changed; secret ones are masked.

    Args:
        field: Its wire path, such as `data.to`.
        before: What it was; None if it was not there.
        after: What it is; None if it is not there any more.
    """

    field: str
    before: Any
    after: Any


def edit(
    job_id: str,
    data: Mapping[str, Any],
    *,
    by: By,
    connection: redis.Redis,
) -> Sequence[Change]:
    """Change a letter's data for good; a later replay sends what it is then.

    Args:
        job_id: The letter's job.
        data: What to change, merged as in `merged`.
        by: Who does it, and why.
        connection: Where.

    Returns:
        What was changed; nothing is stored if that is nothing.

    Raises:
        DeadLetterNotFound: If there is no such letter.
        NotReplayable: If it holds no message.
        InvalidMessage: If the data does not fit the type; nothing is changed.
        LetterChanged: If somebody else keeps on changing it.
    """
    by.entry("dead_letter.edit", target=job_id)
    with storage_errors():
        for _ in range(TRIES):
            stored = stored_text(job_id, connection=connection)
            letter = letter_of(stored)
            successor(letter, data)
            found = changes(letter, data)
            if not found or _store(letter, stored, data, found, by, connection):
                return found
    raise changed_meanwhile(job_id)


def successor(letter: DeadLetter, data: Mapping[str, Any] | None = None) -> Message:
    """The message that a replay of a letter sends: a new id, and the lineage of the dead one.

    Args:
        letter: The letter.
        data: What to change in its data.

    Raises:
        NotReplayable: If the letter holds no message.
        InvalidMessage: If the data does not fit the type, or its version has passed.
    """
    envelope = _envelope(letter)
    cls = message_class(envelope["messageType"])
    _check_version(envelope, cls, was_mended=data is not None or bool(letter.edits))
    known = {field.alias for field in cls.model_fields.values()}
    rest = {name: value for name, value in envelope.items() if name not in _NEW_EACH_TIME}
    if unknown := sorted(set(rest) - known):
        raise InvalidMessage(
            f"{cls.__name__} has no field {unknown[0]!r}.",
            field=unknown[0],
            remedy="Deploy the release that knows it here, and repeat.",
        )
    metadata = rest.get("metadata") or {}
    if isinstance(metadata, Mapping):  # else the check of the whole message says what is wrong
        rest["metadata"] = {**metadata, "replayOf": letter.job_id}
    rest["causationId"] = message_id(letter)
    rest["correlationId"] = envelope.get("correlationId") or message_id(letter)
    after = merged(envelope.get("data"), data)
    if data is not None:
        refuse_masks(envelope, after)
    return new_message(envelope["messageType"], after, **rest)


def merged(data: Any, patch: Mapping[str, Any] | None) -> Any:
    """A value with a merge patch (RFC 7396): objects are merged, null removes, all else is set.

    Args:
        data: The value as it is.
        patch: The changes; None changes nothing.

    Returns:
        The new value; the given one stays as it is.
    """
    if patch is None:
        return data
    result = dict(data) if isinstance(data, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            is_object = isinstance(value, Mapping)
            result[name] = merged(result.get(name), value) if is_object else value
    return result


def changes(letter: DeadLetter, data: Mapping[str, Any] | None) -> Sequence[Change]:
    """What a merge changes in a letter's data.

    Args:
        letter: The letter; it must hold a message.
        data: What to merge.

    Returns:
        The changed values in the order of their paths, secret ones masked.
    """
    envelope = _envelope(letter)
    before = envelope.get("data")
    after = merged(before, data)
    shown = [masked({**envelope, "data": tree})["data"] for tree in (before, after)]
    return [
        Change(".".join(("data", *path)), *(_at(tree, path) for tree in shown))
        for path in sorted(_changed(before, after, ()))
    ]


def changed_fields(found: Sequence[Change]) -> list[JsonValue]:
    """The paths of the first 50 changes, for the audit log: no values, and not too long for it."""
    return [change.field[:LONGEST_PATH] for change in found[:NAMES_KEPT]]


def changed_meanwhile(job_id: str) -> LetterChanged:
    """The error for a letter that others change faster than it can be written."""
    return LetterChanged(
        f"The dead letter of job {job_id} was changed {TRIES} times meanwhile.", field="job_id"
    )


def _store(  # noqa: PLR0913, PLR0917 - the facts of one edit
    letter: DeadLetter,
    stored: bytes,
    data: Mapping[str, Any],
    found: Sequence[Change],
    by: By,
    connection: redis.Redis,
) -> bool:
    """Write it with its audit entry; returns False if the letter was changed since it was read."""
    made = by.entry(
        "dead_letter.edit",
        target=letter.job_id,
        details={"messageType": letter.message_type, "fields": changed_fields(found)},
    )
    edited = _edited(letter, data, found, made)
    texts = (stored, as_text(edited), as_text(summary(edited)))
    outcome = connection.register_script(with_tenants("edit_letter"))(
        keys=[*letter_keys(letter.job_id), keys.audit()],
        args=[letter.job_id, *texts, *audit.arguments(made)],
    )
    if outcome == b"gone":
        raise not_found(letter.job_id)
    if outcome == b"edited":
        audit.tell(made)
    return bool(outcome == b"edited")


def _edited(
    letter: DeadLetter, data: Mapping[str, Any], found: Sequence[Change], made: audit.AuditEntry
) -> DeadLetter:
    envelope = {**letter.envelope, "data": merged(letter.envelope.get("data"), data)}
    record = {
        "at": utc_now().isoformat(),
        "actor": made.actor,
        "reason": made.reason,
        "changes": [asdict(change) for change in found],
    }
    return replace(letter, envelope=envelope, edits=(*letter.edits, record))


def _envelope(letter: DeadLetter) -> dict[str, Any]:
    if letter.spilled:
        raise NotReplayable(
            f"The message of job {letter.job_id} stands in the spill file only.",
            field="job_id",
            remedy="`postroom dead-letters import FILE` brings it back; FILE is DEAD_LETTER_SPILL.",
        )
    envelope = letter.envelope
    if isinstance(envelope, dict) and isinstance(envelope.get("messageType"), str):
        return envelope
    raise NotReplayable(
        f"The letter of job {letter.job_id} ({letter.reason}) holds no message of ours.",
        field="job_id",
        remedy="Look at it with `postroom dead-letters show`, send what was meant with "
        "`postroom send`, and purge it.",
    )


def _check_version(envelope: Mapping[str, Any], cls: type[Message], *, was_mended: bool) -> None:
    written = envelope.get("schemaVersion", 1)
    if not isinstance(written, int):
        return
    if written > cls.version:
        raise UnknownSchemaVersion(
            f"The letter has version {written}; this release knows up to {cls.version}.",
            field="schemaVersion",
        )
    if written < cls.version and not was_mended:
        raise InvalidMessage(
            f"The letter has version {written}; this release writes {cls.version}.",
            field="schemaVersion",
            remedy="Edit its data to what the newer version needs, then replay it.",
            code="no_upcaster",
        )


def _changed(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            if name not in before or name not in after:
                yield (*path, name)
            else:
                yield from _changed(before[name], after[name], (*path, name))
    elif type(before) is not type(after) or before != after:
        yield path


def _at(tree: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(tree, Mapping):
            return tree  # all of it is masked
        tree = tree.get(name)
    return tree
