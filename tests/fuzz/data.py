"""What made-up requests find: jobs in several states, dead letters, a stream, a pause."""

from collections.abc import Mapping, Sequence

from redis import Redis

from messages import EmailMessage, TestData, TestMessage
from tests.workers.letters import bury_message
from workers import By, enqueue, pauses, publish

STREAM = "jobs:guild:7:message_scan"


def fill(redis: Redis) -> Mapping[str, Sequence[str]]:
    """Put it there, in an empty database.

    Args:
        redis: Where; it is emptied.

    Returns:
        What path parameters may name, by their names.
    """
    redis.flushdb()
    jobs = [enqueue(_message(), connection=redis, delay=60 * number).id for number in range(4)]
    dead = [bury_message(redis, _email(number)) for number in range(4)]
    for _ in range(4):
        publish(_message(), stream=STREAM, connection=redis)
    pauses.pause("queue", "email", by=By("anna", "to have one"), connection=redis)
    return {
        "queue": ["default", "email", "default:high"],
        "job_id": [*jobs, *dead],
        "name": [STREAM, "EMAIL", "TEST"],
        "guild_id": ["7"],
    }


def _message() -> TestMessage:
    return TestMessage(data=TestData(test_type="echo"))


def _email(number: int) -> EmailMessage:
    return EmailMessage.of(f"ada-{number}@example.com", "Hello", "welcome")
