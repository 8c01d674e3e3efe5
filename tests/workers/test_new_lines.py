from redis import Redis

from tests.monitoring.conftest import url_of
from tests.monitoring.counting import Counting, counting
from tests.workers.test_job_log import event
from workers import keys
from workers.job_log import JobLog
from workers.new_lines import new_lines


def write(redis: Redis, job_id: str, *texts: str) -> None:
    log = JobLog(job_id=job_id, connection=redis, ttl=1000, ttl_if_done=100)
    for text in texts:
        log.keep(event(text=text))
    log.flush()


def told(redis: Redis, **after: int) -> dict[str, list[tuple[int, str]]]:
    found = new_lines(after, connection=redis)
    return {
        job_id: [(line.number, line.entry["text"]) for line in lines]
        for job_id, lines in found.items()
    }


def test_of_each_job_only_what_is_new_is_read(redis: Redis) -> None:
    write(redis, "one", "a", "b", "c")
    write(redis, "two", "d")

    assert told(redis, one=1, two=1, three=0) == {"one": [(2, "b"), (3, "c")]}
    assert told(redis, one=0, two=0) == {
        "one": [(1, "a"), (2, "b"), (3, "c")],
        "two": [(1, "d")],
    }


def test_lines_that_are_gone_and_lines_that_cannot_be_read_are_left_out(redis: Redis) -> None:
    write(redis, "one", "a", "b", "c", "d")
    redis.ltrim(keys.job_log("one"), 2, -1)
    redis.rpush(keys.job_log("one"), "5 0 {")

    assert told(redis, one=0) == {"one": [(3, "c"), (4, "d")]}


def test_many_logs_cost_two_round_trips(redis: Redis) -> None:
    for number in range(50):
        write(redis, f"job-{number}", "a")
    with counting(url_of(redis)) as client:
        found = new_lines({f"job-{number}": 0 for number in range(50)}, connection=client)

    assert len(found) == 50
    assert Counting.sent == 2
