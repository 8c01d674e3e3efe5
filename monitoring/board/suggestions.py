"""How a search of jobs may go on: names of qualifiers, then their values. Only reads."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from messages import Message, message_types
from messages.schema import json_schema
from monitoring.board.asking import written
from monitoring.errors import InvalidQuery
from monitoring.jobs.listing import STATES, used_queues
from monitoring.search.pairs import pairs_of
from monitoring.search.query import EXCLUDABLE, QUALIFIERS
from workers import keys
from workers.connection import storage_errors
from workers.indexing import entry_from, indexed_fields

_MOST = 8  # options
_NEWEST = 400  # jobs of a type among which values are counted
_NOTES: Mapping[str, str] = {
    "type": "a message type",
    "queue": "",
    "state": "waiting, failed, delayed…",
    "id": "an id, or how it begins",
    "error": "words of an error",
    "since": "sent then or later: 2h, 30m",
    "until": "sent then or earlier",
    "wait": "waited: >5m, <30s",
    "run": "ran: >5m, <30s",
    "tenant": "whose it is",
}
_SPANS = ("15m", "1h", "6h", "24h", "7d")
_BOUNDS = (">10s", ">1m", ">5m", ">30m", ">1h", "<1s")
_FIXED: Mapping[str, Sequence[tuple[str, str]]] = {
    **{name: [(each, "ago") for each in _SPANS] for name in ("since", "until")},
    **{name: [(each, "") for each in _BOUNDS] for name in ("wait", "run")},
    "state": [(state, "") for state in STATES],
}
_TYPED = re.compile(r"(?:([\w.\-]+):)?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Option:
    """One way to go on.

    Args:
        text: What then stands in the field.
        before: What of it is shown plain.
        bold: And what is new in it.
        note: What it is, or how often there is such a job.
        is_whole: Whether it is a whole qualifier, with its value.
    """

    text: str
    before: str
    bold: str
    note: str
    is_whole: bool = False


@dataclass(frozen=True)
class Suggestions:
    """Ways to go on.

    Args:
        title: What they are.
        options: Up to eight.
        nothing: What is said where there are none.
    """

    title: str
    options: Sequence[Option]
    nothing: str = "Press Enter to search"


def suggestions(
    chosen: str, typed: str, *, tenant: str | None, connection: redis.Redis
) -> Suggestions:
    """What fits what is typed.

    Args:
        chosen: The qualifiers that are there already.
        typed: What stands in the field.
        tenant: The only one whose jobs may be seen; then values are not told, which others
            may have.
        connection: Where values are read, in up to two round trips.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    found = _TYPED.fullmatch(typed.strip())
    name, begin = (found[1] or "", found[2].strip('"')) if found else ("", typed)
    asked = _pairs(chosen)
    kinds = _kinds(asked)
    if not name:
        return Suggestions("Search by", list(_names(begin, asked, kinds))[:_MOST])
    plain = name.removeprefix("-")
    if name != plain and plain not in EXCLUDABLE:
        return Suggestions(f"Values of {name}", [], f"{plain} cannot be left out")
    with storage_errors():
        values = _values(plain, begin, kinds, tenant, connection)
    options = [
        Option(written(name, value), f"{name}:", value, note, is_whole=True)
        for value, note in values
        if value.casefold().startswith(begin.casefold())
    ]
    title = f"Values of {name}"
    if plain not in QUALIFIERS:
        title += f" in the newest {_NEWEST} jobs of {' and '.join(kinds[:2])}"
    return Suggestions(title, options[:_MOST])


def _pairs(text: str) -> Mapping[str, str]:
    try:
        return dict(pairs_of(text))
    except InvalidQuery:
        return {}


def _kinds(asked: Mapping[str, str]) -> Sequence[str]:
    chosen = asked.get("type", "").upper()
    return [chosen] if chosen in message_types() else list(message_types())


def _names(begin: str, asked: Mapping[str, str], kinds: Sequence[str]) -> Iterator[Option]:
    out = ((f"-{name}", f"all but those of a {name}") for name in EXCLUDABLE)
    for name, note in (*_NOTES.items(), *_fields(kinds), *out):
        if name not in asked and name.casefold().startswith(begin.casefold()):
            cut = len(begin)
            yield Option(f"{name}:", name[:cut], f"{name[cut:]}:", note)


def _fields(kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The fields that are indexed, with their type and of which messages they are."""
    of: dict[str, list[str]] = {}
    shapes: dict[str, str] = {}
    for kind in kinds:
        for name, shape in _indexed(kind):
            of.setdefault(name, []).append(kind)
            shapes[name] = shape
    for name, having in of.items():
        more = f" and {len(having) - 1} more" if len(having) > 1 else ""
        yield name, f"{shapes[name]}, of {having[0]}{more}"


def _indexed(kind: str) -> Iterator[tuple[str, str]]:
    fields: Any = _payload(message_types()[kind]).model_fields
    data = _schema_of_data(kind)
    for name in indexed_fields(_payload(message_types()[kind])):
        alias = fields[name].alias or name
        shape = data.get(alias, {})
        yield alias if alias not in QUALIFIERS else f"data.{alias}", str(shape.get("type", "value"))


def _schema_of_data(kind: str) -> Mapping[str, Any]:
    schema = json_schema(kind)
    name = schema["properties"]["data"].get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schema.get("$defs", {}).get(name, {}).get("properties", {})
    return found


def _payload(message: type[Message]) -> Any:
    return message.model_fields["data"].annotation


def _values(
    name: str, begin: str, kinds: Sequence[str], tenant: str | None, connection: redis.Redis
) -> Sequence[tuple[str, str]]:
    if name == "type":
        return [(kind, "message type") for kind in message_types()]
    if name in _FIXED:
        return _FIXED[name]
    if name == "queue" and tenant is None:
        return [(queue, "queue") for queue in used_queues(connection)]
    if name in QUALIFIERS or tenant is not None:
        return ()
    return _of_messages(name, begin, kinds, connection)


def _of_messages(
    name: str, begin: str, kinds: Sequence[str], connection: redis.Redis
) -> Sequence[tuple[str, str]]:
    """What the newest messages have, the most frequent first, then others that begin so."""
    having = [kind for kind in kinds if name in dict(_indexed(kind))]
    fields = {kind: _python_name(kind, name) for kind in having}
    least = f"[{begin}".encode()
    with connection.pipeline(transaction=False) as pipe:
        for kind, field in fields.items():
            pipe.lrange(keys.index(kind), -_NEWEST, -1)
            pipe.zrangebylex(
                keys.index_field(kind, field), least, least + b"\xff", start=0, num=_MOST
            )
        answers = pipe.execute() if fields else []
    counted: Counter[str] = Counter()
    others: dict[str, None] = {}
    for field, lines, members in zip(fields.values(), answers[::2], answers[1::2], strict=True):
        counted.update(filter(None, (entry_from(line).values.get(field) for line in lines)))
        others.update(dict.fromkeys(each.decode().partition("\n")[0] for each in members))
    told = [(value, _times(number)) for value, number in counted.most_common()]
    return [*told, *((value, "") for value in others if value not in counted)]


def _times(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"


def _python_name(kind: str, name: str) -> str:
    fields: Any = _payload(message_types()[kind]).model_fields
    alias = name.removeprefix("data.")
    return next((each for each, field in fields.items() if field.alias == alias), alias)
