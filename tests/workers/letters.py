"""Dead letters for tests: one as a value, and many in Redis at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from messages import EmailMessage, Message
from workers import By, dead_letters
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.dead_letters import DeadLetter
from workers.jobs import envelope_of


def letter(job_id: str = "job-1", **values: Any) -> DeadLetter:
    known = {
        "message_type": "TEST",
        "queue": "default",
        "reason": "permanent",
        "error": "it broke",
        "buried_at": "2026-01-15T12:00:00+00:00",
    }
    return DeadLetter(job_id, **(known | values))


def bury_many(
    redis: Redis, count: int, *, at: Callable[[int], datetime], prefix: str = "job", **values: Any
) -> list[str]:
    """Store letters `prefix-0000` and on, as an import does; returns their ids."""
    ids = [f"{prefix}-{number:04}" for number in range(count)]
    lines = (
        dead_letters.letter.as_text(letter(job_id, buried_at=at(number).isoformat(), **values))
        for number, job_id in enumerate(ids)
    )
    dead_letters.import_letters(lines, by=By("test", "to have some"), connection=redis)
    return ids


def email(number: int = 1, **envelope: Any) -> EmailMessage:
    return EmailMessage.of(f"ada-{number}@example.com", "Hello", "welcome").model_copy(
        update=envelope
    )


def bury_message(redis: Redis, message: Message, *, queue: str = "email", **values: Any) -> str:
    """Bury a message as a worker does; returns its job's id."""
    death = Death(
        message.message_id,
        queue,
        values.pop("reason", "exhausted"),
        values.pop("error", "SMTPConnectError: refused"),
        message.model_dump(mode="json", by_alias=True),
    )
    bury_job(death, meta=values, now=utc_now(), connection=redis)
    return message.message_id


def message_of(redis: Redis, job_id: str) -> Any:
    """The message that a job carries, as it is stored."""
    return envelope_of(Job.fetch(job_id, connection=redis, serializer=JSONSerializer))
