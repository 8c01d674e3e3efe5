"""NOTE_ENRICHMENT: gives a note a title and clean Markdown."""

from handlers.parts.processing import Made, mark_dead, process_once
from handlers.parts.robo import enrich, load_service
from handlers.parts.settings import handler_settings
from handlers.parts.tables import Note
from messages import JsonObject, NoteEnrichmentMessage
from workers import DeadLetter, RetryPolicy, handles, on, on_dead


@handles(NoteEnrichmentMessage, retry=RetryPolicy(max_attempts=5))
def enrich_note(message: NoteEnrichmentMessage) -> JsonObject:
    """Store a title of at most 50 characters and clean Markdown on the note.

    The text the author wrote stays as it is.

    Returns:
        The note's id, its title and the length of its Markdown in characters.

    Raises:
        ResourceUnavailable: If the text service is down or busy.
        PermanentError: If there is no such note.
    """

    def make(note: Note) -> Made:
        enriched = enrich(note.text, handler_settings())
        return Made(
            columns={"title": enriched.title, "markdown": enriched.markdown},
            result={
                "noteId": note.id,
                "title": enriched.title,
                "characters": len(enriched.markdown),
            },
        )

    return process_once(message, Note, message.data.note_id, make)


@on("worker_started")
def prepare(worker_name: str) -> None:
    """Load the text service's client before the worker forks; it takes over a second."""
    del worker_name
    load_service(handler_settings())


@on_dead(NoteEnrichmentMessage)
def mark_note_dead(message: NoteEnrichmentMessage, letter: DeadLetter) -> None:
    """Set the note's status to FAILED or ERROR."""
    mark_dead(message, Note, message.data.note_id, reason=letter.reason)
