"""Which dead letters a command means."""

from postroom import arguments
from workers import dead_letters, utc_now
from workers.connection import default_connection, storage_errors
from workers.dead_letters import DeadLetter, Filter, Summary

_LARGEST_PAGE = 1_000


def letters_like(  # noqa: PLR0913, PLR0917 - one parameter an option of the command
    message_type: str | None,
    queue: str | None,
    why: str | None,
    error: str | None,
    since: str | None,
    until: str | None,
) -> Filter:
    """The filter that the options of a command describe.

    Args:
        message_type: `--type`.
        queue: `--queue`.
        why: `--why`, the letters' reason.
        error: `--error`.
        since: `--since`; see `arguments.moment`.
        until: `--until`.

    Raises:
        InvalidOption: If a time cannot be read.
    """
    now = utc_now()
    return Filter(
        message_type=message_type,
        queue=queue,
        reason=why,
        text=error,
        since=arguments.moment(since, field="since", now=now),
        until=arguments.moment(until, field="until", now=now),
    )


def first_letters(
    wanted: Filter, limit: int, cursor: str | None
) -> tuple[list[Summary], str | None]:
    """As many letters as were asked for, however many pages that takes.

    Args:
        wanted: Which.
        limit: How many, from 1.
        cursor: Where to go on, or None.

    Returns:
        Letters, newest first, and the cursor of what follows.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    found: list[Summary] = []
    while len(found) < limit:
        size = min(limit - len(found), _LARGEST_PAGE)
        with storage_errors():
            page = dead_letters.page(
                wanted, limit=size, cursor=cursor, connection=default_connection()
            )
        found += page.letters
        cursor = page.cursor
        if cursor is None:
            break
    return found, cursor


def one_letter(job_id: str) -> DeadLetter:
    """A letter that must be there.

    Args:
        job_id: Its job.

    Raises:
        DeadLetterNotFound: If it is not.
        StorageUnavailable: If Redis does not answer.
    """
    with storage_errors():
        letter = dead_letters.find(job_id, connection=default_connection())
    if letter is None:
        raise dead_letters.DeadLetterNotFound(
            f"There is no dead letter of a job {job_id}.", field="job_id"
        )
    return letter
