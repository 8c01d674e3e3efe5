"""What many jobs have logged since somebody last looked, in two round trips for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from workers import keys
from workers.job_log import Line, line_of, number_of


def new_lines(after: Mapping[str, int], *, connection: redis.Redis) -> Mapping[str, Sequence[Line]]:
    """The lines of some jobs that are new to whoever looks.

    Args:
        after: Of each job the number of the last line that is known; 0 for none.
        connection: Where.

    Returns:
        By job the lines with a greater number, oldest first; jobs without any are left out, and so
        is what cannot be read.
    """
    grown = _grown(after, connection)
    with connection.pipeline(transaction=False) as pipe:
        for job_id, more in grown.items():
            pipe.lrange(keys.job_log(job_id), -more, -1)
        answers = pipe.execute()
    return {
        job_id: _later(entries, after[job_id])
        for job_id, entries in zip(grown, answers, strict=True)
    }


def _grown(after: Mapping[str, int], connection: redis.Redis) -> Mapping[str, int]:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in after:
            pipe.lrange(keys.job_log(job_id), -1, -1)
        newest = pipe.execute()
    # Numbers have no gaps, so they tell how many lines came since.
    told = {
        job_id: number_of(found[0]) - known
        for (job_id, known), found in zip(after.items(), newest, strict=True)
        if found
    }
    return {job_id: more for job_id, more in told.items() if more > 0}


def _later(entries: Sequence[Any], known: int) -> Sequence[Line]:
    found = (line_of(entry) for entry in entries if number_of(entry) > known)
    return [line for line in found if line is not None]
