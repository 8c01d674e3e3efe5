"""Fills a server with as many jobs, queues, dead letters and streams as one is asked to look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis
from rq.utils import utcformat
from uuid_utils import uuid7

from messages import EmailMessage, NotificationMessage
from workers import By, dead_letters, enqueue, enqueue_many, keys, publish_many
from workers.clock import utc_now

_CHUNK = 2_000
_TENANTS = 50
_DONE_AND_KEPT = {"finished": keys.finished, "failed": keys.failed}


@dataclass(frozen=True)
class Crowd:
    """How much there is to look at.

    Args:
        jobs: In all states; two of three wait, the others have ended.
        queues: Over which they are spread.
        letters: Dead letters.
        streams: Each with some entries.
    """

    jobs: int
    queues: int
    letters: int
    streams: int


MILLION = Crowd(jobs=1_000_000, queues=200, letters=10_000, streams=1_000)
SOME = Crowd(jobs=20_000, queues=200, letters=500, streams=100)


def fill(crowd: Crowd, *, connection: redis.Redis) -> Mapping[str, str]:
    """Put it there: the waiting by `enqueue_many`, the ended as copies of a record that it made.

    Args:
        crowd: How much.
        connection: Where.

    Returns:
        What path parameters may name: a queue, a job, a stream, a guild, a letter, and a tenant
        that has some of these.
    """
    waiting = crowd.jobs * 2 // 3
    ids: list[str] = []
    for number, part in enumerate(_parts(waiting, crowd.queues)):
        ids += enqueue_many(
            (_email(each) for each in range(part)), queue=_queue(number), connection=connection
        )
    ended = _end_many(crowd.jobs - waiting, crowd.queues, connection)
    letter = _bury(crowd.letters, connection)
    for number in range(crowd.streams):
        stream = f"jobs:guild:{number}:message_scan"
        publish_many([_note(each) for each in range(3)], stream=stream, connection=connection)
    return {
        "queue": _queue(0),
        "job_id": ids[len(ids) // 2] if ids else ended,
        "name": "jobs:guild:7:message_scan",
        "guild_id": "7",
        "letter": letter,
        "tenant": "tenant-0",
    }


def _end_many(count: int, queues: int, connection: redis.Redis) -> str:
    template = _template(connection)
    last, now = "", utc_now().timestamp()
    for state, numbers in (("finished", count * 9 // 10), ("failed", count - count * 9 // 10)):
        made = iter(range(numbers))
        while chunk := list(islice(made, _CHUNK)):
            with connection.pipeline(transaction=False) as pipe:
                for number in chunk:
                    last, name = str(uuid7()), _queue(number % queues)
                    fields = {**template, b"status": state, b"origin": name}
                    pipe.hset(keys.job(last), mapping=fields)
                    pipe.zadd(_DONE_AND_KEPT[state](name), {last: now + 86_400})
                pipe.execute()
    return last


def _template(connection: redis.Redis) -> dict[Any, Any]:
    job_id = enqueue(_email(0), connection=connection).id
    fields: Any = connection.hgetall(keys.job(job_id))
    ended = utcformat(utc_now())
    return {**fields, b"started_at": ended, b"ended_at": ended}


def _bury(count: int, connection: redis.Redis) -> str:
    now = utc_now().isoformat()
    made = [
        dead_letters.DeadLetter(
            job_id=f"dead-{number:06}",
            message_type="EMAIL",
            queue=_queue(number % 7),
            reason="exhausted",
            error=f"SMTPConnectError: host {number % 50} refused",
            buried_at=now,
            envelope=_email(number).model_dump(mode="json", by_alias=True),
        )
        for number in range(count)
    ]
    lines = (dead_letters.letter.as_text(each) for each in made)
    dead_letters.import_letters(lines, by=By("bench", "to have some"), connection=connection)
    return made[0].job_id if made else ""


def _parts(count: int, parts: int) -> Iterator[int]:
    each, rest = divmod(count, parts)
    return (each + (number < rest) for number in range(parts))


def _queue(number: int) -> str:
    return f"queue-{number:03}"


def _email(number: int) -> EmailMessage:
    message = EmailMessage.of(f"ada-{number % 1_000}@example.com", "Your week", "weekly_summary")
    return message.model_copy(update={"metadata": {"tenant": f"tenant-{number % _TENANTS}"}})


def _note(number: int) -> NotificationMessage:
    return NotificationMessage.of(f"user-{number}", "Done", "Your week is done")
