"""What the handler of a finished job returned, as a person may see it. Only reads."""

from typing import Any

from rq.job import Job

from messages.base import registered_types
from messages.masking import holds_secrets, secrets_of
from workers import keys
from workers.ended import returned
from workers.errors import ResultUnreadable
from workers.jobs import envelope_of
from workers.redaction import hiding, redacted_value

WITHHELD = "It is not shown: its message is not kept, and may have had secrets that are in it."
"""What is said instead of a result of which nobody knows any more what to hide."""

_LEVELS = 100  # of objects and lists; what is deeper is shown as text


def shown_result(job: Job) -> dict[str, Any]:
    """What a job returned, without the secrets of its message.

    Args:
        job: The job; it has finished.

    Returns:
        `result`, and `resultError`, a sentence that says why it is not shown; None if it is.
    """
    stored: Any = job.connection.xrevrange(keys.result(job.id), count=1)
    try:
        found = returned(job.id, stored[0][1] if stored else {})
    except ResultUnreadable as error:
        return {"result": None, "resultError": str(error)}
    if found is not None and is_withheld(job):
        return {"result": None, "resultError": WITHHELD}
    with hiding(secrets_of(envelope_of(job))):
        return {"result": redacted_value(found, levels=_LEVELS), "resultError": None}


def is_withheld(job: Job) -> bool:
    """Whether a result may hold secrets that nobody can tell, because the message is not kept.

    Args:
        job: The job. Its producer wrote the message's type into the description.
    """
    if job.data:
        return False
    kind = registered_types().get(job.description or "")
    return kind is None or holds_secrets(kind)
