"""Why a dead letter cannot be shown, edited or replayed."""

from messages import PostroomError


class DeadLetterNotFound(PostroomError, LookupError):
    """There is no such letter: it was never there, or it was replayed, purged or requeued."""

    code = "dead_letter_not_found"
    remedy_text = "`postroom dead-letters list` shows those that are there."


class NotReplayable(PostroomError):
    """No message can be made from this letter as it is."""

    code = "not_replayable"


class AlreadyReplayed(PostroomError):
    """A job was requeued whose letter was replayed: its message runs once, as the other job."""

    code = "already_replayed"


class LetterChanged(PostroomError):
    """Somebody else edits this letter all the time."""

    code = "letter_changed"
    remedy_text = "Look at it again with `postroom dead-letters show`, then repeat."


class InvalidLetter(PostroomError, ValueError):
    """A line of an imported file is no dead letter."""

    code = "invalid_letter"
    remedy_text = "Import only what `postroom dead-letters export` or the spill file wrote."
