"""The list of jobs in pages: each job once, in few round trips, while jobs come and go."""

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from monitoring.errors import InvalidQuery
from monitoring.jobs.pages import LONGEST_CURSOR, MOST_JOBS, get_job_page
from monitoring.search.trips import MOST_TRIPS
from postroom.embedded import redis_server as running_server
from tests.monitoring.trips import counting
from tests.workers.conftest import message
from workers import By, enqueue, keys, pauses
from workers.clock import iso

JOBS = 20_000
QUEUES = ("email", "default", "one:high", "two", "two:low")
KINDS = ("EMAIL", "TEST", "BUILD")
_SETS = (keys.finished, keys.failed, keys.scheduled, keys.deferred, keys.canceled)
_STATUS = ("finished", "failed", "scheduled", "deferred", "canceled", "queued")
_STATES = ("completed", "failed", "delayed", "deferred", "canceled", "waiting")

Told = dict[str, Any]


def add(redis: Redis, numbers: range | list[int]) -> None:
    """Jobs with an id, a list, a state and a type that follow from their number."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.sadd(keys.queues(), *map(keys.queue, QUEUES))
        for number in numbers:
            name, place = QUEUES[number % 5], number // 5 % 6
            record = {
                "status": _STATUS[place],
                "origin": name,
                "description": KINDS[number % 3],
                "created_at": iso(1_700_000_000 + number),
            }
            pipe.hset(keys.job(job_id(number)), mapping=record)
            if place == len(_SETS):
                pipe.rpush(keys.queue(name), job_id(number))
            else:  # many have the same score, and those of one set none at all
                score = "inf" if place == 1 else 1_700_000_000 + number // 40
                pipe.zadd(_SETS[place](name), {job_id(number): score})
        pipe.execute()


def job_id(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-{number:012x}"


def state_of(number: int) -> str:
    return _STATES[number // 5 % 6]


def pages(
    client: Redis,
    *,
    limit: int = MOST_JOBS,
    between: Callable[[], None] = lambda: None,
    **asked: str,
) -> Iterator[list[Told]]:
    cursor = None
    for _ in range(JOBS):
        client.trips  # noqa: B018 - begins to count anew
        page = get_job_page(limit=limit, cursor=cursor, seconds=9, connection=client, **asked)
        assert client.trips <= MOST_TRIPS
        assert len(page["jobs"]) == limit or page["partial"] or page["cursor"] is None
        yield page["jobs"]
        cursor = page["cursor"]
        if cursor is None:
            return
        assert len(cursor) <= LONGEST_CURSOR / 2
        between()
    pytest.fail(f"{asked} has no end")


def ids(found: Iterator[list[Told]]) -> list[str]:
    return [job["jobId"] for job in itertools.chain.from_iterable(found)]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server with 20,000 jobs; only read."""
    with running_server(tmp_path_factory.mktemp("pages")) as server:
        with Redis.from_url(server.url) as client:
            for begin in range(0, JOBS, 5_000):
                add(client, range(begin, begin + 5_000))
        with counting(server.url) as counted:
            yield counted


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, lambda _: True),
        ({"queue": "two"}, lambda number: number % 5 in {3, 4}),
        ({"state": "failed"}, lambda number: state_of(number) == "failed"),
        ({"message_type": "BUILD"}, lambda number: number % 3 == 2),
        (
            {"queue": "email", "state": "waiting", "message_type": "TEST"},
            lambda number: number % 5 == 0 and state_of(number) == "waiting" and number % 3 == 1,
        ),
    ],
)
def test_of_20_000_jobs_each_that_fits_is_on_exactly_one_page(many, asked, fits) -> None:
    found = ids(pages(many, **asked))

    assert sorted(found) == [job_id(number) for number in range(JOBS) if fits(number)]


def test_the_first_page_has_what_changed_last_wherever_it_stands(many) -> None:
    first = next(pages(many, limit=20))

    assert [job["jobId"] for job in first] == [job_id(JOBS - 1 - at) for at in range(20)]


def test_what_time_is_up_for_is_told_and_the_next_page_goes_on(many) -> None:
    found, cursor = [], None
    for _ in range(1_000):
        page = get_job_page(
            queue="email", message_type="NONE", cursor=cursor, seconds=1e-9, connection=many
        )
        found += page["jobs"]
        cursor = page["cursor"]
        if cursor is None:
            break
        assert page["partial"]

    assert (found, cursor) == ([], None)


# --- while jobs come and go -----------------------------------------------------------------------


@pytest.mark.parametrize("limit", [7, 50])
def test_jobs_that_stay_are_on_exactly_one_page_whatever_comes_and_goes(
    redis: Redis, redis_server, limit: int
) -> None:
    add(redis, range(2_000))
    chance, new = random.Random(limit), itertools.count(10_000)
    staying = {job_id(number) for number in range(0, 2_000, 2)}
    going = list(range(1, 2_000, 2))
    chance.shuffle(going)

    def shake() -> None:
        add(redis, [next(new) for _ in range(chance.randrange(20))])
        for number in [going.pop() for _ in range(min(len(going), chance.randrange(10)))]:
            name = QUEUES[number % 5]
            redis.lrem(keys.queue(name), 0, job_id(number))
            for key_of in _SETS:
                redis.zrem(key_of(name), job_id(number))
            redis.delete(keys.job(job_id(number)))

    with counting(redis_server.url) as client:
        found = ids(pages(client, limit=limit, between=shake))

    assert sorted(each for each in found if each in staying) == sorted(staying)


def test_when_all_that_a_cursor_remembers_is_gone_it_goes_on_behind_it(redis) -> None:
    names = [f"job-{number:03d}" for number in range(60)]
    for number, name in enumerate(names):
        redis.hset(keys.job(name), mapping={"status": "finished", "origin": "email"})
        redis.zadd(keys.finished("email"), {name: number})
    asked = {"queue": "email", "state": "completed", "limit": 10, "connection": redis}
    first = get_job_page(**asked)
    second = get_job_page(cursor=first["cursor"], **asked)
    shown = [job["jobId"] for page in (first, second) for job in page["jobs"]]
    assert shown == names[:39:-1]

    redis.zrem(keys.finished("email"), *shown)
    redis.zadd(keys.finished("email"), {f"new-{number}": 100 + number for number in range(30)})
    third = get_job_page(cursor=second["cursor"], **asked)

    assert [job["jobId"] for job in third["jobs"]] == names[39:29:-1]


def test_jobs_that_a_pause_holds_back_are_listed_too(redis) -> None:
    handles = [enqueue(message(), queue="email", connection=redis) for _ in range(3)]
    pauses.pause("type", "TEST", by=By("ada", "why not"), connection=redis)
    held = keys.held("type:TEST", "email")
    redis.sadd(keys.holds("type:TEST"), "email")
    redis.zadd(held, {each.id: number for number, each in enumerate(handles)})
    redis.delete(keys.queue("email"))

    found = [
        (job["jobId"], job["state"])
        for page in _all(redis, limit=1, state="held")
        for job in page["jobs"]
    ]
    assert sorted(found) == sorted((each.id, "held") for each in handles)


def _all(redis: Redis, **asked: Any) -> Iterator[Told]:
    cursor = ""
    while cursor is not None:
        page = get_job_page(cursor=cursor, connection=redis, **asked)
        yield page
        cursor = page["cursor"]


# --- cursors that are none ------------------------------------------------------------------------


def test_a_page_that_has_all_has_no_cursor(redis) -> None:
    assert get_job_page(connection=redis) == {"jobs": [], "cursor": None, "partial": False}
    handles = [enqueue(message(), connection=redis) for _ in range(5)]
    page = get_job_page(limit=5, connection=redis)

    assert [job["jobId"] for job in page["jobs"]] == [each.id for each in handles[::-1]]
    assert (page["cursor"], page["partial"]) == (None, False)
    assert get_job_page(limit=4, connection=redis)["cursor"] is not None


@pytest.mark.parametrize("cursor", ["next", ".", "AAAA.", "W10=.W10=", "é", "A.B.C"])
def test_what_is_no_cursor_is_refused(redis, cursor: str) -> None:
    with pytest.raises(InvalidQuery, match="no cursor"):
        get_job_page(cursor=cursor, connection=redis)


def test_a_cursor_belongs_to_what_was_asked_for(redis) -> None:
    for _ in range(3):
        enqueue(message(), connection=redis)
    cursor = get_job_page(limit=1, queue="default", connection=redis)["cursor"]

    with pytest.raises(InvalidQuery, match="no cursor of this query"):
        get_job_page(limit=1, queue="email", cursor=cursor, connection=redis)


@pytest.mark.parametrize("limit", [0, MOST_JOBS + 1])
def test_a_page_has_its_bounds(redis, limit: int) -> None:
    with pytest.raises(InvalidQuery, match="limit is"):
        get_job_page(limit=limit, connection=redis)
