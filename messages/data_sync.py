"""DATA_SYNC: back up, export or import entities."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import Indexed, LogField

SyncType = Literal["backup", "export", "import"]


class DataSyncData(Payload):
    """What to do with which entities, and where the file is."""

    sync_type: SyncType
    entity_type: Annotated[str, Field(min_length=1, max_length=100), LogField, Indexed]
    entity_ids: Annotated[tuple[str, ...], Field(strict=False, max_length=10_000)]
    destination: str | None = Field(default=None, min_length=1, max_length=2_000)


class DataSyncMessage(Message):
    """Writes or reads a file of entities at any fsspec URL, with checksums."""

    queue: ClassVar[str] = "data_sync"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"syncType": "backup", "entityType": "note", "entityIds": ["note-1", "note-2"]},
    )

    message_type: Literal["DATA_SYNC"] = "DATA_SYNC"
    data: DataSyncData

    @classmethod
    def of(
        cls,
        sync_type: SyncType,
        entity_type: str,
        entity_ids: Sequence[str],
        destination: str | None = None,
    ) -> Self:
        """Build the message from its parts.

        Args:
            sync_type: `backup`, `export` or `import`.
            entity_type: Which kind of entity, such as `note`.
            entity_ids: Which ones; an empty sequence means all of them.
            destination: An fsspec URL of a file or folder; None means the setting BACKUP_URL.
        """
        data = DataSyncData(
            sync_type=sync_type,
            entity_type=entity_type,
            # One id is a sequence too, of letters: the field refuses it.
            entity_ids=entity_ids if isinstance(entity_ids, str) else tuple(entity_ids),  # type: ignore[arg-type]
            destination=destination,
        )
        return cls(data=data)
