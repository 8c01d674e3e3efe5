"""The smallest message, in Python and on the wire, and what a reader says against one."""

import json
from typing import Any

import pytest

from messages import (
    InvalidMessage,
    Message,
    NoteEnrichmentData,
    NoteEnrichmentMessage,
    parse_message,
)
from tests.messages.documents import Document


def note(**envelope: Any) -> NoteEnrichmentMessage:
    return NoteEnrichmentMessage(data=NoteEnrichmentData(note_id="note-1"), **envelope)


def a_note(**more: Any) -> Document:
    return {"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "note-1"}, **more}


def on_the_wire(message: Message) -> dict[str, Any]:
    return json.loads(message.to_json())


def refusal(data: Any) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as refused:
        parse_message(data)
    return refused.value
