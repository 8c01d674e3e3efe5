"""From a message and its options to the job that RQ's readers understand. Pure: writes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from messages import Message
from workers.clock import written_now
from workers.errors import InvalidOption
from workers.indexing import marks_of
from workers.options import EnqueueOptions
from workers.plan import JobPlan, plan_for
from workers.settings import Settings
from workers.wire import Stored

JOB_FUNCTION = "workers.jobs.run_message"
"""The function RQ stores by name. It stands in Redis: renaming it breaks the jobs that wait."""


_CALL_BEGINS, _CALL_ENDS = b'["%s", null, [' % JOB_FUNCTION.encode(), b"], {}]"


class JobRecord(NamedTuple):
    """A job as it will be stored.

    Args:
        plan: What it shares with the other jobs of its call.
        id: The message's id.
        data: What RQ stores as the job's call.
        marks: What the index holds of it; None if its type has no indexed field.
    """

    plan: JobPlan
    id: str
    data: bytes
    marks: str | None

    @property
    def keys(self) -> Sequence[str]:
        """The Redis keys that the enqueue script touches."""
        return self.plan.keys

    @property
    def arguments(self) -> Sequence[Stored]:
        """The script's arguments, as of this moment."""
        return (written_now(), *self.plan.arguments, *self.parts)

    @property
    def parts(self) -> Sequence[Stored]:
        """The arguments that are this job's own."""
        if self.marks is None:
            return (self.id, self.data)
        return (self.id, self.data, self.marks)


def job_record(
    message: Message, options: EnqueueOptions, *, settings: Settings, at: datetime | None = None
) -> JobRecord:
    """Check everything and lay out the job.

    Args:
        message: The message.
        options: What the caller said.
        settings: Defaults and routes.
        at: When it is due, if the caller named a time.

    Returns:
        The record; nothing is written.

    Raises:
        InvalidMessage: If the message is too large.
        InvalidOption: If an option cannot be used; the error names it.
    """
    check_is_message(message)
    return record_of(message, plan_for(message, options, settings=settings, at=at))


def check_is_message(message: object) -> None:
    """Refuse anything that is not a message.

    Args:
        message: What the caller passed.

    Raises:
        InvalidOption: If it is something else.
    """
    if not isinstance(message, Message):
        raise InvalidOption(
            f"{type(message).__name__} is not a message.",
            field="message",
            remedy="Pass an instance of a Message class; for JSON see messages.new_message.",
        )


def record_of(message: Message, plan: JobPlan) -> JobRecord:
    """The job of a message whose options are checked already.

    Args:
        message: The message.
        plan: Made for its type, its tenant and its options.

    Raises:
        InvalidMessage: If the message is too large.
    """
    marks = marks_of(message) if plan.is_indexed else None
    return JobRecord(plan, message.message_id, job_data(message.to_json()), marks)


def job_data(body: bytes) -> bytes:
    """What RQ stores as a job's call: the function's name and the envelope, as JSON."""
    return _CALL_BEGINS + body + _CALL_ENDS
