"""What failed in the tests of the board: two groups that differ in all that people look at."""

from messages import EmailMessage, new_message
from monitoring.failures.groups import read_groups
from tests.workers.failing import Failing, raised
from workers import dead_letters
from workers.dead_letters import Filter


def workout(number: int = 0, **changes: object):
    ids = {f"{name}Id": f"{name}-{number}" for name in ("exercisePlan", "phase", "session")}
    data = {
        **ids,
        "exerciseId": "exercise-202",
        "changes": {"sets": 4, "notes": "135 lb"} | changes,
    }
    metadata = {"producer": "ios-app 3.8.0"}
    return new_message("WORKOUT_UPDATE", data, metadata=metadata)


def fail_workouts(redis, count: int, queue: str = "default") -> list[str]:
    """Dead letters of one group; returns their jobs, oldest first."""
    failing = Failing(redis, queue)
    error = raised("changes.weight is not a number", ValueError)
    return [failing.died(error, message=workout(number)) for number in range(count)]


def fail_emails(redis, count: int) -> list[str]:
    failing = Failing(redis)
    sent = [
        EmailMessage.of(f"a{number}@gmail.com", "Your week", "weekly") for number in range(count)
    ]
    return [failing.died(raised("too many requests"), message=each) for each in sent]


def group_of(redis, kind: str) -> str:
    return next(name for name, group in read_groups(connection=redis) if group["type"] == kind)


def left(redis, fingerprint: str) -> int:
    return len(dead_letters.page(Filter(fingerprint=fingerprint), connection=redis).letters)
