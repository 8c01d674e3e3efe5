"""Why something does not get on: finds out what is meant, reads its facts, explains it. Only reads.

`postroom why` and the board ask here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from messages import PostroomError
from monitoring.answers import as_text
from monitoring.doctor.finding import Finding
from monitoring.errors import SubjectNotFound, unknown_queue
from monitoring.explain.explanations import Explanation, explain_job, explain_queue, explain_stream
from monitoring.explain.facts import StreamFacts
from monitoring.explain.job_facts import read_job_facts
from monitoring.explain.queue_facts import read_queue_facts
from monitoring.explain.stream_facts import read_stream_facts
from monitoring.explain.two_looks import Pace, measured_pace
from monitoring.jobs.places import ahead_of
from monitoring.queues.look import Look, take_look
from workers import keys, stream_keys
from workers.connection import default_connection, storage_errors
from workers.errors import StorageRefused, StorageUnavailable
from workers.routing import queue_of
from workers.settings import Settings, load_settings
from workers.streams.naming import keys_of


def why(
    name: str,
    *,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
    now: datetime | None = None,
    look_again_seconds: float = 0.0,
) -> Sequence[Explanation]:
    """Explain whatever has a name: a job, a queue, a stream, or a unique key.

    Args:
        name: A job's id, a queue's name or that of one of its lists, a stream's key, a unique key.
        connection: Where; None means the server that the settings name.
        settings: None means those of this process.
        now: The server's time; None asks the server.
        look_again_seconds: Where jobs wait and nobody has watched, how long to wait before a second
            look, which tells how fast it goes; 0 does without.

    Returns:
        One explanation for each thing of that name, a job first; nearly always one. If Redis does
        not answer, one that says so.

    Raises:
        SubjectNotFound: If nothing has that name.
    """
    settings = settings or load_settings()
    connection = connection or default_connection()
    try:
        with storage_errors():
            look = take_look(connection=connection, settings=settings, now=now)
            if pace := _pace(name, look, look_again_seconds):
                look = take_look(connection=connection, settings=settings, now=now)
            found = list(_explanations(name, look, pace))
    except (StorageUnavailable, StorageRefused) as error:
        return [_of_storage(error)]
    if not found:
        raise _not_found(name, look)
    return found


def _pace(name: str, look: Look, seconds: float) -> Pace | None:
    """Of the queue of that name, or that the job of that name waits in."""
    if not seconds:
        return None
    origin = as_text(look.connection.hget(keys.job(name), "origin") or b"")
    waits = origin and ahead_of(name, origin, look.snapshot, connection=look.connection) is not None
    return measured_pace(queue_of(origin if waits else name), look, seconds=seconds)


def _explanations(name: str, look: Look, pace: Pace | None) -> Iterator[Explanation]:
    if job := _job(name, look, pace):
        yield job
    queue = queue_of(name)
    if queue in look.snapshot.queues:
        facts = read_queue_facts([queue], look)[queue]
        yield explain_queue(pace.given_to(facts) if pace else facts)
    if stream := _stream(queue, look):
        yield explain_stream(stream)
    holder: Any = look.connection.get(keys.unique(name))
    if holder is not None:
        yield _unique(name, as_text(holder), look)


def _job(job_id: str, look: Look, pace: Pace | None = None) -> Explanation | None:
    facts = read_job_facts(job_id, look)
    if facts.state == "unknown" and not facts.acts:
        return None
    if pace and facts.queue is not None:
        facts = replace(facts, queue=pace.given_to(facts.queue))
    return explain_job(facts)


def _stream(name: str, look: Look) -> StreamFacts | None:
    # Few names are those of streams, and not every user of Redis may read a key of any name.
    try:
        return read_stream_facts(name, look)
    except StorageRefused as error:
        if not isinstance(error.__cause__, NoPermissionError) or _is_known_stream(name, look):
            raise
        return None


def _is_known_stream(name: str, look: Look) -> bool:
    found: Any = look.connection.smismember(stream_keys.streams(), list(keys_of(name)))
    return any(found)


def _unique(key: str, job_id: str, look: Look) -> Explanation:
    inner = _job(job_id, look)
    holds = Finding(
        "unique_key_held",
        "info",
        f"Job {job_id} holds the unique key {key}: what is sent with that key meanwhile is not "
        "stored, and its sender gets the id of that job.",
        f"`postroom why {job_id}`",
    )
    more = inner.text if inner else "There is no record of that job any more."
    return Explanation("unique_key", key, "held", [holds.what, more], [holds])


def _of_storage(error: PostroomError) -> Explanation:
    finding = Finding("redis_unreachable", "critical", error.message, error.remedy)
    return Explanation("redis", "redis", "in_trouble", [finding.what], [finding])


def _not_found(name: str, look: Look) -> SubjectNotFound:
    near = unknown_queue(name, look.snapshot.queues)
    return SubjectNotFound(
        f"There is no job, queue, stream or unique key {name!r}.", field="name", remedy=near.remedy
    )
