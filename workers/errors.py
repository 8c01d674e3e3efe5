"""What can go wrong, by who has to act on it.

A handler raises a `HandlerError` to say which tier of retry a failure deserves. Everything else
here is for callers and operators, and carries a code, a field and a remedy.
"""

from datetime import timedelta

from pydantic import ValidationError

from messages import PostroomError


class HandlerError(Exception):
    """What a handler raises when it knows what kind of failure it met."""


class TransientError(HandlerError):
    """A blip: try again at once."""


class ResourceUnavailable(HandlerError):
    """Something the handler needs is down or wants fewer requests: back off.

    Args:
        message: What is not available, a full sentence.
        retry_after: How long the other side asked to wait, as a timedelta or in seconds; the
            back-off is at least this long, and at most 30 days.
    """

    def __init__(self, message: str, *, retry_after: timedelta | float | None = None) -> None:
        super().__init__(message)
        self.retry_after = None if retry_after is None else _bounded(retry_after)


class MemoryLimitExceeded(ResourceUnavailable):
    """A job took more memory than JOB_MEMORY_LIMIT_MB allows, so its process was ended."""


LONGEST_RETRY_AFTER = timedelta(days=30)


def _bounded(span: timedelta | float) -> timedelta:
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    within = min(max(seconds, 0.0), LONGEST_RETRY_AFTER.total_seconds())
    return timedelta(seconds=within)


class JobStuck(ResourceUnavailable):
    """A job ran for so long that the policy for stuck jobs ended its run, for it to run again.

    Args:
        seconds: How long it had been running.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"It was stuck: STUCK_POLICY ended its run after {seconds:,.0f} s.")


class PermanentError(HandlerError):
    """It will never work: bury it now."""


class JobStopped(BaseException):
    """Somebody stopped this job. It is raised in the handler, and `except Exception` lets it pass.

    What the handler does then makes no difference: its job ends as `stopped`.
    """


class HandlerNotFound(PostroomError):
    """A message type has no handler: a programming error, raised when a worker starts."""

    code = "handler_not_found"
    remedy_text = "Write a function with @handles(...) in a package named in HANDLER_PACKAGES."


class DuplicateHandler(PostroomError):
    """A message type has two handlers: a programming error, raised at import."""

    code = "duplicate_handler"
    remedy_text = "Keep one of them; a second effect belongs in a message of its own."


class InvalidOption(PostroomError, ValueError):
    """An option of enqueue, or a setting, has a value that cannot be used."""

    code = "invalid_option"


class SettingInvalid(PostroomError, ValueError):
    """A variable of the environment, or a line of `.env`, has a value that cannot be used."""

    code = "invalid_setting"
    remedy_text = "Correct it in the environment or in `.env`; docs/settings.md has the units."


def setting_invalid(error: ValidationError) -> SettingInvalid:
    """What is wrong with a setting, without its value, which may be a secret.

    Args:
        error: What reading the settings raised.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"]).upper() or None
    text = first["msg"].removeprefix("Value error, ")
    return SettingInvalid(f"The setting {name or error.title} is wrong: {text}.", field=name)


class BatchInvalid(PostroomError, ValueError):
    """One message of a batch is not valid; its chunk was not written.

    Args:
        cause: What is wrong with it.
        index: Its position in the iterable, from 0.
        enqueued: The ids of the chunks before it, which are written, in order.
    """

    code = "batch_invalid"

    def __init__(self, cause: PostroomError, *, index: int, enqueued: list[str]) -> None:
        super().__init__(
            f"Message {index} of the batch was refused: {cause.message}",
            field=cause.field,
            remedy=cause.remedy,
            code=cause.code,
        )
        self.index = index
        self.enqueued = enqueued


class StorageUnavailable(PostroomError, ConnectionError):
    """Redis does not answer; nothing was written that is not whole."""

    code = "redis_unavailable"
    remedy_text = "Check that Redis runs and that REDIS_URL points to it, then send again."


class StorageRefused(PostroomError):
    """Redis answers, but refuses to write: full, read-only or loading."""

    code = "storage_full"
    remedy_text = "Free memory or raise maxmemory (policy noeviction), then send again."


class JobNotFound(PostroomError, LookupError):
    """No job with this id is known; it may have been removed when its time was over."""

    code = "job_not_found"
    remedy_text = "Compare the id with what enqueue returned."


class WorkerNotFound(PostroomError, LookupError):
    """No worker of queues that lives has this name."""

    code = "worker_not_found"
    remedy_text = "`postroom info` shows the workers."


class FailureGroupNotFound(PostroomError, LookupError):
    """There is no group of failures with this fingerprint, or none any more."""

    code = "failure_group_not_found"
    remedy_text = "`postroom failures list` shows those that there are."


class JobFailed(PostroomError):
    """A job that somebody waited for did not succeed."""

    code = "job_failed"
    remedy_text = "`postroom job ID` shows its attempts."


class RecordDamaged(PostroomError):
    """A field of a job's record in Redis holds what cannot stand there.

    Args:
        job_id: The job.
        field: The field's name.
    """

    code = "record_damaged"

    def __init__(self, job_id: str, field: str) -> None:
        super().__init__(
            f"The record of job {job_id} cannot be read: its `{field}` is damaged.",
            field=field,
            remedy=f"Correct it in Redis, or remove the job: `postroom jobs delete {job_id}`.",
        )


class ResultUnreadable(PostroomError, ValueError):
    """What a job returned was not written as JSON, as by a stock worker that pickles."""

    code = "result_unreadable"
    remedy_text = (
        "Nothing else is ever read: send such jobs with RQ's JSONSerializer, and start their "
        "worker with `-S json`."
    )


class WaitTimeout(PostroomError, TimeoutError):
    """A job that somebody waited for is not done yet."""

    code = "wait_timeout"
    remedy_text = "Wait longer, or ask for its status later; the job itself goes on."


class InvalidState(PostroomError):
    """The job is in a state in which this cannot be done."""

    code = "invalid_state"


class StreamFull(PostroomError):
    """A stream holds as many entries that are not done as it may; nothing was added.

    Args:
        stream: Its key.
        length: Its entries.
        limit: The setting STREAM_LIMIT.
    """

    code = "stream_full"
    remedy_text = (
        "Let more consumers work, or raise STREAM_LIMIT; `postroom streams info` shows which group "
        "is behind."
    )

    def __init__(self, stream: str, length: int, limit: int) -> None:
        super().__init__(
            f"The stream {stream} has {length} entries that are not done; the limit is {limit}.",
            field="stream",
        )
        self.stream = stream
        self.length = length
        self.limit = limit


class StreamNotFound(PostroomError, LookupError):
    """There is no such stream, or no such group or consumer of it."""

    code = "stream_not_found"
    remedy_text = "`postroom streams list` and `postroom streams info NAME` show what there is."


class ReadOnlyClient(PostroomError):
    """A client of streams was made without a group and a name, so it may only look."""

    code = "read_only_client"
    remedy_text = "Make it with StreamClient(consumer_group=..., consumer_name=...)."
