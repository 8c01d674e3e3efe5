"""The files of DATA_SYNC: JSON lines, and beside them a manifest with their checksum."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from handlers.parts import entities
from handlers.parts.database import snapshot
from handlers.parts.files import Place, checked, file_stem, newest, place, read, write
from handlers.parts.tables import JsonDict
from messages import DataSyncData, DataSyncMessage, JsonObject
from workers import Context, PermanentError

_LINES = ".jsonl"
_MANIFEST = ".manifest.json"
_REPORTS = 20  # progress is stored about this often, however many rows there are


class Manifest(BaseModel):
    """What a file must contain."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = Field(default=1, le=1)
    entity_type: str
    message_id: str
    created_at: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True)
class SourceFile:
    """A file to import: where it is, what it must contain, and a local copy of it."""

    url: str
    manifest: Manifest
    content: IO[bytes]


def target_file(message: DataSyncMessage, root: str) -> Place:
    """Where the file of a message goes; it is the same whenever the message runs.

    Args:
        message: A backup or an export.
        root: An fsspec URL of a folder or, for an export, of a `.jsonl` file.

    Raises:
        PermanentError: If the entity type or the kind of storage is unknown.
    """
    data = message.data
    entities.entity(data.entity_type)
    folder = place(root)
    if data.sync_type == "export" and folder.name.endswith(_LINES):
        return folder
    written = message.timestamp.astimezone(UTC)
    stem = f"{data.entity_type}-{written:%Y%m%dT%H%M%S%f}Z-{file_stem(message.message_id)}"
    day = (f"{written:%Y-%m-%d}",) if data.sync_type == "backup" else ()
    return folder.child(*day, f"{stem}{_LINES}")


def write_file(message: DataSyncMessage, target: Place, context: Context) -> JsonObject:
    """Write the chosen entities, then the manifest.

    Args:
        message: Which entities.
        target: Where.
        context: Is told how far it is.

    Returns:
        The handler's result.
    """
    name = message.data.entity_type
    with snapshot() as session:
        ids = entities.chosen_ids(session, name, message.data.entity_ids)
        rows = entities.count(session, name, ids)
        lines = entities.lines(session, name, ids)
        stored = write(target, _told(lines, rows, context), writer=message.message_id)
    manifest = Manifest(
        entity_type=name,
        message_id=message.message_id,
        created_at=message.timestamp.astimezone(UTC).isoformat(),
        rows=rows,
        size=stored.size,
        sha256=stored.sha256,
    )
    content = manifest.model_dump_json(indent=2).encode()
    write(_manifest_of(target), [content], writer=message.message_id)
    context.progress(1, f"{rows} rows written")
    return {"file": stored.url, "rows": rows, "sha256": stored.sha256}


@contextmanager
def opened(data: DataSyncData, root: str) -> Iterator[SourceFile]:
    """Open the file that an import reads, if its checksum is right.

    Args:
        data: The import.
        root: An fsspec URL of a `.jsonl` file, or of a folder; of a folder the newest file of the
            entity type.

    Yields:
        A local copy of the file.

    Raises:
        PermanentError: If there is no such file, it is damaged, or it holds other entities.
    """
    entities.entity(data.entity_type)
    source = _source(data, place(root))
    manifest = _manifest(source)
    if manifest.entity_type != data.entity_type:
        raise PermanentError(f"{source.url} holds {manifest.entity_type}, not {data.entity_type}.")
    with checked(source, manifest.sha256) as content:
        yield SourceFile(source.url, manifest, content)


def restore(session: Session, data: DataSyncData, file: SourceFile, context: Context) -> JsonObject:
    """Restore the entities of a file.

    Args:
        session: The transaction: all rows or none.
        data: Which entities; no ids means all in the file.
        file: The file.
        context: Is told how far it is.

    Returns:
        The handler's result.

    Raises:
        PermanentError: If the file lacks one of them, or a row does not fit its table.
    """
    records = _chosen(_told(file.content, file.manifest.rows, context), data, file.url)
    rows = entities.restore(session, data.entity_type, records)
    context.progress(1, f"{rows} rows restored")
    return {"file": file.url, "rows": rows, "sha256": file.manifest.sha256}


def _source(data: DataSyncData, root: Place) -> Place:
    if root.name.endswith(_LINES):
        return root
    found = newest(root, prefix=f"{data.entity_type}-", suffix=_MANIFEST)
    if found is None:
        raise PermanentError(f"There is no file of {data.entity_type} in {root.url}.")
    return found.beside(found.name.removesuffix(_MANIFEST) + _LINES)


def _chosen(lines: Iterable[bytes], data: DataSyncData, url: str) -> Iterator[JsonDict]:
    wanted = frozenset(data.entity_ids)
    missing = set(wanted)
    for number, line in enumerate(lines, start=1):
        try:
            record: Any = json.loads(line)
            row_id = record["id"]
        except (ValueError, KeyError, TypeError) as error:
            raise PermanentError(f"{url}, line {number}, is no row with an id.") from error
        if not wanted or row_id in wanted:
            missing.discard(row_id)
            yield record
    if missing:
        raise PermanentError(f"{url} does not hold {min(missing)!r}; nothing was restored.")


def _told(lines: Iterable[bytes], rows: int, context: Context) -> Iterator[bytes]:
    step = max(1, rows // _REPORTS)
    for number, line in enumerate(lines, start=1):
        yield line
        if number % step == 0:
            context.progress(number / (rows + 1), f"{number} of {rows} rows")


def _manifest(source: Place) -> Manifest:
    place_of_it = _manifest_of(source)
    try:
        return Manifest.model_validate_json(read(place_of_it))
    except ValidationError as error:
        raise PermanentError(f"{place_of_it.url} is no manifest that can be read.") from error


def _manifest_of(file: Place) -> Place:
    return file.beside(file.name.removesuffix(_LINES) + _MANIFEST)
