"""The index that a search looks into: for each type of messages two halves, and its fields."""

from collections.abc import Mapping, Sequence

from messages import Message, Payload
from monitoring.history.kinds import Found, Kind, Saving
from monitoring.history.proposals import fewer
from monitoring.history.rounds import Reading, size_of
from monitoring.packing import command
from workers import keys
from workers.indexing import indexed_fields
from workers.settings import Settings


def search_index(types: Mapping[str, type[Message]], settings: Settings) -> Reading[Found]:
    """Measure all keys of the index, in one round trip.

    Args:
        types: The message types that this process knows, by their wire names.
        settings: How much is kept.
    """
    fields = {name: _fields(message) for name, message in types.items()}
    asked = {name: _keys(name, of) for name, of in fields.items() if of}
    commands = [
        each
        for name, of in asked.items()
        for each in (*_lengths(name), *(size_of(key) for key in of))
    ]
    answers = iter((yield commands))
    entries = size = 0
    saved = 0.0
    instead = fewer(settings.index_jobs)
    for of in asked.values():
        length = sum(int(next(answers) or 0) for _ in range(2))
        taken = sum(int(next(answers) or 0) for _ in of)
        entries, size = entries + length, size + taken
        saved += taken * max(0, length - instead) / max(1, length)
    measured = sum(map(len, asked.values()))
    names = ("INDEX_JOBS", "INDEX_DAYS")
    kind = Kind("searchIndex", entries, size, measured, settings=names)
    return Found((kind,), (Saving(names[0], instead, round(saved)),))


def _fields(message: type[Message]) -> Sequence[str]:
    payload = message.model_fields["data"].annotation
    is_one = isinstance(payload, type) and issubclass(payload, Payload)
    return indexed_fields(payload) if is_one else ()  # type: ignore[arg-type]


def _keys(name: str, fields: Sequence[str]) -> Sequence[str]:
    halves = [keys.index(name), keys.older_index(name)]
    newer = [keys.index_field(name, field) for field in fields]
    return [*halves, *newer, *(keys.older_index_field(name, field) for field in fields)]


def _lengths(name: str) -> Sequence[bytes]:
    return [command("LLEN", key) for key in (keys.index(name), keys.older_index(name))]
