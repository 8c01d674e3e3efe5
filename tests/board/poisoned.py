"""Texts that try to become a script, wherever Redis holds one that the board shows."""

import json
from dataclasses import dataclass

from redis import Redis
from rq import Queue, Worker

from messages import EmailMessage
from tests.monitoring.payloads_xss import PAYLOADS
from tests.workers.letters import bury_message
from workers import By, deploys, enqueue_many, keys, pauses, stream_keys
from workers.attempts import AttemptRecord, record
from workers.clock import shown_time, utc_now

SOME = PAYLOADS[:9]


@dataclass(frozen=True)
class Poisoned:
    """What the pages of single things are asked for.

    Args:
        job: A job that waits and carries all texts.
        letter: The job of a dead letter that does, and died with them.
        queue: Named like one of them.
        stream: Likewise.
    """

    job: str
    letter: str
    queue: str
    stream: str


def mail(text: str) -> EmailMessage:
    return EmailMessage.of("ada@example.com", f"S{text}", "welcome", template_data={text: text})


def poison(redis: Redis) -> Poisoned:
    """Put all texts into messages, errors, logs, and some into everything that has a name."""
    every = EmailMessage.of(
        "ada@example.com", PAYLOADS[0], "welcome", template_data={text: text for text in PAYLOADS}
    )
    (job,) = enqueue_many([every], connection=redis)
    enqueue_many([mail(text) for text in PAYLOADS], connection=redis)
    for number, text in enumerate(PAYLOADS, 1):
        line = json.dumps({"event": text, "level": text, text: text})
        redis.rpush(keys.job_log(job), f"{number} {number} {line}")
        bury_message(redis, mail(text), error=text)
    dead = every.model_copy(update={"message_id": f"{every.message_id[:-2]}zz"})
    letter = bury_message(redis, dead, error="\n".join(PAYLOADS))
    for number, text in enumerate(SOME, 1):
        tried = AttemptRecord(
            number=number,
            outcome="retried",
            error_type=text,
            error=text,
            traceback=text,
            worker=text,
            started_at=shown_time(utc_now()),
            tier=text,
            why=text,
            code_version=text,
            place=text,
        )
        record(tried, job_id=job, ttl=600, connection=redis)
        pauses.pause("tenant", text, by=By(text, text), connection=redis)
        pauses.pause("type", text, by=By(text, text), connection=redis)
        deploys.mark(text[:40], note=text, actor=text, connection=redis)
        redis.sadd(keys.queues(), keys.queue(text))
        redis.rpush(keys.queue(text), text)
        redis.xadd(f"jobs:guild:{text}", {text: text, "data": text})
        redis.sadd(stream_keys.streams(), f"jobs:guild:{text}")
        worker = Worker([Queue(text, connection=redis)], name=f"w{number}", connection=redis)
        worker.register_birth()
        redis.hset(worker.key, mapping={"version": text, "code_version": text, "hostname": text})
    named = SOME[4].replace("/", "")  # a slash would end the name in a path
    redis.sadd(keys.queues(), keys.queue(named))
    redis.sadd(stream_keys.streams(), f"jobs:guild:{named}")
    redis.xadd(f"jobs:guild:{named}", {named: named})
    return Poisoned(job, letter, named, f"jobs:guild:{named}")
