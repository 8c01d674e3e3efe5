"""What a reader can be told instead of an answer."""

from collections.abc import Iterable
from difflib import get_close_matches

from messages import PostroomError

_NAMES_SHOWN = 8


class AskAgain(PostroomError):
    """There is no room for somebody now, and it is known when there may be.

    Args:
        message: What is wrong, a full sentence.
        after: Seconds until it is worth asking again.
        code: As for every error.
    """

    def __init__(self, message: str, *, after: float, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.after = after


class InvalidQuery(PostroomError, ValueError):
    """A question has a parameter that cannot be answered."""

    code = "invalid_query"


class QueueNotFound(PostroomError, LookupError):
    """No queue of this name is in the settings, and none was ever used."""

    code = "queue_not_found"


class TypeNotFound(PostroomError, LookupError):
    """No message type of this name is imported."""

    code = "type_not_found"
    remedy_text = "GET /api/message-types lists them; MESSAGE_PACKAGES says where they come from."


class SubjectNotFound(PostroomError, LookupError):
    """Nothing that could be explained has this name."""

    code = "subject_not_found"


def unknown_queue(name: str, known: Iterable[str]) -> QueueNotFound:
    """What to say about a queue that is not there.

    Args:
        name: What was asked for.
        known: The queues that are there.

    Returns:
        The error; its remedy has the names that are most like it.
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        remedy = f"Did you mean {' or '.join(near)}?"
    else:
        more = "" if len(names) <= _NAMES_SHOWN else f" and {len(names) - _NAMES_SHOWN} more"
        remedy = f"There are {', '.join(names[:_NAMES_SHOWN])}{more}."
    return QueueNotFound(f"There is no queue {name!r}.", field="queue", remedy=remedy)
