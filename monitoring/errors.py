"""What a reader can be told instead of an answer."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

import redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from messages import PostroomError
from workers.errors import StorageUnavailable

_NAMES_SHOWN = 8


class InvalidQuery(PostroomError, ValueError):
    """A question has a parameter that cannot be answered."""

    code = "invalid_query"


class QueueNotFound(PostroomError, LookupError):
    """No queue of this name is in the settings, and none was ever used."""

    code = "queue_not_found"


class ReadRefused(PostroomError):
    """Redis answers, but does not let this user read."""

    code = "redis_refused"
    remedy_text = "`postroom doctor` names the commands that this user may not run."


@contextmanager
def reading_errors() -> Iterator[None]:
    """Turn what redis-py raises into the two errors that readers are told about.

    Raises:
        StorageUnavailable: If the server does not answer in time, or is still loading.
        ReadRefused: If it answers, and refuses.
    """
    try:
        yield
    except AuthenticationError as error:
        raise StorageUnavailable(
            f"Redis refuses the login: {_text(error)}.",
            remedy="Correct the user and password in REDIS_URL or REDIS_PASSWORD.",
            code="redis_login",
        ) from error
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StorageUnavailable(
            f"Redis cannot be reached: {_text(error)}.",
            remedy="Check that Redis runs, and that REDIS_URL or REDIS_HOST names it.",
        ) from error
    except redis.ResponseError as error:
        raise ReadRefused(f"Redis refused to be read: {_text(error)}.") from error


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


def _text(error: Exception) -> str:
    return str(error).rstrip(".")
