"""What the index holds of a message: the values of its fields that are marked `Indexed`.

The script that stores a job writes them too, so a job is never without its place in the index.
For each type there is a list of its newest jobs, and for each field a sorted set whose members
all have the score 0, so that Redis keeps them in the order of their text: a value, a line break,
a job's id. `matching` gives the range of one value in it. Each of these keys has a second one, the
older half: when the newer one has INDEX_JOBS / 2 jobs or is INDEX_DAYS / 2 old, it takes the place
of the older, which is dropped. A search looks into both, and passes over jobs that are gone.
"""

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import to_json

from messages import Indexed, Message, Payload, Secret
from messages.fields import marked_fields
from messages.masking import SECRET_NAME

LONGEST_VALUE = 100
"""Characters of a value that the index holds as it is; of a longer one it holds a digest."""

_DIGEST_DIGITS = 32


class LexRange(NamedTuple):
    """The ends of a range for ZRANGE BYLEX and ZLEXCOUNT; the last member is the newest id."""

    least: bytes
    most: bytes


class IndexEntry(NamedTuple):
    """One line of a type's list.

    Args:
        time_ms: When the job was stored, in ms since 1970 by Redis' clock.
        job_id: The job.
        values: Field to value, as `indexed_value` writes it.
    """

    time_ms: int
    job_id: str
    values: dict[str, str]


def marks_of(message: Message) -> str:
    """What the enqueue script is told of a message whose type has indexed fields.

    Args:
        message: The message.

    Returns:
        A line `field:value` for each field that has a value.
    """
    data, lines = message.data, []
    for name in indexed_fields(type(data)):
        value = indexed_value(getattr(data, name))
        if value:
            lines.append(f"{name}:{value}")
    return "\n".join(lines)


@lru_cache(maxsize=1_000)
def indexed_fields(payload: type[Payload]) -> tuple[str, ...]:
    """The fields of a payload that the index holds.

    Args:
        payload: The class of a message's `data`.

    Returns:
        Python names. A field that is marked `Secret`, or named like a secret, is none of them.
    """
    secret = marked_fields(payload, Secret)
    return tuple(
        name
        for name in marked_fields(payload, Indexed)
        if name not in secret and not SECRET_NAME.search(name)
    )


def indexed_value(value: Any) -> str | None:
    """A value as the index holds it; a search must ask for the same.

    Args:
        value: Of a message's field.

    Returns:
        Text as it is, anything else as its JSON, such as `5` or `true`. Of text that is longer
        than 100 characters or has a line break or another control character, `sha256:` and 32
        digits of its digest. None for null, objects and lists, which are
        not indexed; nor is empty text.
    """
    if type(value) is not str:
        value = _as_text(value)
    if value is None or (len(value) <= LONGEST_VALUE and value.isprintable()):
        return value  # type: ignore[no-any-return]  # it is text, or None
    digest = hashlib.sha256(value.encode(errors="replace")).hexdigest()
    return f"sha256:{digest[:_DIGEST_DIGITS]}"


def matching(value: Any) -> LexRange:
    """Where the jobs with a value stand in a field's sorted set.

    Args:
        value: What to look for; text, or what the message's field holds.

    Returns:
        The range. Its members are the value, a line break, and a job's id.
    """
    text = (indexed_value(value) or "").encode()
    return LexRange(b"[%s\n" % text, b"(%s\v" % text)


def entry_from(line: bytes) -> IndexEntry:
    """Read one line of a type's list.

    Args:
        line: As the enqueue script wrote it.

    Returns:
        When, which job, and its values.
    """
    head, *marks = line.decode().split("\n")
    time_ms, _, job_id = head.partition(" ")
    values = dict(mark.split(":", 1) for mark in marks if mark)
    return IndexEntry(int(time_ms), job_id, values)


def _as_text(value: Any) -> str | None:
    text = to_json(value).decode()
    if text == "null" or text[0] in "[{":
        return None
    return str(value) if isinstance(value, str) else text.strip('"')
