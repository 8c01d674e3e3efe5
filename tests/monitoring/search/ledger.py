"""A ledger of jobs whose whole state a test knows, and a naive search over it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis
from rq.utils import utcformat

from messages import EmailMessage, Message, NoteEnrichmentMessage, TestData, TestMessage
from workers import By, Settings, enqueue_many, keys, pauses
from workers.fingerprint import normal_text

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
QUEUES = ("email", "notes", "reports", "seldom")
STATUS = {
    "waiting": "queued",
    "active": "queued",
    "held": "queued",
    "delayed": "scheduled",
    "deferred": "deferred",
    "completed": "finished",
    "failed": "failed",
    "canceled": "canceled",
}


_STARTED = {"completed", "failed"}


@dataclass(frozen=True)
class Job:
    """One line of the ledger."""

    id: str
    kind: str
    queue: str
    state: str
    sent: datetime
    fields: dict[str, str]
    error: str = ""
    number: int = 0

    @property
    def waited(self) -> int | None:
        """Seconds; those that wait still were sent a second apart."""
        if self.state in {"waiting", "active", "held"}:
            return int((NOW - self.sent).total_seconds())
        return self.number % 100 if self.state in _STARTED else None

    @property
    def ran(self) -> int | None:
        """Seconds."""
        return self.number % 7 if self.state in _STARTED else None


def messages(count: int) -> Iterator[Message]:
    """Messages, one a second, whose ids begin with their time, as all ids do."""
    for number, message in enumerate(_made(count)):
        time = f"{int(_sent(number, count).timestamp() * 1000):012x}"
        job_id = f"{time[:8]}-{time[8:]}-7{number % 4096:03x}-8000-{number:012x}"
        yield message.model_copy(update={"message_id": job_id})


def _sent(number: int, count: int) -> datetime:
    return NOW - timedelta(seconds=count - number)


def _made(count: int) -> Iterator[Message]:
    for number in range(count):
        if number % 4 == 0:
            note = "often" if number % 8 else "n-10" if number % 400 == 0 else f"n{number}"
            yield NoteEnrichmentMessage.of(f"{note}")
        elif number % 4 == 1:
            yield TestMessage(data=TestData(test_type="echo"))
        else:
            to = "ten" if number % 300 == 2 else "often" if number % 3 else f"u{number}"
            yield EmailMessage.of(f"{to}@example.com", "Hello", "welcome")


def fill(redis: Redis, count: int) -> list[Job]:
    """Store jobs in all states; the states are put there as they are in Redis, by hand."""
    sent = list(messages(count))
    pauses.pause("type", "EMAIL", by=By("ann", "a test"), connection=redis)
    jobs = [_job(number, message, count) for number, message in enumerate(sent)]
    for queue in QUEUES:
        mine = [each for each, job in zip(sent, jobs, strict=True) if job.queue == queue]
        enqueue_many(mine, queue=queue, connection=redis, settings=Settings(index_jobs=count))
        redis.delete(keys.queue(queue))
    with redis.pipeline(transaction=False) as pipe:
        for number, job in enumerate(jobs):
            _put(pipe, number, job)
        pipe.execute()
    _date_index(redis, jobs)
    return jobs


def _date_index(redis: Redis, jobs: list[Job]) -> None:
    """Let the index say that each job was stored when it was sent."""
    sent = {job.id: int(job.sent.timestamp() * 1000) for job in jobs}
    for kind in ("EMAIL", "NOTE_ENRICHMENT"):
        for key in (keys.older_index(kind), keys.index(kind)):
            lines = [line.decode().partition(" ")[2] for line in redis.lrange(key, 0, -1)]
            dated = sorted((sent[line.partition("\n")[0]], line) for line in lines)
            redis.delete(key)
            if dated:
                redis.rpush(key, *(f"{time} {line}" for time, line in dated))


def _job(number: int, message: Message, count: int) -> Job:
    states = list(STATUS)
    state = "canceled" if number % 401 == 5 else states[number % 7]
    queue = "seldom" if number % 390 == 0 else QUEUES[number % 3]
    data: Any = message.data
    fields = {name: getattr(data, name) for name in ("to", "note_id") if hasattr(data, name)}
    error = ""
    if state == "failed":
        error = "the order is closed" if number % 2 else f"connection to host {number} timed out"
    return Job(
        message.message_id,
        message.message_type,
        queue,
        state,
        _sent(number, count),
        fields,
        error,
        number,
    )


def _put(pipe: Any, number: int, job: Job) -> None:
    written = {"status": STATUS[job.state], "created_at": utcformat(job.sent)}
    written["enqueued_at"] = written["created_at"]
    if job.state in _STARTED and job.waited is not None and job.ran is not None:
        began = job.sent + timedelta(seconds=job.waited)
        written["started_at"] = utcformat(began)
        written["ended_at"] = utcformat(began + timedelta(seconds=job.ran))
    sets = {"delayed": keys.scheduled, "deferred": keys.deferred, "completed": keys.finished}
    sets |= {"failed": keys.failed, "canceled": keys.canceled}
    if job.state == "waiting":
        pipe.rpush(keys.queue(job.queue), job.id)
    elif job.state == "active":
        pipe.zadd(keys.started(job.queue), {f"{job.id}:holder-{number}": number})
    elif job.state == "held":
        key = keys.held("type:EMAIL", job.queue)
        written["held"] = key
        pipe.zadd(key, {job.id: number})
        pipe.sadd(keys.holds("type:EMAIL"), job.queue)
    else:
        pipe.zadd(sets[job.state](job.queue), {job.id: 1_800_000_000 + number // 50})
    pipe.hset(keys.job(job.id), mapping=written)
    if job.error:
        _put_failure(pipe, number, job)


def _put_failure(pipe: Any, number: int, job: Job) -> None:
    name = f"{normal_text(job.error)[:12]}-{job.kind}-{number % 3}".replace(" ", "-")
    told = {"first": 1, "last": number, "count": 1, "type": job.kind, "class": "app.OrderError"}
    pipe.hset(keys.failure(name), mapping=told | {"text": normal_text(job.error)})
    pipe.hset(keys.failure(name), "jobs", "")
    pipe.zadd(keys.failures(), {name: number})


def samples(redis: Redis, jobs: list[Job]) -> set[str]:
    """Give each group of failures its newest twenty jobs; returns all of them."""
    of: dict[str, list[str]] = {}
    for number, job in enumerate(jobs):
        if job.error:
            name = f"{normal_text(job.error)[:12]}-{job.kind}-{number % 3}".replace(" ", "-")
            of.setdefault(name, []).append(job.id)
    for name, ids in of.items():
        redis.hset(keys.failure(name), "jobs", "\n".join(ids[-20:]))
    return set(itertools.chain.from_iterable(ids[-20:] for ids in of.values()))


def fits(job: Job, name: str, value: str, sampled: set[str]) -> bool:
    """The oracle: one qualifier, asked of the ledger."""
    if name.startswith("-"):
        return not fits(job, name[1:], value, sampled)
    if name in {"wait", "run"}:
        took = job.waited if name == "wait" else job.ran
        bound = int(value[1:-1])
        return took is not None and (took > bound if value[0] == ">" else took < bound)
    simple = {"type": job.kind, "queue": job.queue, "state": job.state}
    if name == "id":
        return job.id.startswith(value)
    if name == "error":
        text = f"app.ordererror {job.error}" if job.error else ""
        words = value.strip('"').casefold().split()
        return job.id in sampled and all(word in text for word in words)
    if name in {"since", "until"}:
        bound = datetime.fromisoformat(value)
        return job.sent >= bound if name == "since" else job.sent <= bound
    return (simple | job.fields).get(name) == value
