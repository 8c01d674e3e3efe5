"""Whether a message type was ever seen, so that a slip of the pen is no line of zeros. Reads."""

from collections.abc import Iterable, Sequence

import redis

from monitoring.errors import TypeNotFound
from monitoring.numbers.buckets import Bucket, read_sums
from monitoring.numbers.spans import Piece
from monitoring.numbers.type_figures import get_type_figures
from monitoring.queues.known_types import check_type


def check_seen_type(name: str, days: Sequence[Piece], *, connection: redis.Redis) -> None:
    """Refuse a type that nobody knows, of which nothing ended and no job is on record.

    Args:
        name: Its wire name; of a foreign job the function.
        days: Those in which something of it may have ended.
        connection: Where; one round trip for a type that is known, 9 at most for another.

    Raises:
        TypeNotFound: If it was never seen.
    """
    try:
        check_type(name, field="type", connection=connection)
    except TypeNotFound:
        # Of types that are not imported any more, and of foreign jobs, the past is shown.
        if has_ended(name, read_sums(days, connection=connection)):
            return
        listed = get_type_figures(connection=connection)
        if all(each["messageType"] != name for each in listed):
            raise


def has_ended(name: str, buckets: Iterable[Bucket]) -> bool:
    """Whether something of a type ended.

    Args:
        name: Its wire name.
        buckets: When.
    """
    return any(stat.type == name for each in buckets for stat in each.figures)
