"""What a replay sends: a job of a queue, or an entry of the stream in which the message died."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from messages import Message
from workers import keys
from workers.dead_letters.letter import DeadLetter
from workers.record import JobRecord
from workers.routing import Priority
from workers.scripts import script
from workers.settings import Settings
from workers.streams.layouts import OURS
from workers.streams.naming import Naming
from workers.streams.wire import fields_of
from workers.wire import Stored


@dataclass(frozen=True)
class Resent:
    """A message on its way back.

    Args:
        id: The new message's id.
        script: What stores it, as Lua that takes `KEYS` and `ARGV`.
        keys: For the script.
        arguments: For the script.
    """

    id: str
    script: str
    keys: Sequence[str]
    arguments: Sequence[Stored]


def to_queue(record: JobRecord) -> Resent:
    """As a job.

    Args:
        record: The job.
    """
    return Resent(record.id, script("workers", "enqueue"), record.keys, record.arguments)


def to_stream(message: Message, letter: DeadLetter, *, settings: Settings) -> Resent:
    """As an entry of the stream in which a message died, for the group in which it did.

    Args:
        message: What to send.
        letter: Of the message that died.
        settings: How streams are called.
    """
    stream, group = str(letter.options["stream"]), letter.options.get("group", "")
    name = Naming(settings.stream_template).read(stream)
    own = json.dumps({"restarts": 0, "group": group, "meta": {}})
    fields = (*fields_of(message, Priority(name.priority)), OURS, own)
    arguments = (keys.our_prefix(), stream, name.tenant, *fields)
    return Resent(message.message_id, script("workers.streams", "add_entry"), (), arguments)


def is_of_stream(letter: DeadLetter) -> bool:
    """Whether a letter's message died in a stream."""
    return bool(letter.options.get("stream"))
