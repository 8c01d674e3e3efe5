"""NOTE_ENRICHMENT: give a note a title and clean Markdown."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from messages.base import Message, Payload
from messages.fields import Indexed, LogField


class NoteEnrichmentData(Payload):
    """Which note."""

    note_id: Annotated[str, Field(min_length=1, max_length=128), LogField, Indexed]


class NoteEnrichmentMessage(Message):
    """Stores a title and clean Markdown on the note."""

    queue: ClassVar[str] = "note_enrichment"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"noteId": "note-1"},)

    message_type: Literal["NOTE_ENRICHMENT"] = "NOTE_ENRICHMENT"
    data: NoteEnrichmentData

    @classmethod
    def of(cls, note_id: str) -> Self:
        """Build the message for one note.

        Args:
            note_id: Id of the note.
        """
        return cls(data=NoteEnrichmentData(note_id=note_id))
