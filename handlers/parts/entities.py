"""Rows as JSON lines and back: what DATA_SYNC writes into files and restores from them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Enum, func, inspect, select
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from handlers.parts.tables import Activity, Base, JsonDict, Note, Plan, User, UtcDateTime
from workers import PermanentError

Entity = type[Note] | type[Activity] | type[User] | type[Plan]

ENTITIES: Mapping[str, Entity] = MappingProxyType(
    {"activity": Activity, "exercise_plan": Plan, "note": Note, "user": User}
)
"""What can be exported, by `entityType`. A plan includes its phases, sessions and exercises."""

_BATCH = 200  # rows in memory at a time, and ids in one statement


def entity(name: str) -> Entity:
    """The table of an entity type.

    Args:
        name: As in a message's `entityType`.

    Returns:
        The model.

    Raises:
        PermanentError: If there is no such type.
    """
    if name not in ENTITIES:
        raise PermanentError(f"There is no entity type {name!r}; known are {', '.join(ENTITIES)}.")
    return ENTITIES[name]


def chosen_ids(session: Session, name: str, ids: Sequence[str]) -> Sequence[str] | None:
    """Check that all wanted rows exist.

    Args:
        session: Where.
        name: The entity type.
        ids: The wanted ids; empty means all.

    Returns:
        The ids in order, each once; None for all rows.

    Raises:
        PermanentError: If one of them does not exist; it names the first.
    """
    model = entity(name)
    wanted = sorted(set(ids))
    for some in _batches(wanted):
        found = set(session.scalars(select(model.id).where(model.id.in_(some))))
        missing = next((row_id for row_id in some if row_id not in found), None)
        if missing is not None:
            raise PermanentError(f"There is no {name} {missing!r}; nothing was written.")
    return wanted or None


def count(session: Session, name: str, ids: Sequence[str] | None) -> int:
    """How many rows `lines` will give."""
    if ids is not None:
        return len(ids)
    return session.scalar(select(func.count()).select_from(entity(name))) or 0


def lines(session: Session, name: str, ids: Sequence[str] | None) -> Iterator[bytes]:
    """Rows as JSON lines. The same rows give the same bytes.

    Args:
        session: Where; a snapshot.
        name: The entity type.
        ids: Which ones; None means all.

    Yields:
        One line a row, in the order of their ids.
    """
    model = entity(name)
    for some in [None] if ids is None else _batches(ids):
        query = select(model).order_by(model.id)
        chosen = query if some is None else query.where(model.id.in_(some))
        # The models have no base with `id` in common, so mypy sees only that it is a row.
        rows: Iterable[Base] = session.scalars(chosen.execution_options(yield_per=_BATCH))
        for row in rows:
            text = json.dumps(_record(row), sort_keys=True, ensure_ascii=False, allow_nan=False)
            yield f"{text}\n".encode()
            session.expunge(row)


def restore(session: Session, name: str, records: Iterable[JsonDict]) -> int:
    """Write rows as they were exported, over what is there now.

    Args:
        session: The transaction.
        name: The entity type.
        records: What `parse` read.

    Returns:
        How many rows.

    Raises:
        PermanentError: If a record does not fit the table.
    """
    number = 0
    for number, record in enumerate(records, start=1):
        try:
            row = _row(entity(name), record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PermanentError(f"Row {number} of the file is no {name}: {error!r}.") from error
        session.merge(row)
        if number % _BATCH == 0:
            session.flush()
            session.expunge_all()
    return number


def _record(row: Base) -> JsonDict:
    mapper = inspect(type(row))
    record = {column.key: _plain(getattr(row, column.key)) for column in mapper.column_attrs}
    for relation in mapper.relationships:
        record[relation.key] = [_record(child) for child in getattr(row, relation.key)]
    return record


def _row(model: type[Base], record: Mapping[str, Any]) -> Base:
    mapper = inspect(model)
    values: dict[str, Any] = {}
    for key, value in record.items():
        if key in mapper.relationships:
            child = mapper.relationships[key].mapper.class_
            values[key] = [_row(child, each) for each in value]
        else:
            values[key] = _typed(mapper.column_attrs[key].columns[0].type, value)
    return model(**values)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(kind: TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return kind.enum_class(value)
    return value


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
